#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unroll {

/// End of the word (see Tokenizer) that begins at byte `begin` < text.size(). Throws InvalidText if the text, from
/// the source `name`, is not UTF-8 there; it need not be after the end of the word.
std::size_t word_end(std::string_view text, std::size_t begin, const std::string& name);

}  // namespace unroll
