#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "clock.h"
#include "curve.h"
#include "output.h"

namespace unroll::cli {

/// Draws curve.svg of a running training in a thread of its own, so that training does not wait for gnuplot or the
/// file. Never throws: failures are passed to `warn`; those of drawing only once and from that thread.
class CurveFile {
 public:
  using Warn = std::function<void(const std::string&)>;

  CurveFile(std::string path, Warn warn) : path_(std::move(path)), warn_(std::move(warn)) {}
  CurveFile(const CurveFile&) = delete;
  CurveFile& operator=(const CurveFile&) = delete;
  ~CurveFile() { wait(); }

  /// True if the last drawing began at least ten seconds ago and has ended.
  bool due() const { return !drawing_ && monotonic_seconds() - began_ >= period; }
  /// Draws the run in the background.
  void start(const NamedRun& run);
  /// Draws the run and returns when the file is written.
  void finish(const NamedRun& run);

 private:
  static constexpr double period = 10;  // seconds

  void wait();
  void draw(const std::string& script);

  std::string path_;
  Warn warn_;
  bool warned_ = false;  // used only by the drawing thread, of which there is one at a time
  double began_ = monotonic_seconds();
  std::atomic<bool> drawing_ = false;
  std::thread thread_;
};

}  // namespace unroll::cli
