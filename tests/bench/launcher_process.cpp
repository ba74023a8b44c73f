#include "tests/bench/launcher_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace autotune::bench {

bool Eventually(const std::function<bool()>& condition, std::chrono::seconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string ReadFileOrEmpty(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool IsRunning(pid_t pid) {
  const std::string stat = ReadFileOrEmpty("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = stat.rfind(')');
  return end != std::string::npos && end + 2 < stat.size() && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
}

int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

LauncherProcess::LauncherProcess() : port_(FreePort()) {
  char path[] = "/tmp/autotune-launch-XXXXXX";
  dir_ = ::mkdtemp(path);
}

LauncherProcess::~LauncherProcess() {
  if (pid_ > 0) {
    Signal(SIGTERM);
    Wait();
  }
  std::filesystem::remove_all(dir_);
}

pid_t LauncherProcess::Spawn(const std::vector<std::string>& arguments, const std::string& output) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  std::vector<char*> argv{const_cast<char*>(LAUNCH_BINARY)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(LAUNCH_BINARY, argv.data());
  ::_exit(126);
}

void LauncherProcess::Start(const std::vector<std::string>& flags, const std::vector<std::string>& engine) {
  std::vector<std::string> arguments{"run", "--dir", dir_, "--port", std::to_string(port_)};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), engine.begin(), engine.end());
  pid_ = Spawn(arguments, dir_ + "/stdout");
}

void LauncherProcess::StartPython(const std::vector<std::string>& flags, const std::string& program) {
  std::ofstream(dir_ + "/engine.py") << program;
  Start(flags, {"python3", "-u", dir_ + "/engine.py", std::to_string(port_), dir_});
}

int LauncherProcess::Call(const std::vector<std::string>& arguments) {
  int status = 0;
  ::waitpid(Spawn(arguments, dir_ + "/call-output"), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

std::optional<EngineState> LauncherProcess::State() const {
  const std::string text = ReadFileOrEmpty(dir_ + "/" + kEngineStateFile);
  if (text.empty()) return std::nullopt;
  auto state = DecodeEngineState(text);
  EXPECT_TRUE(state.ok()) << state.error().message;  // replaced atomically: never half a document
  if (!state.ok()) return std::nullopt;
  return *std::move(state);
}

EngineState LauncherProcess::Await(EngineState::Phase phase) {
  EngineState last;
  EXPECT_TRUE(Eventually([&] {
    const auto state = State();
    if (state) last = *state;
    return state && state->phase == phase;
  })) << "the engine is: "
      << EncodeEngineState(last) << Output();
  return last;
}

void LauncherProcess::Signal(int signal) const { ::kill(pid_, signal); }

int LauncherProcess::Wait() {
  int status = 0;
  EXPECT_TRUE(Eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) << Output();
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

pid_t LauncherProcess::PidFrom(const std::string& name) const {
  EXPECT_TRUE(Eventually([&] { return ReadFileOrEmpty(dir_ + "/" + name).ends_with("\n"); })) << name << "\n"
                                                                                              << Output();
  return static_cast<pid_t>(std::atoi(ReadFileOrEmpty(dir_ + "/" + name).c_str()));
}

}  // namespace autotune::bench
