#include "bench/workload.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "measurement/keyed_random.h"

namespace autotune::bench {
namespace {

using measurement::DatasetEntry;
using measurement::DatasetFormat;
using measurement::Endpoint;
using measurement::KeyedRandom;
using nlohmann::json;

// What a random number is drawn for: the upper bits of its stream.
enum class Purpose : std::uint64_t { kLengths = 1, kTurns, kPrefixGroup, kPrefixText, kText, kAnswer, kBlock };

std::uint64_t Stream(Purpose purpose, std::uint64_t index) {
  return (static_cast<std::uint64_t>(purpose) << 56) ^ index;
}

// One token each in the usual vocabularies, with the space before them.
constexpr std::array<std::string_view, 64> kWords = {
    "time",   "year",     "people",   "way",   "day",     "man",   "thing", "woman",   "life",   "child",  "world",
    "school", "state",    "family",   "group", "country", "hand",  "part",  "place",   "case",   "week",   "company",
    "system", "program",  "question", "work",  "number",  "night", "point", "home",    "water",  "room",   "mother",
    "area",   "money",    "story",    "fact",  "month",   "lot",   "right", "study",   "book",   "eye",    "job",
    "word",   "business", "issue",    "side",  "kind",    "head",  "house", "service", "friend", "father", "power",
    "hour",   "game",     "line",     "end",   "member",  "law",   "car",   "city",    "name"};

std::string Quoted(const std::string& text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); }

std::string Message(std::string_view role, std::string_view escaped_content) {
  std::string out = R"({"role":")";
  out += role;
  out += R"(","content":")";
  out += escaped_content;
  out += "\"}";
  return out;
}

void AppendMessage(std::string& history, const std::string& message) {
  if (!history.empty()) history += ',';
  history += message;
}

// Recorded answers have characters and no tokens; about four make one in the usual vocabularies.
int TokensOfText(const std::string& text) { return std::max(1, static_cast<int>((text.size() + 3) / 4)); }

// The turns of a ShareGPT conversation: each message of the user that an answer follows.
int AnsweredTurns(const DatasetEntry& entry) {
  int turns = 0;
  for (std::size_t i = 0; i + 1 < entry.messages.size(); ++i) {
    turns += entry.messages[i].role == "user" && entry.messages[i + 1].role == "assistant" ? 1 : 0;
  }
  return turns;
}

// The fewest tokens of the longest request of an entry, and those asked for behind it.
struct Longest {
  std::int64_t input = 0, output = 0;
};
Longest LongestOf(const DatasetEntry& entry, bool chat, std::optional<int> by_default) {
  const std::optional<int> asked = entry.output_tokens ? entry.output_tokens : by_default;
  if (entry.messages.empty()) {
    return {entry.input_tokens > 0 ? entry.input_tokens : measurement::LeastTokens(entry.prompt), asked.value_or(0)};
  }
  Longest longest;
  const bool recorded = AnsweredTurns(entry) > 0 && entry.messages.back().role == "assistant";
  std::int64_t said = 0;
  for (std::size_t i = 0; i < entry.messages.size(); ++i) {
    const bool last = i + 1 == entry.messages.size();
    const std::int64_t own = measurement::LeastTokens(entry.messages[i].content);
    said += own;
    const bool answered = !last && entry.messages[i].role == "user" && entry.messages[i + 1].role == "assistant";
    if (recorded ? !answered : !last) continue;
    const Longest request = {chat ? said : own, asked      ? *asked
                                                : answered ? TokensOfText(entry.messages[i + 1].content)
                                                           : 0};
    if (!chat) return request;  // the only one
    if (request.input + request.output > longest.input + longest.output) longest = request;
  }
  return longest;
}

}  // namespace

std::vector<PromptStyle> PromptStyles(Endpoint endpoint, int vocab_size) {
  using Kind = PromptStyle::Kind;
  std::vector<PromptStyle> styles;
  if (endpoint == Endpoint::kCompletions) {
    // Special tokens live at the two ends of a vocabulary. 32,000 is the smallest among today's served models (Llama 2,
    // Mistral); the smaller ranges are for toy models.
    if (vocab_size >= kSmallestVocabulary) {
      styles.push_back(
          {Kind::kTokenIds, std::min(1000, vocab_size / 8), std::min(30999, vocab_size - 1 - vocab_size / 8)});
    } else {
      styles = {{Kind::kTokenIds, 1000, 30999}, {Kind::kTokenIds, 100, 999}, {Kind::kTokenIds, 3, 99}};
    }
  }
  styles.push_back({Kind::kWords, 0, 0});
  const std::size_t exact = styles.size();
  for (std::size_t i = 0; i < exact; ++i) {
    styles.push_back(styles[i]);
    styles.back().exact_answers = false;
  }
  return styles;
}

