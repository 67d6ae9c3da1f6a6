#include "io/text_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "io/gzip.h"
#include "io/in_quotes.h"
#include "io/zip.h"
#include "unroll/error.h"

namespace unroll {
namespace {

struct Place {
  std::string path;
  std::optional<std::string> member;
};

bool exists(const std::string& path) { return path == "-" || ::access(path.c_str(), F_OK) == 0; }

/// The whole of `source` if there is such a file, otherwise the longest part before a colon that is one.
Place locate(const std::string& source) {
  if (exists(source)) return {source, std::nullopt};
  for (std::size_t colon = source.rfind(':'); colon != std::string::npos && colon > 0;
       colon = source.rfind(':', colon - 1)) {
    if (std::string path = source.substr(0, colon); exists(path)) return {path, source.substr(colon + 1)};
  }
  return {source, std::nullopt};
}

}  // namespace

std::string read_source(const std::string& source, const SourceLimits& limits) {
  const Place place = locate(source);
  InputFile file(place.path);
  std::string bytes;
  constexpr std::uint64_t magic_size = 4;
  file.read(bytes, magic_size);
  const bool gzip = is_gzip(bytes), zip = is_zip(bytes);
  if (place.member.has_value() && !zip) {
    throw Error(ExitCode::bad_data, fmt::format("{}: is not a zip archive, so there is no {} in it; pass {} alone",
                                                source_name(place.path), in_quotes(*place.member), place.path));
  }
  file.read(bytes, gzip || zip ? no_limit : limits.plain);
  if (gzip) return gunzip(bytes, source_name(place.path), limits.unpacked);
  if (zip) return unzip(bytes, place.path, place.member, limits.unpacked);
  return bytes;
}

}  // namespace unroll
