#include "cli/explain.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"
#include "cli/asked_gpu.h"
#include "cli/correction.h"
#include "cli/model_source.h"
#include "gpu/product.h"
#include "operator/deploy/container_command.h"
#include "operator/deploy/engine_arguments.h"
#include "operator/deploy/image_name.h"
#include "operator/deploy/running_server.h"
#include "operator/experiment/gpu_labels.h"
#include "quant/engine_table.h"
#include "report/result_view.h"
#include "report/task_words.h"
#include "text/shell_words.h"
#include "text/table.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using report::ModelText;
using report::VerdictJson;
using text::CommandLine;
using text::ParseYaml;
using text::Table;

// "gemm", "gemm_dtype", "GEMMDtype": a field in other words. Not "kv_cache_dtype", which is a flag of engines.
bool MeansField(std::string name, quant::Field field) {
  constexpr std::string_view kSuffix = "dtype";
  std::string canonical = base::AsciiLower(quant::FieldName(field));
  canonical.resize(canonical.size() - kSuffix.size());
  name = base::AsciiLower(std::move(name));
  return name == canonical || name == canonical + "dtype" || name == canonical + "_dtype";
}

// Values are JSON or text; lists and maps may be written as in a task's YAML: {unset: true}.
json ParseValue(const std::string& value) {
  json parsed = json::parse(value, nullptr, false);
  if (!parsed.is_discarded() || value.empty() || (value[0] != '{' && value[0] != '[')) return parsed;
  const auto documents = ParseYaml(value, "value");
  return documents && documents->size() == 1 ? documents->front() : parsed;
}

base::Status Apply(const std::string& setting, quant::LaunchRequest& request) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    return base::Invalid("\"" + setting +
                         "\" is not of the form name=value, such as kvcacheDtype=fp8 or max-num-seqs=64");
  }
  const std::string name = setting.substr(0, equals);
  const std::string value = setting.substr(equals + 1);
  if (name == "preset") {
    const quant::QuantConfig* preset = quant::FindPreset(value);
    if (preset == nullptr) {
      std::vector<std::string> known;
      for (const quant::QuantConfig& one : quant::Presets()) known.push_back(one.name);
      return base::Invalid("preset: " + NoneOf(value, known));
    }
    request.quant = *preset;
    return {};
  }
  for (const quant::Field field : quant::kFields) {
    if (MeansField(name, field) && name != quant::FieldName(field))
      return base::Invalid("\"" + name + "\" is not a field; did you mean " + std::string(quant::FieldName(field)) +
                           "?");
    if (name != quant::FieldName(field)) continue;
    const auto allowed = quant::AllowedValues(field);
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      return base::Invalid(name + ": " + NoneOf(value, {allowed.begin(), allowed.end()}));
    }
    request.quant.Set(field, value);
    return {};
  }
  const std::size_t start = name.find_first_not_of('-');
  if (start == std::string::npos) return base::Invalid("\"" + setting + "\" has no name");
  const json parsed = ParseValue(value);
  const std::string flag = name.substr(start);
  if (!parsed.is_discarded() && !parsed.is_string()) {
    auto flag_value = quant::FlagValue::FromJson(parsed, flag);
    if (!flag_value) return std::move(flag_value).error();
    request.parameters[flag] = *std::move(flag_value);
  } else {
    request.parameters[flag] = quant::FlagValue::Text(value);
  }
  return {};
}

constexpr const char* kInstead = "set --model to a directory with its config.json";

// Whether the files of the model can change it: not what the parser says of the flags, nor the GPU's own floor.
bool MayDependOnTheModel(const quant::Rejection& rejection) {
  static constexpr std::array<std::string_view, 7> kOfFlags = {
      "UnknownFlag",        "UnknownMember",        "InvalidFlagValue",   "ReservedFlag",
      "DuplicateParameter", "RevisionNotSupported", "InvalidParallelSize"};
  return rejection.field != "gpu" && std::find(kOfFlags.begin(), kOfFlags.end(), rejection.reason) == kOfFlags.end();
}

