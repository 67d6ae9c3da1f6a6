#include <hwy/cache_control.h>

#include "device/cpu/gemm.h"
#include "device/cpu/recurrent.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/recurrent_backward.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

/// A range of units of one row at one time step. Pointers point to the first of them.
struct UnitsAt {
  std::int64_t hidden, count;  // gates are `hidden` apart; count valid units
  float* gates;                // in: activations, out: gradients of their arguments
  float* candidate;            // gru
  const float* h_before;
  const float* c_before;  // lstm
  const float* c;
  const float* d_output;
  float* dh;  // in: from the step after; out: the part that bypasses W_hh^T
  float* dc;
};

HWY_INLINE Floats OneMinus(Floats x) { return hn::Sub(hn::Set(FloatTag(), 1.0f), x); }
/// Derivative of the sigmoid whose value is x.
HWY_INLINE Floats SigmoidSlope(Floats x) { return hn::Mul(x, OneMinus(x)); }
/// Derivative of the tanh whose value is x.
HWY_INLINE Floats TanhSlope(Floats x) { return hn::NegMulAdd(x, x, hn::Set(FloatTag(), 1.0f)); }

template <Activation kActivation>
struct RnnBackward {
  HWY_INLINE void operator()(const UnitsAt& u) const {
    const Floats dh = hn::Add(LoadFirst(u.d_output, u.count), LoadFirst(u.dh, u.count));
    const Floats y = LoadFirst(u.gates, u.count);
    Floats dz;
    if constexpr (kActivation == Activation::tanh) {
      dz = hn::Mul(dh, TanhSlope(y));
    } else if constexpr (kActivation == Activation::sigmoid) {
      dz = hn::Mul(dh, SigmoidSlope(y));
    } else {
      dz = hn::IfThenElseZero(hn::Gt(y, hn::Zero(FloatTag())), dh);
    }
    StoreFirst(dz, u.gates, u.count);
  }
};

struct GruBackward {
  HWY_INLINE void operator()(const UnitsAt& u) const {
    const Floats dh = hn::Add(LoadFirst(u.d_output, u.count), LoadFirst(u.dh, u.count));
    const Floats r = LoadFirst(u.gates, u.count), z = LoadFirst(u.gates + u.hidden, u.count);
    const Floats n = LoadFirst(u.gates + 2 * u.hidden, u.count), candidate = LoadFirst(u.candidate, u.count);
    const Floats dn = hn::Mul(hn::Mul(dh, OneMinus(z)), TanhSlope(n));
    const Floats dz = hn::Mul(hn::Mul(dh, hn::Sub(LoadFirst(u.h_before, u.count), n)), SigmoidSlope(z));
    const Floats dr = hn::Mul(hn::Mul(dn, candidate), SigmoidSlope(r));
    StoreFirst(dr, u.gates, u.count);
    StoreFirst(dz, u.gates + u.hidden, u.count);
    StoreFirst(dn, u.gates + 2 * u.hidden, u.count);
    StoreFirst(hn::Mul(dn, r), u.candidate, u.count);
    StoreFirst(hn::Mul(dh, z), u.dh, u.count);
  }
};

struct LstmBackward {
  HWY_INLINE void operator()(const UnitsAt& u) const {
    const Floats dh = hn::Add(LoadFirst(u.d_output, u.count), LoadFirst(u.dh, u.count));
    const Floats i = LoadFirst(u.gates, u.count), f = LoadFirst(u.gates + u.hidden, u.count);
    const Floats g = LoadFirst(u.gates + 2 * u.hidden, u.count), o = LoadFirst(u.gates + 3 * u.hidden, u.count);
    const Floats tanh_c = TanhOf(LoadFirst(u.c, u.count));
    const Floats dc = hn::MulAdd(hn::Mul(dh, o), TanhSlope(tanh_c), LoadFirst(u.dc, u.count));
    StoreFirst(hn::Mul(hn::Mul(dc, g), SigmoidSlope(i)), u.gates, u.count);
    StoreFirst(hn::Mul(hn::Mul(dc, LoadFirst(u.c_before, u.count)), SigmoidSlope(f)), u.gates + u.hidden, u.count);
    StoreFirst(hn::Mul(hn::Mul(dc, i), TanhSlope(g)), u.gates + 2 * u.hidden, u.count);
    StoreFirst(hn::Mul(hn::Mul(dh, tanh_c), SigmoidSlope(o)), u.gates + 3 * u.hidden, u.count);
    StoreFirst(hn::Mul(dc, f), u.dc, u.count);
  }
};

