#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "unroll/options.h"

namespace unroll {

// The options of a run in the metadata "settings" of its checkpoints (docs/checkpoint-file.md), so that resuming needs
// only the name of the run.

/// `groups`: the options whose values are kept.
std::string settings_json(std::span<const OptionGroup> groups, const OptionValues& kept);
/// Reads the settings of this and of earlier versions. Throws Error(bad_data) naming `place`.
OptionValues settings_from_json(const std::string& json, const std::string& place);

/// The description of new options with their default values, which lives as long as these.
using DescribeOptions = std::function<std::shared_ptr<const std::vector<OptionGroup>>()>;

template <typename Options, typename Describe>
DescribeOptions new_options(const Describe& describe_options) {
  return [describe_options] {
    struct Described {
      Options options = {};
      std::vector<OptionGroup> groups;
    };
    auto described = std::make_shared<Described>();
    described->groups = describe_options(described->options);
    return std::shared_ptr<const std::vector<OptionGroup>>(described, &described->groups);
  };
}

/// How messages about a run name it.
struct RunPlace {
  std::string name;               ///< as the user gave it
  std::string checkpoint;         ///< its file
  std::string how_to_begin = {};  ///< end of the message about a fixed option: ", as with .."
};

/// The values of a resumed run: `kept`, with those given now that may change. Throws Error: usage for any other option
/// whose value differs from the kept one; bad_data for a kept one that is unknown, illegal or of one start only.
OptionValues resumed_values(const DescribeOptions& describe_new, const OptionValues& kept, const OptionValues& given,
                            const RunPlace& run);

/// The values of the options that differ from those in `defaults`, the same description of other options. Throws
/// OptionError for an illegal value.
OptionValues changed_values(std::span<const OptionGroup> groups, std::span<const OptionGroup> defaults);

/// The path from the root, so that it stays valid in another working directory.
std::string absolute_path(const std::string& path);

}  // namespace unroll
