#include "table/column_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "table/ascii.h"
#include "table/cell_values.h"
#include "table/column_form.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

// Thresholds of the rules by which Table selects a kind.
constexpr std::int64_t codes_are_one_in = 100;
constexpr std::int64_t lists_are_one_in = 5;
constexpr std::int64_t max_token = 30;  // bytes on average
constexpr std::int64_t min_uses_per_token = 3;
constexpr std::int64_t min_text = 40;  // bytes on average

constexpr std::int64_t any_number = std::numeric_limits<std::int64_t>::max();

/// Calls take(cell, missing) for each cell in order; cells are trimmed, and words such as NA count as missing.
template <class Take>
void for_each_cell(const RawCells& cells, Take&& take) {
  cells.for_each([&](std::string_view text, FieldType type) {
    const std::string_view cell = trimmed(text);
    take(cell, type == FieldType::missing || is_missing_word(cell));
    return true;
  });
}

/// True for a currency or the name of a month before a digit, and for words that look like these.
bool begins_with_word_and_digit(std::string_view cell) {
  constexpr std::size_t longest = 9;  // September
  std::size_t at = 0;
  while (at < cell.size() && at < longest && is_letter(cell[at])) ++at;
  while (at < cell.size() && at < longest + 3 && std::string_view(".$ -").find(cell[at]) != std::string_view::npos)
    ++at;
  return at < cell.size() && is_digit(cell[at]);
}

bool begins_like_number(std::string_view cell) {
  const char byte = cell.front();
  if (is_digit(byte)) return true;
  if (byte == '-' || byte == '+' || byte == '.' || byte == '$' || byte == ',') return cell.size() > 1;
  if (is_letter(byte) && begins_with_word_and_digit(cell)) return true;
  // A currency such as zł or CHF may have a letter or a space behind it that is not ASCII.
  constexpr std::size_t max_currency = 3;
  const bool may_be_amount = byte == '(' || !std::ranges::all_of(cell.substr(0, max_currency + 1), is_ascii);
  return may_be_amount && take_number_apart(cell).has_value();
}

/// Tokens that are all digits are parts of numbers with commas.
bool have_short_repeated_tokens(const RawCells& cells) {
  Levels tokens;
  std::int64_t uses = 0, bytes = 0;
  bool all_digits = true;
  for_each_cell(cells, [&](std::string_view cell, bool missing) {
    if (missing) return;
    for_each_token(cell, [&](std::string_view token) {
      tokens.add(token);
      ++uses;
      bytes += static_cast<std::int64_t>(token.size());
      for (const char byte : token) all_digits = all_digits && is_digit(byte);
    });
  });
  return !all_digits && uses >= min_uses_per_token * tokens.size() && bytes <= max_token * uses;
}

std::int64_t count_distinct(const RawCells& cells) {
  Levels distinct;
  for_each_cell(cells, [&](std::string_view cell, bool missing) {
    if (!missing && !cell.empty()) distinct.add(cell);
  });
  return distinct.size();
}

/// The first cell for which `wanted` returns true. A FieldType::value shows nothing of the form of the others.
template <class Wanted>
CellCount first_cell(const RawCells& cells, Wanted&& wanted) {
  CellCount found;
  std::int64_t row = 0;
  cells.for_each([&](std::string_view text, FieldType type) {
    const std::string_view cell = trimmed(text);
    if (type == FieldType::text && !cell.empty() && wanted(cell)) found.add(row, cell);
    ++row;
    return found.cells == 0;
  });
  return found;
}

bool has_point_for_mark(std::string_view cell) {
  if (cell.find('.') == std::string_view::npos) return false;
  const auto number = take_number_apart(cell);
  return number && digits_before_exponent(*number, '.') && !digits_before_exponent(*number, ',');
}

bool begins_with_year(const DateCell& date) { return date.parts[0].digits == 4; }

/// A date that begins with a year of four digits.
std::optional<double> read_usual_date(std::string_view cell) {
  constexpr std::size_t shortest = 10;
  const bool extended = cell.size() >= shortest && cell[4] == '-';
  if (extended) {
    if (const auto days = parse_date(cell)) return days;  // in half the time of take_date_apart()
  }
  const auto date = take_date_apart(cell);
  return date && begins_with_year(*date) ? days_in_order(*date, DateForm::ymd) : std::nullopt;
}

}  // namespace

