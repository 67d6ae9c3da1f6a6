#include "io/text_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "io/gzip.h"
#include "io/zip.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

struct Place {
  std::string path;
  std::optional<std::string> member;
};

bool exists(const std::string& path) { return path == "-" || ::access(path.c_str(), F_OK) == 0; }

/// `source` if there is such a file, otherwise the longest part before a colon that is one, and the member after it.
Place locate(const std::string& source) {
  if (exists(source)) return {source, std::nullopt};
  for (std::size_t colon = source.rfind(':'); colon != std::string::npos && colon > 0;
       colon = source.rfind(':', colon - 1)) {
    if (std::string path = source.substr(0, colon); exists(path)) return {path, source.substr(colon + 1)};
  }
  return {source, std::nullopt};
}

constexpr std::size_t piece = 1 << 20;

/// An open source; its first bytes tell whether it is gzip, zip or plain.
class OpenSource {
 public:
  OpenSource(const std::string& source, Content content)
      : name_(source_name(source)), place_(locate(source)), file_(place_.path), content_(content) {
    file_.read(bytes_, format_bytes);
    gzip_ = is_gzip(bytes_);
    zip_ = is_zip(bytes_);
    if (place_.member.has_value() && !zip_) {
      throw Error(ExitCode::bad_data, fmt::format("{}: is not a zip archive, so there is no {} in it; pass {} alone{}",
                                                  source_name(place_.path), in_quotes(*place_.member), place_.path,
                                                  gzip_ ? ", or unpack it to name a sheet of a workbook" : ""));
    }
    if (is_old_office(bytes_) && content != Content::bytes) file_.read(bytes_, max_unpacked);
    if (!packed()) refuse_other_format(bytes_, name_, content_);
  }

  const std::string& name() const { return name_; }
  Content content() const { return content_; }
  bool packed() const { return gzip_ || zip_; }
  bool may_be_workbook() const { return zip_; }
  const Place& place() const { return place_; }

  /// The whole file, still packed.
  const std::string& read_packed() {
    file_.read(bytes_);
    return bytes_;
  }

  /// Replaces the buffer by what is packed in the file.
  void unpack(std::uint64_t longest) {
    read_packed();
    bytes_ =
        gzip_ ? gunzip(bytes_, source_name(place_.path), longest) : unzip(bytes_, place_.path, place_.member, longest);
    refuse_other_format(std::string_view(bytes_).substr(0, format_bytes), name_, content_);
  }

  /// The first bytes that were read, or all that were packed. The caller may remove some.
  std::string& buffer() { return bytes_; }

  /// Reads a plain file until the buffer has `longest` bytes.
  void read(std::uint64_t longest) {
    file_.read(bytes_, longest);
    if (bytes_.size() > longest) bytes_.resize(longest);  // the first bytes were read already
  }

 private:
  std::string name_;
  Place place_;
  InputFile file_;
  Content content_;
  std::string bytes_;
  bool gzip_ = false, zip_ = false;
};

/// Calls take(piece) for each piece of the source, until it returns false.
template <class Take>
void for_each_raw_piece(OpenSource& open, Take take) {
  if (open.packed()) {
    for (std::string_view rest = open.buffer(); !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      if (!take(rest.substr(0, piece))) return;
    }
    return;
  }
  for (open.read(piece); !open.buffer().empty(); open.read(piece)) {
    if (!take(std::string_view(open.buffer()))) return;
    open.buffer().clear();
  }
}

/// Decodes the source from its beginning into `result`. `take`, called after each piece, may remove the text so far,
/// and returns false for the last piece that is needed.
template <class Take>
void decode_source(OpenSource& open, const FileEncoding& encoding, SourceText& result, Take take) {
  Decoder decoder(encoding.name, open.name());
  std::string& text = result.text;
  if (!encoding.note.empty()) result.notes.push_back(encoding.note);
  bool is_first = true, whole = true;
  for_each_raw_piece(open, [&](std::string_view bytes) {
    decoder.add(bytes, text);
    if (is_first) refuse_other_format(std::string_view(text).substr(0, format_bytes), open.name(), open.content());
    is_first = false;
    return whole = take();
  });
  if (whole) {
    decoder.finish(text);
    take();
  }
  for (std::string& note : decoder.notes()) result.notes.push_back(std::move(note));
}

FileEncoding file_encoding_of(OpenSource& open, const std::string& given) {
  if (open.content() == Content::bytes) return {};
  return encoding_of(std::string_view(open.buffer()).substr(0, format_bytes), given, open.name());
}

}  // namespace

SourceText read_source(const std::string& source, const SourceLimits& limits, const std::string& encoding) {
  OpenSource open(source, limits.content);
  if (open.packed()) open.unpack(limits.unpacked);
  const FileEncoding file_encoding = file_encoding_of(open, encoding);
  if (file_encoding.name.empty()) {
    if (!open.packed()) open.read(limits.plain);
    return {.text = std::move(open.buffer())};
  }
  SourceText result;
  const std::uint64_t longest = open.packed() ? no_limit : limits.plain;
  keep_fault(result, [&] { decode_source(open, file_encoding, result, [&] { return result.text.size() < longest; }); });
  return result;
}

std::vector<std::string> for_each_piece(const std::string& source, const std::string& encoding,
                                        const std::function<void(std::string_view)>& take,
                                        const std::function<void(const WorkbookSource&)>& take_workbook) {
  OpenSource open(source, Content::table);
  const Place& place = open.place();
  const auto pass_workbook = [&](const WorkbookSource& workbook) {
    if (!encoding.empty())
      throw Error(fmt::format("{} {}: {} is a workbook, which says its encoding itself; leave it out",
                              option_name("encoding"), encoding, source_name(place.path)));
    take_workbook(workbook);
    return std::vector<std::string>();
  };
  if (open.may_be_workbook() && is_workbook(open.read_packed(), place.path))
    return pass_workbook({.archive = open.buffer(), .path = place.path, .sheet = place.member});
  if (open.packed()) {
    open.unpack(max_unpacked);
    if (is_zip(open.buffer()) && is_workbook(open.buffer(), source))
      return pass_workbook({.archive = open.buffer(), .path = source, .packed = true});
  }
  const FileEncoding file_encoding = file_encoding_of(open, encoding);
  if (file_encoding.name.empty()) {
    for_each_raw_piece(open, [&](std::string_view bytes) {
      take(bytes);
      return true;
    });
    return {};
  }
  SourceText piece;
  decode_source(open, file_encoding, piece, [&] {
    take(piece.text);
    piece.text.clear();
    return true;
  });
  return piece.notes;
}

}  // namespace unroll
