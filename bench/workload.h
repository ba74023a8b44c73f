// Contents of requests: the conversations of a scenario or of a dataset.
//
// Deterministic: equal (seed, scenario, index) give the same conversation for every configuration. No two share a
// prefix, so prefix caches have no effect, except as Prefix and Turns specify. Sends only fields that vLLM, SGLang and
// TensorRT-LLM all support, because TensorRT-LLM rejects others (docs/benchmark.md lists them). One object per
// scenario; not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"

namespace autotune::bench {

// Form of prompts. Token ids give the exact length without a tokenizer; the chat endpoint accepts only words.
struct PromptStyle {
  enum class Kind { kTokenIds, kWords } kind = Kind::kTokenIds;
  int first_id = 0, last_id = 0;  // ids are drawn from [first_id, last_id]
  // False: without ignore_eos and skip_special_tokens, which only inference engines support; answers end by themselves.
  bool exact_answers = true;
  bool greedy = true;             // false: without temperature and seed, which some OpenAI models reject
  bool completion_limit = false;  // max_completion_tokens instead of max_tokens; chats only
  bool operator==(const PromptStyle&) const = default;
};

// Fewer ids leave none between the special tokens: smaller sizes count as not known.
inline constexpr int kSmallestVocabulary = 16;

// Styles in the order in which to try them. With a known vocabulary (`vocab_size` > 0) the first one is right. Words
// come after ids, because their number of tokens is approximate. Answers of any length are the last resort.
std::vector<PromptStyle> PromptStyles(measurement::Endpoint endpoint, int vocab_size);
// Returns the style without the field that a rejection names; nullopt if it names no field that `style` sends.
std::optional<PromptStyle> WithoutRejected(const PromptStyle& style, measurement::Endpoint endpoint,
                                           std::string_view rejection);

struct Request {
  std::string body;
  int input_tokens = 0;  // 0 = not known before the response
  int asked_tokens = 0;  // 0 = the model ends the answer itself
};

class Workload {
 public:
  // One conversation; a single request is a conversation of one turn.
  class Conversation {
   public:
    [[nodiscard]] bool HasNext() const { return turn_ < turns_; }

   private:
    friend class Workload;
    std::uint64_t index_ = 0;
    int turn_ = 0, turns_ = 1;
    std::size_t entry_ = 0;  // of the dataset
    std::string history_;    // the conversation so far as JSON text: ids, words, or messages
    int history_tokens_ = 0, last_output_ = 0;
  };

  // Workload of spec.scenarios[scenario]. REQUIRES: a valid index.
  Workload(const BenchSpec& spec, std::size_t scenario);
  // Workload of a dataset. kInvalid: the endpoint or the context cannot take an entry; the message has its place.
  static base::Result<Workload> OfDataset(const BenchSpec& spec, std::vector<measurement::DatasetEntry> entries);

  void set_model(const std::string& model);
  void set_style(const PromptStyle& style) { style_ = style; }
  [[nodiscard]] const PromptStyle& style() const { return style_; }
  // Sets the number of words per token from the usage in a response.
  void Calibrate(const Request& request, std::int64_t reported_input_tokens);
  // True if a request needs the text of the previous answer.
  [[nodiscard]] bool needs_answers() const;
  // Timestamps of a trace; empty for other workloads.
  [[nodiscard]] const std::vector<std::chrono::milliseconds>& timestamps() const { return timestamps_; }
  [[nodiscard]] const std::string& name() const { return name_; }  // "D(512,128)", "dataset"
  [[nodiscard]] double MeanOutputTokens() const;                   // of a request; 0 = not known
  [[nodiscard]] std::string_view path() const;                     // of the endpoint

  // The conversation with this index. A dataset repeats after its last entry.
  [[nodiscard]] Conversation Start(std::uint64_t index) const;
  // Its next request. `answer`: the text of its last answer as in the JSON, if needs_answers(). REQUIRES:
  // conversation.HasNext().
  [[nodiscard]] Request Next(Conversation& conversation, std::string_view answer) const;

 private:
  explicit Workload(const BenchSpec& spec);
  [[nodiscard]] Request OfScenario(Conversation& conversation, std::string_view answer) const;
  [[nodiscard]] Request OfEntry(Conversation& conversation, std::string_view answer) const;
  // Appends `tokens` random tokens in the prompt's style to `out`.
  void AppendTokens(std::string& out, int tokens, std::uint64_t key, std::uint64_t stream) const;
  [[nodiscard]] Request Finish(std::string prompt, int input_tokens, int asked_tokens, bool free_answer) const;

  std::int64_t seed_;
  measurement::Endpoint endpoint_;
  measurement::Prefix prefix_;
  measurement::Turns turns_;
  int max_model_len_;
  measurement::Scenario scenario_;
  std::vector<measurement::DatasetEntry> entries_;
  std::optional<int> dataset_output_tokens_;
  std::vector<std::chrono::milliseconds> timestamps_;
  std::string name_;
  PromptStyle style_;
  std::string model_json_ = "\"\"";
  double words_per_token_ = 1;
};

}  // namespace autotune::bench
