#include "simulator/run_engine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>

#include "base/clock.h"
#include "simulator/command_line.h"
#include "simulator/engine_log.h"
#include "simulator/http_server.h"
#include "simulator/python_text.h"
#include "simulator/scheduled_server.h"
#include "simulator/startup.h"

namespace autotune::simulator {
namespace {

namespace asio = boost::asio;

// The process' standing inputs, read once.
struct SimulatorEnvironment {
  Gpu gpu;
  std::optional<int> visible_gpus;
  double speedup = 1;
  std::string fail;
  std::string fail_when;
  std::string data_directory;
  std::string release;
  KnownModels models;
  bool health_generates = true;
  std::optional<int> most_waiting;
};

// Devices named by CUDA_VISIBLE_DEVICES or NVIDIA_VISIBLE_DEVICES; nullopt where the value is not a list of devices.
std::optional<int> CountDevices(const std::string& list) {
  if (list == "all" || list == "void") return std::nullopt;
  if (list.empty() || list == "none" || list == "-1" || list == "NoDevFiles") return 0;
  return static_cast<int>(std::count(list.begin(), list.end(), ',')) + 1;
}

base::Result<SimulatorEnvironment> ReadEnvironment(const Environment& environment) {
  const auto text = [&](const char* name) { return environment(name).value_or(""); };
  SimulatorEnvironment out;
  const std::string gpu_name = text("AUTOTUNE_SIM_GPU");
  base::Result<Gpu> gpu = FindGpu(gpu_name.empty() ? "h100" : gpu_name);
  if (!gpu) return gpu.error();
  out.gpu = *gpu;
  if (const auto gpus = environment("AUTOTUNE_SIM_GPUS")) {
    const auto count = PythonInt(*gpus);
    if (!count || *count < 0) return base::Invalid("AUTOTUNE_SIM_GPUS: \"" + *gpus + "\" is not a number of GPUs");
    out.visible_gpus = static_cast<int>(*count);
  } else if (const auto cuda = environment("CUDA_VISIBLE_DEVICES")) {
    out.visible_gpus = CountDevices(*cuda);
  } else if (const auto nvidia = environment("NVIDIA_VISIBLE_DEVICES")) {
    out.visible_gpus = CountDevices(*nvidia);
  }
  if (const std::string speedup = text("AUTOTUNE_SIM_STARTUP_SPEEDUP"); !speedup.empty()) {
    const auto factor = PythonFloat(speedup);
    if (!factor || !(*factor > 0)) {
      return base::Invalid("AUTOTUNE_SIM_STARTUP_SPEEDUP: \"" + speedup + "\" is not a positive number");
    }
    out.speedup = *factor;
  }
  out.fail = text("AUTOTUNE_SIM_FAIL");
  out.fail_when = text("AUTOTUNE_SIM_FAIL_WHEN");
  out.data_directory = text("AUTOTUNE_SIM_DATA");
  out.release = text("AUTOTUNE_SIM_RELEASE");
  auto models = KnownModelsFromText(text("AUTOTUNE_SIM_MODELS"));
  if (!models) return base::Invalid("AUTOTUNE_SIM_MODELS: " + models.error().message);
  out.models = *std::move(models);
  if (const auto waiting = environment("AUTOTUNE_SIM_MAX_WAITING")) {
    const auto count = PythonInt(*waiting);
    if (!count || *count < 0) {
      return base::Invalid("AUTOTUNE_SIM_MAX_WAITING: \"" + *waiting + "\" is not a number of requests");
    }
    out.most_waiting = static_cast<int>(*count);
  }
  out.health_generates = text("SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION") != "false";
  return out;
}

void Print(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

std::string Banner(const EngineRelease& release, const SimulatorEnvironment& environment, int gpus) {
  std::string text = "SIMULATED " + std::string(EngineTitle(release.engine)) + " " + release.version + " on " +
                     std::to_string(gpus) + " x " + std::string(environment.gpu.product) +
                     ": no GPU is used, every number comes from a model";
  if (environment.speedup != 1) {
    std::array<char, 32> factor{};
    std::snprintf(factor.data(), factor.size(), "%g", environment.speedup);
    text += "; start-up runs " + std::string(factor.data()) + " times faster than observed, token timing does not";
  }
  return text + "\n";
}

std::string GuessWarning(const EngineSettings& settings) {
  const ModelShape& shape = settings.shape;
  std::array<char, 32> billions{};
  std::snprintf(billions.data(), billions.size(), "%.1f", shape.parameters() / 1e9);
  return "SIMULATED WARNING: the configuration of " + settings.model +
         " is not known: it is guessed from the name as " + shape.architecture + " with " + billions.data() +
         " billion parameters, " +
         (shape.checkpoint_quantization.empty() ? "not quantized" : "quantized with " + shape.checkpoint_quantization) +
         "; AUTOTUNE_SIM_MODELS can have its facts\n";
}

// Plays a StartupPlan and then serves. Everything happens on the io_context's thread.
class Run {
 public:
  Run(EngineSettings settings, StartupPlan plan, const SimulatorEnvironment& environment)
      : settings_(std::move(settings)),
        plan_(std::move(plan)),
        environment_(environment),
        format_(settings_.release, static_cast<int>(getpid())),
        timer_(io_),
        signals_(io_, SIGTERM, SIGINT),
        started_(std::chrono::steady_clock::now()) {}

  int Play() {
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (!error) Shutdown();
    });
    NextLine();
    io_.run();
    return exit_code_;
  }