std::optional<PromptStyle> WithoutRejected(const PromptStyle& style, Endpoint endpoint, std::string_view rejection) {
  const auto names = [&](std::string_view field) { return rejection.find(field) != std::string_view::npos; };
  PromptStyle out = style;
  if (endpoint == Endpoint::kChat && names("max_completion_tokens")) out.completion_limit = true;
  if (names("ignore_eos") || names("skip_special_tokens")) out.exact_answers = false;
  if (names("temperature") || names("seed")) out.greedy = false;
  return out == style ? std::nullopt : std::optional(out);
}

Workload::Workload(const BenchSpec& spec)
    : seed_(spec.seed),
      endpoint_(spec.endpoint),
      prefix_(spec.prefix),
      turns_(spec.turns),
      max_model_len_(spec.max_model_len),
      style_(PromptStyles(spec.endpoint, spec.vocab_size).front()) {}

Workload::Workload(const BenchSpec& spec, std::size_t scenario) : Workload(spec) {
  scenario_ = spec.scenarios[scenario];
  name_ = scenario_.ToString();
}

base::Result<Workload> Workload::OfDataset(const BenchSpec& spec, std::vector<DatasetEntry> entries) {
  Workload workload(spec);
  workload.name_ = "dataset";
  workload.dataset_output_tokens_ = spec.dataset->output_tokens;
  std::size_t too_long = 0;
  std::string first_too_long;
  for (const DatasetEntry& entry : entries) {
    const bool conversation = spec.dataset->format == DatasetFormat::kShareGpt;
    if (!entry.messages.empty() && !conversation && spec.endpoint == Endpoint::kCompletions) {
      return base::Invalid(
          "dataset: " + entry.place + " has " + (entry.answers_are_own ? "turns" : "messages") +
          ", which the endpoint Completions does not accept: use Chat (benchmark.endpoint, or --chat)");
    }
    const Longest longest = LongestOf(entry, spec.endpoint == Endpoint::kChat, spec.dataset->output_tokens);
    if (spec.max_model_len > 0 && longest.input + longest.output > spec.max_model_len && too_long++ == 0) {
      first_too_long = entry.place + ": " +
                       (entry.input_tokens > 0 ? std::to_string(longest.input) + " tokens in"
                                               : measurement::LeastTokensText(longest.input) + " in") +
                       " and " + std::to_string(longest.output) + " out";
    }
    if (spec.dataset->format == DatasetFormat::kMooncake) workload.timestamps_.push_back(entry.arrival);
  }
  if (too_long > 0) {
    return base::Invalid("dataset: " + first_too_long + " do not fit into the context of " +
                         std::to_string(spec.max_model_len) + " tokens (" + std::to_string(too_long) + " of " +
                         std::to_string(entries.size()) + " entries do not): leave them out");
  }
  workload.entries_ = std::move(entries);
  return workload;
}

void Workload::set_model(const std::string& model) { model_json_ = Quoted(model); }

void Workload::Calibrate(const Request& request, std::int64_t reported_input_tokens) {
  if (style_.kind != PromptStyle::Kind::kWords || request.input_tokens <= 0 || reported_input_tokens <= 0) return;
  words_per_token_ *= static_cast<double>(request.input_tokens) / static_cast<double>(reported_input_tokens);
}

bool Workload::needs_answers() const {
  if (endpoint_ != Endpoint::kChat) return false;
  return entries_.empty() ? turns_.mean > 1
                          : std::any_of(entries_.begin(), entries_.end(),
                                        [](const DatasetEntry& entry) { return entry.answers_are_own; });
}

double Workload::MeanOutputTokens() const {
  if (entries_.empty()) return scenario_.output.Mean();
  double sum = 0;
  for (const DatasetEntry& entry : entries_) {
    const auto tokens = entry.output_tokens ? entry.output_tokens : dataset_output_tokens_;
    if (!tokens) return 0;
    sum += *tokens;
  }
  return sum / static_cast<double>(entries_.size());
}

