#include "measurement/workload.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::pair<Endpoint, std::string_view> kEndpointNames[] = {{Endpoint::kCompletions, "Completions"},
                                                                    {Endpoint::kChat, "Chat"}};
constexpr std::pair<DatasetFormat, std::string_view> kFormatNames[] = {
    {DatasetFormat::kJsonl, "JSONL"}, {DatasetFormat::kShareGpt, "ShareGPT"}, {DatasetFormat::kMooncake, "Mooncake"}};
constexpr std::int64_t kMaxTokens = 10'000'000;

std::string Shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

// Of a file that may be of any kind.
std::string Printable(std::string_view text) {
  const std::string quoted = json(text).dump(-1, ' ', true, json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

// One line's or entry's place, for messages.
struct Place {
  std::string text;
  [[nodiscard]] base::Error Fail(const std::string& message) const { return base::Invalid(text + ": " + message); }
};

base::Result<std::int64_t> Integer(const json& object, const char* key, std::int64_t min, std::int64_t max,
                                   const Place& place) {
  const auto found = object.find(key);
  if (found == object.end()) return place.Fail("\"" + std::string(key) + "\" is missing");
  // Traces have whole numbers as 1.0 too.
  const double number = found->is_number() ? found->get<double>() : -1;
  if (!found->is_number() || number != static_cast<double>(static_cast<std::int64_t>(number)) ||
      number < static_cast<double>(min) || number > static_cast<double>(max)) {
    return place.Fail("\"" + std::string(key) + "\" is " + Shown(*found) + ", not a whole number from " +
                      std::to_string(min) + " to " + std::to_string(max));
  }
  return static_cast<std::int64_t>(number);
}

// The text of a message: a string, or parts of which each is text. `which`: the member, for messages.
base::Result<std::string> TextOf(const json* content, const std::string& which, const Place& place) {
  if (content != nullptr && content->is_string()) return content->get<std::string>();
  if (content == nullptr || !content->is_array()) return place.Fail(which + " is not a string");
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i) {
    const json& part = (*content)[i];
    const std::string at = which + "[" + std::to_string(i) + "]";
    const json type = part.is_object() ? part.value("type", json("text")) : json("text");
    if (type != "text" && type != "input_text")
      return place.Fail(at + " is of type " + Shown(type) + ": only text is sent");
    if (part.is_string()) {
      text += part.get<std::string>();
    } else if (part.is_object() && part.contains("text") && part["text"].is_string()) {
      text += part["text"].get<std::string>();
    } else {
      return place.Fail(at + " has no \"text\"");
    }
  }
  return text;
}

const json* Member(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

// Leaving them out would measure another request.
base::Status CheckOnlyText(const json& object, const std::string& which, const Place& place) {
  for (const char* key : {"image", "images", "audio", "audios", "video", "videos"}) {
    const json* value = Member(object, key);
    if (value == nullptr || value->is_null() || value->empty() || *value == "") continue;
    return place.Fail(which + "\"" + key + "\": only text is sent");
  }
  return {};
}

// The clients of the field spell these differently.
constexpr const char* kPromptKeys[] = {"prompt", "text", "text_input", "texts"};
constexpr const char* kLengthKeys[] = {"output_tokens", "max_tokens",          "max_completion_tokens",
                                       "output_len",    "output_tokens_count", "output_length"};

// Turns of the user alone: texts, or objects with a text.
base::Status ReadOwnTurns(const json& turns, const Place& place, DatasetEntry& out) {
  if (!turns.is_array() || turns.empty()) return place.Fail("\"turns\" is not a list of turns");
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const std::string which = "turns[" + std::to_string(i) + "]";
    const json& turn = turns[i];
    const json* text = &turn;
    if (turn.is_object()) {
      if (auto status = CheckOnlyText(turn, which + " has ", place); !status) return status;
      if (turn.contains("role") && turn["role"] != "user") {
        return place.Fail(which + " is of the role " + Shown(turn["role"]) + ": turns are those of the user");
      }
      text = Member(turn, "text");
      if (text == nullptr) text = Member(turn, "texts");
    }
    if (text == nullptr || turn.is_array()) return place.Fail(which + " has no \"text\"");
    auto own = TextOf(text, which, place);
    if (!own) return own.error();
    if (own->empty()) return place.Fail(which + " is empty");
    out.messages.push_back({"user", *std::move(own)});
  }
  out.answers_are_own = true;
  return {};
}

base::Result<DatasetEntry> ReadPrompt(const json& line, const Place& place) {
  DatasetEntry entry;
  // A request of a batch file: {"custom_id": ..., "url": ..., "body": {...}}.
  const bool batched = line.contains("body") && line["body"].is_object();
  const json& object = batched ? line["body"] : line;
  const json* messages = Member(object, "messages");
  const json* turns = Member(object, "turns");
  const char* prompt_key = nullptr;
  for (const char* key : kPromptKeys) {
    if (prompt_key == nullptr && object.contains(key)) prompt_key = key;
  }
  std::string found;
  for (const char* key :
       {prompt_key, messages == nullptr ? nullptr : "messages", turns == nullptr ? nullptr : "turns"}) {
    if (key == nullptr) continue;
    if (!found.empty()) return place.Fail("there are both \"" + found + "\" and \"" + key + "\"");
    found = key;
  }
  if (found.empty()) {
    const bool recorded = object.contains("conversations") || object.contains("conversation");
    return place.Fail(std::string("there is neither \"prompt\" nor \"messages\"") +
                      (recorded ? "; recorded conversations have the format ShareGPT" : ""));
  }
  if (auto status = CheckOnlyText(object, "", place); !status) return status.error();
  if (prompt_key != nullptr) {
    const json& prompt = object[prompt_key];
    const bool list = std::string_view(prompt_key) == "texts" && prompt.is_array();
    if (!prompt.is_string() && !list) return place.Fail("\"" + std::string(prompt_key) + "\" is not a string");
    auto text = TextOf(&prompt, prompt_key, place);
    if (!text) return text.error();
    entry.prompt = *std::move(text);
    if (entry.prompt.empty()) return place.Fail("\"" + std::string(prompt_key) + "\" is empty");
  } else if (messages != nullptr) {
    if (!messages->is_array() || messages->empty()) return place.Fail("\"messages\" is not a list of messages");
    for (std::size_t i = 0; i < messages->size(); ++i) {
      const json& message = (*messages)[i];
      const std::string which = "messages[" + std::to_string(i) + "]";
      if (!message.is_object() || !message.contains("role") || !message["role"].is_string()) {
        return place.Fail(which + " has no \"role\"");
      }
      auto text = TextOf(Member(message, "content"), which + ".content", place);
      if (!text) return text.error();
      entry.messages.push_back({message["role"].get<std::string>(), *std::move(text)});
    }
  } else if (auto status = ReadOwnTurns(*turns, place, entry); !status) {
    return status.error();
  }
  for (const char* key : kLengthKeys) {
    if (!object.contains(key) || object[key].is_null()) continue;
    auto tokens = Integer(object, key, 1, kMaxTokens, place);
    if (!tokens) return tokens.error();
    entry.output_tokens = static_cast<int>(*tokens);
    break;
  }
  return entry;
}

// Returns nullopt for a conversation that does not start with a person's turn.
base::Result<std::optional<DatasetEntry>> ReadConversation(const json& object, const Place& place) {
  // WildChat and LMSYS have one conversation a row.
  const std::string key =
      object.contains("conversations") || !object.contains("conversation") ? "conversations" : "conversation";
  const auto turns = object.find(key);
  if (turns == object.end() || !turns->is_array()) return place.Fail("\"" + key + "\" is not a list of turns");
  DatasetEntry entry;
  for (std::size_t i = 0; i < turns->size(); ++i) {
    const json& turn = (*turns)[i];
    const std::string which = key + "[" + std::to_string(i) + "]";
    // SGLang's client writes turns as messages of a chat.
    const bool of_chat = turn.is_object() && !turn.contains("from") && turn.contains("role");
    const char* who = of_chat ? "role" : "from";
    const char* what = of_chat ? "content" : "value";
    if (!turn.is_object() || !turn.contains(who) || !turn[who].is_string()) {
      return place.Fail(which + " has no \"from\"");
    }
    auto text = TextOf(Member(turn, what), which + "." + what, place);
    if (!text) return text.error();
    const std::string from = turn[who].get<std::string>();
    const bool person = from == "human" || from == "user";
    const std::string role = person ? "user" : from == "system" ? "system" : "assistant";
    entry.messages.push_back({role, *std::move(text)});
  }
  // What nobody answered at the end is no turn of a recorded conversation. Without any answer it is a request.
  const bool answered = std::any_of(entry.messages.begin(), entry.messages.end(),
                                    [](const Message& message) { return message.role == "assistant"; });
  while (answered && entry.messages.back().role != "assistant") entry.messages.pop_back();
  const std::size_t first = !entry.messages.empty() && entry.messages.front().role == "system" ? 1 : 0;
  if (entry.messages.size() <= first || entry.messages[first].role != "user" || entry.messages[first].content.empty()) {
    return std::optional<DatasetEntry>();
  }
  return std::optional(std::move(entry));
}

// Milliseconds; some traces have parts of them.
base::Result<std::chrono::milliseconds> ReadTimestamp(const json& object, const Place& place) {
  const auto found = object.find("timestamp");
  if (found == object.end()) return place.Fail("\"timestamp\" is missing");
  const double number = found->is_number() ? found->get<double>() : -1;
  constexpr double kMost = 1LL << 50;
  if (!(number >= 0 && number <= kMost)) {
    return place.Fail("\"timestamp\" is " + Shown(*found) + ", not milliseconds from 0");
  }
  return std::chrono::milliseconds(std::llround(number));
}

base::Result<DatasetEntry> ReadTraceLine(const json& object, const Place& place) {
  DatasetEntry entry;
  auto timestamp = ReadTimestamp(object, place);
  if (!timestamp) return timestamp.error();
  auto input = Integer(object, "input_length", 1, kMaxTokens, place);
  if (!input) return input.error();
  auto output = Integer(object, "output_length", 1, kMaxTokens, place);
  if (!output) return output.error();
  entry.arrival = *timestamp;
  entry.input_tokens = static_cast<int>(*input);
  entry.output_tokens = static_cast<int>(*output);
  if (const auto blocks = object.find("hash_ids"); blocks != object.end()) {
    if (!blocks->is_array()) return place.Fail("\"hash_ids\" is not a list");
    for (const json& id : *blocks) {
      if (!id.is_number_integer()) return place.Fail("\"hash_ids\" has " + Shown(id) + ", not a whole number");
      entry.blocks.push_back(id.get<std::int64_t>());
    }
    // Other traces have the same fields with blocks of 16 tokens: their equal beginnings would not be equal here.
    const auto most = static_cast<std::size_t>(entry.input_tokens / kTraceBlockTokens) + 2;
    if (entry.blocks.size() > most) {
      return place.Fail("\"hash_ids\" has " + std::to_string(entry.blocks.size()) + " blocks for " +
                        std::to_string(entry.input_tokens) + " tokens, and a block of a Mooncake trace has " +
                        std::to_string(kTraceBlockTokens));
    }
  }
  return entry;
}

class Reader {
 public:
  Reader(DatasetFormat format, const std::string& name) : format_(format), name_(name) {}

  base::Status Add(const json& object, const Place& place) {
    if (!object.is_object()) return place.Fail("not a JSON object: " + Shown(object));
    switch (format_) {
      case DatasetFormat::kJsonl: {
        auto entry = ReadPrompt(object, place);
        if (!entry) return entry.error();
        return Take(*std::move(entry), place);
      }
      case DatasetFormat::kShareGpt: {
        auto entry = ReadConversation(object, place);
        if (!entry) return entry.error();
        return *entry ? Take(**std::move(entry), place) : base::Status();
      }
      case DatasetFormat::kMooncake:
        break;
    }
    auto entry = ReadTraceLine(object, place);
    if (!entry) return entry.error();
    if (entries_.empty()) first_ = entry->arrival;
    const auto arrival = entry->arrival;
    if (!entries_.empty() && arrival < last_) {
      return place.Fail("timestamp " + std::to_string(arrival.count()) + " is before that of the line above (" +
                        std::to_string(last_.count()) + "): a trace must be in order");
    }
    last_ = arrival;
    entry->arrival -= first_;
    return Take(*std::move(entry), place);
  }

  base::Status AddLines(std::string_view bytes) {
    std::size_t line = 0;
    while (!bytes.empty()) {
      ++line;
      const std::size_t end = bytes.find('\n');
      std::string_view text = bytes.substr(0, end);
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
      if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
      if (text.find_first_not_of(" \t") == std::string_view::npos) continue;
      const Place place{name_ + ":" + std::to_string(line)};
      const json object = json::parse(text, nullptr, false);
      if (object.is_discarded()) {
        const char* hint = line == 1
                               ? " (a dataset is JSONL, ShareGPT or a Mooncake trace: one JSON object a line, or a "
                                 "JSON list of them)"
                               : "";
        return place.Fail("not JSON: " + Printable(text.substr(0, 60)) + hint);
      }
      if (auto status = Add(object, place); !status) return status;
    }
    return {};
  }

  base::Status AddArray(std::string_view bytes) {
    const json array = json::parse(bytes, nullptr, false);
    if (!array.is_array()) return base::Invalid(name_ + ": not a JSON list, though it begins like one");
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (auto status = Add(array[i], {name_ + "[" + std::to_string(i) + "]"}); !status) return status;
    }
    return {};
  }

  std::vector<DatasetEntry>& entries() { return entries_; }

 private:
  base::Status Take(DatasetEntry entry, const Place& place) {
    entry.place = place.text;
    entries_.push_back(std::move(entry));
    return {};
  }

  DatasetFormat format_;
  std::string name_;
  std::vector<DatasetEntry> entries_;
  std::chrono::milliseconds first_{}, last_{};
};

}  // namespace

