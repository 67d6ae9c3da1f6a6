#include "model/model_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/parameter_file.h"
namespace unroll {
namespace {

using Layout = ParameterSpec::Layout;
using ::testing::ElementsAre;

/// One of each layer, with all that its parameters depend on.
ModelSpec each_layer() {
  const RecurrentOptions options{.cell = CellType::gru, .hidden = 3, .layers = 2, .bidirectional = true};
  return {EmbeddingSpec{.name = "in", .symbols = 7, .width = 5},
          RecurrentSpec{.name = "net", .input = 5, .options = options}, LinearSpec{.name = "out", .in = 6, .out = 4}};
}

/// The model is made of the spec, and its parameters are those that the spec lists.
TEST(ModelSpec, ListsTheParametersThatTheLayersAdd) {
  for (const Biases biases : {Biases::two, Biases::one}) {
    ModelSpec model = each_layer();
    std::get<RecurrentSpec>(model[1]).options.biases = biases;
    Context context({.threads = 1});
    Parameters parameters(context);
    const Embedding in(parameters, std::get<EmbeddingSpec>(model[0]));
    const Recurrent net(parameters, std::get<RecurrentSpec>(model[1]));
    const Linear out(parameters, std::get<LinearSpec>(model[2]));
    std::vector<ParameterSpec> listed = parameters_of(model);
    std::erase_if(listed, [](const ParameterSpec& parameter) { return parameter.layout == Layout::zeros; });
    ASSERT_EQ(listed.size(), parameters.entries().size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
      EXPECT_EQ(listed[i].name, parameters.entries()[i].name);
      EXPECT_EQ(listed[i].shape, parameters.entries()[i].var.shape()) << listed[i].name;
    }
    EXPECT_EQ(parameter_count(model), parameters.size());
    EXPECT_EQ(net.weights(1, 1).hh.node(), parameters.find("net.weight_hh_l1_reverse")->var.node());
    EXPECT_EQ(net.weights(0).bias_hh.defined(), biases == Biases::two);
  }
}

/// Counted by hand: a multiply-add for each element of a weight, except where the input is looked up.
TEST(ModelSpec, CountsTheOperationsOfProducts) {
  ModelSpec model = each_layer();
  const double first = 2 * 9 * (5 + 3), second = 2 * 9 * (6 + 3), out = 6 * 4;
  EXPECT_EQ(forward_operations(model), 2 * (first + second + out));
  std::get<RecurrentSpec>(model[1]).one_hot = true;
  EXPECT_EQ(forward_operations(model), 2 * (2 * 9 * 3 + second + out));
  std::get<LinearSpec>(model[2]).tied = true;
  EXPECT_EQ(forward_operations(model), 2 * (2 * 9 * 3 + second + out)) << "the product remains, the parameter does not";
}

/// A file has PyTorch's layout: matrices of products as [out, in].
TEST(ModelSpec, FilesHaveTheLayoutOfPyTorch) {
  const ModelSpec model = {LinearSpec{.name = "out", .in = 2, .out = 3},
                           RecurrentSpec{.name = "net", .input = 1, .options = {.hidden = 1, .biases = Biases::one}}};
  const std::vector<ParameterSpec> parameters = parameters_of(model);
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 10, 20, 30, -1, -2, -3};
  const std::string path = ::testing::TempDir() + "model_spec_test.safetensors";
  write_parameters(path, {{"a", "b"}}, parameters, values);
  const SafetensorsFile file = SafetensorsFile::read(path);
  EXPECT_EQ(file.metadata().at("a"), "b");
  EXPECT_THAT(file.find("out.weight")->shape, ElementsAre(3, 2));
  EXPECT_THAT(file.find("out.weight")->values, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(file.find("out.bias")->values, ElementsAre(10, 20, 30));
  EXPECT_THAT(file.find("net.bias_hh_l0")->values, ElementsAre(0)) << "PyTorch needs it";
  check_parameters(file, path, parameters);
  std::vector<float> read(values.size());
  read_parameters(file, parameters, read);
  EXPECT_EQ(read, values);
}

}  // namespace
}  // namespace unroll
