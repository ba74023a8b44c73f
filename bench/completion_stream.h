// Reads one streamed answer of an OpenAI completions endpoint: server-sent events, in pieces as the network delivers.
//
// Made for thousands of events a second on one thread: an event is searched for the few keys that matter and parsed as
// JSON only when it ends the request. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::bench {

class CompletionStream {
 public:
  // What a piece of the answer brought.
  struct Progress {
    bool text = false;  // at least one event with a non-empty text
    bool done = false;  // [DONE]
  };
  Progress Append(std::string_view bytes);

  struct Usage {
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;
  };
  // Of the last event that carried one. Engines send it at the end, or with every event.
  [[nodiscard]] std::optional<Usage> usage() const;
  // The message of an event that reports an error, "" = none. An engine that fails in the middle has sent its 200 long
  // before.
  [[nodiscard]] std::string error() const;
  [[nodiscard]] bool done() const { return done_; }
  // Forgets everything but its memory.
  void Reset();

 private:
  void EndLine(std::string_view line, Progress& progress);

  std::string partial_;      // an unfinished line
  std::string usage_event_;  // the last event with a usage object
  std::string error_event_;
  bool done_ = false;
};

// The message of an engine's error document, in the shapes that engines use ({"error": {"message": ...}},
// {"message": ...}, {"detail": ...}), else the text itself; clean and short.
std::string ErrorMessage(std::string_view body);

}  // namespace autotune::bench
