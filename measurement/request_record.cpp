#include "measurement/request_record.h"

namespace autotune::measurement {

std::string_view RequestOutcomeName(RequestOutcome outcome) {
  switch (outcome) {
    case RequestOutcome::kInFlight:
      return "InFlight";
    case RequestOutcome::kOk:
      return "Ok";
    case RequestOutcome::kTimedOut:
      return "TimedOut";
    case RequestOutcome::kRefused:
      return "Refused";
    case RequestOutcome::kServerError:
      return "ServerError";
    case RequestOutcome::kConnectionLost:
      return "ConnectionLost";
    case RequestOutcome::kErrorEvent:
      return "ErrorEvent";
    case RequestOutcome::kNoTokens:
      break;
  }
  return "NoTokens";
}

namespace {
constexpr std::int32_t kEnoughTokens = 4;  // a shorter answer may arrive at once by chance
}

bool CameInOnePiece(const RequestRecord& record) {
  if (record.outcome != RequestOutcome::kOk || record.events.empty() || record.output_tokens < kEnoughTokens) {
    return false;
  }
  constexpr double kPerToken = 250;  // microseconds: 4,000 tokens/s of one request
  constexpr double kOfFirst = 0.05;
  const double first = record.events.front(), took = record.events.back() - first;
  return took <= kPerToken * (record.output_tokens - 1) && took <= kOfFirst * first;
}

bool CameInOnePiece(std::span<const RequestRecord> records) {
  std::size_t pieces = 0, answers = 0;
  for (const RequestRecord& record : records) {
    if (record.outcome == RequestOutcome::kOk && record.output_tokens >= kEnoughTokens) ++answers;
    if (CameInOnePiece(record)) ++pieces;
  }
  return 2 * pieces > answers;
}

}  // namespace autotune::measurement
