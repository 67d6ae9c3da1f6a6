#include "tensor/cpu/gemm.h"

#include <hwy/cache_control.h>

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tensor/cpu/gemm.cc"
#include <hwy/foreach_target.h>

#include "tensor/cpu/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

using cpu::Product;

std::int64_t BlockCount(std::int64_t size, std::int64_t largest) { return (size + largest - 1) / largest; }

std::int64_t PanelCount(std::int64_t columns) { return BlockCount(columns, kPanelWidth); }
std::int64_t StripCount(std::int64_t rows) { return BlockCount(rows, kTileRows); }
std::int64_t PackedBSize(std::int64_t depth, std::int64_t columns) { return depth * PaddedColumns(columns); }

void PackB(const ConstMatrix& b, float* packed, std::int64_t panel_begin, std::int64_t panel_end) {
  for (std::int64_t panel = panel_begin; panel < panel_end; ++panel) {
    const std::int64_t first = panel * kPanelWidth;
    PackPanel(b.column_range(first, std::min(kPanelWidth, b.columns - first)), packed + first * b.rows);
  }
}

/// One tile over a block of k.
template <bool kMasked>
struct GemmTile {
  TileA a;
  TileB b;
  std::int64_t depth;
  Start start;  // its bias already points to this tile's columns
  float* c;
  std::int64_t c_stride;
  std::int64_t columns;  // valid ones

  /// The tile that comes next: no hardware prefetcher guesses it.
  template <int kRows, int kVectors>
  HWY_INLINE void PrefetchRowsBelow() const {
    for (int r = kRows; r < 2 * kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) hwy::Prefetch(c + r * c_stride + v * kLanes);
    }
  }

  template <int kRows, int kVectors>
  HWY_INLINE void Run() const {
    const FloatTag d;
    Floats acc[kRows][kVectors];
    ForEachAccumulator<kRows, kVectors>([&](auto r, auto v) UNROLL_INLINE_LAMBDA {
      const std::int64_t valid = columns - v * kLanes;
      if (start.kind == Start::zero) {
        acc[r][v] = hn::Zero(d);
      } else if (start.kind == Start::row) {
        acc[r][v] = LoadFirst(start.bias + v * kLanes, valid);
      } else {
        acc[r][v] = LoadFirst(c + r * c_stride + v * kLanes, valid);
      }
    });
    PrefetchRowsBelow<kRows, kVectors>();
    MultiplyAdd<kMasked>(acc, a, b, depth, columns);
    ForEachAccumulator<kRows, kVectors>([&](auto r, auto v) UNROLL_INLINE_LAMBDA {
      StoreFirst(acc[r][v], c + r * c_stride + v * kLanes, columns - v * kLanes);
    });
  }
};

// Blocks are sized so that, while they are reused, a panel of B and a block of A stay in the second-level cache and a
// strip of A in the first. They are spread evenly: none is left with a few rows or a few k.
constexpr std::int64_t kDepthBlock = 320, kStripsPerBlock = 264 / kTileRows;

/// B is read where it lies when it is used for so few rows that copying it would take longer than it saves.
constexpr std::int64_t kRowsWorthPacking = 8;

/// Strips of A and a range of k, for all panels.
struct LeftBlock {
  std::int64_t strip_begin, strip_end;
  std::int64_t k0, depth;
  const float* packed;  // or null: A is read where it lies
};

/// A panel of B over the left block's range of k.
struct Panel {
  std::int64_t first_column, columns;  // in C
  TileB b;
  bool padded;  // to whole vectors
};

void MultiplyTile(const Product& p, const LeftBlock& left, const Panel& panel, std::int64_t strip) {
  const std::int64_t first_row = StripRow(strip, p.c.rows), rows = StripRow(strip + 1, p.c.rows) - first_row;
  TileA a{p.a.data + first_row * p.a.row_stride + left.k0 * p.a.column_stride, p.a.row_stride, p.a.column_stride};
  if (left.packed != nullptr) a = {left.packed + (strip - left.strip_begin) * kTileRows * left.depth, 1, kTileRows};
  Start start = left.k0 == 0 ? p.start : Start::at_c();
  if (start.kind == Start::row) start.bias += panel.first_column;
  float* c = p.c.row(first_row) + panel.first_column;
  const std::int64_t vectors = BlockCount(panel.columns, kLanes);
  if (panel.padded) {
    const GemmTile<false> tile{a, panel.b, left.depth, start, c, p.c.row_stride, panel.columns};
    WithRowsAndVectors(rows, vectors, tile);
  } else {
    const GemmTile<true> tile{a, panel.b, left.depth, start, c, p.c.row_stride, panel.columns};
    WithRowsAndVectors(rows, vectors, tile);
  }
}

