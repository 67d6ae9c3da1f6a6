#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

/// Entry of one tensor in a safetensors header. Offsets count from the first byte after the header.
struct TensorInfo {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorInfo> tensors;
};

/// Parses the JSON of a header; `json_begin` is its byte offset in the file. Checks field names and types and rejects
/// duplicate keys. Throws Error(bad_data); `name`: the file's name in messages.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::size_t json_begin, const std::string& name);

}  // namespace unroll
