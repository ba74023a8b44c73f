#include "cli/plan.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <utility>

#include "checkpoint/quantization.h"
#include "cli/asked_gpu.h"
#include "cli/model_source.h"
#include "operator/experiment/node_affinity.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/parallelism.h"
#include "report/result_view.h"
#include "report/task_words.h"
#include "text/table.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using report::ModelText;
using report::SettingsText;
using report::VerdictJson;
using text::ArgumentDifferences;
using text::CompareArguments;
using text::Joined;
using text::Shortened;
using text::Table;
using text::ToYaml;

struct Facts {
  checkpoint::ModelFacts model;
  std::string source;
};

// What --model-dir says of a checkpoint: DIR where there is only one, else NAME=DIR.
std::string DirectoryOf(const PlanOptions& options, const std::string& name) {
  const std::string prefix = name.empty() ? "" : name + "=";
  for (const std::string& text : options.model_dirs) {
    if (text.starts_with(prefix)) return text.substr(prefix.size());
  }
  return "";
}

base::Status CheckDirectories(const api::TaskSpec& spec, const PlanOptions& options) {
  const bool one = spec.models.front().name.empty();
  if (one && options.model_dirs.size() > 1) return base::Invalid("--model-dir: the task has one model");
  for (const std::string& text : options.model_dirs) {
    if (one || api::FindModel(spec, text.substr(0, text.find('=')))) continue;
    return base::Invalid("--model-dir: \"" + text + "\" is not NAME=DIR with the name of one of spec.models");
  }
  return {};
}

base::Result<Facts> FindFacts(const api::TaskSpec& task, std::size_t model, const PlanOptions& options) {
  const api::ModelSpec& spec = task.models[model];
  const std::string path = api::ModelPath(task, model), title = api::ModelTitle(task, model);
  auto inline_facts = reconcile::InlineFacts(task, model);
  if (!inline_facts) return std::move(inline_facts).error();
  std::string directory = DirectoryOf(options, spec.name);
  if (*inline_facts && directory.empty()) return Facts{**inline_facts, path + ".facts"};

  std::error_code error;
  const bool path_is_here = spec.id_or_path.starts_with("/") && std::filesystem::exists(spec.id_or_path, error);
  if (directory.empty() && path_is_here) directory = spec.id_or_path;
  HubAccess hub = options.hub;
  const bool from_hub = directory.empty();
  const std::string instead = "--model-dir " + (spec.name.empty() ? "" : spec.name + "=") +
                              "DIR with its config.json, or put the contents of config.json under " + path + ".facts";
  if (from_hub && spec.id_or_path.starts_with("/")) {
    return base::Invalid(title + ": the config.json of \"" + spec.id_or_path + "\" is not known. Use " + instead);
  }
  const std::string usual = checkpoint::HubOptions().endpoint;
  const std::string& own = spec.hugging_face.endpoint;
  if (!own.empty() && own != usual && own != hub.endpoint) {
    // The task's hub is another one than the user's: it is asked, but gets no token that was not meant for it.
    hub.endpoint = own;
    hub.token.clear();
  }
  if (hub.endpoint.empty()) hub.endpoint = usual;
  auto facts = from_hub ? ReadModelFromHub(spec.id_or_path, spec.revision, hub, "use " + instead)
                        : ReadModelDirectory(directory);
  if (!facts) return base::Invalid((from_hub || path_is_here ? title : "--model-dir") + ": " + facts.error().message);
  if (!spec.quantization.empty()) {
    if (const auto set = checkpoint::OverrideQuantization(*facts, spec.quantization); !set) {
      return base::Invalid(path + ".quantization: " + set.error().message);
    }
  }
  return Facts{*std::move(facts), from_hub ? hub.endpoint : directory};
}

std::string RoleOf(const tuning::Candidate& candidate) {
  return candidate.deployed ? "deployed" : candidate.baseline ? "baseline" : "";
}

std::string ExperimentName(std::size_t position, const tuning::Candidate& candidate) {
  return "e" + std::to_string(position + 1) + "-" + candidate.hash.substr(0, 6);
}

std::string Count(std::size_t count, const std::string& singular, const std::string& plural) {
  return std::to_string(count) + " " + (count == 1 ? singular : plural);
}

