// Event loop of one thread: epoll for descriptors, and timers with microsecond resolution.
//
// Not thread-safe. Owns only its epoll descriptor. Callers own descriptors and handlers, and must remove them before
// they close or destroy them. Handlers and timers may add, change and remove any of them, including themselves.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/clock.h"

namespace autotune::bench {

using SteadyTime = base::TimePoint;

class EventLoop {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // `events` as epoll reports them (EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP).
    virtual void OnReady(std::uint32_t events) = 0;
  };
  using TimerId = std::uint64_t;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void Watch(int fd, std::uint32_t events, Handler& handler);
  void Change(int fd, std::uint32_t events, Handler& handler);
  void Forget(int fd, Handler& handler);

  TimerId At(SteadyTime time, std::function<void()> action);
  void Cancel(TimerId id);

  // Runs until Stop(), which takes effect before the next handler or timer. A Stop() before Run() ends Run() at once.
  // REQUIRES: not running.
  void Run();
  void Stop() { stopped_ = true; }

  // Maximum time that an event waits to be handled in a batch while many arrive. Waking up for every token of a
  // thousand streams costs three times the CPU time, which the engine needs. 0 = no batching.
  void set_patience(std::chrono::microseconds patience) { patience_ = patience; }

  // Offset of the wall clock from the steady clock, read before every batch of events. The kernel stamps received data
  // with the wall clock, which may be set at any time.
  [[nodiscard]] std::chrono::nanoseconds wall_offset() const { return wall_offset_; }

 private:
  void RunTimers();
  void Wait();
  void BePatient();

  struct Timer {
    TimerId id;
    std::function<void()> action;
  };
  int epoll_ = -1;
  bool stopped_ = false;
  TimerId next_id_ = 1;
  std::multimap<SteadyTime, Timer> timers_;
  std::map<TimerId, SteadyTime> times_;
  std::vector<Handler*> ready_;  // of the batch that is being handled; nullptr = forgotten meanwhile
  std::chrono::nanoseconds wall_offset_{};
  std::chrono::microseconds patience_{0};
  SteadyTime last_batch_;
};

}  // namespace autotune::bench
