#include "unroll/options.h"
#include "unroll/table_model.h"

namespace unroll {

template <>
const EnumNames<TableMetric>& enum_names<TableMetric>() {
  static const EnumNames<TableMetric> names = {{"log-rmse", TableMetric::log_rmse},
                                               {"rmse", TableMetric::rmse},
                                               {"mae", TableMetric::mae},
                                               {"r2", TableMetric::r2}};
  return names;
}

template <>
const EnumNames<MissingTarget>& enum_names<MissingTarget>() {
  static const EnumNames<MissingTarget> names = {{"leave-out", MissingTarget::leave_out},
                                                 {"refuse", MissingTarget::refuse}};
  return names;
}

template <>
const EnumNames<std::vector<MemberKind>>& enum_names<std::vector<MemberKind>>() {
  using enum MemberKind;
  static const EnumNames<std::vector<MemberKind>> names = {{"linear+mlp", {linear, mlp}},
                                                           {"linear", {linear}},
                                                           {"mlp", {mlp}},
                                                           {"trees", {trees}},
                                                           {"ensemble", {linear, mlp, trees}},
                                                           {"linear+mlp+trees", {linear, mlp, trees}},
                                                           {"textbook", {textbook}}};
  return names;
}

std::vector<OptionGroup> describe(TableModelOptions& o) {
  using options::choice;
  using options::seed;
  using options::text;
  using options::texts;
  using options::toggle;
  using options::whole_number;
  constexpr int max_folds = 1000, max_threads = 1024;
  Option threads = whole_number("threads", o.threads, 1, max_threads, "what is allowed", "threads to use");
  threads.values = [&field = o.threads] {  // 0, the default, stands for what is allowed
    return field == 0 ? std::vector<std::string>() : std::vector{std::to_string(field)};
  };
  return {
      {"Table",
       {text("target", "COLUMN", o.target, "", "the column of numbers that is to be predicted"),
        text("id", "COLUMN", o.id, "the row's number", "the column that names the rows, and says nothing else"),
        choice("missing-target", o.missing_target, "what is done with rows without a target"),
        texts("hash", "COLUMN", o.hash, "", "make features of a text's words; may be repeated"),
        toggle("keep-leaks", o.keep_leaks, "use strings that hold the target, too")}},
      {"Model and validation",
       {choice("model", o.members, "what learns"), choice("metric", o.metric, "what is reported"),
        whole_number("folds", o.folds, 1, max_folds, "parts that the model is validated on in turn"),
        text("time-order", "COLUMN", o.time_order, "none",
             "numbers or dates: learn from earlier rows, validate on later ones"),
        text("folds-from", "COLUMN", o.folds_from, "none", "a fold for each value of the column, which is no feature"),
        seed(o.seed, "of the folds, and of what a model learns with"), std::move(threads).with(OnResume::may_change)}}};
}

}  // namespace unroll