// "max-num-seqs=64 tp-size=2": the point of the grid, for people.
std::string PointText(const std::map<std::string, quant::FlagValue>& parameters, const quant::ParallelSizes& parallel,
                      const api::TaskSpec& spec) {
  std::vector<std::string> parts;
  const auto size = [&](const char* name, const std::optional<int>& value, const std::vector<int>& axis) {
    if (value && axis.size() > 1) parts.push_back(std::string(name) + "=" + std::to_string(*value));
  };
  size("tensorParallel", parallel.tensor, spec.tensor_parallel);
  size("pipelineParallel", parallel.pipeline, spec.pipeline_parallel);
  size("dataParallel", parallel.data, spec.data_parallel);
  size("expertParallel", parallel.expert, spec.expert_parallel);
  for (const auto& [name, value] : parameters) {
    const auto axis = spec.parameters.find(name);
    if (axis != spec.parameters.end() && axis->second.size() > 1) parts.push_back(name + "=" + value.ToString());
  }
  return Joined(parts, " ");
}

json ParametersJson(const std::map<std::string, quant::FlagValue>& parameters) {
  json object = json::object();
  for (const auto& [name, value] : parameters) object[name] = value.ToJson();
  return object;
}

json ParallelJson(const quant::ParallelSizes& parallel) {
  json object = json::object();
  if (parallel.tensor) object["tensorParallel"] = *parallel.tensor;
  if (parallel.pipeline) object["pipelineParallel"] = *parallel.pipeline;
  if (parallel.data) object["dataParallel"] = *parallel.data;
  if (parallel.expert) object["expertParallel"] = *parallel.expert;
  return object;
}

json QuantJson(const quant::QuantConfig& quant) {
  return {{"name", quant.name},
          {"gemmDtype", quant.gemm},
          {"kvcacheDtype", quant.kvcache},
          {"attentionDtype", quant.attention},
          {"moeDtype", quant.moe}};
}

json WarningsJson(const std::vector<quant::Warning>& warnings) {
  json list = json::array();
  for (const quant::Warning& warning : warnings) {
    list.push_back({{"field", warning.field}, {"reason", warning.reason}, {"message", warning.message}});
  }
  return list;
}

// The engine's argv as its pod has it: what follows the launcher.
json EngineArgv(const json& pod) {
  for (const json& container : pod["spec"]["initContainers"]) {
    if (container["name"] == "engine") return container["args"];
  }
  return json::array();
}

// Below a table: a message that the table cuts, once.
void AddInFull(const quant::Rejection& one, std::size_t width, std::string& text) {
  if (Shortened(one.message, width) == one.message) return;
  const std::string line = "\n  " + one.field + ": " + one.reason + ": " + one.message + "\n";
  if (text.find(line) == std::string::npos) text += line;
}

// The same message once, with how many experiments it concerns.
std::string WarningsText(const TaskPlan& plan, std::size_t width) {
  std::vector<std::pair<quant::Warning, std::size_t>> counted;
  const auto count = [&](const quant::Warning& warning) {
    const auto found = std::find_if(counted.begin(), counted.end(), [&](const auto& c) { return c.first == warning; });
    if (found == counted.end()) {
      counted.emplace_back(warning, 1);
    } else {
      ++found->second;
    }
  };
  for (const quant::Warning& warning : plan.space.warnings) count(warning);
  const std::size_t of_task = counted.size();
  // What is said of the whole task is not said again of each experiment.
  const auto said = [&](const quant::Warning& warning) {
    return std::any_of(plan.space.warnings.begin(), plan.space.warnings.end(), [&](const quant::Warning& one) {
      return one.reason == warning.reason && one.message == warning.message;
    });
  };
  for (const std::size_t index : plan.space.schedule) {
    for (const quant::Warning& warning : plan.space.expansion.candidates[index].plan.warnings) {
      if (!said(warning)) count(warning);
    }
  }
  if (counted.empty()) return "";
  Table table;
  table.AddColumn("FIELD");
  table.AddColumn("EXPERIMENTS", Table::Align::kRight);
  table.AddColumn("WARNING");
  for (std::size_t i = 0; i < counted.size(); ++i) {
    const auto& [warning, experiments] = counted[i];
    table.AddRow({warning.field, i < of_task ? "all" : std::to_string(experiments),
                  warning.reason + ": " + Shortened(warning.message, width)});
  }
  std::string in_full;
  for (const auto& [warning, experiments] : counted)
    AddInFull({warning.field, warning.reason, warning.message}, width, in_full);
  return "\nWarnings\n" + table.Text("  ") + in_full;
}

// Combinations that are rejected for one reason are one row.
struct PrunedRow {
  const tuning::Pruned* first;
  std::vector<std::string> points;
};

std::vector<PrunedRow> PrunedRows(const TaskPlan& plan) {
  std::vector<PrunedRow> rows;
  for (const tuning::Pruned& one : plan.space.expansion.pruned) {
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const PrunedRow& row) {
      const tuning::Pruned& other = *row.first;
      return other.model == one.model && other.gpu == one.gpu && other.runtime == one.runtime &&
             other.quant.name == one.quant.name && other.rejection.field == one.rejection.field &&
             other.rejection.reason == one.rejection.reason && other.rejection.message == one.rejection.message;
    });
    PrunedRow& row = same == rows.end() ? rows.emplace_back(PrunedRow{&one, {}}) : *same;
    row.points.push_back(PointText(one.parameters, one.parallel, plan.task.spec));
  }
  return rows;
}

