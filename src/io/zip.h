#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

bool is_zip(std::string_view bytes);  ///< by its first bytes

/// Unpacks one member of a zip archive in memory and verifies its checksum: `member`, or the only file in it. Folders
/// and what file managers add (__MACOSX/, ._*, .DS_Store, Thumbs.db, desktop.ini) are ignored. `source` is the
/// archive's path, or -, for messages. Throws Error(bad_data) for an archive that is damaged, ambiguous or lacks the
/// member, and for a member that is encrypted, damaged or longer than `longest` bytes.
std::string unzip(std::string_view bytes, const std::string& source, const std::optional<std::string>& member,
                  std::uint64_t longest);

/// Names of the files that unzip() finds. Throws Error(bad_data) for an archive that is damaged or holds none.
std::vector<std::string> zip_members(std::string_view bytes, const std::string& source);

/// True if the archive is an Excel workbook of Office Open XML (xlsx). Throws as zip_members() does.
bool is_workbook(std::string_view archive, const std::string& source);

}  // namespace unroll
