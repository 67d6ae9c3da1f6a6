// The textbook's encoder-decoder networks, which read one sequence and write another: numbers in digits are translated
// into English words. An encoder reads x_1 .. x_T into hidden states h_t = f(x_t, h_{t-1}); a decoder computes
// s_t' = g(y_{t'-1}, c, s_{t'-1}) and P(y_t' | y_1 .. y_{t'-1}, c). The context c is the last hidden state of the
// encoder, or with attention (Bahdanau, Cho, Bengio 2015) a weighted mean of all of them for each step.
// Usage: encoder_decoder [EPOCHS [last|attention]]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "unroll/unroll.h"

using namespace unroll;

constexpr int num_hiddens = 64, embed_size = 16, batch_size = 50;
constexpr int num_digits = 3, num_words = 5;  // lengths of the sequences: "472"; "four hundred seventy two" and the end

const std::vector<std::string> vocabulary = {
    "<end>",    "zero",   "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",
    "nine",     "ten",    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen", "twenty", "thirty", "forty",  "fifty",    "sixty",    "seventy", "eighty",  "ninety",    "hundred"};
constexpr std::int32_t end_of_sequence = 0, zero = 1, twenty = 21, hundred = 29, beginning_of_sequence = 30;

// The words of a number below 1000, filled with <end>.
std::vector<std::int32_t> words_of(int number) {
  std::vector<std::int32_t> words;
  if (number >= 100) words = {zero + number / 100, hundred};
  const int rest = number % 100;
  if (rest >= 20) words.push_back(twenty + rest / 10 - 2);
  if (rest < 20 && (rest > 0 || number == 0)) words.push_back(zero + rest);
  if (rest >= 20 && rest % 10 > 0) words.push_back(zero + rest % 10);
  words.resize(num_words, end_of_sequence);
  return words;
}

struct Pairs {
  Ids digits, words;  // [num_digits, B], [num_words, B]
};

Pairs pairs_of(const std::vector<int>& numbers) {
  const int size = static_cast<int>(numbers.size());
  Pairs batch{Ids(num_digits, size), Ids(num_words, size)};
  for (std::size_t b = 0; b < numbers.size(); ++b) {
    const std::string digits = fmt::format("{:03}", numbers[b]);
    for (int t = 0; t < num_digits; ++t) batch.digits[t][b] = digits[static_cast<std::size_t>(t)] - '0';
    const std::vector<std::int32_t> words = words_of(numbers[b]);
    for (int t = 0; t < num_words; ++t) batch.words[t][b] = words[static_cast<std::size_t>(t)];
  }
  return batch;
}

struct Encoder : Module {
  Encoder(Parameters& p, const std::string& name)
      : Module(p, name),
        embedding(p, path("embedding"), 10, embed_size),
        rnn(p, path("rnn"), embed_size, {.cell = CellType::gru, .hidden = num_hiddens}) {}
  Recurrent::Result operator()(const Ids& digits) const { return rnn(embedding(digits)); }

  Embedding embedding;
  Recurrent rnn;
};

// Additive attention: a(s, h_t) = w_v^T tanh(W_q s + W_k h_t), c = sum over t of softmax(a)_t h_t.
struct Attention : Module {
  Attention(Parameters& p, const std::string& name)
      : Module(p, name),
        W_q(add("W_q", {num_hiddens, num_hiddens}, uniform_for_fan(num_hiddens))),
        W_k(add("W_k", {num_hiddens, num_hiddens}, uniform_for_fan(num_hiddens))),
        w_v(add("w_v", {num_hiddens, 1}, uniform_for_fan(num_hiddens))) {}
  // query [B, H], H [T, B, H] -> [B, H]
  Var operator()(const Var& query, const Var& H) const {
    const Var scores = matmul(tanh(matmul(query, W_q) + matmul(H, W_k)), w_v);  // [T, B, 1]
    const Var weights = transpose(softmax(transpose(scores, 0, 2)), 0, 2);      // softmax is over the last axis
    return sum(weights * H, 0);
  }
  Var W_q, W_k, w_v;
};

struct Decoder : Module {
  Decoder(Parameters& p, const std::string& name, bool with_attention)
      : Module(p, name),
        attends(with_attention),
        embedding(p, path("embedding"), beginning_of_sequence + 1, embed_size),
        attention(p, path("attention")),
        rnn(p, path("rnn"), embed_size + num_hiddens, {.cell = CellType::gru, .hidden = num_hiddens}),
        output(p, path("output"), num_hiddens, static_cast<int>(vocabulary.size())) {}

  // The logits [1, B, V] of the words after `previous` [1, B].
  Var operator()(const Ids& previous, const Var& H, RecurrentState& s) const {
    const Var query = reshape(s.h, {previous.batch(), num_hiddens});
    const Var c = attends ? attention(query, H) : slice(H, num_digits - 1, num_digits);
    const Var context = reshape(c, {1, previous.batch(), num_hiddens});
    const Recurrent::Result result = rnn(concat({embedding(previous), context}, -1), s);
    s = result.state;
    return output(result.output);
  }

  bool attends;
  Embedding embedding;
  Attention attention;
  Recurrent rnn;
  Linear output;
};

struct EncoderDecoder : Module {
  EncoderDecoder(Parameters& p, bool attends) : Module(p, ""), encoder(p, "encoder"), decoder(p, "decoder", attends) {}

  // Logits [num_words, B, V]; each step reads the word before it, which is the right one (teacher forcing).
  Var operator()(const Pairs& batch) const {
    auto [H, s] = encoder(batch.digits);
    Ids previous(1, batch.words.batch());
    std::ranges::fill(previous.flat(), beginning_of_sequence);
    std::vector<Var> logits;
    for (int t = 0; t < num_words; ++t) {
      logits.push_back(decoder(previous, H, s));
      std::ranges::copy(batch.words[t], previous.flat().begin());
    }
    return concat(logits);
  }

  // The most probable word of each step [num_words, B], which the next step reads.
  Ids translate(const Ids& digits) const {
    const NoGrad no_grad;
    auto [H, s] = encoder(digits);
    Ids previous(1, digits.batch()), words(num_words, digits.batch());
    std::ranges::fill(previous.flat(), beginning_of_sequence);
    for (int t = 0; t < num_words; ++t) {
      const Var logits = decoder(previous, H, s);
      const std::span<const float> values = logits.value().span();
      for (std::size_t b = 0; b < previous.flat().size(); ++b) {
        const auto row = values.subspan(b * vocabulary.size(), vocabulary.size());
        words[t][b] = static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin());
      }
      std::ranges::copy(words[t], previous.flat().begin());
    }
    return words;
  }

  Encoder encoder;
  Decoder decoder;
};

