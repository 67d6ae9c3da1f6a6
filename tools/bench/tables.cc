#include "tables.h"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>

#include "temporary_folder.h"
#include "unroll/atomic_file.h"
#include "unroll/format.h"
#include "unroll/table.h"

namespace unroll::bench {

namespace {

constexpr std::int64_t table_rows = 20'000;

struct Dialect {
  const char* name;
  char delimiter, decimal;
  const char* date;  ///< format of year, month and day
};

constexpr Dialect comma = {"comma", ',', '.', "{0:04}-{1:02}-{2:02}"};
constexpr Dialect semicolon = {"semicolon", ';', ',', "{2:02}.{1:02}.{0:04}"};

/// The same values in each dialect: an id, four numbers, a date, two categories, a quoted text, a number with gaps.
std::string csv(const Dialect& dialect) {
  const auto number = [&](double value) {
    std::string text = fmt::format("{:.3f}", value);
    text[text.find('.')] = dialect.decimal;
    return text;
  };
  constexpr const char* header[] = {"id", "area", "price", "x", "y", "built", "kind", "street", "remark", "age"};
  std::string text = fmt::format("{}\n", fmt::join(header, std::string(1, dialect.delimiter)));
  constexpr const char* kinds[] = {"house", "flat", "garage", "office"};
  for (std::int64_t i = 0; i < table_rows; ++i) {
    const std::string cells[] = {std::to_string(i),
                                 number(20 + 0.003 * static_cast<double>(i * 7919 % 100'000)),
                                 number(1.7 * static_cast<double>(i * 104'729 % 1'000'000)),
                                 number(0.001 * static_cast<double>(i * 31 % 1000)),
                                 number(-0.25 * static_cast<double>(i * 17 % 1000)),
                                 fmt::format(fmt::runtime(dialect.date), 1950 + i % 70, 1 + i % 12, 1 + i % 28),
                                 kinds[i % 4],
                                 fmt::format("street {}", i * 13 % 500),
                                 fmt::format("\"near the {}, {} steps\"", kinds[i / 4 % 4], i % 300),
                                 i % 5 == 0 ? "" : std::to_string(i % 90)};
    text += fmt::format("{}\n", fmt::join(cells, std::string(1, dialect.delimiter)));
  }
  return text;
}

class TableFile {
 public:
  explicit TableFile(const std::string& content) : path_(folder_.file("table.csv")) {
    write_file_atomically(path_, content);
  }
  void read() const { Table::read(path_); }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

Benchmark reading(const Dialect& dialect) {
  const auto bytes = static_cast<double>(csv(dialect).size());
  return {.name = fmt::format("table/read-{}", dialect.name),
          .size = fmt::format("{} rows x 10, {:.1f} MB", with_commas(table_rows), 1e-6 * bytes),
          .need = {.read_bytes = bytes, .footprint = bytes},
          .prepare = [dialect](int /*threads*/) -> Prepared {
            const auto file = std::make_shared<TableFile>(csv(dialect));
            return {.run = [file] { file->read(); }};
          }};
}

}  // namespace

std::vector<Benchmark> table_benchmarks() { return {reading(comma), reading(semicolon)}; }

}  // namespace unroll::bench
