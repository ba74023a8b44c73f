// Exec credential plugins: what `kubectl` runs to get a token from a cloud's own tool.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/thread_annotations.h"
#include "kube/client/base64.h"
#include "kube/client/credentials.h"

extern char** environ;

namespace kube {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestOutput = std::size_t{1} << 20;
// A plugin that fails is not run again by each of a burst of requests.
constexpr std::chrono::seconds kFailurePause{5};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

struct Output {
  std::string out;
  std::string err;
};

// Reads both pipes until both are closed or the time is over. False: too slow or too much.
bool ReadBoth(Descriptor& out, Descriptor& err, Output& output, std::chrono::steady_clock::time_point deadline) {
  char buffer[8192];
  while (out.get() >= 0 || err.get() >= 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd polled[2] = {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
    if (::poll(polled, 2, static_cast<int>(std::min<long long>(left, 60'000))) < 0 && errno != EINTR) return false;
    const std::pair<Descriptor*, std::string*> pipes[2] = {{&out, &output.out}, {&err, &output.err}};
    for (int i = 0; i < 2; ++i) {
      if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      const ssize_t count = ::read(pipes[i].first->get(), buffer, sizeof buffer);
      if (count > 0) {
        pipes[i].second->append(buffer, static_cast<std::size_t>(count));
        if (pipes[i].second->size() > kLargestOutput) return false;
      } else if (count == 0 || errno != EINTR) {
        pipes[i].first->Close();
      }
    }
  }
  return true;
}

// The exit status, or nullopt when the process has not ended by then.
std::optional<int> WaitFor(pid_t pid, std::chrono::steady_clock::time_point deadline) {
  constexpr int kPauseMs = 5;
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return 0;
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    ::poll(nullptr, 0, kPauseMs);
  }
}

base::Result<std::string> Run(const ExecPlugin& plugin) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::string name = text.substr(0, text.find('='));
    if (plugin.env.count(name) == 0 && name != "KUBERNETES_EXEC_INFO") variables.push_back(text);
  }
  for (const auto& [name, value] : plugin.env) variables.push_back(name + "=" + value);
  json info = {{"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}};
  if (!plugin.cluster_info_json.empty()) {
    json cluster = json::parse(plugin.cluster_info_json, nullptr, false);
    if (cluster.is_object()) {
      if (const auto ca = cluster.find("certificate-authority-data"); ca != cluster.end() && ca->is_string()) {
        *ca = EncodeBase64(ca->get<std::string>());
      }
      info["spec"]["cluster"] = std::move(cluster);
    }
  }
  variables.push_back("KUBERNETES_EXEC_INFO=" + info.dump(-1, ' ', false, json::error_handler_t::replace));

  std::vector<std::string> words = {plugin.command};
  words.insert(words.end(), plugin.args.begin(), plugin.args.end());
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  };
  std::vector<char*> argv = pointers(words);
  std::vector<char*> envp = pointers(variables);

  int out_pipe[2];
  int err_pipe[2];
  if (::pipe2(out_pipe, O_CLOEXEC) != 0) return base::Retry(std::string("pipe: ") + std::strerror(errno));
  Descriptor out_read(out_pipe[0]);
  Descriptor out_write(out_pipe[1]);
  if (::pipe2(err_pipe, O_CLOEXEC) != 0) return base::Retry(std::string("pipe: ") + std::strerror(errno));
  Descriptor err_read(err_pipe[0]);
  Descriptor err_write(err_pipe[1]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out_write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err_write.get(), 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Signals are blocked in all our threads; the plugin must not inherit that. Its own process group, so that what it
  // starts dies with it.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, plugin.command.c_str(), &actions, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return base::Invalid("exec plugin " + plugin.command + ": " + std::strerror(failed) +
                         (plugin.install_hint.empty() ? "" : "; " + plugin.install_hint));
  }
  out_write.Close();
  err_write.Close();

  Output output;
  const auto deadline = std::chrono::steady_clock::now() + plugin.timeout;
  const bool complete = ReadBoth(out_read, err_read, output, deadline);
  // One that has closed its output may hang all the same.
  const std::optional<int> exited = complete ? WaitFor(pid, deadline) : std::nullopt;
  if (!exited) {
    ::kill(-pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return base::Retry("exec plugin " + plugin.command + ": ended after " + std::to_string(plugin.timeout.count()) +
                       " ms without a complete answer");
  }
  const int status = *exited;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return base::Retry("exec plugin " + plugin.command + ": " +
                       (WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status))
                                          : "signal " + std::to_string(WTERMSIG(status))) +
                       ": " + output.err.substr(0, 512));
  }
  return std::move(output.out);
}

class Exec final : public CredentialSource {
 public:
  Exec(ExecPlugin plugin, base::Clock& clock) : plugin_(std::move(plugin)), clock_(clock) {}

