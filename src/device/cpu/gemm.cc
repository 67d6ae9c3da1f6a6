#include "device/cpu/gemm.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/gemm.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

using cpu::Product;

std::int64_t PackedBSize(std::int64_t depth, std::int64_t columns) { return depth * PaddedColumns(columns); }

void PackB(const ConstMatrix& b, float* packed, std::int64_t panel_begin, std::int64_t panel_end) {
  const std::int64_t first = panel_begin * kPanelWidth, end = std::min(b.columns, panel_end * kPanelWidth);
  PackPanels(b.column_range(first, end - first), b.rows, packed + first * b.rows, nullptr);
}

/// One tile over a block of k.
template <class A, class B>
struct GemmTile {
  A a;
  B b;
  std::int64_t depth;
  Accumulate start;  // its bias already points to this tile's columns
  float* c;
  std::int64_t c_stride;
  std::int64_t columns;  // valid columns

  /// Prefetches C for the next tile, which hardware prefetchers do not predict.
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
      if (start.kind == Accumulate::overwrite) {
        acc[r][v] = hn::Zero(d);
      } else if (start.kind == Accumulate::bias_row) {
        acc[r][v] = LoadFirst(start.bias + v * kLanes, valid);
      } else {
        acc[r][v] = LoadFirst(c + r * c_stride + v * kLanes, valid);
      }
    });
    PrefetchRowsBelow<kRows, kVectors>();
    MultiplyAdd(acc, a, b, depth);
    ForEachAccumulator<kRows, kVectors>([&](auto r, auto v) UNROLL_INLINE_LAMBDA {
      StoreFirst(acc[r][v], c + r * c_stride + v * kLanes, columns - v * kLanes);
    });
  }
};

// Block sizes: while they are reused, a panel of B and a block of A stay in half of a second-level cache of a megabyte
// (another program on the same core may use the other half); a strip of A stays in the first level. Blocks are of about
// equal size, so that none is left with a few rows or a few k.
constexpr std::int64_t kDepthBlock = 384, kStripsPerBlock = 132 / kTileRows;

/// Maximum number of rows for which B is read in place, because packing it would take longer than it saves.
constexpr std::int64_t kRowsWorthPacking = 48;

/// A's strips are packed unless its rows are contiguous.
bool PacksLeft(const Product& p) { return p.a.column_stride != 1; }

bool ReadsInPlace(const Product& p) {
  return p.packed_b == nullptr && p.b.column_stride == 1 && p.c.rows <= kRowsWorthPacking && p.column_sums == nullptr &&
         !PacksLeft(p);
}

std::int64_t DepthBlockCount(const Product& p) {
  return std::max<std::int64_t>(1, BlockCount(p.a.columns, kDepthBlock));  // one for depth 0: C = start
}

std::int64_t RowBlockCount(const Product& p) { return BlockCount(StripCount(p.c.rows), kStripsPerBlock); }

std::int64_t PanelColumns(const Product& p, std::int64_t panel) {
  return std::min(kPanelWidth, p.c.columns - panel * kPanelWidth);
}

/// A range of panels of B over a range of k.
struct RightBlock {
  std::int64_t panel_begin, panel_end;
  std::int64_t k0, depth;
  // The packed panels, from `packed_panel` on, each from `packed_k0` on and `packed_depth` deep. Null: B is read in
  // place.
  const float* packed = nullptr;
  std::int64_t packed_panel = 0, packed_k0 = 0, packed_depth = 0;

  const float* panel(const Product& p, std::int64_t index) const {
    return packed + (index - packed_panel) * kPanelWidth * packed_depth +
           (k0 - packed_k0) * PaddedColumns(PanelColumns(p, index));
  }
  /// The panel after `index`; after the last one the first, for the next rows.
  std::int64_t after(std::int64_t index) const { return index + 1 < panel_end ? index + 1 : panel_begin; }
};

/// A range of strips of A over the same range of k.
struct LeftBlock {
  std::int64_t strip_begin, strip_end;
  const float* packed;  // null: A is read in place
};

