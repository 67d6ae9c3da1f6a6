#include "device/cpu/elementwise.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/elementwise.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/math-inl.h"
#include "device/cpu/sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

/// Writes f(i, count - i) to y + i, one vector at a time; the last vector may be partial.
template <class F>
HWY_INLINE void Transform(std::int64_t count, float* y, const F& f) {
  for (std::int64_t i = 0; i < count; i += kLanes) StoreFirst(f(i, count - i), y + i, count - i);
}

HWY_INLINE Floats Scalar(float a) { return hn::Set(FloatTag(), a); }

struct Axpy {
  float a;
  const float *x, *y;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    return hn::MulAdd(Scalar(a), LoadFirst(x + i, n), LoadFirst(y + i, n));
  }
};
void AxpyLoop(float a, const float* x, float* y, std::int64_t count) { Transform(count, y, Axpy{a, x, y}); }

struct Scaled {
  float a;
  const float* x;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const { return hn::Mul(Scalar(a), LoadFirst(x + i, n)); }
};
void ScaleLoop(float a, float* x, std::int64_t count) { Transform(count, x, Scaled{a, x}); }

/// Uses comparisons rather than minimum and maximum, whose result for NaN depends on the target.
struct Clamped {
  float limit;
  const float* x;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats high = Scalar(limit), low = Scalar(-limit), v = LoadFirst(x + i, n);
    return hn::IfThenElse(hn::Gt(v, high), high, hn::IfThenElse(hn::Lt(v, low), low, v));
  }
};
void ClampLoop(float limit, float* x, std::int64_t count) { Transform(count, x, Clamped{limit, x}); }

struct MultiplyAdded {
  const float *a, *b, *y;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    return hn::MulAdd(LoadFirst(a + i, n), LoadFirst(b + i, n), LoadFirst(y + i, n));
  }
};
void MultiplyAddLoop(const float* a, const float* b, float* y, std::int64_t count) {
  Transform(count, y, MultiplyAdded{a, b, y});
}

template <Unary kOp>
struct UnaryOf {
  const float* x;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats v = LoadFirst(x + i, n);
    if constexpr (kOp == Unary::negate) return hn::Neg(v);
    if constexpr (kOp == Unary::tanh) return TanhOf(v);
    if constexpr (kOp == Unary::sigmoid) return SigmoidOf(v);
    if constexpr (kOp == Unary::relu) return ReluOf(v);
    if constexpr (kOp == Unary::exp) return ExpOf(v);
    if constexpr (kOp == Unary::log) return LogOf(v);
  }
};

template <Unary kOp>
struct UnarySlope {
  const float *x, *y, *dy, *dx;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats upstream = LoadFirst(dy + i, n), before = LoadFirst(dx + i, n);
    const Floats result = LoadFirst(y + i, n), one = Scalar(1.0f);
    if constexpr (kOp == Unary::negate) return hn::Sub(before, upstream);
    if constexpr (kOp == Unary::tanh) return hn::MulAdd(upstream, hn::NegMulAdd(result, result, one), before);
    if constexpr (kOp == Unary::sigmoid) return hn::MulAdd(upstream, hn::Mul(result, hn::Sub(one, result)), before);
    if constexpr (kOp == Unary::relu) {
      return hn::IfThenElse(hn::Gt(result, hn::Zero(FloatTag())), hn::Add(before, upstream), before);
    }
    if constexpr (kOp == Unary::exp) return hn::MulAdd(upstream, result, before);
    if constexpr (kOp == Unary::log) return hn::Add(before, hn::Div(upstream, LoadFirst(x + i, n)));
  }
};

void UnaryLoop(Unary op, const float* x, float* y, std::int64_t count) {
  switch (op) {
    case Unary::negate:
      return Transform(count, y, UnaryOf<Unary::negate>{x});
    case Unary::tanh:
      return Transform(count, y, UnaryOf<Unary::tanh>{x});
    case Unary::sigmoid:
      return Transform(count, y, UnaryOf<Unary::sigmoid>{x});
    case Unary::relu:
      return Transform(count, y, UnaryOf<Unary::relu>{x});
    case Unary::exp:
      return Transform(count, y, UnaryOf<Unary::exp>{x});
    case Unary::log:
      return Transform(count, y, UnaryOf<Unary::log>{x});
  }
}

