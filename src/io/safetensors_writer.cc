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

template <class Element>
std::uint64_t bytes_of(const Stored<Element>& tensor) {
  std::uint64_t bytes = sizeof(Element);
  for (const std::int64_t extent : tensor.shape) {
    UNROLL_CHECK(extent >= 0);
    bytes *= static_cast<std::uint64_t>(extent);
  }
  return bytes;
}

template <class Element>
std::vector<const Stored<Element>*> by_name(std::span<const Stored<Element>> tensors) {
  std::vector<const Stored<Element>*> order;
  for (const Stored<Element>& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, [](const Stored<Element>* tensor) -> const std::string& { return tensor->name; });
  return order;
}

/// Adds the header entries of `tensors`, whose elements begin at offset `begin`; returns where they end.
template <class Element>
std::uint64_t describe(std::span<const Stored<Element>> tensors, const char* dtype, std::uint64_t begin,
                       nlohmann::ordered_json& header) {
  for (const Stored<Element>* tensor : by_name(tensors)) {
    UNROLL_CHECK(tensor->name != "__metadata__" && !header.contains(tensor->name));
    const std::uint64_t end = begin + bytes_of(*tensor);
    header[tensor->name] = {{"dtype", dtype}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  return begin;
}

template <class Element>
void append_elements(std::string& bytes, std::span<const Stored<Element>> tensors) {
  for (const Stored<Element>* tensor : by_name(tensors)) {
    UNROLL_CHECK(tensor->values.size_bytes() == bytes_of(*tensor));
    bytes.append(reinterpret_cast<const char*>(tensor->values.data()), tensor->values.size_bytes());
  }
}

/// The file without the elements, with zeros for the checksum. Floats precede bytes, whose end need not be aligned.
std::string header_of(const std::map<std::string, std::string>& metadata, std::span<const StoredTensor> tensors,
                      std::span<const StoredBytes> bytes) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  nlohmann::ordered_json& entries = header["__metadata__"];
  entries[std::string(checksum_key)] = no_checksum_yet;
  for (const auto& [key, value] : metadata) {
    UNROLL_CHECK(key != checksum_key);
    entries[key] = value;
  }
  describe(bytes, "U8", describe(tensors, "F32", 0, header), header);
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

std::string safetensors_bytes(const std::map<std::string, std::string>& metadata, std::span<const StoredTensor> tensors,
                              std::span<const StoredBytes> bytes) {
  std::string file = header_of(metadata, tensors, bytes);
  append_elements(file, tensors);
  append_elements(file, bytes);
  put_checksum(file, checksum_of(file));
  return file;
}

void write_safetensors(const std::string& path, const std::map<std::string, std::string>& metadata,
                       std::span<const StoredTensor> tensors,
                       const std::function<void(const WritePiece&)>& write_elements, FileSystem& files) {
  std::string header = header_of(metadata, tensors, {});
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
