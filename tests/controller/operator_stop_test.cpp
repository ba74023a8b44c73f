// The operator as a process that is asked to stop: SIGTERM reaches it whatever threads its libraries have started, and
// what is begun is finished.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "tests/scripted_server/scripted_server.h"
#include "tests/temporary_directory.h"

namespace autotune::controller {
namespace {

using scripted::Reply;
using scripted::ScriptedServer;
using ::testing::SizeIs;

// A running operator; killed when the test ends before it does.
class Operator {
 public:
  explicit Operator(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), OPERATOR_BINARY);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    char home[] = "HOME=/nonexistent";
    char* environment[] = {home, nullptr};
    int pipe[2] = {-1, -1};
    EXPECT_EQ(::pipe(pipe), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipe[0]);
    posix_spawn_file_actions_addclose(&actions, pipe[1]);
    EXPECT_EQ(::posix_spawn(&pid_, OPERATOR_BINARY, &actions, nullptr, argv.data(), environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    output_ = ::fdopen(pipe[0], "r");
  }
  ~Operator() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      Await();
    }
    std::fclose(output_);
  }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  void Terminate() const { ::kill(pid_, SIGTERM); }
  // Reads on until a line has `text`. False when the output ends before.
  bool Says(const std::string& text) {
    char line[4096];
    while (std::fgets(line, sizeof line, output_) != nullptr) {
      log_ += line;
      if (std::string(line).find(text) != std::string::npos) return true;
    }
    return false;
  }
  // The exit code, 1000 and the signal when one ended it.
  int Await() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  [[nodiscard]] const std::string& log() const { return log_; }

 private:
  pid_t pid_ = -1;
  std::FILE* output_ = nullptr;
  std::string log_;
};

TEST(OperatorStop, SigtermLetsTheReconcileInFlightFinish) {
  const std::string end_of_state = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"10","annotations":)"
                                   R"({"k8s.io/initial-events-end":"true"}}}})"
                                   "\n";
  // Its specification says nothing, which the status has to say: a write for sure.
  const std::string task =
      R"({"type":"ADDED","object":{"apiVersion":"autotuner.io/v1alpha1","kind":"AutotuneTask","metadata":)"
      R"({"namespace":"ns","name":"t","uid":"u1","resourceVersion":"5","generation":1},"spec":{}}})"
      "\n";
  ScriptedServer server;
  server.Always("GET", "/apis/autotuner.io/v1alpha1/autotunetasks?watch=1",
                Reply(200).Chunk(task).Chunk(end_of_state).Hold());
  server.Always("GET", "/api/v1/pods?watch=1", Reply(200).Chunk(end_of_state).Hold());
  server.Always("GET", "/api/v1/nodes?watch=1", Reply(200).Chunk(end_of_state).Hold());
  const std::string status = "/apis/autotuner.io/v1alpha1/namespaces/ns/autotunetasks/t/status";
  server.Always("PATCH", status,
                Reply(200).Gate("asked to stop").Chunk(R"({"metadata":{"uid":"u1","resourceVersion":"11"}})"));
  server.Always("POST", "/apis/events.k8s.io/v1/namespaces/ns/events", Reply(201).Body("{}"));

  const TemporaryDirectory directory;
  const std::string ca = directory.Write("ca.pem", server.ca_pem());
  const std::string kubeconfig = directory.File("kubeconfig");
  std::ofstream(kubeconfig)
      << "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: \"" << server.url()
      << "\", certificate-authority: \"" << ca << "\"}}]\nusers: [{name: u, user: {token: t}}]\n"
      << "contexts: [{name: c, context: {cluster: c, user: u}}]\n";

  Operator program({"--tools-image", "x", "--kubeconfig", kubeconfig, "--health-addr", "127.0.0.1:0"});
  server.AwaitRequests("PATCH", status, 1);
  program.Terminate();
  ASSERT_TRUE(program.Says("Stopping")) << "ended with " << program.Await() << ":\n" << program.log();
  server.Open("asked to stop");
  EXPECT_TRUE(program.Says("\"Stopped\"")) << program.log();
  EXPECT_EQ(program.Await(), 0) << program.log();
  EXPECT_THAT(server.Requests("PATCH", status), SizeIs(1)) << "written once, not cut off and begun again";
}

}  // namespace
}  // namespace autotune::controller
