// One non-blocking HTTP GET to 127.0.0.1 at a time: the launcher's health check of its engine.
//
// Not thread-safe; driven by its owner's poll loop. Owns its socket. Needs nothing but the C++ library and POSIX.
#pragma once

#include <string>

namespace autotune::bench {

class HealthProbe {
 public:
  enum class Answer { kPending, kHealthy, kUnhealthy };

  HealthProbe(int port, const std::string& path);
  ~HealthProbe() { Close(); }
  HealthProbe(const HealthProbe&) = delete;
  HealthProbe& operator=(const HealthProbe&) = delete;

  // Begins a probe; cancels one that is still running.
  Answer Begin();
  // Continues after poll() reported events() on fd(). Only status 200 is healthy. Any other result, including a refused
  // connection, is unhealthy and ends the probe.
  Answer Continue();
  void Close();

  [[nodiscard]] bool active() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] short events() const;

 private:
  Answer End(Answer answer);

  int port_;
  std::string request_;
  int fd_ = -1;
  std::size_t sent_ = 0;
  std::string received_;  // the answer, at most 64 KiB
};

}  // namespace autotune::bench