std::string PrunedText(const TaskPlan& plan, std::size_t width) {
  const std::vector<PrunedRow> rows = PrunedRows(plan);
  if (rows.empty()) return "";
  Table table;
  table.AddColumn("CHECKPOINT");
  table.AddColumn("GPU");
  table.AddColumn("RUNTIME");
  table.AddColumn("QUANTIZATION");
  table.AddColumn("AT");
  table.AddColumn("FIELD");
  table.AddColumn("REASON");
  constexpr std::size_t kMaxRows = 40;
  for (std::size_t i = 0; i < std::min(kMaxRows, rows.size()); ++i) {
    const tuning::Pruned& one = *rows[i].first;
    const std::size_t others = rows[i].points.size() - 1;
    table.AddRow({one.model, one.gpu, one.runtime, one.quant.name,
                  rows[i].points.front() + (others == 0 ? "" : " and " + Count(others, "other", "others")),
                  one.rejection.field, one.rejection.reason + ": " + Shortened(one.rejection.message, width)});
  }
  std::string text = "\nPruned before any GPU is used\n" + table.Text("  "), in_full;
  if (rows.size() > kMaxRows) {
    text += "  ... and " + std::to_string(rows.size() - kMaxRows) + " more (-o json lists all)\n";
  }
  const auto& pruned = plan.space.expansion.pruned;
  const bool baseline =
      std::any_of(pruned.begin(), pruned.end(), [](const tuning::Pruned& one) { return one.baseline; });
  if (baseline && !plan.space.schedule.empty()) {
    text += "  A baseline was pruned: no improvement can be given for its runtime.\n";
  }
  for (std::size_t i = 0; i < std::min(kMaxRows, rows.size()); ++i) AddInFull(rows[i].first->rejection, width, in_full);
  return text + in_full;
}

// Why duplicates run the same, where the engine replaces their values.
std::string ReplacedText(const tuning::Expansion& expansion, std::size_t width) {
  std::map<std::string, int> counts;
  for (const tuning::Duplicate& one : expansion.duplicate_of) {
    if (!one.reason.empty()) ++counts[one.reason];
  }
  if (counts.empty()) return "";
  Table table;
  table.AddColumn("DUPLICATES", Table::Align::kRight);
  table.AddColumn("REASON");
  for (const auto& [reason, count] : counts) table.AddRow({std::to_string(count), Shortened(reason, width)});
  return "\nDuplicates because the engine replaces a value\n" + table.Text("  ");
}

// "bf16-stable", "2 more": what an experiment is measured for besides itself.
std::string StandsFor(const tuning::Expansion& expansion, std::size_t index) {
  const tuning::Candidate& candidate = expansion.candidates[index];
  std::vector<std::string> names;
  for (const tuning::Duplicate& duplicate : expansion.duplicate_of) {
    const std::string& name = duplicate.quant.name;
    const bool new_name = name != candidate.quant.name && std::find(names.begin(), names.end(), name) == names.end();
    if (duplicate.of == index && new_name) names.push_back(name);
  }
  const int others = candidate.duplicates - static_cast<int>(names.size());
  if (others > 0) names.push_back(std::to_string(others) + (names.empty() ? "" : " more"));
  return Joined(names, " and ");
}

// The GPUs that --gpu or the spec names; none is fine.
base::Status SetNamedGpus(const api::TaskSpec& spec, const std::string& asked, TaskPlan& plan) {
  if (!asked.empty() && spec.gpus.size() > 1) {
    return base::Invalid("--gpu: the task has " + std::to_string(spec.gpus.size()) +
                         " types of GPU. Remove --gpu: the types come from spec.gpus[].products");
  }
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const std::vector<std::string>& products = spec.gpus[i].products;
    const std::string gpu = !asked.empty() ? asked : products.empty() ? "" : products.front();
    if (gpu.empty()) continue;
    const auto found = ReadGpu(gpu);
    if (!found && !asked.empty()) return base::Invalid("--gpu: " + found.error().message);
    if (!found) continue;
    plan.gpus[i] = {found->product, found->capability, found->memory_bytes, found->amd_architecture};
    plan.gpu_sources[i] = asked.empty() ? api::GpuPath(spec, i) + ".products" : "--gpu";
    if (asked.empty() && !found->amd_architecture.empty()) plan.gpus[i].product = gpu;
  }
  return {};
}

