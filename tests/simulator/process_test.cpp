// The binary itself: its names, its exit codes, its signals.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

namespace autotune::simulator {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

int FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  close(probe);
  return ntohs(address.sin_port);
}

// A child with standard output and error on one pipe.
class Process {
 public:
  Process(const std::string& program, std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), program);
    environment.insert(environment.begin(), {"AUTOTUNE_SIM_STARTUP_SPEEDUP=2000", "PATH=/usr/bin:/bin"});
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, Pointers(arguments).data(),
                          Pointers(environment).data()),
              0)
        << program;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_ = ends[0];
  }
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Signal(int signal) const { kill(pid_, signal); }
  // Reads until `word` has been printed or the output ends.
  bool Await(const std::string& word) {
    while (text_.find(word) == std::string::npos) {
      if (!ReadSome()) return false;
    }
    return true;
  }
  // Waits for the end: exit code, or 128 + signal.
  int Wait() {
    while (ReadSome()) {
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  static std::vector<char*> Pointers(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }
  bool ReadSome() {
    char buffer[4096];
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got > 0) text_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }
  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
};

const std::string kDirectory = SIMULATED_ENGINE_DIR;

TEST(SimulatedEngine, IsTheEngineWhoseNameItIsCalledBy) {
  struct Case {
    const char* program;
    std::vector<std::string> arguments;
    const char* first_line;
    const char* error;
  };
  const Case cases[] = {
      {"/simulated/vllm",
       {"serve", "m", "--no-such-flag"},
       "SIMULATED vLLM 0.24.0 on 1 x NVIDIA H100",
       "vllm: error: unrecognized arguments: --no-such-flag"},
      {"/simulated/python3",
       {"-m", "sglang.launch_server", "--model-path", "m", "--kv-cache-dtype", "fp8"},
       "SIMULATED SGLang 0.5.15 on",
       "sglang serve: error: argument --kv-cache-dtype: invalid choice: 'fp8'"},
      {"/simulated/sglang",
       {"serve"},
       "SIMULATED SGLang 0.5.15 on",
       "error: the following arguments are required: --model-path"},
      {"/simulated/trtllm-serve",
       {"m", "--tp-size", "2"},
       "SIMULATED TensorRT-LLM 1.2.0 on",
       "Error: No such option: --tp-size"},
      {"/simulated-engine",
       {"--as", "vllm", "--", "serve", "m", "--dtype", "fp8"},
       "SIMULATED vLLM",
       "vllm serve: error: argument --dtype: invalid choice: 'fp8'"},
  };
  for (const Case& each : cases) {
    Process process(kDirectory + each.program, each.arguments);
    EXPECT_EQ(process.Wait(), 2) << each.program;
    EXPECT_THAT(process.text(), StartsWith(each.first_line)) << each.program;
    EXPECT_THAT(process.text(), HasSubstr(each.error)) << each.program;
  }
}

TEST(SimulatedEngine, TakesReleaseAndGpuFromTheEnvironment) {
  Process process(kDirectory + "/simulated/vllm", {"serve", "m", "--moe-backend", "triton"},
                  {"AUTOTUNE_SIM_RELEASE=sglang:0.5.9,vllm:0.16.0", "AUTOTUNE_SIM_GPU=l40s"});
  EXPECT_EQ(process.Wait(), 2);
  EXPECT_THAT(process.text(), StartsWith("SIMULATED vLLM 0.16.0 on 1 x NVIDIA L40S"));
  EXPECT_THAT(process.text(), HasSubstr("unrecognized arguments: --moe-backend triton"));
}

TEST(SimulatedEngine, WarnsWhereItGuessesFromTheName) {
  const std::string facts =
      R"(AUTOTUNE_SIM_MODELS={"org/m": {"architecture": "LlamaForCausalLM", "layers": 2, "hiddenSize": 64,)"
      R"( "attentionHeads": 2}})";
  for (const auto& [model, guessed] : {std::pair("org/m", false), {"nvidia/Llama-3.1-8B-Instruct-NVFP4", true}}) {
    Process process(kDirectory + "/simulated/vllm", {"serve", model}, {"AUTOTUNE_SIM_FAIL=exit137", facts});
    process.Wait();
    EXPECT_EQ(process.text().find("SIMULATED WARNING: the configuration of " + std::string(model) +
                                  " is not known: it is guessed from the name as LlamaForCausalLM with 7.2 billion "
                                  "parameters, quantized with modelopt_fp4") != std::string::npos,
              guessed)
        << process.text();
    EXPECT_EQ(process.text().find("SIMULATED WARNING") != std::string::npos, guessed) << process.text();
  }
}

