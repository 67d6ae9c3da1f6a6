#pragma once

#include <zlib.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

/// Compresses with zlib's deflate and the given window bits: -15 is raw, as in zip; 31 is a gzip file.
inline std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib");
  std::string packed(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int code = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("zlib");
  return packed;
}

inline std::string gzipped(std::string_view text) { return deflated(text, 31); }

/// A member of a zip archive, field by field, so that tests can write inconsistent ones.
struct ZipMember {
  std::string name;
  std::string packed;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  std::uint16_t method = 8;
  std::uint16_t flags = 0x800;  // the name is UTF-8
};

inline ZipMember stored_zip_member(const std::string& name, std::string_view text) {
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  return {name, std::string(text), text.size(), static_cast<std::uint32_t>(crc), 0};
}

inline ZipMember zip_member(const std::string& name, std::string_view text) {
  ZipMember member = stored_zip_member(name, text);
  member.packed = deflated(text, -15);
  member.method = 8;
  return member;
}

class ZipWriter {
 public:
  /// The bytes of an archive; sizes from 4 GiB on are written as zip64.
  static std::string write(const std::vector<ZipMember>& members) {
    ZipWriter writer;
    std::string directory;
    for (const ZipMember& member : members) directory += writer.add(member);
    const std::size_t directory_begin = writer.bytes_.size();
    writer.bytes_ += directory + "PK\5\6";
    writer.number(0, 4);  // disks
    writer.number(members.size(), 2);
    writer.number(members.size(), 2);
    writer.number(directory.size(), 4);
    writer.number(directory_begin, 4);
    writer.number(0, 2);  // comment
    return writer.bytes_;
  }

 private:
  void number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> 8 * i & 0xff);
  }

  /// The fields that the local and central headers of a member share, from version to name.
  void header(const ZipMember& member, std::size_t extra_size) {
    const bool large = member.size >= 0xffffffff;
    number(large ? 45 : 20, 2);
    number(member.flags, 2);
    number(member.method, 2);
    number(0x00210000, 4);  // 1980-01-01
    number(member.crc, 4);
    number(large ? 0xffffffff : member.packed.size(), 4);
    number(large ? 0xffffffff : member.size, 4);
    number(member.name.size(), 2);
    number(extra_size, 2);
  }

  void large_sizes(const ZipMember& member) {
    if (member.size < 0xffffffff) return;
    number(1, 2);
    number(16, 2);
    number(member.size, 8);
    number(member.packed.size(), 8);
  }

  /// Appends a member and returns its entry of the central directory.
  std::string add(const ZipMember& member) {
    const std::size_t extra_size = member.size >= 0xffffffff ? 20 : 0, begin = bytes_.size();
    bytes_ += "PK\3\4";
    header(member, extra_size);
    bytes_ += member.name;
    large_sizes(member);
    bytes_ += member.packed;

    ZipWriter entry;
    entry.bytes_ = "PK\1\2";
    entry.number(45, 2);
    entry.header(member, extra_size);
    entry.number(0, 2 + 2);  // comment, disk
    entry.number(0, 2 + 4);  // attributes
    entry.number(begin, 4);
    entry.bytes_ += member.name;
    entry.large_sizes(member);
    return entry.bytes_;
  }

  std::string bytes_;
};

inline std::string zipped(const std::vector<ZipMember>& members) { return ZipWriter::write(members); }

}  // namespace unroll
