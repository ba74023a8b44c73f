// autotune, also kubectl-autotune. Wiring only. Exit codes: 0 done (run: there is a best), 1 no best or nothing to
// show, 2 wrong input, 3 no cluster or no access, 4 no such task, 130 interrupted.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>

#include "cli/bench_url.h"
#include "cli/completion.h"
#include "cli/diagnose.h"
#include "cli/explain.h"
#include "cli/explain_words.h"
#include "cli/import.h"
#include "cli/inspect.h"
#include "cli/json_text.h"
#include "cli/matrix.h"
#include "cli/plan.h"
#include "cli/plan_diff.h"
#include "cli/plan_search.h"
#include "cli/run.h"
#include "cli/task_file.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"
#include "engine_model/gpu_spec.h"
#include "gpu/product.h"
#include "operator/deploy/target.h"
#include "quant/rules.h"

namespace {

using namespace autotune;  // NOLINT(google-build-using-namespace): wiring

constexpr int kBadInput = 2;

int Fail(const std::string& message) {
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) std::cerr << "autotune: " << line << "\n";
  return kBadInput;
}

base::Result<quant::RuleSet> LoadRules(const std::string& directory) {
  if (directory.empty()) return quant::RuleSet::BuiltIn();
  auto rules = quant::RuleSet::FromDirectory(directory);
  if (!rules) return base::Invalid("--rules: " + rules.error().message);
  return rules;
}

int PlanOne(api::AutotuneTask task, const std::string& output, const std::string& tools_image,
            const cli::PlanOptions& options, const quant::RuleSet& rules) {
  experiment::PodEnvironment environment;
  environment.tools_image = tools_image;
  environment.policy = experiment::PodPolicy::Everything();  // whether a cluster allows it is for its operator to say
  const auto plan = cli::MakePlan(std::move(task), rules, environment, options);
  if (!plan) return Fail(plan.error().message);
  std::optional<cli::SearchPreview> preview;
  if (reconcile::IsAdaptive(plan->task.spec) && output != "pods") preview = cli::PreviewSearch(*plan);
  if (output == "json") {
    nlohmann::json out = cli::PlanJson(*plan, environment);
    if (preview) out["search"] = cli::SearchJson(*plan, *preview);
    std::cout << cli::IndentedJson(out) << "\n";
  } else if (output == "pods") {
    std::cout << cli::PlanPods(*plan, environment);
  } else {
    std::cout << cli::PlanText(*plan, cli::TerminalWidth(STDOUT_FILENO));
    if (preview) std::cout << cli::SearchText(*plan, *preview);
  }
  const bool refused = preview && !preview->refusal.empty();
  return plan->space.schedule.empty() || refused || !cli::NoRoom(*plan).empty() ? 1 : 0;
}

// What an edit changes. 0 whatever it is: it was shown.
int PlanDiff(std::vector<api::AutotuneTask> tasks, const std::string& output, const cli::PlanOptions& options,
             const quant::RuleSet& rules) {
  if (tasks.size() != 2) {
    return Fail("plan --diff requires two tasks, the old and the new one; got " + std::to_string(tasks.size()));
  }
  if (output == "pods") return Fail("plan --diff: -o pods supports one task; use table or json");
  experiment::PodEnvironment environment;
  environment.policy = experiment::PodPolicy::Everything();
  const auto from = cli::MakePlan(std::move(tasks[0]), rules, environment, options),
             to = cli::MakePlan(std::move(tasks[1]), rules, environment, options);
  for (const auto* plan : {&from, &to}) {
    if (!*plan) return Fail(plan->error().message);
  }
  const auto preview = [](const cli::TaskPlan& plan) -> std::optional<cli::SearchPreview> {
    if (!reconcile::IsAdaptive(plan.task.spec)) return std::nullopt;
    return cli::PreviewSearch(plan);
  };
  const auto before = preview(*from), after = preview(*to);
  const cli::PlanChange change = cli::Compare(*from, *to);
  const auto* const old_search = before ? &*before : nullptr;
  const auto* const new_search = after ? &*after : nullptr;
  if (output == "json") {
    std::cout << cli::IndentedJson(cli::PlanChangeJson(*from, *to, change, old_search, new_search)) << "\n";
  } else {
    std::cout << cli::PlanChangeText(*from, *to, change, old_search, new_search);
  }
  return 0;
}

