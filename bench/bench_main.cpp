// autotune-bench: what the bench and inspect containers of an experiment run.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/bench_run.h"
#include "bench/inspect.h"
#include "bench/priority.h"

namespace {

using namespace autotune::bench;

constexpr int kExitUsage = 2;

volatile std::sig_atomic_t told_to_end = 0;

void CatchSignals() {
  struct sigaction action {};
  action.sa_handler = [](int) { told_to_end = 1; };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

// Hundreds of connections at once.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// The termination log is a bind-mounted file: it cannot be renamed into place, so it is written in place, once and in
// one call; length and checksum tell a reader whether it was whole.
bool WriteTerminationLog(const std::string& path, const std::string& document) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool ok = fd >= 0 && ::write(fd, document.data(), document.size()) == static_cast<ssize_t>(document.size());
  if (fd >= 0) ok = ::close(fd) == 0 && ok;
  if (!ok) std::fprintf(stderr, "autotune-bench: cannot write %s: %s\n", path.c_str(), std::strerror(errno));
  return ok;
}

int Usage(const std::string& message) {
  std::fprintf(stderr, "autotune-bench: %s\n", message.c_str());
  return kExitUsage;
}

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures an inference engine, or reads the configuration of a model, inside a pod."};
  app.require_subcommand(1);

  BenchRunOptions run;
  std::string spec_text, run_log = "/dev/termination-log";
  CLI::App* run_command = app.add_subcommand("run", "Measure the engine and report the result");
  run_command->add_option("--dir", run.dir, "Directory shared with autotune-launch")->required();
  run_command->add_option("--port", run.port, "Port of the engine on 127.0.0.1")
      ->required()
      ->check(CLI::Range(1, 65535));
  run_command->add_option("--spec", spec_text, "Measurement to make, as JSON")->required();
  run_command->add_option("--termination-log", run_log, "File for the result")->capture_default_str();

  InspectOptions inspect;
  std::string files_text, inspect_log = "/dev/termination-log";
  CLI::App* inspect_command = app.add_subcommand("inspect", "Read a model's configuration and size");
  inspect_command->add_option("--model", inspect.model, "Id on the Hugging Face Hub, or a directory with a leading /");
  inspect_command->add_option("--revision", inspect.revision, "Branch, tag or commit on the Hugging Face Hub")
      ->capture_default_str();
  inspect_command->add_option("--endpoint", inspect.endpoint, "URL of the Hugging Face Hub")->capture_default_str();
  inspect_command->add_option("--spec", files_text, "What will be measured, as JSON: its datasets are read");
  inspect_command->add_flag("--models-context", inspect.models_context,
                            "Experiments may have the context of --model, not only the spec's maxModelLen");
  inspect_command->add_option("--termination-log", inspect_log, "File for the result")->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kExitUsage;
  }
  CatchSignals();

  if (run_command->parsed()) {
    const nlohmann::json document = nlohmann::json::parse(spec_text, nullptr, false);
    if (document.is_discarded()) return Usage("--spec: not JSON");
    auto spec = BenchSpecFromJson(document);
    if (!spec) return Usage("--" + spec.error().message);
    run.spec = *std::move(spec);
    run.told_to_end = [] { return told_to_end != 0; };
    run.say = Say;
    RaiseDescriptorLimit();
    AskForPriority();
    base::RealClock clock;
    const BenchRunOutcome outcome = RunBench(run, clock);
    return WriteTerminationLog(run_log, Encode(outcome.result)) ? outcome.exit_code : kExitInfrastructure;
  }

  if (const char* token = std::getenv("HF_TOKEN"); token != nullptr) inspect.token = token;
  if (inspect.model.empty() && files_text.empty()) return Usage("inspect needs --model or --spec");
  if (!files_text.empty()) {
    const nlohmann::json document = nlohmann::json::parse(files_text, nullptr, false);
    if (document.is_discarded()) return Usage("--spec: not JSON");
    auto spec = BenchSpecFromJson(document);
    if (!spec) return Usage("--" + spec.error().message);
    inspect.datasets = *std::move(spec);
  }
  inspect.told_to_end = [] { return told_to_end != 0; };
  inspect.say = Say;
  const InspectOutcome outcome = Inspect(inspect);
  if (outcome.result.failure) {
    Say("failed: " + outcome.result.failure->message);
  } else if (!outcome.result.dataset_problem.empty()) {
    Say("failed: " + outcome.result.dataset_problem);
  } else {
    if (inspect.datasets) {
      Say("the datasets can be used" +
          (outcome.result.datasets_read.empty() ? "" : "; " + outcome.result.datasets_read));
    }
    const auto& model = outcome.result.model;
    if (!inspect.model.empty()) {
      Say(model.architecture + ", " + (model.dtype.empty() ? "dtype not known" : model.dtype) + ", quantization " +
          model.quantization + ", " +
          (model.weight_bytes ? std::to_string(*model.weight_bytes) + " bytes of weights"
                              : "size of weights not known"));
    }
  }
  return WriteTerminationLog(inspect_log, Encode(outcome.result)) ? outcome.exit_code : kExitInfrastructure;
}
