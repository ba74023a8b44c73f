#include "operator/local/process.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

namespace autotune::local {
namespace {

// Blocks until the process told of its end; a minute is far beyond what any of these needs.
class ExitSignal {
 public:
  std::function<void()> Callback() {
    return [this] {
      const std::lock_guard lock(mutex_);
      done_ = true;
      changed_.notify_all();
    };
  }
  bool Await() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    std::string name = ::testing::TempDir() + "process-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~ProcessTest() override { std::filesystem::remove_all(directory_); }

  ProcessSpec Shell(const std::string& script) const {
    return {{"sh", "-c", script}, {"PATH=/usr/bin:/bin", "MARK=" + directory_.string()}, directory_, Log()};
  }
  std::filesystem::path Log() const { return directory_ / "log"; }
  std::string ReadLog() const {
    std::ifstream file(Log());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Reads from a FIFO that a process writes to when it has come so far.
  std::string AwaitLine(const std::filesystem::path& fifo) const {
    std::ifstream in(fifo);
    std::string line;
    std::getline(in, line);
    return line;
  }

  std::filesystem::path directory_;
  ExitSignal exited_;
};

TEST_F(ProcessTest, ReportsExitCodeAndOutput) {
  const auto process = Process::Start(Shell("echo out; echo err >&2; pwd; exit 7"), exited_.Callback());
  ASSERT_TRUE(process.ok()) << process.error().message;
  ASSERT_TRUE(exited_.Await());
  ASSERT_TRUE((*process)->exit());
  EXPECT_EQ((*process)->exit()->exit_code, 7);
  EXPECT_EQ((*process)->exit()->signal, 0);
  EXPECT_EQ(ReadLog(), "out\nerr\n" + directory_.string() + "\n");
}

TEST_F(ProcessTest, ReportsASignalAsContainerRuntimesDo) {
  const auto process = Process::Start(Shell("kill -KILL $$"), exited_.Callback());
  ASSERT_TRUE(exited_.Await());
  EXPECT_EQ((*process)->exit()->exit_code, 137);
  EXPECT_EQ((*process)->exit()->signal, SIGKILL);
}

TEST_F(ProcessTest, SaysWhichExecutableIsMissing) {
  ProcessSpec spec = Shell("");
  spec.argv = {"no-such-engine", "serve"};
  const auto process = Process::Start(spec, nullptr);
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(process.error().code, base::Code::kNotFound);
  EXPECT_THAT(process.error().message, ::testing::HasSubstr("no-such-engine"));
}

TEST_F(ProcessTest, LooksCommandsUpInTheContainersOwnPath) {
  const auto script = directory_ / "my-engine";
  std::ofstream(script) << "#!/bin/sh\nexit 3\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  ProcessSpec spec = Shell("");
  spec.argv = {"my-engine"};
  spec.environment = {"PATH=/nowhere:" + directory_.string() + ":/bin"};
  const auto process = Process::Start(spec, exited_.Callback());
  ASSERT_TRUE(process.ok()) << process.error().message;
  ASSERT_TRUE(exited_.Await());
  EXPECT_EQ((*process)->exit()->exit_code, 3);
}

TEST_F(ProcessTest, StartsWithDefaultSignalHandlingWhateverThisProgramBlocks) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto process = Process::Start(Shell("kill -TERM $$; exit 0"), exited_.Callback());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(exited_.Await());
  EXPECT_EQ((*process)->exit()->signal, SIGTERM);
}

TEST_F(ProcessTest, EndsTheWholeGroupWithItsLeader) {
  const auto fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto process = Process::Start(Shell("sleep 1000 & echo $! > fifo; exit 0"), exited_.Callback());
  const int child = std::stoi(AwaitLine(fifo));
  ASSERT_TRUE(exited_.Await());
  // An orphan is reaped by init at any time; until then it is a zombie, which is as dead.
  const auto alive = [&] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    return !text.empty() && text.find(") Z ") == std::string::npos;
  };
  for (int i = 0; i < 100'000 && alive(); ++i) std::this_thread::yield();
  EXPECT_FALSE(alive());
}

TEST_F(ProcessTest, EndsEverythingInItsDestructor) {
  const auto fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  int pid = 0;
  {
    const auto process =
        Process::Start(Shell("trap '' TERM; echo $$ > fifo; while :; do sleep 1000; done"), exited_.Callback());
    pid = std::stoi(AwaitLine(fifo));
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(ProcessTest, FindsWhatLeftTheGroupByItsMark) {
  const auto fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto process =
      Process::Start(Shell("setsid sh -c 'echo $$ > fifo; exec sleep 1000' & wait"), exited_.Callback());
  const int pid = std::stoi(AwaitLine(fifo));
  (*process)->Signal(SIGKILL);
  ASSERT_TRUE(exited_.Await());
  EXPECT_EQ(kill(pid, 0), 0) << "a session of its own survives its group";
  EXPECT_EQ(KillMarked("MARK=" + directory_.string()), 1);
  EXPECT_EQ(KillMarked("MARK=" + directory_.string()), 0);
}

}  // namespace
}  // namespace autotune::local