void SayNotes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::cerr << "note: " << note << "\n";
}

// Every task of the files; the exit code is that of the worst. `cluster`: whose nodes are planned for, or null.
int Plan(const std::vector<std::string>& files, const std::string& output, const std::string& tools_image, bool diff,
         cli::PlanOptions options, const cli::ClusterOptions* cluster, const quant::RuleSet& rules) {
  std::vector<std::string> notes;
  auto tasks = cli::LoadTasks(files, std::cin, &notes, &options.config_maps);
  SayNotes(notes);
  if (!tasks) return Fail(tasks.error().message);
  const auto has = [&](auto dataset) {
    return std::any_of(tasks->begin(), tasks->end(), [&](const api::AutotuneTask& task) { return dataset(task.spec); });
  };
  if (!options.dataset.empty() && !has([](const api::TaskSpec& spec) { return spec.benchmark.dataset.has_value(); }))
    return Fail("--dataset: no task has spec.benchmark.dataset");
  if (!options.questions.empty() && !has([](const api::TaskSpec& spec) { return spec.quality.dataset.has_value(); }))
    return Fail("--questions: no task has spec.quality.dataset");
  if (cluster != nullptr) {
    auto nodes = cli::NodesOf(*cluster);
    if (!nodes) {
      Fail(nodes.error().message);
      return cli::ExitCodeOf(nodes.error());
    }
    options.nodes = *std::move(nodes);
    for (api::AutotuneTask& task : *tasks) {
      if (const auto read = cli::ReadDeployed(*cluster, task); !read) {
        Fail(read.error().message);
        return cli::ExitCodeOf(read.error());
      }
    }
  }
  if (diff) options.config_maps.clear();  // two files may have two of one name
  if (diff) return PlanDiff(*std::move(tasks), output, options, rules);
  int code = 0;
  for (std::size_t i = 0; i < tasks->size(); ++i) {
    if (i > 0) std::cout << (output == "pods" ? "---\n" : "\n");
    code = std::max(code, PlanOne(std::move((*tasks)[i]), output, tools_image, options, rules));
  }
  return code;
}

int Run(const std::vector<std::string>& files, const cli::RunOptions& options, const quant::RuleSet& rules) {
  std::vector<std::string> notes;
  auto task = cli::LoadTask(files, std::cin, &notes);
  SayNotes(notes);
  if (!task) return Fail(task.error().message);
  return cli::RunLocally(*std::move(task), rules, options);
}

int Import(const std::string& file) {
  const auto text = cli::ReadFileOrStdin(file, std::cin);
  if (!text) return Fail(text.error().message);
  const auto imported = cli::Import(*text);
  if (!imported) return Fail((file == "-" ? "standard input" : file) + ": " + imported.error().message);
  std::cout << imported->yaml;
  for (const std::string& note : imported->notes) std::cerr << "note: " << note << "\n";
  return 0;
}

int Inspect(const std::string& model, const cli::HubAccess& hub, const std::string& output) {
  const auto facts = cli::ReadModel(model, hub, "give a directory with its config.json");
  if (!facts) return Fail(facts.error().message);
  std::cout << (output == "json" ? cli::IndentedJson(checkpoint::ToJson(*facts)) + "\n" : cli::ModelFactsText(*facts));
  return 0;
}

int Diagnose(const std::string& file, std::optional<int> exit_code, const std::string& output) {
  const auto log = cli::ReadFileOrStdin(file, std::cin);
  if (!log) return Fail(log.error().message);
  if (log->find_first_not_of(" \t\r\n") == std::string::npos)
    return Fail((file == "-" ? "standard input" : file) + " is empty");
  const cli::Diagnosis diagnosis = cli::Diagnose(*log, exit_code);
  std::cout << (output == "json" ? cli::IndentedJson(cli::DiagnosisJson(diagnosis)) + "\n"
                                 : cli::DiagnosisText(diagnosis));
  return 0;
}

