#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/rows.h"
#include "table/date_form.h"
#include "table/missing_marks.h"
#include "table/number_survey.h"
#include "table/raw_cells.h"
#include "unroll/table.h"

namespace unroll {

/// What a column is read with besides its own cells.
struct ReadingContext {
  std::string file = {};                             ///< its name in messages
  const std::vector<std::int64_t>* lines = nullptr;  ///< lines of the rows
  FileMarks marks = {};
  std::optional<DateForm> order = {};  ///< of the columns of dates whose own cells decide, if they agree
  MarkedCells* marked = nullptr;       ///< counts the numbers that set_missing() takes for missing values
};

/// Builds a column of one kind and form from the cells of a CSV file. First look() at the cells of all columns, then
/// learn_marks() and order() of each, then make().
class ColumnMaker {
 public:
  /// `kind` and `form`: given ones, the latter as in TableOptions::forms; otherwise the rules of Table select them.
  ColumnMaker(std::string name, RawCells cells, std::int64_t rows, std::optional<ColumnKind> kind, std::string form);

  /// Numbers that are missing values. Cells that are written like them are missing already.
  void set_missing(MissingMarks marks) { missing_ = std::move(marks); }

  /// TableOptions::unseen_marks has the column.
  void set_unseen_mark(bool unseen) { unseen_mark_ = unseen; }

  const std::string& name() const { return column_.name(); }

  void look();
  void drop_rows(std::span<const std::int64_t> rows);  ///< in ascending order; and looks again
  /// True if all cells but the first, at least two, begin like numbers or dates, and the first one is neither.
  bool only_first_is_no_number() const;
  bool all_are_numbers() const {
    return survey_.filled > 0 && survey_.like_numbers == survey_.filled && !survey_.first_is_word;
  }
  bool is_given_value() const { return kind_ == ColumnKind::number || kind_ == ColumnKind::date; }
  bool first_is_word() const { return survey_.first_is_word; }    ///< the cell of the first row
  bool first_is_value() const { return survey_.first_is_value; }  ///< it is a number or a date
  CellCount first_text() const;                                   ///< the first cell that is no FieldType::value
  bool are_distinct_whole_numbers() const;
  void learn_marks(FileMarks& marks);
  /// Looks for a decimal point; only of use for the columns that learn_marks() has passed over.
  void learn_points(FileMarks& marks);
  /// The order that the column's own cells decide, if they are dates with the day or month first.
  std::optional<DateForm> order();

  /// Throws Error(bad_data) if a form is given and no cell is in that form.
  Column make(const ReadingContext& context) &&;

 private:
  /// Counts over the cells that are neither missing nor empty, made in one pass before any cell is parsed.
  struct Survey {
    std::int64_t filled = 0;
    std::int64_t bytes = 0;
    std::int64_t like_numbers = 0;  ///< begin as a number or a date may
    std::int64_t like_codes = 0;    ///< like 007
    std::int64_t with_comma = 0;
    std::int64_t number_commas = 0;       ///< cells with a comma that begin as a number may
    std::int64_t words_like_numbers = 0;  ///< of the first row
    bool first_is_word = false;           ///< the first row has a cell that is no number and no date
    bool first_is_value = false;          ///< the first row has a cell that is one
  };

  bool may_be_numbers() const { return survey_.filled > 0 && 2 * survey_.like_numbers >= survey_.filled; }
  const NumberSurvey& numbers_survey();
  ColumnKind likely_kind(const ReadingContext& context);

  void leave_out_missing(const ReadingContext& context);
  bool take_numbers(const ReadingContext& context, std::int64_t max_unparsed);
  bool take_inferred_numbers(const ReadingContext& context, std::int64_t max_unparsed);
  bool reads_more(const NumberForm& form) const;
  bool has_points() const;
  bool show_points() const;
  void note_lone_points();
  void take_given_numbers(const ReadingContext& context);
  void check_marks(const ReadingContext& context, const NumberForm& form, bool plain);
  bool take_dates(const ReadingContext& context, std::int64_t max_unparsed);
  bool all_dates_fit(DateForm order) const;
  void take_given_dates(const ReadingContext& context);
  void refuse_if_nothing_is_read(const ReadingContext& context) const;
  [[noreturn]] void refuse_cell(const ReadingContext& context, const CellCount& cell, const std::string& why) const;

  template <class ParseValue, class Parse>
  bool keep_parsed(ParseValue&& parse_value, Parse&& parse, std::int64_t max_unparsed);
  template <class Parse>
  bool keep_dates(Parse&& parse, std::int64_t max_unparsed);
  template <class Parse>
  bool keep_numbers(Parse&& parse, std::int64_t max_unparsed);
  void keep_levels();
  void keep_tokens();
  void keep_texts();

  Column column_;
  RawCells cells_;
  std::optional<ColumnKind> kind_;
  std::string form_;
  MissingMarks missing_;
  bool unseen_mark_ = false;
  Survey survey_;
  std::optional<NumberSurvey> numbers_;
  std::optional<DateSurvey> dates_;
};

}  // namespace unroll
