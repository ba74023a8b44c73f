// The real launcher around small programs that end as engines do.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "bench/root_cause.h"
#include "tests/bench/launcher_process.h"

namespace autotune::bench {
namespace {

using Phase = EngineState::Phase;
using testing::ElementsAre;
using testing::HasSubstr;

// Serves /health; further behaviour is appended by tests.
constexpr const char* kServer = R"(
import http.server, os, subprocess, sys, threading, time
port, directory = int(sys.argv[1]), sys.argv[2]
status = 200
def note(name, pid):
    with open(f"{directory}/{name}.tmp", "w") as f: f.write(f"{pid}\n")
    os.rename(f"{directory}/{name}.tmp", f"{directory}/{name}")
def answered(path): pass
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(status if self.path == "/health" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()
        answered(self.path)
    def log_message(self, *a): pass
note("engine", os.getpid())
)";
constexpr const char* kServe = "\nhttp.server.ThreadingHTTPServer(('127.0.0.1', port), Handler).serve_forever()\n";

TEST(Launcher, InstallsItselfAsAnExecutableForEverybody) {
  LauncherProcess launcher;
  EXPECT_EQ(launcher.Call({"install", "--dir", launcher.dir()}), 0);
  struct stat info {};
  ASSERT_EQ(::stat((launcher.dir() + "/autotune-launch").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0755u);
  EXPECT_EQ(ReadFileOrEmpty(launcher.dir() + "/autotune-launch"), ReadFileOrEmpty(LAUNCH_BINARY));
  EXPECT_EQ(launcher.Call({"install", "--dir", launcher.dir() + "/missing"}), 20);
}

TEST(Launcher, RefusesAWrongCommandLine) {
  LauncherProcess launcher;
  const std::string& dir = launcher.dir();
  const std::vector<std::string> kCases[] = {
      {},
      {"start"},
      {"ready"},
      {"ready", "--dir"},
      {"ready", "--dir", dir, "--wait", "soon"},
      {"run", "--dir", dir, "--", "true"},
      {"run", "--dir", dir, "--port", "70000", "--", "true"},
      {"run", "--dir", dir, "--port", "8000"},
      {"run", "--dir", dir, "--port", "8000", "--"},
      {"run", "--dir", dir, "--port", "8000", "--startup-timeout", "soon", "--", "true"},
      {"run", "--dir", dir, "--port", "8000", "--health-path", "health", "--", "true"},
      {"run", "--dir", dir, "--port", "8000", "--unknown", "1", "--", "true"},
  };
  for (const auto& arguments : kCases) EXPECT_EQ(launcher.Call(arguments), 2) << testing::PrintToString(arguments);
  EXPECT_FALSE(std::filesystem::exists(dir + "/started"));
}

TEST(Launcher, SaysReadyWhenHealthAnswersAndEndsTheEngineOnSigterm) {
  LauncherProcess launcher;
  EXPECT_EQ(launcher.Ready(), 1) << "nothing has been started";
  launcher.StartPython({"--health-path", "/health"}, std::string(kServer) + kServe);
  const EngineState state = launcher.Await(Phase::kReady);
  EXPECT_EQ(launcher.Ready(), 0);
  EXPECT_TRUE(state.was_ready);
  EXPECT_GT(state.start_seconds, 0);
  const pid_t engine = launcher.PidFrom("engine");
  EXPECT_TRUE(IsRunning(engine));
  launcher.Signal(SIGTERM);
  EXPECT_EQ(launcher.Wait(), 0);
  EXPECT_FALSE(IsRunning(engine));
}

TEST(Launcher, OnlyStatus200IsHealthy) {
  LauncherProcess launcher;
  launcher.StartPython({}, std::string(kServer) + R"(
status = 503
probes = 0
def answered(path):
    global status, probes
    probes += 1
    if probes == 3: note("probed", probes)
    if os.path.exists(f"{directory}/recover"): status = 200
)" + kServe);
  EXPECT_EQ(launcher.PidFrom("probed"), 3);
  EXPECT_EQ(launcher.State()->phase, Phase::kStarting);
  EXPECT_EQ(launcher.Ready(), 1);
  std::ofstream(launcher.dir() + "/recover").close();
  launcher.Await(Phase::kReady);
}

TEST(Launcher, TheProbeWaitsUntilTheEngineIsReadyOrItsPatienceEnds) {
  LauncherProcess launcher;
  launcher.StartPython({}, std::string(kServer) + R"(
status = 503
def answered(path):
    global status
    if os.path.exists(f"{directory}/recover"): status = 200
)" + kServe);
  EXPECT_GT(launcher.PidFrom("engine"), 0);
  EXPECT_EQ(launcher.Call({"ready", "--dir", launcher.dir(), "--wait", "0.2"}), 1);
  LauncherProcess probe;
  auto waiting = std::async(std::launch::async, [&] {
    return probe.Call({"ready", "--dir", launcher.dir(), "--wait", "600"});
  });
  std::ofstream(launcher.dir() + "/recover").close();
  EXPECT_EQ(waiting.get(), 0);
}

TEST(Launcher, EndsAnEngineThatIsNotReadyInTime) {
  LauncherProcess launcher;
  // Ignores SIGTERM: only SIGKILL after the grace period ends it.
  launcher.Start(
      {"--startup-timeout", "2", "--grace", "0.2"},
      {"sh", "-c",
       "trap '' TERM; echo $$ > " + launcher.dir() + "/engine; echo Running autotune; while :; do sleep 0.1; done"});
  const pid_t engine = launcher.PidFrom("engine");
  const EngineState state = launcher.Await(Phase::kStartupTimeout);
  EXPECT_FALSE(state.was_ready);
  EXPECT_GE(state.start_seconds, 2);
  EXPECT_EQ(launcher.Ready(), 0) << "bench has to start and report";
  EXPECT_EQ(Classify(state).reason, FailureReason::kStartupTimeout);
  EXPECT_THAT(Classify(state).message, HasSubstr("; its last line: Running autotune"));
  EXPECT_TRUE(Eventually([&] { return !IsRunning(engine); }));
  EXPECT_TRUE(IsRunning(launcher.pid())) << "the launcher stays until it is told to end";
  EXPECT_EQ(launcher.State()->phase, Phase::kStartupTimeout) << "its own kill does not change the outcome";
}

TEST(Launcher, ReportsAnEngineThatRefusesItsArguments) {
  LauncherProcess launcher;
  launcher.Start(
      {},
      {"sh", "-c", "echo 'usage: serve [options]' >&2; echo 'serve: error: unrecognized arguments: --x' >&2; exit 2"});
  const EngineState state = launcher.Await(Phase::kExited);
  EXPECT_EQ(state.exit_code, 2);
  EXPECT_EQ(state.signal, 0);
  EXPECT_FALSE(state.was_ready);
  EXPECT_THAT(state.last_lines, ElementsAre("usage: serve [options]", "serve: error: unrecognized arguments: --x"));
  const Failure failure = Classify(state);
  EXPECT_EQ(failure.reason, FailureReason::kEngineRejectedArguments);
  EXPECT_EQ(failure.message, "serve: error: unrecognized arguments: --x");
  EXPECT_EQ(launcher.Ready(), 0);
  EXPECT_TRUE(IsRunning(launcher.pid()));
  launcher.Signal(SIGTERM);
  EXPECT_EQ(launcher.Wait(), 0);
}

TEST(Launcher, AnEngineThatKillsItselfIsNotOutOfMemory) {
  LauncherProcess launcher;
  launcher.Start({}, {"sh", "-c", "echo loading; kill -9 $$"});
  const EngineState state = launcher.Await(Phase::kExited);
  EXPECT_EQ(state.signal, SIGKILL);
  EXPECT_EQ(state.oom_kills, 0);
  const Failure failure = Classify(state);
  EXPECT_EQ(failure.reason, FailureReason::kEngineCrashed);
  EXPECT_EQ(failure.exit_code, 137);
}

TEST(Launcher, NoticesAnEngineThatDiesWhileServing) {
  LauncherProcess launcher;
  launcher.StartPython({}, std::string(kServer) + R"(
def die():
    print("ValueError: handled before it was ready", flush=True)
    while not os.path.exists(f"{directory}/die"): time.sleep(0.01)
    print("RuntimeError: mat1 and mat2", file=sys.stderr, flush=True)
    os._exit(7)
threading.Thread(target=die).start()
)" + kServe);
  launcher.Await(Phase::kReady);
  std::ofstream(launcher.dir() + "/die").close();
  const EngineState state = launcher.Await(Phase::kExited);
  EXPECT_TRUE(state.was_ready);
  EXPECT_EQ(state.exit_code, 7);
  const Failure failure = Classify(state);
  EXPECT_EQ(failure.reason, FailureReason::kEngineCrashed);
  EXPECT_EQ(failure.message, "RuntimeError: mat1 and mat2") << "what it survived before is not the cause";
}

TEST(Launcher, NeverStartsAnEngineTwice) {
  LauncherProcess launcher;
  std::ofstream(launcher.dir() + "/started").close();
  EngineState before;
  before.phase = Phase::kReady;
  before.oom_kills = 1;
  before.gpu_product = "NVIDIA H100";
  std::ofstream(launcher.dir() + "/engine.json") << EncodeEngineState(before);
  launcher.Start({}, {"touch", launcher.dir() + "/was-started"});
  const EngineState state = launcher.Await(Phase::kKilled);
  EXPECT_EQ(state.oom_kills, 1);
  EXPECT_EQ(state.gpu_product, "NVIDIA H100");
  launcher.Signal(SIGTERM);
  EXPECT_EQ(launcher.Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(launcher.dir() + "/was-started"));
}

TEST(Launcher, AMarkerWithoutAStateMeansKilled) {
  LauncherProcess launcher;
  std::ofstream(launcher.dir() + "/started").close();
  launcher.Start({}, {"true"});
  EXPECT_EQ(Classify(launcher.Await(Phase::kKilled)).reason, FailureReason::kEngineCrashed);
}

TEST(Launcher, AnOutcomeThatWasCompleteSurvivesARestart) {
  LauncherProcess launcher;
  launcher.Start({}, {"sh", "-c", "exit 2"});
  launcher.Await(Phase::kExited);
  launcher.Signal(SIGKILL);
  launcher.Wait();
  launcher.Start({}, {"sh", "-c", "exit 0"});
  EXPECT_TRUE(Eventually([&] { return launcher.Output().find("not started again") != std::string::npos; }));
  EXPECT_EQ(launcher.State()->phase, Phase::kExited);
  EXPECT_EQ(launcher.State()->exit_code, 2);
}

TEST(Launcher, SaysThatACommandCannotBeExecuted) {
  LauncherProcess launcher;
  launcher.Start({}, {"no-such-engine", "--model", "x"});
  const EngineState state = launcher.Await(Phase::kNotStarted);
  EXPECT_THAT(state.error_lines, ElementsAre("cannot execute \"no-such-engine\": No such file or directory"));
  EXPECT_EQ(launcher.Ready(), 0);
}

TEST(Launcher, WithoutAUsableDirectoryItEndsAtOnce) {
  LauncherProcess launcher;
  std::ofstream(launcher.dir() + "/file").close();
  EXPECT_EQ(launcher.Call({"run", "--dir", launcher.dir() + "/file", "--port", "8000", "--", "true"}), 20);
}

TEST(Launcher, LeavesNoProcessBehindEvenOneThatLeftTheGroup) {
  LauncherProcess launcher;
  launcher.StartPython({"--grace", "0.2"}, std::string(kServer) + R"(
child = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], start_new_session=True)
note("child", child.pid)
)" + kServe);
  launcher.Await(Phase::kReady);
  const pid_t child = launcher.PidFrom("child");
  ASSERT_TRUE(IsRunning(child));
  launcher.Signal(SIGTERM);
  EXPECT_EQ(launcher.Wait(), 0);
  EXPECT_FALSE(IsRunning(child));
}

TEST(Launcher, EndsWhatADeadEngineLeavesBehind) {
  LauncherProcess launcher;
  launcher.Start(
      {"--grace", "0.2"},
      {"sh", "-c", "(trap '' TERM; while :; do sleep 0.1; done) & echo $! > " + launcher.dir() + "/child; exit 1"});
  EXPECT_EQ(launcher.Await(Phase::kExited).exit_code, 1);
  const pid_t child = launcher.PidFrom("child");
  EXPECT_TRUE(Eventually([&] { return !IsRunning(child); }));
  EXPECT_TRUE(IsRunning(launcher.pid()));
}

TEST(Launcher, TakesTheEngineAlongWhenItIsKilledItself) {
  LauncherProcess launcher;
  launcher.StartPython({}, std::string(kServer) + kServe);
  launcher.Await(Phase::kReady);
  const pid_t engine = launcher.PidFrom("engine");
  launcher.Signal(SIGKILL);
  EXPECT_EQ(launcher.Wait(), 1000 + SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !IsRunning(engine); }));
}

