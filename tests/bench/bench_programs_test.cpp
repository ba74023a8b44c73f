// autotune-launch and autotune-bench together, as in a pod: real processes, a Python program as the engine.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/result.h"
#include "tests/bench/launcher_process.h"

namespace autotune::bench {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Speaks enough of the OpenAI API.
constexpr const char* kEngine = R"(
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def log_message(self, *a): pass
    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Simulated", "true")
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        if self.path == "/health": self.reply(200, {})
        elif self.path == "/v1/models": self.reply(200, {"data": [{"id": "m"}]})
        else: self.reply(404, {})
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        def chunk(event):
            data = f"data: {event}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        for i in range(request["max_tokens"]): chunk(json.dumps({"choices": [{"index": 0, "text": " x"}]}))
        chunk(json.dumps({"choices": [], "usage": {"prompt_tokens": len(request["prompt"]),
                                                    "completion_tokens": request["max_tokens"]}}))
        chunk("[DONE]")
        self.wfile.write(b"0\r\n\r\n")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
)";

struct Ended {
  int exit_code = 0;
  std::string message;  // the termination log
};

Ended Bench(const std::string& directory, const std::vector<std::string>& arguments) {
  const std::string log = directory + "/termination-log";
  std::ofstream(log) << std::string(5000, '?');  // what an earlier life may have left: replaced, not appended to
  std::vector<std::string> all{BENCH_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.insert(all.end(), {"--termination-log", log});
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::vector<char*> argv;
    for (std::string& argument : all) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(126);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), ReadFileOrEmpty(log)};
}

constexpr const char* kSpec =
    R"json({"scenarios":["D(64,8)"],"load":{"mode":"FixedConcurrency","fixed":[1,4]},"durationMs":1000,"warmupMs":100})json";

TEST(BenchPrograms, MeasureAnEngine) {
  LauncherProcess launcher;
  launcher.StartPython({}, kEngine);
  const Ended ended = Bench(
      launcher.dir(), {"run", "--dir", launcher.dir(), "--port", std::to_string(launcher.port()), "--spec", kSpec});
  EXPECT_EQ(ended.exit_code, 0);
  const auto result = DecodeRun(ended.message);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->simulated);
  EXPECT_GT(result->start_seconds, 0);
  ASSERT_THAT(result->points, SizeIs(2));
  EXPECT_EQ(result->points[1].output_tokens, result->points[1].requests * 8);
}

TEST(BenchPrograms, ReportAnEngineThatRefusesAFlag) {
  LauncherProcess launcher;
  launcher.Start({}, {"python3", "-c",
                      "import argparse; argparse.ArgumentParser(prog='vllm serve').parse_args(['--no-such-flag'])"});
  const Ended ended = Bench(
      launcher.dir(), {"run", "--dir", launcher.dir(), "--port", std::to_string(launcher.port()), "--spec", kSpec});
  EXPECT_EQ(ended.exit_code, 10);
  const auto result = DecodeRun(ended.message);
  ASSERT_TRUE(result.ok()) << result.error().message;
  ASSERT_TRUE(result->failure.has_value());
  EXPECT_EQ(result->failure->reason, FailureReason::kEngineRejectedArguments);
  EXPECT_EQ(result->failure->message, "vllm serve: error: unrecognized arguments: --no-such-flag");
  EXPECT_EQ(result->failure->exit_code, 2);
}

TEST(BenchPrograms, InspectADirectory) {
  LauncherProcess directory;
  std::ofstream(directory.dir() + "/config.json")
      << R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16","num_hidden_layers":2,)"
      << R"("hidden_size":64,"num_attention_heads":4,"vocab_size":1000})";
  std::ofstream(directory.dir() + "/model.safetensors") << std::string(1234, 'w');
  const Ended ended = Bench(directory.dir(), {"inspect", "--model", directory.dir()});
  EXPECT_EQ(ended.exit_code, 0);
  const auto result = DecodeInspect(ended.message);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->model.architecture, "LlamaForCausalLM");
  EXPECT_EQ(result->model.weight_bytes, 1234);
}

TEST(BenchPrograms, RefuseAWrongCommandLineWithoutWritingAResult) {
  LauncherProcess launcher;
  const std::string& dir = launcher.dir();
  const std::vector<std::string> kCases[] = {
      {},
      {"run"},
      {"measure"},
      {"run", "--dir", dir, "--port", "0", "--spec", kSpec},
      {"run", "--dir", dir, "--port", "8000", "--spec", "{"},
      {"run", "--dir", dir, "--port", "8000", "--spec", R"({"scenarios":["X"]})"},
      {"inspect"},
  };
  for (const auto& arguments : kCases) {
    const Ended ended = Bench(dir, arguments);
    EXPECT_EQ(ended.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(ended.message, std::string(5000, '?'));
  }
}

TEST(BenchPrograms, AResultThatCannotBeWrittenIsInfrastructure) {
  LauncherProcess launcher;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(BENCH_BINARY, BENCH_BINARY, "inspect", "--model", "/nowhere", "--termination-log", "/nowhere/log", nullptr);
    ::_exit(126);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 20);
}

}  // namespace
}  // namespace autotune::bench
