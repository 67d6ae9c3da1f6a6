#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "cli/curve.h"
#include "cli/output.h"

namespace unroll::cli {

/// curve.svg of a training under way. gnuplot and the file are waited for by a thread of its own, so training never is
/// kept waiting. Never throws: the first failure is told to `warn`, from that thread.
class CurveFile {
 public:
  using Warn = std::function<void(const std::string&)>;

  CurveFile(std::string path, Warn warn) : path_(std::move(path)), warn_(std::move(warn)) {}
  CurveFile(const CurveFile&) = delete;
  CurveFile& operator=(const CurveFile&) = delete;
  ~CurveFile() { wait(); }

  /// Draws the run, unless the last drawing began less than ten seconds ago or still goes on.
  void offer(const NamedRun& run);
  /// Draws it, and returns when the file is there.
  void finish(const NamedRun& run);

 private:
  void wait();
  void start(const NamedRun& run);
  void draw(const std::string& script);

  std::string path_;
  Warn warn_;
  bool warned_ = false;  // touched by the thread alone, of which there is one at a time
  double began_ = monotonic_seconds();
  std::atomic<bool> drawing_ = false;
  std::thread thread_;
};

}  // namespace unroll::cli
