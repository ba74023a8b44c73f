#include "report/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "operator/reconcile/answer.h"
#include "report/curves.h"
#include "report/result_view.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using nlohmann::json;
using text::Table;

// What has to be equal: what was sent, when it was enough, and what counted. Not the seed, nor how long points took.
std::map<std::string, std::string> MeasuredFor(const api::AutotuneTask& task) {
  const json spec = api::ToJson(task.spec);
  json counted = {{"slo", spec.value("slo", json::object())},
                  {"optimization", {{"objective", api::ObjectiveName(task.spec.optimization.objective)}}}};
  const json benchmark = spec.value("benchmark", json::object());
  for (const char* key : {"endpoint", "scenarios", "dataset", "prefix", "turns", "load", "arrival"}) {
    if (benchmark.contains(key)) counted["benchmark"][key] = benchmark[key];
  }
  // Loads where latencies were compared: without them the field is the same in all tasks, absent.
  for (const api::TaskStatus::ReferenceLoad& load : task.status.reference_loads) {
    counted["status"]["referenceLoads"][load.scenario] = api::FormatDecimal(load.request_rate, 2) + "/s";
  }
  std::map<std::string, std::string> fields;
  const json flat = counted.flatten();  // outlives items()
  for (const auto& [pointer, value] : flat.items()) {
    if (value.is_null()) continue;  // an empty object
    std::string path = pointer.substr(1);
    std::replace(path.begin(), path.end(), '/', '.');
    fields[path] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return fields;
}

std::string Differences(const std::map<std::string, std::string>& first, const std::map<std::string, std::string>& own,
                        const std::string& first_name, const std::string& own_name) {
  std::set<std::string> paths;
  for (const auto& [path, value] : first) paths.insert(path);
  for (const auto& [path, value] : own) paths.insert(path);
  std::vector<std::string> lines;
  for (const std::string& path : paths) {
    const auto in_first = first.find(path), in_own = own.find(path);
    const std::string a = in_first == first.end() ? "not set" : in_first->second;
    const std::string b = in_own == own.end() ? "not set" : in_own->second;
    if (a != b) lines.push_back(path + " is " + a + " in " + first_name + " and " + b + " in " + own_name);
  }
  return text::Joined(lines, "; ");
}

// As tuning::GainOver counts a gain: a share of the first score, so that halving a latency is 50 % better.
ScoreChange ChangeOf(double score, double ci, double first, double first_ci) {
  const double from = std::abs(first), to = std::abs(score);
  ScoreChange change;
  change.better = (score - first) / from;
  if (ci <= 0 || first_ci <= 0) return change;
  change.ci = to / from * std::hypot(ci / to, first_ci / from);
  change.told_apart = std::abs(change.better) > change.ci;
  return change;
}

double Decimal(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

// "rag", or "team-a/rag" where several tasks have the name; a number where even that repeats.
std::vector<std::string> NamesOf(const std::vector<api::AutotuneTask>& tasks) {
  std::vector<std::string> names;
  for (const api::AutotuneTask& task : tasks) {
    const auto same = std::count_if(tasks.begin(), tasks.end(), [&](const api::AutotuneTask& other) {
      return other.metadata.name == task.metadata.name;
    });
    const bool qualified = same > 1 && !task.metadata.ns.empty();
    std::string name = (qualified ? task.metadata.ns + "/" : "") + task.metadata.name;
    const auto before = std::count(names.begin(), names.end(), name);
    if (before > 0) name += " (" + std::to_string(before + 1) + ")";
    names.push_back(std::move(name));
  }
  return names;
}

struct ConfigurationKey {
  std::string model, gpu, runtime, quant, options;
  std::vector<std::string> args;
  auto operator<=>(const ConfigurationKey&) const = default;
};

// What an experiment serves: the checkpoint itself, because each task gives its own names.
std::string CheckpointOf(const api::AutotuneTask& task, const api::ExperimentStatus& experiment) {
  const api::ModelSpec& model = task.spec.models[api::FindModel(task.spec, experiment.model).value_or(0)];
  const std::string revision = model.OwnRevision();
  return model.id_or_path + (revision.empty() ? "" : "@" + revision);
}

std::string ProductOf(const api::AutotuneTask& task, const api::ExperimentStatus& experiment) {
  return experiment.gpu_product.empty() ? api::GpuOf(task.status, experiment.gpu).product : experiment.gpu_product;
}

// True if a task has several checkpoints, or types of GPU: then they are part of a configuration. Tasks with one each
// may compare two of them.
template <typename List>
bool HaveSeveral(const std::vector<api::AutotuneTask>& tasks, List api::TaskSpec::*list) {
  return std::any_of(tasks.begin(), tasks.end(), [&](const auto& task) { return (task.spec.*list).size() > 1; });
}

std::vector<ComparedConfiguration> Configurations(const std::vector<api::AutotuneTask>& tasks, bool checkpoints,
                                                  bool types) {
  std::vector<ComparedConfiguration> all;
  std::map<ConfigurationKey, std::size_t> indices;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    for (const ResultRow& row : ResultRows(tasks[i])) {
      const api::ExperimentStatus& experiment = *row.experiment;
      if (!row.score || !experiment.confirms.empty()) continue;
      const ConfigurationKey key = {checkpoints ? CheckpointOf(tasks[i], experiment) : "",
                                    types ? ProductOf(tasks[i], experiment) : "",
                                    experiment.runtime,
                                    experiment.quant.name,
                                    experiment.options,
                                    experiment.args};
      const auto [found, is_new] = indices.try_emplace(key, all.size());
      if (is_new) {
        all.push_back(
            {experiment.runtime, api::ConfigurationName(experiment), experiment.args, experiment.options, {}});
        all.back().measured.resize(tasks.size());
      }
      all[found->second].measured[i] = ComparedConfiguration::Measured{*row.score, row.ci, row.basis, std::nullopt};
    }
  }
  std::erase_if(all, [](const ComparedConfiguration& configuration) {
    return std::count_if(configuration.measured.begin(), configuration.measured.end(),
                         [](const auto& one) { return one.has_value(); }) < 2;
  });
  for (ComparedConfiguration& configuration : all) {
    const auto first = std::find_if(configuration.measured.begin(), configuration.measured.end(),
                                    [](const auto& one) { return one.has_value(); });
    for (auto later = std::next(first); later != configuration.measured.end(); ++later) {
      if (*later) (*later)->change = ChangeOf((*later)->score, (*later)->ci, (*first)->score, (*first)->ci);
    }
  }
  return all;
}

// Of one ComparedTask, or ComparedConfiguration::Measured.
template <typename Scored>
std::string ScoreWithInterval(ScoreKind kind, const Scored& one) {
  std::string text = ScoreNumber(kind, one.score);
  if (one.ci > 0 && one.score != 0) text += " \u00b1" + text::Percent(one.ci / std::abs(one.score));
  return text + (one.basis == tuning::ScoreBasis::kEstimate ? " (estimate)" : "");
}

// "+8.0% ±3.9%", "+1.0% ±3.9%, a tie"; where less is better "8.0% less ±3.9%".
std::string ChangeText(ScoreKind kind, const std::optional<ScoreChange>& change) {
  if (!change) return "";
  std::string text = reconcile::GainWords(change->better, reconcile::LessIsBetter(kind.objective));
  if (change->ci <= 0) return text;
  text += " \u00b1" + text::Percent(change->ci);
  return change->told_apart ? text : text + ", a tie";
}

// Arguments that not all of the lists have, and the options file.
std::vector<std::string> OwnSettings(const std::vector<std::vector<std::string>>& args,
                                     const std::vector<std::string>& options) {
  const text::ArgumentDifferences differences = text::CompareArguments(args);
  std::vector<std::string> own;
  for (std::size_t i = 0; i < args.size(); ++i) {
    own.push_back(SettingsText(differences.own[i], options[i]));
  }
  return own;
}

// "The checkpoint is A in today and B in next.": of what is no part of a configuration, where it differs; else "".
std::string DifferingText(const std::vector<ComparedTask>& tasks, const char* title, std::string ComparedTask::*field) {
  std::vector<std::string> parts;
  bool differs = false;
  for (const ComparedTask& task : tasks) {
    differs = differs || task.*field != tasks.front().*field;
    parts.push_back(task.*field + " in " + task.name);
  }
  return differs ? std::string("The ") + title + " is " + text::Joined(parts, " and ") + "." : "";
}

json ChangeJson(const std::optional<ScoreChange>& change) {
  if (!change) return nullptr;
  json out = {{"better", change->better}, {"toldApart", change->told_apart}};
  if (change->ci > 0) out["ci"] = change->ci;
  return out;
}

}  // namespace