template <class A>
void MultiplyTile(const Product& p, const LeftBlock& left, const RightBlock& right, std::int64_t index,
                  std::int64_t strip, const A& a) {
  const std::int64_t first_row = StripRow(strip, p.c.rows), rows = StripRow(strip + 1, p.c.rows) - first_row;
  const std::int64_t first_column = index * kPanelWidth, columns = PanelColumns(p, index);
  const std::int64_t vectors = BlockCount(columns, kLanes), stride = p.c.row_stride;
  float* c = p.c.row(first_row) + first_column;
  Accumulate start = right.k0 == 0 ? p.start : Accumulate::onto_c();
  if (start.kind == Accumulate::bias_row) start.bias += first_column;
  if (right.packed != nullptr) {
    PanelB b{right.panel(p, index)};
    if (const std::int64_t next = right.after(index); next != index) {
      b = WithNext(b, right.panel(p, next), PaddedColumns(PanelColumns(p, next)), strip - left.strip_begin,
                   right.depth);
    }
    WithRowsAndVectors(rows, vectors, GemmTile<A, PanelB>{a, b, right.depth, start, c, stride, columns});
    return;
  }
  if constexpr (std::is_same_v<A, RowsA>) {
    const RowsB b{p.b.data + right.k0 * p.b.row_stride + first_column, p.b.row_stride, columns};
    WithRowsAndVectors(rows, vectors, GemmTile<A, RowsB>{a, b, right.depth, start, c, stride, columns});
  }
}

void MultiplyPanel(const Product& p, const LeftBlock& left, const RightBlock& right, std::int64_t index) {
  for (std::int64_t strip = left.strip_begin; strip < left.strip_end; ++strip) {
    if (left.packed != nullptr) {
      const StripA a{left.packed + (strip - left.strip_begin) * kTileRows * right.depth};
      MultiplyTile(p, left, right, index, strip, a);
    } else {
      const RowsA a{p.a.data + StripRow(strip, p.c.rows) * p.a.row_stride + right.k0, p.a.row_stride};
      MultiplyTile(p, left, right, index, strip, a);
    }
  }
}

/// Packs the block of A if its rows are not contiguous.
void PackLeft(const Product& p, const RightBlock& right, LeftBlock& left, float* workspace) {
  if (!PacksLeft(p)) return;
  PackStrips<kStripsPerBlock>(p.a.column_range(right.k0, right.depth), left.strip_begin, left.strip_end, workspace);
  left.packed = workspace;
}

/// True if the parts pack B: the caller has not packed it, and it is not read in place.
bool PacksRight(const Product& p) { return p.packed_b == nullptr && !ReadsInPlace(p); }

/// Packs the block of B, if the parts pack B. Only the first split of the rows adds column sums.
void PackRight(const Product& p, std::int64_t split, RightBlock& right, float* workspace) {
  if (!PacksRight(p)) {
    right.packed = p.packed_b;
    right.packed_depth = p.a.columns;
    return;
  }
  const std::int64_t first = right.panel_begin * kPanelWidth,
                     end = std::min(p.c.columns, right.panel_end * kPanelWidth);
  PackPanels(p.b.row_range(right.k0, right.depth).column_range(first, end - first), right.depth, workspace,
             split == 0 && p.column_sums != nullptr ? p.column_sums + first : nullptr);
  right.packed = workspace;
  right.packed_panel = right.panel_begin;
  right.packed_k0 = right.k0;
  right.packed_depth = right.depth;
}

// Number of panels that are packed at a time. A block of A is packed or read again for each such group.
constexpr std::int64_t kPanelsPerGroup = 2048 / kPanelWidth;

std::int64_t WorkspaceSize(const Product& p) {
  return PacksRight(p) ? PackedBSize(kDepthBlock, std::min(p.c.columns, kPanelsPerGroup * kPanelWidth)) : 0;
}

std::int64_t PartCount(const Product& p) { return p.row_splits * PanelCount(p.c.columns); }

/// Number of columns in the parts before `part`, counted split by split.
std::int64_t ColumnsBefore(std::int64_t part, std::int64_t panels, std::int64_t columns) {
  return part / panels * columns + std::min(part % panels * kPanelWidth, columns);
}

