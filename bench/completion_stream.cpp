#include "bench/completion_stream.h"

#include <nlohmann/json.hpp>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLine = 4u << 20;
constexpr std::size_t kMaxMessage = 400;

// The first character of the value of `quoted_key` (with its quotes) at or after `from`, npos when there is none.
// Inside a JSON string the key's quotes would be escaped, so the search cannot be fooled by generated text.
std::size_t FindValue(std::string_view event, std::string_view quoted_key, std::size_t from = 0) {
  for (std::size_t at = event.find(quoted_key, from); at != std::string_view::npos;
       at = event.find(quoted_key, at + quoted_key.size())) {
    const std::size_t colon = event.find_first_not_of(" \t", at + quoted_key.size());
    if (colon == std::string_view::npos || event[colon] != ':') continue;  // a text that equals the key
    return event.find_first_not_of(" \t", colon + 1);
  }
  return std::string_view::npos;
}

bool HasText(std::string_view event) {
  for (std::size_t at = FindValue(event, "\"text\""); at != std::string_view::npos;
       at = FindValue(event, "\"text\"", at)) {
    if (event.substr(at).starts_with('"') && !event.substr(at).starts_with("\"\"")) return true;
  }
  return false;
}

bool HasObject(std::string_view event, std::string_view quoted_key) {
  const std::size_t at = FindValue(event, quoted_key);
  return at != std::string_view::npos && (event[at] == '{' || event[at] == '"');
}

}  // namespace

CompletionStream::Progress CompletionStream::Append(std::string_view bytes) {
  Progress progress;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      if (partial_.size() < kMaxLine) partial_ += bytes;
      break;
    }
    if (partial_.empty()) {
      EndLine(bytes.substr(0, end), progress);
    } else {
      partial_ += bytes.substr(0, end);
      EndLine(partial_, progress);
      partial_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
  return progress;
}

void CompletionStream::EndLine(std::string_view line, Progress& progress) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with("data:")) return;  // blank lines, comments, event names
  line.remove_prefix(5);
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line == "[DONE]") {
    progress.done = done_ = true;
    return;
  }
  if (HasText(line)) progress.text = true;
  if (HasObject(line, "\"usage\"")) usage_event_ = line;
  if (error_event_.empty() && HasObject(line, "\"error\"")) error_event_ = line;
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

void CompletionStream::Reset() {
  partial_.clear();
  usage_event_.clear();
  error_event_.clear();
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
