// One child process in a process group of its own, and everything it starts.
//
// One thread per process waits for its end, without polling. Thread-safe; the destructor ends the whole process group
// and joins. When the leader ends, the group is killed, like the other processes of a container. KillMarked() finds
// processes that left the group (setsid).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"

namespace autotune::local {

struct ProcessSpec {
  std::vector<std::string> argv;         // argv[0] is looked up in the PATH of `environment`
  std::vector<std::string> environment;  // "NAME=value", complete
  std::string directory;                 // working directory
  std::string log_file;                  // stdout and stderr are appended; "" = /dev/null
};

struct ProcessExit {
  int exit_code = 0;  // 128 + signal if killed, as a container runtime reports it
  int signal = 0;
};

class Process {
 public:
  // kNotFound: the executable does not exist; kInvalid: it cannot be started for another reason. `on_exit` is called
  // once on the waiting thread, after exit() is set; it must not destroy the process.
  static base::Result<std::unique_ptr<Process>> Start(const ProcessSpec& spec, std::function<void()> on_exit);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] std::optional<ProcessExit> exit() const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Sends a signal to every process of the group; no effect after the process has ended.
  void Signal(int signal);

 private:
  Process(pid_t pid, std::function<void()> on_exit);
  void Wait(const std::function<void()>& on_exit);

  const pid_t pid_;
  mutable base::Mutex mutex_;
  std::optional<ProcessExit> exit_ GUARDED_BY(mutex_);
  std::thread waiter_;
};

// Kills (SIGKILL) every process that was started with `entry` ("NAME=value") in its environment, except this one, until
// none is left or ten seconds have passed: engines start workers in their own sessions. Returns the number of killed
// processes. Requires Linux 5.3 (pidfd_open).
int KillMarked(const std::string& entry);

}  // namespace autotune::local