 private:
  void Log(const LogEntry& entry) { Print(stdout, format_.Format(entry, clock_.Wall())); }

  // Runs `then` at `seconds` (unscaled) after the process' start.
  template <typename F>
  void At(double seconds, F then) {
    timer_.expires_at(started_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                     std::chrono::duration<double>(seconds / environment_.speedup)));
    timer_.async_wait([then = std::move(then)](boost::system::error_code error) {
      if (!error) then();
    });
  }

  void NextLine() {
    if (next_line_ < plan_.lines.size()) {
      At(plan_.lines[next_line_].at, [this] {
        Log(plan_.lines[next_line_].entry);
        ++next_line_;
        NextLine();
      });
      return;
    }
    At(plan_.end_at, [this] { EndOfStartup(); });
  }

  void EndOfStartup() {
    switch (plan_.end) {
      case StartupPlan::End::kServe:
        Serve();
        return;
      case StartupPlan::End::kExit:
        End(plan_.exit_code);
        return;
      case StartupPlan::End::kKill:
        KillSelf();
      case StartupPlan::End::kHostMemory:
        ExhaustHostMemory();
      case StartupPlan::End::kNeverReady:
        return;  // the signal set keeps the loop alive
    }
  }

  void Serve() {
    ServerOptions options;
    options.settings = settings_;
    options.first_request_delay = plan_.first_request_delay / environment_.speedup;
    options.dies_on_first_request = plan_.dies_on_first_request;
    options.health_generates = environment_.health_generates;
    options.most_waiting = environment_.most_waiting;
    AllowManyConnections();
    server_ = std::make_unique<SimulatedServer>(
        io_, clock_, std::move(options), [this] { Die(); }, nullptr);
    const base::Result<std::uint16_t> port =
        server_->Listen(settings_.host, static_cast<std::uint16_t>(settings_.port));
    if (!port) {
      Log(Raw(LogEntry::Process::kFrontEnd, port.error().message));
      End(1);
      return;
    }
    switch (settings_.release.engine) {
      case Engine::kVllm:
        Log(Raw(LogEntry::Process::kFrontEnd, "INFO:     Started server process [" + std::to_string(getpid()) +
                                                  "]\nINFO:     Application startup complete."));
        return;
      case Engine::kSglang:
        if (settings_.own_warmup) {
          server_->Warmup(
              [this] { Log(Info(LogEntry::Process::kNone, "", "The server is fired up and ready to roll!")); });
        } else {
          Log(Info(LogEntry::Process::kNone, "", "The server is fired up and ready to roll!"));
        }
        return;
      case Engine::kTensorRtLlm:
        Log(Raw(LogEntry::Process::kNone, "INFO:     Application startup complete."));
        return;
    }
  }

  // The first request was too much. SGLang takes five seconds before it kills its process tree.
  void Die() {
    for (const LogEntry& entry : plan_.death_lines) Log(entry);
    const double pause = plan_.death_is_kill ? 5.0 / environment_.speedup : 0.1;
    timer_.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(pause)));
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      if (plan_.death_is_kill) KillSelf();
      End(1);
    });
  }

  void Shutdown() {
    switch (settings_.release.engine) {
      case Engine::kVllm:
        Log(Info(LogEntry::Process::kFrontEnd, "launcher.py:100", "[shutdown] API server: shutdown triggered"));
        break;
      case Engine::kSglang:
        Log(Info(LogEntry::Process::kNone, "",
                 "SIGTERM received. signum=None frame=None. Draining requests and shutting down..."));
        break;
      case Engine::kTensorRtLlm:
        Log(Raw(LogEntry::Process::kNone, "INFO:     Shutting down"));
        break;
    }
    End(0);
  }

  void End(int exit_code) {
    exit_code_ = exit_code;
    if (server_) server_->Stop();
    io_.stop();
  }

  EngineSettings settings_;
  StartupPlan plan_;
  const SimulatorEnvironment& environment_;
  base::RealClock clock_;
  LogFormat format_;
  asio::io_context io_{1};
  asio::steady_timer timer_;
  asio::signal_set signals_;
  std::chrono::steady_clock::time_point started_;
  std::unique_ptr<SimulatedServer> server_;
  std::size_t next_line_ = 0;
  int exit_code_ = 0;
};

