#include "bench/supervisor.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "bench/engine_state.h"
#include "bench/health_probe.h"
#include "bench/log_digest.h"
#include "bench/machine_facts.h"

namespace autotune::bench {
namespace {

using base::SteadyClock;
using std::chrono::milliseconds;
using Phase = EngineState::Phase;

constexpr int kExitUnusable = 20;
constexpr milliseconds kProbeInterval{250};
constexpr milliseconds kProbeTimeout{20'000};   // SGLang's /health generates a token
constexpr milliseconds kReadyInterval{100};     // of `ready`, which reads a file
constexpr milliseconds kTick{1'000};            // out-of-memory counter
constexpr milliseconds kLastWords{500};         // for what other processes of the engine still print after its end
constexpr milliseconds kAfterKill{5'000};       // processes in a driver call cannot be killed: do not wait forever
constexpr std::size_t kMaxPending = 64 * 1024;  // log bytes taken from the engine and not yet written
constexpr std::size_t kWriteBytes = 4096;       // PIPE_BUF: what a writable pipe takes without blocking

std::string ErrorText(int error) { return std::strerror(error); }

// A file that is seen whole or not at all.
bool ReplaceFile(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = path + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return false;
  bool ok = ::fchmod(fd, mode) == 0;  // another user's container reads it: the umask does not count
  for (std::size_t at = 0; ok && at < content.size();) {
    const ssize_t n = ::write(fd, content.data() + at, content.size() - at);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) at += static_cast<std::size_t>(n);
  }
  ok = ::close(fd) == 0 && ok;
  ok = ok && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!ok) ::unlink(temporary.c_str());
  return ok;
}

std::optional<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// Every process that descends from this one. Orphans of the engine are its children too: it is a subreaper or PID 1.
std::vector<pid_t> Descendants() {
  std::multimap<pid_t, pid_t> children;
  if (DIR* proc = ::opendir("/proc"); proc != nullptr) {
    while (const dirent* entry = ::readdir(proc)) {
      const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
      if (pid <= 0) continue;
      // "pid (name) state ppid": the name may contain anything, so read from the last ')'.
      const std::optional<std::string> stat = ReadWhole(std::string("/proc/") + entry->d_name + "/stat");
      const std::size_t end = stat ? stat->rfind(')') : std::string::npos;
      if (end == std::string::npos || end + 4 > stat->size()) continue;
      children.emplace(static_cast<pid_t>(std::strtol(stat->c_str() + end + 4, nullptr, 10)), pid);
    }
    ::closedir(proc);
  }
  std::vector<pid_t> found{::getpid()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

// Engines open a socket per request and pin memory; container runtimes hand out low soft limits with high hard ones.
void RaiseLimits() {
  const struct {
    int resource;
    rlim_t most;
  } kLimits[] = {
      {RLIMIT_NOFILE, 1'048'576},  // beyond it, programs that close "every" descriptor take minutes to start
      {RLIMIT_MEMLOCK, RLIM_INFINITY},
      // Not unlimited: glibc then gives threads 2 MiB stacks instead of this. 64 MiB is NVIDIA's recommendation.
      {RLIMIT_STACK, 64u << 20},
  };
  for (const auto& [resource, most] : kLimits) {
    rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) continue;
    const rlim_t wanted = std::min(limit.rlim_max, most);  // RLIM_INFINITY is the largest value
    if (wanted <= limit.rlim_cur) continue;
    limit.rlim_cur = wanted;
    ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
  }
}

class Supervisor {
 public:
  explicit Supervisor(const LaunchOptions& options)
      : options_(options), probe_(options.port, options.health_path), start_(SteadyClock::now()) {}

  ~Supervisor() {
    for (const int fd : {signals_, log_}) {
      if (fd >= 0) ::close(fd);
    }
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  int Run() {
    TakeSignals();
    ::mkdir(options_.dir.c_str(), 0777);
    const std::string marker = options_.dir + "/" + kStartMarkerFile;
    const int fd = ::open(marker.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0) {
      ::close(fd);
      StartEngine();
    } else if (errno == EEXIST) {
      DeclareKilled();
    } else {
      std::fprintf(stderr, "autotune-launch: cannot create %s: %s\n", marker.c_str(), ErrorText(errno).c_str());
      return kExitUnusable;
    }
    if (!WriteState()) {
      std::fprintf(stderr, "autotune-launch: cannot write %s/%s: %s\n", options_.dir.c_str(), kEngineStateFile,
                   ErrorText(errno).c_str());
      stopping_ = true;  // nobody would ever know how the engine is: end it and the launcher
      BeginKill();
    }
    while (!(stopping_ && !HasChildren())) Step();
    FlushPending();
    return write_failed_ ? kExitUnusable : 0;
  }

 private:
  void TakeSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, &old_mask_);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);  // a parent that ignores it passes that on, and nothing could be waited for
    signals_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // PID 1 in a container is one anyway
  }

  bool WriteState() {
    const bool ok = ReplaceFile(options_.dir + "/" + kEngineStateFile, EncodeEngineState(state_), 0644);
    write_failed_ = write_failed_ || !ok;
    return ok;
  }

  void Say(const std::string& text) { pending_ += "autotune-launch: " + text + "\n"; }

  // The whole container was killed and this is its next incarnation: what the last one wrote is all that is known.
  void DeclareKilled() {
    if (const auto text = ReadWhole(options_.dir + "/" + kEngineStateFile)) {
      if (auto previous = DecodeEngineState(*text); previous.ok()) state_ = *std::move(previous);
    }
    // An outcome that was complete stays.
    if (state_.phase == Phase::kStarting || state_.phase == Phase::kReady) state_.phase = Phase::kKilled;
    outcome_written_ = true;
    Say("this container was restarted; the engine is not started again");
  }

  void StartEngine() {
    RaiseLimits();
    oom_baseline_ = OomKills();
    state_.gpu_product = GpuProduct();
    state_.driver = GpuDriver();
    int log[2];
    int failure[2];
    if (::pipe2(log, O_CLOEXEC) != 0 || ::pipe2(failure, O_CLOEXEC) != 0) {
      NotStarted(errno);
      return;
    }
    start_ = SteadyClock::now();
    engine_ = ::fork();
    if (engine_ == 0) RunEngine(log[1], failure[1]);  // does not return
    const int fork_error = errno;
    ::close(log[1]);
    ::close(failure[1]);
    log_ = log[0];
    ::fcntl(log_, F_SETFL, O_NONBLOCK);
    if (engine_ < 0) {
      ::close(failure[0]);
      NotStarted(fork_error);
      return;
    }
    ::setpgid(engine_, engine_);  // here and in the child: whoever is first
    int exec_error = 0;
    ssize_t n = 0;
    do {
      n = ::read(failure[0], &exec_error, sizeof exec_error);  // ends at once: the pipe closes with a successful exec
    } while (n < 0 && errno == EINTR);
    ::close(failure[0]);
    if (n == sizeof exec_error) {
      ::waitpid(engine_, nullptr, 0);
      NotStarted(exec_error);
      return;
    }
    next_probe_ = start_ + kProbeInterval;
    Say("started " + options_.argv[0] + " as process " + std::to_string(engine_));
  }

  void NotStarted(int error) {
    engine_ = -1;
    state_.phase = Phase::kNotStarted;
    state_.error_lines = {"cannot execute \"" + options_.argv[0] + "\": " + ErrorText(error)};
    outcome_written_ = true;
    Say(state_.error_lines[0]);
  }

  [[noreturn]] void RunEngine(int log, int failure) {
    ::setpgid(0, 0);
    // A launcher that is killed outright takes the engine along.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::signal(SIGPIPE, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
    std::vector<char*> argv;
    for (const std::string& argument : options_.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t n = ::write(failure, &error, sizeof error);
    ::_exit(127);
  }

  // One turn of the loop: wait for whatever comes first, then handle it.
  void Step() {
    const auto now = SteadyClock::now();
    auto until = now + std::chrono::hours(1);
    const auto wake_at = [&](SteadyClock::time_point time) { until = std::min(until, time); };
    if (Probing()) wake_at(probe_.active() ? probe_deadline_ : next_probe_);
    if (Probing()) wake_at(start_ + options_.startup_timeout);
    if (engine_ > 0) wake_at(next_tick_);
    if (ended_at_ && !outcome_written_) wake_at(*ended_at_ + kLastWords);
    if (kill_at_) wake_at(*kill_at_);
    if (killed_at_ && stopping_) wake_at(*killed_at_ + kAfterKill);

    enum { kSignals, kLog, kOut, kProbe, kFds };
    std::array<pollfd, kFds> fds{};
    fds[kSignals] = {signals_, POLLIN, 0};
    fds[kLog] = {log_ >= 0 && pending_.size() < kMaxPending ? log_ : -1, POLLIN, 0};
    fds[kOut] = {pending_.empty() || out_closed_ ? -1 : STDOUT_FILENO, POLLOUT, 0};
    fds[kProbe] = {probe_.active() ? probe_.fd() : -1, probe_.active() ? probe_.events() : short{0}, 0};
    const auto wait = std::chrono::ceil<milliseconds>(std::max(until - now, SteadyClock::duration::zero()));
    ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));

    if (fds[kSignals].revents != 0) ReadSignals();
    if (fds[kLog].revents != 0) ReadLog();
    if (fds[kOut].revents != 0) WriteOut();
    if (out_closed_) pending_.clear();
    if (fds[kProbe].revents != 0 && probe_.active()) OnProbe(probe_.Continue());
    Reap();
    OnTime(SteadyClock::now());
  }

