#include "io/run_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "io/event_file.h"
#include "io/file.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t max_log = 1'000'000'000;

/// Replaces numbers that are not finite, which JSON cannot represent, by strings.
Json representable(const Json& value) {
  if (!value.is_number_float() || std::isfinite(value.get<double>())) return value;
  const auto number = value.get<double>();
  return std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
}

bool is_event(const Json& line) {
  const auto has_text = [&](const char* key) { return line.contains(key) && line[key].is_string(); };
  return line.is_object() && has_text("event") && has_text("time");
}

/// Calls visit(line, event, ends) for each line: its text, its JSON (discarded if it is not an event), and whether it
/// ends in a line feed.
template <typename Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const bool ends = end != std::string_view::npos;
    const std::string_view line = text.substr(0, ends ? end + 1 : text.size());
    Json event = Json::parse(line, nullptr, false);
    if (!is_event(event)) event = Json(Json::value_t::discarded);
    visit(line, event, ends);
    text.remove_prefix(line.size());
  }
}

bool is_later(const Json& event, std::int64_t step) {
  const auto found = event.find("step");
  return found != event.end() && found->is_number_integer() && found->get<std::int64_t>() > step;
}

}  // namespace

std::string time_text(double seconds) {
  const auto milliseconds = static_cast<std::int64_t>(std::floor(seconds * 1000));
  const auto whole = static_cast<std::time_t>(milliseconds / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(whole), milliseconds % 1000);
}

Json RunLog::append(std::string_view event, const Json& fields) {
  Json line = {{"event", event}, {"time", time_text(seconds_since_1970())}};
  for (const auto& [key, value] : fields.items()) line[key] = representable(value);
  file_.append(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  return line;
}

void RunLog::start_over() {
  file_.close();
  if (::unlink(file_.path().c_str()) != 0 && errno != ENOENT) {
    file_.lost(fmt::format("{}: the old log cannot be removed: {}", file_.path(), std::strerror(errno)));
  }
}

void RunLog::truncate_after(std::int64_t step, std::initializer_list<std::string_view> again) try {
  file_.close();
  if (::access(file_.path().c_str(), F_OK) != 0) return;
  const std::string whole = read_file(file_.path());
  std::string kept;
  for_each_line(whole, [&](std::string_view line, const Json& event, bool ends) {
    if (!ends || event.is_discarded()) return;
    const bool will_be_rewritten =
        is_later(event, step - 1) && std::count(again.begin(), again.end(), event.at("event").get<std::string>()) > 0;
    if (!is_later(event, step) && !will_be_rewritten) kept += line;
  });
  if (kept.size() < whole.size()) write_file_atomically(file_.path(), kept);
} catch (const Error& error) {
  file_.lost(error.what());
}

LogDamage for_each_event(std::string_view text, const std::function<void(const Json&)>& visit) {
  LogDamage damage;
  std::int64_t number = 0;
  for_each_line(text, [&](std::string_view, const Json& event, bool ends) {
    ++number;
    if (!ends) {
      damage.torn = true;
    } else if (!event.is_discarded()) {
      visit(event);
    } else if (damage.first_line == 0) {
      damage.first_line = number;
    }
  });
  return damage;
}

LogDamage read_run_log(const std::string& path, const std::function<void(const Json&)>& visit) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw Error(ExitCode::bad_data, fmt::format("{}: is not a regular file, so no log of a training run", path));
  }
  std::string text;
  InputFile(path).read(text, max_log + 1);
  if (text.size() > max_log) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: is larger than {} bytes, so no log of a training run", path, max_log));
  }
  return for_each_event(text, visit);
}

}  // namespace unroll
