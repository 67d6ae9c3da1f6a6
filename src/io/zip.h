#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unroll {

bool is_zip(std::string_view bytes);  ///< by its first bytes

/// Unpacks one member of a zip archive in memory and verifies its checksum: `member`, or the only file in it. Folders
/// and what file managers add (__MACOSX/, ._*, .DS_Store, Thumbs.db, desktop.ini) are ignored. `source` is the
/// archive's path, or -, for messages. Throws Error(bad_data) for an archive that is damaged, ambiguous or lacks the
/// member, and for a member that is encrypted, damaged or longer than `longest` bytes.
std::string unzip(std::string_view bytes, const std::string& source, const std::optional<std::string>& member,
                  std::uint64_t longest);

}  // namespace unroll
