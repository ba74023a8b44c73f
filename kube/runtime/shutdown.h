// Shutdown: SIGTERM and SIGINT as a stop token.
//
// BlockSignals() comes before the first thread is started: all threads then inherit the mask, and only the waiting
// thread of SignalWaiter sees the signals, so that no handler ever runs in the middle of anything. SIGPIPE is ignored.
// The first signal requests a stop, the second ends the process at once with exit code 1.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace kube::runtime {

void BlockSignals();

class SignalWaiter {
 public:
  // `second` replaces the exit, for tests.
  explicit SignalWaiter(std::function<void()> second = {});
  // Joins the thread without waiting for a signal.
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }
  // Blocks until the first signal.
  void Wait() const;

 private:
  void Run(const std::stop_token& end);

  std::function<void()> second_;
  std::stop_source stop_;
  std::jthread thread_;
};

}  // namespace kube::runtime
