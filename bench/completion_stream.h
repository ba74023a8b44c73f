// Parses one streamed response of an OpenAI endpoint (completions or chat): server-sent events, in pieces as the
// network delivers them.
//
// Designed for hundreds of thousands of events per second on one thread: an event's keys are scanned once, and only the
// event that ends the request is parsed as JSON. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::bench {

class CompletionStream {
 public:
  // Keeps the generated text, for conversations.
  void set_keeps_text(bool keeps) { keeps_text_ = keeps; }

  // Returns the number of output events that the piece completes. An output event has text of any kind (answer,
  // reasoning, arguments of a tool call); empty texts and roles do not count.
  int Append(std::string_view bytes);

  struct Usage {
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;
  };
  // Usage of the last event that has one. Engines send it at the end, or with every event.
  [[nodiscard]] std::optional<Usage> usage() const;
  // Message of an event that reports an error; "" = none. An engine may fail after it has sent status 200. vLLM 0.22.1
  // also rejects token ids beyond its vocabulary in this way.
  [[nodiscard]] std::string error() const;
  // Status code inside such an event, in place of the HTTP status; 0 = none.
  [[nodiscard]] int error_code() const;
  [[nodiscard]] bool done() const { return done_; }  // [DONE]
  // The answer's text as in the JSON, escapes included. "" unless set_keeps_text(true).
  [[nodiscard]] const std::string& escaped_text() const { return text_; }
  // Resets the state; keeps the allocated memory and the setting of set_keeps_text().
  void Reset();

 private:
  bool EndLine(std::string_view line);  // true = output
  bool ReadEvent(std::string_view event);

  bool keeps_text_ = false;
  std::string partial_;      // an unfinished line
  std::string usage_event_;  // the last event with a usage object
  std::string error_event_;
  std::string text_;
  bool done_ = false;
};

// The message of an engine's error document ({"error": {"message": ...}}, {"message": ...} or {"detail": ...}),
// otherwise the body itself; cleaned and shortened.
std::string ErrorMessage(std::string_view body);

}  // namespace autotune::bench
