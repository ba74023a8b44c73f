// HttpTransport: interface around the HTTP library; no type of the library is visible outside.
//
// Thread-safe: any number of threads may call Send and Stream at once. Both block and never throw. ErrorKind has every
// case that callers distinguish. The destructor cancels the calls in flight and waits for them to return.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"
#include "kube/core/http_message.h"

namespace kube {

enum class ErrorKind {
  kTimeout,    // the total deadline or the idle timeout passed; the server may still execute the request
  kCancelled,  // the caller's stop token, or the transport is being destroyed
  kConnect,    // no connection: refused, unreachable, name not resolved
  kTls,        // handshake or certificate
  kReset,      // an existing connection broke; the server may have executed the request
  kProtocol,   // the response is not HTTP, or the request is malformed
  kTooLarge,   // body_limit exceeded
};

// "Timeout" and so on: for logs and the code label of metrics.
std::string_view ErrorKindName(ErrorKind kind);

struct HttpError {
  ErrorKind kind = ErrorKind::kProtocol;
  int system_errno = 0;  // 0 if there is none
  std::string text;      // never contains a credential
};

// kCancelled for kCancelled, kInvalid for kTls and kTooLarge (a person must change something), else kRetry.
base::Error ToError(const HttpError& error, std::string_view what);

template <typename T>
class [[nodiscard]] HttpResult {
 public:
  HttpResult(T value) : state_(std::in_place_index<0>, std::move(value)) {}          // NOLINT: implicit on purpose
  HttpResult(HttpError error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose
  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  // REQUIRES: ok().
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  // REQUIRES: !ok().
  [[nodiscard]] const HttpError& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, HttpError> state_;
};

// Called on the thread that called Stream, once per line, without the line feed. While it runs, only a bounded buffer
// is read from the peer, so a slow sink slows the server. Returning false ends the stream.
using LineSink = std::function<bool(std::string_view line)>;

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;

  // A status of 400 or more is a Response, not an error.
  virtual HttpResult<Response> Send(const Request& request, const std::stop_token& stop) = 0;

  // Passes the body of a 2xx response to `sink` line by line until the server ends it or `sink` returns false; the
  // returned Response then has an empty body. For any other status it returns the body and does not call `sink`.
  virtual HttpResult<Response> Stream(const Request& request, const LineSink& sink, const std::stop_token& stop) = 0;
};

}  // namespace kube