std::string_view Workload::path() const {
  return endpoint_ == Endpoint::kChat ? "/v1/chat/completions" : "/v1/completions";
}

Workload::Conversation Workload::Start(std::uint64_t index) const {
  Conversation out;
  out.index_ = index;
  if (!entries_.empty()) {
    out.entry_ = index % entries_.size();
    const DatasetEntry& entry = entries_[out.entry_];
    const int turns = entry.answers_are_own ? static_cast<int>(entry.messages.size()) : AnsweredTurns(entry);
    out.turns_ = endpoint_ == Endpoint::kChat ? std::max(turns, 1) : 1;
  } else if (turns_.mean > 1) {
    // Geometric with that mean, at least 1: the chance of another turn is the same after each.
    KeyedRandom random(static_cast<std::uint64_t>(seed_), Stream(Purpose::kTurns, index));
    out.turns_ = 1 + static_cast<int>(std::min(std::log(random.Uniform()) / std::log(1 - 1 / turns_.mean), 1e4));
  }
  return out;
}

Request Workload::Next(Conversation& conversation, std::string_view answer) const {
  Request out = entries_.empty() ? OfScenario(conversation, answer) : OfEntry(conversation, answer);
  ++conversation.turn_;
  return out;
}

void Workload::AppendTokens(std::string& out, int tokens, std::uint64_t key, std::uint64_t stream) const {
  KeyedRandom random(key, stream);
  if (style_.kind == PromptStyle::Kind::kTokenIds) {
    const auto range = static_cast<std::uint64_t>(style_.last_id - style_.first_id + 1);
    std::array<char, 16> number;
    for (int i = 0; i < tokens; ++i) {
      if (!out.empty()) out += ',';
      const auto id = static_cast<std::uint64_t>(style_.first_id) + random.Below(range);
      out.append(number.data(), std::to_chars(number.data(), number.data() + number.size(), id).ptr);
    }
    return;
  }
  const auto words = std::max(1L, std::lround(tokens * words_per_token_));
  for (long i = 0; i < words; ++i) {
    if (!out.empty()) out += ' ';
    out += kWords[random.Below(kWords.size())];
  }
}

// A turn adds to what was said: (first turn) the shared prefix, then new text; afterwards the answer, then new text.
// The scenario's input length is that of the new text, the shared prefix included.
Request Workload::OfScenario(Conversation& conversation, std::string_view answer) const {
  const auto key = static_cast<std::uint64_t>(seed_);
  const std::uint64_t request = conversation.index_ * 0x10001 + static_cast<std::uint64_t>(conversation.turn_);
  KeyedRandom lengths(key, Stream(Purpose::kLengths, request));
  const int input = scenario_.input.Draw(lengths);
  const int output = scenario_.output.Draw(lengths);
  const bool chat = endpoint_ == Endpoint::kChat;
  const bool ids = style_.kind == PromptStyle::Kind::kTokenIds;
  std::string said;  // by the user, in this turn; of completions all that was said
  int shared = 0;
  if (!chat) said = std::move(conversation.history_);
  if (conversation.turn_ == 0 && prefix_.tokens > 0) {
    shared = std::min(prefix_.tokens, input - 1);  // something of every request is its own
    KeyedRandom choice(key, Stream(Purpose::kPrefixGroup, conversation.index_));
    const std::uint64_t group = choice.Below(static_cast<std::uint64_t>(prefix_.groups));
    if (shared > 0) AppendTokens(said, shared, key, Stream(Purpose::kPrefixText, group));
  }
  if (conversation.turn_ > 0) {
    if (chat) {
      AppendMessage(conversation.history_, Message("assistant", answer));
    } else {
      // The ids of an answer are not known, and its text is none of ids: others take its place.
      AppendTokens(said, conversation.last_output_, key, Stream(Purpose::kAnswer, request));
    }
    conversation.history_tokens_ += conversation.last_output_;
  }
  AppendTokens(said, input - shared, key, Stream(Purpose::kText, request));
  conversation.history_tokens_ += input;
  conversation.last_output_ = output;
  // A conversation ends before it outgrows the context.
  const std::int64_t next =
      std::int64_t{conversation.history_tokens_} + output + scenario_.input.Max() + scenario_.output.Max();
  if (max_model_len_ > 0 && next > max_model_len_) conversation.turns_ = conversation.turn_ + 1;
  const int sent = conversation.history_tokens_;
  if (chat) {
    AppendMessage(conversation.history_, Message("user", said));
    return Finish("[" + conversation.history_ + "]", sent, output, false);
  }
  conversation.history_ = said;
  return Finish(ids ? "[" + said + "]" : "\"" + said + "\"", sent, output, false);
}

