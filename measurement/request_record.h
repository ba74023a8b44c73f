// Record of one request: written by bench/recorder.h, read by measurement/window.h. The optional raw records have the
// same data.
//
// A value. Times are relative to the point's first request.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace autotune::measurement {

enum class RequestOutcome {
  kInFlight,  // not ended yet
  kOk,
  // Errors, by kind.
  kTimedOut,
  kRefused,         // HTTP 4xx, including 429: the engine sheds load or rejects the request
  kServerError,     // HTTP 5xx
  kConnectionLost,  // no response, or an incomplete one
  kErrorEvent,      // an error inside a stream that began with 200
  kNoTokens,        // a complete response without a token
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
  std::chrono::nanoseconds start{};  // handed to the kernel, or due if it was held back
  std::chrono::nanoseconds end{};    // last output event, or the failure; undefined while in flight
  // Arrival of every output event with text, microseconds after `start`, ascending.
  std::vector<std::uint32_t> events;
  std::int32_t input_tokens = 0;   // as reported by the engine, or the number sent
  std::int32_t asked_tokens = 0;   // requested number
  std::int32_t output_tokens = 0;  // as reported by the engine; 0 while in flight and if none arrived
  std::chrono::nanoseconds lag{};  // from when it was due to `start` (send lag)
  // Time from `start` until it was sent, if it waited in the client; kNotSent while it waits.
  std::chrono::nanoseconds held{};
  RequestOutcome outcome = RequestOutcome::kInFlight;
};

// True if the tokens of a complete response arrived together: a proxy held them back, or the server does not stream.
// The time between tokens is then unknown, and TTFT is that of the whole response. An engine needs longer per token
// than this allows, and a network delivers a whole response within a small part of its time.
bool CameInOnePiece(const RequestRecord& record);
// True if this holds for most responses that have enough tokens to decide.
bool CameInOnePiece(std::span<const RequestRecord> records);

}  // namespace autotune::measurement
