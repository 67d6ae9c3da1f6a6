#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace unroll {

/// The ranks 0 .. size() - 1 of a training by several processes (or, in tests, threads). All ranks make the same calls
/// in the same order. A rank that cannot continue, or learns that another cannot, throws.
class Communicator {
 public:
  using Message = std::span<const std::byte>;
  using Memory = std::span<std::byte>;

  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Sends out[r] to every other rank r and receives in[r] from it, concurrently. Returns when all messages have been
  /// received and `out` may be modified. Both sides must pass the same length; an empty message is not sent. The memory
  /// of `in` and `out` must not overlap.
  virtual void all_to_all(std::span<const Message> out, std::span<const Memory> in) = 0;
};

/// The communicator of a training in a single process: rank 0 of 1.
Communicator& single_process();

/// Collective: the values of all ranks, by rank.
template <class Value>
requires std::is_trivially_copyable_v<Value> std::vector<Value> all_gather(Communicator& ranks, const Value& own) {
  const auto size = static_cast<std::size_t>(ranks.size()), rank = static_cast<std::size_t>(ranks.rank());
  std::vector<Value> values(size);
  values[rank] = own;
  std::vector<Communicator::Message> out(size, std::as_bytes(std::span(&own, 1)));
  std::vector<Communicator::Memory> in(size);
  for (std::size_t r = 0; r < size; ++r) in[r] = std::as_writable_bytes(std::span(&values[r], 1));
  ranks.all_to_all(out, in);
  return values;
}
std::vector<std::string> all_gather(Communicator& ranks, const std::string& own);

/// Collective: replaces the values of every rank by those of rank 0.
void broadcast(Communicator& ranks, std::span<float> values);

/// Collective: runs `stage` on all ranks. If every rank throws an Error, each rethrows its own. If only some do, every
/// rank throws the Error of the lowest of them, with its rank and host in front. Other exceptions propagate. `stage`
/// must not communicate after a statement that may throw on some ranks only.
void run_collectively(Communicator& ranks, const std::function<void()>& stage);

/// Collective: true on all ranks if `own` is true on any.
bool all_reduce_or(Communicator& ranks, bool own);

}  // namespace unroll
