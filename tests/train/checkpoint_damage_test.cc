#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "train/checkpoint.h"
#include "unroll/context.h"
#include "unroll/error.h"
#include "unroll/language_task.h"

namespace unroll {
namespace {

/// A valid checkpoint file, and the expectation that damaged copies of it are refused.
class CheckpointDamage : public ::testing::Test {
 protected:
  CheckpointDamage() : path_(folder_.path("checkpoint.safetensors")) {
    Context context;
    const Corpus corpus = Corpus::from_ids(test::pseudo_random_ids(100, 7), test::letters(7));
    LanguageModel model(context, corpus.vocabulary(), {.hidden = 6});
    LanguageTask task(model, corpus, {.batch = 2, .window = 5});
    Adam adam(model.parameters());
    Trainer trainer(task, adam, {.epochs = 1});
    trainer.run();
    trainer.save_checkpoint(path_);
    whole_ = folder_.contents("checkpoint.safetensors");
  }

  std::size_t header_size() const {
    std::size_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(whole_[i]);
    return 8 + length;
  }

  void expect_refused(const std::string& bytes, const std::string& what) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    try {
      StoredCheckpoint::read(path_);
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << what;
      EXPECT_THAT(error.what(), ::testing::HasSubstr(path_)) << what;
    }
  }

  TemporaryFolder folder_;
  std::string path_, whole_;
};

TEST_F(CheckpointDamage, TheWholeOneIsRead) { EXPECT_EQ(StoredCheckpoint::read(path_).path(), path_); }

TEST_F(CheckpointDamage, TruncatedAnywhereInItsHeaderIsRefused) {
  for (std::size_t size = 0; size <= header_size(); ++size) {
    expect_refused(whole_.substr(0, size), fmt::format("cut to {} bytes", size));
  }
}

TEST_F(CheckpointDamage, TruncatedOrWithAFlippedBitAnywhereIsRefused) {
  const Random random(1, RandomStream::init);
  const auto below = [&](std::size_t limit, std::uint64_t index) {
    return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(limit), index));
  };
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::size_t size = below(whole_.size(), 2 * i);
    expect_refused(whole_.substr(0, size), fmt::format("cut to {} bytes", size));
    const std::size_t bit = below(8 * whole_.size(), 2 * i + 1);
    std::string flipped = whole_;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    expect_refused(flipped, fmt::format("bit {} flipped", bit));
  }
}

}  // namespace
}  // namespace unroll
