// Result<T>: a value, or an Error whose code tells the caller what to do.
//
// Errors are values here: exceptions of libraries are caught where the library is called and never cross a folder. The
// codes are a fixed set and name the caller's action, as the canonical codes of absl::Status do. Plain values, no
// ownership, safe to copy between threads.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace base {

enum class Code {
  kRetry,          // transient (network, server overload): try again with backoff, or after Error::retry_after
  kConflict,       // another client wrote first: observe and decide again
  kNotFound,       // the object does not exist, or no longer
  kAlreadyExists,  // an object with this name exists: check its owner
  kDenied,         // not allowed (RBAC, pod security, quota): report it, retry slowly
  kInvalid,        // the input is wrong and stays wrong: report it, do not retry
  kCancelled,      // the caller asked to stop
};

// The code's name for logs and metrics, for example "Conflict".
std::string_view CodeName(Code code);

struct Error {
  Code code = Code::kInvalid;
  // Names the field, the value and the correction: `parameters.tp-size[1]: "two" is not an integer`.
  std::string message;
  // Set only with kRetry: time to wait that the server asked for.
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;
  // HTTP status if the error came from an HTTP response, else 0.
  int http_status = 0;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  // REQUIRES: !ok().
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

inline Error Invalid(std::string message) { return {Code::kInvalid, std::move(message), std::nullopt, 0}; }
inline Error Retry(std::string message) { return {Code::kRetry, std::move(message), std::nullopt, 0}; }

}  // namespace base
