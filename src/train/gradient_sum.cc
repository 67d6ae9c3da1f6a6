#include "train/gradient_sum.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/device_memory.h"
#include "device/device.h"
#include "nn/parameter_memory.h"
#include "unroll/error.h"

namespace unroll {

namespace {

Range left_of(Range tree) {
  return {tree.first, static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(tree.count - 1)))};
}

Range right_of(Range tree) {
  const std::int64_t left = left_of(tree).count;
  return {tree.first + left, tree.count - left};
}

/// Appends the largest subtrees of `tree` that lie within `range`, in order.
void collect_subtrees(Range tree, Range range, std::vector<Range>& found) {
  if (tree.end() <= range.first || range.end() <= tree.first) return;
  if (range.first <= tree.first && tree.end() <= range.end()) {
    found.push_back(tree);
    return;
  }
  collect_subtrees(left_of(tree), range, found);
  collect_subtrees(right_of(tree), range, found);
}

std::vector<Range> subtrees_of_rank(int rank, int ranks, int shards) {
  std::vector<Range> found;
  collect_subtrees({0, shards}, shards_of_rank(rank, ranks, shards), found);
  return found;
}

template <class Value>
std::span<Value> elements(std::span<Value> values, Range range) {
  return values.subspan(static_cast<std::size_t>(range.first), static_cast<std::size_t>(range.count));
}

/// Memory of `size` elements for a sum, of the last step if it is as large.
std::span<float> memory_for(std::vector<Tensor>& places, std::size_t place, Context& context, std::int64_t size) {
  if (places.size() <= place) places.resize(place + 1);
  if (places[place].shape() != Shape{size}) places[place] = Tensor(context, {size});
  return places[place].span();
}

}  // namespace

Range shards_of_rank(int rank, int ranks, int shards) { return part_of(shards, rank, ranks); }

GradientSum::GradientSum(Task& task, Communicator& ranks, int shards)
    : task_(task), ranks_(ranks), shards_(shards), reports_(static_cast<std::size_t>(shards)) {
  if (shards >= ranks.size()) return;
  throw Error(fmt::format("{} ranks cannot share {} shards of a batch: take as many shards, or fewer ranks",
                          ranks.size(), shards));
}

/// The elements of the flat block of gradients that a rank sums.
Range GradientSum::elements_of(int rank) const { return part_of(task_.parameters().size(), rank, ranks_.size()); }

void GradientSum::add_to(std::span<float> sum, std::span<const float> values) const {
  device_of(context()).axpy(context(), 1, values, sum);
}

void GradientSum::copy_to(std::span<float> place, std::span<const float> values) const {
  const auto size = static_cast<std::int64_t>(values.size());
  device_of(context()).copy(context(), {values.data(), 1, size}, {place.data(), 1, size});
}

std::span<float> GradientSum::keep(std::vector<Tensor>& places, std::size_t place,
                                   std::span<const float> values) const {
  const std::span<float> memory = memory_for(places, place, context(), std::ssize(values));
  copy_to(memory, values);
  return memory;
}

/// Sets the gradients of the parameters to the sum over the shards of `tree`.
void GradientSum::compute_tree(Range tree, Range batches, std::size_t depth) {
  Parameters& parameters = task_.parameters();
  if (tree.count == 1) {
    parameters.zero_gradients();
    LossSum& loss = reports_[static_cast<std::size_t>(tree.first)].loss;
    loss = {};
    for (std::int64_t batch = batches.first; batch < batches.end(); ++batch) {
      const LossSum of_batch = task_.forward_backward(batch, {.index = static_cast<int>(tree.first), .count = shards_});
      loss.sum += of_batch.sum;
      loss.count += of_batch.count;
    }
    return;
  }
  compute_tree(left_of(tree), batches, depth + 1);
  keep(left_, depth, gradients_on_device(parameters));
  compute_tree(right_of(tree), batches, depth + 1);
  add_to(gradients_on_device(parameters), left_[depth].span());
}

std::vector<GradientSum::Part> GradientSum::compute_own(Range batches) {
  std::vector<Part> own;
  for (const Range tree : subtrees_of_rank(ranks_.rank(), ranks_.size(), shards_)) {
    if (!own.empty()) own.back().gradients = keep(parts_, own.size() - 1, own.back().gradients);
    compute_tree(tree, batches, 0);
    own.push_back({tree, gradients_on_device(task_.parameters())});
  }
  return own;
}

