#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace unroll {

/// A conversion of iconv from one encoding to another, with its state between calls.
class Conversion {
 public:
  /// Throws Error if iconv does not know one of them.
  Conversion(const std::string& from, const char* to);

  enum class End {
    whole,       ///< everything is converted
    incomplete,  ///< `bytes` now begins with a part of a character
    invalid      ///< `bytes` now begins with what is no character
  };
  /// Converts the beginning of `bytes`, removes it there and appends the result to `converted`.
  End convert(std::string_view& bytes, std::string& converted);
  /// Appends what an encoding with states keeps until its next character.
  void finish(std::string& converted);

 private:
  struct Close {
    void operator()(void* handle) const;
  };
  std::unique_ptr<void, Close> handle_;
};

}  // namespace unroll
