// Clock: interface for reading the time and for waiting.
//
// Thread-safe. RealClock reads the system. SimulatedClock stands still until a test advances it, and then wakes the
// sleepers whose deadline has passed, so no test sleeps. Wall() is for people (status, logs). Durations, deadlines and
// backoff use Now(), which never jumps.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

namespace base {

using SteadyClock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<SteadyClock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint Now() const = 0;
  [[nodiscard]] virtual WallTime Wall() const = 0;
  // Waits until `deadline` or until `stop` is requested. Returns false when stopped.
  virtual bool SleepUntil(TimePoint deadline, const std::stop_token& stop) = 0;
  bool SleepFor(Duration duration, const std::stop_token& stop) { return SleepUntil(Now() + duration, stop); }
};

class RealClock final : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override;
  [[nodiscard]] WallTime Wall() const override;
  bool SleepUntil(TimePoint deadline, const std::stop_token& stop) override;
};

class SimulatedClock final : public Clock {
 public:
  // Starts at this wall time; Now() starts at zero.
  explicit SimulatedClock(WallTime start = WallTime(std::chrono::seconds(1'790'000'000)));
  [[nodiscard]] TimePoint Now() const override;
  [[nodiscard]] WallTime Wall() const override;
  bool SleepUntil(TimePoint deadline, const std::stop_token& stop) override;
  // Moves both clocks forward and wakes every sleeper whose deadline is reached.
  void Advance(Duration by);
  // Blocks (in real time) until `sleepers` threads wait on this clock: a test then knows that it may advance.
  void AwaitSleepers(int sleepers);

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Duration elapsed_{0};
  WallTime start_;
  int sleepers_ = 0;
};

// RFC 3339 in UTC with whole seconds, as Kubernetes writes metav1.Time: "2026-11-22T17:46:05Z".
std::string FormatRfc3339(WallTime time);
// Parses RFC 3339 in UTC; the fraction is optional. Returns the epoch if `text` is not a time.
WallTime ParseRfc3339(const std::string& text);

}  // namespace base
