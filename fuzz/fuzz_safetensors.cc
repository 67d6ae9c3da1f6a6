#include <cstring>
#include <optional>
#include <string>

#include "base/check.h"
#include "io/safetensors.h"
#include "io/safetensors_checksum.h"
#include "refuses.h"

using namespace unroll;

namespace {

/// Corrects the checksum: nearly every mutation breaks it, so the later checks would not be reached otherwise.
std::string with_checksum(std::string bytes) {
  if (has_checksum(bytes)) put_checksum(bytes, checksum_of(bytes));
  return bytes;
}

/// A file that is not refused can be written and read again.
void try_file(const std::string& bytes) {
  std::optional<SafetensorsFile> file;
  if (refuses([&] { file = SafetensorsFile::parse(bytes, "file"); })) return;
  std::uint64_t header_size = 0, data_size = 0;
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  for (const auto& tensor : file->tensors()) data_size += tensor.values.size_bytes();
  for (const auto& tensor : file->ints()) data_size += tensor.values.size_bytes();
  for (const auto& tensor : file->bytes()) data_size += tensor.values.size_bytes();
  UNROLL_CHECK(sizeof header_size + header_size + data_size == bytes.size());

  const std::string written = safetensors_bytes(file->metadata(), file->tensors(), file->bytes());
  const SafetensorsFile again = SafetensorsFile::parse(written, "written");
  UNROLL_CHECK(again.metadata() == file->metadata());
  UNROLL_CHECK(again.tensors().size() == file->tensors().size());
  UNROLL_CHECK(again.bytes().size() == file->bytes().size());
  for (const StoredTensor& tensor : file->tensors()) {
    const StoredTensor* found = again.find(tensor.name);
    UNROLL_CHECK(found != nullptr && found->shape == tensor.shape);
  }
  UNROLL_CHECK(safetensors_bytes(again.metadata(), again.tensors(), again.bytes()) == written);
}

/// A file with `header`, its length, and `data_size` bytes of tensors: most mutations break the length.
std::string with_length(const std::string& header, std::size_t data_size) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> 8 * i & 0xff);
  return bytes + header + std::string(data_size, '\1');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try_file(bytes);
  try_file(with_checksum(bytes));
  if (size > 8) try_file(with_checksum(with_length(bytes.substr(8), data[0])));
  return 0;
}