void UnaryBackwardLoop(Unary op, const float* x, const float* y, const float* dy, float* dx, std::int64_t count) {
  switch (op) {
    case Unary::negate:
      return Transform(count, dx, UnarySlope<Unary::negate>{x, y, dy, dx});
    case Unary::tanh:
      return Transform(count, dx, UnarySlope<Unary::tanh>{x, y, dy, dx});
    case Unary::sigmoid:
      return Transform(count, dx, UnarySlope<Unary::sigmoid>{x, y, dy, dx});
    case Unary::relu:
      return Transform(count, dx, UnarySlope<Unary::relu>{x, y, dy, dx});
    case Unary::exp:
      return Transform(count, dx, UnarySlope<Unary::exp>{x, y, dy, dx});
    case Unary::log:
      return Transform(count, dx, UnarySlope<Unary::log>{x, y, dy, dx});
  }
}

template <Binary kOp>
struct BinaryOf {
  const float *a, *b;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats left = LoadFirst(a + i, n), right = LoadFirst(b + i, n);
    if constexpr (kOp == Binary::add) return hn::Add(left, right);
    if constexpr (kOp == Binary::subtract) return hn::Sub(left, right);
    if constexpr (kOp == Binary::multiply) return hn::Mul(left, right);
    if constexpr (kOp == Binary::divide) return hn::Div(left, right);
  }
};

void BinaryLoop(Binary op, const float* a, const float* b, float* y, std::int64_t count) {
  switch (op) {
    case Binary::add:
      return Transform(count, y, BinaryOf<Binary::add>{a, b});
    case Binary::subtract:
      return Transform(count, y, BinaryOf<Binary::subtract>{a, b});
    case Binary::multiply:
      return Transform(count, y, BinaryOf<Binary::multiply>{a, b});
    case Binary::divide:
      return Transform(count, y, BinaryOf<Binary::divide>{a, b});
  }
}

void AddColumnSums(const ConstMatrix& x, float* sums, std::int64_t column_begin, std::int64_t column_end) {
  constexpr int vectors = 4;
  for (std::int64_t c = column_begin; c < column_end; c += vectors * kLanes) {
    Floats acc[vectors];
    std::int64_t count[vectors];
    for (int v = 0; v < vectors; ++v) {
      count[v] = column_end - c - v * kLanes;
      acc[v] = count[v] > 0 ? LoadFirst(sums + c + v * kLanes, count[v]) : Scalar(0);
    }
    for (std::int64_t r = 0; r < x.rows; ++r) {
      const float* row = x.data + r * x.row_stride + c;
      for (int v = 0; v < vectors; ++v) {
        if (count[v] > 0) acc[v] = hn::Add(acc[v], LoadFirst(row + v * kLanes, count[v]));
      }
    }
    for (int v = 0; v < vectors; ++v) {
      if (count[v] > 0) StoreFirst(acc[v], sums + c + v * kLanes, count[v]);
    }
  }
}

struct Term {
  const float* x;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const { return LoadFirst(x + i, n); }
};
struct SquareTerm {
  const float* x;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats v = LoadFirst(x + i, n);
    return hn::Mul(v, v);
  }
};
float SumLoop(const float* x, std::int64_t count) { return Reduce(count, Term{x}); }
float SumOfSquaresLoop(const float* x, std::int64_t count) { return Reduce(count, SquareTerm{x}); }

template <bool kAdd>
struct Dropped {
  const float *uniform, *x, *y;
  float p;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats mask = hn::IfThenElseZero(hn::Ge(LoadFirst(uniform + i, n), Scalar(p)), Scalar(1 / (1 - p)));
    const Floats v = hn::Mul(LoadFirst(x + i, n), mask);  // a product, so that NaN propagates
    return kAdd ? hn::Add(LoadFirst(y + i, n), v) : v;
  }
};
void DropoutLoop(const float* uniform, float p, const float* x, float* y, std::int64_t count, bool add) {
  if (add) {
    Transform(count, y, Dropped<true>{uniform, x, y, p});
  } else {
    Transform(count, y, Dropped<false>{uniform, x, y, p});
  }
}