/// Packs A's block where its k are not contiguous.
void PackLeft(const Product& p, LeftBlock& left, float* room) {
  if (p.a.column_stride == 1 || p.a.row_stride != 1) return;
  PackStrips<kStripsPerBlock>(p.a.column_range(left.k0, left.depth), left.strip_begin, left.strip_end, room);
  left.packed = room;
}

/// B's panel from where it lies packed, or, in place or copied to `room`, from where the user holds it; as it passes
/// through the registers, also summed.
Panel PanelOf(const Product& p, const LeftBlock& left, std::int64_t index, float* room) {
  Panel panel{};
  panel.first_column = index * kPanelWidth;
  panel.columns = std::min(kPanelWidth, p.c.columns - panel.first_column);
  const std::int64_t width = PaddedColumns(panel.columns);
  panel.padded = true;
  if (p.packed_b != nullptr) {
    panel.b = {p.packed_b + panel.first_column * p.a.columns + left.k0 * width, width};
    return panel;
  }
  const ConstMatrix b = p.b.row_range(left.k0, left.depth).column_range(panel.first_column, panel.columns);
  if (b.column_stride == 1 && p.c.rows <= kRowsWorthPacking && p.column_sums == nullptr) {
    panel.b = {b.data, b.row_stride};
    panel.padded = width == panel.columns;
    return panel;
  }
  if (p.column_sums != nullptr && left.strip_begin == 0) {
    PackPanelAndSum(b, room, p.column_sums + panel.first_column);
  } else {
    PackPanel(b, room);
  }
  panel.b = {room, width};
  return panel;
}

std::int64_t RowBlockCount(const Product& p) { return BlockCount(StripCount(p.c.rows), kStripsPerBlock); }

std::int64_t PartCount(const Product& p) { return RowBlockCount(p) * PanelCount(p.c.columns); }

void Multiply(const Product& p, std::int64_t part_begin, std::int64_t part_end) {
  // On the stack, since every thread needs its own.
  HWY_ALIGN float left_room[kStripsPerBlock * kTileRows * kDepthBlock];
  HWY_ALIGN float panel_room[kPanelWidth * kDepthBlock];
  const std::int64_t strips = StripCount(p.c.rows), panels = PanelCount(p.c.columns), row_blocks = RowBlockCount(p);
  const std::int64_t depth_blocks = std::max<std::int64_t>(1, BlockCount(p.a.columns, kDepthBlock));  // 0: C = start
  for (std::int64_t rows = 0; rows < row_blocks; ++rows) {
    const std::int64_t begin = std::max<std::int64_t>(0, part_begin - rows * panels);
    const std::int64_t end = std::min(panels, part_end - rows * panels);
    if (begin >= end) continue;
    for (std::int64_t block = 0; block < depth_blocks; ++block) {
      LeftBlock left{};
      left.strip_begin = strips * rows / row_blocks;
      left.strip_end = strips * (rows + 1) / row_blocks;
      left.k0 = p.a.columns * block / depth_blocks;
      left.depth = p.a.columns * (block + 1) / depth_blocks - left.k0;
      PackLeft(p, left, left_room);
      for (std::int64_t index = begin; index < end; ++index) {
        const Panel panel = PanelOf(p, left, index, panel_room);
        for (std::int64_t strip = left.strip_begin; strip < left.strip_end; ++strip)
          MultiplyTile(p, left, panel, strip);
      }
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll::cpu {

HWY_EXPORT(PanelCount);
HWY_EXPORT(PackedBSize);
HWY_EXPORT(PackB);
HWY_EXPORT(PartCount);
HWY_EXPORT(Multiply);

std::int64_t panel_count(std::int64_t columns) { return HWY_DYNAMIC_DISPATCH(PanelCount)(columns); }
std::size_t packed_b_size(std::int64_t depth, std::int64_t columns) {
  return static_cast<std::size_t>(HWY_DYNAMIC_DISPATCH(PackedBSize)(depth, columns));
}
void pack_b(const ConstMatrix& b, float* packed, std::int64_t panel_begin, std::int64_t panel_end) {
  HWY_DYNAMIC_DISPATCH(PackB)(b, packed, panel_begin, panel_end);
}
std::int64_t part_count(const Product& product) { return HWY_DYNAMIC_DISPATCH(PartCount)(product); }
void multiply(const Product& product, std::int64_t part_begin, std::int64_t part_end) {
  HWY_DYNAMIC_DISPATCH(Multiply)(product, part_begin, part_end);
}

}  // namespace unroll::cpu
#endif
