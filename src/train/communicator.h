#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace unroll {

/// The ranks of a training that several processes (or, in tests, threads) work on together: 0 .. size() - 1. All of
/// them make the same calls in the same order. Whoever cannot go on, or learns that another rank cannot, throws.
class Communicator {
 public:
  using Message = std::span<const std::byte>;
  using Memory = std::span<std::byte>;

  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Sends out[r] to every other rank r and receives in[r] from it, all at once, and returns when all has come and what
  /// was sent may be changed. Both sides know how long a message is; an empty one is not sent. What is received lies
  /// apart from what is sent.
  virtual void exchange(std::span<const Message> out, std::span<const Memory> in) = 0;
};

/// The only rank of a training in one process.
Communicator& alone();

/// The values of all ranks, in their order.
template <class Value>
requires std::is_trivially_copyable_v<Value> std::vector<Value> all_of(Communicator& ranks, const Value& own) {
  const auto size = static_cast<std::size_t>(ranks.size()), rank = static_cast<std::size_t>(ranks.rank());
  std::vector<Value> values(size);
  values[rank] = own;
  std::vector<Communicator::Message> out(size, std::as_bytes(std::span(&own, 1)));
  std::vector<Communicator::Memory> in(size);
  for (std::size_t r = 0; r < size; ++r) in[r] = std::as_writable_bytes(std::span(&values[r], 1));
  ranks.exchange(out, in);
  return values;
}
std::vector<std::string> all_of(Communicator& ranks, const std::string& own);

/// Makes the values of every rank those of rank 0.
void take_from_first(Communicator& ranks, std::span<float> values);

/// True on all ranks where `own` is on any.
bool any_of(Communicator& ranks, bool own);

}  // namespace unroll