void SgdLoop(float learning_rate, const float* gradient, float* value, std::int64_t count) {
  Transform(count, value, Axpy{-learning_rate, gradient, value});
}

template <bool kNesterov>
HWY_INLINE void MomentumUpdates(const MomentumStep& step, const float* gradient, float* velocity, float* value,
                                std::int64_t count) {
  const Floats rate = Scalar(static_cast<float>(step.learning_rate)),
               momentum = Scalar(static_cast<float>(step.momentum));
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const std::int64_t n = count - i;
    const Floats g = LoadFirst(gradient + i, n);
    const Floats v = hn::MulAdd(momentum, LoadFirst(velocity + i, n), g);
    const Floats direction = kNesterov ? hn::MulAdd(momentum, v, g) : v;
    StoreFirst(v, velocity + i, n);
    StoreFirst(hn::NegMulAdd(rate, direction, LoadFirst(value + i, n)), value + i, n);
  }
}

void SgdMomentumLoop(const MomentumStep& step, const float* gradient, float* velocity, float* value,
                     std::int64_t count) {
  if (step.nesterov) {
    MomentumUpdates<true>(step, gradient, velocity, value, count);
  } else {
    MomentumUpdates<false>(step, gradient, velocity, value, count);
  }
}

void AdamLoop(const AdamStep& step, const float* gradient, float* first_moment, float* second_moment, float* value,
              std::int64_t count) {
  const Floats rate = Scalar(static_cast<float>(step.learning_rate / step.correction1)),
               epsilon = Scalar(static_cast<float>(step.epsilon));
  const Floats root_correction = Scalar(static_cast<float>(std::sqrt(step.correction2)));
  const Floats kept = Scalar(static_cast<float>(1 - step.learning_rate * step.weight_decay));
  const Floats beta1 = Scalar(static_cast<float>(step.beta1)), rest1 = Scalar(static_cast<float>(1 - step.beta1));
  const Floats beta2 = Scalar(static_cast<float>(step.beta2)), rest2 = Scalar(static_cast<float>(1 - step.beta2));
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const std::int64_t n = count - i;
    const Floats g = LoadFirst(gradient + i, n);
    const Floats m = hn::MulAdd(rest1, g, hn::Mul(beta1, LoadFirst(first_moment + i, n)));
    const Floats v = hn::MulAdd(hn::Mul(rest2, g), g, hn::Mul(beta2, LoadFirst(second_moment + i, n)));
    const Floats denominator = hn::Add(hn::Div(hn::Sqrt(v), root_correction), epsilon);
    StoreFirst(m, first_moment + i, n);
    StoreFirst(v, second_moment + i, n);
    const Floats before = hn::Mul(kept, LoadFirst(value + i, n));
    StoreFirst(hn::Sub(before, hn::Div(hn::Mul(rate, m), denominator)), value + i, n);
  }
}

void RmsPropLoop(const RmsPropStep& step, const float* gradient, float* second_moment, float* value,
                 std::int64_t count) {
  const Floats rate = Scalar(static_cast<float>(step.learning_rate)),
               epsilon = Scalar(static_cast<float>(step.epsilon));
  const Floats alpha = Scalar(static_cast<float>(step.alpha)), rest = Scalar(static_cast<float>(1 - step.alpha));
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const std::int64_t n = count - i;
    const Floats g = LoadFirst(gradient + i, n);
    const Floats v = hn::MulAdd(hn::Mul(rest, g), g, hn::Mul(alpha, LoadFirst(second_moment + i, n)));
    const Floats denominator = hn::Add(hn::Sqrt(v), epsilon);
    StoreFirst(v, second_moment + i, n);
    StoreFirst(hn::Sub(LoadFirst(value + i, n), hn::Div(hn::Mul(rate, g), denominator)), value + i, n);
  }
}

