// Blocking requests with complete answers, on separate connections: for requests that are not measured. One thread.
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
  bool simulated = false;  // it carried X-Simulated: true
};

// What an answer without success says: "HTTP 404: Not Found"; of a redirection, which is not followed, its target.
std::string StatusText(int status, std::string_view location, std::string_view body);

// The wait that a header Retry-After asks for, in seconds or until an HTTP date ("Fri, 31 Dec 1999 23:59:59 GMT"; RFC
// 9110, section 10.2.3). 0 for none, one that has passed or one that is neither; at most a day.
std::chrono::milliseconds RetryAfterOf(std::string_view value, std::time_t now);

// kRetry if there is no complete answer within `timeout`. REQUIRES: `loop` is not running.
base::Result<Answer> Exchange(EventLoop& loop, Server& server, std::string_view method, std::string_view path,
                              std::string_view body, std::chrono::milliseconds timeout);

// All `bodies`, at most `in_flight` at a time, each within `timeout`; answers in their order. `interrupted` is checked
// every 50 ms; requests without an answer are then kCancelled.
std::vector<base::Result<Answer>> ExchangeAll(EventLoop& loop, Server& server, std::string_view method,
                                              std::string_view path, std::span<const std::string> bodies,
                                              std::size_t in_flight, std::chrono::milliseconds timeout,
                                              const std::function<bool()>& interrupted);

// True if the head of the answer marks a simulated engine.
class HttpResponse;
bool IsSimulated(const HttpResponse& head);

}  // namespace autotune::bench
