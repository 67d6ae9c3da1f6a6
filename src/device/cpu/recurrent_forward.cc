#include <hwy/cache_control.h>

#include <algorithm>

#include "device/cpu/recurrent.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/recurrent_forward.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/math-inl.h"
#include "device/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

using cpu::ForwardPart;

/// Number of vectors of units per panel: a tile has kTileVectors vectors, one per gate and vector of units.
constexpr std::int64_t UnitVectors(CellType cell) { return cell == CellType::rnn ? kTileVectors : 1; }
constexpr std::int64_t UnitsPerPanel(CellType cell) { return UnitVectors(cell) * kLanes; }

std::int64_t GatePanelCount(CellType cell, std::int64_t hidden) {
  return (hidden + UnitsPerPanel(cell) - 1) / UnitsPerPanel(cell);
}
std::int64_t PackedGatesSize(CellType cell, std::int64_t hidden) {
  return (hidden + kLanes - 1) / kLanes * kLanes * gate_count(cell) * hidden;
}

void PackGates(CellType cell, std::int64_t hidden, const float* HWY_RESTRICT weight, float* HWY_RESTRICT packed,
               std::int64_t panel_begin, std::int64_t panel_end) {
  const std::int64_t gates = gate_count(cell);
  for (std::int64_t panel = panel_begin; panel < panel_end; ++panel) {
    const std::int64_t first = panel * UnitsPerPanel(cell), units = std::min(UnitsPerPanel(cell), hidden - first);
    const std::int64_t padded = (units + kLanes - 1) / kLanes * kLanes;
    float* HWY_RESTRICT out = packed + first * gates * hidden;
    for (std::int64_t k = 0; k < hidden; ++k) {
      for (std::int64_t gate = 0; gate < gates; ++gate, out += padded) {
        const float* row = weight + (k * gates + gate) * hidden + first;
        std::copy(row, row + units, out);
        std::fill(out + units, out + padded, 0.0f);
      }
    }
  }
}

/// Operands and results of a tile: a range of rows and units of one time step.
struct StepTile {
  const RecurrentSequence* sequence;
  RowsA previous_h;  // from k = 0
  PanelB weight;
  std::int64_t unit, units;  // first unit; number of units from there to the end
  float* gates;              // (first row, first unit) of the block of gate 0; rows are G*H apart, gates H
  float* candidate;          // gru, likewise; rows are H apart
  const float* h_before;     // rows are H apart
  float* h;
  const float* c_before;  // lstm
  float* c;
};

/// Prefetches the state that a tile needs after its product and the gates with which the tile of the next rows begins.
/// Time steps and gates are too far apart for hardware prefetchers.
template <int kRows, int kGates>
HWY_INLINE void PrefetchAround(const StepTile& tile, const float* state_before) {
  const std::int64_t hidden = tile.sequence->hidden, row = kGates * hidden;
  ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA {
    hwy::Prefetch(state_before + r * hidden);
    ForEach<kGates>([&](auto gate)
                        UNROLL_INLINE_LAMBDA { hwy::Prefetch(tile.gates + (kRows + r) * row + gate * hidden); });
  });
}

HWY_INLINE Floats Bias(const RecurrentSequence& s, std::int64_t gate, std::int64_t unit, std::int64_t count) {
  return s.bias == nullptr ? hn::Zero(FloatTag()) : LoadFirst(s.bias + gate * s.hidden + unit, count);
}

template <class Activate>
struct RnnTile : StepTile {
  template <int kRows, int kVectors>
  HWY_INLINE void Run() const {
    const RecurrentSequence& s = *sequence;
    Floats acc[kRows][kVectors];
    ForEach<kVectors>([&](auto v) UNROLL_INLINE_LAMBDA {
      const std::int64_t count = units - v * kLanes;
      const Floats bias = Bias(s, 0, unit + v * kLanes, count);
      ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA {
        acc[r][v] = hn::Add(LoadFirst(gates + r * s.hidden + v * kLanes, count), bias);
      });
    });
    MultiplyAdd(acc, previous_h, weight, s.hidden);
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        const std::int64_t at = r * s.hidden + v * kLanes, count = units - v * kLanes;
        const Floats y = Activate()(acc[r][v]);
        StoreFirst(y, gates + at, count);
        StoreFirst(y, h + at, count);
      }
    }
  }
};

