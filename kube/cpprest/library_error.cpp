#include "kube/cpprest/library_error.h"

#include <cerrno>
#include <string_view>

namespace kube::cpprest {

HttpError ClassifyError(int code, const std::string& text) {
  const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  HttpError error{ErrorKind::kReset, code, text};
  if (code == ETIMEDOUT) {
    error.kind = ErrorKind::kTimeout;
  } else if (code == ECANCELED) {
    error.kind = ErrorKind::kCancelled;
  } else if (says("SSL handshake") || says("certificate")) {
    error.kind = ErrorKind::kTls;
    error.system_errno = 0;
  } else if (says("resolving address") || says("Failed to connect") || says("proxy") || code == EHOSTUNREACH ||
             code == ECONNREFUSED) {
    error.kind = ErrorKind::kConnect;
  } else if (says("arse") || says("nvalid") || says("header")) {
    // "Failed to parse HTTP status line", "Invalid chunk", "Transfer-Encoding header ...". But a connection that ends
    // while headers are read or written is a reset.
    const bool io = says("Failed to read") || says("Failed to write") || says("Retrieving");
    error.kind = io ? ErrorKind::kReset : ErrorKind::kProtocol;
  }
  return error;
}

}  // namespace kube::cpprest
