#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace unroll::cli {

/// A perplexity after so many updates.
struct CurvePoint {
  std::int64_t step = 0;
  double perplexity = 0;
};

/// What the log of a run of unroll table train says.
struct TableHistory {
  std::string model;
  std::string metric;
  std::int64_t folds = 0;          ///< planned
  std::vector<double> validation;  ///< the score of each fold that is done; NaN where it has none
};

/// What the log of a training run (docs/log-file.md) says, as far as it still counts: after a rollback or a resume,
/// nothing that came after the step which training went back to.
struct RunHistory {
  std::string cell;
  std::int64_t hidden = 0;
  std::int64_t layers = 0;
  std::int64_t parameters = 0;
  std::int64_t epochs = 0;           ///< planned
  std::int64_t steps_per_epoch = 0;  ///< 0: there was no start yet
  std::int64_t step = 0;             ///< the last one that the log names
  std::vector<CurvePoint> training;
  std::vector<CurvePoint> validation;
  std::string stop_reason;            ///< of the last process; empty while it goes on, or where it never came to say
  std::string changed;                ///< time of the last event
  std::optional<TableHistory> table;  ///< of a run that has no steps

  /// One line of the log. Fields that are missing or of another type are passed over.
  void add(const nlohmann::ordered_json& event);
  /// Passes over the steps of training.
  double epochs_at(std::int64_t at_step) const;
  /// The lowest perplexity of the validation where there is one, else of a whole epoch of training.
  std::optional<double> best() const;
};

constexpr const char* log_name = "log.jsonl";

/// What log.jsonl in the run directory `folder` says. Throws Error: no_input where there is none, bad_data naming the
/// line where it is damaged or tells of no training.
RunHistory read_run_history(const std::string& folder);

}  // namespace unroll::cli
