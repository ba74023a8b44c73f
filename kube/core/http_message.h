// Request and Response: HTTP messages as plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kube {

// Header names are compared ignoring case; order and duplicates are kept (Warning may occur repeatedly).
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void Add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // The first value of `name`; nullopt if it is absent.
  [[nodiscard]] std::optional<std::string> Get(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& All() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method = "GET";
  std::string target;  // path and query below the server's base URL, percent-encoded, starts with "/"
  Headers headers;
  std::string body;
  // Total time from the call to the last byte; zero: no limit. The transport's idle timeout (no byte moved) also
  // applies.
  std::chrono::milliseconds deadline{30'000};
  // Maximum size of the response body; beyond it the call ends with kTooLarge. For Stream: maximum length of a line.
  std::size_t body_limit = std::size_t{4} << 20;
  // True if the request may be executed twice: it is then sent once more after a broken connection.
  bool idempotent = false;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
};

}  // namespace kube