// The engine and the image that a command starts; "" = it does not say so.
struct Started {
  std::string engine, image;
};

Started StartedBy(const api::DeployedServer& server, const quant::RuleSet& rules) {
  Started started{deploy::EngineStartOf(server.words).engine, server.image};
  if (started.engine.empty() && !server.image.empty()) started.engine = deploy::EngineOfImage(server.image, rules);
  return started;
}

// Nothing is known of it but what its command says of its weights: a rule that needs more says that it was not checked.
checkpoint::ModelFacts UnknownModel(const quant::LaunchRequest& request, const quant::RuleSet& rules) {
  checkpoint::ModelFacts facts;
  facts.dtype = "bfloat16";
  const quant::EngineTable* table = rules.Find(request.release.engine);
  for (const auto& [name, value] : request.parameters) {
    const auto use = table->FindCompleted(name, request.release.version);
    if (!use || table->quantization_flag().empty() || use->flag->name != table->quantization_flag()) continue;
    facts.quantization = value.ToString();
    facts.family = facts.linear_format = facts.expert_format = "other";
  }
  return facts;
}

// Flags become parameters, the model that of the request; what concerns only the server is named and left out.
// `quoted`: the command is one line, as it was written for a shell.
base::Status TakeCommand(const api::DeployedServer& server, const quant::RuleSet& rules, bool quoted,
                         Explanation& explanation) {
  quant::LaunchRequest& request = explanation.request;
  const deploy::EngineStart start = deploy::EngineStartOf(server.words);
  if (start.engine.empty() && !server.words.empty() &&
      deploy::ProgramName(server.words.front()).starts_with("python")) {
    const std::vector<std::string> program(
        server.words.begin(), server.words.begin() + std::min<std::ptrdiff_t>(3, std::ssize(server.words)));
    return base::Invalid("starts \"" + text::Shortened(text::Joined(program, " "), 60) + "\", which is no server of " +
                         request.release.engine);
  }
  const deploy::EngineArguments arguments = deploy::ReadFlags(
      {server.words.begin() + static_cast<std::ptrdiff_t>(start.words), server.words.end()}, request.release, rules);
  if (!arguments.rest.empty())
    return base::Invalid("contains \"" + text::Shortened(arguments.rest.front(), 60) +
                         "\", which is not the value of a flag");
  if (!arguments.model.empty()) explanation.model = arguments.model;
  std::vector<std::string> left_out = server.left_out, problems = arguments.problems, files;
  const quant::EngineTable* table = rules.Find(request.release.engine);
  if (!start.dynamo) {
    for (std::string& problem : deploy::NotOfTheParser(arguments, request.release, rules))
      problems.push_back(std::move(problem));
  }
  for (const auto& [name, flag] : arguments.flags) {
    const std::string plain = quant::EngineTable::Normalise(name);
    const bool engines = table->FindCompleted(name, request.release.version).has_value();
    if (deploy::IsServerFlag(plain) || (start.dynamo && !engines && deploy::IsDynamoFlag(plain))) {
      left_out.push_back("--" + plain);
    } else if (plain == "revision") {
      request.revision = flag.value;
    } else if (plain == "config" || plain == "extra-llm-api-options" || plain == "extra-engine-args") {
      explanation.notes.push_back("the settings in " + flag.value + " (--" + plain +
                                  ") are not read: what is said below does not count them. To check them, write them "
                                  "as NAME=VALUE before the \"--\" of the command");
      // Dynamo's own is none of the engine's server.
      if (engines) {
        explanation.kept.push_back(flag.text.substr(0, flag.text.find(' ')));
        explanation.kept.insert(explanation.kept.end(), flag.values.begin(), flag.values.end());
      }
    } else if (deploy::ChangesNothing(plain, flag.value)) {
      continue;
    } else {
      for (const std::string& value : flag.values) {
        const std::string open = quoted ? text::FilledIn(value) : "";
        if (!open.empty())
          problems.push_back("has " + open + " for --" + name +
                             ", but the command is parsed without a shell: write the value");
      }
      const bool appends = name.find('.') != std::string::npos && name.ends_with('+');
      request.parameters[appends ? name.substr(0, name.size() - 1) : name] = deploy::ValueOf(name, flag);
      if (const std::string path = deploy::PathIn(flag); !path.empty()) {
        const std::string source = deploy::SourceOf(server, path);
        files.push_back(path + " (--" + name + (source.empty() ? "" : ", from " + source) + ")");
      }
    }
  }
  if (!problems.empty()) return base::Invalid(text::Joined(problems, "; "));
  if (!left_out.empty())
    explanation.notes.push_back("left to the operator, which starts the server: " + text::Joined(left_out, ", "));
  if (!files.empty())
    explanation.notes.push_back(
        "files of the server's own machine, which an experiment's pod has only if "
        "spec.podTemplate mounts them: " +
        text::Joined(files, ", "));
  std::vector<std::string> env;
  for (const auto& [name, value] : server.env) {
    env.push_back(name + "=" + value);
    const std::string why = table->WhyIgnored(name, request.release.version);
    if (!why.empty()) explanation.notes.push_back(why);
  }
  if (!env.empty()) explanation.notes.push_back("the rules do not read the environment: " + text::Joined(env, ", "));
  return {};
}

