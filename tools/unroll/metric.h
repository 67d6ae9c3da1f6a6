#pragma once

#include <string>

namespace unroll::cli {

/// Four decimals below 10 in magnitude, else four significant digits.
std::string score_text(double score);

}  // namespace unroll::cli