// GPUs of one experiment on a type, the fewest and the most; zeros where none is scheduled.
std::pair<int, int> GpusOfAnExperiment(const TaskPlan& plan, std::size_t type) {
  std::optional<std::pair<int, int>> range;
  for (const std::size_t index : plan.space.schedule) {
    const tuning::Candidate& candidate = plan.space.expansion.candidates[index];
    if (candidate.gpu != type) continue;
    const int gpus = candidate.plan.gpus;
    if (!range) range = {gpus, gpus};
    range = {std::min(range->first, gpus), std::max(range->second, gpus)};
  }
  return range.value_or(std::pair(0, 0));
}

// Parameters by the name of a model, "Qwen2.5-72B-Instruct", "Mixtral-8x7B": 0 where it does not say.
double ParametersByName(const std::string& name) {
  static const std::regex kSize("(^|[-_/.])([0-9]+x)?([0-9]+(\\.[0-9]+)?)[bB]([-_.]|$)");
  std::smatch found;
  if (name.size() > 256 || !std::regex_search(name, found, kSize)) return 0;
  const double times = found[2].matched ? std::strtod(found[2].str().c_str(), nullptr) : 1;
  return times * std::strtod(found[3].str().c_str(), nullptr) * 1e9;
}

// Where neither the files' size nor dimensions are known, nobody can say whether a model fits.
std::string SizeText(const TaskPlan& plan) {
  std::string text;
  for (std::size_t i = 0; i < plan.space.models.size(); ++i) {
    const checkpoint::ModelFacts& facts = plan.space.models[i].facts;
    const api::ModelSpec& model = plan.task.spec.models[i];
    if (!facts.verifier.empty()) {
      text += "Memory not known to be enough: " + model.id_or_path + " is a draft for " + facts.verifier +
              ", whose size its files do not have, so nothing is pruned for it and the predictions below ignore it.\n";
      continue;
    }
    if (facts.weight_bytes || (facts.layers && facts.hidden_size)) continue;
    text += "Memory not known to be enough: the facts of " + model.id_or_path +
            " have neither a size nor dimensions, so nothing is pruned for it and the predictions below ignore it.";
    const double bytes = ParametersByName(model.id_or_path) * 2;
    if (bytes > 0) text += " Its name says " + text::Bytes(bytes) + " in 16 bits";
    std::int64_t memory = 0;  // of the largest type of GPU
    for (const reconcile::GpuChoice& gpu : plan.gpus) memory = std::max(memory, gpu.memory_bytes);
    if (bytes > 0 && memory > 0) text += "; one GPU has " + text::Bytes(static_cast<double>(memory));
    text += bytes > 0 ? "." : "";
    if (!model.facts.is_null())
      text += " Put the whole config.json under " + api::ModelPath(plan.task.spec, i) +
              ".facts, or leave it out so that it is read.";
    text += "\n";
  }
  return text;
}

std::string NoRoomOf(const TaskPlan& plan, std::size_t type) {
  const std::vector<GpuPool>& pools = plan.pools[type];
  const std::string& resource = plan.task.spec.gpus[type].resource_name;
  if (pools.empty())
    return "no node of the cluster has " + resource +
           (plan.gpu_resources.empty() ? "" : "; nodes have " + plan.gpu_resources);
  const bool allowed = std::any_of(pools.begin(), pools.end(), [](const auto& p) { return p.allowed > 0; });
  const std::string path = api::GpuPath(plan.task.spec, type);
  const std::string taints = TaintsText(pools, path);
  if (!allowed)
    return path + " allows no node of the cluster that has " + resource + (taints.empty() ? "" : ": " + taints);
  return TooManyGpus(pools, plan.gpus[type].product, GpusOfAnExperiment(plan, type).first);
}

// The tables of the cluster's GPUs, and what does not fit.
std::string PoolsText(const TaskPlan& plan) {
  std::string text;
  for (std::size_t type = 0; type < plan.pools.size(); ++type) {
    const std::vector<GpuPool>& pools = plan.pools[type];
    const api::GpuSpec& spec = plan.task.spec.gpus[type];
    if (!spec.name.empty()) text += "GPUs for " + spec.name + "\n";
    text += GpuPoolsText(pools, spec, plan.gpus[type].product);
    text += OtherGpusText(plan.other_gpus[type]);
    std::string lacking = NoRoomOf(plan, type);
    if (lacking.empty()) {
      lacking = TooManyGpus(pools, plan.gpus[type].product, GpusOfAnExperiment(plan, type).second);
    }
    if (!lacking.empty() && !pools.empty()) text += "  Not enough GPUs: " + lacking + "\n";
    text += "\n";
  }
  return text;
}