// The files of a model that a container mounts, where they are those of this machine.
base::Result<checkpoint::ModelFacts> ReadModelOf(const std::string& name,
                                                 const std::optional<api::DeployedServer>& server,
                                                 const HubAccess& hub) {
  auto model = ReadModel(name, hub, kInstead);
  const std::string source = server && name.starts_with('/') ? deploy::SourceOf(*server, name) : "";
  if (model || source.empty()) return model;
  auto outside = ReadModel(source, hub, kInstead);
  if (outside) return outside;
  return base::Invalid("it is a path of the container, and the command mounts it from " + source +
                       ", which is not here");
}

}  // namespace

base::Result<Explanation> Explain(const quant::RuleSet& rules, const ExplainOptions& options) {
  Explanation explanation;
  const std::size_t colon = options.engine.find(':');
  std::string engine = options.engine.substr(0, colon);
  const std::string version = colon == std::string::npos ? "" : options.engine.substr(colon + 1);
  std::optional<api::DeployedServer> server;
  Started started;
  const auto of_command = [](const base::Error& error) { return base::Invalid("the command " + error.message); };
  if (!options.command.empty()) {
    auto read = deploy::ReadPastedCommand(options.command.size() == 1 ? options.command.front()
                                                                      : deploy::ShellLine(options.command));
    if (!read) return of_command(read.error());
    server = *std::move(read);
    started = StartedBy(*server, rules);
    if (started.engine.empty() && options.engine_is_default && !server->image.empty()) {
      return of_command(
          base::Invalid("runs image " + server->image +
                        ", which does not say the engine: write the program behind the image (vllm serve, "
                        "python3 -m sglang.launch_server, trtllm-serve), or set --engine ENGINE:VERSION"));
    }
    if (started.engine.empty() && options.engine_is_default) {
      return of_command(
          base::Invalid("begins with \"" + text::Shortened(server->words.empty() ? "" : server->words.front(), 60) +
                        "\": it begins with vllm serve, python3 -m sglang.launch_server, trtllm-serve, python3 -m "
                        "dynamo.vllm or docker run"));
    }
    if (!started.engine.empty() && !options.engine_is_default && started.engine != engine)
      return of_command(base::Invalid("starts " + started.engine + ", and --engine is " + engine));
    if (!started.engine.empty()) engine = started.engine;
  }
  auto release = rules.Resolve(engine, started.image, version);
  if (!release) return base::Invalid("--engine: " + release.error().message);
  auto traits = rules.Traits(engine, release->version);
  if (!traits) return base::Invalid("--engine: " + traits.error().message);
  explanation.traits = std::move(*traits);

  quant::LaunchRequest& request = explanation.request;
  request.release = std::move(*release);
  request.quant.name = "this";
  const auto gpu = ReadGpu(options.gpu);
  if (!gpu) return base::Invalid("--gpu: " + gpu.error().message);
  request.gpu = gpu->capability;
  request.amd_architecture = gpu->amd_architecture;
  request.gpu_memory_bytes = gpu->memory_bytes;
  request.gpu_memory_bound = gpu::IsUpperBound(gpu->product, gpu->memory_bytes);
  request.gpu_shared = gpu::SplitName(options.gpu).shared;
  if (server) {
    if (const auto taken = TakeCommand(*server, rules, options.command.size() == 1, explanation); !taken)
      return of_command(taken.error());
  }
  if (options.model.empty()) {
    request.model = DenseModel();
    explanation.assumed_model = true;
    if (server && explanation.model != "MODEL") {
      auto model = ReadModelOf(explanation.model, server, options.hub);
      if (model) {
        request.model = std::move(*model);
        explanation.assumed_model = false;
      } else {
        explanation.assumed_model = false;
        explanation.unknown_model = true;
        request.model = UnknownModel(request, rules);
        explanation.notes.push_back("the files of " + explanation.model + " cannot be read: " + model.error().message);
        explanation.notes.push_back("what is said below of data types holds for an unquantized model in bfloat16");
      }
    }
  } else {
    auto model = ReadModel(options.model, options.hub, kInstead);
    if (!model) return base::Invalid("--model: " + model.error().message);
    request.model = std::move(*model);
  }
  std::set<std::string> names;
  for (const std::string& setting : options.settings) {
    const std::string name = setting.substr(0, setting.find('='));
    if (!names.insert(name).second) return base::Invalid("\"" + name + "\" is set twice");
  }
  // A preset is a starting point, whatever its place: fields given beside it override it.
  for (const bool presets : {true, false}) {
    for (const std::string& setting : options.settings) {
      if (setting.starts_with("preset=") != presets) continue;
      if (const auto applied = Apply(setting, request); !applied) return applied.error();
    }
  }
  explanation.plan = quant::PlanLaunch(rules, request);
  const gpu::NameParts parts = gpu::SplitName(options.gpu);
  if (!parts.partition.empty() && explanation.plan.gpus > 1)
    explanation.plan.warnings.push_back(
        {"gpu", "GpuIsPartition", experiment::SeveralPartsText(explanation.plan.gpus, parts)});
  if (request.gpu_shared)
    explanation.plan.warnings.push_back(
        {"gpu", "GpuIsShared",
         options.gpu + " is a share of a card that other pods use at the same time: its memory is not its own, and how "
                       "fast it is depends on what these do"});
  if (const std::string doubt =
          quant::MemoryDoubt(gpu->product, gpu->capability, gpu->amd_architecture, gpu->memory_bytes);
      !doubt.empty())
    explanation.plan.warnings.push_back({"gpu", "GpuMemoryNotKnown", doubt});
  return explanation;
}

