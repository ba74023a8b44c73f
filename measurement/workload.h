// Workload except for lengths: endpoint, shared prefixes, conversations, and the entries of a dataset.
//
// Pure values; the caller reads the bytes of a dataset.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::measurement {

enum class Endpoint { kCompletions, kChat };
std::string_view EndpointName(Endpoint endpoint);  // the API's spelling: "Completions", "Chat"
std::optional<Endpoint> EndpointFromName(std::string_view name);

// Every request begins with the text of one of `groups` groups. Its `tokens` tokens are part of the input length.
struct Prefix {
  int tokens = 0;  // 0 = nothing is shared
  int groups = 1;
  bool operator==(const Prefix&) const = default;
};

// Conversations with a mean number of turns (geometric, at least 1); each turn repeats the conversation so far.
struct Turns {
  double mean = 1;
  bool operator==(const Turns&) const = default;
};

enum class DatasetFormat { kJsonl, kShareGpt, kMooncake };
std::string_view DatasetFormatName(DatasetFormat format);  // "JSONL", "ShareGPT", "Mooncake"
std::optional<DatasetFormat> DatasetFormatFromName(std::string_view name);

struct Message {
  std::string role;  // "system" "user" "assistant" "tool"
  std::string content;
  bool operator==(const Message&) const = default;
};

// A lower bound of the number of tokens of an ordinary text for any tokenizer: one per 8 characters, where a run of one
// character counts once. English has about 4.5 characters per token, Chinese 1.5.
std::int64_t LeastTokens(std::string_view text);
// "at least 41000 tokens (one for every 8 characters)".
std::string LeastTokensText(std::int64_t tokens);

// One request, or one conversation (ShareGPT).
struct DatasetEntry {
  std::string prompt;             // a plain prompt, or empty
  std::vector<Message> messages;  // a chat, or the turns of a conversation with their recorded answers
  std::optional<int> output_tokens;
  // Traces have lengths instead of texts:
  std::chrono::milliseconds arrival{};  // time since the first entry
  int input_tokens = 0;
  std::vector<std::int64_t> blocks;  // equal ids = equal text; kTraceBlockTokens tokens each, in order
  std::string place{};               // "prompts.jsonl:17", or "prompts.json[16]" of a list
  // The messages are the user's turns: each is a request that follows the server's own answers to the earlier ones.
  bool answers_are_own = false;
  bool operator==(const DatasetEntry&) const = default;
};
inline constexpr int kTraceBlockTokens = 512;

// Objects, one per line or in one JSON list. JSONL: `prompt` (also `text`, `text_input`, `texts`), `messages`, or the
// user's `turns` (texts, or objects with `text`); optionally `output_tokens` (also `max_tokens`,
// `max_completion_tokens`, `output_len`, `output_length`, `output_tokens_count`); or these in the `body` of a batch
// file's request. ShareGPT: `conversations` of `from` and `value`, or of `role` and `content`. Entries that do not
// start with a person's turn are skipped, as in other benchmark clients, and turns after the last answer are left out.
// Contents are strings or lists of parts of type "text". Mooncake: `timestamp` in ms (ascending), `input_length`,
// `output_length`, `hash_ids` of 512 tokens. `name`: file name, for messages: `prompts.jsonl:17: "prompt" is not a
// text`. kInvalid also for a dataset without entries.
base::Result<std::vector<DatasetEntry>> ReadDataset(std::string_view bytes, DatasetFormat format,
                                                    const std::string& name);

}  // namespace autotune::measurement
