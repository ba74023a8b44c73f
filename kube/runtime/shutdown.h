// Shutdown: SIGTERM and SIGINT as a stop token.
//
// Call BlockSignals() before the first thread starts: all threads inherit the mask, and only SignalWaiter's thread
// receives the signals, so no signal handler runs. SIGPIPE is ignored. The first signal requests a stop; the second
// ends the process at once with exit code 1.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace kube::runtime {

void BlockSignals();

class SignalWaiter {
 public:
  // `second` replaces the exit at the second signal, for tests.
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
