// One request and its whole answer, blocking, on a connection of its own: for what is not measured.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/event_loop.h"
#include "bench/server.h"

namespace autotune::bench {

struct Answer {
  int status = 0;
  std::string body;
  bool simulated = false;  // it carried X-Simulated: true
};

// kRetry where there is no whole answer within `timeout`. REQUIRES: `loop` is not running.
base::Result<Answer> Exchange(EventLoop& loop, Server& server, std::string_view method, std::string_view path,
                              std::string_view body, std::chrono::milliseconds timeout);

// Does an answer's head say that a simulated engine gave it?
class HttpResponse;
bool IsSimulated(const HttpResponse& head);

}  // namespace autotune::bench
