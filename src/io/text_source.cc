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

/// An open source; its first bytes tell whether it is gzip, zip or plain.
class OpenSource {
 public:
  OpenSource(const std::string& source, Content content)
      : name_(source_name(source)), place_(locate(source)), file_(place_.path), content_(content) {
    file_.read(bytes_, format_bytes);
    gzip_ = is_gzip(bytes_);
    zip_ = is_zip(bytes_);
    if (place_.member.has_value() && !zip_) {
      throw Error(ExitCode::bad_data, fmt::format("{}: is not a zip archive, so there is no {} in it; pass {} alone",
                                                  source_name(place_.path), in_quotes(*place_.member), place_.path));
    }
    if (is_old_office(bytes_) && content != Content::bytes) file_.read(bytes_, max_unpacked);
    if (!packed()) refuse_other_format(bytes_, name_, content_);
  }

  bool packed() const { return gzip_ || zip_; }
  bool may_be_workbook() const { return zip_; }
  const Place& place() const { return place_; }

  /// The rest of the file, still packed.
  std::string& read_packed() {
    file_.read(bytes_);
    return bytes_;
  }

  std::string unpack(std::uint64_t longest) {
    read_packed();
    std::string text =
        gzip_ ? gunzip(bytes_, source_name(place_.path), longest) : unzip(bytes_, place_.path, place_.member, longest);
    refuse_other_format(std::string_view(text).substr(0, format_bytes), name_, content_);
    return text;
  }

  /// Reads a plain file until the buffer has `longest` bytes and returns the buffer. The caller may remove bytes.
  std::string& read(std::uint64_t longest) {
    file_.read(bytes_, longest);
    if (bytes_.size() > longest) bytes_.resize(longest);  // the first bytes were read already
    return bytes_;
  }

 private:
  std::string name_;
  Place place_;
  InputFile file_;
  Content content_;
  std::string bytes_;
  bool gzip_ = false, zip_ = false;
};

}  // namespace

std::string read_source(const std::string& source, const SourceLimits& limits) {
  OpenSource open(source, limits.content);
  return open.packed() ? open.unpack(limits.unpacked) : std::move(open.read(limits.plain));
}

void for_each_piece(const std::string& source, const std::function<void(std::string_view)>& take,
                    const std::function<void(const WorkbookSource&)>& take_workbook) {
  constexpr std::size_t piece = 1 << 20;
  OpenSource open(source, Content::table);
  const Place& place = open.place();
  if (open.may_be_workbook() && is_workbook(open.read_packed(), place.path))
    return take_workbook({.archive = open.read_packed(), .path = place.path, .sheet = place.member});
  if (open.packed()) {
    const std::string text = open.unpack(max_unpacked);
    if (is_zip(text) && is_workbook(text, source)) return take_workbook({.archive = text, .path = source});
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      take(rest.substr(0, piece));
    }
    return;
  }
  for (std::string* bytes = &open.read(piece); !bytes->empty(); open.read(piece)) {
    take(*bytes);
    bytes->clear();
  }
}

}  // namespace unroll
