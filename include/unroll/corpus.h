#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unroll/options.h"
#include "unroll/tensor.h"
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

/// One batch of a corpus: `targets` are the symbols that follow `ids`.
struct Batch {
  Ids ids;                     ///< [T, B]
  Ids targets;                 ///< [T, B]
  bool carries_state = false;  ///< row b continues row b of the previous batch
};

enum class WindowKind { random, consecutive };
template <>
const EnumNames<WindowKind>& enum_names<WindowKind>();

/// Divides a corpus into batches of B windows of T symbols, as in the textbook. `random`: (length - 1) / T windows that
/// do not overlap, in a new order in each epoch. `consecutive`: B parallel streams of length / B symbols, read from
/// left to right. Symbols that do not fill a batch are dropped. The order depends only on seed and epoch.
class Windows {
 public:
  /// `batch`: B; `window`: T. Keeps a reference to `ids`. Throws Error(bad_data), with the required length, for a text
  /// too short for one batch, and Error for a batch or window below 1.
  Windows(WindowKind kind, std::span<const std::int32_t> ids, int batch, int window, std::uint64_t seed = 0);
  Windows(WindowKind, const std::vector<std::int32_t>&&, int, int, std::uint64_t = 0) = delete;  // would dangle

  std::int64_t batches() const { return batches_; }  ///< batches per epoch
  void begin_epoch(std::int64_t epoch);              ///< draws the order of random windows
  Batch batch(std::int64_t index) const;             ///< throws Error for an index outside [0, batches())
  /// Reads some rows of a batch into `batch`, whose memory is reused if the shape is the same. Throws Error for an
  /// index or rows that do not exist.
  void read(std::int64_t index, Range rows, Batch& batch) const;

  /// Iterates over the batches of the current epoch (initially epoch 1).
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    Iterator(const Windows& windows, std::int64_t index) : windows_(&windows), index_(index) {}
    Batch operator*() const { return windows_->batch(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    void operator++(int) { ++index_; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Windows* windows_;
    std::int64_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, batches_}; }

 private:
  WindowKind kind_;
  std::span<const std::int32_t> ids_;
  int batch_, window_;
  std::uint64_t seed_;
  std::int64_t batches_ = 0;
  std::vector<std::uint32_t> order_;  // random: window indices
};

/// Windows of one kind: `for (const Batch& batch : ConsecutiveWindows(corpus, 32, 35))`.
struct RandomWindows : Windows {
  RandomWindows(const Corpus& corpus, int batch, int window, std::uint64_t seed = 0)
      : Windows(WindowKind::random, corpus.ids(), batch, window, seed) {}
  RandomWindows(const Corpus&&, int, int, std::uint64_t = 0) = delete;  // the corpus must outlive its windows
};
struct ConsecutiveWindows : Windows {
  ConsecutiveWindows(const Corpus& corpus, int batch, int window)
      : Windows(WindowKind::consecutive, corpus.ids(), batch, window) {}
  ConsecutiveWindows(const Corpus&&, int, int) = delete;
};

}  // namespace unroll