Table BestTable(const Comparison& comparison) {
  std::vector<std::vector<std::string>> args;
  std::vector<std::string> options;
  const auto& first = comparison.tasks.front();
  const auto differs = [&](auto field) {
    return std::any_of(comparison.tasks.begin(), comparison.tasks.end(),
                       [&](const ComparedTask& task) { return task.*field != first.*field; });
  };
  for (const ComparedTask& task : comparison.tasks) {
    args.push_back(task.args);
    options.push_back(task.options);
  }
  const std::vector<std::string> own = OwnSettings(args, options);
  const bool models = differs(&ComparedTask::model), gpus = differs(&ComparedTask::gpu_product),
             images = differs(&ComparedTask::runtime_image);
  Table table;
  for (const char* title : {"TASK", "MODEL", "GPU", "IMAGE", "BEST", "QUANTIZATION", "ARGUMENTS THAT DIFFER"}) {
    table.AddColumn(title);
  }
  for (const char* title : {"SCORE", "VS THE FIRST", "REQ/S", "PRICE/M OUT", "PRICE/GPU-HOUR", "GPU-HOURS"}) {
    table.AddColumn(title, Table::Align::kRight);
  }
  for (std::size_t i = 0; i < comparison.tasks.size(); ++i) {
    const ComparedTask& task = comparison.tasks[i];
    table.AddRow({task.name, models ? task.model : "", gpus ? task.gpu_product : "", images ? task.runtime_image : "",
                  task.experiment, task.quant_name, own[i], ScoreWithInterval(comparison.score, task),
                  ChangeText(comparison.score, task.change), task.request_rate, task.price, task.price_per_hour,
                  task.gpu_hours});
  }
  return table;
}

