#include "unroll/communicator.h"

#include <algorithm>
#include <cstdint>

namespace unroll {

namespace {

class SingleProcess final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_to_all(std::span<const Message>, std::span<const Memory>) override {}
};

}  // namespace

Communicator& single_process() {
  static SingleProcess only_one;
  return only_one;
}

std::vector<std::string> all_gather(Communicator& ranks, const std::string& own) {
  const std::vector<std::uint64_t> lengths = all_gather(ranks, std::uint64_t{own.size()});
  std::vector<std::string> texts(lengths.size());
  const std::vector<Communicator::Message> out(lengths.size(), std::as_bytes(std::span(own)));
  std::vector<Communicator::Memory> in(lengths.size());
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    texts[r].resize(lengths[r]);
    in[r] = std::as_writable_bytes(std::span(texts[r]));
  }
  ranks.all_to_all(out, in);
  texts[static_cast<std::size_t>(ranks.rank())] = own;
  return texts;
}

void broadcast(Communicator& ranks, std::span<float> values) {
  const auto size = static_cast<std::size_t>(ranks.size());
  std::vector<Communicator::Message> out(size);
  std::vector<Communicator::Memory> in(size);
  if (ranks.rank() == 0) {
    std::fill(out.begin(), out.end(), std::as_bytes(values));
  } else {
    in[0] = std::as_writable_bytes(values);
  }
  ranks.all_to_all(out, in);
}

bool all_reduce_or(Communicator& ranks, bool own) {
  if (ranks.size() == 1) return own;
  const std::vector<char> all = all_gather(ranks, static_cast<char>(own ? 1 : 0));
  return std::find(all.begin(), all.end(), char{1}) != all.end();
}

}  // namespace unroll