std::string ExplanationText(const Explanation& explanation) {
  const quant::LaunchPlan& plan = explanation.plan;
  const quant::LaunchRequest& request = explanation.request;
  const std::string gpu = GpuText("", request.gpu, request.amd_architecture);
  std::string text = explanation.traits.title + " " + request.release.version.ToString() + ", " +
                     (gpu.empty() ? "any GPU" : gpu) + ", " +
                     (explanation.unknown_model ? "a model that is not known: set its config.json with --model"
                                                : ModelText(request.model)) +
                     (explanation.assumed_model ? " (assumed; set it with --model)" : "") + "\n";
  for (const std::string& note : request.model.notes) text += "Note: " + note + "\n";
  for (const std::string& note : explanation.notes) text += "Note: " + note + "\n";
  text += quant::Summary(request.quant) + "\n\n";

  Table table;
  table.AddColumn("FIELD");
  table.AddColumn("VALUE");
  table.AddColumn("VERDICT");
  table.AddColumn("REASON");
  table.AddColumn("SOURCE");
  table.AddColumn("MESSAGE");
  for (const quant::Verdict& verdict : plan.verdicts) {
    table.AddRow({std::string(quant::FieldName(verdict.field)), verdict.value,
                  std::string(quant::VerdictKindName(verdict.kind)), verdict.reason, verdict.source, verdict.message});
  }
  text += table.Text();
  for (const quant::Warning& warning : plan.warnings) {
    text += "\nWarning  " + warning.field + ": " + warning.message;
    if (warning.message == request.release.assumption) text += " (--engine " + request.release.engine + ":VERSION)";
  }
  for (const quant::Override& replaced : plan.overrides) {
    text += "\nYour parameter takes precedence: --" + replaced.flag + " is " + replaced.user +
            " (quantization: " + replaced.mapped + ")";
  }
  if (!plan.warnings.empty() || !plan.overrides.empty()) text += "\n";
  if (plan.rejection) {
    const bool open = explanation.unknown_model && MayDependOnTheModel(*plan.rejection);
    return text + "\nPruned" + (open ? ", unless the files of the model say otherwise" : "") + ": " +
           plan.rejection->field + ": " + plan.rejection->reason + ": " + plan.rejection->message + "\n";
  }
  quant::StartContext context;
  context.model = explanation.model;
  context.options_file = "options.yaml";
  std::vector<std::string> command = quant::StartCommand(explanation.traits, context, plan);
  // The last file of options holds: what is below goes into the command's own.
  const bool merged = !explanation.kept.empty() && !plan.options_yaml.empty();
  if (merged) {
    context.options_file = explanation.kept.back();
    command = quant::StartCommand(explanation.traits, context, plan);
  } else {
    command.insert(command.end(), explanation.kept.begin(), explanation.kept.end());
  }
  text += "\n" + CommandLine(command, 110) + "\n";
  for (const auto& [name, value] : plan.env) text += "with " + name + "=" + value + "\n";
  if (!plan.options_yaml.empty())
    text += "\n" + context.options_file + (merged ? ", beside what it contains:\n" : ":\n") + plan.options_yaml;
  return text;
}

