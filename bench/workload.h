// Contents of requests: the conversations of a scenario or of a dataset.
//
// Deterministic: the same (seed, scenario, index) is the same conversation for every configuration. No two share a
// prefix, so prefix caches do not help, except as Prefix and Turns specify. Only fields that vLLM, SGLang and
// TensorRT-LLM all know are sent: TensorRT-LLM rejects every other (docs/benchmark.md lists them). One object for one
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

// Form of prompts. Token ids give exactly the requested length without a tokenizer; a chat accepts only words.
struct PromptStyle {
  enum class Kind { kTokenIds, kWords } kind = Kind::kTokenIds;
  int first_id = 0, last_id = 0;  // ids are drawn from [first_id, last_id]
  // False: without ignore_eos and skip_special_tokens, which only inference engines know. Answers end by themselves.
  bool exact_answers = true;
  bool greedy = true;             // False: without temperature and seed, which some models of OpenAI reject.
  bool completion_limit = false;  // max_completion_tokens in the place of max_tokens; chats only
  bool operator==(const PromptStyle&) const = default;
};

// Of fewer ids nothing is left between the special tokens: such a size counts as not known.
inline constexpr int kSmallestVocabulary = 16;

// Styles to try in this order until the engine accepts one. With a known vocabulary (`vocab_size` > 0) the first one is
// right. Words come after ids: their number of tokens is approximate. Answers of any length are the last resort.
std::vector<PromptStyle> PromptStyles(measurement::Endpoint endpoint, int vocab_size);
// The style without the field that a rejection names; nullopt if it names none that `style` sends.
std::optional<PromptStyle> WithoutRejected(const PromptStyle& style, measurement::Endpoint endpoint,
                                           std::string_view rejection);

struct Request {
  std::string body;
  int input_tokens = 0;  // 0 = not known before the answer
  int asked_tokens = 0;  // 0 = the model ends the answer itself
};

class Workload {
 public:
  // One conversation; a single request is one of one turn.
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

  // Of spec.scenarios[scenario].
  Workload(const BenchSpec& spec, std::size_t scenario);
  // Of a dataset. kInvalid: an entry that the endpoint cannot take or the context surely cannot hold, by its place.
  static base::Result<Workload> OfDataset(const BenchSpec& spec, std::vector<measurement::DatasetEntry> entries);

  void set_model(const std::string& model);
  void set_style(const PromptStyle& style) { style_ = style; }
  [[nodiscard]] const PromptStyle& style() const { return style_; }
  // Sets the number of words per token from the usage in an answer.
  void Calibrate(const Request& request, std::int64_t reported_input_tokens);
  // True where a request needs the text of the answer before it.
  [[nodiscard]] bool needs_answers() const;
  // Timestamps of a trace; empty for everything else.
  [[nodiscard]] const std::vector<std::chrono::milliseconds>& timestamps() const { return timestamps_; }
  [[nodiscard]] const std::string& name() const { return name_; }  // "D(512,128)", "dataset"
  [[nodiscard]] double MeanOutputTokens() const;                   // of a request; 0 = not known
  [[nodiscard]] std::string_view path() const;                     // of the endpoint

  // The index-th conversation. A dataset begins again after its last entry.
  [[nodiscard]] Conversation Start(std::uint64_t index) const;
  // Its next request. `answer`: the text of its last answer as the JSON had it, where needs_answers().
  // REQUIRES: conversation.HasNext().
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