ColumnMaker::ColumnMaker(std::string name, RawCells cells, std::int64_t rows, std::optional<ColumnKind> kind,
                         std::string form)
    : cells_(std::move(cells)), kind_(kind), form_(std::move(form)) {
  column_.name_ = std::move(name);
  column_.size_ = rows;
}

void ColumnMaker::look() {
  if (kind_ && *kind_ != ColumnKind::number && *kind_ != ColumnKind::date) return;
  bool first = true;
  for_each_cell(cells_, [&](std::string_view cell, bool missing) {
    const bool in_first_row = std::exchange(first, false);
    if (missing || cell.empty()) return;
    ++survey_.filled;
    survey_.bytes += static_cast<std::int64_t>(cell.size());
    const bool like_number = begins_like_number(cell);
    const bool comma = cell.size() > 2 && cell.find(',') != std::string_view::npos;
    if (in_first_row) {
      survey_.first_is_value = take_number_apart(cell) || take_date_apart(cell);
      survey_.first_is_word = !survey_.first_is_value;
      survey_.words_like_numbers = survey_.first_is_word && like_number ? 1 : 0;  // m2
    }
    survey_.like_numbers += like_number ? 1 : 0;
    survey_.like_codes += has_leading_zero(cell) ? 1 : 0;
    survey_.with_comma += comma ? 1 : 0;
    survey_.number_commas += comma && like_number ? 1 : 0;
  });
}

void ColumnMaker::drop_rows(std::span<const std::int64_t> rows) {
  cells_.drop(rows);
  column_.size_ -= std::ssize(rows);
  survey_ = {};
  numbers_.reset();
  dates_.reset();
  look();
}

bool ColumnMaker::only_first_is_no_number() const {
  return survey_.first_is_word && survey_.filled > 2 &&
         survey_.like_numbers - survey_.words_like_numbers == survey_.filled - 1;
}

bool ColumnMaker::are_distinct_whole_numbers() const {
  Levels distinct;
  std::int64_t cells = 0;
  for_each_cell(cells_, [&](std::string_view cell, bool) {
    if (!cell.empty() && std::ranges::all_of(cell, is_digit)) distinct.add(cell);
    ++cells;
  });
  return cells >= 2 && distinct.size() == cells;
}

void ColumnMaker::learn_marks(FileMarks& marks) {
  if (!may_be_numbers() || survey_.number_commas == 0 || kind_ == ColumnKind::date) return;
  const NumberSurvey& survey = numbers_survey();
  // Beside commas, pairs of numbers in quotes are more likely than numbers with decimal commas.
  if (2 * survey.numbers < survey.filled || (marks.delimiter == ',' && survey.texts_with_comma > 0)) return;
  marks.some_comma = marks.some_comma || survey.comma.cells > survey.point.cells;
  marks.some_point = marks.some_point || survey.point.cells > survey.comma.cells;
  marks.some_lone_comma = marks.some_lone_comma || survey.lone_comma.cells > 0;
}

void ColumnMaker::learn_points(FileMarks& marks) {
  if (marks.some_point || !may_be_numbers() || survey_.number_commas > 0 || kind_ == ColumnKind::date) return;
  if (!has_points()) return;
  const NumberSurvey& survey = numbers_survey();
  if (2 * survey.numbers < survey.filled || survey.point.cells == 0) return;
  // 2.0 TDI beside 1.4 TSI, and versions such as 1.2.3, are no numbers.
  const NumberForm form = form_of(survey, '.');
  const auto is_text = [&](std::string_view cell) {
    return cell.find('.') != std::string_view::npos && !form.read(cell);
  };
  marks.some_point = first_cell(cells_, is_text).cells == 0;
}

CellCount ColumnMaker::first_text() const {
  return first_cell(cells_, [](std::string_view cell) { return !is_missing_word(cell); });
}

