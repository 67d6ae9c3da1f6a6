#include <optional>
#include <string>

#include "base/check.h"
#include "io/gzip.h"
#include "io/zip.h"
#include "refuses.h"

using namespace unroll;

/// Any archive is either refused or unpacks to at most the limit.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t longest = 1 << 16;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  std::string text;
  if (is_gzip(bytes)) {
    refuses([&] { text = gunzip(bytes, "file", longest); });
  } else {
    for (const std::optional<std::string>& member :
         {std::optional<std::string>(), std::optional<std::string>("a.txt")}) {
      refuses([&] { text = unzip(bytes, "file", member, longest); });
    }
  }
  UNROLL_CHECK(text.size() <= longest);
  return 0;
}