std::string sentence(const Ids& words, std::size_t b) {
  std::string text;
  for (int t = 0; t < num_words && words[t][b] != end_of_sequence; ++t) {
    text += (t > 0 ? " " : "") + vocabulary[static_cast<std::size_t>(words[t][b])];
  }
  return text;
}

void train(int num_epochs, bool attends) {
  Context ctx({.seed = 1});
  Parameters p(ctx);
  const EncoderDecoder network(p, attends);
  Adam adam(p, {.learning_rate = 5e-3});
  // Every eleventh number is kept for the test; the others are learned.
  std::vector<int> known, unknown;
  for (int number = 0; number < 1000; ++number) (number % 11 == 7 ? unknown : known).push_back(number);
  const Pairs test = pairs_of(unknown);
  for (int epoch = 1; epoch <= num_epochs; ++epoch) {
    const Random random(1, RandomStream::windows, 0, static_cast<std::uint32_t>(epoch));
    Mean loss;
    for (std::size_t first = 0; first < known.size(); first += batch_size) {
      std::vector<int> numbers;
      for (std::uint64_t b = 0; b < batch_size; ++b) {
        numbers.push_back(known[random.below(static_cast<std::uint32_t>(known.size()), first + b)]);
      }
      const Pairs batch = pairs_of(numbers);
      const Var l = cross_entropy(network(batch), batch.words);
      p.zero_gradients();
      l.backward();
      clip_by_global_norm(p, 1);
      adam.step();
      loss.add(static_cast<double>(l.item()));
    }
    if (epoch == 1 || epoch % std::max(1, num_epochs / 5) == 0) {
      const Ids words = network.translate(test.digits);
      std::size_t right = 0;
      for (std::size_t b = 0; b < unknown.size(); ++b) right += sentence(words, b) == sentence(test.words, b) ? 1 : 0;
      fmt::print("epoch {}, perplexity {:.4f}, {} of {} unknown numbers are right, {}: {}\n", epoch,
                 std::exp(loss.value()), right, unknown.size(), unknown[47], sentence(words, 47));
    }
  }
}

int main(int argc, char** argv) try {
  const int num_epochs = argc > 1 ? std::atoi(argv[1]) : 20;
  const std::string context = argc > 2 ? argv[2] : "attention";
  if (num_epochs < 1 || (context != "last" && context != "attention")) {
    throw Error("usage: encoder_decoder [EPOCHS [last|attention]]");
  }
  train(num_epochs, context == "attention");
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return static_cast<int>(error.code());
}
