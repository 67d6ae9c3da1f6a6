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
using StoredInts = Stored<std::int32_t>;   ///< dtype I32; only read: of test vectors
using StoredBytes = Stored<std::uint8_t>;  ///< dtype U8

/// A safetensors file in memory, checked in full against its checksum where it has one, and against the format's rules
/// (https://github.com/huggingface/safetensors): header length, JSON, shapes, offsets without holes or overlap, file
/// length. Reads the dtypes F32, I32 and U8. Copies share the bytes, and spans are valid as long as one copy lives.
class SafetensorsFile {
 public:
  /// Throws Error: no_input where there is no such file, bad_data with the place and the rule that is broken or the
  /// dtype that is not read.
  static SafetensorsFile read(const std::string& path);
  /// The same from bytes; `name` stands for the file in messages.
  static SafetensorsFile parse(std::string bytes, const std::string& name);

  /// Whether it has the checksum that unroll writes (docs/model-file.md), and so is known to be undamaged.
  bool has_checksum() const { return has_checksum_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  // all but the checksum
  const std::vector<StoredTensor>& tensors() const { return tensors_; }             // F32 ones, by name
  const StoredTensor* find(std::string_view name) const;                            // null where there is none
  const std::vector<StoredInts>& ints() const { return ints_; }                     // I32 ones, by name
  const std::vector<StoredBytes>& bytes() const { return bytes_; }                  // U8 ones, by name

 private:
  std::shared_ptr<const std::string> data_;  // without the header, and so aligned
  bool has_checksum_ = false;
  std::map<std::string, std::string> metadata_;
  std::vector<StoredTensor> tensors_;
  std::vector<StoredInts> ints_;
  std::vector<StoredBytes> bytes_;
};

/// The bytes of a safetensors file: its checksum, metadata, and `tensors` and then `bytes`, each ordered by name,
/// header padded to 8 bytes. Equal contents give equal bytes. Throws Error for text that is not UTF-8.
std::string safetensors_bytes(const std::map<std::string, std::string>& metadata, std::span<const StoredTensor> tensors,
                              std::span<const StoredBytes> bytes = {});

/// What safetensors_bytes() gives of `tensors`, as a file, written as write_file_atomically() does but never whole in
/// memory. Only their names and shapes count: `write_elements` hands over the elements piece by piece, tensor by tensor
/// in the order of their names. It is called twice and must do the same both times, since the checksum stands before
/// the elements.
void write_safetensors(const std::string& path, const std::map<std::string, std::string>& metadata,
                       std::span<const StoredTensor> tensors,
                       const std::function<void(const WritePiece&)>& write_elements,
                       FileSystem& files = real_file_system());

}  // namespace unroll