std::optional<DateForm> ColumnMaker::order() {
  if (!may_be_numbers() || kind_ == ColumnKind::number || !form_.empty()) return std::nullopt;
  const CellCount first = first_text();
  const auto date = take_date_apart(first.text);
  if (!date || begins_with_year(*date)) return std::nullopt;
  dates_ = survey_dates(cells_, any_number);
  const DateChoice choice = choose_order(*dates_, std::nullopt);
  return choice.undecided ? std::nullopt : std::optional(choice.form);
}

Column ColumnMaker::make(const ReadingContext& context) && {
  column_.kind_ = kind_ ? *kind_ : likely_kind(context);
  switch (column_.kind_) {
    case ColumnKind::number:
      if (kind_) take_numbers(context, any_number);
      leave_out_missing(context);
      break;
    case ColumnKind::date:
      if (kind_) take_dates(context, any_number);
      break;
    case ColumnKind::category:
      keep_levels();
      break;
    case ColumnKind::list:
      keep_tokens();
      break;
    case ColumnKind::text:
      keep_texts();
      break;
  }
  cells_ = {};
  return std::move(column_);
}

void ColumnMaker::leave_out_missing(const ReadingContext& context) {
  if (missing_.empty()) return;
  std::size_t row = 0;
  for (double& number : column_.numbers_) {
    if (missing_.match(number, context.marked->found)) {
      number = std::numeric_limits<double>::quiet_NaN();
      context.marked->cells.add((*context.lines)[row]);
    }
    ++row;
  }
}

/// If the kind is number or date, the parsed values are stored already.
ColumnKind ColumnMaker::likely_kind(const ReadingContext& context) {
  if (survey_.filled == 0) return ColumnKind::category;
  if (may_be_numbers()) {
    const bool codes = survey_.like_codes > 0 && codes_are_one_in * survey_.like_codes >= survey_.filled;
    const std::int64_t half = survey_.filled / 2;
    if (are_basic_dates(cells_) && take_dates(context, 0)) return ColumnKind::date;
    if (!codes && take_numbers(context, half)) return ColumnKind::number;
    if (take_dates(context, half)) return ColumnKind::date;
  }
  const bool commas = survey_.with_comma > 0 && lists_are_one_in * survey_.with_comma >= survey_.filled;
  if (commas && have_short_repeated_tokens(cells_)) return ColumnKind::list;
  const bool long_cells = survey_.bytes >= min_text * survey_.filled;
  return long_cells && 2 * count_distinct(cells_) > survey_.filled ? ColumnKind::text : ColumnKind::category;
}

const NumberSurvey& ColumnMaker::numbers_survey() {
  if (!numbers_) numbers_ = survey_numbers(cells_, kind_ ? any_number : survey_.filled / 2);
  return *numbers_;
}

bool ColumnMaker::take_numbers(const ReadingContext& context, std::int64_t max_unparsed) {
  const bool given = !form_.empty() && form_ != "point" && form_ != "comma";
  if (!given) return take_inferred_numbers(context, max_unparsed);
  take_given_numbers(context);
  return true;
}

bool ColumnMaker::take_inferred_numbers(const ReadingContext& context, std::int64_t max_unparsed) {
  FileMarks marks = context.marks;
  if (!form_.empty()) marks.given = form_ == "comma" ? ',' : '.';
  const bool inferred_commas = marks.given == 0 && marks.some_comma && !marks.some_point;
  const bool with_commas = marks.given == ',' || (inferred_commas && (marks.delimiter != ',' || has_points()));
  if (survey_.number_commas == 0 && !with_commas && keep_numbers(parse_number, max_unparsed) &&
      column_.unparsed_.empty()) {
    column_.form_.shows_mark = show_points();
    if (marks.delimiter != ',' && marks.given == 0 && !column_.form_.shows_mark) note_lone_points();
    return true;
  }
  const NumberSurvey& survey = numbers_survey();
  if (2 * survey.numbers < survey.filled && !kind_) return false;
  const DecimalChoice decimal = choose_decimal(survey, marks);
  const NumberForm form = form_of(survey, decimal.mark);
  // Groups of three digits that may have a decimal comma are remembered.
  const bool open_groups = decimal.undecided && survey.lone_comma.cells > 0;
  const bool plain = decimal.mark == '.' && !open_groups && !reads_more(form);
  const auto read = [&](std::string_view cell) { return form.read(cell); };
  if (!(plain ? keep_numbers(parse_number, max_unparsed) : keep_numbers(read, max_unparsed))) return false;
  const CellCount& open = survey.lone_comma.cells > 0   ? survey.lone_comma
                          : survey.lone_point.cells > 0 ? survey.lone_point
                                                        : survey.comma;
  const CellCount& shown = decimal.undecided                               ? open
                           : decimal.mark == ',' && survey.comma.cells > 0 ? survey.comma
                                                                           : survey.not_plain;
  const bool shows_mark = (decimal.mark == ',' ? survey.comma : survey.point).cells > 0;
  column_.form_ = {.shows_mark = shows_mark};
  if (plain && !decimal.undecided) return true;
  column_.form_ = {.name = plain ? "" : form.name(),
                   .row = shown.row,
                   .cell = shown.text,
                   .undecided = decimal.undecided,
                   .shows_mark = shows_mark};
  return true;
}