/// Smallest number of row splits with which threads that get an equal number of parts get about equal work. Every split
/// packs B again.
std::int64_t RowSplits(const Product& p, std::int64_t threads) {
  constexpr std::int64_t kMaxSplits = 16;
  constexpr double kMinBalance = 0.9;
  const std::int64_t panels = PanelCount(p.c.columns), most = std::min(kMaxSplits, RowBlockCount(p));
  std::int64_t best = 1;
  double best_balance = 0;
  for (std::int64_t splits = 1; threads > 1 && splits <= most && best_balance < kMinBalance; ++splits) {
    std::int64_t largest = 0;
    for (std::int64_t thread = 0; thread < threads; ++thread) {
      const std::int64_t begin = splits * panels * thread / threads, end = splits * panels * (thread + 1) / threads;
      largest = std::max(largest, ColumnsBefore(end, panels, p.c.columns) - ColumnsBefore(begin, panels, p.c.columns));
    }
    const double balance = static_cast<double>(splits * p.c.columns) / static_cast<double>(threads * largest);
    if (balance > best_balance) {
      best = splits;
      best_balance = balance;
    }
  }
  return best;
}

/// Computes the panels [panel_begin, panel_end) for the rows of a split.
void MultiplyGroup(const Product& p, std::int64_t split, std::int64_t panel_begin, std::int64_t panel_end,
                   float* workspace) {
  HWY_ALIGN float
      left_workspace[kStripsPerBlock * kTileRows * kDepthBlock];  // on the stack: every thread needs its own
  const std::int64_t strips = StripCount(p.c.rows), row_blocks = RowBlockCount(p), depth_blocks = DepthBlockCount(p);
  for (std::int64_t block = 0; block < depth_blocks; ++block) {
    const std::int64_t k0 = p.a.columns * block / depth_blocks, k1 = p.a.columns * (block + 1) / depth_blocks;
    RightBlock right{.panel_begin = panel_begin, .panel_end = panel_end, .k0 = k0, .depth = k1 - k0};
    PackRight(p, split, right, workspace);
    for (std::int64_t rows = row_blocks * split / p.row_splits; rows < row_blocks * (split + 1) / p.row_splits;
         ++rows) {
      LeftBlock left{strips * rows / row_blocks, strips * (rows + 1) / row_blocks, nullptr};
      PackLeft(p, right, left, left_workspace);
      for (std::int64_t index = panel_begin; index < panel_end; ++index) MultiplyPanel(p, left, right, index);
    }
  }
}

void Multiply(const Product& p, std::int64_t part_begin, std::int64_t part_end, float* workspace) {
  const std::int64_t panels = PanelCount(p.c.columns);
  for (std::int64_t split = 0; split < p.row_splits; ++split) {
    const std::int64_t begin = std::max<std::int64_t>(0, part_begin - split * panels);
    const std::int64_t count = std::min(panels, part_end - split * panels) - begin;
    if (count <= 0) continue;
    const std::int64_t groups = PacksRight(p) ? BlockCount(count, kPanelsPerGroup) : 1;
    for (std::int64_t group = 0; group < groups; ++group)
      MultiplyGroup(p, split, begin + count * group / groups, begin + count * (group + 1) / groups, workspace);
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
HWY_EXPORT(RowSplits);
HWY_EXPORT(WorkspaceSize);
HWY_EXPORT(Multiply);

std::int64_t panel_count(std::int64_t columns) { return HWY_DYNAMIC_DISPATCH(PanelCount)(columns); }
std::size_t packed_b_size(std::int64_t depth, std::int64_t columns) {
  return static_cast<std::size_t>(HWY_DYNAMIC_DISPATCH(PackedBSize)(depth, columns));
}
void pack_b(const ConstMatrix& b, float* packed, std::int64_t panel_begin, std::int64_t panel_end) {
  HWY_DYNAMIC_DISPATCH(PackB)(b, packed, panel_begin, panel_end);
}
std::int64_t part_count(const Product& product) { return HWY_DYNAMIC_DISPATCH(PartCount)(product); }
std::int64_t row_splits(const Product& product, std::int64_t threads) {
  return HWY_DYNAMIC_DISPATCH(RowSplits)(product, threads);
}
std::size_t workspace_size(const Product& product) {
  return static_cast<std::size_t>(HWY_DYNAMIC_DISPATCH(WorkspaceSize)(product));
}
void multiply(const Product& product, std::int64_t part_begin, std::int64_t part_end, float* workspace) {
  HWY_DYNAMIC_DISPATCH(Multiply)(product, part_begin, part_end, workspace);
}

}  // namespace unroll::cpu
#endif
