#include "train/gradient_sum.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "tensor/device.h"
#include "unroll/error.h"

namespace unroll {

namespace {

SliceRange left_of(SliceRange tree) {
  return {tree.first, static_cast<int>(std::bit_floor(static_cast<unsigned>(tree.count - 1)))};
}

SliceRange right_of(SliceRange tree) {
  const int left = left_of(tree).count;
  return {tree.first + left, tree.count - left};
}

/// The largest subtrees that `range` holds all slices of, in their order.
void collect_subtrees(SliceRange tree, SliceRange range, std::vector<SliceRange>& found) {
  const int end = tree.first + tree.count, range_end = range.first + range.count;
  if (end <= range.first || range_end <= tree.first) return;
  if (range.first <= tree.first && end <= range_end) {
    found.push_back(tree);
    return;
  }
  collect_subtrees(left_of(tree), range, found);
  collect_subtrees(right_of(tree), range, found);
}

std::vector<SliceRange> subtrees_of_rank(int rank, int ranks, int slices) {
  std::vector<SliceRange> found;
  collect_subtrees({0, slices}, slices_of_rank(rank, ranks, slices), found);
  return found;
}

std::span<float> keep(std::vector<std::vector<float>>& places, std::size_t place, std::span<const float> values) {
  if (places.size() <= place) places.resize(place + 1);
  places[place].assign(values.begin(), values.end());
  return places[place];
}

}  // namespace

SliceRange slices_of_rank(int rank, int ranks, int slices) {
  const auto first = [&](std::int64_t r) { return static_cast<int>(r * slices / ranks); };
  return {first(rank), first(rank + 1) - first(rank)};
}

GradientSum::GradientSum(Task& task, Communicator& ranks, int slices)
    : task_(task), ranks_(ranks), slices_(slices), news_(static_cast<std::size_t>(slices)) {
  if (slices >= ranks.size()) return;
  throw Error(fmt::format("{} ranks cannot share {} slices of a batch: take as many slices, or fewer ranks",
                          ranks.size(), slices));
}

/// Of the flat block of gradients, those that a rank adds up.
GradientSum::Elements GradientSum::elements_of(int rank) const {
  const auto first = [&](int r) {
    return static_cast<std::size_t>(task_.parameters().size() * r / std::int64_t{ranks_.size()});
  };
  return {first(rank), first(rank + 1) - first(rank)};
}

void GradientSum::add_to(std::span<float> sum, std::span<const float> values) const {
  Context& context = task_.parameters().context();
  device_of(context).axpy(context, 1, values, sum);
}

/// Leaves the gradients of these slices in those of the parameters.
void GradientSum::work_on(SliceRange tree, Batches batches, std::size_t depth) {
  Parameters& parameters = task_.parameters();
  if (tree.count == 1) {
    parameters.zero_gradients();
    LossSum& loss = news_[static_cast<std::size_t>(tree.first)].loss;
    loss = {};
    for (std::int64_t batch = batches.first; batch < batches.first + batches.count; ++batch) {
      const LossSum of_batch = task_.forward_backward(batch, {.index = tree.first, .count = slices_});
      loss.sum += of_batch.sum;
      loss.count += of_batch.count;
    }
    return;
  }
  work_on(left_of(tree), batches, depth + 1);
  keep(left_, depth, parameters.gradients());
  work_on(right_of(tree), batches, depth + 1);
  add_to(parameters.gradients(), left_[depth]);
}

std::vector<GradientSum::Part> GradientSum::work_on_own(Batches batches) {
  std::vector<Part> own;
  for (const SliceRange tree : subtrees_of_rank(ranks_.rank(), ranks_.size(), slices_)) {
    if (!own.empty()) own.back().gradients = keep(parts_, own.size() - 1, own.back().gradients);
    work_on(tree, batches, 0);
    own.push_back({tree, task_.parameters().gradients()});
  }
  return own;
}

/// What all ranks have added up of the elements that are this rank's. Part by part, since a rank has at most a few.
std::vector<GradientSum::Part> GradientSum::own_elements_of_all(std::span<const Part> own) {
  const auto size = static_cast<std::size_t>(ranks_.size());
  const Elements mine = elements_of(ranks_.rank());
  std::vector<Part> all;
  for (const Part& part : own) all.push_back({part.slices, part.gradients.subspan(mine.first, mine.count)});
  std::vector<std::vector<SliceRange>> subtrees;
  std::size_t rounds = 0;
  received_.resize(size);
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    subtrees.push_back(subtrees_of_rank(rank, ranks_.size(), slices_));
    rounds = std::max(rounds, subtrees.back().size());
    if (rank != ranks_.rank()) received_[subtrees.size() - 1].resize(subtrees.back().size() * mine.count);
  }
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<Communicator::Message> out(size);
    std::vector<Communicator::Memory> in(size);
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      if (rank == ranks_.rank()) continue;
      const auto r = static_cast<std::size_t>(rank);
      const Elements theirs = elements_of(rank);
      if (round < own.size()) out[r] = std::as_bytes(own[round].gradients.subspan(theirs.first, theirs.count));
      if (round >= subtrees[r].size()) continue;
      const std::span<float> place = std::span(received_[r]).subspan(round * mine.count, mine.count);
      in[r] = std::as_writable_bytes(place);
      all.push_back({subtrees[r][round], place});
    }
    ranks_.exchange(out, in);
  }
  return all;
}

