// TokenBucket: rate limiter with an average rate and a burst.
//
// Thread-safe; waiters are served in the order in which they came. Non-positive rates switch it off.
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "base/thread_annotations.h"

namespace kube {

class TokenBucket {
 public:
  TokenBucket(double per_second, double burst, base::Clock& clock);

  // Takes one token and says when it may be spent: now or later. Never blocks.
  base::TimePoint Reserve() EXCLUDES(mutex_);
  // Reserve, then wait for it. False when stopped.
  bool Take(const std::stop_token& stop) EXCLUDES(mutex_);

 private:
  const double per_second_;
  const double burst_;
  base::Clock& clock_;
  base::Mutex mutex_;
  double tokens_ GUARDED_BY(mutex_);
  base::TimePoint updated_ GUARDED_BY(mutex_);
};

}  // namespace kube
