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

}  // namespace autotune::measurement
