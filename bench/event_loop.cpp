#include "bench/event_loop.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace autotune::bench {
namespace {

constexpr int kBatch = 256;

std::chrono::nanoseconds Read(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  // The kernel may let a waiting thread sleep 50 us longer than asked, to save power. Arrivals are wanted on time.
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

EventLoop::~EventLoop() { ::close(epoll_); }

void EventLoop::Watch(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void EventLoop::Change(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::Forget(int fd, Handler& handler) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  std::replace(ready_.begin(), ready_.end(), &handler, static_cast<Handler*>(nullptr));
}

EventLoop::TimerId EventLoop::At(SteadyTime time, std::function<void()> action) {
  const TimerId id = next_id_++;
  timers_.emplace(time, Timer{id, std::move(action)});
  times_.emplace(id, time);
  return id;
}

void EventLoop::Cancel(TimerId id) {
  const auto time = times_.find(id);
  if (time == times_.end()) return;
  const auto [from, to] = timers_.equal_range(time->second);
  timers_.erase(std::find_if(from, to, [&](const auto& timer) { return timer.second.id == id; }));
  times_.erase(time);
}

void EventLoop::RunTimers() {
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!stopped_ && !timers_.empty() && timers_.begin()->first <= now) {
    Timer timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    times_.erase(timer.id);
    timer.action();
  }
}

// Sleeps for a moment where events have just come, and no timer is due in it.
void EventLoop::BePatient() {
  if (patience_.count() == 0) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - last_batch_ > patience_) return;
  SteadyTime until = now + patience_;
  if (!timers_.empty()) until = std::min(until, timers_.begin()->first);
  if (until <= now) return;
  const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(until - now);
  const timespec pause{0, static_cast<long>(left.count())};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
}

void EventLoop::Wait() {
  BePatient();
  timespec limit{};
  const timespec* timeout = nullptr;
  if (!timers_.empty()) {
    const auto left = std::max<std::chrono::nanoseconds>(timers_.begin()->first - std::chrono::steady_clock::now(),
                                                         std::chrono::nanoseconds(0));
    limit.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    limit.tv_nsec = (left % std::chrono::seconds(1)).count();
    timeout = &limit;
  }
  std::array<epoll_event, kBatch> events{};
  const int count = ::epoll_pwait2(epoll_, events.data(), kBatch, timeout, nullptr);
  wall_offset_ = Read(CLOCK_REALTIME) - Read(CLOCK_MONOTONIC);
  last_batch_ = std::chrono::steady_clock::now();
  ready_.clear();
  for (int i = 0; i < count; ++i) ready_.push_back(static_cast<Handler*>(events[static_cast<std::size_t>(i)].data.ptr));
  for (std::size_t i = 0; i < ready_.size() && !stopped_; ++i) {
    if (ready_[i] != nullptr) ready_[i]->OnReady(events[i].events);
  }
  ready_.clear();
}

void EventLoop::Run() {
  while (!stopped_) {
    RunTimers();
    if (!stopped_) Wait();
  }
  stopped_ = false;
}

}  // namespace autotune::bench
