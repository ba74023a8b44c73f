#include "cli/verbs.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <istream>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/status_text.h"
#include "cli/task_file.h"
#include "cli/whole_file.h"
#include "operator/deploy/difference.h"
#include "operator/deploy/target.h"
#include "operator/reconcile/measured_server_spec.h"
#include "operator/reconcile/verdict.h"
#include "report/comparison.h"
#include "report/difference.h"
#include "report/report_json.h"
#include "report/result_view.h"
#include "text/table.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;

constexpr int kVerbNoAnswer = 1;

int Told(const base::Error& error, Streams& streams) {
  streams.err << "autotune: " << error.message << "\n";
  return ExitCodeOf(error);
}

bool IsFileName(const std::string& name) {
  return name == "-" || name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml") ||
         name.ends_with(".json");
}

// The file that is meant, or nullopt: then it is a task of the cluster, or several.
std::optional<std::string> FileOf(const TaskChoice& choice, const Streams& streams) {
  if (!choice.file.empty()) return choice.file;
  if (!choice.name.empty()) return IsFileName(choice.name) ? std::optional(choice.name) : std::nullopt;
  return streams.in_is_terminal ? std::nullopt : std::optional<std::string>("-");
}

std::string NamesOf(const std::vector<api::AutotuneTask>& tasks) {
  std::vector<std::string> names;
  for (const api::AutotuneTask& task : tasks) names.push_back(task.metadata.name);
  return text::Joined(names, ", ");
}

base::Result<api::AutotuneTask> OneTask(const TaskChoice& choice, Streams& streams) {
  auto tasks = ChosenTasks(choice, streams);
  if (!tasks) return std::move(tasks).error();
  if (tasks->size() == 1) return std::move(tasks->front());
  if (tasks->empty()) return base::Error{base::Code::kNotFound, "there are no AutotuneTasks"};
  const bool from_file = FileOf(choice, streams).has_value();
  return base::Invalid("there are " + std::to_string(tasks->size()) + " AutotuneTasks (" + NamesOf(*tasks) +
                       "): name one" + (from_file ? " (NAME -f FILE)" : ""));
}

// The tasks of a file; of them the one that is named too.
base::Result<std::vector<api::AutotuneTask>> TasksOfFile(const std::string& file, const TaskChoice& choice,
                                                         Streams& streams) {
  const std::string title = file == "-" ? "standard input" : file;
  const auto text = ReadFileOrStdin(file, streams.in);
  if (!text) return text.error();
  if (file == "-" && text->find_first_not_of(" \t\r\n") == std::string::npos) {
    return base::Invalid("nothing to read: name a task of the cluster or a file, or pipe a task in");
  }
  auto tasks = TasksFromText(*text, title);
  if (!tasks || choice.file.empty() || choice.name.empty()) return tasks;
  const std::string all = NamesOf(*tasks);
  std::erase_if(*tasks, [&](const api::AutotuneTask& task) { return task.metadata.name != choice.name; });
  if (!tasks->empty()) return tasks;
  return base::Error{base::Code::kNotFound, title + ": has no AutotuneTask \"" + choice.name + "\" but " + all};
}

std::string NoBestText(const api::AutotuneTask& task) {
  const std::string headline = report::Headline(task);
  const std::string state = task.status.state.empty() ? "not started" : task.status.state;
  return "AutotuneTask " + task.metadata.name + " has no best configuration" +
         (reconcile::IsOver(task.status.state)
              ? ": "
              : " yet (" + state + (task.status.progress.empty() ? "" : " " + task.status.progress) + "): ") +
         (headline.empty() ? "nothing has been measured" : headline);
}

base::Error NoSuchExperiment(const api::AutotuneTask& task, const std::string& name) {
  std::string names;
  for (const api::ExperimentStatus& one : task.status.experiments) names += (names.empty() ? "" : " ") + one.name;
  return {base::Code::kNotFound, "AutotuneTask " + task.metadata.name + " has no experiment \"" + name + "\"" +
                                     (names.empty() ? ", and no experiment has started" : "; it has " + names)};
}

const api::ExperimentStatus* ExperimentNamed(const api::AutotuneTask& task, const std::string& name) {
  const auto found =
      std::find_if(task.status.experiments.begin(), task.status.experiments.end(), [&](const auto& experiment) {
        return experiment.name == name || experiment.name.substr(0, experiment.name.find('-')) == name;
      });
  return found == task.status.experiments.end() ? nullptr : &*found;
}

