// ClientObserver: receives each request of a client, for metrics.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace kube {

// Called on the calling thread of each request; must not block.
class ClientObserver {
 public:
  virtual ~ClientObserver() = default;
  // `code` is the HTTP status, or ErrorKindName() if there was no response.
  virtual void OnRequest(std::string_view method, std::string_view code, base::Duration duration) = 0;
};

}  // namespace kube
