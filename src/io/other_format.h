#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unroll {

/// What the bytes of a source are read as.
enum class Content { text, table, bytes };

/// Number of first bytes that tell the formats. Of an old Office document all bytes tell whether it has a password.
constexpr std::size_t format_bytes = 512;
bool is_old_office(std::string_view bytes);

/// Throws Error(bad_data), with the command that makes text or CSV of it, if the first bytes of the source called
/// `name` are those of a format that would be read as nonsense: Parquet, SQLite, Office, PDF, tar, 7z, rar, xz, bzip2,
/// zstd, lz4 and a pointer of Git LFS; as a table also JSON and HTML, which are texts. Content::bytes may be anything.
void refuse_other_format(std::string_view bytes, const std::string& name, Content content);

/// The same for an archive of zip that is a document: Excel, Word, OpenDocument.
void refuse_document(std::string_view member, const std::string& name);

/// True for the member of an archive that lists the sheets of a workbook (xlsx).
bool is_workbook_part(std::string_view member);

}  // namespace unroll
