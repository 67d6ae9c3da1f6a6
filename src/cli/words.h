#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "unroll/language_model.h"
#include "unroll/table.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// The words that stand for the values of an enumeration, on the command line and in what the program prints.
template <typename Value>
using Words = std::vector<std::pair<std::string, Value>>;

enum class OptimizerKind { sgd, adam, adamw, rmsprop };

inline const Words<Newlines> newlines_words = {{"keep", Newlines::keep}, {"space", Newlines::space}};
inline const Words<Unknown> unknown_words = {{"refuse", Unknown::refuse}, {"skip", Unknown::skip}};
inline const Words<Cell> cell_words = {{"rnn", Cell::rnn}, {"gru", Cell::gru}, {"lstm", Cell::lstm}};
inline const Words<Activation> activation_words = {
    {"tanh", Activation::tanh}, {"relu", Activation::relu}, {"sigmoid", Activation::sigmoid}};
inline const Words<Biases> biases_words = {{"one", Biases::one}, {"two", Biases::two}};
inline const Words<WindowKind> windows_words = {{"random", WindowKind::random},
                                                {"consecutive", WindowKind::consecutive}};
inline const Words<EpochState> epoch_state_words = {{"zero", EpochState::zero}, {"carry", EpochState::carry}};
inline const Words<OptimizerKind> optimizer_words = {{"sgd", OptimizerKind::sgd},
                                                     {"adam", OptimizerKind::adam},
                                                     {"adamw", OptimizerKind::adamw},
                                                     {"rmsprop", OptimizerKind::rmsprop}};
inline const Words<ScheduleKind> schedule_words = {{"constant", ScheduleKind::constant},
                                                   {"cosine", ScheduleKind::cosine},
                                                   {"step", ScheduleKind::step},
                                                   {"plateau", ScheduleKind::plateau}};
inline const Words<ColumnKind> column_kind_words = {{"number", ColumnKind::number},
                                                    {"category", ColumnKind::category},
                                                    {"date", ColumnKind::date},
                                                    {"list", ColumnKind::list},
                                                    {"text", ColumnKind::text}};

template <typename Value>
const std::string& word_for(const Words<Value>& words, Value value) {
  const auto found = std::find_if(words.begin(), words.end(), [&](const auto& entry) { return entry.second == value; });
  UNROLL_CHECK(found != words.end());
  return found->first;
}

/// "lstm, 256 hidden units, 1 layer, one-hot input, two biases per gate, newlines keep": what says something about this
/// model.
std::string description(const LanguageModelOptions& options);

}  // namespace unroll::cli