Table ConfigurationTable(const Comparison& comparison) {
  std::vector<std::vector<std::string>> args;
  std::vector<std::string> options;
  std::set<std::string> runtimes;
  for (const ComparedConfiguration& configuration : comparison.configurations) {
    args.push_back(configuration.args);
    options.push_back(configuration.options);
    runtimes.insert(configuration.runtime);
  }
  const std::vector<std::string> own = OwnSettings(args, options);
  Table table;
  for (const char* title : {"RUNTIME", "QUANTIZATION", "ARGUMENTS THAT DIFFER"}) table.AddColumn(title);
  for (const ComparedTask& task : comparison.tasks) {
    table.AddColumn(task.name, Table::Align::kRight);
    table.AddColumn("CHANGE", Table::Align::kRight);
  }
  for (std::size_t i = 0; i < comparison.configurations.size(); ++i) {
    const ComparedConfiguration& configuration = comparison.configurations[i];
    std::vector<std::string> cells = {runtimes.size() > 1 ? configuration.runtime : "", configuration.quant_name,
                                      own[i]};
    for (const auto& one : configuration.measured) {
      cells.push_back(one ? ScoreWithInterval(comparison.score, *one) : "");
      cells.push_back(one ? ChangeText(comparison.score, one->change) : "");
    }
    table.AddRow(std::move(cells));
  }
  return table;
}

std::string EstimateNote(const Comparison& comparison) {
  const auto is_estimate = [](const auto& one) { return one.basis == tuning::ScoreBasis::kEstimate; };
  const bool any =
      std::ranges::any_of(comparison.tasks, is_estimate) ||
      std::ranges::any_of(comparison.configurations, [&](const ComparedConfiguration& configuration) {
        return std::ranges::any_of(configuration.measured, [&](const auto& one) { return one && is_estimate(*one); });
      });
  return any ? kEstimateNote : "";
}

std::string SameExceptText(const Comparison& comparison) {
  if (comparison.configurations.empty()) return "";
  const std::string model =
      comparison.same_checkpoints ? "" : DifferingText(comparison.tasks, "checkpoint", &ComparedTask::model);
  const std::string gpu =
      comparison.same_gpus ? "" : DifferingText(comparison.tasks, "GPU", &ComparedTask::gpu_product);
  return model + (model.empty() || gpu.empty() ? "" : " ") + gpu;
}

base::Result<Comparison> Compare(const std::vector<api::AutotuneTask>& tasks) {
  if (tasks.size() < 2) return base::Invalid("compare: requires two tasks or more");
  const std::vector<std::string> names = NamesOf(tasks);
  Comparison comparison;
  comparison.score = ScoreKindOf(tasks.front());
  comparison.simulated = IsSimulated(tasks.front().status);
  comparison.bounds = DrawnLatencies(tasks.front().spec.slo);
  const std::map<std::string, std::string> measured = MeasuredFor(tasks.front());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const api::AutotuneTask& task = tasks[i];
    const api::ExperimentStatus* best = BestExperiment(task);
    if (best == nullptr) {
      const std::string headline = Headline(task);
      return base::Error{base::Code::kConflict, "compare: " + names[i] + " has no best configuration" +
                                                    (headline.empty() ? "" : ": " + headline)};
    }
    const std::string differences = Differences(measured, MeasuredFor(task), names.front(), names[i]);
    if (!differences.empty()) {
      return base::Invalid("compare: the tasks did not measure the same: " + differences);
    }
    if (IsSimulated(task.status) != comparison.simulated) {
      return base::Invalid("compare: " + names[comparison.simulated ? 0 : i] + " is simulated and " +
                           names[comparison.simulated ? i : 0] + " is not");
    }
    ComparedTask compared;
    compared.name = names[i];
    compared.model = CheckpointOf(task, *best);
    compared.gpu_product = ProductOf(task, *best);
    compared.runtime_image = ImageOf(task, *best);
    compared.experiment = best->name;
    compared.quant_name = api::ConfigurationName(*best);
    compared.args = best->args;
    compared.options = best->options;
    compared.score = Decimal(task.status.best->score);
    compared.ci = Decimal(task.status.best->ci);
    compared.basis = tuning::ScoreBasisFromName(task.status.best->score_basis).value_or(compared.basis);
    compared.request_rate = task.status.best->request_rate;
    compared.price = task.status.best->price;
    if (const auto price = reconcile::PricePerHour(task.spec, task.status, best->gpu)) {
      compared.price_per_hour = api::FormatDecimal(*price, 4);
    }
    if (ScoreKindOf(task).priced != comparison.score.priced) {
      const std::string& without = comparison.score.priced ? names[i] : names.front();
      return base::Invalid("compare: " + without +
                           " has no price per GPU-hour, so its score is GPU-hours and no price; set gpu.pricePerHour");
    }
    compared.gpu_hours = task.status.cost.gpu_hours;
    compared.gpus = best->gpus;
    compared.loads = best->loads;
    if (i > 0) {
      const ComparedTask& first = comparison.tasks.front();
      compared.change = ChangeOf(compared.score, compared.ci, first.score, first.ci);
    }
    comparison.tasks.push_back(std::move(compared));
  }
  comparison.same_checkpoints = HaveSeveral(tasks, &api::TaskSpec::models);
  comparison.same_gpus = HaveSeveral(tasks, &api::TaskSpec::gpus);
  comparison.configurations = Configurations(tasks, comparison.same_checkpoints, comparison.same_gpus);
  return comparison;
}