TEST(Launcher, ReapsOrphans) {
  LauncherProcess launcher;
  launcher.StartPython({}, std::string(kServer) + R"(
for i in range(20):
    os.system("sh -c 'true &'")
os.system(f"sh -c '(exit 0) & echo $! > {directory}/orphan'")
)" + kServe);
  launcher.Await(Phase::kReady);
  const pid_t orphan = launcher.PidFrom("orphan");
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists("/proc/" + std::to_string(orphan)); }));
}

TEST(Launcher, PassesTheWholeLogThroughInBoundedMemory) {
  LauncherProcess launcher;
  launcher.StartPython({}, R"(
import os, sys
line = b"x" * 999 + b"\n"
for i in range(20000): os.write(1 + i % 2, line)
os.write(2, b"ValueError: the end\n")
sys.exit(1)
)");
  EXPECT_EQ(Classify(launcher.Await(Phase::kExited)).message, "ValueError: the end");
  EXPECT_TRUE(Eventually([&] { return launcher.Output().find("ended with exit code 1") != std::string::npos; }));
  const std::string output = launcher.Output();
  EXPECT_GE(std::count(output.begin(), output.end(), 'x'), 20'000 * 999);
#ifndef AUTOTUNE_SANITIZED
  const std::string status = ReadFileOrEmpty("/proc/" + std::to_string(launcher.pid()) + "/status");
  const long peak_kib = std::atol(status.c_str() + status.find("VmHWM:") + 6);
  EXPECT_GT(peak_kib, 0);
  EXPECT_LT(peak_kib, 8 * 1024);
#endif
}

TEST(Launcher, RaisesSoftLimits) {
  LauncherProcess launcher;
  launcher.Start({}, {"sh", "-c", "ulimit -Sn; exit 1"});
  const EngineState state = launcher.Await(Phase::kExited);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_THAT(state.last_lines, ElementsAre(std::to_string(std::min<rlim_t>(limit.rlim_max, 1'048'576))));
}

}  // namespace
}  // namespace autotune::bench
