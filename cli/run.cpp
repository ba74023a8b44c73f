#include "cli/run.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "cli/asked_gpu.h"
#include "cli/dataset_files.h"
#include "cli/progress.h"
#include "cli/status_text.h"
#include "cli/task_file.h"
#include "cli/whole_file.h"
#include "operator/experiment/pod_builder.h"
#include "operator/local/local_runner.h"
#include "operator/reconcile/space.h"
#include "operator/reconcile/verdict.h"
#include "report/page.h"
#include "text/yaml_json.h"

extern char** environ;

namespace autotune::cli {
namespace {

using text::ToYaml;
namespace fs = std::filesystem;

constexpr int kExitNoBest = 1;
constexpr int kExitBadInput = 2;
constexpr int kExitInterrupted = 130;
constexpr int kSimulatedGpus = 8;

// `--simulate task`: the GPUs that the task names.
constexpr const char* kTaskGpus = "task";

base::Result<std::vector<local::Machine>> SimulatedMachines(const api::TaskSpec& spec, const RunOptions& options) {
  const bool of_task = options.simulate == kTaskGpus;
  if (!of_task && spec.gpus.size() > 1) {
    return base::Invalid("--simulate: the task compares " + std::to_string(spec.gpus.size()) +
                         " types of GPU; write --simulate task for the products of spec.gpus");
  }
  std::vector<local::Machine> machines;
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const std::string path = api::GpuPath(spec, i) + ".products";
    const std::vector<std::string>& products = spec.gpus[i].products;
    if (of_task && products.empty()) return base::Invalid(path + ": is required by --simulate task; such as [h100]");
    const auto gpu = ReadSimulatedGpu(of_task ? products.front() : options.simulate);
    if (!gpu) return base::Invalid((of_task ? path + "[0]: " : "--simulate: ") + gpu.error().message);
    machines.push_back(local::SimulatedMachine(gpu->info, options.gpus > 0 ? options.gpus : kSimulatedGpus));
    machines.back().type = spec.gpus[i].name;
    machines.back().variables["AUTOTUNE_SIM_GPU"] = gpu->name;
  }
  return machines;
}

// By type of GPU of the task; a real machine has one.
base::Result<std::vector<local::Machine>> FindMachines(const api::TaskSpec& spec, const RunOptions& options,
                                                       const local::Environment& environment) {
  if (!options.simulate.empty()) return SimulatedMachines(spec, options);
  local::Machine machine = local::DetectMachine(environment, options.gpus);
  if (machine.devices.empty()) {
    return base::Invalid(
        "no GPU was found on this machine (nvidia-smi, /proc/driver/nvidia, CUDA_VISIBLE_DEVICES); "
        "--simulate h100 runs the task with simulated engines");
  }
  if (static_cast<std::size_t>(options.gpus) > machine.devices.size()) {
    return base::Invalid("--gpus: " + std::to_string(options.gpus) + " requested, this machine has " +
                         std::to_string(machine.devices.size()));
  }
  return std::vector<local::Machine>{std::move(machine)};
}

base::Result<fs::path> ToolsDirectory(const RunOptions& options) {
  std::error_code error;
  const fs::path directory =
      options.tools_dir.empty() ? fs::read_symlink("/proc/self/exe", error).parent_path() : fs::path(options.tools_dir);
  for (const char* tool : {"autotune-launch", "autotune-bench"}) {
    if (access((directory / tool).c_str(), X_OK) != 0) {
      return base::Invalid((directory / tool).string() +
                           ": not found; set --tools-dir to the directory of autotune-launch and " + "autotune-bench");
    }
  }
  return directory;
}

// The engines' commands, replaced by the simulated one for everything that this task starts.
base::Status Simulate(const RunOptions& options, const fs::path& tools, local::Environment& environment) {
  const char* from_environment = getenv("AUTOTUNE_SIMULATED_DIR");
  const fs::path directory = from_environment != nullptr ? fs::path(from_environment) : tools / "simulated";
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return base::Invalid("--simulate: " + directory.string() +
                         " does not exist; the build creates it, and AUTOTUNE_SIMULATED_DIR overrides it");
  }
  environment["PATH"] = directory.string() + ":" + environment["PATH"];
  char speedup[32];
  std::snprintf(speedup, sizeof speedup, "%g", options.startup_speedup);
  environment["AUTOTUNE_SIM_STARTUP_SPEEDUP"] = speedup;
  return {};
}