std::string ComparisonText(const Comparison& comparison, std::size_t width) {
  std::string out;
  if (comparison.simulated) out += std::string(kSimulatedNote) + "\n\n";
  out += std::string(kComparedBest) + ", " + ScoreUnit(comparison.score) + ":\n";
  out += BestTable(comparison).Text("  ", width) + "\n";
  if (const std::string note = EstimateNote(comparison); !note.empty()) out += "  " + note + "\n\n";
  if (comparison.configurations.empty()) return out + kNothingInCommon + "\n";
  const std::string except = SameExceptText(comparison);
  return out + kComparedSame + ":\n" + (except.empty() ? "" : "  " + except + "\n") +
         ConfigurationTable(comparison).Text("  ", width);
}

std::string ComparisonMarkdown(const Comparison& comparison) {
  std::string out;
  if (comparison.simulated) out += "> **" + std::string(kSimulatedNote) + "**\n\n";
  out += "### " + std::string(kComparedBest) + "\n\nScore: " + ScoreUnit(comparison.score) + ".\n\n";
  out += BestTable(comparison).Markdown(Table::Cells::kText) + "\n";
  if (const std::string note = EstimateNote(comparison); !note.empty()) out += text::MarkdownEscaped(note) + "\n\n";
  if (comparison.configurations.empty()) return out + kNothingInCommon + "\n";
  const std::string except = SameExceptText(comparison);
  return out + "### " + kComparedSame + "\n\n" + (except.empty() ? "" : text::MarkdownEscaped(except) + "\n\n") +
         ConfigurationTable(comparison).Markdown(Table::Cells::kText);
}

json ComparisonJson(const Comparison& comparison) {
  json out = {{"objective", api::ObjectiveName(comparison.score.objective)},
              {"unit", ScoreUnit(comparison.score)},
              {"simulated", comparison.simulated},
              {"tasks", json::array()},
              {"configurations", json::array()}};
  for (const ComparedTask& task : comparison.tasks) {
    out["tasks"].push_back({{"name", task.name},
                            {"model", task.model},
                            {"gpuProduct", task.gpu_product},
                            {"image", task.runtime_image},
                            {"experiment", task.experiment},
                            {"quantName", task.quant_name},
                            {"args", task.args},
                            {"options", task.options},
                            {"score", task.score},
                            {"ci", task.ci},
                            {"basis", tuning::ScoreBasisName(task.basis)},
                            {"change", ChangeJson(task.change)},
                            {"requestRate", task.request_rate},
                            {"price", task.price},
                            {"pricePerGpuHour", task.price_per_hour},
                            {"gpuHours", task.gpu_hours}});
  }
  for (const ComparedConfiguration& configuration : comparison.configurations) {
    json measured = json::array();
    for (const auto& one : configuration.measured) {
      if (!one) {
        measured.push_back(nullptr);
      } else {
        measured.push_back({{"score", one->score},
                            {"ci", one->ci},
                            {"basis", tuning::ScoreBasisName(one->basis)},
                            {"change", ChangeJson(one->change)}});
      }
    }
    out["configurations"].push_back({{"runtime", configuration.runtime},
                                     {"quantName", configuration.quant_name},
                                     {"args", configuration.args},
                                     {"options", configuration.options},
                                     {"measured", measured}});
  }
  return out;
}

}  // namespace autotune::report