// What every experiment is asked, as far as the files are here.
std::string DatasetLines(const TaskPlan& plan) {
  const auto unread = [](const std::string& file, const char* option) {
    return file + ", which is not checked until the task runs (" + option + " FILE reads a copy of it)\n";
  };
  std::string text;
  if (const auto& dataset = plan.task.spec.benchmark.dataset) {
    text += "Requests of benchmark.dataset: " +
            (plan.requests ? Count(*plan.requests, "request", "requests") + "\n" : unread(dataset->file, "--dataset"));
  }
  if (const auto& dataset = plan.task.spec.quality.dataset) {
    text +=
        "Questions of quality.dataset: " + (plan.questions ? plan.questions->text + " (answers of at most " +
                                                                 std::to_string(dataset->answer_tokens) + " tokens)\n"
                                                           : unread(dataset->file, "--questions"));
  }
  return text;
}

// "GPU    NVIDIA-H100-80GB-HBM3, compute capability 9.0  (from --gpu)".
std::string GpuLines(const TaskPlan& plan) {
  const api::TaskSpec& spec = plan.task.spec;
  std::string text;
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const reconcile::GpuChoice& known = plan.gpus[i];
    const std::string& name = spec.gpus[i].name;
    // Partitions whose product no label names are known by their resource.
    const bool unnamed = known.product.empty() && known.capability && !plan.pools.empty();
    const std::string gpu =
        GpuText(unnamed ? spec.gpus[i].resource_name : known.product, known.capability, known.amd_architecture);
    text += (i == 0 ? "GPU    " : "       ") + (name.empty() ? "" : name + ": ");
    if (!gpu.empty()) {
      text += gpu + "  (from " + plan.gpu_sources[i] + ")";
      const auto price = reconcile::PricePerHour(spec, plan.task.status, name);
      if (!name.empty() && price) text += ", price " + api::FormatDecimal(*price, 4) + " per hour";
    } else if (!plan.pools.empty()) {
      text += "not known: the cluster has no labelled GPU that " + api::GpuPath(spec, i) + " allows";
    } else if (experiment::IsAmdResource(spec.gpus[i].resource_name)) {
      text += "AMD, model not known (set it with " +
              std::string(name.empty() ? "--gpu NAME, such as mi300x," : "products, such as [mi300x],") +
              " or --cluster)";
    } else {
      text += "not known: nothing is pruned for what a GPU lacks (" +
              std::string(name.empty() ? "--gpu NAME" : "products") + " or --cluster says which it is)";
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string NoRoom(const TaskPlan& plan) {
  for (std::size_t type = 0; type < plan.pools.size(); ++type) {
    const std::string lacking = NoRoomOf(plan, type);
    const std::string& name = plan.task.spec.gpus[type].name;
    if (!lacking.empty()) return (name.empty() ? "" : name + ": ") + lacking;
  }
  return "";
}

base::Result<TaskPlan> MakePlan(api::AutotuneTask task, const quant::RuleSet& rules,
                                const experiment::PodEnvironment& environment, const PlanOptions& options) {
  TaskPlan plan;
  plan.gpus.resize(task.spec.gpus.size());
  plan.gpu_sources.resize(task.spec.gpus.size());
  if (const auto known = CheckDirectories(task.spec, options); !known) return known.error();
  // Before anybody is asked what the model is.
  if (!options.nodes) {
    if (const auto named = SetNamedGpus(task.spec, options.gpu, plan); !named) return named.error();
  }
  std::vector<checkpoint::ModelFacts> models;
  task.status.models.clear();
  for (std::size_t i = 0; i < task.spec.models.size(); ++i) {
    auto facts = FindFacts(task.spec, i, options);
    if (!facts) return std::move(facts).error();
    models.push_back(facts->model);
    plan.model_sources.push_back(std::move(facts->source));
    // Pods are told the commit that was read.
    task.status.models.push_back({task.spec.models[i].name, std::move(facts->model), "", {}});
  }

  if (options.nodes) {
    plan.gpu_resources = GpuResources(*options.nodes);
    api::TaskStatus chosen;
    chosen.gpus.clear();
    for (std::size_t i = 0; i < task.spec.gpus.size(); ++i) {
      const api::GpuSpec& type = task.spec.gpus[i];
      plan.pools.push_back(GpuPools(type, *options.nodes));
      plan.other_gpus.push_back(OtherGpusOf(type, *options.nodes));
      plan.gpus[i] =
          reconcile::ChooseGpu(task.spec, i, models, reconcile::GpuChoices(type, *options.nodes), rules, environment);
      plan.gpu_sources[i] = "the cluster's nodes";
      api::GpuStatus& status = chosen.gpus.emplace_back();
      status.name = type.name;
      status.product = plan.gpus[i].product;
    }
    plan.node_gpus = reconcile::GpusByNode(task.spec, chosen, *options.nodes);
  }
  auto space = reconcile::BuildSpace(task.spec, models, plan.gpus, rules, environment);
  if (!space) return std::move(space).error();
  plan.space = std::move(*space);
  const KnownModels known(models.begin(), models.end());
  if (task.spec.benchmark.dataset) {
    const auto requests = CountRequests(task.spec, known, options.dataset, options.config_maps);
    if (!requests) return requests.error();
    plan.requests = *requests;
  }
  if (task.spec.quality.dataset) {
    auto questions = ReadQuestions(task.spec, known, options.questions, options.config_maps);
    if (!questions) return std::move(questions).error();
    plan.questions = *std::move(questions);
    if (plan.questions && plan.questions->by_choices == 0) {
      std::erase_if(plan.space.warnings,
                    [](const quant::Warning& warning) { return warning.reason == reconcile::kChoicesNotCompared; });
    }
  }
  plan.rules_version = rules.version();
  if (task.metadata.ns.empty()) task.metadata.ns = "default";
  task.status.gpus.clear();
  for (std::size_t i = 0; i < task.spec.gpus.size(); ++i) {
    const api::GpuSpec& type = task.spec.gpus[i];
    api::GpuStatus& status = task.status.gpus.emplace_back();
    status.name = type.name;
    status.product = plan.gpus[i].product;
    status.shared = plan.gpus[i].shared;
    if (type.price_per_hour.empty()) {
      status.price_per_hour = reconcile::PriceOf(options.gpu_prices, type, plan.gpus[i].product);
      if (!options.gpu_prices.empty() && status.price_per_hour.empty()) {
        const std::string& product = plan.gpus[i].product;
        plan.space.warnings.push_back({"--gpu-prices", "NoPrice",
                                       "has no price for " + (type.name.empty() ? "the GPU" : type.name) + " (" +
                                           (product.empty() ? "product not known" : product) + ")"});
      }
    }
  }
  for (std::string& unknown : reconcile::UnknownProducts(options.gpu_prices)) {
    plan.space.warnings.push_back({"--gpu-prices", "UnknownGpuProduct", std::move(unknown)});
  }
  if (const std::string missing = reconcile::MissingPrice(task.spec, task.status); !missing.empty()) {
    return base::Invalid(missing);
  }
  plan.task = std::move(task);
  return plan;
}

std::string PlanText(const TaskPlan& plan, std::size_t width) {
  const tuning::Expansion& expansion = plan.space.expansion;
  const api::TaskSpec& spec = plan.task.spec;
  std::string text = "Task   " + plan.task.metadata.name + "\n";
  for (std::size_t i = 0; i < spec.models.size(); ++i) {
    const api::ModelSpec& model = spec.models[i];
    const bool reference = spec.models.size() > 1 && i == api::ReferenceModel(spec);
    text += (i == 0 ? "Model  " : "       ") + (model.name.empty() ? "" : model.name + ": ") + model.id_or_path +
            "  (" + ModelText(plan.space.models[i].facts) + "; from " + plan.model_sources[i] +
            (reference ? "; the reference" : "") + ")\n";
  }
  text +=
      GpuLines(plan) + SizeText(plan) + DatasetLines(plan) + "Rules  " + plan.rules_version + "\n\n" + PoolsText(plan);

  std::vector<std::vector<std::string>> arguments;
  for (const std::size_t index : plan.space.schedule) arguments.push_back(expansion.candidates[index].plan.args);
  const ArgumentDifferences differences = CompareArguments(arguments);
  Table table;
  table.AddColumn("EXPERIMENT");
  table.AddColumn("CHECKPOINT");
  table.AddColumn("GPU");
  table.AddColumn("RUNTIME");
  table.AddColumn("QUANTIZATION");
  table.AddColumn("GPUS", Table::Align::kRight);
  table.AddColumn(differences.common.empty() ? "ARGUMENTS" : "ARGUMENTS THAT DIFFER");
  table.AddColumn("");
  for (std::size_t i = 0; i < plan.space.schedule.size(); ++i) {
    const tuning::Candidate& candidate = expansion.candidates[plan.space.schedule[i]];
    std::string notes = RoleOf(candidate);
    if (candidate.duplicates > 0) {
      notes += (notes.empty() ? "duplicates: " : ", duplicates: ") + StandsFor(expansion, plan.space.schedule[i]);
    }
    table.AddRow({ExperimentName(i, candidate), plan.space.models[candidate.model].name,
                  plan.space.gpu_names[candidate.gpu], plan.space.runtimes[candidate.runtime].spec.name,
                  candidate.quant.name, std::to_string(candidate.plan.gpus),
                  SettingsText(differences.own[i], candidate.plan.options_yaml), notes});
  }
  text += plan.space.schedule.empty() ? "Nothing is left to run.\n" : table.Text();
  if (!differences.common.empty()) text += "\nCommon arguments: " + Joined(differences.common, " ") + "\n";

  text += ReplacedText(expansion, width);
  text += PrunedText(plan, width);
  text += WarningsText(plan, width);

  const std::size_t not_run = expansion.candidates.size() - plan.space.schedule.size();
  const bool adaptive = reconcile::IsAdaptive(spec);
  text += "\n" + Count(static_cast<std::size_t>(expansion.total), "combination", "combinations") + ": " +
          (adaptive ? Count(plan.space.schedule.size(), "candidate", "candidates")
                    : Count(plan.space.schedule.size(), "experiment", "experiments")) +
          ", " + Count(static_cast<std::size_t>(expansion.duplicates), "duplicate", "duplicates") + ", " +
          std::to_string(expansion.pruned.size()) + " pruned";
  if (plan.space.schedule.empty()) return text + "\n";
  if (adaptive) {
    const auto most = std::min(plan.space.schedule.size(), static_cast<std::size_t>(spec.optimization.max_experiments));
    text += "; the search decides how many of them it measures, at most " + std::to_string(most);
  } else {
    text += ", " + std::to_string(not_run) + " not run";
    if (not_run > 0) {
      text += " (optimization.maxExperiments is " + std::to_string(spec.optimization.max_experiments) + ")";
    }
  }
  text += "\n";
  std::string most;
  std::size_t times = 0;
  for (const PrunedRow& row : PrunedRows(plan)) {
    if (row.points.size() <= times) continue;
    times = row.points.size();
    most = row.first->rejection.reason + " (" + std::to_string(times) + "): " + row.first->rejection.message;
  }
  most = report::MostPrunedText(static_cast<int>(expansion.pruned.size()), static_cast<int>(expansion.total), most);
  if (!most.empty()) text += "Warning: " + most + "\n";
  const bool one = plan.space.schedule.size() == 1;
  if (one && expansion.candidates[plan.space.schedule.front()].baseline) {
    text +=
        "The baseline is the only candidate, so nothing is compared with it. List several presets under "
        "spec.quantConfig\n"
        "or several values under spec.parameters.\n";
  }
  return text;
}

json PlanJson(const TaskPlan& plan, const experiment::PodEnvironment& environment) {
  const tuning::Expansion& expansion = plan.space.expansion;
  json candidates = json::array();
  std::map<std::size_t, std::size_t> positions;
  for (std::size_t i = 0; i < plan.space.schedule.size(); ++i) positions[plan.space.schedule[i]] = i;
  for (std::size_t i = 0; i < expansion.candidates.size(); ++i) {
    const tuning::Candidate& candidate = expansion.candidates[i];
    const reconcile::ResolvedRuntime& runtime = plan.space.runtimes[candidate.runtime];
    const auto position = positions.find(i);
    const json pod = experiment::BuildExperimentPod(plan.task, reconcile::ExperimentOf(plan.space, candidate, 1),
                                                    reconcile::PlacementOf(plan.space, candidate.gpu), environment);
    json verdicts = json::array();
    for (const quant::Verdict& verdict : candidate.plan.verdicts) verdicts.push_back(VerdictJson(verdict));
    json overrides = json::array();
    for (const quant::Override& replaced : candidate.plan.overrides) {
      overrides.push_back({{"flag", replaced.flag}, {"mapped", replaced.mapped}, {"user", replaced.user}});
    }
    json entry = {{"hash", candidate.hash},
                  {"runtime", runtime.spec.name},
                  {"engine", runtime.release.engine},
                  {"version", runtime.release.version.ToString()},
                  {"image", runtime.spec.image},
                  {"quant", QuantJson(candidate.quant)},
                  {"parameters", ParametersJson(candidate.parameters)},
                  {"parallel", ParallelJson(candidate.parallel)},
                  {"args", candidate.plan.args},
                  {"command", EngineArgv(pod)},
                  {"options", candidate.plan.options_yaml},
                  {"env", candidate.plan.env},
                  {"gpus", candidate.plan.gpus},
                  {"baseline", candidate.baseline},
                  {"deployed", candidate.deployed},
                  {"duplicates", candidate.duplicates},
                  {"runs", position != positions.end()},
                  {"verdicts", verdicts},
                  {"overrides", overrides},
                  {"warnings", WarningsJson(candidate.plan.warnings)}};
    if (const std::string& name = plan.space.models[candidate.model].name; !name.empty()) entry["model"] = name;
    if (const std::string& name = plan.space.gpu_names[candidate.gpu]; !name.empty()) entry["gpu"] = name;
    if (position != positions.end()) entry["experiment"] = ExperimentName(position->second, candidate);
    candidates.push_back(std::move(entry));
  }
  json pruned = json::array();
  for (const tuning::Pruned& one : expansion.pruned) {
    pruned.push_back({{"runtime", one.runtime},
                      {"quant", QuantJson(one.quant)},
                      {"parameters", ParametersJson(one.parameters)},
                      {"parallel", ParallelJson(one.parallel)},
                      {"field", one.rejection.field},
                      {"reason", one.rejection.reason},
                      {"message", one.rejection.message},
                      {"baseline", one.baseline}});
    if (!one.model.empty()) pruned.back()["model"] = one.model;
    if (!one.gpu.empty()) pruned.back()["gpu"] = one.gpu;
  }
  json duplicates = json::array();
  for (const tuning::Duplicate& one : expansion.duplicate_of) {
    duplicates.push_back({{"runtime", one.runtime},
                          {"quant", QuantJson(one.quant)},
                          {"parameters", ParametersJson(one.parameters)},
                          {"parallel", ParallelJson(one.parallel)},
                          {"of", expansion.candidates[one.of].hash}});
    if (!one.model.empty()) duplicates.back()["model"] = one.model;
    if (!one.gpu.empty()) duplicates.back()["gpu"] = one.gpu;
    if (!one.reason.empty()) duplicates.back()["reason"] = one.reason;
  }
  json models = json::object();
  for (const reconcile::ResolvedModel& model : plan.space.models) models[model.name] = checkpoint::ToJson(model.facts);
  const bool one_model = plan.space.models.front().name.empty();
  json gpus = json::array(), pools = json::array(), other_gpus = json::array();
  for (std::size_t i = 0; i < plan.gpus.size(); ++i) {
    const reconcile::GpuChoice& gpu = plan.gpus[i];
    gpus.push_back({{"product", gpu.product},
                    {"computeCapability", gpu.capability ? gpu.capability->ToString() : ""},
                    {"amdArchitecture", gpu.amd_architecture},
                    {"memoryBytes", gpu.memory_bytes}});
    const std::string& name = plan.space.gpu_names[i];
    if (!name.empty()) gpus.back()["name"] = name;
    if (plan.pools.empty()) continue;
    for (json& pool : GpuPoolsJson(plan.pools[i], gpu.product)) {
      if (!name.empty()) pool["for"] = name;
      pools.push_back(std::move(pool));
    }
    for (json& other : OtherGpusJson(plan.other_gpus[i])) {
      if (!name.empty()) other["for"] = name;
      other_gpus.push_back(std::move(other));
    }
  }
  const bool one_gpu = plan.space.gpu_names.front().empty();
  const auto read = [](const auto& dataset, const auto& value) {
    return dataset ? json{{"file", dataset->file}, {"read", value ? json(*value) : json()}} : json();
  };
  const std::optional<std::string> questions =
      plan.questions ? std::optional(plan.questions->text) : std::optional<std::string>();
  return {{"task", plan.task.metadata.name},
          {"requests", read(plan.task.spec.benchmark.dataset, plan.requests)},
          {"questions", read(plan.task.spec.quality.dataset, questions)},
          {"cluster",
           plan.pools.empty() ? json() : json{{"gpus", pools}, {"otherGpus", other_gpus}, {"noRoom", NoRoom(plan)}}},
          {one_model ? "model" : "models", one_model ? checkpoint::ToJson(plan.space.models.front().facts) : models},
          {one_gpu ? "gpu" : "gpus", one_gpu ? gpus.front() : gpus},
          {"rulesVersion", plan.rules_version},
          {"total", expansion.total},
          {"notRun", expansion.candidates.size() - plan.space.schedule.size()},
          {"candidates", candidates},
          {"pruned", pruned},
          {"duplicateCount", expansion.duplicates},
          {"duplicates", duplicates},
          {"warnings", WarningsJson(plan.space.warnings)}};
}

std::string PlanPods(const TaskPlan& plan, const experiment::PodEnvironment& environment) {
  std::string text;
  for (std::size_t i = 0; i < plan.space.schedule.size(); ++i) {
    const tuning::Candidate& candidate = plan.space.expansion.candidates[plan.space.schedule[i]];
    text += "---\n# " + ExperimentName(i, candidate) + ": " +
            api::ConfigurationName(plan.space.models[candidate.model].name, candidate.quant.name,
                                   plan.space.gpu_names[candidate.gpu]) +
            "\n";
    text += ToYaml(experiment::BuildExperimentPod(plan.task, reconcile::ExperimentOf(plan.space, candidate, 1),
                                                  reconcile::PlacementOf(plan.space, candidate.gpu), environment));
  }
  return text;
}

}  // namespace autotune::cli