struct ActivateTanh {
  HWY_INLINE Floats operator()(Floats x) const { return TanhOf(x); }
};
struct ActivateRelu {
  HWY_INLINE Floats operator()(Floats x) const { return ReluOf(x); }
};
struct ActivateSigmoid {
  HWY_INLINE Floats operator()(Floats x) const { return SigmoidOf(x); }
};

struct GruTile : StepTile {
  template <int kRows, int kVectors>
  HWY_INLINE void Run() const {
    const RecurrentSequence& s = *sequence;
    const std::int64_t row = 3 * s.hidden;
    Floats acc[kRows][3];  // r, z, candidate
    ForEach<3>([&](auto gate) UNROLL_INLINE_LAMBDA {
      const Floats bias = Bias(s, gate, unit, units);
      ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA {
        acc[r][gate] = gate == 2 ? bias : hn::Add(LoadFirst(gates + r * row + gate * s.hidden, units), bias);
      });
    });
    PrefetchAround<kRows, 3>(*this, h_before);
    MultiplyAdd(acc, previous_h, weight, s.hidden);
    // Two passes over the rows: a chain of exponential, division and again exponential in each row would stall the
    // processor.
    for (int r = 0; r < kRows; ++r) {
      float* g = gates + r * row;
      const Floats reset = SigmoidOf(acc[r][0]), update = SigmoidOf(acc[r][1]);
      StoreFirst(reset, g, units);
      StoreFirst(update, g + s.hidden, units);
      StoreFirst(acc[r][2], candidate + r * s.hidden, units);
      acc[r][0] = hn::MulAdd(reset, acc[r][2], LoadFirst(g + 2 * s.hidden, units));
      acc[r][1] = update;
    }
    for (int r = 0; r < kRows; ++r) {
      const Floats n = TanhOf(acc[r][0]), before = LoadFirst(h_before + r * s.hidden, units);
      StoreFirst(n, gates + r * row + 2 * s.hidden, units);
      StoreFirst(hn::MulAdd(acc[r][1], hn::Sub(before, n), n), h + r * s.hidden, units);
    }
  }
};

struct LstmTile : StepTile {
  template <int kRows, int kVectors>
  HWY_INLINE void Run() const {
    const RecurrentSequence& s = *sequence;
    const std::int64_t row = 4 * s.hidden;
    Floats acc[kRows][4];  // i, f, g, o
    ForEach<4>([&](auto gate) UNROLL_INLINE_LAMBDA {
      const Floats bias = Bias(s, gate, unit, units);
      ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA {
        acc[r][gate] = hn::Add(LoadFirst(gates + r * row + gate * s.hidden, units), bias);
      });
    });
    PrefetchAround<kRows, 4>(*this, c_before);
    MultiplyAdd(acc, previous_h, weight, s.hidden);
    for (int r = 0; r < kRows; ++r) {  // in two passes like the gru
      const Floats input = SigmoidOf(acc[r][0]), forget = SigmoidOf(acc[r][1]);
      const Floats g = TanhOf(acc[r][2]), output = SigmoidOf(acc[r][3]);
      const Floats cell = hn::MulAdd(forget, LoadFirst(c_before + r * s.hidden, units), hn::Mul(input, g));
      float* out = gates + r * row;
      StoreFirst(input, out, units);
      StoreFirst(forget, out + s.hidden, units);
      StoreFirst(g, out + 2 * s.hidden, units);
      StoreFirst(output, out + 3 * s.hidden, units);
      StoreFirst(cell, c + r * s.hidden, units);
      acc[r][0] = cell;
      acc[r][1] = output;
    }
    for (int r = 0; r < kRows; ++r) StoreFirst(hn::Mul(acc[r][1], TanhOf(acc[r][0])), h + r * s.hidden, units);
  }
};

/// Not inlined: otherwise GCC 12 runs out of registers in the inner loop of an AVX2 tile.
template <class Tile>
HWY_NOINLINE void RunTile(const StepTile& place, std::int64_t rows) {
  Tile tile;
  static_cast<StepTile&>(tile) = place;
  if constexpr (std::is_same_v<Tile, GruTile>) {
    WithRows<3>(rows, tile);
  } else if constexpr (std::is_same_v<Tile, LstmTile>) {
    WithRows<4>(rows, tile);
  } else {
    WithRowsAndVectors(rows, std::min<std::int64_t>(kTileVectors, (place.units + kLanes - 1) / kLanes), tile);
  }
}

