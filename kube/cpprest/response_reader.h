// ReadResponse: waits for the answer of one exchange, and hands its lines on. On the calling thread.
#pragma once

#include "kube/client/http_transport.h"
#include "kube/cpprest/exchange.h"

namespace kube::cpprest {

struct ReadAnswer {
  HttpResult<Response> result;
  bool to_the_end = false;  // false: a rest of the answer may still come
};

// The whole body, or the lines of a 2xx answer to `sink` unless it is null. Ends at `deadline`, and for the other
// reasons of ErrorKind. `request` is what was sent: its body_limit and deadline.
ReadAnswer ReadResponse(Exchange& exchange, const Request& request, const LineSink* sink,
                        SteadyClock::time_point deadline);

}  // namespace kube::cpprest
