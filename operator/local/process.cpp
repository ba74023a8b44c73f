#include "operator/local/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>
#include <utility>

namespace autotune::local {
namespace {

// posix_spawnp looks into the parent's PATH; a container's command is looked up in the container's.
std::string FindExecutable(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view path;
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) path = std::string_view(entry).substr(5);
  }
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string directory(path.substr(0, colon));
    const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0 && !std::filesystem::is_directory(candidate)) return candidate;
    path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
  }
  return "";
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's two argument objects, freed on every way out.
struct SpawnSettings {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

}  // namespace

base::Result<std::unique_ptr<Process>> Process::Start(const ProcessSpec& spec, std::function<void()> on_exit) {
  if (spec.argv.empty()) return base::Invalid("the container has no command");
  const std::string executable = FindExecutable(spec.argv.front(), spec.environment);
  const base::Error not_found{base::Code::kNotFound,
                              "\"" + spec.argv.front() + "\": executable file not found in $PATH", std::nullopt, 0};
  if (executable.empty()) return not_found;

  SpawnSettings settings;
  const std::string log = spec.log_file.empty() ? "/dev/null" : spec.log_file;
  posix_spawn_file_actions_addopen(&settings.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&settings.actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&settings.actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&settings.actions, STDERR_FILENO + 1);
  if (!spec.directory.empty()) posix_spawn_file_actions_addchdir_np(&settings.actions, spec.directory.c_str());

  // This process may block or ignore signals (Ctrl-C is handled by one thread); a child must not inherit that.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  const std::vector<char*> argv = Pointers(spec.argv);
  const std::vector<char*> environment = Pointers(spec.environment);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, executable.c_str(), &settings.actions, &settings.attributes, argv.data(), environment.data());
  if (error == ENOENT && access(executable.c_str(), F_OK) != 0) return not_found;
  if (error != 0) return base::Invalid("\"" + executable + "\": cannot start: " + std::strerror(error));
  return std::unique_ptr<Process>(new Process(pid, std::move(on_exit)));
}

Process::Process(pid_t pid, std::function<void()> on_exit)
    : pid_(pid), waiter_([this, on_exit = std::move(on_exit)] { Wait(on_exit); }) {}

Process::~Process() {
  Signal(SIGKILL);
  waiter_.join();
}

void Process::Wait(const std::function<void()>& on_exit) {
  // WNOWAIT leaves a zombie: its id, and with it the group's, cannot be reused before the rest of the group is killed.
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  {
    const base::MutexLock lock(mutex_);
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    ProcessExit exit;
    if (WIFSIGNALED(status)) {
      exit.signal = WTERMSIG(status);
      exit.exit_code = 128 + exit.signal;
    } else {
      exit.exit_code = WEXITSTATUS(status);
    }
    exit_ = exit;
  }
  if (on_exit) on_exit();
}

std::optional<ProcessExit> Process::exit() const {
  const base::MutexLock lock(mutex_);
  return exit_;
}

void Process::Signal(int signal) {
  const base::MutexLock lock(mutex_);
  if (!exit_) kill(-pid_, signal);
}

namespace {

// glibc 2.36 declares these two without C linkage, so a C++ program cannot link them.
int PidfdOpen(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
bool PidfdKill(int pidfd) { return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) == 0; }

// Whether the process is one to kill. Empty for what is dead already: a zombie keeps its directory but no environment.
bool StartedWith(const std::filesystem::path& directory, const std::string& entry) {
  std::ifstream file(directory / "environ", std::ios::binary);
  const std::string environment = '\0' + std::string(std::istreambuf_iterator<char>(file), {}) + '\0';
  return environment.find('\0' + entry + '\0') != std::string::npos;
}

// A killed process keeps its environment until it has given its memory back, which takes an engine seconds: without
// waiting for that the next look would count it again. False for one that hangs in a driver and may never end.
bool AwaitDeath(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  constexpr int kLimitMs = 10'000;
  int result = 0;
  while ((result = poll(&ended, 1, kLimitMs)) < 0 && errno == EINTR) {
  }
  return result > 0;
}

}  // namespace

int KillMarked(const std::string& entry) {
  int killed = 0;
  // A process may fork between two looks, and one that is just executing another program has no environment to read: a
  // few rounds find the last one, two that find none end it.
  int without = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<int> dying;
    std::error_code error;
    for (const auto& directory : std::filesystem::directory_iterator("/proc", error)) {
      const std::string name = directory.path().filename();
      int pid = 0;
      const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
      if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size() || pid == getpid()) continue;
      if (!StartedWith(directory.path(), entry)) continue;
      const int pidfd = PidfdOpen(pid);
      if (pidfd < 0) continue;
      // Looked at again: only now the number cannot have become another process's.
      if (StartedWith(directory.path(), entry) && PidfdKill(pidfd)) {
        dying.push_back(pidfd);
      } else {
        close(pidfd);
      }
    }
    killed += static_cast<int>(dying.size());
    bool all_died = true;
    for (const int pidfd : dying) {
      all_died = all_died && AwaitDeath(pidfd);
      close(pidfd);
    }
    if (!all_died) break;
    if (!dying.empty()) {
      without = 0;
    } else if (++without == 2) {
      break;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  return killed;
}

}  // namespace autotune::local