// The best of a task, or the experiment that is named, as something to deploy. kConflict: there is no best (yet).
base::Result<deploy::ServerSpec> ChosenServerSpec(const api::AutotuneTask& task, const std::string& name,
                                                  const quant::RuleSet& rules) {
  const api::ExperimentStatus* experiment = name.empty() ? report::BestExperiment(task) : ExperimentNamed(task, name);
  if (experiment != nullptr) return reconcile::MeasuredServerSpec(task, *experiment, rules);
  if (name.empty()) return base::Error{base::Code::kConflict, NoBestText(task)};
  return NoSuchExperiment(task, name);
}

// What is applied besides the best, or before the search has ended, is said on standard error.
void NoteWhatIsApplied(const api::AutotuneTask& task, const std::string& name, Streams& streams) {
  if (name.empty()) {
    if (reconcile::IsOver(task.status.state)) return;
    streams.err << "note: AutotuneTask " << task.metadata.name << " is not finished (" << task.status.state << " "
                << task.status.progress << "): this is the best configuration so far\n";
    return;
  }
  const std::vector<report::ResultRow> rows = report::ResultRows(task);
  const report::ResultRow *chosen = nullptr, *best = nullptr;
  for (const report::ResultRow& row : rows) {
    if (row.experiment == ExperimentNamed(task, name)) chosen = &row;
    if (row.best) best = &row;
  }
  if (chosen == nullptr || chosen->best) return;
  const std::string why = report::WhyNotBest(*chosen, best);
  streams.err << "note: " << chosen->experiment->name << " is not the best" << (why.empty() ? "" : ": " + why) << "\n";
}

// A Deployment of the cluster, or the only one of a file.
base::Result<json> RunningDeployment(const std::string& name, const ClusterOptions& cluster, Streams& streams) {
  if (!IsFileName(name)) {
    const auto connection = Connect(cluster);
    if (!connection) return connection.error();
    return (*connection)->cluster->Workload("Deployment", name);
  }
  const auto text = ReadFileOrStdin(name, streams.in);
  if (!text) return text.error();
  auto documents = text::ParseYaml(*text, name);
  if (!documents) return documents.error();
  std::erase_if(*documents,
                [](const json& object) { return !object.is_object() || object.value("kind", "") != "Deployment"; });
  if (documents->size() == 1) return std::move(documents->front());
  return base::Invalid(name + ": has " + (documents->empty() ? "no" : std::to_string(documents->size())) +
                       " Deployment" + (documents->empty() ? "" : "s; expected one"));
}

base::Result<api::Difference> DifferenceFrom(const api::AutotuneTask& task, const TaskChoice& choice,
                                             const DiffOptions& options, const quant::RuleSet& rules,
                                             Streams& streams) {
  const auto& named = task.spec.recommendation.diff_against;
  const std::string deployment = options.deployment.empty() && named ? named->deployment : options.deployment;
  if (deployment.empty()) {
    return base::Invalid(
        "AutotuneTask " + task.metadata.name +
        " has no Deployment to compare with: set --deployment NAME or spec.recommendation.diffAgainst.deployment");
  }
  const auto server = ChosenServerSpec(task, options.experiment, rules);
  if (!server) return server.error();
  const auto running = RunningDeployment(deployment, choice.cluster, streams);
  if (!running) return running.error();
  const bool its_own = named && named->deployment == deployment && options.container.empty();
  api::Difference difference =
      deploy::DifferenceFrom(*running, its_own ? named->container : options.container, *server, rules);
  difference.read_at = base::FormatRfc3339(base::RealClock().Wall());
  return difference;
}

// What the operator had no right to read, its user may have.
void ReadDifference(const TaskChoice& choice, const quant::RuleSet& rules, Streams& streams, api::AutotuneTask& task) {
  const auto& known = task.status.difference;
  if (!task.spec.recommendation.diff_against || !task.status.best || (known && known->compared())) return;
  auto difference = DifferenceFrom(task, choice, {}, rules, streams);
  if (difference) {
    task.status.difference = *std::move(difference);
  } else if (!known) {
    api::Difference& why = task.status.difference.emplace();
    why.deployment = task.spec.recommendation.diff_against->deployment;
    why.message = difference.error().message;
  }
}

int WatchStatus(const TaskChoice& choice, const quant::RuleSet& rules, Streams& streams) {
  const auto connection = Connect(choice.cluster);
  if (!connection) return Told(connection.error(), streams);
  ProgressView view(stderr, isatty(STDERR_FILENO) != 0, streams.width, (*connection)->clock);
  // Time passes between two changes of the task too.
  const std::jthread ticks([&](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      never.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
      view.Tick();
    }
  });
  api::AutotuneTask last;
  const auto watched = (*connection)
                           ->cluster->Watch(choice.name,
                                            [&](const api::AutotuneTask& task) {
                                              view.Show(task);
                                              last = task;
                                              return !reconcile::IsOver(task.status.state) ||
                                                     task.status.observed_generation < task.metadata.generation;
                                            },
                                            {});
  view.Finish();
  if (!watched) return Told(watched.error(), streams);
  streams.out << StatusText(last, rules, streams.width);
  return last.status.best ? 0 : kVerbNoAnswer;
}

}  // namespace