float Largest(const float* x, std::int64_t count) {
  const FloatTag d;
  Floats largest[4];
  for (Floats& chain : largest) chain = Scalar(-std::numeric_limits<float>::infinity());
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (int chain = 0; chain < 4; ++chain)
      largest[chain] = hn::Max(largest[chain], hn::LoadU(d, x + i + chain * kLanes));
  }
  for (; i + kLanes <= count; i += kLanes) largest[0] = hn::Max(largest[0], hn::LoadU(d, x + i));
  const Floats all = hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]));
  float result = hn::GetLane(hn::MaxOfLanes(d, all));
  for (; i < count; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

/// e^(x - largest), also written to y.
struct SoftmaxTerm {
  const float* x;
  float* y;
  Floats largest;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    StoreFirst(ExpOf(hn::Sub(LoadFirst(x + i, n), largest)), y + i, n);
    return LoadFirst(y + i, n);  // lanes beyond the row's end must be 0
  }
};

struct LogSoftmax {
  const float* x;
  Floats largest, log_total;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    return hn::Sub(hn::Sub(LoadFirst(x + i, n), largest), log_total);
  }
};

void SoftmaxRow(Softmax kind, const float* x, std::int64_t count, float* y) {
  const Floats largest = Scalar(Largest(x, count));
  const float total = Reduce(count, SoftmaxTerm{x, y, largest});
  if (kind == Softmax::probabilities) return ScaleLoop(1 / total, y, count);
  Transform(count, y, LogSoftmax{x, largest, LogOf(Scalar(total))});
}

struct ProductTerm {
  const float *a, *b;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    return hn::Mul(LoadFirst(a + i, n), LoadFirst(b + i, n));
  }
};

/// Adds the gradient of a softmax to dx; `sum` is that of its dy y, or of its logarithm's dy.
template <Softmax kKind>
struct SoftmaxSlope {
  const float *y, *dy, *dx;
  Floats sum;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats result = LoadFirst(y + i, n), upstream = LoadFirst(dy + i, n), before = LoadFirst(dx + i, n);
    if constexpr (kKind == Softmax::probabilities) return hn::MulAdd(result, hn::Sub(upstream, sum), before);
    return hn::Add(before, hn::NegMulAdd(ExpOf(result), sum, upstream));
  }
};

void SoftmaxRowBackward(Softmax kind, const float* y, const float* dy, std::int64_t count, float* dx) {
  if (kind == Softmax::probabilities) {
    const Floats sum = Scalar(Reduce(count, ProductTerm{dy, y}));
    Transform(count, dx, SoftmaxSlope<Softmax::probabilities>{y, dy, dx, sum});
  } else {
    Transform(count, dx, SoftmaxSlope<Softmax::logarithms>{y, dy, dx, Scalar(SumLoop(dy, count))});
  }
}

/// e^(logits - largest), also written back to `logits`.
struct ExponentialTerm {
  float* logits;
  Floats largest;
  HWY_INLINE Floats operator()(std::int64_t i, std::int64_t n) const {
    const Floats y = ExpOfNotPositive(hn::Sub(LoadFirst(logits + i, n), largest));
    StoreFirst(y, logits + i, n);
    return HWY_LIKELY(n >= kLanes) ? y : LoadFirst(logits + i, n);  // lanes beyond the row's end must be 0
  }
};

