#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/rows.h"
#include "io/serial_date.h"
#include "io/text_source.h"

namespace unroll {

/// The strings that the cells of a workbook share.
class SharedStrings {
 public:
  void append(std::string_view text) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
  }
  std::size_t size() const { return ends_.size(); }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

/// One sheet of a workbook of Office Open XML (ISO/IEC 29500, transitional or strict), and what its cells refer to.
struct Sheet {
  std::string name;
  std::string label;      ///< of the sheet in messages, with the file
  std::size_t place = 1;  ///< among the sheets of cells, from 1
  std::size_t count = 1;  ///< number of sheets of cells
  bool hidden = false;
  std::string part;  ///< its member of the archive
  std::string xml;   ///< the contents of this member
  SharedStrings strings;
  std::vector<NumberMeaning> meanings;  ///< of the cell styles
  bool from_1904 = false;               ///< the system of its dates

  /// What the member is called in messages.
  static std::string part_label(const WorkbookSource& source, const std::string& part);
};

/// Reads the sheet that the source names, or the first one. Throws Error(bad_data) for a workbook that is damaged, has
/// no such sheet, or whose members need more than `max_unpacked` bytes.
Sheet read_sheet(const WorkbookSource& source);

/// Text in which the characters that XML cannot have, as in _x000D_, are themselves; control characters other than tab
/// and line ends stay escaped.
std::string unescaped_text(std::string_view text);

}  // namespace unroll
