#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/check.h"
#include "base/fingerprint.h"
#include "io/safetensors.h"
#include "io/safetensors_checksum.h"
#include "unroll/error.h"

namespace unroll {
namespace {

std::string length_field(std::uint64_t length) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(length >> shift & 0xff);
  return bytes;
}

std::uint64_t bytes_of(const StoredTensor& tensor) {
  std::uint64_t bytes = sizeof(float);
  for (const std::int64_t extent : tensor.shape) {
    UNROLL_CHECK(extent >= 0);
    bytes *= static_cast<std::uint64_t>(extent);
  }
  return bytes;
}

std::vector<const StoredTensor*> by_name(std::span<const StoredTensor> tensors) {
  std::vector<const StoredTensor*> order;
  for (const StoredTensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const StoredTensor* a, const StoredTensor* b) { return a->name < b->name; });
  return order;
}

/// All but the elements, with zeros for the checksum.
std::string header_of(const std::map<std::string, std::string>& metadata, std::span<const StoredTensor> tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  nlohmann::ordered_json& about = header["__metadata__"];
  about[std::string(checksum_key)] = no_checksum_yet;
  for (const auto& [key, value] : metadata) {
    UNROLL_CHECK(key != checksum_key);
    about[key] = value;
  }
  std::uint64_t end = 0;
  for (const StoredTensor* tensor : by_name(tensors)) {
    UNROLL_CHECK(tensor->name != "__metadata__" && !header.contains(tensor->name));
    const std::uint64_t begin = end;
    end += bytes_of(*tensor);
    header[tensor->name] = {{"dtype", "F32"}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}};
  }
  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error("safetensors: names and metadata must be UTF-8; rename what is not");
  }
  json.resize((json.size() + 7) / 8 * 8, ' ');
  return length_field(json.size()) + json;
}

}  // namespace

std::string safetensors_bytes(const std::map<std::string, std::string>& metadata,
                              std::span<const StoredTensor> tensors) {
  std::string bytes = header_of(metadata, tensors);
  for (const StoredTensor* tensor : by_name(tensors)) {
    UNROLL_CHECK(tensor->values.size_bytes() == bytes_of(*tensor));
    bytes.append(reinterpret_cast<const char*>(tensor->values.data()), tensor->values.size_bytes());
  }
  put_checksum(bytes, checksum_of(bytes));
  return bytes;
}

void write_safetensors(const std::string& path, const std::map<std::string, std::string>& metadata,
                       std::span<const StoredTensor> tensors,
                       const std::function<void(const WritePiece&)>& write_elements, FileSystem& files) {
  std::string header = header_of(metadata, tensors);
  std::uint64_t missing = 0;
  for (const StoredTensor& tensor : tensors) missing += bytes_of(tensor);
  Fingerprint fingerprint;
  fingerprint.add(header);
  write_elements([&](std::string_view piece) {
    fingerprint.add(piece);
    missing -= piece.size();
  });
  UNROLL_CHECK(missing == 0);
  put_checksum(header, hex(fingerprint.value()));
  const auto write_all = [&](const WritePiece& write) {
    write(header);
    write_elements(write);
  };
  write_file_atomically(path, write_all, files);
}

}  // namespace unroll
