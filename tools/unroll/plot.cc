#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "curve.h"
#include "format.h"
#include "gnuplot.h"
#include "output.h"
#include "unroll/atomic_file.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

struct PlotOptions {
  std::vector<std::string> runs;  ///< run directories
  std::string out = "plot.svg";   ///< SVG file; - is standard output
};

constexpr const char* plot_details =
    R"(Each RUN is a run directory, as unroll train and unroll runs name them. The picture shows perplexity over epochs, of
training and, where there is one, of validation. It is drawn by gnuplot (Debian package gnuplot-nox).

Examples:
  unroll plot runs/novel-gru
  unroll plot runs/novel-gru runs/novel-lstm -o compare.svg)";

std::vector<OptionGroup> options_of(PlotOptions& o) {
  Option out = text("out", "FILE.svg", o.out, o.out, "the picture; - is standard output");
  out.letter = 'o';
  return {{"What to draw", {arguments("RUN", o.runs, "run directories whose curves are drawn together"), out}}};
}

/// Why a run has no curve.
std::string why_empty(const RunHistory& history) {
  if (!history.divergence.empty()) {
    return fmt::format(
        "its log holds no perplexity: training diverged in {}; lower the learning rate or clip the gradients",
        one_line(history.divergence));
  }
  if (points_left_out(history) > 0) return "the perplexities in its log are no positive numbers";
  if (history.stop_reason == "diverged") {
    return "its log holds no perplexity: training diverged before its first report; lower the learning rate or clip "
           "the gradients";
  }
  if (!history.stop_reason.empty()) {
    return fmt::format("its log holds no perplexity: training {} before its first report; resume it, or train again",
                       one_line(history.stop_reason));
  }
  return "its log holds no perplexity yet; wait for its first report";
}

NamedRun read_run(const std::string& folder) {
  std::filesystem::path name = std::filesystem::path(folder).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();  // "runs/x/"
  NamedRun run{name.string(), read_run_history(folder)};
  if (run.history.table) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: a run of unroll table train has no curve; see unroll table explain", folder));
  }
  const RunHistory& history = run.history;
  const std::int64_t left_out = points_left_out(history);
  if (curve_script({run}).empty()) throw Error(ExitCode::bad_data, fmt::format("{}: {}", folder, why_empty(history)));
  if (left_out > 0) {
    log_message(fmt::format("warning   {}: {} without a finite perplexity above 0 not drawn", one_line(folder),
                            counted(left_out, "point")));
  }
  if (history.has_exploded()) {
    log_message(fmt::format("warning   {}: the loss exploded: perplexity {} after update {}, among {}",
                            one_line(folder), four_digits(history.training.back().perplexity),
                            with_commas(history.training.back().update), counted(history.vocabulary, "symbol")));
  }
  return run;
}

void plot(const PlotOptions& o) {
  const bool to_standard_output = o.out == "-";
  if (!to_standard_output && !o.out.ends_with(".svg")) {
    throw Error(fmt::format("--out {}: the picture is SVG: give a name that ends in .svg", o.out));
  }
  std::vector<NamedRun> runs;
  for (const std::string& folder : o.runs) runs.push_back(read_run(folder));
  const std::string picture = run_gnuplot(curve_script(runs));
  if (to_standard_output) return write_result(picture);
  write_file_atomically(o.out, picture);
  write_result(fmt::format("picture {}\n", o.out));
}

}  // namespace

Command plot_command() {
  auto options = std::make_shared<PlotOptions>();
  return {"plot", "Draw the learning curves of runs.", plot_details, options_of(*options),
          [options](const OptionValues&) { plot(*options); }};
}

}  // namespace unroll::cli
