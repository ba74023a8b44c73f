// Record of one request. Filled by bench/recorder, read by measurement/window; the optional raw records have the same
// data.
//
// A value. Times are on the point's own clock, which starts with its first request.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace autotune::measurement {

enum class RequestOutcome {
  kInFlight,  // no end yet
  kOk,
  // Errors, by kind.
  kTimedOut,
  kRefused,         // HTTP 4xx, including 429: the engine sheds load or rejects the request
  kServerError,     // HTTP 5xx
  kConnectionLost,  // no answer, or one that breaks off
  kErrorEvent,      // an error inside a stream that began with 200
  kNoTokens,        // a complete answer without a token
};
std::string_view RequestOutcomeName(RequestOutcome outcome);  // "TimedOut", ...
inline constexpr std::array<RequestOutcome, 6> kErrorKinds = {
    RequestOutcome::kTimedOut,       RequestOutcome::kRefused,    RequestOutcome::kServerError,
    RequestOutcome::kConnectionLost, RequestOutcome::kErrorEvent, RequestOutcome::kNoTokens};
inline bool IsError(RequestOutcome outcome) {
  return outcome != RequestOutcome::kInFlight && outcome != RequestOutcome::kOk;
}

inline constexpr std::chrono::nanoseconds kNotSent = std::chrono::nanoseconds::max();

struct RequestRecord {
  std::chrono::nanoseconds start{};  // handed to the kernel, or due and held back
  std::chrono::nanoseconds end{};    // last output event, or when it failed; meaningless in flight
  // Arrival of every output event with text, microseconds after `start`, ascending.
  std::vector<std::uint32_t> events;
  std::int32_t input_tokens = 0;   // the engine's usage, or the sent number
  std::int32_t asked_tokens = 0;   // requested number
  std::int32_t output_tokens = 0;  // the engine's usage; 0 in flight and where none came
  std::chrono::nanoseconds lag{};  // from when it should have started to `start`
  // From `start` to when it was sent, of one that waited for a place of the client; kNotSent while it waits.
  std::chrono::nanoseconds held{};
  RequestOutcome outcome = RequestOutcome::kInFlight;
};

// True if the tokens of a complete answer arrived together: a proxy held them back, or the server does not stream. The
// time between its tokens is then not known, and its time to first token is that of the whole answer. An engine takes
// longer for each token than this allows, and a network delivers the whole answer within a small part of its time.
bool CameInOnePiece(const RequestRecord& record);
// Of most answers that have enough tokens to tell.
bool CameInOnePiece(std::span<const RequestRecord> records);

}  // namespace autotune::measurement
