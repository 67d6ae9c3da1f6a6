#include "io/safetensors_header.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

constexpr const char* metadata_key = "__metadata__";

/// Handles nlohmann's parser events, because a parsed tree does not show duplicate keys. Anything that the format does
/// not allow ends the parse, so nesting is never deeper than three.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(std::size_t json_begin, const std::string& name) : json_begin_(json_begin), name_(name) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) return go(Place::top);
    if (place_ != Place::top) return unexpected("an object");
    if (key_ == metadata_key) return go(Place::metadata);
    tensor_ = &header_.tensors[key_];
    has_dtype_ = has_shape_ = false;
    offsets_.clear();
    return go(Place::tensor);
  }

  bool key(std::string& key) override {
    if (place_ == Place::top) {
      if (key == metadata_key ? seen_metadata_ : header_.tensors.count(key) != 0)
        refuse(fmt::format("{} is there twice", in_quotes(key)));
      seen_metadata_ = seen_metadata_ || key == metadata_key;
      key_ = key;
    } else if (place_ == Place::metadata) {
      if (header_.metadata.count(key) != 0) refuse(fmt::format("{} is twice in {}", in_quotes(key), metadata_key));
      field_ = key;
    } else {
      field_ = key;
      if (is_twice(key)) refuse(fmt::format("tensor {} has {} twice", in_quotes(key_), in_quotes(key)));
    }
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::metadata) {
      header_.metadata[field_] = value;
      return true;
    }
    if (place_ != Place::tensor || field_ != "dtype") return unexpected("a string");
    tensor_->dtype = value;
    has_dtype_ = true;
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ == Place::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return unexpected("a number above 2^63");
      tensor_->shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::offsets && offsets_.size() < 2) {
      offsets_.push_back(value);
    } else {
      return unexpected("a number");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && field_ == "shape") return has_shape_ = true, go(Place::shape);
    if (place_ == Place::tensor && field_ == "data_offsets") return go(Place::offsets);
    return unexpected("an array");
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_.size() != 2)
      refuse(fmt::format("tensor {}: data_offsets must be two numbers", in_quotes(key_)));
    return go(Place::tensor);
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (!has_dtype_ || !has_shape_ || offsets_.size() != 2) {
        refuse(fmt::format("tensor {} needs dtype, shape and data_offsets", in_quotes(key_)));
      }
      tensor_->begin = offsets_[0];
      tensor_->end = offsets_[1];
    }
    return go(place_ == Place::top ? Place::outside : Place::top);
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(std::int64_t) override { return unexpected("a negative number"); }
  bool number_float(double, const std::string&) override { return unexpected("a number that is no 64-bit integer"); }
  bool binary(nlohmann::json::binary_t&) override { return unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    refuse(fmt::format("not valid JSON near byte offset {} of the file",
                       json_begin_ + (position == 0 ? 0 : position - 1)));
  }

 private:
  enum class Place { outside, top, metadata, tensor, shape, offsets };

  bool go(Place place) {
    place_ = place;
    return true;
  }

  bool is_twice(const std::string& field) const {
    if (field == "dtype") return has_dtype_;
    if (field == "shape") return has_shape_;
    if (field == "data_offsets") return !offsets_.empty();
    refuse(fmt::format("tensor {} has the unknown field {}", in_quotes(key_), in_quotes(field)));
  }

  /// Throws an error with the current position in the header and what was found there.
  bool unexpected(const char* what) const {
    if (place_ == Place::outside) refuse(fmt::format("{} where the header's object should be", what));
    if (place_ == Place::top) refuse(fmt::format("{} has {} where an object should be", in_quotes(key_), what));
    if (place_ == Place::metadata)
      refuse(fmt::format("{} {} has {} where a string should be", metadata_key, in_quotes(field_), what));
    refuse(fmt::format("tensor {}: {} has {} where it should not be", in_quotes(key_), field_, what));
  }

  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: damaged safetensors header: {}; fetch or save the file again", name_, reason));
  }

  std::size_t json_begin_;
  std::string name_;
  SafetensorsHeader header_;
  Place place_ = Place::outside;
  bool seen_metadata_ = false;
  std::string key_;    // in the header's object
  std::string field_;  // in the object below it
  TensorInfo* tensor_ = nullptr;
  bool has_dtype_ = false, has_shape_ = false;
  std::vector<std::uint64_t> offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, std::size_t json_begin, const std::string& name) {
  HeaderReader reader(json_begin, name);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

}  // namespace unroll
