// Blocking requests with complete responses, on separate connections: for requests that are not measured. One thread.
#pragma once

#include <chrono>
#include <ctime>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/event_loop.h"
#include "bench/server.h"

namespace autotune::bench {

struct Answer {
  int status = 0;
  std::string body;
  std::string location;    // of a redirection
  bool simulated = false;  // the response had the header X-Simulated: true
};

// Describes an unsuccessful response: "HTTP 404: Not Found"; for a redirection, which is not followed, its target.
std::string StatusText(int status, std::string_view location, std::string_view body);

// The wait of a Retry-After header: seconds, or an HTTP date ("Fri, 31 Dec 1999 23:59:59 GMT"; RFC 9110, section
// 10.2.3). 0 if there is none, if it is neither, or if the date has passed; at most a day.
std::chrono::milliseconds RetryAfterOf(std::string_view value, std::time_t now);

// Returns kRetry if there is no complete response within `timeout`. REQUIRES: `loop` is not running.
base::Result<Answer> Exchange(EventLoop& loop, Server& server, std::string_view method, std::string_view path,
                              std::string_view body, std::chrono::milliseconds timeout);

// Sends all `bodies`, at most `in_flight` at a time, each with `timeout`; responses are in their order. `interrupted`
// is checked every 50 ms; if it returns true, requests without a response end with kCancelled.
std::vector<base::Result<Answer>> ExchangeAll(EventLoop& loop, Server& server, std::string_view method,
                                              std::string_view path, std::span<const std::string> bodies,
                                              std::size_t in_flight, std::chrono::milliseconds timeout,
                                              const std::function<bool()>& interrupted);

// True if the head of a response marks a simulated engine (X-Simulated: true).
class HttpResponse;
bool IsSimulated(const HttpResponse& head);

}  // namespace autotune::bench