cpu::SoftmaxLoss SoftmaxCrossEntropy(float* logits, std::int64_t count, std::int64_t target, float scale) {
  const float largest = Largest(logits, count), target_logit = logits[target];
  bool correct = target_logit == largest;
  for (std::int64_t i = 0; correct && i < target; ++i) correct = logits[i] != largest;
  const float total = Reduce(count, ExponentialTerm{logits, Scalar(largest)});
  const float of_target = (logits[target] / total - 1) * scale;
  ScaleLoop(scale / total, logits, count);
  logits[target] = of_target;
  const float log_total = hn::GetLane(LogOf(Scalar(total)));
  return {log_total - (target_logit - largest), correct};
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll::cpu {

HWY_EXPORT(AxpyLoop);
HWY_EXPORT(ScaleLoop);
HWY_EXPORT(ClampLoop);
HWY_EXPORT(UnaryLoop);
HWY_EXPORT(UnaryBackwardLoop);
HWY_EXPORT(BinaryLoop);
HWY_EXPORT(MultiplyAddLoop);
HWY_EXPORT(AddColumnSums);
HWY_EXPORT(SumLoop);
HWY_EXPORT(SumOfSquaresLoop);
HWY_EXPORT(DropoutLoop);
HWY_EXPORT(SgdLoop);
HWY_EXPORT(SgdMomentumLoop);
HWY_EXPORT(AdamLoop);
HWY_EXPORT(RmsPropLoop);
HWY_EXPORT(SoftmaxRow);
HWY_EXPORT(SoftmaxRowBackward);
HWY_EXPORT(SoftmaxCrossEntropy);

void axpy(float a, const float* x, float* y, std::int64_t count) { HWY_DYNAMIC_DISPATCH(AxpyLoop)(a, x, y, count); }
void scale(float a, float* x, std::int64_t count) { HWY_DYNAMIC_DISPATCH(ScaleLoop)(a, x, count); }
void clamp(float limit, float* x, std::int64_t count) { HWY_DYNAMIC_DISPATCH(ClampLoop)(limit, x, count); }
void unary(Unary op, const float* x, float* y, std::int64_t count) { HWY_DYNAMIC_DISPATCH(UnaryLoop)(op, x, y, count); }
void unary_backward(Unary op, const float* x, const float* y, const float* dy, float* dx, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(UnaryBackwardLoop)(op, x, y, dy, dx, count);
}
void binary(Binary op, const float* a, const float* b, float* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(BinaryLoop)(op, a, b, y, count);
}
void multiply_add(const float* a, const float* b, float* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(MultiplyAddLoop)(a, b, y, count);
}
void add_column_sums(const ConstMatrix& x, float* sums, std::int64_t column_begin, std::int64_t column_end) {
  HWY_DYNAMIC_DISPATCH(AddColumnSums)(x, sums, column_begin, column_end);
}
float sum(const float* x, std::int64_t count) { return HWY_DYNAMIC_DISPATCH(SumLoop)(x, count); }
float sum_of_squares(const float* x, std::int64_t count) { return HWY_DYNAMIC_DISPATCH(SumOfSquaresLoop)(x, count); }
void dropout(const float* uniform, float p, const float* x, float* y, std::int64_t count, bool add) {
  HWY_DYNAMIC_DISPATCH(DropoutLoop)(uniform, p, x, y, count, add);
}
void sgd(float learning_rate, const float* gradient, float* value, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(SgdLoop)(learning_rate, gradient, value, count);
}
void sgd_momentum(const MomentumStep& step, const float* gradient, float* velocity, float* value, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(SgdMomentumLoop)(step, gradient, velocity, value, count);
}
void adam(const AdamStep& step, const float* gradient, float* first_moment, float* second_moment, float* value,
          std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(AdamLoop)(step, gradient, first_moment, second_moment, value, count);
}
void rmsprop(const RmsPropStep& step, const float* gradient, float* second_moment, float* value, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(RmsPropLoop)(step, gradient, second_moment, value, count);
}
void softmax(Softmax kind, const float* x, std::int64_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(SoftmaxRow)(kind, x, count, y);
}
void softmax_backward(Softmax kind, const float* y, const float* dy, std::int64_t count, float* dx) {
  HWY_DYNAMIC_DISPATCH(SoftmaxRowBackward)(kind, y, dy, count, dx);
}
SoftmaxLoss softmax_cross_entropy(float* logits, std::int64_t count, std::int64_t target, float scale) {
  return HWY_DYNAMIC_DISPATCH(SoftmaxCrossEntropy)(logits, count, target, scale);
}

}  // namespace unroll::cpu
#endif
