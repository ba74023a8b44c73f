// TokenBucket: rate limiter with an average rate and a burst.
//
// Thread-safe; waiters are served in order of arrival. A rate of 0 or less disables it.
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "base/thread_annotations.h"

namespace kube {

class TokenBucket {
 public:
  TokenBucket(double per_second, double burst, base::Clock& clock);

  // Takes one token and returns when it may be used: now or later. Never blocks.
  base::TimePoint Reserve() EXCLUDES(mutex_);
  // Takes one token and waits until it may be used. Returns false if stopped.
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
