#include "ranks/thread_ranks.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"

namespace unroll {

namespace {

struct AnotherRankFailed {};

/// One queue of messages for each sender and receiver.
class MessageQueues {
 public:
  explicit MessageQueues(int size) : size_(static_cast<std::size_t>(size)), boxes_(size_ * size_) {}

  void send(int from, int to, Communicator::Message message) {
    const std::lock_guard lock(mutex_);
    box(from, to).emplace_back(message.begin(), message.end());
    arrived_.notify_all();
  }

  void receive(int from, int to, Communicator::Memory memory) {
    std::unique_lock lock(mutex_);
    auto& messages = box(from, to);
    arrived_.wait(lock, [&] { return failed_ || !messages.empty(); });
    if (messages.empty()) throw AnotherRankFailed{};
    UNROLL_CHECK(messages.front().size() == memory.size());
    std::copy(messages.front().begin(), messages.front().end(), memory.begin());
    messages.pop_front();
  }

  /// Ends all waiting: receive() throws if there is no message.
  void fail(std::exception_ptr cause) {
    const std::lock_guard lock(mutex_);
    if (!failed_) cause_ = std::move(cause);
    failed_ = true;
    arrived_.notify_all();
  }

  std::exception_ptr cause() const { return cause_; }

 private:
  std::deque<std::vector<std::byte>>& box(int from, int to) {
    return boxes_[static_cast<std::size_t>(from) * size_ + static_cast<std::size_t>(to)];
  }

  std::size_t size_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::deque<std::vector<std::byte>>> boxes_;
  bool failed_ = false;
  std::exception_ptr cause_;
};

class ThreadRank final : public Communicator {
 public:
  ThreadRank(MessageQueues& mail, int rank, int size) : mail_(mail), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void all_to_all(std::span<const Message> out, std::span<const Memory> in) override {
    for (int other = 0; other < size_; ++other) {
      const Message message = out[static_cast<std::size_t>(other)];
      if (other != rank_ && !message.empty()) mail_.send(rank_, other, message);
    }
    for (int other = 0; other < size_; ++other) {
      const Memory memory = in[static_cast<std::size_t>(other)];
      if (other != rank_ && !memory.empty()) mail_.receive(other, rank_, memory);
    }
  }

 private:
  MessageQueues& mail_;
  int rank_, size_;
};

}  // namespace

void run_on_thread_ranks(int size, const std::function<void(Communicator&)>& work) {
  MessageQueues mail(size);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(size));
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        ThreadRank ranks(mail, rank, size);
        work(ranks);
      } catch (const AnotherRankFailed&) {
        // The other rank's exception is rethrown below.
      } catch (...) {
        mail.fail(std::current_exception());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (mail.cause()) std::rethrow_exception(mail.cause());
}

}  // namespace unroll
