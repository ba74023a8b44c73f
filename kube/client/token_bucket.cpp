#include "kube/client/token_bucket.h"

#include <algorithm>
#include <chrono>

namespace kube {

TokenBucket::TokenBucket(double per_second, double burst, base::Clock& clock)
    : per_second_(per_second), burst_(std::max(burst, 1.0)), clock_(clock), tokens_(burst_), updated_(clock.Now()) {}

base::TimePoint TokenBucket::Reserve() {
  const base::MutexLock lock(mutex_);
  const base::TimePoint now = clock_.Now();
  if (per_second_ <= 0) return now;
  tokens_ = std::min(burst_, tokens_ + std::chrono::duration<double>(now - updated_).count() * per_second_);
  updated_ = now;
  // The count goes below zero: each waiter owes its token, which is what puts the waiters in line.
  tokens_ -= 1;
  if (tokens_ >= 0) return now;
  return now + std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(-tokens_ / per_second_));
}

bool TokenBucket::Take(const std::stop_token& stop) {
  const base::TimePoint when = Reserve();
  if (when <= clock_.Now()) return !stop.stop_requested();
  return clock_.SleepUntil(when, stop);
}

}  // namespace kube
