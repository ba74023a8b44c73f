#include "kube/runtime/shutdown.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <utility>

namespace kube::runtime {

namespace {

sigset_t Watched() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // SIGUSR2 is our own way to wake the waiting thread when the program ends without a signal.
  sigaddset(&signals, SIGUSR2);
  return signals;
}

}  // namespace

void BlockSignals() {
  const sigset_t signals = Watched();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a peer that closes is an error of write, not the end of the process
}

SignalWaiter::SignalWaiter(std::function<void()> second) : second_(std::move(second)) {
  if (!second_) second_ = [] { ::_exit(1); };
  thread_ = std::jthread([this](const std::stop_token& end) { Run(end); });
}

SignalWaiter::~SignalWaiter() {
  thread_.request_stop();
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void SignalWaiter::Run(const std::stop_token& end) {
  const sigset_t signals = Watched();
  while (!end.stop_requested()) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0 || signal == SIGUSR2) continue;
    if (stop_.stop_requested()) {
      second_();
    } else {
      stop_.request_stop();
    }
  }
}

void SignalWaiter::Wait() const {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, stop_.get_token(), [] { return false; });
}

}  // namespace kube::runtime
