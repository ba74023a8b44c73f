#include "bench/completion_stream.h"

#include <nlohmann/json.hpp>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLine = 4u << 20;
constexpr std::size_t kMaxMessage = 400;

// One past the closing quote of the JSON string that begins at `at` (after its opening quote), npos where it has none.
std::size_t EndOfString(std::string_view event, std::size_t at) {
  for (;;) {
    at = event.find('"', at);
    if (at == std::string_view::npos) return at;
    std::size_t escapes = 0;
    while (at > escapes && event[at - escapes - 1] == '\\') ++escapes;
    ++at;
    if (escapes % 2 == 0) return at;
  }
}

enum class Key { kOther, kText, kUsage, kError };

Key KeyOf(std::string_view name) {
  switch (name.size()) {
    case 4:
      return name == "text" ? Key::kText : Key::kOther;
    case 5:
      return name == "usage" ? Key::kUsage : name == "error" ? Key::kError : Key::kOther;
    case 7:
      return name == "content" ? Key::kText : Key::kOther;
    case 9:  // of a tool's call, or a model's thoughts
      return name == "arguments" || name == "reasoning" ? Key::kText : Key::kOther;
    case 17:
      return name == "reasoning_content" ? Key::kText : Key::kOther;
    default:
      return Key::kOther;
  }
}

}  // namespace

int CompletionStream::Append(std::string_view bytes) {
  int outputs = 0;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      if (partial_.size() < kMaxLine) partial_ += bytes;
      break;
    }
    if (partial_.empty()) {
      outputs += EndLine(bytes.substr(0, end)) ? 1 : 0;
    } else {
      partial_ += bytes.substr(0, end);
      outputs += EndLine(partial_) ? 1 : 0;
      partial_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
  return outputs;
}

bool CompletionStream::EndLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with("data:")) return false;  // blank lines, comments, event names
  line.remove_prefix(5);
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line == "[DONE]") {
    done_ = true;
    return false;
  }
  return ReadEvent(line);
}

// Walks over the event's strings, so that generated text cannot be taken for a key.
bool CompletionStream::ReadEvent(std::string_view event) {
  bool output = false;
  for (std::size_t at = event.find('"'); at != std::string_view::npos; at = event.find('"', at)) {
    const std::size_t begin = at + 1;
    const std::size_t end = EndOfString(event, begin);
    if (end == std::string_view::npos) break;
    at = end;
    while (at < event.size() && (event[at] == ' ' || event[at] == '\t')) ++at;
    if (at >= event.size() || event[at] != ':') continue;  // a value
    const Key key = KeyOf(event.substr(begin, end - 1 - begin));
    if (key == Key::kOther) continue;
    ++at;
    while (at < event.size() && (event[at] == ' ' || event[at] == '\t')) ++at;
    if (at >= event.size()) break;
    const char first = event[at];
    if (key == Key::kText) {
      if (first != '"') continue;
      const std::size_t value_end = EndOfString(event, at + 1);
      if (value_end == std::string_view::npos) break;
      if (value_end - at > 2) {
        output = true;
        if (keeps_text_) text_ += event.substr(at + 1, value_end - at - 2);
      }
      at = value_end;
    } else if (first == '{' || first == '"') {
      if (key == Key::kUsage) usage_event_ = event;
      if (key == Key::kError && error_event_.empty()) error_event_ = event;
    }
  }
  return output;
}

std::optional<CompletionStream::Usage> CompletionStream::usage() const {
  const json event = json::parse(usage_event_, nullptr, false);
  if (!event.is_object()) return std::nullopt;
  const auto usage = event.find("usage");
  if (usage == event.end() || !usage->is_object()) return std::nullopt;
  const auto input = usage->find("prompt_tokens");
  const auto output = usage->find("completion_tokens");
  if (input == usage->end() || output == usage->end() || !input->is_number_integer() || !output->is_number_integer()) {
    return std::nullopt;
  }
  return Usage{input->get<std::int64_t>(), output->get<std::int64_t>()};
}

std::string CompletionStream::error() const { return error_event_.empty() ? "" : ErrorMessage(error_event_); }

int CompletionStream::error_code() const {
  const json event = json::parse(error_event_, nullptr, false);
  if (!event.is_object() || !event["error"].is_object()) return 0;
  const json code = event["error"].value("code", json());
  return code.is_number_integer() ? code.get<int>() : 0;
}

void CompletionStream::Reset() {
  partial_.clear();
  usage_event_.clear();
  error_event_.clear();
  text_.clear();
  done_ = false;
}

std::string ErrorMessage(std::string_view body) {
  const json document = json::parse(body, nullptr, false);
  const json* value = &document;
  if (document.is_object() && document.contains("error")) value = &document["error"];
  if (value->is_object()) {
    for (const char* key : {"message", "detail"}) {
      const auto found = value->find(key);
      if (found != value->end())
        return CleanText(found->is_string() ? found->get<std::string>() : found->dump(), kMaxMessage);
    }
  }
  if (value->is_string()) return CleanText(value->get<std::string>(), kMaxMessage);
  return CleanText(body, kMaxMessage);
}

}  // namespace autotune::bench