TEST(SimulatedEngine, RefusesWrongEnvironmentInOneLine) {
  struct Case {
    const char* variable;
    const char* message;
  };
  const Case cases[] = {
      {"AUTOTUNE_SIM_RELEASE=vllm:0.19.0", "no recorded parser of vllm 0.19.0; recorded: 0.11.2"},
      {"AUTOTUNE_SIM_RELEASE=0.24.0", "is not ENGINE:VERSION"},
      {"AUTOTUNE_SIM_GPU=tpu", "AUTOTUNE_SIM_GPU: GPU \"tpu\" is not known; known are b200"},
      {"AUTOTUNE_SIM_FAIL=explode", "AUTOTUNE_SIM_FAIL: \"explode\" is not one of crash"},
      {"AUTOTUNE_SIM_STARTUP_SPEEDUP=0", "is not a positive number"},
      {"AUTOTUNE_SIM_GPUS=two", "is not a number of GPUs"},
      {"AUTOTUNE_SIM_MODELS=[]", "AUTOTUNE_SIM_MODELS: is not a JSON object of facts by model"},
      {R"(AUTOTUNE_SIM_MODELS={"org/m": 1})", "AUTOTUNE_SIM_MODELS: org/m: "},
  };
  for (const Case& each : cases) {
    // Through env, which replaces a variable that the environment has already.
    Process process("/usr/bin/env", {each.variable, kDirectory + "/simulated/vllm", "serve", "m"});
    EXPECT_EQ(process.Wait(), 2) << each.variable;
    EXPECT_THAT(process.text(), HasSubstr(each.message));
    EXPECT_EQ(std::count(process.text().begin(), process.text().end(), '\n'), 1) << process.text();
  }
}

TEST(SimulatedEngine, FailsLateWithTheEnginesExitCode) {
  Process vllm(kDirectory + "/simulated/vllm", {"serve", "m", "--quantization", "fp8", "--kv-cache-dtype", "fp8_e5m2"});
  EXPECT_EQ(vllm.Wait(), 1);
  EXPECT_THAT(vllm.text(), HasSubstr("ValueError: fp8_e5m2 kv-cache is not supported with fp8 checkpoints."));
  EXPECT_THAT(vllm.text(), ::testing::EndsWith("RuntimeError: Engine core initialization failed. See root cause above. "
                                               "Failed core proc(s): {}\n"));
  Process sglang(kDirectory + "/simulated/sglang", {"serve", "--model-path", "m", "--quantization", "mxfp8"});
  EXPECT_EQ(sglang.Wait(), 128 + SIGKILL);
  Process model(kDirectory + "/simulated/vllm", {"serve", "/nonexistent"});
  EXPECT_EQ(model.Wait(), 1);
  EXPECT_THAT(model.text(), HasSubstr("OSError: /nonexistent does not appear to have a file named config.json"));
}

TEST(SimulatedEngine, DiesInSglangsOwnWarmupWhereTheFirstRequestKills) {
  Process process(kDirectory + "/simulated/sglang",
                  {"serve", "--model-path", "m", "--dtype", "float32", "--port", std::to_string(FreePort())});
  EXPECT_EQ(process.Wait(), 128 + SIGKILL);
  EXPECT_THAT(process.text(), HasSubstr("failed to dispatch data type Float"));
}

TEST(SimulatedEngine, EndsPromptlyOnSigterm) {
  struct Case {
    const char* program;
    std::vector<std::string> arguments;
    const char* ready;
  };
  const Case cases[] = {
      {"/simulated/vllm", {"serve", "m"}, "Application startup complete."},
      {"/simulated/sglang", {"serve", "--model-path", "m"}, "The server is fired up and ready to roll!"},
      {"/simulated/trtllm-serve", {"m"}, "Application startup complete."},
  };
  for (const Case& each : cases) {
    std::vector<std::string> arguments = each.arguments;
    arguments.insert(arguments.end(), {"--port", std::to_string(FreePort())});
    Process process(kDirectory + each.program, arguments);
    ASSERT_TRUE(process.Await(each.ready)) << process.text();
    process.Signal(SIGTERM);
    EXPECT_EQ(process.Wait(), 0) << each.program;
  }
}

TEST(SimulatedEngine, SaysThatTensorRtLlmsFlagsAreNotChecked) {
  Process process(kDirectory + "/simulated/trtllm-serve", {"m", "--port", std::to_string(FreePort())});
  ASSERT_TRUE(process.Await("Application startup complete."));
  EXPECT_THAT(process.text(), HasSubstr("flags not checked"));
}

TEST(SimulatedEngine, FailsOnDemand) {
  struct Case {
    const char* fail;
    int exit_code;
    const char* text;
  };
  const Case cases[] = {
      {"AUTOTUNE_SIM_FAIL=crash", 1, "illegal memory access"},
      {"AUTOTUNE_SIM_FAIL=oom-cuda", 1, "torch.OutOfMemoryError: CUDA out of memory"},
      {"AUTOTUNE_SIM_FAIL=exit137", 128 + SIGKILL, "SIMULATED"},
  };
  for (const Case& each : cases) {
    Process process(kDirectory + "/simulated/vllm", {"serve", "m"}, {each.fail, "AUTOTUNE_SIM_FAIL_WHEN=serve m"});
    EXPECT_EQ(process.Wait(), each.exit_code) << each.fail;
    EXPECT_THAT(process.text(), HasSubstr(each.text));
  }
}

TEST(SimulatedEngine, IsNeverReadyOnDemandAndStillEndsOnSigterm) {
  Process process(kDirectory + "/simulated/vllm", {"serve", "m"}, {"AUTOTUNE_SIM_FAIL=never-ready"});
  ASSERT_TRUE(process.Await("GPU KV cache size"));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_EQ(process.text().find("Application startup complete"), std::string::npos);
}

TEST(SimulatedEngine, FailsWhenThePortIsTaken) {
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  ASSERT_EQ(bind(taken, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  socklen_t size = sizeof address;
  getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size);
  Process process(kDirectory + "/simulated/vllm", {"serve", "m", "--port", std::to_string(ntohs(address.sin_port))});
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.text(), HasSubstr("Address already in use"));
  close(taken);
}

}  // namespace
}  // namespace autotune::simulator