template <class Backward>
void BackwardStep(const RecurrentSequence& s, const RecurrentGradient& g, std::int64_t t, std::int64_t row_begin,
                  std::int64_t row_end) {
  const std::int64_t gates = gate_count(s.cell);
  for (std::int64_t row = row_begin; row < row_end; ++row) {
    for (std::int64_t unit = 0; unit < s.hidden; unit += kLanes) {
      const std::int64_t in_slot = row * s.hidden + unit;
      const std::int64_t before = s.previous(t) * s.slot_size() + in_slot, after = s.next(t) * s.slot_size() + in_slot;
      const std::int64_t at = t * s.slot_size() + in_slot;
      UnitsAt u{};
      u.hidden = s.hidden;
      u.count = s.hidden - unit;
      u.gates = s.gates + (t * s.batch + row) * s.hidden * gates + unit;
      u.h_before = s.h + before;
      u.d_output = g.output + at;
      u.dh = g.h + in_slot;
      if (s.cell == CellType::gru) u.candidate = s.candidate + at;
      if (s.cell == CellType::lstm) {
        u.c_before = s.c + before;
        u.c = s.c + after;
        u.dc = g.c + in_slot;
      }
      for (std::int64_t gate = 0; gate < gates; ++gate) hwy::Prefetch(u.gates + (gates + gate) * s.hidden);  // next row
      Backward()(u);
    }
  }
}

void RecurrentBackwardStep(const RecurrentSequence& s, const RecurrentGradient& g, std::int64_t t,
                           std::int64_t row_begin, std::int64_t row_end) {
  switch (s.cell) {
    case CellType::gru:
      return BackwardStep<GruBackward>(s, g, t, row_begin, row_end);
    case CellType::lstm:
      return BackwardStep<LstmBackward>(s, g, t, row_begin, row_end);
    case CellType::rnn:
      break;
  }
  switch (s.activation) {
    case Activation::tanh:
      return BackwardStep<RnnBackward<Activation::tanh>>(s, g, t, row_begin, row_end);
    case Activation::relu:
      return BackwardStep<RnnBackward<Activation::relu>>(s, g, t, row_begin, row_end);
    case Activation::sigmoid:
      return BackwardStep<RnnBackward<Activation::sigmoid>>(s, g, t, row_begin, row_end);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll::cpu {

HWY_EXPORT(RecurrentBackwardStep);

namespace {

/// c = start + a B for rows of one time step.
void multiply_rows(const ConstMatrix& a, const float* packed_b, const Matrix& c, Accumulate start) {
  Product product;
  product.a = a;
  product.packed_b = packed_b;
  product.c = c;
  product.start = start;
  multiply(product, 0, part_count(product));
}

}  // namespace

void recurrent_backward_rows(const RecurrentSequence& s, const RecurrentGradient& g, const PackedTranspose& packed,
                             std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t rows = row_end - row_begin, width = gate_count(s.cell) * s.hidden;
  const Matrix dh(g.h + row_begin * s.hidden, rows, s.hidden);
  for (std::int64_t position = s.steps; position-- > 0;) {
    const std::int64_t t = s.time(position), first = t * s.batch + row_begin;
    HWY_DYNAMIC_DISPATCH(RecurrentBackwardStep)(s, g, t, row_begin, row_end);
    const ConstMatrix d_gates(s.gates + first * width, rows, width);
    if (s.cell == CellType::gru) {
      multiply_rows(d_gates.column_range(0, 2 * s.hidden), packed.gates, dh, Accumulate::onto_c());
      multiply_rows(ConstMatrix(s.candidate + first * s.hidden, rows, s.hidden), packed.candidate, dh,
                    Accumulate::onto_c());
    } else {
      multiply_rows(d_gates, packed.gates, dh, Accumulate::onto_zero());
    }
  }
}

}  // namespace unroll::cpu
#endif
