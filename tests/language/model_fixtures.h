#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/host.h"
#include "text/code_points.h"
#include "unroll/corpus.h"
#include "unroll/language_model.h"

namespace unroll::test {

/// A vocabulary of `count` symbols from 'a' on; symbol i, counted from 0, has the frequency count - i.
inline Tokenizer letters(int count) {
  std::vector<std::string> symbols;
  std::vector<std::int64_t> counts;
  for (int i = 0; i < count; ++i) {
    symbols.push_back(utf8_of(U'a' + static_cast<char32_t>(i)));
    counts.push_back(count - i);
  }
  return Tokenizer::from(TokenUnit::character, symbols, counts);
}

/// Pseudo-random ids below `classes`, the same on every machine.
inline std::vector<std::int32_t> pseudo_random_ids(int count, int classes, std::uint32_t seed = 1) {
  std::vector<std::int32_t> ids;
  for (std::uint32_t state = seed; static_cast<int>(ids.size()) < count;) {
    state = state * 1664525u + 1013904223u;
    ids.push_back(static_cast<std::int32_t>((state >> 16) % static_cast<std::uint32_t>(classes)));
  }
  return ids;
}

inline Ids scattered_ids(int steps, int batch, int classes, std::uint32_t seed = 1) {
  Ids ids(steps, batch);
  const std::vector<std::int32_t> values = pseudo_random_ids(steps * batch, classes, seed);
  std::copy(values.begin(), values.end(), ids.flat().begin());
  return ids;
}

inline std::vector<float> values_of(const Var& x) { return on_host(x.value()); }

/// Changes the values of one parameter.
template <class Edit>
void edit_parameter(LanguageModel& model, const std::string& name, const Edit& edit) {
  const Parameters::Entry* entry = model.parameters().find(name);
  edit_values(model.parameters(), [&](std::span<float> values) {
    edit(values.subspan(static_cast<std::size_t>(entry->offset), static_cast<std::size_t>(entry->var.shape().size())));
  });
}

inline void set_element(LanguageModel& model, const std::string& name, std::size_t index, float value) {
  edit_parameter(model, name, [&](std::span<float> values) { values[index] = value; });
}

inline void multiply_parameters(LanguageModel& model, float factor) {
  edit_values(model.parameters(), [factor](std::span<float> values) {
    for (float& value : values) value *= factor;
  });
}

/// A model that predicts symbol i + 1 (mod V) after symbol i, with logit `certainty`.
inline LanguageModel successor_model(Context& context, int symbols, float certainty = 200,
                                     Newlines newlines = Newlines::keep) {
  LanguageModel model(context, letters(symbols), {.cell = CellType::rnn, .hidden = symbols, .newlines = newlines});
  const auto size = static_cast<std::size_t>(symbols);
  multiply_parameters(model, 0);
  for (std::size_t i = 0; i < size; ++i) {
    set_element(model, "rnn.weight_ih_l0", i * size + i, 20);  // tanh(20) is 1
    set_element(model, "decoder.weight", i * size + (i + 1) % size, certainty);
  }
  return model;
}

}  // namespace unroll::test