/// Number of floats of one k in a panel of the packed W_hh.
std::int64_t PanelWidthOf(const RecurrentSequence& s, std::int64_t panel) {
  const std::int64_t units = std::min(UnitsPerPanel(s.cell), s.hidden - panel * UnitsPerPanel(s.cell));
  return (units + kLanes - 1) / kLanes * kLanes * gate_count(s.cell);
}

template <class Tile>
void ForwardTiles(const RecurrentSequence& s, const float* packed, const ForwardPart& part) {
  const std::int64_t gates = gate_count(s.cell), rows = part.row_end - part.row_begin;
  const std::int64_t strips = (rows + kTileRows - 1) / kTileRows;
  for (std::int64_t position = 0; position < s.steps; ++position) {
    const std::int64_t t = s.time(position);
    for (std::int64_t panel = part.panel_begin; panel < part.panel_end; ++panel) {
      const std::int64_t unit = panel * UnitsPerPanel(s.cell);
      const std::int64_t next = panel + 1 < part.panel_end ? panel + 1 : part.panel_begin;  // wraps for the next step
      const auto panel_at = [&](std::int64_t i) { return packed + i * UnitsPerPanel(s.cell) * gates * s.hidden; };
      for (std::int64_t strip = 0; strip < strips; ++strip) {
        const std::int64_t first = part.row_begin + rows * strip / strips;
        const std::int64_t last = part.row_begin + rows * (strip + 1) / strips;
        const std::int64_t before = s.previous(t) * s.slot_size() + first * s.hidden;
        const std::int64_t after = s.next(t) * s.slot_size() + first * s.hidden + unit;
        const std::int64_t at = (t * s.batch + first) * s.hidden;
        StepTile tile{};
        tile.sequence = &s;
        tile.previous_h = {s.h + before, s.hidden};
        tile.weight = {panel_at(panel)};
        if (next != panel) tile.weight = WithNext(tile.weight, panel_at(next), PanelWidthOf(s, next), strip, s.hidden);
        tile.unit = unit;
        tile.units = s.hidden - unit;
        tile.gates = s.gates + at * gates + unit;
        tile.candidate = s.candidate == nullptr ? nullptr : s.candidate + at + unit;
        tile.h_before = s.h + before + unit;
        tile.h = s.h + after;
        tile.c_before = s.c == nullptr ? nullptr : s.c + before + unit;
        tile.c = s.c == nullptr ? nullptr : s.c + after;
        RunTile<Tile>(tile, last - first);
      }
    }
  }
}

void RecurrentForwardPart(const RecurrentSequence& s, const float* packed, const ForwardPart& part) {
  switch (s.cell) {
    case CellType::gru:
      return ForwardTiles<GruTile>(s, packed, part);
    case CellType::lstm:
      return ForwardTiles<LstmTile>(s, packed, part);
    case CellType::rnn:
      break;
  }
  switch (s.activation) {
    case Activation::tanh:
      return ForwardTiles<RnnTile<ActivateTanh>>(s, packed, part);
    case Activation::relu:
      return ForwardTiles<RnnTile<ActivateRelu>>(s, packed, part);
    case Activation::sigmoid:
      return ForwardTiles<RnnTile<ActivateSigmoid>>(s, packed, part);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll::cpu {

HWY_EXPORT(GatePanelCount);
HWY_EXPORT(PackedGatesSize);
HWY_EXPORT(PackGates);
HWY_EXPORT(RecurrentForwardPart);

std::int64_t gate_panel_count(CellType cell, std::int64_t hidden) {
  return HWY_DYNAMIC_DISPATCH(GatePanelCount)(cell, hidden);
}
std::size_t packed_gates_size(CellType cell, std::int64_t hidden) {
  return static_cast<std::size_t>(HWY_DYNAMIC_DISPATCH(PackedGatesSize)(cell, hidden));
}
void pack_gates(CellType cell, std::int64_t hidden, const float* weight, float* packed, std::int64_t panel_begin,
                std::int64_t panel_end) {
  HWY_DYNAMIC_DISPATCH(PackGates)(cell, hidden, weight, packed, panel_begin, panel_end);
}
void recurrent_forward_part(const RecurrentSequence& sequence, const float* packed_gates, const ForwardPart& part) {
  HWY_DYNAMIC_DISPATCH(RecurrentForwardPart)(sequence, packed_gates, part);
}

}  // namespace unroll::cpu
#endif
