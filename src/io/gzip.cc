#include "io/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <span>
#include <utility>

#include "unroll/error.h"

namespace unroll {
namespace {

constexpr std::string_view magic = "\x1f\x8b";

/// zlib's decoder over bytes in memory.
class Inflater {
 public:
  explicit Inflater(std::string_view input) : rest_(input) {
    constexpr int gzip_only = 16;
    if (inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  /// Fills `output` as far as possible; returns zlib's code and the number of bytes written.
  std::pair<int, std::size_t> inflate(std::span<char> output) {
    const std::size_t offered = std::min<std::size_t>(rest_.size(), 1 << 30);  // zlib counts in 32 bits
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
    stream_.avail_in = static_cast<uInt>(offered);
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = static_cast<uInt>(output.size());
    const int code = ::inflate(&stream_, Z_NO_FLUSH);
    rest_.remove_prefix(offered - stream_.avail_in);
    return {code, output.size() - stream_.avail_out};
  }

  void next_member() { inflateReset(&stream_); }
  std::string_view rest() const { return rest_; }
  const char* message() const { return stream_.msg != nullptr ? stream_.msg : "damaged data"; }

 private:
  z_stream stream_{};
  std::string_view rest_;
};

[[noreturn]] void refuse(const std::string& name, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}; fetch or pack the gzip file again", name, reason));
}

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with(magic); }

std::string gunzip(std::string_view bytes, const std::string& name, std::uint64_t longest) {
  Inflater inflater(bytes);
  std::array<char, 1 << 16> buffer;
  std::string text;
  while (true) {
    const auto [code, count] = inflater.inflate(buffer);
    const std::size_t position = bytes.size() - inflater.rest().size();
    if (count > longest - text.size()) {
      throw Error(ExitCode::bad_data, fmt::format("{}: unpacks to more than {} bytes, which is the limit; unpack it "
                                                  "yourself and pass the plain file",
                                                  name, longest));
    }
    text.append(buffer.data(), count);
    if (code == Z_STREAM_END) {
      const std::string_view rest = inflater.rest();
      if (rest.find_first_not_of('\0') == std::string_view::npos) return text;  // padding, as on tapes
      if (!is_gzip(rest)) refuse(name, fmt::format("something else follows the gzip data at byte offset {}", position));
      inflater.next_member();
    } else if (code == Z_BUF_ERROR && inflater.rest().empty()) {
      refuse(name, fmt::format("the gzip data is truncated at byte offset {}", position));
    } else if (code != Z_OK) {
      refuse(name, fmt::format("the gzip data is damaged near byte offset {} ({})", position, inflater.message()));
    }
  }
}

}  // namespace unroll
