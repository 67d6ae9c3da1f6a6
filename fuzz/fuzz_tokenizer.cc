#include <optional>
#include <string>

#include "base/check.h"
#include "refuses.h"
#include "unroll/tokenizer.h"

using namespace unroll;

/// A text is either refused as a vocabulary, or is one that is written and read again as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string document(reinterpret_cast<const char*>(data), size);
  std::optional<Tokenizer> tokenizer;
  if (refuses([&] { tokenizer = Tokenizer::from_json(document); })) return 0;
  UNROLL_CHECK(Tokenizer::from_json(tokenizer->to_json()) == *tokenizer);
  for (int id = 0; id < tokenizer->size(); ++id) UNROLL_CHECK(tokenizer->find(tokenizer->text(id)) == id);
  return 0;
}
