#pragma once

#include <cmath>
#include <cstdint>

#include "device/reference/elementwise.h"
#include "device/reference/number.h"
#include "unroll/cell.h"

// The three recurrent cells over a whole sequence, forward and backward, one row of the batch at a time: rows are
// independent. Memory layout and in-place results are those of unroll::RecurrentSequence and unroll::RecurrentGradient.

namespace unroll::ref {

/// unroll::RecurrentSequence for any number type.
template <class Real>
struct Sequence {
  CellType cell = CellType::rnn;
  Activation activation = Activation::tanh;
  bool reverse = false;
  std::int64_t steps = 0, batch = 0, hidden = 0;  // T, B, H
  Real* gates = nullptr;         // [T, B, G*H] in: x W_ih + b_ih; out: the gates after their activation
  Real* candidate = nullptr;     // gru: [T, B, H] out: h W_hn + b_hn
  const Real* weight = nullptr;  // [H, G*H]
  const Real* bias = nullptr;    // [G*H] or null
  Real* h = nullptr;             // [T + 1, B, H]
  Real* c = nullptr;             // lstm: [T + 1, B, H]

  /// The slot that step t reads.
  std::int64_t previous(std::int64_t t) const { return reverse ? t + 1 : t; }
  /// The slot that step t writes.
  std::int64_t next(std::int64_t t) const { return reverse ? t : t + 1; }
  /// The time step that is computed at `position`, counted from 0.
  std::int64_t time(std::int64_t position) const { return reverse ? steps - 1 - position : position; }
};

/// unroll::RecurrentGradient for any number type.
template <class Real>
struct SequenceGradient {
  const Real* output = nullptr;  // [T, B, H] gradient of the output
  Real* h = nullptr;             // [B, H] in: gradient of the final state; out: of the initial state
  Real* c = nullptr;             // lstm: the same for c
};

/// Row b at time step t: pointers to its first unit.
template <class Real>
struct RowStep {
  const Sequence<Real>& sequence;
  Real* gates;      // the G gates are H apart
  Real* candidate;  // gru
  const Real* h_before;
  Real* h;
  const Real* c_before;  // lstm
  Real* c;               // lstm

  RowStep(const Sequence<Real>& s, std::int64_t t, std::int64_t b)
      : sequence(s),
        gates(s.gates + (t * s.batch + b) * s.hidden * gate_count(s.cell)),
        candidate(s.cell == CellType::gru ? s.candidate + (t * s.batch + b) * s.hidden : nullptr),
        h_before(s.h + (s.previous(t) * s.batch + b) * s.hidden),
        h(s.h + (s.next(t) * s.batch + b) * s.hidden),
        c_before(s.cell == CellType::lstm ? s.c + (s.previous(t) * s.batch + b) * s.hidden : nullptr),
        c(s.cell == CellType::lstm ? s.c + (s.next(t) * s.batch + b) * s.hidden : nullptr) {}

  /// start + b_hh[column] + (h W_hh)[column], one chain in ascending k.
  Real add_recurrent(const Real& start, std::int64_t column) const {
    const std::int64_t width = sequence.hidden * gate_count(sequence.cell);
    Real sum = sequence.bias == nullptr ? start : start + sequence.bias[column];
    for (std::int64_t k = 0; k < sequence.hidden; ++k) sum = sum + h_before[k] * sequence.weight[k * width + column];
    return sum;
  }