// One directory stands for the volumes of all checkpoints.
base::Result<fs::path> ModelDirectory(const api::TaskSpec& spec, const RunOptions& options) {
  if (!options.model_dir.empty()) return fs::path(options.model_dir);
  std::optional<fs::path> found;
  for (std::size_t i = 0; i < spec.models.size(); ++i) {
    const nlohmann::json& volume = spec.models[i].volume;
    const std::string path = api::ModelPath(spec, i) + ".volume";
    if (volume.is_object() && volume.contains("persistentVolumeClaim")) {
      return base::Invalid(
          path + ".persistentVolumeClaim: local mode has no PersistentVolumeClaims; set --model-dir to a directory " +
          "with its files");
    }
    const bool on_host = volume.is_object() && volume.contains("hostPath");
    const fs::path directory = on_host ? fs::path(volume["hostPath"].value("path", "")) : fs::path();
    if (!spec.models[i].id_or_path.starts_with('/')) continue;
    if (found && *found != directory) {
      return base::Invalid(path + ": local mode has one directory for all checkpoints; set it with --model-dir");
    }
    found = directory;
  }
  return found.value_or(fs::path());
}

// Of the checkpoints whose configuration is in the task; the others are inspected.
base::Result<KnownModels> ModelsOf(const api::TaskSpec& task) {
  KnownModels models;
  for (std::size_t i = 0; i < task.models.size(); ++i) {
    auto model = reconcile::InlineFacts(task, i);
    if (!model) return std::move(model).error();
    models.push_back(*std::move(model));
  }
  return models;
}

// `read`: how they are judged; "" without any.
base::Status FillQuestions(const api::TaskSpec& task, const RunOptions& options, local::LocalTools& tools,
                           std::string& read) {
  if (!task.quality.dataset) {
    if (options.questions.empty()) return {};
    return base::Invalid("--questions: the task has no spec.quality.dataset");
  }
  if (options.questions.empty()) {
    return base::Invalid(
        "spec.quality.dataset: local mode has no ConfigMaps and no claims: set --questions to the file " +
        std::string("that stands for ") + task.quality.dataset->file);
  }
  const auto models = ModelsOf(task);
  if (!models) return models.error();
  const auto questions = ReadQuestions(task, *models, options.questions);
  if (!questions) return questions.error();
  read = questions->value().text;
  tools.questions = fs::absolute(options.questions);
  return {};
}

// What stands for the volumes of spec.benchmark.
base::Status FillBenchmarkFiles(const api::TaskSpec& task, const RunOptions& options, local::LocalTools& tools) {
  const api::BenchmarkSpec& benchmark = task.benchmark;
  std::error_code error;
  if (benchmark.dataset) {
    if (options.dataset.empty()) {
      return base::Invalid(
          "spec.benchmark.dataset: local mode has no ConfigMaps and PersistentVolumeClaims; set --dataset to a " +
          std::string("copy of ") + benchmark.dataset->file);
    }
    const auto models = ModelsOf(task);
    if (!models) return models.error();
    if (const auto requests = CountRequests(task, *models, options.dataset); !requests) return requests.error();
    tools.dataset = fs::absolute(options.dataset);
  } else if (!options.dataset.empty()) {
    return base::Invalid("--dataset: requires spec.benchmark.dataset, which has the format");
  }
  if (!benchmark.records_claim.empty()) {
    if (options.records.empty()) {
      return base::Invalid(
          "spec.benchmark.records: local mode has no PersistentVolumeClaims; set --records to a directory");
    }
    fs::create_directories(options.records, error);
    if (error) return base::Invalid("--records: " + options.records + ": " + error.message());
    tools.records = fs::absolute(options.records);
  }
  return {};
}

// What is written only at the end could be rejected after hours.
base::Status CheckOutputs(const RunOptions& options) {
  if (!options.report.empty()) {
    if (const auto possible = CheckWritable(options.report); !possible) {
      return base::Invalid("--report: " + possible.error().message);
    }
  }
  if (options.logs.empty()) return {};
  std::error_code error;
  fs::create_directories(options.logs, error);
  if (error) return base::Invalid("--keep-logs: " + options.logs + ": " + error.message());
  return {};
}

base::Status WriteStatusFile(const std::string& path, const api::AutotuneTask& task) {
  const auto written = WriteWholeFile(path, ToYaml(api::ToJson(task)));
  return written ? written : base::Invalid("--status-file: " + written.error().message);
}

