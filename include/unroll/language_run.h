#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unroll/communicator.h"
#include "unroll/language_task.h"
#include "unroll/optimizers.h"
#include "unroll/options.h"
#include "unroll/training_run.h"

namespace unroll {

/// Options of the training of a language model. Members that are not set have defaults that depend on the text, the
/// model or the machine.
struct LanguageRunOptions {
  std::string text = {};                  ///< as in Corpus::read(); may be empty if `resume` is set
  TokenUnit unit = TokenUnit::character;  ///< of the symbols
  std::int64_t limit = 0;                 ///< symbols to read; 0: all
  std::string encoding = {};              ///< of the texts, as in CorpusOptions
  std::string validation = {};            ///< a fraction, taken from the end of the text, or a path; empty: none
  Unknown unknown = Unknown::refuse;      ///< symbols of the validation file that the text lacks
  LanguageModelOptions model{.cell = CellType::gru};
  LanguageTaskOptions task = {};            ///< how the text is cut into windows
  std::optional<std::int64_t> epochs = {};  ///< default: about 1.5 million symbols, 3 to 150 epochs
  std::int64_t accumulate = 1;              ///< batches per update
  std::optional<int> shards = {};           ///< per batch; default: the number of ranks
  std::int64_t validate_every = 0;          ///< updates; 0: at the end of each epoch
  std::int64_t patience = 0;                ///< validations without improvement that end training; 0: unlimited
  std::uint64_t seed = 1;                   ///< of weights, windows and dropout
  std::optional<int> threads = {};  ///< of each rank; default: as many as the work is worth, at most the allowed number
  int rank_timeout = 5;             ///< seconds without a heartbeat after which a rank counts as lost
  OptimizerOptions optimizer = {};  ///< how gradients become updates
  std::string init_from = {};       ///< run directory or model whose weights to start with; empty: none
  std::string directory = {};       ///< run directory; default: runs/NAME-CELL
  bool overwrite = false;           ///< replace a model and checkpoints in the directory
  std::optional<CheckpointInterval> checkpoint_every = {};  ///< default: about five minutes on one core
  int keep = 2;                                             ///< number of newest checkpoints to keep
  std::int64_t max_rollbacks = 3;                           ///< rollbacks after divergence
  std::string resume = {};                                  ///< run directory or checkpoint to resume; empty: a new run
  std::int64_t extend_epochs = 0;                           ///< added to those that the resumed run had planned
  std::vector<std::string> prefixes = {};         ///< continued in each report; default: the beginning of the text
  std::optional<std::int64_t> report_every = {};  ///< epochs; default: a tenth of all
  int sample_length = 50;                         ///< new symbols per continuation
};
std::vector<OptionGroup> describe(LanguageRunOptions& options);

/// Throws OptionError for options that have no effect in combination with the others, or contradict them.
void check_conflicts(const LanguageRunOptions& options);

/// Predicted peak memory of a training in bytes, accurate to about 10 %.
struct MemoryPlan {
  double parameters = 0;  ///< including the best ones if there is a validation
  double gradients = 0;
  double moments = 0;      ///< of the optimizer
  double packed = 0;       ///< weights packed for the matrix products
  double activations = 0;  ///< kept by a step for its backward pass
  double saving = 0;       ///< copy that is written while training continues
  double text = 0;
  double program = 0;
  double total() const { return parameters + gradients + moments + packed + activations + saving + text + program; }
};

/// Number of threads that speed up generation or scoring with this model file, limited by those that this process may
/// use and by a minimum of work for each. `symbols`: number of symbols that are read together.
int worthwhile_threads(const std::string& model_file, double symbols);

/// The training of a language model on a text: what `unroll train` does. It reads the text, fills in the defaults,
/// checks that the memory suffices, and trains with a TrainingRun. The program can resume its checkpoints, and the
/// reverse. Collective: all ranks make the same calls. Installs no signal handler and prints nothing.
class LanguageRun {
 public:
  /// Creates a new run or resumes one. It resumes if options.resume is set, or if `resume` asks for it and
  /// options.directory holds a checkpoint. A resumed run takes its options from the checkpoint; an option that differs
  /// from its default here replaces the stored value if it may change (see describe()), else is refused. Throws Error:
  /// usage for illegal options, no_input, bad_data, io; internal if more memory is needed than this process may use.
  static std::unique_ptr<LanguageRun> create(LanguageRunOptions options, Resume resume = Resume::never,
                                             Communicator& ranks = single_process());
  /// The same on a text in memory, of which the run directory keeps a copy; options.text is not used. The unit is
  /// that of the corpus; `limit`, `encoding` and `model.newlines` act only when a file is read and must keep their
  /// defaults.
  static std::unique_ptr<LanguageRun> create(LanguageRunOptions options, Corpus text, Resume resume = Resume::never,
                                             Communicator& ranks = single_process());
  /// The same with the options that a user has given, by their names (see describe()).
  static std::unique_ptr<LanguageRun> create_from_values(const OptionValues& given,
                                                         Communicator& ranks = single_process());

  LanguageRun(const LanguageRun&) = delete;
  LanguageRun& operator=(const LanguageRun&) = delete;
  ~LanguageRun();

  /// Trains to the end, as TrainingRun::train() does.
  StopReason train();

  const LanguageRunOptions& options() const;  ///< with all defaults filled in
  LanguageModel& model();
  const LanguageModel& model() const;
  const LanguageTask& task() const;
  /// The underlying run: add observers and call stop() here.
  TrainingRun& run();
  const TrainingRun& run() const;
  const Corpus& text() const;              ///< for training
  const std::string& text_source() const;  ///< "novel.txt", "standard input"
  const Corpus& validation_text() const;   ///< its first symbol is not scored; empty: no validation
  MemoryPlan memory() const;
  int ranks() const;
  std::string device() const;  ///< name of the device that computes
  /// The fraction of the text that options().validation names; nothing if it names another text, or is empty.
  std::optional<double> validation_share() const;
  /// Vocabulary size of the model that options().init_from names; 0 if it is empty.
  int symbols_of_origin() const;
  /// Warnings about the options and texts.
  const std::vector<std::string>& warnings() const;

 private:
  struct Parts;
  explicit LanguageRun(std::unique_ptr<Parts> parts);
  static std::unique_ptr<LanguageRun> prepare(LanguageRunOptions options, OptionValues given,
                                              std::optional<Corpus> text, Communicator& ranks);
  std::unique_ptr<Parts> parts_;
};

}  // namespace unroll