/// Of all parts of the tree, in the memory of one of them.
std::span<float> GradientSum::sum(SliceRange tree, std::span<const Part> parts) const {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.slices == tree; });
  if (found != parts.end()) return found->gradients;
  UNROLL_CHECK(tree.count > 1);
  const std::span<float> left = sum(left_of(tree), parts), right = sum(right_of(tree), parts);
  add_to(left, right);
  return left;
}

/// From the parts that each rank has to the whole sum for everyone.
void GradientSum::exchange(std::span<const Part> own) {
  const std::span<float> gradients = task_.parameters().gradients();
  const std::span<const float> total = sum({0, slices_}, own_elements_of_all(own));
  const Elements mine = elements_of(ranks_.rank());
  const std::span<float> place = gradients.subspan(mine.first, mine.count);
  if (total.data() != place.data()) std::copy(total.begin(), total.end(), place.begin());
  const auto size = static_cast<std::size_t>(ranks_.size());
  const std::vector<Communicator::Message> out(size, std::as_bytes(std::span<const float>(place)));
  std::vector<Communicator::Memory> in(size);
  for (std::size_t rank = 0; rank < size; ++rank) {
    const Elements theirs = elements_of(static_cast<int>(rank));
    in[rank] = std::as_writable_bytes(gradients.subspan(theirs.first, theirs.count));
  }
  ranks_.exchange(out, in);
}

std::span<GradientSum::News> GradientSum::news_of(int rank) {
  const SliceRange range = slices_of(rank);
  return std::span(news_).subspan(static_cast<std::size_t>(range.first), static_cast<std::size_t>(range.count));
}

void GradientSum::tell_all() {
  if (ranks_.size() == 1) return;
  const auto size = static_cast<std::size_t>(ranks_.size());
  const std::vector<Communicator::Message> out(size, std::as_bytes(own_news()));
  std::vector<Communicator::Memory> in(size);
  for (std::size_t rank = 0; rank < size; ++rank) in[rank] = std::as_writable_bytes(news_of(static_cast<int>(rank)));
  ranks_.exchange(out, in);
}

LossSum GradientSum::loss_of_all() const {
  LossSum total;
  for (const News& news : news_) {
    total.sum += news.loss.sum;
    total.count += news.loss.count;
  }
  return total;
}

LossSum GradientSum::of_batches(std::int64_t first, std::int64_t count) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point last = Clock::now();
  const auto seconds = [&last] {
    const Clock::time_point before = std::exchange(last, Clock::now());
    return std::chrono::duration<double>(last - before).count();
  };
  std::vector<Part> own;
  if (ranks_.size() == 1) {
    work_on({0, slices_}, {first, count}, 0);
  } else {
    own = work_on_own({first, count});
  }
  pace_.working += seconds();
  for (const News& news : own_news()) pace_.symbols += news.loss.count;
  const bool stop = stop_asked_();
  for (News& news : own_news()) {
    news.of_rank = pace_;
    news.stop = stop;
  }
  tell_all();  // what the slowest rank tells comes last
  pace_.waiting += seconds();
  if (ranks_.size() > 1) exchange(own);
  pace_.exchanging += seconds();
  return loss_of_all();
}

LossSum GradientSum::held_out_loss() {
  const SliceRange own = slices_of(ranks_.rank());
  for (int slice = own.first; slice < own.first + own.count; ++slice) {
    news_[static_cast<std::size_t>(slice)].loss = task_.held_out_loss({.index = slice, .count = slices_});
  }
  tell_all();
  return loss_of_all();
}

bool GradientSum::stop_asked() const { return std::ranges::any_of(news_, &News::stop); }

std::vector<Pace> GradientSum::paces() const {
  std::vector<Pace> paces;
  paces.reserve(static_cast<std::size_t>(ranks_.size()));
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    paces.push_back(news_[static_cast<std::size_t>(slices_of(rank).first)].of_rank);
  }
  return paces;
}

}  // namespace unroll
