#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"

namespace unroll {

/// One tensor of a safetensors file.
template <class Element>
struct Stored {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const Element> values;  // row-major; points into the file's or the writer's memory
};

using StoredTensor = Stored<float>;        ///< dtype F32
using StoredInts = Stored<std::int32_t>;   ///< dtype I32; only read, for test vectors
using StoredBytes = Stored<std::uint8_t>;  ///< dtype U8

/// A safetensors file in memory, verified against its checksum, if it has one, and against the format's rules
/// (https://github.com/huggingface/safetensors): header length, JSON, shapes, offsets without holes or overlap, file
/// length. Reads the dtypes F32, I32 and U8. Copies share the bytes; spans are valid as long as one copy exists.
class SafetensorsFile {
 public:
  /// Throws Error: no_input if the file cannot be opened, bad_data with the position and the violated rule or the
  /// unsupported dtype.
  static SafetensorsFile read(const std::string& path);
  /// Parses the bytes of a file; `name`: the file's name in messages. Throws Error(bad_data) as read() does.
  static SafetensorsFile parse(std::string bytes, const std::string& name);

  /// True if the file has the checksum that unroll writes (docs/model-file.md) and is therefore known to be undamaged.
  bool has_checksum() const { return has_checksum_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  // without the checksum
  const std::vector<StoredTensor>& tensors() const { return tensors_; }             // F32, ordered by name
  const StoredTensor* find(std::string_view name) const;                            // null if absent
  const std::vector<StoredInts>& ints() const { return ints_; }                     // I32, ordered by name
  const std::vector<StoredBytes>& bytes() const { return bytes_; }                  // U8, ordered by name

 private:
  std::shared_ptr<const std::string> data_;  // without the header, therefore aligned
  bool has_checksum_ = false;
  std::map<std::string, std::string> metadata_;
  std::vector<StoredTensor> tensors_;
  std::vector<StoredInts> ints_;
  std::vector<StoredBytes> bytes_;
};

/// Returns the bytes of a safetensors file: checksum, metadata, `tensors`, then `bytes`, each ordered by name; the
/// header is padded to 8 bytes. Equal contents give equal bytes. Throws Error if names or metadata are not UTF-8.
std::string safetensors_bytes(const std::map<std::string, std::string>& metadata, std::span<const StoredTensor> tensors,
                              std::span<const StoredBytes> bytes = {});

/// Writes the file that safetensors_bytes() returns for `tensors`, as write_file_atomically() does, but never holds it
/// in memory as a whole. Only names and shapes of `tensors` are used: `write_elements` passes the elements piece by
/// piece, tensor by tensor in the order of their names. It is called twice and must pass the same bytes both times,
/// because the checksum precedes the elements.
void write_safetensors(const std::string& path, const std::map<std::string, std::string>& metadata,
                       std::span<const StoredTensor> tensors,
                       const std::function<void(const WritePiece&)>& write_elements,
                       FileSystem& files = real_file_system());

}  // namespace unroll
