#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "io/file.h"
#include "io/safetensors_checksum.h"
#include "io/safetensors_header.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian and are used in place");

constexpr std::uint64_t length_size = 8;
constexpr std::uint64_t max_header = 100'000'000;

/// Bytes per element; 0 for an unsupported dtype.
std::uint64_t element_size(std::string_view dtype) {
  if (dtype == "F32" || dtype == "I32") return 4;
  return dtype == "U8" ? 1 : 0;
}

/// Checks one file, in the order of its bytes.
class Checker {
 public:
  Checker(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::uint64_t header_size() const;
  void check_checksum() const;
  SafetensorsHeader header(std::uint64_t size) const;
  /// Checks that the tensors use each byte of the file after a header of `header_size` bytes exactly once.
  void check_tensors(const SafetensorsHeader& header, std::uint64_t header_size) const;

 private:
  void check_size(const std::string& tensor, const TensorInfo& info) const;
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}; fetch or save the file again", name_, reason));
  }

  std::string_view bytes_;
  std::string name_;
};

std::uint64_t Checker::header_size() const {
  if (bytes_.size() < length_size) {
    refuse(fmt::format("not a safetensors file: {} bytes do not hold the header's length", bytes_.size()));
  }
  std::uint64_t size = 0;
  std::memcpy(&size, bytes_.data(), sizeof size);
  if (size > max_header) {
    refuse(
        fmt::format("not a safetensors file: the header's length at byte offset 0 is {}, above {}", size, max_header));
  }
  if (size > bytes_.size() - length_size) {
    refuse(fmt::format("truncated safetensors file: the header ends at byte offset {}, the file at {}",
                       length_size + size, bytes_.size()));
  }
  return size;
}

void Checker::check_checksum() const {
  if (has_checksum(bytes_) && !is_undamaged(bytes_)) {
    refuse(fmt::format(
        "damaged or truncated safetensors file: its {} bytes do not have the checksum \"{}\" that is written "
        "at byte offset {}",
        bytes_.size(), checksum_key, checksum_begin));
  }
}

SafetensorsHeader Checker::header(std::uint64_t size) const {
  const std::string_view json = bytes_.substr(length_size, size);
  if (!json.starts_with('{')) refuse("not a safetensors file: the header at byte offset 8 does not begin with {");
  const std::size_t last = json.find_last_not_of(' ');
  if (json[last] != '}') {
    refuse(fmt::format("damaged safetensors header: byte offset {} must be a brace or a space", length_size + last));
  }
  return parse_safetensors_header(json, length_size, name_);
}

void Checker::check_size(const std::string& tensor, const TensorInfo& info) const {
  const std::uint64_t alignment = element_size(info.dtype);
  if (alignment == 0) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: tensor {} has dtype {}, and only F32, I32 and U8 are read; convert it to F32 and save "
                            "the file again",
                            name_, in_quotes(tensor), in_quotes(info.dtype)));
  }
  std::uint64_t size = alignment;
  for (const std::int64_t extent : info.shape) {
    const auto factor = static_cast<std::uint64_t>(extent);
    if (factor != 0 && size > std::numeric_limits<std::uint64_t>::max() / factor) {
      refuse(fmt::format("tensor {}: the shape has more than 2^64 bytes", in_quotes(tensor)));
    }
    size *= factor;
  }
  if (info.begin > info.end || info.end - info.begin != size) {
    refuse(fmt::format("tensor {}: data_offsets {} to {} do not hold the {} bytes of its shape", in_quotes(tensor),
                       info.begin, info.end, size));
  }
  if (info.begin % alignment != 0) {
    refuse(fmt::format("tensor {} begins at {} after the header, which is no multiple of the {} bytes of an element",
                       in_quotes(tensor), info.begin, alignment));
  }
}

void Checker::check_tensors(const SafetensorsHeader& header, std::uint64_t header_size) const {
  const std::uint64_t data_begin = length_size + header_size;
  std::vector<std::pair<const std::string*, const TensorInfo*>> order;
  for (const auto& [tensor, info] : header.tensors) {
    check_size(tensor, info);
    order.emplace_back(&tensor, &info);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  std::uint64_t end = 0;
  for (const auto& [tensor, info] : order) {
    if (info->begin != end) {
      refuse(fmt::format("tensor {} begins at {} after the header, {} the end of the one before it at {}",
                         in_quotes(*tensor), info->begin, info->begin > end ? "leaving a hole after" : "overlapping",
                         end));
    }
    end = info->end;
  }
  const std::uint64_t data_size = bytes_.size() - data_begin;
  if (data_size < end) {
    refuse(fmt::format("truncated safetensors file: it ends at byte offset {}, and {} bytes of tensors are missing",
                       bytes_.size(), end - data_size));
  }
  if (data_size > end) {
    refuse(fmt::format("damaged safetensors file: {} bytes follow the last tensor, which ends at byte offset {}",
                       data_size - end, data_begin + end));
  }
}

template <class Element>
Stored<Element> stored(const std::string& name, TensorInfo& info, const std::string& data) {
  const auto* elements = reinterpret_cast<const Element*>(data.data() + info.begin);
  return {name, std::move(info.shape), {elements, (info.end - info.begin) / sizeof(Element)}};
}

}  // namespace

SafetensorsFile SafetensorsFile::read(const std::string& path) { return parse(read_file(path), source_name(path)); }

SafetensorsFile SafetensorsFile::parse(std::string bytes, const std::string& name) {
  const Checker checker(bytes, name);
  const std::uint64_t header_size = checker.header_size();
  checker.check_checksum();
  SafetensorsHeader header = checker.header(header_size);
  checker.check_tensors(header, header_size);

  SafetensorsFile file;
  file.has_checksum_ = unroll::has_checksum(bytes);
  file.metadata_ = std::move(header.metadata);
  file.metadata_.erase(std::string(checksum_key));
  bytes.erase(0, length_size + header_size);
  file.data_ = std::make_shared<const std::string>(std::move(bytes));
  for (auto& [tensor, info] : header.tensors) {
    if (info.dtype == "F32") {
      file.tensors_.push_back(stored<float>(tensor, info, *file.data_));
    } else if (info.dtype == "I32") {
      file.ints_.push_back(stored<std::int32_t>(tensor, info, *file.data_));
    } else {
      file.bytes_.push_back(stored<std::uint8_t>(tensor, info, *file.data_));
    }
  }
  return file;
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto place = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                      [](const StoredTensor& tensor, std::string_view n) { return tensor.name < n; });
  return place != tensors_.end() && place->name == name ? &*place : nullptr;
}

}  // namespace unroll
