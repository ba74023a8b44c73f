// The operator as a program: what it says to wrong input, in one line and with exit code 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "tests/temporary_directory.h"

namespace autotune::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Ended {
  int exit_code = -1;
  std::string output;  // both streams
};

// A shell splits `arguments`. No kubeconfig and no service account are to be found.
Ended Operator(const std::string& arguments) {
  const std::string command = "env -i HOME=/nonexistent " OPERATOR_BINARY " " + arguments + " 2>&1";
  Ended ended;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return ended;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    ended.output.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return ended;
}

TEST(OperatorProgram, AnswersWrongInputWithOneLineAndExitCode2) {
  const TemporaryDirectory directory;
  const std::string damaged = directory.Write("damaged.kubeconfig", "clusters: [1");
  const std::string no_context =
      directory.Write("no-context.kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: there-is-none\n");
  const struct {
    std::string arguments;
    const char* message;
  } rows[] = {
      {"", "--tools-image is required"},
      {"--tools-image x --what", "--what"},
      {"--tools-image x --workers 0", "--workers: Value 0 not in range 1 to 64"},
      {"--tools-image x --kube-api-qps -1", "--kube-api-qps: Value -1 not in range 0"},
      {"--tools-image x --tools-pull-policy Sometimes", "--tools-pull-policy: Sometimes"},
      {"--tools-image x --health-addr :99999", "--health-addr: \":99999\" is not an address"},
      {"--tools-image x --log-level loud", "--log-level: \"loud\" is not one of trace, debug"},
      {"--tools-image x --watch-namespaces Team_A", "--watch-namespaces: \"Team_A\" is not the name of a namespace"},
      {"--tools-image x --watch-namespaces=", "--watch-namespaces"},
      {"--tools-image x", "kubeconfig"},
      {"--tools-image x --kubeconfig /no/such/file", "/no/such/file: No such file or directory"},
      {"--tools-image x --kubeconfig " + damaged, damaged.c_str()},
      {"--tools-image x --kubeconfig " + no_context, "there-is-none"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.arguments);
    const Ended ended = Operator(row.arguments);
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.output, StartsWith("autotune-operator: "));
    EXPECT_THAT(ended.output, HasSubstr(row.message));
    EXPECT_EQ(std::count(ended.output.begin(), ended.output.end(), '\n'), 1) << ended.output;
  }
}

TEST(OperatorProgram, SaysItsVersionAndItsFlags) {
  EXPECT_EQ(Operator("--version").exit_code, 0);
  EXPECT_EQ(Operator("--version").output, AUTOTUNE_VERSION "\n");
  const Ended help = Operator("--help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("--watch-namespaces"));
}

}  // namespace
}  // namespace autotune::controller
