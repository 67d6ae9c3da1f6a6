#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/decoder.h"
#include "io/file.h"
#include "io/other_format.h"

namespace unroll {

/// Maximum unpacked size of an archive in bytes, so that a small hostile archive cannot exhaust memory. Longer texts
/// must be passed unpacked.
constexpr std::uint64_t max_unpacked = std::uint64_t{1} << 30;

struct SourceLimits {
  std::uint64_t plain = no_limit;         ///< stop reading a plain file after this many bytes of text
  std::uint64_t unpacked = max_unpacked;  ///< refuse an archive that unpacks to more bytes
  Content content = Content::text;        ///< refuse what is recognized as something else
};

/// Returns a text. `source` is a file, ARCHIVE.zip:MEMBER, or - for standard input; gzip and zip are recognized by
/// their first bytes, not by their names. A file whose own name contains a colon takes precedence. An archive is always
/// read to its end, so that its checksum is verified. Text in another encoding becomes UTF-8 (see encoding_of()); what
/// is UTF-8, or Content::bytes, is returned as it is and not checked. Throws Error: no_input if there is nothing to
/// open, bad_data for a damaged or ambiguous archive and for another format (see refuse_other_format), io if reading
/// fails. Bytes that are not of the encoding are SourceText::fault.
SourceText read_source(const std::string& source, const SourceLimits& limits = {}, const std::string& encoding = {});

/// An Excel workbook (xlsx) in memory.
struct WorkbookSource {
  std::string_view archive;               ///< its bytes
  std::string path;                       ///< for messages
  std::optional<std::string> sheet = {};  ///< the name after the colon, as in houses.xlsx:Sold
  bool packed = false;                    ///< it was within gzip or another archive, so no sheet can be named
};

/// Passes a table, as read_source() returns it, to `take` in pieces, so that a plain file is never in memory as a
/// whole, and returns the notes. A workbook, also one that is packed, goes to `take_workbook` instead. Throws as
/// read_source does, possibly after some pieces, and Error(usage) for an encoding given for a workbook.
std::vector<std::string> for_each_piece(const std::string& source, const std::string& encoding,
                                        const std::function<void(std::string_view)>& take,
                                        const std::function<void(const WorkbookSource&)>& take_workbook);

}  // namespace unroll
