// Traffic: what has come from the server and was not handed on.
//
// Thread-safe; shared by the exchanges and by the TLS contexts of one transport. The library reads the head of an
// answer into memory until it ends, and tells nobody how much that is. It is what its connections have received less
// what came out as bodies: an exchange that still waits for its head is ended when this has grown by more, since it
// began, than a head may be and the bodies of the others, each of which the library may hold back as one chunk. Plain
// http is not counted.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "base/thread_annotations.h"

namespace kube::cpprest {

class Exchange;

class Traffic {
 public:
  // `exchange` is borrowed until End.
  void Begin(Exchange* exchange, std::size_t body_limit) EXCLUDES(mutex_);
  // What an exchange that was broken off has left behind is nobody's head.
  void End(Exchange* exchange, bool to_the_end) EXCLUDES(mutex_);
  void Received(std::size_t bytes) EXCLUDES(mutex_);
  // Counted twice: the bytes and, generously, their framing.
  void Delivered(std::size_t bytes) EXCLUDES(mutex_);

  // Counts the TLS records of this context's connections, for as long as it lives.
  static void Count(const std::shared_ptr<Traffic>& traffic, SSL_CTX* context);

 private:
  struct Share {
    std::int64_t begun_at = 0;
    std::int64_t body_limit = 0;
  };
  base::Mutex mutex_;
  std::int64_t undelivered_ GUARDED_BY(mutex_) = 0;
  std::map<Exchange*, Share> in_flight_ GUARDED_BY(mutex_);
};

}  // namespace kube::cpprest