base::Result<std::vector<api::AutotuneTask>> ChosenTasks(const TaskChoice& choice, Streams& streams) {
  if (const auto file = FileOf(choice, streams)) return TasksOfFile(*file, choice, streams);
  auto connection = Connect(choice.cluster);
  if (!connection) return connection.error();
  if (choice.name.empty()) return (*connection)->cluster->List(choice.cluster.all_namespaces);
  auto task = (*connection)->cluster->Get(choice.name);
  if (!task) return task.error();
  return std::vector<api::AutotuneTask>{*std::move(task)};
}

int ListTasks(const ClusterOptions& options, const std::string& output, Streams& streams) {
  const auto connection = Connect(options);
  if (!connection) return Told(connection.error(), streams);
  const auto tasks = (*connection)->cluster->List(options.all_namespaces);
  if (!tasks) return Told(tasks.error(), streams);
  if (output == "name") {
    for (const api::AutotuneTask& task : *tasks) streams.out << task.metadata.name << "\n";
  } else if (tasks->empty()) {
    streams.err << "No AutotuneTasks" << (options.all_namespaces ? "" : " in namespace " + (*connection)->cluster->ns())
                << ".\n";
  } else {
    streams.out << StatusList(*tasks);
  }
  return 0;
}

int ShowStatus(const TaskChoice& choice, bool watch, const quant::RuleSet& rules, Streams& streams) {
  if (watch) {
    if (choice.name.empty() || FileOf(choice, streams).has_value()) {
      return Told(base::Invalid("--watch requires the name of a task in the cluster"), streams);
    }
    return WatchStatus(choice, rules, streams);
  }
  const auto tasks = ChosenTasks(choice, streams);
  if (!tasks) return Told(tasks.error(), streams);
  streams.out << (tasks->size() == 1 ? StatusText(tasks->front(), rules, streams.width) : StatusList(*tasks));
  return 0;
}

int ShowResults(const TaskChoice& choice, const std::string& output, const quant::RuleSet& rules, Streams& streams) {
  const auto task = OneTask(choice, streams);
  if (!task) return Told(task.error(), streams);
  if (output == "json") {
    streams.out << IndentedJson(report::JsonReport(*task, rules)) << "\n";
  } else if (task->status.experiments.empty()) {
    streams.err << "autotune: " << NoBestText(*task) << "\n";
  } else {
    streams.out << report::ResultTable(*task, streams.width / 2).Text();
  }
  return report::BestExperiment(*task) != nullptr ? 0 : kVerbNoAnswer;
}

int WriteReport(const TaskChoice& choice, const ReportOptions& options, const quant::RuleSet& rules, Streams& streams) {
  auto tasks = ChosenTasks(choice, streams);
  if (!tasks) return Told(tasks.error(), streams);
  if (tasks->empty()) return Told({base::Code::kNotFound, "there are no AutotuneTasks to report"}, streams);
  if (!FileOf(choice, streams)) {
    for (api::AutotuneTask& task : *tasks) ReadDifference(choice, rules, streams, task);
  }
  const auto written = WriteReports(*tasks, options, rules, streams.out);
  return written ? 0 : Told(written.error(), streams);
}

int CompareTasks(const std::vector<std::string>& names, const ClusterOptions& options, const std::string& output,
                 const std::string& to, Streams& streams) {
  std::vector<api::AutotuneTask> tasks;
  for (const std::string& name : names) {
    auto chosen = ChosenTasks({name, "", options}, streams);
    if (!chosen) return Told(chosen.error(), streams);
    tasks.insert(tasks.end(), std::make_move_iterator(chosen->begin()), std::make_move_iterator(chosen->end()));
  }
  const auto comparison = report::Compare(tasks);
  if (!comparison) return Told(comparison.error(), streams);
  if (output == "html" && to != "-") {
    if (const auto written = WriteWholeFile(to, report::ComparisonPage(*comparison)); !written) {
      return Told(written.error(), streams);
    }
    streams.out << to << "\n";
  } else if (output == "html") {
    streams.out << report::ComparisonPage(*comparison);
  } else if (output == "json") {
    streams.out << IndentedJson(report::ComparisonJson(*comparison)) << "\n";
  } else if (output == "markdown") {
    streams.out << report::ComparisonMarkdown(*comparison);
  } else {
    streams.out << report::ComparisonText(*comparison, streams.width);
  }
  return 0;
}

