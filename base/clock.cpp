#include "base/clock.h"

#include <cstdio>
#include <ctime>

namespace base {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

TimePoint RealClock::Now() const { return std::chrono::steady_clock::now(); }

WallTime RealClock::Wall() const {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

bool RealClock::SleepUntil(TimePoint deadline, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, deadline, [] { return false; });
  return !stop.stop_requested();
}

SimulatedClock::SimulatedClock(WallTime start) : start_(start) {}

TimePoint SimulatedClock::Now() const {
  const std::lock_guard lock(mutex_);
  return TimePoint(elapsed_);
}

WallTime SimulatedClock::Wall() const {
  const std::lock_guard lock(mutex_);
  return start_ + duration_cast<milliseconds>(elapsed_);
}

bool SimulatedClock::SleepUntil(TimePoint deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  ++sleepers_;
  changed_.notify_all();
  changed_.wait(lock, stop, [&] { return TimePoint(elapsed_) >= deadline; });
  --sleepers_;
  return !stop.stop_requested();
}

void SimulatedClock::Advance(Duration by) {
  {
    const std::lock_guard lock(mutex_);
    elapsed_ += by;
  }
  changed_.notify_all();
}

void SimulatedClock::AwaitSleepers(int sleepers) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return sleepers_ >= sleepers; });
}

std::string FormatRfc3339(WallTime time) {
  const std::time_t whole = duration_cast<seconds>(time.time_since_epoch()).count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

WallTime ParseRfc3339(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return WallTime{};
  milliseconds fraction{0};
  if (*rest == '.') {
    int digits = 0;
    std::int64_t value = 0;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest) {
      if (digits < 3) {
        value = value * 10 + (*rest - '0');
        ++digits;
      }
    }
    for (; digits < 3; ++digits) value *= 10;
    fraction = milliseconds(value);
  }
  if (*rest != 'Z') return WallTime{};
  return WallTime(seconds(timegm(&parts))) + fraction;
}

}  // namespace base
