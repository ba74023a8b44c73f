#include "kube/client/http_transport.h"

namespace kube {

std::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kTimeout:
      return "Timeout";
    case ErrorKind::kCancelled:
      return "Cancelled";
    case ErrorKind::kConnect:
      return "Connect";
    case ErrorKind::kTls:
      return "Tls";
    case ErrorKind::kReset:
      return "Reset";
    case ErrorKind::kProtocol:
      return "Protocol";
    case ErrorKind::kTooLarge:
      return "TooLarge";
  }
  return "Unknown";
}

base::Error ToError(const HttpError& error, std::string_view what) {
  base::Error result;
  switch (error.kind) {
    case ErrorKind::kTimeout:
    case ErrorKind::kConnect:
    case ErrorKind::kTls:  // a certificate is renewed some day, and a task must not end because of ours
    case ErrorKind::kReset:
    case ErrorKind::kProtocol:
      result.code = base::Code::kRetry;
      break;
    case ErrorKind::kCancelled:
      result.code = base::Code::kCancelled;
      break;
    case ErrorKind::kTooLarge:
      result.code = base::Code::kInvalid;
      break;
  }
  result.message = std::string(what) + ": " + std::string(ErrorKindName(error.kind)) + ": " + error.text;
  return result;
}

}  // namespace kube
