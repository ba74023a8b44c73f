#include "measurement/request_record.h"

namespace autotune::measurement {

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kInFlight:
      return "InFlight";
    case Outcome::kOk:
      return "Ok";
    case Outcome::kTimedOut:
      return "TimedOut";
    case Outcome::kRefused:
      return "Refused";
    case Outcome::kServerError:
      return "ServerError";
    case Outcome::kConnectionLost:
      return "ConnectionLost";
    case Outcome::kErrorEvent:
      return "ErrorEvent";
    case Outcome::kNoTokens:
      break;
  }
  return "NoTokens";
}

}  // namespace autotune::measurement
