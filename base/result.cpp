#include "base/result.h"

namespace base {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kRetry:
      return "Retry";
    case Code::kConflict:
      return "Conflict";
    case Code::kNotFound:
      return "NotFound";
    case Code::kAlreadyExists:
      return "AlreadyExists";
    case Code::kDenied:
      return "Denied";
    case Code::kInvalid:
      return "Invalid";
    case Code::kCancelled:
      return "Cancelled";
  }
  return "Unknown";
}

}  // namespace base
