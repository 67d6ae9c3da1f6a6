#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <thread>
#include <vector>

#include "ranks/process_ranks.h"
#include "unroll/error.h"

namespace unroll {

namespace {

void check(int result, const char* call, ExitCode code = ExitCode::io) {
  if (result == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(result, text.data(), &length);
  throw Error(code, fmt::format("{} failed: {}", call, text.data()));
}

/// Waits for all requests by polling: MPI's own wait never ends if a rank is frozen, and occupies a core that another
/// thread could use.
void wait_for(std::vector<MPI_Request>& requests) {
  constexpr int eager = 2000;
  constexpr std::chrono::microseconds pause(20);
  for (int attempt = 0;; ++attempt) {
    int done = 0;
    check(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall",
          ExitCode::rank_lost);
    if (done != 0) return;
    attempt < eager ? std::this_thread::yield() : std::this_thread::sleep_for(pause);
  }
}

class MpiRanks final : public ProcessRanks {
 public:
  MpiRanks() {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
    if (provided < MPI_THREAD_MULTIPLE) {
      throw Error(ExitCode::io,
                  "this MPI does not allow several threads (MPI_THREAD_MULTIPLE): take another build of it");
    }
    for (MPI_Comm* comm : {&work_, &heartbeats_}) {
      check(MPI_Comm_dup(MPI_COMM_WORLD, comm), "MPI_Comm_dup");
      check(MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    }
    MPI_Comm_rank(work_, &rank_);
    MPI_Comm_size(work_, &size_);
  }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;
  ~MpiRanks() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void all_to_all(std::span<const Message> out, std::span<const Memory> in) override {
    std::vector<MPI_Request> requests;
    const auto begin = [&](auto bytes, int other, auto&& call) {
      // MPI message lengths are int.
      constexpr std::size_t longest = 1 << 30;
      if (other == rank_) return;
      for (; !bytes.empty(); bytes = bytes.subspan(std::min(longest, bytes.size()))) {
        const auto piece = bytes.first(std::min(longest, bytes.size()));
        call(piece.data(), static_cast<int>(piece.size()), other, &requests.emplace_back());
      }
    };
    // Sends first, so that each side requests the other's memory before it grants its own. In the other order a grant
    // may be queued behind a whole message, and the two directions alternate: half the speed on a slow network.
    for (int other = 0; other < size_; ++other) {
      begin(out[static_cast<std::size_t>(other)], other,
            [this](const std::byte* data, int size, int to, MPI_Request* request) {
              check(MPI_Isend(data, size, MPI_BYTE, to, 0, work_, request), "MPI_Isend", ExitCode::rank_lost);
            });
    }
    for (int other = 0; other < size_; ++other) {
      begin(in[static_cast<std::size_t>(other)], other,
            [this](std::byte* data, int size, int from, MPI_Request* request) {
              check(MPI_Irecv(data, size, MPI_BYTE, from, 0, work_, request), "MPI_Irecv", ExitCode::rank_lost);
            });
    }
    wait_for(requests);
  }

  void send(int to, const Heartbeat& heartbeat) override {
    sent_.remove_if([](Sent& sent) {
      int done = 0;
      MPI_Test(&sent.request, &done, MPI_STATUS_IGNORE);
      return done != 0;
    });
    Sent& sent = sent_.emplace_back(heartbeat);
    const auto size = heartbeat.kind == Heartbeat::Kind::failed ? sizeof(Heartbeat) : offsetof(Heartbeat, text);
    MPI_Isend(&sent.heartbeat, static_cast<int>(size), MPI_BYTE, to, 0, heartbeats_, &sent.request);
    // The send is not awaited, because the receiving rank may be gone.
  }  // NOLINT(clang-analyzer-optin.mpi.MPI-Checker)

  std::optional<Heartbeat> next_heartbeat() override {
    int there = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, 0, heartbeats_, &there, &status) != MPI_SUCCESS || there == 0) return std::nullopt;
    Heartbeat heartbeat;
    MPI_Recv(&heartbeat, sizeof(Heartbeat), MPI_BYTE, status.MPI_SOURCE, 0, heartbeats_, MPI_STATUS_IGNORE);
    heartbeat.from = status.MPI_SOURCE;
    return heartbeat;
  }

 private:
  struct Sent {
    explicit Sent(const Heartbeat& n) : heartbeat(n) {}
    Heartbeat heartbeat;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  MPI_Comm work_ = MPI_COMM_NULL, heartbeats_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::list<Sent> sent_;  // MPI may still read their memory
};

}  // namespace

}  // namespace unroll

/// Entry point of this library, the only symbol that the program looks up: joins the ranks that were started with this
/// process. Throws Error.
extern "C" unroll::ProcessRanks* unroll_join_mpi_ranks() { return new unroll::MpiRanks; }