std::int64_t LeastTokens(std::string_view text) {
  constexpr std::int64_t kCharacters = 8;
  std::int64_t characters = 0;
  std::string_view last;
  while (!text.empty()) {
    std::size_t size = 1;
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) ++size;
    const std::string_view character = text.substr(0, size);
    if (character != last) ++characters;
    last = character;
    text.remove_prefix(size);
  }
  return (characters + kCharacters - 1) / kCharacters;
}

std::string LeastTokensText(std::int64_t tokens) {
  return "at least " + std::to_string(tokens) + " tokens (one for every 8 characters)";
}

std::string_view EndpointName(Endpoint endpoint) { return kEndpointNames[static_cast<std::size_t>(endpoint)].second; }

std::optional<Endpoint> EndpointFromName(std::string_view name) {
  for (const auto& [endpoint, known] : kEndpointNames) {
    if (known == name) return endpoint;
  }
  return std::nullopt;
}

std::string_view DatasetFormatName(DatasetFormat format) {
  return kFormatNames[static_cast<std::size_t>(format)].second;
}

std::optional<DatasetFormat> DatasetFormatFromName(std::string_view name) {
  for (const auto& [format, known] : kFormatNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

base::Result<std::vector<DatasetEntry>> ReadDataset(std::string_view bytes, DatasetFormat format,
                                                    const std::string& name) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  Reader reader(format, name);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  const bool array = first != std::string_view::npos && bytes[first] == '[';
  if (auto status = array ? reader.AddArray(bytes) : reader.AddLines(bytes); !status) return status.error();
  if (reader.entries().empty()) return base::Invalid(name + ": no usable entry");
  return std::move(reader.entries());
}

}  // namespace autotune::measurement