/// Reduce-scatter: the sums of all ranks' subtrees for this rank's elements. One exchange per subtree of a rank; there
/// are only a few.
std::vector<GradientSum::Part> GradientSum::own_elements_of_all(std::span<const Part> own) {
  const auto size = static_cast<std::size_t>(ranks_.size());
  const Range mine = elements_of(ranks_.rank());
  std::vector<Part> all;
  for (const Part& part : own) all.push_back({part.shards, elements(part.gradients, mine)});
  std::vector<std::vector<Range>> subtrees;
  std::size_t rounds = 0;
  std::vector<std::span<float>> received(size);
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    subtrees.push_back(subtrees_of_rank(rank, ranks_.size(), shards_));
    rounds = std::max(rounds, subtrees.back().size());
    if (rank == ranks_.rank()) continue;
    const auto r = static_cast<std::size_t>(rank);
    received[r] = memory_for(received_, r, context(), std::ssize(subtrees.back()) * mine.count);
  }
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<Communicator::Message> out(size);
    std::vector<Communicator::Memory> in(size);
    std::vector<HostView> sent;
    std::vector<MutableHostView> arrived;
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      if (rank == ranks_.rank()) continue;
      const auto r = static_cast<std::size_t>(rank);
      const Range theirs = elements_of(rank);
      if (round < own.size()) {
        out[r] = std::as_bytes(sent.emplace_back(context(), elements(own[round].gradients, theirs)).span());
      }
      if (round >= subtrees[r].size()) continue;
      const std::span<float> place = elements(received[r], {static_cast<std::int64_t>(round) * mine.count, mine.count});
      in[r] = std::as_writable_bytes(arrived.emplace_back(context(), place, HostAccess::write).span());
      all.push_back({subtrees[r][round], place});
    }
    ranks_.all_to_all(out, in);
    for (MutableHostView& place : arrived) place.store();
  }
  return all;
}

/// The sum of all parts of the tree, in the memory of one of them.
std::span<float> GradientSum::sum(Range tree, std::span<const Part> parts) const {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.shards == tree; });
  if (found != parts.end()) return found->gradients;
  UNROLL_CHECK(tree.count > 1);
  const std::span<float> left = sum(left_of(tree), parts), right = sum(right_of(tree), parts);
  add_to(left, right);
  return left;
}

/// Sums the parts of all ranks; all ranks get the whole sum in the gradients of the parameters.
void GradientSum::reduce_parts(std::span<const Part> own) {
  const std::span<float> gradients = gradients_on_device(task_.parameters());
  const std::span<const float> total = sum({0, shards_}, own_elements_of_all(own));
  const Range mine = elements_of(ranks_.rank());
  const std::span<float> place = elements(gradients, mine);
  if (total.data() != place.data()) copy_to(place, total);
  const auto size = static_cast<std::size_t>(ranks_.size());
  MutableHostView all(context(), gradients);
  const std::span<const float> sent = elements(all.span(), mine);
  const std::vector<Communicator::Message> out(size, std::as_bytes(sent));
  std::vector<Communicator::Memory> in(size);
  for (std::size_t rank = 0; rank < size; ++rank) {
    in[rank] = std::as_writable_bytes(elements(all.span(), elements_of(static_cast<int>(rank))));
  }
  ranks_.all_to_all(out, in);
  all.store();
}

std::span<GradientSum::ShardReport> GradientSum::reports_of(int rank) {
  return elements(std::span(reports_), shards_of(rank));
}

void GradientSum::share_reports() {
  if (ranks_.size() == 1) return;
  const auto size = static_cast<std::size_t>(ranks_.size());
  const std::vector<Communicator::Message> out(size, std::as_bytes(own_reports()));
  std::vector<Communicator::Memory> in(size);
  for (std::size_t rank = 0; rank < size; ++rank) in[rank] = std::as_writable_bytes(reports_of(static_cast<int>(rank)));
  ranks_.all_to_all(out, in);
}

LossSum GradientSum::loss_of_all() const {
  LossSum total;
  for (const ShardReport& report : reports_) {
    total.sum += report.loss.sum;
    total.count += report.loss.count;
  }
  return total;
}

LossSum GradientSum::sum_batches(std::int64_t first, std::int64_t count) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point last = Clock::now();
  const auto seconds = [&last] {
    const Clock::time_point before = std::exchange(last, Clock::now());
    return std::chrono::duration<double>(last - before).count();
  };
  std::vector<Part> own;
  if (ranks_.size() == 1) {
    compute_tree({0, shards_}, {first, count}, 0);
  } else {
    own = compute_own({first, count});
  }
  timing_.working += seconds();
  for (const ShardReport& report : own_reports()) timing_.symbols += report.loss.count;
  const bool stop = stop_requested_();
  for (ShardReport& report : own_reports()) {
    report.of_rank = timing_;
    report.stop = stop;
  }
  share_reports();  // returns when the slowest rank has sent its reports
  timing_.waiting += seconds();
  if (ranks_.size() > 1) reduce_parts(own);
  timing_.exchanging += seconds();
  return loss_of_all();
}

LossSum GradientSum::validation_loss() {
  const Range own = shards_of(ranks_.rank());
  for (std::int64_t shard = own.first; shard < own.end(); ++shard) {
    reports_[static_cast<std::size_t>(shard)].loss =
        task_.validation_loss({.index = static_cast<int>(shard), .count = shards_});
  }
  share_reports();
  return loss_of_all();
}

bool GradientSum::stop_requested() const { return std::ranges::any_of(reports_, &ShardReport::stop); }

std::vector<RankTiming> GradientSum::timings() const {
  std::vector<RankTiming> paces;
  paces.reserve(static_cast<std::size_t>(ranks_.size()));
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    paces.push_back(reports_[static_cast<std::size_t>(shards_of(rank).first)].of_rank);
  }
  return paces;
}

}  // namespace unroll
