#include "run/run_paths.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "run/run_directory.h"
#include "unroll/error.h"
#include "unroll/options.h"
#include "unroll/training_run.h"

namespace unroll {

namespace fs = std::filesystem;

std::string model_file_of(const std::string& argument) {
  std::error_code ignored;
  if (fs::is_directory(argument, ignored)) {
    const fs::path file = RunDirectory::model_path_in(argument);
    if (fs::exists(file, ignored)) return file.string();
    throw Error(ExitCode::no_input,
                fmt::format("there is no {} in the folder {}: train one with unroll train FILE {} {}",
                            file.filename().string(), argument, option_name("out"), argument));
  }
  if (fs::exists(argument, ignored)) return argument;
  throw Error(
      ExitCode::no_input,
      fmt::format("there is no run directory or model file {}: unroll train says where it leaves its model", argument));
}

std::string default_run_directory(const std::string& source, const std::string& cell) {
  constexpr std::array<std::string_view, 2> packings = {".zip", ".gz"};
  const std::size_t member = source.find(".zip:");
  fs::path name = fs::path(member == std::string::npos ? source : source.substr(member + 5)).filename();
  for (const std::string_view packing : packings) {
    if (name.extension() == packing) name = name.stem();
  }
  std::string stem = source == "-" ? "stdin" : name.stem().string();
  if (stem.empty() || stem == "." || stem == "..") stem = "text";
  return fmt::format("runs/{}-{}", stem, cell);
}

void refuse_with_options(const DirectoryRefused& refusal, const std::string& command) {
  const std::string out = option_name("out"), overwrite = option_name("overwrite"), &folder = refusal.folder();
  switch (refusal.reason()) {
    case DirectoryRefused::Reason::in_use:
      break;
    case DirectoryRefused::Reason::model:
      throw Error(fmt::format("{} holds a model already: give another folder with {}, or {} to replace it", folder, out,
                              overwrite));
    case DirectoryRefused::Reason::unfinished:
      throw Error(
          fmt::format("{0} holds a training that was not finished: go on with it, {1} {2} {0}, or give another folder "
                      "with {3}, or {4} to begin anew",
                      folder, command, option_name("resume"), out, overwrite));
  }
  throw Error(fmt::format("{}, as with {}", refusal.what(), out));
}

}  // namespace unroll
