#include "checkpoint.h"

#include <memory>

#include "models.h"
#include "temporary_folder.h"
#include "train/checkpoint.h"
#include "unroll/language_task.h"
#include "unroll/optimizers.h"
#include "unroll/trainer.h"

namespace unroll::bench {

namespace {

class SavedTraining {
 public:
  SavedTraining(const Workload& workload, int threads)
      : context_({.seed = 1, .threads = threads}),
        corpus_(synthetic_corpus(static_cast<int>(workload.vocabulary), workload.batch * (workload.steps + 1),
                                 context_.seed())),
        model_(context_, corpus_.vocabulary(), workload.model),
        task_(model_, corpus_, {.batch = static_cast<int>(workload.batch), .window = static_cast<int>(workload.steps)}),
        adam_(model_.parameters()),
        trainer_(task_, adam_, {.epochs = 1}) {
    copy();
  }

  void copy() { checkpoint_.copy(trainer_); }
  void write() const { checkpoint_.write(folder_.file("checkpoint.safetensors"), {}); }

 private:
  TemporaryFolder folder_;
  Context context_;
  Corpus corpus_;
  LanguageModel model_;
  LanguageTask task_;
  Adam adam_;
  Trainer trainer_;
  Checkpoint checkpoint_;
};

}  // namespace

std::vector<Benchmark> checkpoint_benchmarks() {
  const Workload workload{
      .model = {.cell = CellType::lstm, .hidden = 1024}, .vocabulary = 1027, .batch = 32, .steps = 35};
  constexpr double blocks = 3, read_and_written = 2;
  const double bytes = sizeof(float) * blocks * static_cast<double>(parameter_count(workload));
  const auto benchmark = [&](const char* name, const MinimalWork& need, void (*run)(SavedTraining&)) {
    return Benchmark{.name = std::string("checkpoint/") + name,
                     .size = size_text(workload),
                     .need = need,
                     .prepare = [workload, run](int threads) -> Prepared {
                       const auto training = std::make_shared<SavedTraining>(workload, threads);
                       return {.run = [training, run] { run(*training); }};
                     }};
  };
  return {benchmark("copy", {.streamed_bytes = read_and_written * bytes, .footprint = read_and_written * bytes},
                    [](SavedTraining& training) { training.copy(); }),
          benchmark("write", {}, [](SavedTraining& training) { training.write(); })};
}

}  // namespace unroll::bench