  [[nodiscard]] bool Probing() const {
    return engine_ > 0 && state_.phase == Phase::kStarting && !stopping_ && !ended_at_;
  }

  void ReadSignals() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) continue;  // Reap() looks anyway
      if (!stopping_) Say("stopped");
      stopping_ = true;
      probe_.Close();
      BeginKill();
    }
  }

  void ReadLog() {
    std::array<char, 16 * 1024> buffer;
    const ssize_t n = ::read(log_, buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {  // every process of the engine has closed it
      ::close(log_);
      log_ = -1;
      return;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
    if (!outcome_written_) digest_.Append(bytes);
    if (!out_closed_) pending_ += bytes;
  }

  void WriteOut() {
    const ssize_t n = ::write(STDOUT_FILENO, pending_.data(), std::min(pending_.size(), kWriteBytes));
    if (n > 0) {
      pending_.erase(0, static_cast<std::size_t>(n));
    } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
      out_closed_ = true;  // nobody reads: the engine must not block on it
    }
  }

  // At the end: whatever the reader takes at once.
  void FlushPending() {
    while (!pending_.empty() && !out_closed_) {
      pollfd out{STDOUT_FILENO, POLLOUT, 0};
      if (::poll(&out, 1, 1000) <= 0) return;
      WriteOut();
    }
  }

  void OnProbe(HealthProbe::Answer answer) {
    switch (answer) {
      case HealthProbe::Answer::kPending:
        return;
      case HealthProbe::Answer::kUnhealthy:
        next_probe_ = SteadyClock::now() + kProbeInterval;
        return;
      case HealthProbe::Answer::kHealthy:
        break;
    }
    state_.phase = Phase::kReady;
    state_.was_ready = true;
    state_.start_seconds = SecondsSinceStart();
    digest_.ForgetErrors();
    Say("ready after " + std::to_string(state_.start_seconds) + " s");
    WriteState();
  }

  void Reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != engine_) continue;  // an orphan of the engine
      engine_ = -1;
      ended_at_ = SteadyClock::now();
      if (outcome_written_) continue;
      state_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
      state_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      if (!state_.was_ready) state_.start_seconds = SecondsSinceStart();
    }
  }

  void OnTime(SteadyClock::time_point now) {
    if (Probing() && now >= start_ + options_.startup_timeout) {
      probe_.Close();
      state_.start_seconds = SecondsSinceStart();
      WriteOutcome(Phase::kStartupTimeout);
      BeginKill();
    }
    if (Probing() && probe_.active() && now >= probe_deadline_) OnProbe(probe_.Begin());
    if (Probing() && !probe_.active() && now >= next_probe_) {
      probe_deadline_ = now + kProbeTimeout;
      OnProbe(probe_.Begin());
    }
    // v1 kills one process, which need not be the engine's first: say it while the engine may still hang on.
    if (engine_ > 0 && now >= next_tick_) {
      next_tick_ = now + kTick;
      if (CountOomKills() && !outcome_written_) WriteState();
    }
    if (ended_at_ && !outcome_written_ && (log_ < 0 || now >= *ended_at_ + kLastWords)) {
      probe_.Close();
      WriteOutcome(Phase::kExited);
      BeginKill();  // what the engine left behind holds its GPU
    }
    if (kill_at_ && now >= *kill_at_) {
      kill_at_.reset();
      if (!killed_at_) killed_at_ = now;
      Signal(SIGKILL);
      // Processes that were born in between.
      if (HasChildren()) kill_at_ = now + milliseconds(100);
    }
    if (stopping_ && killed_at_ && now >= *killed_at_ + kAfterKill) {
      FlushPending();
      std::_Exit(0);
    }
  }

  void WriteOutcome(Phase phase) {
    state_.phase = phase;
    CountOomKills();
    digest_.Finish();
    state_.error_lines = digest_.error_lines();
    state_.last_lines = digest_.last_lines();
    outcome_written_ = true;
    if (phase == Phase::kStartupTimeout) {
      Say("the engine was not ready in time; ending it");
    } else {
      Say(state_.signal != 0 ? "the engine was ended by signal " + std::to_string(state_.signal)
                             : "the engine ended with exit code " + std::to_string(state_.exit_code));
    }
    WriteState();
  }

  bool CountOomKills() {
    const std::int64_t kills = std::max<std::int64_t>(OomKills() - oom_baseline_, 0);
    const bool changed = kills > state_.oom_kills;
    state_.oom_kills = std::max(kills, state_.oom_kills);
    return changed;
  }

  void BeginKill() {
    if (kill_at_ || !HasChildren()) return;
    Signal(SIGTERM);
    kill_at_ = SteadyClock::now() + options_.grace;
  }

  // The engine's process group first, all at once; then whoever left it (setsid).
  void Signal(int signal) {
    if (engine_ > 0) ::kill(-engine_, signal);
    for (const pid_t pid : Descendants()) {
      if (engine_ > 0 && ::getpgid(pid) == engine_) continue;
      ::kill(pid, signal);
    }
  }

  static bool HasChildren() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  }

  [[nodiscard]] double SecondsSinceStart() const {
    return std::chrono::duration<double>(SteadyClock::now() - start_).count();
  }

  const LaunchOptions& options_;
  HealthProbe probe_;
  LogDigest digest_;
  EngineState state_;
  std::string pending_;
  int signals_ = -1;
  int log_ = -1;
  sigset_t old_mask_{};
  pid_t engine_ = -1;
  std::int64_t oom_baseline_ = 0;
  bool stopping_ = false, out_closed_ = false, outcome_written_ = false, write_failed_ = false;
  SteadyClock::time_point start_, next_probe_{}, probe_deadline_{}, next_tick_{};
  std::optional<SteadyClock::time_point> ended_at_, kill_at_, killed_at_;
};

