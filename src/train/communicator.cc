#include "train/communicator.h"

#include <algorithm>
#include <cstdint>

namespace unroll {

namespace {

class Alone final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void exchange(std::span<const Message>, std::span<const Memory>) override {}
};

}  // namespace

Communicator& alone() {
  static Alone only_one;
  return only_one;
}

std::vector<std::string> all_of(Communicator& ranks, const std::string& own) {
  const std::vector<std::uint64_t> lengths = all_of(ranks, std::uint64_t{own.size()});
  std::vector<std::string> texts(lengths.size());
  const std::vector<Communicator::Message> out(lengths.size(), std::as_bytes(std::span(own)));
  std::vector<Communicator::Memory> in(lengths.size());
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    texts[r].resize(lengths[r]);
    in[r] = std::as_writable_bytes(std::span(texts[r]));
  }
  ranks.exchange(out, in);
  texts[static_cast<std::size_t>(ranks.rank())] = own;
  return texts;
}

void take_from_first(Communicator& ranks, std::span<float> values) {
  const auto size = static_cast<std::size_t>(ranks.size());
  std::vector<Communicator::Message> out(size);
  std::vector<Communicator::Memory> in(size);
  if (ranks.rank() == 0) {
    std::fill(out.begin(), out.end(), std::as_bytes(values));
  } else {
    in[0] = std::as_writable_bytes(values);
  }
  ranks.exchange(out, in);
}

bool any_of(Communicator& ranks, bool own) {
  if (ranks.size() == 1) return own;
  const std::vector<char> all = all_of(ranks, static_cast<char>(own ? 1 : 0));
  return std::find(all.begin(), all.end(), char{1}) != all.end();
}

}  // namespace unroll
