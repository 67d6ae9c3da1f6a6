#pragma once

#include <string>

namespace unroll::cli {

/// Four decimals from 0.00005 to 10 in magnitude, else four significant digits.
std::string score_text(double score);

}  // namespace unroll::cli