/// True if the form reads a cell that parse_number() does not.
bool ColumnMaker::reads_more(const NumberForm& form) const {
  return first_cell(cells_, [&](std::string_view cell) { return !parse_number(cell) && form.read(cell); }).cells > 0;
}

/// True if some cell is a number with a decimal point only, or a number of a workbook with a fraction.
bool ColumnMaker::show_points() const {
  bool found = false;
  cells_.for_each([&](std::string_view text, FieldType type) {
    const std::string_view cell = trimmed(text);
    found = type == FieldType::value ? cell.find('.') != std::string_view::npos
                                     : type == FieldType::text && has_point_for_mark(cell);
    return !found;
  });
  return found;
}

bool ColumnMaker::has_points() const {
  return first_cell(cells_, [](std::string_view cell) { return cell.find('.') != std::string_view::npos; }).cells > 0;
}

/// Numbers all like 1.234 may be thousands, unless commas separate the cells.
void ColumnMaker::note_lone_points() {
  const auto has_point = [](std::string_view cell) { return cell.find('.') != std::string_view::npos; };
  const CellCount first = first_cell(cells_, has_point);
  if (first.cells > 0) column_.form_ = {.row = first.row, .cell = first.text, .undecided = true};
}

void ColumnMaker::take_given_numbers(const ReadingContext& context) {
  if (first_text().cells == 0) {  // only values, which are in no form
    keep_numbers(parse_number, any_number);
    return refuse_if_nothing_is_read(context);
  }
  NumberForm form;
  const char mark = context.marks.given;
  const bool plain = form_ == plain_form;
  if (!plain) {
    const auto named = NumberForm::named(form_);
    if (!named) throw OptionError(fmt::format("{} is no form of numbers", in_quotes(form_)));
    form = *named;
  }
  if (plain) {
    // Signs and the + of 10,000+ are read in every form.
    const NumberForm usual = {.group = ','};
    keep_numbers(
        [&](std::string_view cell) {
          const auto number = parse_number(cell);
          return number ? number : usual.read(cell);
        },
        any_number);
  } else {
    keep_numbers([&](std::string_view cell) { return form.read(cell); }, any_number);
    column_.form_.name = form.name();
  }
  if (mark != form.decimal && survey_.filled > 0) check_marks(context, form, plain);
  refuse_if_nothing_is_read(context);
}

/// Refuses a column whose other cells show the other decimal mark, and numbers that seem to be a thousand times smaller
/// than the form reads them. Notes those of which the file itself would say something else.
void ColumnMaker::check_marks(const ReadingContext& context, const NumberForm& form, bool plain) {
  if (survey_.number_commas == 0 && !has_points()) return;
  const NumberSurvey survey = survey_numbers(cells_, any_number);
  const bool comma = form.decimal == ',';
  const CellCount &with = comma ? survey.comma : survey.point, &against = comma ? survey.point : survey.comma;
  const CellCount& thousandfold = comma ? survey.lone_point : survey.lone_comma;
  const CellCount& lone = survey.lone_comma.cells > 0 ? survey.lone_comma : survey.lone_point;
  if (with.cells > 0 || lone.cells == 0) return;
  FileMarks marks = context.marks;
  marks.given = 0;
  const DecimalChoice choice = choose_decimal(survey, marks);
  const bool beside_other_delimiter = plain && marks.delimiter != ',' && marks.delimiter != '|';
  if (choice.mark == form.decimal && !(unseen_mark_ && choice.undecided)) return;
  const bool too_large = beside_other_delimiter && choice.mark == ',' && thousandfold.cells > 0;
  const bool contradicted = against.cells > 0 && (unseen_mark_ || thousandfold.cells > 0);
  if (contradicted || too_large) {
    refuse_cell(context, against.cells > 0 ? against : thousandfold,
                fmt::format("seems to have a decimal {}, and the numbers are to be read as in {}; say which with {}",
                            comma ? "point" : "comma", in_quotes(plain ? "1,234.5" : form.name()),
                            option_name("decimal") + " comma|point"));
  }
  column_.form_ = {.name = column_.form_.name, .row = lone.row, .cell = lone.text, .undecided = true};
}