  // Others wait while the plugin runs: they want its answer as well.
  base::Result<Credential> Get() override EXCLUDES(running_, mutex_) {
    const base::MutexLock one_at_a_time(running_);
    {
      const base::MutexLock lock(mutex_);
      const bool expired = expires_ && clock_.Wall() >= *expires_;
      if (current_ && !rejected_ && !expired) return *current_;
      if (failure_ && clock_.Now() < failed_at_ + kFailurePause) return *failure_;
    }
    base::Result<Fetched> fresh = Fetch();
    const base::MutexLock lock(mutex_);
    if (!fresh) {
      failure_ = fresh.error();
      failed_at_ = clock_.Now();
      return *failure_;
    }
    failure_.reset();
    current_ = fresh->credential;
    expires_ = fresh->expires;
    rejected_ = false;
    return *current_;
  }

  base::Result<Credential> Current() override EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    if (current_) return *current_;
    return base::Retry("exec plugin " + plugin_.command + ": has returned no credential yet");
  }

  void Reject(const Credential& used) override EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    if (current_ && used == *current_) rejected_ = true;
  }

 private:
  struct Fetched {
    Credential credential;
    std::optional<base::WallTime> expires;
  };

  base::Result<Fetched> Fetch() const {
    base::Result<std::string> out = Run(plugin_);
    if (!out) return out.error();
    const json answer = json::parse(*out, nullptr, false);
    const std::string who = "exec plugin " + plugin_.command + ": ";
    if (!answer.is_object()) return base::Invalid(who + "its output is not JSON");
    if (const std::string version =
            answer.value("apiVersion", json()).is_string() ? answer.value("apiVersion", "") : "";
        version != plugin_.api_version) {
      return base::Invalid(who + "answered with apiVersion \"" + version + "\" instead of " + plugin_.api_version);
    }
    const auto status = answer.find("status");
    if (status == answer.end() || !status->is_object()) return base::Invalid(who + "its answer has no status");
    const auto text = [&](const char* key) {
      const auto found = status->find(key);
      return found != status->end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    Fetched fetched;
    fetched.credential = {text("token"), text("clientCertificateData"), text("clientKeyData")};
    if (fetched.credential.token.empty() && fetched.credential.certificate_pem.empty()) {
      return base::Invalid(who + "its answer has neither token nor clientCertificateData");
    }
    if (fetched.credential.certificate_pem.empty() != fetched.credential.key_pem.empty()) {
      return base::Invalid(who + "clientCertificateData and clientKeyData go together");
    }
    if (const std::string time = text("expirationTimestamp"); !time.empty()) fetched.expires = base::ParseRfc3339(time);
    return fetched;
  }

  const ExecPlugin plugin_;
  base::Clock& clock_;
  base::Mutex running_;  // held while the plugin runs, and never by Current()
  base::Mutex mutex_;
  bool rejected_ GUARDED_BY(mutex_) = false;
  std::optional<Credential> current_ GUARDED_BY(mutex_);
  std::optional<base::WallTime> expires_ GUARDED_BY(mutex_);
  std::optional<base::Error> failure_ GUARDED_BY(mutex_);
  base::TimePoint failed_at_ GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<CredentialSource> ExecCredential(ExecPlugin plugin, base::Clock& clock) {
  return std::make_shared<Exec>(std::move(plugin), clock);
}

}  // namespace kube
