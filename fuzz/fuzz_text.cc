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
  const auto unit = static_cast<TokenUnit>(data[0] >> 1 & 3);
  if (unit > TokenUnit::word) return 0;
  const bool spaces = (data[0] & 1) != 0 && unit != TokenUnit::byte;
  const CorpusOptions options{
      .unit = unit, .newlines = spaces ? Newlines::space : Newlines::keep, .limit = data[0] >> 3};
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::optional<Corpus> corpus;
  if (refuses([&] { corpus = Corpus::from_text(bytes, options); })) return 0;

  UNROLL_CHECK(corpus->vocabulary().total() == corpus->size());
  UNROLL_CHECK(options.limit == 0 || corpus->size() <= options.limit);
  const std::string text = corpus->text(0, corpus->size());
  const std::vector<std::int32_t> ids = corpus->vocabulary().encode(text);
  UNROLL_CHECK(std::equal(ids.begin(), ids.end(), corpus->ids().begin(), corpus->ids().end()));
  UNROLL_CHECK(options.unit == TokenUnit::byte || text.find('\r') == std::string::npos);
  UNROLL_CHECK(options.newlines == Newlines::keep || text.find('\n') == std::string::npos);
  UNROLL_CHECK(Tokenizer::from_json(corpus->vocabulary().to_json()) == corpus->vocabulary());
  refuses([&] { corpus->vocabulary().encode(bytes); });
  return 0;
}
