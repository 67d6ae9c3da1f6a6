#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "base/device_memory.h"
#include "base/fingerprint.h"
#include "unroll/error.h"
#include "unroll/session.h"

// The bytes of a saved session: docs/embedding.md, "Saved sessions".

namespace unroll {
namespace {

constexpr std::string_view mark = "unrollS1";

template <class T>
void append_bytes(std::string& bytes, const T* values, std::size_t count) {
  static_assert(std::is_arithmetic_v<T>);
  bytes.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

template <class T>
void take_bytes(std::string_view& bytes, T* values, std::size_t count) {
  std::memcpy(values, bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
}

[[noreturn]] void refuse_session(const std::string& why) { throw Error(ExitCode::bad_data, "saved session: " + why); }

/// What stands before the state.
struct Head {
  std::uint64_t model = 0, size = 0;
  std::int32_t unread = -1;
  std::uint32_t history_count = 0;
};

bool all_finite(std::span<const float> state) {
  return std::ranges::all_of(state, [](float x) { return std::isfinite(x); });
}

}  // namespace

std::string Session::save() const {
  const HostView state(*context_, state_.span());
  if (!all_finite(state.span()))
    throw Error(ExitCode::diverged, "session: not saved, because its state is not finite: the model has diverged");
  const std::uint64_t model = model_.fingerprint();
  const auto history_count = static_cast<std::uint32_t>(history_count_);
  std::string bytes(mark);
  append_bytes(bytes, &model, 1);
  append_bytes(bytes, &size_, 1);
  append_bytes(bytes, &unread_, 1);
  append_bytes(bytes, &history_count, 1);
  append_bytes(bytes, history_.data(), history_count_);
  append_bytes(bytes, state.span().data(), state.span().size());
  const std::uint64_t checksum = fingerprint_of(bytes);
  append_bytes(bytes, &checksum, 1);
  return bytes;
}

Session Session::restore(PackedModel model, Context& context, std::string_view saved) {
  constexpr std::size_t head_size = 32, checksum_size = 8;
  Session session(std::move(model), context);
  if (!saved.starts_with(mark) || saved.size() < head_size + checksum_size)
    refuse_session("it does not begin like one");
  std::string_view end = saved.substr(saved.size() - checksum_size), rest = saved.substr(mark.size());
  std::uint64_t checksum = 0;
  take_bytes(end, &checksum, 1);
  if (checksum != fingerprint_of(saved.substr(0, saved.size() - checksum_size)))
    refuse_session("its checksum does not fit; it is damaged or was cut off");
  Head head;
  take_bytes(rest, &head.model, 1);
  take_bytes(rest, &head.size, 1);
  take_bytes(rest, &head.unread, 1);
  take_bytes(rest, &head.history_count, 1);
  if (head.model != session.model_.fingerprint())
    refuse_session("it is that of another model; restore it with its own");
  MutableHostView stored(context, session.state_.span(), HostAccess::write);
  const std::span<float> state = stored.span();
  constexpr std::uint64_t max_size = std::uint64_t{1} << 62;
  const bool counts = head.size <= max_size && head.history_count == std::min<std::uint64_t>(head.size, history_size);
  if (!counts || rest.size() != sizeof(std::int32_t) * head.history_count + state.size_bytes() + checksum_size)
    refuse_session(fmt::format("it has {} bytes, which does not fit this model", saved.size()));
  session.size_ = head.size;
  session.unread_ = head.unread;
  session.history_count_ = head.history_count;
  take_bytes(rest, session.history_.data(), head.history_count);
  take_bytes(rest, state.data(), state.size());
  const auto outside = [&](std::int32_t id) { return id < 0 || id >= session.model_.vocabulary().size(); };
  const std::span<const std::int32_t> history = session.history();
  const bool reads_last = head.unread == -1 || (!history.empty() && head.unread == history.back());
  if (!reads_last || std::ranges::any_of(history, outside))
    refuse_session("it holds symbols that the model does not have");
  if (!all_finite(state)) refuse_session("its state is not finite");
  stored.store();
  return session;
}

}  // namespace unroll
