#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <thread>
#include <vector>

#include "train/process_ranks.h"
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

/// MPI's own waiting never ends where a rank is frozen, and takes a whole core where another thread could work.
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
    for (MPI_Comm* comm : {&work_, &notes_}) {
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

  void exchange(std::span<const Message> out, std::span<const Memory> in) override {
    std::vector<MPI_Request> requests;
    const auto begin = [&](auto bytes, int other, auto&& call) {
      // The length of a message is an int.
      constexpr std::size_t longest = 1 << 30;
      if (other == rank_) return;
      for (; !bytes.empty(); bytes = bytes.subspan(std::min(longest, bytes.size()))) {
        const auto piece = bytes.first(std::min(longest, bytes.size()));
        call(piece.data(), static_cast<int>(piece.size()), other, &requests.emplace_back());
      }
    };
    // Sends first, so that each side asks for the other's memory before it grants its own. The other way round a grant
    // may come to stand behind a whole message, and the two directions take turns: half the speed of a slow network.
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

  void post(int to, const Note& note) override {
    posted_.remove_if([](Posted& posted) {
      int done = 0;
      MPI_Test(&posted.request, &done, MPI_STATUS_IGNORE);
      return done != 0;
    });
    Posted& posted = posted_.emplace_back(note);
    const auto size = note.kind == Note::Kind::failed ? sizeof(Note) : offsetof(Note, text);
    MPI_Isend(&posted.note, static_cast<int>(size), MPI_BYTE, to, 0, notes_, &posted.request);
    // Nobody waits for a rank that may be gone.
  }  // NOLINT(clang-analyzer-optin.mpi.MPI-Checker)

  std::optional<Note> next_note() override {
    int there = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, 0, notes_, &there, &status) != MPI_SUCCESS || there == 0) return std::nullopt;
    Note note;
    MPI_Recv(&note, sizeof(Note), MPI_BYTE, status.MPI_SOURCE, 0, notes_, MPI_STATUS_IGNORE);
    note.from = status.MPI_SOURCE;
    return note;
  }

 private:
  struct Posted {
    explicit Posted(const Note& n) : note(n) {}
    Note note;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  MPI_Comm work_ = MPI_COMM_NULL, notes_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::list<Posted> posted_;  // whose memory MPI may still read
};

}  // namespace

}  // namespace unroll

/// The only thing that the program looks for in this library: joins the ranks that were started with this process.
/// Throws Error.
extern "C" unroll::ProcessRanks* unroll_join_mpi_ranks() { return new unroll::MpiRanks; }
