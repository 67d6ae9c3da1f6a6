#include <optional>
#include <string>

#include "base/check.h"
#include "refuses.h"
#include "unroll/corpus.h"

using namespace unroll;

/// Any bytes are either refused or become symbols that can be written as text and read again. The first byte chooses
/// the options.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const CorpusOptions options{.newlines = (data[0] & 1) != 0 ? Newlines::space : Newlines::keep, .limit = data[0] >> 1};
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::optional<Corpus> corpus;
  if (refuses([&] { corpus = Corpus::from_text(bytes, options); })) return 0;

  UNROLL_CHECK(corpus->vocabulary().total() == corpus->size());
  UNROLL_CHECK(options.limit == 0 || corpus->size() <= options.limit);
  const std::string text = corpus->text(0, corpus->size());
  const std::vector<std::int32_t> ids = encode(corpus->vocabulary(), text);
  UNROLL_CHECK(std::equal(ids.begin(), ids.end(), corpus->ids().begin(), corpus->ids().end()));
  UNROLL_CHECK(text.find('\r') == std::string::npos);
  UNROLL_CHECK(options.newlines == Newlines::keep || text.find('\n') == std::string::npos);
  refuses([&] { encode(corpus->vocabulary(), bytes); });
  return 0;
}