bool ColumnMaker::take_dates(const ReadingContext& context, std::int64_t max_unparsed) {
  if (!form_.empty()) {
    take_given_dates(context);
    return true;
  }
  if (keep_dates(read_usual_date, max_unparsed) && column_.unparsed_.empty()) {
    column_.form_ = {.name = name_of(DateForm::ymd)};
    return true;
  }
  if (!dates_) dates_ = survey_dates(cells_, max_unparsed);
  const DateChoice choice = choose_order(*dates_, context.order);
  const auto read = [&](std::string_view cell) { return read_date(cell, choice.form); };
  if (!keep_dates(read, max_unparsed)) return false;
  const auto form = static_cast<std::size_t>(choice.form);
  const CellCount& decides = dates_->only[form][static_cast<std::size_t>(choice.other)];
  const CellCount& shown = choice.undecided ? dates_->first : decides;
  column_.form_ = {.name = name_of(choice.form), .row = shown.row, .cell = shown.text, .undecided = choice.undecided};
  if (choice.undecided) column_.form_.other = name_of(choice.other);
  const auto date = take_date_apart(shown.text);
  const bool usual = choice.form == DateForm::ymd && !choice.undecided && (!date || begins_with_year(*date));
  if (usual) column_.form_.row = -1;
  return true;
}

/// True if no cell is a date in another order only.
bool ColumnMaker::all_dates_fit(DateForm order) const {
  return first_cell(cells_, [&](std::string_view cell) {
           return !is_missing_word(cell) && !read_date(cell, order);
         }).cells == 0;
}

void ColumnMaker::take_given_dates(const ReadingContext& context) {
  if (form_ == plain_form) {
    keep_dates(parse_date, any_number);
    return refuse_if_nothing_is_read(context);
  }
  const auto& names = enum_names<DateForm>();
  const auto named = std::ranges::find(names, form_, &std::pair<std::string, DateForm>::first);
  if (named == names.end()) throw OptionError(fmt::format("{} is no form of dates", in_quotes(form_)));
  const DateForm form = named->second;
  keep_dates([&](std::string_view cell) { return read_date(cell, form); }, any_number);
  column_.form_.name = form_;
  refuse_if_nothing_is_read(context);
  const CellCount first = first_text();
  if (context.order && *context.order != form && column_.unparsed_.empty() && all_dates_fit(*context.order)) {
    column_.form_ = {
        .name = form_, .row = first.row, .cell = first.text, .undecided = true, .other = name_of(*context.order)};
    return;
  }
  const auto date = take_date_apart(first.text);
  const bool two_digit_year = form == DateForm::ymd && date && !begins_with_year(*date);
  if (form == DateForm::unix_seconds || (column_.unparsed_.empty() && !two_digit_year)) return;
  const DateSurvey survey = survey_dates(cells_, any_number);
  const DateChoice best = choose_order(survey, std::nullopt);
  const auto own = static_cast<std::size_t>(form), other = static_cast<std::size_t>(best.form);
  if (best.form == form || survey.only[own][other].cells > 0) return;
  if (survey.only[other][own].cells == 0) {
    column_.form_ = {
        .name = form_, .row = first.row, .cell = first.text, .undecided = true, .other = name_of(best.form)};
    return;
  }
  const std::string word = name_of(best.form);
  refuse_cell(context, survey.only[other][own],
              fmt::format("is {}, and the dates are to be read as {}; {} {} reads them so", word, form_,
                          option_name("as"), in_quotes(column_.name() + "=date:" + word)));
}