// The status that an earlier run of the same task left.
base::Status Resume(const std::string& path, api::AutotuneTask& task) {
  auto earlier = LoadTask({path}, std::cin);
  if (!earlier) return base::Invalid("--resume: " + earlier.error().message);
  if (earlier->metadata.name != task.metadata.name) {
    return base::Invalid("--resume: " + path + " belongs to task \"" + earlier->metadata.name + "\", not \"" +
                         task.metadata.name + "\"");
  }
  task.status = std::move(earlier->status);
  return {};
}

// A run that was interrupted or killed left measurements there, which a new run would overwrite.
base::Status CheckOverwrite(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  const auto earlier = LoadTask({path}, std::cin);
  if (!earlier || reconcile::IsOver(earlier->status.state)) return {};
  const auto measured =
      std::ranges::count(earlier->status.experiments, api::ExperimentState::kSucceeded, &api::ExperimentStatus::state);
  if (measured == 0) return {};
  return base::Invalid("--status-file: " + path + " has an unfinished run of task \"" + earlier->metadata.name +
                       "\" with " + std::to_string(measured) + (measured == 1 ? " result" : " results") +
                       ": add --resume to continue it, or remove the file to begin again");
}

// SIGINT, SIGTERM and SIGHUP reach this thread only: the first one stops, the second one kills. In between it redraws.
class SignalThread {
 public:
  SignalThread(std::stop_source& stop, ProgressView& view, local::LocalCluster& cluster)
      : thread_([this, &stop, &view, &cluster] { Run(stop, view, cluster); }) {}
  ~SignalThread() {
    done_ = true;
    thread_.join();
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

  static sigset_t Signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
    return signals;
  }

 private:
  void Run(std::stop_source& stop, ProgressView& view, local::LocalCluster& cluster) {
    const sigset_t signals = Signals();
    int count = 0;
    for (int ticks = 0; !done_; ++ticks) {
      const timespec pause{0, 200'000'000};
      if (sigtimedwait(&signals, nullptr, &pause) < 0) {
        if (ticks % 5 == 4) view.Tick();
        continue;
      }
      if (++count == 1) {
        view.Say("Stopping: the engines are ending; repeat the signal to kill them");
        stop.request_stop();
      } else {
        cluster.KillAll();
      }
    }
  }

  std::atomic<bool> done_{false};
  std::thread thread_;
};

int BadInput(const std::string& message) {
  std::cerr << "autotune: " << message << "\n";
  return kExitBadInput;
}

}  // namespace

