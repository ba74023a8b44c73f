// ReadResponse: waits for the response of one exchange and passes its lines on. Runs on the calling thread.
#pragma once

#include "kube/client/http_transport.h"
#include "kube/cpprest/exchange.h"

namespace kube::cpprest {

struct ReadAnswer {
  HttpResult<Response> result;
  bool to_the_end = false;  // false: more of the response may still arrive
};

// Returns the whole body, or passes the lines of a 2xx response to `sink` if it is not null. Ends at `deadline`, and
// for the other reasons of ErrorKind. `request`: the sent request, for its body_limit and deadline.
ReadAnswer ReadResponse(Exchange& exchange, const Request& request, const LineSink* sink,
                        SteadyClock::time_point deadline);

}  // namespace kube::cpprest