void ColumnMaker::refuse_if_nothing_is_read(const ReadingContext& context) const {
  if (column_.unparsed_.empty() || std::ssize(column_.unparsed_) < survey_.filled) return;
  const bool number = column_.kind_ == ColumnKind::number;
  const UnparsedCell& first = column_.unparsed_.front();
  const std::string& name = column_.form_.name.empty() ? form_ : column_.form_.name;
  const std::string form = name != plain_form ? name : number ? "1,234.5" : "2020-01-31";
  refuse_cell(context, {.row = first.row, .text = first.text},
              fmt::format("is no {} as {}, nor is any other cell of the column; {}", number ? "number" : "date",
                          number ? "in " + in_quotes(form) : form,
                          number ? fmt::format("{} {} takes the form from the cells", option_name("as"),
                                               in_quotes(column_.name() + "=number"))
                                 : fmt::format("{} {} takes the order from the cells", option_name("as"),
                                               in_quotes(column_.name() + "=date"))));
}

void ColumnMaker::refuse_cell(const ReadingContext& context, const CellCount& cell, const std::string& why) const {
  throw Error(ExitCode::bad_data, fmt::format("{}: line {}: {} in column {} {}", context.file,
                                              (*context.lines)[static_cast<std::size_t>(cell.row)],
                                              in_quotes(cell.text), in_quotes(column_.name_), why));
}

/// Stores nothing and returns false if there are more than max_unparsed unparsed cells.
template <class ParseValue, class Parse>
bool ColumnMaker::keep_parsed(ParseValue&& parse_value, Parse&& parse, std::int64_t max_unparsed) {
  std::vector<double> numbers;
  std::vector<UnparsedCell> unparsed;
  numbers.reserve(static_cast<std::size_t>(column_.size_));
  cells_.for_each([&](std::string_view text, FieldType type) {
    const std::string_view cell = trimmed(text);
    double number = std::numeric_limits<double>::quiet_NaN();
    std::optional<double> parsed;
    if (type == FieldType::value) parsed = parse_value(cell);
    if (!parsed) parsed = parse(cell);
    if (parsed) {
      number = *parsed;
    } else if (type != FieldType::missing && !cell.empty() && !is_missing_word(cell)) {
      unparsed.push_back({static_cast<std::int64_t>(numbers.size()), std::string(cell)});
    }
    numbers.push_back(number);
    return static_cast<std::int64_t>(unparsed.size()) <= max_unparsed;
  });
  if (static_cast<std::int64_t>(unparsed.size()) > max_unparsed) return false;
  column_.numbers_ = std::move(numbers);
  column_.unparsed_ = std::move(unparsed);
  return true;
}

template <class Parse>
bool ColumnMaker::keep_numbers(Parse&& parse, std::int64_t max_unparsed) {
  return keep_parsed(parse_number, parse, max_unparsed);
}

template <class Parse>
bool ColumnMaker::keep_dates(Parse&& parse, std::int64_t max_unparsed) {
  return keep_parsed(parse_date, parse, max_unparsed);
}

void ColumnMaker::keep_levels() {
  column_.codes_.reserve(static_cast<std::size_t>(column_.size_));
  for_each_cell(cells_, [&](std::string_view cell, bool missing) {
    column_.codes_.push_back(missing ? -1 : column_.levels_.add(cell));
  });
}

void ColumnMaker::keep_tokens() {
  for_each_cell(cells_, [&](std::string_view cell, bool missing) {
    if (!missing) {
      for_each_token(cell, [&](std::string_view token) { column_.codes_.push_back(column_.levels_.add(token)); });
    }
    column_.append_end(column_.codes_.size(), missing);
  });
}

void ColumnMaker::keep_texts() {
  cells_.for_each([&](std::string_view text, FieldType type) {
    const bool none = type == FieldType::missing || is_missing_word(trimmed(text));
    if (!none) column_.bytes_ += text;
    column_.append_end(column_.bytes_.size(), none);
    return true;
  });
}

}  // namespace unroll
