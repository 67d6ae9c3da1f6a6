#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/reference/products.h"
#include "device/reference/recurrent.h"
#include "support/random_data.h"

namespace unroll::test {

struct RecurrentCase {
  CellType cell = CellType::rnn;
  Activation activation = Activation::tanh;  // of CellType::rnn
  bool reverse = false;
  bool with_bias = true;
  bool with_state = true;  // an initial state other than zero
  std::int64_t steps = 1, batch = 1, hidden = 1;

  std::string to_string() const {
    const char* cells[] = {"rnn", "gru", "lstm"};
    const char* activations[] = {" tanh", " relu", " sigmoid"};
    return fmt::format("{}{}{}{}{} T={} B={} H={}", cells[static_cast<int>(cell)],
                       cell == CellType::rnn ? activations[static_cast<int>(activation)] : "",
                       reverse ? " reverse" : "", with_bias ? "" : " without bias", with_state ? "" : " from zero",
                       steps, batch, hidden);
  }
};

/// One sequence with all its buffers, in any number type. Every slot of h and c except the initial one starts as NaN,
/// so that reading an unwritten value is detected.
template <class Real>
struct RecurrentProblem {
  RecurrentCase size;
  std::vector<Real> gates, candidate, weight, bias, h, c;  // as in RecurrentSequence
  std::vector<Real> d_output, d_h, d_c;                    // as in RecurrentGradient

  /// The values do not depend on Real. Weights are in +-weight_scale / sqrt(H); PyTorch uses a scale of 1.
  RecurrentProblem(const RecurrentCase& s, std::uint64_t seed, float weight_scale = 1) : size(s) {
    RandomData data(seed);
    const float spread = weight_scale / std::sqrt(static_cast<float>(s.hidden));
    gates = data.uniform<Real>(s.steps * s.batch * width());
    candidate.assign(s.cell == CellType::gru ? count(s.steps * s.batch * s.hidden) : 0, nan());
    weight = data.uniform<Real>(s.hidden * width(), spread);
    if (s.with_bias) bias = data.uniform<Real>(width(), spread);
    h = state(data);
    if (s.cell == CellType::lstm) c = state(data);
    d_output = data.uniform<Real>(s.steps * s.batch * s.hidden);
    d_h = data.uniform<Real>(s.batch * s.hidden);
    if (s.cell == CellType::lstm) d_c = data.uniform<Real>(s.batch * s.hidden);
  }

  std::int64_t width() const { return gate_count(size.cell) * size.hidden; }
  std::int64_t initial_slot() const { return size.reverse ? size.steps : 0; }
  std::int64_t final_slot() const { return size.reverse ? 0 : size.steps; }

  ref::Sequence<Real> sequence() {
    ref::Sequence<Real> s;
    s.cell = size.cell;
    s.activation = size.activation;
    s.reverse = size.reverse;
    s.steps = size.steps;
    s.batch = size.batch;
    s.hidden = size.hidden;
    s.gates = gates.data();
    s.candidate = candidate.empty() ? nullptr : candidate.data();
    s.weight = weight.data();
    s.bias = bias.empty() ? nullptr : bias.data();
    s.h = h.data();
    s.c = c.empty() ? nullptr : c.data();
    return s;
  }
  ref::SequenceGradient<Real> gradient() { return {d_output.data(), d_h.data(), d_c.empty() ? nullptr : d_c.data()}; }

  void forward() { ref::recurrent_forward(sequence()); }
  void backward() { ref::recurrent_backward(sequence(), gradient()); }

  /// The states that the steps wrote, [T, B, H] in time order.
  std::span<const Real> written(const std::vector<Real>& slots) const {
    return std::span<const Real>(slots).subspan(size.reverse ? 0 : slot_size(), slots.size() - slot_size());
  }
  /// The states that the steps read, [T, B, H] in time order.
  std::span<const Real> read(const std::vector<Real>& slots) const {
    return std::span<const Real>(slots).subspan(size.reverse ? slot_size() : 0, slots.size() - slot_size());
  }
  std::span<const Real> slot(const std::vector<Real>& slots, std::int64_t index) const {
    return std::span<const Real>(slots).subspan(count(index) * slot_size(), slot_size());
  }
  std::span<Real> slot(std::vector<Real>& slots, std::int64_t index) const {
    return std::span<Real>(slots).subspan(count(index) * slot_size(), slot_size());
  }

  /// Gradient of W_hh [H, G*H], computed from the gradients that backward() left in gates and candidate.
  std::vector<Real> weight_gradient() const {
    const std::vector<Real> d = recurrent_gradient();
    const std::int64_t rows = size.steps * size.batch;
    std::vector<Real> result(weight.size());
    const ref::Grid<const Real> before(read(h).data(), rows, size.hidden), right(d.data(), rows, width());
    ref::gemm(before.transposed(), right, ref::Grid<Real>(result.data(), size.hidden, width()));
    return result;
  }
  /// Gradient of b_hh [G*H], computed in the same way.
  std::vector<Real> bias_gradient() const {
    const std::vector<Real> d = recurrent_gradient();
    std::vector<Real> result(count(width()), Real(0));
    ref::add_column_sums(ref::Grid<const Real>(d.data(), size.steps * size.batch, width()), result.data());
    return result;
  }

 private:
  static std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }
  static Real nan() { return Real(std::numeric_limits<float>::quiet_NaN()); }
  std::size_t slot_size() const { return count(size.batch * size.hidden); }

  std::vector<Real> state(RandomData& data) const {
    std::vector<Real> slots(count(size.steps + 1) * slot_size(), nan());
    const std::vector<Real> initial = data.uniform<Real>(size.batch * size.hidden, size.with_state ? 1.0f : 0.0f);
    std::copy(initial.begin(), initial.end(), slot(slots, initial_slot()).begin());
    return slots;
  }

  /// Gradient of h W_hh + b_hh: that of the gates, except for the GRU's n block.
  std::vector<Real> recurrent_gradient() const {
    std::vector<Real> d = gates;
    if (size.cell != CellType::gru) return d;
    const ref::Grid<Real> all(d.data(), size.steps * size.batch, width());
    const ref::Grid<const Real> n(candidate.data(), all.rows, size.hidden);
    for (std::int64_t r = 0; r < all.rows; ++r) {
      for (std::int64_t j = 0; j < size.hidden; ++j) all(r, 2 * size.hidden + j) = n(r, j);
    }
    return d;
  }
};

/// The same buffers in the form that a device takes.
inline RecurrentSequence device_sequence(RecurrentProblem<float>& problem) {
  const ref::Sequence<float> s = problem.sequence();
  RecurrentSequence sequence;
  sequence.cell = s.cell;
  sequence.activation = s.activation;
  sequence.reverse = s.reverse;
  sequence.steps = s.steps;
  sequence.batch = s.batch;
  sequence.hidden = s.hidden;
  sequence.gates = s.gates;
  sequence.candidate = s.candidate;
  sequence.weight = s.weight;
  sequence.bias = s.bias;
  sequence.h = s.h;
  sequence.c = s.c;
  return sequence;
}

inline RecurrentGradient device_gradient(RecurrentProblem<float>& problem) {
  const ref::SequenceGradient<float> g = problem.gradient();
  return {g.output, g.h, g.c};
}

}  // namespace unroll::test
