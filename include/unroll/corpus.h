#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unroll/options.h"
#include "unroll/tokenizer.h"

namespace unroll {

/// Treatment of line ends.
enum class Newlines { keep, space };
template <>
const EnumNames<Newlines>& enum_names<Newlines>();

struct CorpusOptions {
  TokenUnit unit = TokenUnit::character;
  Newlines newlines = Newlines::keep;  ///< space: every line end becomes one space, as in the textbook; not for bytes
  std::int64_t limit = 0;              ///< maximum number of tokens to read, CRLF counted as one; 0: no limit
  std::string encoding = {};           ///< any that iconv knows; empty: UTF-8, or as a byte order mark says
};

struct CorpusParts;

/// A text as token indices, read from plain, gzip or zip files. In characters and words it is in the encoding of the
/// options, byte order marks at the beginning of lines are skipped, and CRLF and CR become LF. With TokenUnit::byte any
/// bytes are kept as they are. Copies share the indices.
class Corpus {
 public:
  Corpus() = default;
  /// `source`: a file, ARCHIVE.zip:MEMBER, or - for standard input. Throws Error: no_input for a missing file, bad_data
  /// for a damaged or ambiguous archive, an empty text, NUL, or bytes that are not of the encoding (with their offset
  /// and the encodings that are probable), usage for an encoding that is not known and for Newlines::space or an
  /// encoding in bytes.
  static Corpus read(const std::string& source, const CorpusOptions& options = {});
  /// Reads a text in the indices and in the unit of a given vocabulary; options.unit is not used. `refuse` throws
  /// Error(bad_data) that names the unknown tokens; `skip` leaves them out and counts them.
  static Corpus read(const std::string& source, const CorpusOptions& options, const Tokenizer& vocabulary,
                     Unknown unknown);
  /// From text in memory; `name` is used in error messages.
  static Corpus from_text(std::string_view text, const CorpusOptions& options = {},
                          const std::string& name = "the text");
  /// From indices, for tests and synthetic data. Throws Error for an index outside the vocabulary.
  static Corpus from_ids(std::vector<std::int32_t> ids, Tokenizer vocabulary);

  /// The tokens of the text with their counts. A part made by split() has that of the whole text.
  const Tokenizer& vocabulary() const { return vocabulary_; }
  std::span<const std::int32_t> ids() const { return ids_; }
  std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }
  std::int64_t skipped() const { return skipped_; }  ///< number of unknown tokens left out
  /// What the file was taken for, and what was skipped in it, one line each.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Tokens begin .. begin+count-1 as text. Throws Error if the corpus does not have them.
  std::string text(std::int64_t begin, std::int64_t count) const;
  /// The same text in the indices of another vocabulary. Throws Error if that lacks one of the tokens.
  Corpus renumbered(const Tokenizer& vocabulary) const;
  /// Splits off the last floor(share * size()) tokens as validation text. The parts share the indices of this corpus.
  /// Throws Error for a share that is not above 0 and below 1.
  CorpusParts split(double share) const;

 private:
  Corpus(Tokenizer vocabulary, std::vector<std::int32_t> ids, std::int64_t skipped, std::vector<std::string> notes);
  static Corpus from_utf8(std::string_view text, const CorpusOptions& options, const std::string& name,
                          std::vector<std::string> notes);
  Corpus part(std::size_t begin, std::size_t end) const;

  Tokenizer vocabulary_;
  std::shared_ptr<const std::vector<std::int32_t>> memory_;  // of ids_
  std::span<const std::int32_t> ids_;
  std::int64_t skipped_ = 0;
  std::vector<std::string> notes_;
};

struct CorpusParts {
  Corpus training;
  /// The tokens to score, preceded by the last token of the training text, which is input only. Empty if there is none
  /// to score.
  Corpus validation;
};

}  // namespace unroll