// The engine is ready or has ended.
bool HasStarted(const std::string& dir) {
  const std::optional<std::string> text = ReadWhole(dir + "/" + kEngineStateFile);
  if (!text) return false;
  const auto state = DecodeEngineState(*text);
  return state.ok() && state->phase != Phase::kStarting;
}

}  // namespace

int Supervise(const LaunchOptions& options) { return Supervisor(options).Run(); }

int Ready(const std::string& dir, milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    if (HasStarted(dir)) return 0;
    if (std::chrono::steady_clock::now() >= end) break;
    std::this_thread::sleep_for(kReadyInterval);
  }
  std::fprintf(stderr, "autotune-launch: the engine is neither ready nor over\n");
  return 1;
}

int Install(const std::string& dir) {
  const std::string target = dir + "/autotune-launch";
  const std::optional<std::string> self = ReadWhole("/proc/self/exe");
  if (!self) {
    std::fprintf(stderr, "autotune-launch: cannot read /proc/self/exe\n");
    return kExitUnusable;
  }
  if (!ReplaceFile(target, *self, 0755)) {
    std::fprintf(stderr, "autotune-launch: cannot write %s: %s\n", target.c_str(), ErrorText(errno).c_str());
    return kExitUnusable;
  }
  return 0;
}

}  // namespace autotune::bench