// Waits as long as the real engine takes to import its code; false when a signal ended the wait.
bool WaitForImports(Engine engine, double speedup) {
  asio::io_context io{1};
  asio::steady_timer timer(io);
  asio::signal_set signals(io, SIGTERM, SIGINT);
  bool interrupted = false;
  timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(ImportSeconds(engine) / speedup)));
  timer.async_wait([&](boost::system::error_code) { signals.cancel(); });
  signals.async_wait([&](boost::system::error_code error, int) {
    interrupted = !error;
    timer.cancel();
  });
  io.run();
  return !interrupted;
}

}  // namespace

int RunEngine(const std::vector<std::string>& argv, const Environment& environment) {
  if (argv.size() > 1 && argv[1] == "--schedule") return RunScheduledServer({argv.begin() + 1, argv.end()});
  const base::Result<SimulatorEnvironment> simulator = ReadEnvironment(environment);
  if (!simulator) {
    Print(stderr, "simulated-engine: " + simulator.error().message + "\n");
    return 2;
  }
  auto command = RecogniseCommand(argv);
  if (const auto* refusal = std::get_if<CommandError>(&command)) {
    Print(stderr, refusal->output);
    return refusal->exit_code;
  }
  const Invocation& invocation = std::get<Invocation>(command);
  std::string joined;
  for (const std::string& word : argv) joined += (joined.empty() ? "" : " ") + word;
  const base::Result<InjectedFailure> scenario = InjectedFailureFromText(simulator->fail, simulator->fail_when, joined);
  const base::Result<EngineRelease> release = ReleaseFromText(invocation.engine, simulator->release);
  if (!scenario || !release) {
    Print(stderr, "simulated-engine: " + (scenario ? release.error() : scenario.error()).message + "\n");
    return 2;
  }

  std::optional<RecordedParser> parser;
  if (invocation.engine != Engine::kTensorRtLlm) {
    base::Result<RecordedParsers> recordings = simulator->data_directory.empty()
                                                   ? base::Result<RecordedParsers>(RecordedParsers::Embedded())
                                                   : RecordedParsers::FromDirectory(simulator->data_directory);
    base::Result<RecordedParser> found =
        recordings ? recordings->Find(*release) : base::Result<RecordedParser>(recordings.error());
    if (!found) {
      Print(stderr, "simulated-engine: " + found.error().message + "\n");
      return 2;
    }
    parser = *std::move(found);
  }
  const RecordedParser* parser_or_null = parser ? &*parser : nullptr;

  const auto refuse = [&](const CommandError& refusal) {
    Print(stderr, Banner(*release, *simulator, 1));
    if (refusal.after_imports && !WaitForImports(invocation.engine, simulator->speedup)) return 128 + SIGTERM;
    Print(stderr, refusal.output);
    return refusal.exit_code;
  };
  auto parsed = ParseEngineArguments(invocation, parser_or_null);
  if (const auto* refusal = std::get_if<CommandError>(&parsed)) return refuse(*refusal);
  const AcceptedArguments& accepted = std::get<AcceptedArguments>(parsed);
  base::Result<EngineSettings> settings = ResolveSettings(
      {parser_or_null, *release, simulator->gpu, simulator->visible_gpus, simulator->models}, accepted.arguments);
  if (!settings) return refuse({settings.error().message + "\n", 1, true});

  Print(stdout, Banner(*release, *simulator, settings->gpus()));
  if (!settings->shape.from_config) Print(stdout, GuessWarning(*settings));
  if (invocation.engine == Engine::kSglang && invocation.module && release->Within("0.5.10", "")) {
    Print(stdout,
          "/usr/local/lib/python3.12/dist-packages/sglang/launch_server.py:55: UserWarning: 'python -m "
          "sglang.launch_server' is still supported, but 'sglang serve' is the recommended entrypoint.\n"
          "  Example: sglang serve --model-path <model> [options]\n  warnings.warn(\n");
  }
  settings->scenario = *scenario;
  StartupPlan plan = PlanStartup(*settings, *scenario);
  for (const std::string& warning : accepted.warnings) {
    plan.lines.insert(plan.lines.begin(), {0, Warning(LogEntry::Process::kNone, "argparse_utils.py:422", warning)});
  }
  return Run(*std::move(settings), std::move(plan), *simulator).Play();
}

}  // namespace autotune::simulator