int Explain(const cli::ExplainOptions& options, const std::string& output, const quant::RuleSet& rules) {
  const auto explanation = cli::Explain(rules, options);
  if (!explanation) return Fail(explanation.error().message);
  if (output == "json") {
    std::cout << cli::IndentedJson(cli::ExplanationJson(*explanation)) << "\n";
  } else {
    std::cout << cli::ExplanationText(*explanation);
  }
  return 0;
}

int Matrix(const cli::MatrixOptions& options, const std::string& output, const quant::RuleSet& rules) {
  const auto matrix = cli::MakeMatrix(rules, options);
  if (!matrix) return Fail(matrix.error().message);
  if (output == "json") {
    std::cout << cli::IndentedJson(cli::MatrixJson(*matrix, rules.version())) << "\n";
  } else {
    std::cout << (output == "markdown" ? cli::MatrixMarkdown(*matrix)
                                       : cli::MatrixText(*matrix, cli::TerminalWidth(STDOUT_FILENO)));
  }
  return 0;
}

int Rules(const std::string& engine, bool flags, const quant::RuleSet& rules) {
  const auto traits = rules.Traits(engine, {});
  if (!traits) return Fail(traits.error().message);
  std::cout << quant::RuleSet::BuiltInFile(engine + (flags ? ".flags.yaml" : ".yaml")).value_or("");
  return 0;
}

std::vector<cli::CommandWords> CommandsOf(const CLI::App& app) {
  std::vector<cli::CommandWords> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    cli::CommandWords words{command->get_name(), command->get_description(), {}, false};
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) words.options.push_back("--" + name);
      for (const std::string& name : option->get_snames()) words.options.push_back("-" + name);
    }
    words.takes_task = command->get_option_no_throw("NAME") != nullptr;
    commands.push_back(std::move(words));
  }
  return commands;
}