Request Workload::OfEntry(Conversation& conversation, std::string_view answer) const {
  const DatasetEntry& entry = entries_[conversation.entry_];
  const bool chat = endpoint_ == Endpoint::kChat;
  std::optional<int> output = entry.output_tokens ? entry.output_tokens : dataset_output_tokens_;
  int input = 0;
  std::string prompt;
  if (entry.input_tokens > 0) {  // a trace: lengths, and which blocks of text are equal
    input = entry.input_tokens;
    int left = input;
    for (std::size_t i = 0; left > 0; ++i) {
      const int tokens = std::min(left, measurement::kTraceBlockTokens);
      const bool named = i < entry.blocks.size();
      const std::uint64_t block = named ? static_cast<std::uint64_t>(entry.blocks[i]) : conversation.index_ + i;
      AppendTokens(prompt, tokens, static_cast<std::uint64_t>(seed_),
                   Stream(named ? Purpose::kBlock : Purpose::kText, block));
      left -= tokens;
    }
    if (chat) {
      prompt = "[" + Message("user", prompt) + "]";
    } else if (style_.kind == PromptStyle::Kind::kTokenIds) {
      prompt = "[" + prompt + "]";
    } else {
      prompt = "\"" + prompt + "\"";
    }
  } else if (entry.messages.empty()) {
    prompt = chat ? "[" +
                        json{{"role", "user"}, {"content", entry.prompt}}.dump(-1, ' ', false,
                                                                               json::error_handler_t::replace) +
                        "]"
                  : Quoted(entry.prompt);
  } else if (entry.answers_are_own) {
    if (conversation.turn_ > 0) AppendMessage(conversation.history_, Message("assistant", answer));
    const std::string own = Quoted(entry.messages[static_cast<std::size_t>(conversation.turn_)].content);
    AppendMessage(conversation.history_, Message("user", std::string_view(own).substr(1, own.size() - 2)));
    prompt = "[" + conversation.history_ + "]";
  } else {
    // All messages up to the one that this turn answers.
    int turn = 0;
    std::size_t end = entry.messages.size();
    const bool recorded = AnsweredTurns(entry) > 0 && entry.messages.back().role == "assistant";
    if (recorded) {
      for (std::size_t i = 0; i + 1 < entry.messages.size(); ++i) {
        if (entry.messages[i].role != "user" || entry.messages[i + 1].role != "assistant") continue;
        if (turn++ < conversation.turn_) continue;
        end = i + 1;
        if (!output) output = TokensOfText(entry.messages[i + 1].content);
        break;
      }
    }
    if (chat) {
      json messages = json::array();
      for (std::size_t i = 0; i < end; ++i) {
        messages.push_back({{"role", entry.messages[i].role}, {"content", entry.messages[i].content}});
      }
      prompt = messages.dump(-1, ' ', false, json::error_handler_t::replace);
    } else {
      prompt = Quoted(entry.messages[end - 1].content);
    }
  }
  return Finish(std::move(prompt), input, output.value_or(kLongestFreeAnswer), !output);
}

Request Workload::Finish(std::string prompt, int input_tokens, int asked_tokens, bool free_answer) const {
  const bool exact = style_.exact_answers && !free_answer;
  Request out;
  out.input_tokens = input_tokens;
  out.asked_tokens = exact ? asked_tokens : 0;
  out.body.reserve(prompt.size() + model_json_.size() + 256);
  out.body = "{\"model\":" + model_json_ + (endpoint_ == Endpoint::kChat ? ",\"messages\":" : ",\"prompt\":");
  out.body += prompt;
  out.body += style_.completion_limit ? ",\"max_completion_tokens\":" : ",\"max_tokens\":";
  out.body += std::to_string(asked_tokens);
  if (style_.greedy) out.body += ",\"temperature\":0,\"seed\":" + std::to_string(seed_);
  // Special tokens are not skipped: with ignore_eos a greedy model may repeat its end token forever, and an answer
  // whose text is empty has no first token to time.
  if (exact) out.body += ",\"ignore_eos\":true,\"skip_special_tokens\":false";
  out.body += ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
  return out;
}

}  // namespace autotune::bench
