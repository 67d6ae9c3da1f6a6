#include "io/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {

void LineCount::note(const char* noun, const char* what, std::vector<std::string>& notes) const {
  if (lines > 0) notes.push_back(fmt::format("{}, first in line {}: {}", counted(lines, noun), first, what));
}

namespace {

/// True if the text has a letter, but not for 1e5.
bool is_word(std::string_view text) {
  const auto is_letter = [](char byte) {
    return static_cast<signed char>(byte) < 0 || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
  };
  const bool begins_like_number = text.find_first_of("0123456789") < text.find_first_of("eE");
  return std::ranges::any_of(
      text, [&](char byte) { return is_letter(byte) && !(begins_like_number && (byte | 0x20) == 'e'); });
}

}  // namespace

RowAssembler::RowAssembler(std::string name, RowSink& sink, const RowOptions& options)
    : name_(std::move(name)), sink_(sink), options_(options) {}

void RowAssembler::take_cell(std::string_view text, FieldType type) {
  all_missing_ = all_missing_ && type == FieldType::missing;
  if (!header_taken_) {
    names_.emplace_back(text);
  } else if (cells_ < names_.size()) {
    if (like_header_) like_header_ = text == names_[cells_];
    sink_.cell(cells_, text, type);
  } else {
    too_long_ = too_long_ || !text.empty();
  }
  ++cells_;
}

void RowAssembler::end_record(std::int64_t line, char delimiter) {
  line_ = line;
  header_taken_ ? end_row() : take_header(delimiter);
  cells_ = 0;
  all_missing_ = like_header_ = true;
  too_long_ = false;
}

void RowAssembler::end_row() {
  const bool is_short = cells_ < names_.size();
  const bool blank = all_missing_ && cells_ > 1 && names_.size() > 1;
  if (!blank && (too_long_ || (is_short && !options_.fill_short_rows))) {
    refuse(line_, fmt::format("the row that begins here has {} cells, and the header has {}; {}", cells_, names_.size(),
                              length_advice()));
  }
  for (std::size_t column = cells_; column < names_.size(); ++column) sink_.cell(column, "", FieldType::missing);
  if (blank || (like_header_ && has_names_ && !is_short)) {
    (blank ? blank_ : headers_).add(line_);
    return sink_.no_row();
  }
  if (is_short) short_.add(line_);
  if (cells_ > names_.size()) long_.add(line_);
  sink_.end_of_row(line_);
  ++rows_;
}

std::string RowAssembler::length_advice() const {
  const bool may_have_title = rows_ == 0 || names_.size() == 1;
  const char* const title_advice = may_have_title ? options_.title_advice : "";
  if (cells_ < names_.size()) {
    return fmt::format("{}add those that are missing, or take them as missing with {} fill", title_advice,
                       option_name("ragged"));
  }
  const bool may_have_row_names = rows_ == 0 && cells_ == names_.size() + 1;
  return fmt::format("{}{}{}", title_advice, may_have_row_names ? options_.row_names_advice : "",
                     options_.long_row_advice);
}

std::string RowAssembler::label(std::size_t column) const {
  return column < labels_.size() ? labels_[column] : std::to_string(column + 1);
}

void RowAssembler::take_header(char delimiter) {
  constexpr const char* title_remedy = "remove a title above the names of the columns";
  const std::size_t size = names_.size();
  while (names_.size() > 1 && names_.back().empty()) names_.pop_back();
  if (names_.size() < size) long_.add(line_);
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const bool is_index = i == 0 && names_.size() > 1;
    if (names_[i].empty() && !is_index)
      refuse(line_, fmt::format("column {} has no name; give it one in the header, or {}", label(i), title_remedy));
    const auto [first, is_new] = places.emplace(names_[i], i);
    if (!is_new) {
      refuse(line_, fmt::format("columns {} and {} have the same name {}; rename one in the header, or {}",
                                label(first->second), label(i), in_quotes(names_[i]), title_remedy));
    }
  }
  header_taken_ = true;
  has_names_ = std::ranges::any_of(names_, is_word);
  sink_.header(names_, delimiter);
}

void RowAssembler::finish() const {
  if (!header_taken_) throw Error(ExitCode::bad_data, fmt::format("{}: is empty; {}", name_, options_.empty_advice));
  if (rows_ == 0)
    throw Error(ExitCode::bad_data, fmt::format("{}: has a header and no rows; a table needs some", name_));
}

void RowAssembler::add_notes(std::vector<std::string>& notes) const {
  long_.note("line", "empty cells at the end are ignored", notes);
  blank_.note("blank row", "skipped", notes);
  headers_.note("repeated header", "skipped", notes);
  short_.note("short row", "the cells at the end count as missing", notes);
}

void RowAssembler::refuse(std::int64_t line, const std::string& what) const {
  throw Error(ExitCode::bad_data, fmt::format("{}: line {}: {}", name_, line, what));
}

}  // namespace unroll
