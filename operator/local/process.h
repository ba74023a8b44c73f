// One child process in a process group of its own, and everything it starts.
//
// A thread per process waits for its end, without polling. Thread-safe; the owner's destructor ends the whole group and
// joins. The group is killed when its leader ends, as a container's other processes are; processes that left the group
// (setsid) are found by KillMarked().
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
  int exit_code = 0;  // 128 + signal when killed, as a container runtime reports it
  int signal = 0;
};

class Process {
 public:
  // kNotFound when the executable does not exist; kInvalid for any other reason why it cannot start. `on_exit` is
  // called once from the waiting thread, after exit() is set; it must not destroy the process.
  static base::Result<std::unique_ptr<Process>> Start(const ProcessSpec& spec, std::function<void()> on_exit);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] std::optional<ProcessExit> exit() const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  // To every process of the group; nothing happens once it has ended.
  void Signal(int signal);

 private:
  Process(pid_t pid, std::function<void()> on_exit);
  void Wait(const std::function<void()>& on_exit);

  const pid_t pid_;
  mutable base::Mutex mutex_;
  std::optional<ProcessExit> exit_ GUARDED_BY(mutex_);
  std::thread waiter_;
};

// Kills (SIGKILL) every process that has `entry` ("NAME=value") in the environment it was started with, until none is
// left or one does not die within ten seconds; engines start workers in sessions of their own. Never this process.
// Returns how many were killed. Needs Linux 5.3 (pidfd_open).
int KillMarked(const std::string& entry);

}  // namespace autotune::local