  /// start + (d W_hh^T)[unit] over the columns [first, first + count) of W_hh; d[0] belongs to column `first`.
  Real add_recurrent_transposed(const Real& start, std::int64_t unit, const Real* d, std::int64_t first,
                                std::int64_t count) const {
    const std::int64_t width = sequence.hidden * gate_count(sequence.cell);
    Real sum = start;
    for (std::int64_t k = 0; k < count; ++k) sum = sum + d[k] * sequence.weight[unit * width + first + k];
    return sum;
  }
};

template <class Real>
Real activate(Activation activation, const Real& x) {
  using std::tanh;
  switch (activation) {
    case Activation::tanh:
      return tanh(x);
    case Activation::relu:
      return relu(x);
    case Activation::sigmoid:
      break;
  }
  return sigmoid(x);
}

template <class Real>
Real activation_slope(Activation activation, const Real& y) {
  switch (activation) {
    case Activation::tanh:
      return tanh_slope(y);
    case Activation::relu:
      return relu_slope(y);
    case Activation::sigmoid:
      break;
  }
  return sigmoid_slope(y);
}

/// h' = activation(x W_ih + b_ih + h W_hh + b_hh)   (Elman 1990)
template <class Real>
void rnn_forward(const RowStep<Real>& row) {
  for (std::int64_t j = 0; j < row.sequence.hidden; ++j) {
    row.gates[j] = activate(row.sequence.activation, row.add_recurrent(row.gates[j], j));
    row.h[j] = row.gates[j];
  }
}

/// r = s(..), z = s(..), n = tanh(x W_in + b_in + r * (h W_hn + b_hn)), h' = (1 - z) * n + z * h
/// (Cho et al. 2014, with the reset gate after the product)
template <class Real>
void gru_forward(const RowStep<Real>& row) {
  using std::tanh;
  const std::int64_t hidden = row.sequence.hidden;
  Real *r = row.gates, *z = r + hidden, *n = z + hidden;
  for (std::int64_t j = 0; j < hidden; ++j) {
    r[j] = sigmoid(row.add_recurrent(r[j], j));
    z[j] = sigmoid(row.add_recurrent(z[j], hidden + j));
    row.candidate[j] = row.add_recurrent(Real(0), 2 * hidden + j);
    n[j] = tanh(n[j] + r[j] * row.candidate[j]);
    row.h[j] = (Real(1) - z[j]) * n[j] + z[j] * row.h_before[j];
  }
}

/// i, f, o = s(..), g = tanh(..), c' = f * c + i * g, h' = o * tanh(c')
/// (Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber, Cummins 2000)
template <class Real>
void lstm_forward(const RowStep<Real>& row) {
  using std::tanh;
  const std::int64_t hidden = row.sequence.hidden;
  Real *i = row.gates, *f = i + hidden, *g = f + hidden, *o = g + hidden;
  for (std::int64_t j = 0; j < hidden; ++j) {
    i[j] = sigmoid(row.add_recurrent(i[j], j));
    f[j] = sigmoid(row.add_recurrent(f[j], hidden + j));
    g[j] = tanh(row.add_recurrent(g[j], 2 * hidden + j));
    o[j] = sigmoid(row.add_recurrent(o[j], 3 * hidden + j));
    row.c[j] = f[j] * row.c_before[j] + i[j] * g[j];
    row.h[j] = o[j] * tanh(row.c[j]);
  }
}

template <class Real>
void recurrent_forward(const Sequence<Real>& s) {
  for (std::int64_t position = 0; position < s.steps; ++position) {
    for (std::int64_t b = 0; b < s.batch; ++b) {
      const RowStep<Real> row(s, s.time(position), b);
      switch (s.cell) {
        case CellType::rnn:
          rnn_forward(row);
          break;
        case CellType::gru:
          gru_forward(row);
          break;
        case CellType::lstm:
          lstm_forward(row);
          break;
      }
    }
  }
}

// Backward steps. dh: on entry the gradient of h' from all its uses, on return the gradient of h. gates: on entry the
// activations, on return the gradients of their arguments.

template <class Real>
void rnn_backward(const RowStep<Real>& row, Real* dh) {
  const std::int64_t hidden = row.sequence.hidden;
  for (std::int64_t j = 0; j < hidden; ++j)
    row.gates[j] = dh[j] * activation_slope(row.sequence.activation, row.gates[j]);
  for (std::int64_t j = 0; j < hidden; ++j) dh[j] = row.add_recurrent_transposed(Real(0), j, row.gates, 0, hidden);
}

template <class Real>
void gru_backward(const RowStep<Real>& row, Real* dh) {
  const std::int64_t hidden = row.sequence.hidden;
  Real *r = row.gates, *z = r + hidden, *n = z + hidden, *candidate = row.candidate;
  for (std::int64_t j = 0; j < hidden; ++j) {
    const Real dn = dh[j] * (Real(1) - z[j]) * tanh_slope(n[j]);
    const Real dz = dh[j] * (row.h_before[j] - n[j]) * sigmoid_slope(z[j]);
    const Real dr = dn * candidate[j] * sigmoid_slope(r[j]);
    dh[j] = dh[j] * z[j];
    candidate[j] = dn * r[j];
    r[j] = dr;
    z[j] = dz;
    n[j] = dn;
  }
  for (std::int64_t j = 0; j < hidden; ++j) {
    const Real through_r_and_z = row.add_recurrent_transposed(dh[j], j, row.gates, 0, 2 * hidden);
    dh[j] = row.add_recurrent_transposed(through_r_and_z, j, candidate, 2 * hidden, hidden);
  }
}

template <class Real>
void lstm_backward(const RowStep<Real>& row, Real* dh, Real* dc) {
  using std::tanh;
  const std::int64_t hidden = row.sequence.hidden;
  Real *i = row.gates, *f = i + hidden, *g = f + hidden, *o = g + hidden;
  for (std::int64_t j = 0; j < hidden; ++j) {
    const Real squashed = tanh(row.c[j]);
    const Real dc_after = dc[j] + dh[j] * o[j] * tanh_slope(squashed);
    const Real di = dc_after * g[j] * sigmoid_slope(i[j]);
    const Real df = dc_after * row.c_before[j] * sigmoid_slope(f[j]);
    const Real dg = dc_after * i[j] * tanh_slope(g[j]);
    dc[j] = dc_after * f[j];
    o[j] = dh[j] * squashed * sigmoid_slope(o[j]);
    i[j] = di;
    f[j] = df;
    g[j] = dg;
  }
  for (std::int64_t j = 0; j < hidden; ++j) dh[j] = row.add_recurrent_transposed(Real(0), j, row.gates, 0, 4 * hidden);
}

/// Backpropagation through time (Werbos 1990), after recurrent_forward on the same memory.
template <class Real>
void recurrent_backward(const Sequence<Real>& s, const SequenceGradient<Real>& gradient) {
  for (std::int64_t position = s.steps; position-- > 0;) {
    const std::int64_t t = s.time(position);
    for (std::int64_t b = 0; b < s.batch; ++b) {
      const RowStep<Real> row(s, t, b);
      Real* dh = gradient.h + b * s.hidden;
      const Real* d_output = gradient.output + (t * s.batch + b) * s.hidden;
      for (std::int64_t j = 0; j < s.hidden; ++j) dh[j] = dh[j] + d_output[j];
      switch (s.cell) {
        case CellType::rnn:
          rnn_backward(row, dh);
          break;
        case CellType::gru:
          gru_backward(row, dh);
          break;
        case CellType::lstm:
          lstm_backward(row, dh, gradient.c + b * s.hidden);
          break;
      }
    }
  }
}

}  // namespace unroll::ref