// The command line, last word first as CLI11 takes it.
// `command`: the engine's command that explain is given.
std::vector<std::string> Words(int argc, char** argv, const CLI::App& app, const CLI::App& explain,
                               std::vector<std::string>& command) {
  const auto own = [&](std::string_view name) {
    const CLI::Option* option = explain.get_option_no_throw(std::string(name));
    if (option == nullptr) option = app.get_option_no_throw(std::string(name));
    return option == nullptr ? std::nullopt : std::optional<int>(option->get_items_expected_min());
  };
  std::vector<std::string> words(argv + 1, argv + argc);
  command = cli::TakeCommand(words, own);
  words = cli::ExplainWords(std::move(words), own);
  std::reverse(words.begin(), words.end());
  return words;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures serving configurations of an LLM and recommends the best one.", "autotune"};
  app.set_version_flag("--version", "autotune " AUTOTUNE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "autotune: " + cli::Reworded(error.what()) + " (see --help)\n";
  });
  std::string rules_directory;
  app.add_option("--rules", rules_directory, "Directory with compatibility tables that replace the built-in ones")
      ->type_name("DIR");

  std::string file = "-";
  const auto add_file = [&file](CLI::App* command) {
    command->add_option("-f,--file", file, "AutotuneTask as YAML or JSON; - is standard input")->type_name("FILE");
  };
  // One or more, with or without -f.
  std::vector<std::string> files;
  const auto add_files = [&files](CLI::App* command) {
    auto* option = command->add_option("-f,--file,FILE", files,
                                       "AutotuneTasks as YAML or JSON: files, directories, - for standard input");
    option->required()->type_name("FILE");
  };
  std::string simulated_help, gpu_help = "GPU: ";
  for (const gpu::Product& product : gpu::Products()) {
    gpu_help += std::string(product.name) + " ";
    if (engine_model::FindGpu(product.name))
      simulated_help += (simulated_help.empty() ? "" : " ") + std::string(product.name);
  }
  gpu_help += "or a node label's value, a compute capability (12.0), gfx942 ...";

  cli::TaskChoice choice;
  const auto add_kubeconfig = [&choice](CLI::App* command) {
    command->add_option("--context", choice.cluster.kubeconfig.context, "Context of the kubeconfig")->type_name("NAME");
    command->add_option("--kubeconfig", choice.cluster.kubeconfig.path, "Default: $KUBECONFIG, ~/.kube/config")
        ->type_name("FILE");
  };

  CLI::App* plan = app.add_subcommand(
      "plan", "Show the experiments of a task, their arguments, and the pruned candidates with reasons");
  cli::PlanOptions plan_options;
  std::string output = "table";
  std::string tools_image = "autotune:" AUTOTUNE_VERSION;
  add_files(plan);
  plan->add_option("-o,--output", output, "table, json or pods (the manifests)")
      ->check(CLI::IsMember({"table", "json", "pods"}));
  bool plan_diff = false;
  plan->add_flag("--diff", plan_diff, "Show the effect of an edit: two files, OLD and NEW");
  CLI::Option* plan_gpu = plan->add_option("--gpu", plan_options.gpu, gpu_help)->type_name("GPU");
  std::string plan_prices;
  plan->add_option("--gpu-prices", plan_prices,
                   "Prices per GPU-hour by product, as the operator's: H100=4.10,L40S=1.20")
      ->type_name("PRICES");
  bool plan_cluster = false;
  plan->add_flag("--cluster", plan_cluster, "Plan for the GPUs of the cluster's nodes")->excludes(plan_gpu);
  add_kubeconfig(plan);
  plan->add_option("--model-dir", plan_options.model_dirs,
                   "Directory with the model's config.json (default: the hub); NAME=DIR for one of spec.models")
      ->type_name("DIR")
      ->allow_extra_args(false);
  cli::HubAccess hub = cli::HubAccess::FromEnvironment();
  plan->add_flag("--offline", hub.offline, "Do not read the model from the Hugging Face Hub");
  plan->add_option("--dataset", plan_options.dataset, "File to read as spec.benchmark.dataset")->type_name("FILE");
  plan->add_option("--questions", plan_options.questions, "File to read as spec.quality.dataset")->type_name("FILE");
  plan->add_option("--tools-image", tools_image, "Tools image in -o pods")->type_name("IMAGE");

  CLI::App* run = app.add_subcommand("run", "Run a task on this machine, without Kubernetes");
  cli::RunOptions run_options;
  std::string run_output = "table";
  add_files(run);
  run->add_option(
         "--simulate", run_options.simulate,
         "Simulated engines on this GPU instead of real ones: \"task\" for those of spec.gpus, or " + simulated_help)
      ->type_name("GPU");
  run->add_option("--simulate-startup-speedup", run_options.startup_speedup,
                  "Factor by which simulated engines start faster; does not change results")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  run->add_option("--gpus", run_options.gpus, "Number of GPUs to use (default: all; 8 if simulated)")
      ->check(CLI::Range(1, 1024));
  run->add_option("--status-file", run_options.status_file,
                  "File to write the task with its status to, at every change")
      ->type_name("FILE");
  run->add_flag("--resume", run_options.resume, "Keep the finished experiments of --status-file");
  run->add_option("--keep-logs", run_options.logs, "Directory for the logs of the engines and load generators")
      ->type_name("DIR");
  run->add_option("--report", run_options.report, "File for the report, one HTML page")->type_name("FILE");
  run->add_option("--model-dir", run_options.model_dir, "Directory to use instead of the volumes of the models")
      ->type_name("DIR");
  run->add_option("--dataset", run_options.dataset, "File to use as spec.benchmark.dataset")->type_name("FILE");
  run->add_option("--questions", run_options.questions, "File to use as spec.quality.dataset")->type_name("FILE");
  run->add_option("--records", run_options.records, "Directory to use as spec.benchmark.records")->type_name("DIR");
  run->add_option("--tools-dir", run_options.tools_dir,
                  "Directory of autotune-launch and autotune-bench (default: the directory of this program)")
      ->type_name("DIR");
  run->add_option("-o,--output", run_output, "table, or yaml (the task with its status)")
      ->check(CLI::IsMember({"table", "yaml"}));

  CLI::App* bench = app.add_subcommand(
      "bench", "Measure the highest load of a running server: autotune bench http://host:8000 --slo ttft.p99=500ms");
  cli::BenchOptions bench_options;
  std::string bench_output = "table";
  bench->add_option("URL", bench_options.url, "URL of the server; its bearer token is read from OPENAI_API_KEY")
      ->required();
  bench->add_option("--slo", bench_options.slo, "Limit, such as ttft.p99=500ms or tpot.p95=40ms; repeatable")
      ->allow_extra_args(false)
      ->type_name("LIMIT");
  bench
      ->add_option("--concurrency", bench_options.concurrency,
                   "Numbers of requests in flight to measure, instead of a search")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("N,N");
  bench->add_option("--rate", bench_options.rates, "Request rates in requests/s to measure, instead of a search")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("R,R");
  bench->add_option("--search", bench_options.search, "Load that the search varies: concurrency (default) or rate")
      ->check(CLI::IsMember({"concurrency", "rate"}));
  bench->add_option("--max", bench_options.max, "Maximum number of requests in flight; default: 512");
  bench
      ->add_option("--arrival", bench_options.arrival,
                   "Arrival process of request rates: poisson (default), constant, gamma:BURSTINESS or trace")
      ->type_name("PROCESS");
  bench
      ->add_option(
          "--scenario", bench_options.scenarios,
          "Lengths of prompt and output: D(512,128), N(480,240)/(300,150), U(1,9)/(1,9), E(512)/(128); repeatable; "
          "default: D(512,128), after the tokens of --prefix")
      ->allow_extra_args(false)
      ->type_name("LENGTHS");
  bench->add_option("--dataset", bench_options.dataset, "File of prompts: JSONL, ShareGPT or a Mooncake trace")
      ->type_name("FILE");
  bench->add_option("--format", bench_options.format, "Format of the dataset; default: detected from its content")
      ->check(CLI::IsMember({"JSONL", "ShareGPT", "Mooncake"}));
  bench
      ->add_option("--output-tokens", bench_options.output_tokens,
                   "Number of output tokens of dataset entries without a length; without it the model ends the answer")
      ->check(CLI::Range(1, 10'000'000));
  bench->add_flag("--chat", bench_options.chat, "Use /v1/chat/completions instead of /v1/completions");
  bench->add_option("--prefix", bench_options.prefix, "Shared prefixes: 1024x8 is 8 different prefixes of 1024 tokens")
      ->type_name("TOKENSxGROUPS");
  bench->add_option("--turns", bench_options.turns, "Mean number of turns of a conversation; default: 1");
  bench->add_option("--model", bench_options.model, "Id of the model; default: the first model of the server")
      ->type_name("ID");
  bench->add_option("--duration", bench_options.duration, "Maximum length of the measured window of a point")
      ->capture_default_str();
  bench->add_option("--drain", bench_options.drain, "Maximum wait after the window for its unfinished requests")
      ->capture_default_str();
  bench->add_option("--warmup", bench_options.warmup, "Maximum length of the warm-up of a scenario")
      ->capture_default_str();
  bench->add_option("--request-timeout", bench_options.request_timeout,
                    "Timeout of a request, the first one included; default: 10 times the first request, >= 120s");
  bench->add_option("--vocab-size", bench_options.vocab_size,
                    "Vocabulary size; token ids of prompts are below it; default: detected by requests");
  bench->add_option("--max-model-len", bench_options.max_model_len,
                    "Context length; scenarios with longer requests are rejected");
  bench->add_option("--records", bench_options.records, "File to append one JSON line per request to")
      ->type_name("FILE");
  bench->add_option("--seed", bench_options.seed, "Seed of the contents and arrivals of requests")
      ->capture_default_str();
  bench->add_option("-o,--output", bench_output, "table or json")->check(CLI::IsMember({"table", "json"}));
  bench->add_flag("-v,--verbose", bench_options.verbose, "Print every step");

  const auto add_cluster = [&](CLI::App* command) {
    command->add_option("-n,--namespace", choice.cluster.ns, "Namespace; default: the namespace of the context")
        ->type_name("NAME");
    add_kubeconfig(command);
  };
  // A task of the cluster, or of a file.
  const auto add_task = [&](CLI::App* command) {
    command->add_option("NAME", choice.name, "A task in the cluster, or a file");
    command->add_option("-f,--file", choice.file, "AutotuneTask as YAML or JSON; - is standard input")
        ->type_name("FILE");
    add_cluster(command);
  };
  const auto add_named = [&](CLI::App* command) {
    command->add_option("NAME", choice.name, "A task in the cluster")->required();
    add_cluster(command);
  };

  CLI::App* list = app.add_subcommand("list", "List the tasks of a namespace, or of all namespaces (-A)");
  std::string list_output = "table";
  add_cluster(list);
  list->add_flag("-A,--all-namespaces", choice.cluster.all_namespaces, "All namespaces");
  list->add_option("-o,--output", list_output, "table or name")->check(CLI::IsMember({"table", "name"}));

  CLI::App* status = app.add_subcommand("status", "Show the state of a task; with --watch until it ends");
  bool watch = false;
  add_task(status);
  status->add_flag("-A,--all-namespaces", choice.cluster.all_namespaces, "All namespaces, without a name");
  status->add_flag("-w,--watch", watch, "Show the progress, the running experiments and the best one so far, live");

  CLI::App* results = app.add_subcommand("results", "Show the table of a task's experiments");
  std::string results_output = "table";
  add_task(results);
  results->add_option("-o,--output", results_output, "table or json")->check(CLI::IsMember({"table", "json"}));

  CLI::App* compare =
      app.add_subcommand("compare", "Show the results of finished tasks side by side, with confidence intervals");
  std::vector<std::string> compared;
  std::string compare_output = "table";
  compare->add_option("NAME", compared, "Tasks in the cluster, or files; the others are compared with the first")
      ->required();
  add_cluster(compare);
  compare->add_option("-o,--output", compare_output, "table, markdown, json or html: one page with plots")
      ->check(CLI::IsMember({"table", "markdown", "json", "html"}))
      ->capture_default_str();
  std::string compare_to = "autotune-compare.html";
  compare->add_option("--to", compare_to, "File for the page; - is standard output")
      ->type_name("FILE")
      ->capture_default_str();

  CLI::App* logs = app.add_subcommand("logs", "Print the engine's log of an experiment");
  std::string logs_experiment, logs_container = "engine";
  add_named(logs);
  logs->add_option("EXPERIMENT", logs_experiment, "Name of the experiment: e7 or e7-3fa2c1")->required();
  logs->add_option("-c,--container", logs_container, "engine or bench")->check(CLI::IsMember({"engine", "bench"}));

  CLI::App* report = app.add_subcommand("report", "Write the result of a task as one HTML page with plots");
  cli::ReportOptions report_options;
  add_task(report);
  report->add_option("-o,--output", report_options.format, "html, markdown or json")
      ->check(CLI::IsMember({"html", "markdown", "json"}))
      ->capture_default_str();
  report
      ->add_option(
          "--to", report_options.to,
          "File for the report; - is standard output; default: autotune-NAME.html, other formats to standard output")
      ->type_name("FILE");

  CLI::App* apply = app.add_subcommand("apply", "Deploy the best configuration, or print its manifest");
  cli::ApplyOptions apply_options;
  std::string targets;
  for (const deploy::Target& target : deploy::Targets())
    targets += (targets.empty() ? "" : " ") + std::string(target.name);
  add_task(apply);
  apply->add_option("--target", apply_options.target, "Serving stack: " + targets)
      ->type_name("TARGET")
      ->capture_default_str();
  apply->add_option("--experiment", apply_options.experiment, "Experiment to use instead of the best one")
      ->type_name("NAME");
  apply->add_flag("--print", apply_options.print, "Print the manifest without applying it; the default for a file");

  CLI::App* diff =
      app.add_subcommand("diff", "Show the differences between a running Deployment and the best configuration");
  cli::DiffOptions diff_options;
  add_task(diff);
  diff->add_option("--deployment", diff_options.deployment,
                   "Deployment in the task's namespace, or a file; default: spec.recommendation.diffAgainst")
      ->type_name("NAME");
  diff->add_option("--container", diff_options.container, "Container that serves the model; default: the one with GPUs")
      ->type_name("NAME");
  diff->add_option("--experiment", diff_options.experiment, "Experiment to use instead of the best one")
      ->type_name("NAME");
  diff->add_option("-o,--output", diff_options.output, "text or json")->check(CLI::IsMember({"text", "json"}));

  CLI::App* suspend = app.add_subcommand("suspend", "Stop the experiments of a task; results are kept");
  add_named(suspend);
  CLI::App* resume = app.add_subcommand("resume", "Continue a suspended task");
  add_named(resume);
  CLI::App* cancel = app.add_subcommand("cancel", "Delete a task with its pods, and print its best configuration");
  add_named(cancel);

  CLI::App* completion =
      app.add_subcommand("completion", "Print a completion script: source <(autotune completion bash)");
  std::string shell;
  completion->add_option("SHELL", shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));

  CLI::App* import =
      app.add_subcommand("import", "Convert a task file of inference-autotuner (JSON) to an AutotuneTask");
  add_file(import);
  import->add_option("FILE", file, "The file; - is standard input");

  CLI::App* inspect = app.add_subcommand("inspect", "Show the properties of a model that its files hold");
  std::string inspected, inspect_output = "text";
  inspect->add_option("MODEL", inspected, "Model directory, config.json, GGUF file, or hub id")->required();
  inspect->add_flag("--offline", hub.offline, "Do not read the model from the Hugging Face Hub");
  inspect->add_option("-o,--output", inspect_output, "text, or json (the form of status.model)")
      ->check(CLI::IsMember({"text", "json"}));

  CLI::App* diagnose = app.add_subcommand("diagnose", "Find the root cause in the log of an engine that failed");
  std::optional<int> exit_code;
  std::string diagnose_output = "text";
  diagnose->add_option("FILE", file, "The log; - is standard input");
  diagnose->add_option("--exit-code", exit_code, "Exit code of the engine; 128 + N = killed by signal N")
      ->check(CLI::Range(0, 255));
  diagnose->add_option("-o,--output", diagnose_output, "text or json")->check(CLI::IsMember({"text", "json"}));

  CLI::App* explain = app.add_subcommand(
      "explain", "Show the verdicts and arguments of a quantization configuration in an engine release");
  cli::ExplainOptions explain_options;
  std::string explain_output = "text";
  explain->add_option("SETTING", explain_options.settings,
                      "gemmDtype=fp8 kvcacheDtype=fp8_e5m2, preset=dynamic-fp8, or engine flags: max-num-seqs=64; "
                      "behind --, an engine's whole command: -- vllm serve MODEL --max-num-seqs 64");
  explain
      ->add_option("--engine", explain_options.engine,
                   "Engine and release, such as vllm:0.24.0; default release: that of the engine's default image")
      ->capture_default_str();
  explain->add_option("--gpu", explain_options.gpu, gpu_help)->type_name("GPU");
  explain
      ->add_option("--model", explain_options.model,
                   "Model directory, config.json, status.model as JSON, or hub id (default: a dense 8B model)")
      ->type_name("MODEL");
  explain->add_flag("--offline", hub.offline, "Do not read the model from the Hugging Face Hub");
  explain->add_option("-o,--output", explain_output, "text or json")->check(CLI::IsMember({"text", "json"}));

  CLI::App* matrix =
      app.add_subcommand("matrix", "Show the verdict of every quantization value in every engine release");
  cli::MatrixOptions matrix_options;
  std::string matrix_output = "text";
  matrix->add_option("--engine", matrix_options.engine, "vllm, sglang or tensorrt-llm; default: all")
      ->type_name("ENGINE");
  matrix->add_option("--releases", matrix_options.releases, "0.24.0 or 0.20-0.26; default: all")->type_name("RANGE");
  matrix->add_option("--gpu", matrix_options.gpu, gpu_help)->type_name("GPU")->capture_default_str();
  matrix
      ->add_option("--model", matrix_options.model,
                   "Model directory, config.json, status.model as JSON, or hub id (default: a dense 8B model and one "
                   "with experts)")
      ->type_name("MODEL");
  matrix->add_flag("--offline", hub.offline, "Do not read the model from the Hugging Face Hub");
  matrix->add_option("-o,--output", matrix_output, "text, markdown or json")
      ->check(CLI::IsMember({"text", "markdown", "json"}));

  CLI::App* table =
      app.add_subcommand("rules", "Print an engine's built-in compatibility table, as a base for --rules");
  std::string table_engine;
  bool table_flags = false;
  table->add_option("ENGINE", table_engine, "vllm, sglang or tensorrt-llm")->required();
  table->add_flag("--flags", table_flags, "Print the flag catalogue instead of the compatibility table");

  try {
    app.parse(Words(argc, argv, app, *explain, explain_options.command));
  } catch (const CLI::ParseError& error) {
    std::vector<std::string> words = Words(argc, argv, app, *explain, explain_options.command);
    std::reverse(words.begin(), words.end());
    if (error.get_exit_code() != 0) {
      const std::string problem = cli::UsageProblem(words, CommandsOf(app), {"--help", "--version", "--rules", "-h"});
      if (!problem.empty()) return Fail(problem);
    }
    const int code = app.exit(error);  // prints help, the version, or one line
    return code == 0 ? 0 : kBadInput;
  }
  cli::Streams streams{std::cin, std::cout, std::cerr, isatty(STDIN_FILENO) != 0, cli::TerminalWidth(STDOUT_FILENO)};
  if (import->parsed()) return Import(file);
  if (inspect->parsed()) return Inspect(inspected, hub, inspect_output);
  if (diagnose->parsed()) return Diagnose(file, exit_code, diagnose_output);
  if (list->parsed()) return cli::ListTasks(choice.cluster, list_output, streams);
  if (compare->parsed()) return cli::CompareTasks(compared, choice.cluster, compare_output, compare_to, streams);
  if (logs->parsed()) return cli::ShowLog(choice.cluster, choice.name, logs_experiment, logs_container, streams);
  if (suspend->parsed() || resume->parsed()) {
    return cli::SetSuspended(choice.cluster, choice.name, suspend->parsed(), streams);
  }
  if (cancel->parsed()) return cli::CancelTask(choice.cluster, choice.name, streams);
  if (completion->parsed()) {
    std::cout << (shell == "zsh" ? cli::ZshCompletion(CommandsOf(app)) : cli::BashCompletion(CommandsOf(app)));
    return 0;
  }
  if (bench->parsed()) {
    bench_options.json = bench_output == "json";
    return cli::BenchUrl(bench_options);
  }
  const auto rules = LoadRules(rules_directory);
  if (!rules) return Fail(rules.error().message);
  auto prices = reconcile::ParseGpuPrices(plan_prices);
  if (!prices) return Fail("--gpu-prices: " + prices.error().message);
  plan_options.gpu_prices = *std::move(prices);
  explain_options.engine_is_default = explain->get_option("--engine")->count() == 0;
  plan_options.hub = explain_options.hub = matrix_options.hub = hub;
  if (plan->parsed()) {
    return Plan(files, output, tools_image, plan_diff, plan_options, plan_cluster ? &choice.cluster : nullptr, *rules);
  }
  if (run->parsed()) {
    run_options.yaml = run_output == "yaml";
    return Run(files, run_options, *rules);
  }
  if (status->parsed()) return cli::ShowStatus(choice, watch, *rules, streams);
  if (results->parsed()) return cli::ShowResults(choice, results_output, *rules, streams);
  if (report->parsed()) return cli::WriteReport(choice, report_options, *rules, streams);
  if (diff->parsed()) return cli::ShowDifference(choice, diff_options, *rules, streams);
  if (apply->parsed()) return cli::ApplyBest(choice, apply_options, *rules, streams);
  if (table->parsed()) return Rules(table_engine, table_flags, *rules);
  if (matrix->parsed()) return Matrix(matrix_options, matrix_output, *rules);
  return Explain(explain_options, explain_output, *rules);
}
