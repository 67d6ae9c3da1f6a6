#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "unroll/language_model.h"
#include "unroll/language_task.h"
#include "unroll/table.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// Names of the values of an enumeration, on the command line and in output.
template <typename Value>
using EnumNames = std::vector<std::pair<std::string, Value>>;

enum class OptimizerKind { sgd, adam, adamw, rmsprop };

inline const EnumNames<Newlines> newlines_names = {{"keep", Newlines::keep}, {"space", Newlines::space}};
inline const EnumNames<Unknown> unknown_names = {{"refuse", Unknown::refuse}, {"skip", Unknown::skip}};
inline const EnumNames<Cell> cell_names = {{"rnn", Cell::rnn}, {"gru", Cell::gru}, {"lstm", Cell::lstm}};
inline const EnumNames<Activation> activation_names = {
    {"tanh", Activation::tanh}, {"relu", Activation::relu}, {"sigmoid", Activation::sigmoid}};
inline const EnumNames<Biases> biases_names = {{"one", Biases::one}, {"two", Biases::two}};
inline const EnumNames<WindowKind> windows_names = {{"random", WindowKind::random},
                                                    {"consecutive", WindowKind::consecutive}};
inline const EnumNames<EpochState> epoch_state_names = {{"zero", EpochState::zero}, {"carry", EpochState::carry}};
inline const EnumNames<OptimizerKind> optimizer_names = {{"sgd", OptimizerKind::sgd},
                                                         {"adam", OptimizerKind::adam},
                                                         {"adamw", OptimizerKind::adamw},
                                                         {"rmsprop", OptimizerKind::rmsprop}};
inline const EnumNames<ScheduleKind> schedule_names = {{"constant", ScheduleKind::constant},
                                                       {"cosine", ScheduleKind::cosine},
                                                       {"step", ScheduleKind::step},
                                                       {"plateau", ScheduleKind::plateau}};
inline const EnumNames<ColumnKind> column_kind_names = {{"number", ColumnKind::number},
                                                        {"category", ColumnKind::category},
                                                        {"date", ColumnKind::date},
                                                        {"list", ColumnKind::list},
                                                        {"text", ColumnKind::text}};

template <typename Value>
const std::string& name_of(const EnumNames<Value>& words, Value value) {
  const auto found = std::find_if(words.begin(), words.end(), [&](const auto& entry) { return entry.second == value; });
  UNROLL_CHECK(found != words.end());
  return found->first;
}

/// "lstm, 256 hidden units, 1 layer, one-hot input, two biases per gate, newlines keep"; options that have no effect on
/// this model are left out.
std::string description(const LanguageModelOptions& options);

}  // namespace unroll::cli