std::size_t TerminalWidth(int descriptor) {
  winsize size{};
  if (isatty(descriptor) != 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 160;
}

local::Environment ParentEnvironment() {
  local::Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos && equals > 0)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

int RunLocally(api::AutotuneTask task, const quant::RuleSet& rules, const RunOptions& options) {
  local::Environment environment = ParentEnvironment();
  auto machines = FindMachines(task.spec, options, environment);
  if (!machines) return BadInput(machines.error().message);
  // Of one machine: below what the task sets for its engines.
  if (machines->size() == 1) {
    for (const auto& [name, value] : std::exchange(machines->front().variables, {})) environment[name] = value;
  }
  if (const auto possible = CheckOutputs(options); !possible) return BadInput(possible.error().message);
  const auto tools = ToolsDirectory(options);
  if (!tools) return BadInput(tools.error().message);
  if (!options.simulate.empty()) {
    if (const auto simulated = Simulate(options, *tools, environment); !simulated)
      return BadInput(simulated.error().message);
  }
  const auto model_dir = ModelDirectory(task.spec, options);
  if (!model_dir) return BadInput(model_dir.error().message);
  if (const auto possible = local::CheckLocal(task, *machines); !possible) return BadInput(possible.error().message);
  local::LocalTools local_tools;
  auto files = FillBenchmarkFiles(task.spec, options, local_tools);
  std::string questions_read;
  if (files) files = FillQuestions(task.spec, options, local_tools, questions_read);
  if (!files) {
    return BadInput(files.error().message);
  }
  const auto runtimes = reconcile::ResolveRuntimes(task.spec, rules);
  if (!runtimes) return BadInput(runtimes.error().message);
  if (options.resume) {
    if (options.status_file.empty()) return BadInput("--resume needs --status-file");
    if (const auto resumed = Resume(options.status_file, task); !resumed) return BadInput(resumed.error().message);
  }
  if (!options.resume && !options.status_file.empty()) {
    if (const auto possible = CheckOverwrite(options.status_file); !possible) return BadInput(possible.error().message);
  }
  base::RealClock clock;
  local::Admit(task, *machines, clock.Wall(), options.resume);
  if (!options.status_file.empty()) {
    if (const auto written = WriteStatusFile(options.status_file, task); !written) {
      return BadInput(written.error().message);
    }
  }

  // Blocked before any thread starts: all inherit it, and one thread takes them.
  const sigset_t signals = SignalThread::Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const char* temporary = getenv("TMPDIR");
  std::string directory = std::string(temporary == nullptr ? "/tmp" : temporary) + "/autotune-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return BadInput(directory + ": cannot be created: " + std::strerror(errno));

  const std::string home = environment.contains("HOME") ? environment["HOME"] : "/root";
  local_tools.launch_binary = *tools / "autotune-launch";
  local_tools.bench_binary = *tools / "autotune-bench";
  local_tools.hub_cache = environment.contains("HF_HOME") ? environment["HF_HOME"] : home + "/.cache/huggingface";
  local_tools.model_dir = *model_dir;
  reconcile::Settings settings;
  settings.rules = &rules;
  settings.environment = local::LocalPodEnvironment(local_tools);

  ProgressView view(stderr, isatty(STDERR_FILENO) != 0, TerminalWidth(STDERR_FILENO), clock);
  std::string gpus;
  for (const local::Machine& machine : *machines) {
    for (const std::string& note : machine.notes) view.Say(note);
    gpus += (gpus.empty() ? "" : ", ") + std::to_string(machine.devices.size()) + " x " +
            (machine.gpu.product.empty() ? "GPU" : machine.gpu.product);
  }
  const bool simulated = machines->front().simulated;
  view.Say("Task " + task.metadata.name + " on " + gpus +
           (simulated ? ", simulated: the numbers below are not measurements of a GPU" : ""));
  if (!questions_read.empty()) view.Say("Questions: " + questions_read);

  if (task.spec.optimization.reuse != api::Reuse::kNone) {
    view.Say(
        "optimization.reuse has no effect in local mode, which knows no other tasks; --resume keeps what this one "
        "measured");
  }

  local::LocalOptions local_options;
  local_options.machines = *machines;
  local_options.environment = environment;
  if (simulated) {
    for (const reconcile::ResolvedRuntime& runtime : *runtimes) {
      local_options.by_image[runtime.spec.image]["AUTOTUNE_SIM_RELEASE"] =
          runtime.release.engine + ":" + runtime.release.version.ToString();
    }
  }
  local_options.directory = directory;
  local_options.logs = options.logs;
  bool write_failed = false;
  local_options.on_status = [&](const api::AutotuneTask& now) {
    view.Show(now);
    if (options.status_file.empty()) return;
    const auto written = WriteStatusFile(options.status_file, now);
    if (!written && !write_failed) view.Say("Warning: " + written.error().message);
    write_failed = !written;
  };

  std::stop_source stop;
  base::Result<api::AutotuneTask> result = [&] {
    local::LocalCluster cluster(std::move(local_options), std::move(task), clock);
    const SignalThread signal_thread(stop, view, cluster);
    return local::RunTask(cluster, settings, clock, stop.get_token());
  }();
  view.Finish();

  if (!result) {
    if (result.error().code == base::Code::kCancelled) {
      std::cerr << "autotune: interrupted; all engines have ended"
                << (options.status_file.empty() ? "" : "; --resume continues from " + options.status_file) << "\n";
      return kExitInterrupted;
    }
    std::cerr << "autotune: " << result.error().message << "\n";
    return kExitNoBest;
  }
  if (options.yaml) {
    std::cout << ToYaml(api::ToJson(*result));
  } else {
    std::cout << "\n" << FinalText(*result, rules, TerminalWidth(STDOUT_FILENO));
  }
  std::cout.flush();
  if (!options.report.empty()) {
    if (const auto written = WriteWholeFile(options.report, report::HtmlReport(*result, rules)); !written) {
      return BadInput("--report: " + written.error().message);
    }
    std::cerr << "\nReport: " << options.report << "\n";
  }
  if (!options.logs.empty()) std::cerr << "\nLogs of every engine: " << options.logs << "\n";
  return result->status.best ? 0 : kExitNoBest;
}

}  // namespace autotune::cli