int ShowLog(const ClusterOptions& options, const std::string& task, const std::string& experiment,
            const std::string& container, Streams& streams) {
  const auto connection = Connect(options);
  if (!connection) return Told(connection.error(), streams);
  Cluster& cluster = *(*connection)->cluster;
  const auto found = cluster.Get(task);
  if (!found) return Told(found.error(), streams);
  const api::ExperimentStatus* entry = ExperimentNamed(*found, experiment);
  if (entry == nullptr) return Told(NoSuchExperiment(*found, experiment), streams);
  const auto log = cluster.Log(*found, *entry, container);
  if (!log) return Told(log.error(), streams);
  if (log->empty()) {
    streams.err << "note: container " << container << " of " << entry->name << " has written nothing; autotune status "
                << task << " shows its state\n";
  }
  streams.out << *log;
  return 0;
}

int SetSuspended(const ClusterOptions& options, const std::string& task, bool suspended, Streams& streams) {
  const auto connection = Connect(options);
  if (!connection) return Told(connection.error(), streams);
  const auto done = (*connection)->cluster->Suspend(task, suspended);
  if (!done) return Told(done.error(), streams);
  streams.out << "AutotuneTask " << task << (suspended ? " suspended: results are kept" : " resumed") << "\n";
  return 0;
}

int CancelTask(const ClusterOptions& options, const std::string& task, Streams& streams) {
  const auto connection = Connect(options);
  if (!connection) return Told(connection.error(), streams);
  Cluster& cluster = *(*connection)->cluster;
  // What goes is said before it goes.
  const auto found = cluster.Get(task);
  if (!found) return Told(found.error(), streams);
  const auto done = cluster.Cancel(task);
  if (!done) return Told(done.error(), streams);
  streams.out << "AutotuneTask " << task << " deleted, with its pods. "
              << (found->status.best ? "Its best configuration was " + report::Headline(*found)
                                     : "It had no best configuration.")
              << "\n";
  return 0;
}

int ApplyBest(const TaskChoice& choice, const ApplyOptions& options, const quant::RuleSet& rules, Streams& streams) {
  const deploy::Target* target = deploy::FindTarget(options.target);
  if (target == nullptr) {
    std::string names;
    for (const deploy::Target& known : deploy::Targets())
      names += (names.empty() ? "" : ", ") + std::string(known.name);
    return Told(base::Invalid("--target: \"" + options.target + "\" is not one of " + names), streams);
  }
  const auto task = OneTask(choice, streams);
  if (!task) return Told(task.error(), streams);
  const auto server = ChosenServerSpec(*task, options.experiment, rules);
  if (!server) return Told(server.error(), streams);
  const auto manifest = target->write(*server);
  if (!manifest) return Told(manifest.error(), streams);
  NoteWhatIsApplied(*task, options.experiment, streams);
  if (options.print || FileOf(choice, streams).has_value() || std::string_view(target->apply) != "kubectl apply -f -") {
    streams.out << *manifest;
    return 0;
  }
  const auto documents = text::ParseYaml(*manifest, target->file);
  if (!documents) return Told(documents.error(), streams);
  const auto connection = Connect(choice.cluster);
  if (!connection) return Told(connection.error(), streams);
  // All of them or none: a Service that is somebody's leaves no Deployment behind.
  if (documents->size() > 1) {
    for (const json& document : *documents) {
      const auto checked = (*connection)->cluster->Apply(document, task->metadata.name, true);
      if (!checked) return Told(checked.error(), streams);
    }
  }
  for (const json& document : *documents) {
    const auto applied = (*connection)->cluster->Apply(document, task->metadata.name);
    if (!applied) return Told(applied.error(), streams);
    streams.out << document.value("kind", "") << " " << document["metadata"].value("name", "") << " " << *applied
                << "\n";
  }
  return 0;
}

int ShowDifference(const TaskChoice& choice, const DiffOptions& options, const quant::RuleSet& rules,
                   Streams& streams) {
  const auto task = OneTask(choice, streams);
  if (!task) return Told(task.error(), streams);
  const auto difference = DifferenceFrom(*task, choice, options, rules, streams);
  if (!difference) return Told(difference.error(), streams);
  if (!difference->compared()) return Told(base::Invalid(difference->message), streams);
  if (options.output == "json") {
    streams.out << IndentedJson(api::ToJson(*difference)) << "\n";
  } else {
    streams.out << report::DifferenceText(*difference, task->metadata.name);
  }
  return 0;
}

}  // namespace autotune::cli