json ExplanationJson(const Explanation& explanation) {
  const quant::LaunchPlan& plan = explanation.plan;
  json verdicts = json::array();
  for (const quant::Verdict& verdict : plan.verdicts) verdicts.push_back(VerdictJson(verdict));
  json warnings = json::array();
  for (const quant::Warning& warning : plan.warnings) {
    warnings.push_back({{"field", warning.field}, {"reason", warning.reason}, {"message", warning.message}});
  }
  json overrides = json::array();
  for (const quant::Override& replaced : plan.overrides) {
    overrides.push_back({{"flag", replaced.flag}, {"mapped", replaced.mapped}, {"user", replaced.user}});
  }
  json rejected;
  if (plan.rejection) {
    rejected = {
        {"field", plan.rejection->field}, {"reason", plan.rejection->reason}, {"message", plan.rejection->message}};
  }
  return {{"engine", explanation.request.release.engine},
          {"version", explanation.request.release.version.ToString()},
          {"rejected", rejected},
          {"args", plan.args},
          {"keptArgs", explanation.kept},
          {"yaml", plan.options_yaml},
          {"env", plan.env},
          {"gpus", plan.gpus},
          {"minComputeCapability", plan.min_capability ? plan.min_capability->ToString() : ""},
          {"verdicts", verdicts},
          {"warnings", warnings},
          {"overrides", overrides},
          {"modelKnown", !explanation.unknown_model},
          {"notes", explanation.notes}};
}

}  // namespace autotune::cli
