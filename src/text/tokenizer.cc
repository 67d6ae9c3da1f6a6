#include "unroll/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/fingerprint.h"
#include "text/missing_symbols.h"
#include "text/token_table.h"
#include "text/units.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

void check_id(std::int32_t id, const TokenTable& table, const char* where) {
  if (id >= 0 && id < table.size()) return;
  throw Error(fmt::format("{}: index {} is outside the vocabulary, 0 to {}", where, id, table.size() - 1));
}

}  // namespace

const TokenTable& table_of(const Tokenizer& tokenizer) { return *tokenizer.table_; }
Tokenizer tokenizer_of(std::shared_ptr<const TokenTable> table) { return Tokenizer(std::move(table)); }

Tokenizer::Tokenizer() {
  static const std::shared_ptr<const TokenTable> empty = std::make_shared<TokenTable>();
  table_ = empty;
}

Tokenizer Tokenizer::of(std::string_view text, TokenUnit unit) {
  const std::string name = "the text";
  TokenCounts counts;
  for_each_token(unit, text, name, [&](auto token) { counts.add(token); });
  return counts.tokenizer(unit, name);
}

Tokenizer Tokenizer::from(TokenUnit unit, const std::vector<std::string>& tokens, std::vector<std::int64_t> counts) {
  return checked_tokenizer(unit, tokens, std::move(counts), "vocabulary");
}

TokenUnit Tokenizer::unit() const { return table_->unit; }
int Tokenizer::size() const { return table_->size(); }
std::int64_t Tokenizer::total() const { return table_->total; }
std::int64_t Tokenizer::count(int id) const { return table_->counts[static_cast<std::size_t>(id)]; }
std::string_view Tokenizer::text(int id) const& { return table_->text(id); }
std::string Tokenizer::described(int id) const { return unroll::described(unit(), table_->text(id)); }

int Tokenizer::find(std::string_view token) const {
  if (unit() == TokenUnit::word) return table_->find(token);
  return fault_of(unit(), token) == nullptr ? table_->find(code_of(unit(), token)) : -1;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, Unknown unknown) const {
  std::vector<std::int32_t> ids;
  MissingSymbols missing(unit());
  for_each_token(unit(), text, "the text to encode", [&](auto token) {
    if (const int id = table_->find(token); id >= 0) {
      ids.push_back(id);
    } else {
      missing.add(bytes_of(unit(), token));
    }
  });
  if (unknown == Unknown::refuse) missing.refuse(in_quotes(text));
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (const std::int32_t id : ids) {
    check_id(id, *table_, "decode");
    text += table_->text(id);
  }
  return text;
}

std::int64_t Tokenizer::byte_count(std::span<const std::int32_t> ids) const {
  std::int64_t bytes = 0;
  for (const std::int32_t id : ids) {
    check_id(id, *table_, "byte_count");
    bytes += static_cast<std::int64_t>(table_->text(id).size());
  }
  return bytes;
}

Tokenizer Tokenizer::extended_by(const Tokenizer& other) const {
  if (unit() != other.unit()) throw Error("extended_by: the vocabularies have different units");
  std::vector<std::string> tokens;
  tokens.reserve(static_cast<std::size_t>(size()));
  for (int id = 0; id < size(); ++id) tokens.emplace_back(text(id));
  for (int id = 0; id < other.size(); ++id) {
    if (find(other.text(id)) < 0) tokens.emplace_back(other.text(id));
  }
  std::vector<std::int64_t> counts;
  for (const std::string& token : tokens) {
    const int id = other.find(token);
    counts.push_back(id < 0 ? 0 : other.count(id));
  }
  return from(unit(), tokens, std::move(counts));
}

bool Tokenizer::starts_with(const Tokenizer& other) const {
  if (unit() != other.unit() || size() < other.size()) return false;
  for (int id = 0; id < other.size(); ++id) {
    if (text(id) != other.text(id)) return false;
  }
  return true;
}

std::uint64_t Tokenizer::fingerprint() const {
  Fingerprint fingerprint;
  const auto add = [&](const auto& value) { fingerprint.add({reinterpret_cast<const char*>(&value), sizeof value}); };
  for (int id = 0; id < size(); ++id) {
    const std::string_view token = text(id);
    if (unit() == TokenUnit::character) {
      add(code_of(unit(), token));  // checkpoints of version 0.1 hold this number
    } else {
      add(static_cast<std::uint8_t>(unit()));
      add(static_cast<std::uint64_t>(token.size()));
      fingerprint.add(token);
    }
  }
  return fingerprint.value();
}

bool Tokenizer::operator==(const Tokenizer& other) const {
  return table_ == other.table_ ||
         (size() == other.size() && starts_with(other) && table_->counts == other.table_->counts);
}

}  // namespace unroll
