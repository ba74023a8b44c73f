#include "cli/matrix.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/asked_gpu.h"
#include "cli/model_source.h"
#include "report/result_view.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using quant::Field;
using quant::LaunchPlan;
using quant::Version;
using report::ModelText;
using report::OptionsText;
using text::Joined;
using text::ShellQuoted;
using text::Table;

struct NamedModel {
  std::string name;  // "dense", "experts"; "" for the one asked for
  checkpoint::ModelFacts facts;
};

// What checkpoints carry, by the names that their files use. Facts of the model itself do not matter to these rows.
struct Checkpoint {
  std::string_view method, family;
};
constexpr Checkpoint kCheckpoints[] = {
    {"fp8", "fp8"},
    {"compressed-tensors", "fp8"},
    {"compressed-tensors", "int8-w8a8"},
    {"compressed-tensors", "int4-wna16"},
    {"compressed-tensors", "nvfp4"},
    {"compressed-tensors", "w4a8"},
    {"awq", "int4-wna16"},
    {"gptq", "int4-wna16"},
    {"auto-round", "int4-wna16"},
    {"modelopt", "fp8"},
    {"modelopt_fp4", "nvfp4"},
    {"modelopt_mixed", "mixed"},
    {"mxfp4", "mxfp4"},
    {"w4afp8", "w4a8"},
    {"quark", "fp8"},
    {"torchao", "int8-w8a8"},
    {"bitsandbytes", "bnb"},
    {"gguf", "gguf"},
};

class EnginePlans {
 public:
  EnginePlans(const quant::RuleSet& rules, std::string engine, std::string title, experiment::GpuInfo gpu)
      : rules_(rules), engine_(std::move(engine)), title_(std::move(title)), gpu_(std::move(gpu)) {}

  [[nodiscard]] LaunchPlan Plan(const quant::QuantConfig& config, const checkpoint::ModelFacts& model,
                                const Version& version) const {
    quant::LaunchRequest request;
    request.release = {engine_, version, ""};
    request.quant = config;
    request.model = model;
    request.gpu = gpu_.capability;
    request.amd_architecture = gpu_.amd_architecture;
    return quant::PlanLaunch(rules_, request);
  }

  // Ranges of releases are described, so a message must not be about one of them ("vLLM 0.14.1 has no flag ...").
  [[nodiscard]] std::string Anonymous(const std::string& message, const Version& version) const {
    const std::string name = title_ + " " + version.ToString() + " ";
    return message.starts_with(name) ? "this release " + message.substr(name.size()) : message;
  }

  // How the whole plan ends; `verdict` is "starts" where nothing is rejected.
  [[nodiscard]] CellOutcome WholeOutcome(const LaunchPlan& plan, const Version& version) const {
    CellOutcome outcome;
    outcome.verdict = "starts";
    outcome.args = plan.args;
    outcome.yaml = plan.options_yaml;
    outcome.env = plan.env;
    for (const quant::Warning& warning : plan.warnings) {
      if (warning.reason == "ReleaseNotRecorded") {
        outcome.derived = true;
      } else {
        outcome.warnings.push_back({warning.field, warning.reason, Anonymous(warning.message, version)});
      }
    }
    if (!plan.rejection) return outcome;
    outcome.verdict = "reject";
    outcome.reason = plan.rejection->reason;
    outcome.message = Anonymous(plan.rejection->message, version);
    outcome.args.clear();
    outcome.yaml.clear();
    outcome.env.clear();
    outcome.warnings.clear();
    outcome.derived = false;
    for (const quant::Verdict& verdict : plan.verdicts) {
      if (verdict.reason != plan.rejection->reason) continue;
      outcome.source = verdict.source;
      if (verdict.kind == quant::VerdictKind::kNeedsCheckpoint) outcome.verdict = "needs-checkpoint";
    }
    return outcome;
  }

  [[nodiscard]] CellOutcome FieldOutcome(const LaunchPlan& plan, Field field, const Version& version) const {
    CellOutcome outcome = WholeOutcome(plan, version);
    if (plan.rejection) return outcome;
    const quant::Verdict& verdict = plan.verdicts[static_cast<std::size_t>(field)];
    outcome.verdict = quant::VerdictKindName(verdict.kind);
    outcome.reason = verdict.reason;
    outcome.message = Anonymous(verdict.message, version);
    outcome.source = verdict.source;
    std::erase_if(outcome.warnings, [&](const quant::Warning& warning) { return warning.message == outcome.message; });
    return outcome;
  }

 private:
  const quant::RuleSet& rules_;
  std::string engine_, title_;
  experiment::GpuInfo gpu_;
};

bool Same(const CellOutcome& a, const CellOutcome& b) {
  return a.verdict == b.verdict && a.args == b.args && a.yaml == b.yaml && a.env == b.env && a.reason == b.reason &&
         a.message == b.message && a.source == b.source && a.warnings == b.warnings && a.derived == b.derived;
}

std::vector<OutcomeRange> Ranges(const std::vector<Version>& releases,
                                 const std::function<CellOutcome(const Version&)>& ask) {
  std::vector<OutcomeRange> ranges;
  for (const Version& release : releases) {
    CellOutcome outcome = ask(release);
    if (!ranges.empty()) {
      if (Same(ranges.back().outcome, outcome)) continue;
      ranges.back().until = release;
    }
    ranges.push_back({ranges.empty() ? std::nullopt : std::optional(release), std::nullopt, std::move(outcome)});
  }
  return ranges;
}

bool SameRanges(const std::vector<OutcomeRange>& a, const std::vector<OutcomeRange>& b) {
  return std::ranges::equal(a, b, [](const OutcomeRange& x, const OutcomeRange& y) {
    return x.since == y.since && x.until == y.until && Same(x.outcome, y.outcome);
  });
}

// One row where all models agree, else one for each.
void AddRows(const std::string& field, const std::string& value, const std::vector<NamedModel>& models,
             const std::function<std::vector<OutcomeRange>(const checkpoint::ModelFacts&)>& ask,
             std::vector<MatrixRow>& rows) {
  std::vector<MatrixRow> own;
  for (const NamedModel& model : models) own.push_back({field, value, model.name, ask(model.facts)});
  const bool agree =
      std::ranges::all_of(own, [&](const MatrixRow& row) { return SameRanges(row.ranges, own.front().ranges); });
  if (agree) own.resize(1);
  if (agree) own.front().model.clear();
  std::ranges::move(own, std::back_inserter(rows));
}

std::vector<std::string> Sorted(std::vector<std::string> words) {
  std::ranges::sort(words);
  return words;
}

// Whether two values together do something that neither does alone.
bool Interact(const LaunchPlan& both, Field first, const LaunchPlan& one, Field second, const LaunchPlan& two) {
  const bool rejected_alone = one.rejection || two.rejection;
  if (both.rejection.has_value() != rejected_alone) return true;
  if (rejected_alone) return false;
  const auto changed = [&](Field field, const LaunchPlan& alone) {
    const auto index = static_cast<std::size_t>(field);
    return both.verdicts[index].kind != alone.verdicts[index].kind;
  };
  if (changed(first, one) || changed(second, two)) return true;
  std::vector<std::string> joined = one.args;
  joined.insert(joined.end(), two.args.begin(), two.args.end());
  return Sorted(both.args) != Sorted(std::move(joined));
}

void AddTogether(const EnginePlans& plans, const std::vector<Version>& releases, Field first, Field second,
                 const checkpoint::ModelFacts& model, std::vector<MatrixRow>& rows) {
  for (const std::string_view a : quant::AllowedValues(first).subspan(1)) {
    quant::QuantConfig one;
    one.Set(first, std::string(a));
    for (const std::string_view b : quant::AllowedValues(second).subspan(1)) {
      quant::QuantConfig two;
      two.Set(second, std::string(b));
      quant::QuantConfig both = one;
      both.Set(second, std::string(b));
      bool interact = false;
      std::vector<OutcomeRange> ranges = Ranges(releases, [&](const Version& version) {
        const LaunchPlan plan = plans.Plan(both, model, version);
        const LaunchPlan plan_one = plans.Plan(one, model, version);
        const LaunchPlan plan_two = plans.Plan(two, model, version);
        interact = interact || Interact(plan, first, plan_one, second, plan_two);
        CellOutcome outcome = plans.WholeOutcome(plan, version);
        if (plan.rejection) return outcome;
        // Why: what the verdicts say now that they did not say alone.
        for (const auto& [field, alone] : {std::pair(first, &plan_one), std::pair(second, &plan_two)}) {
          const quant::Verdict& verdict = plan.verdicts[static_cast<std::size_t>(field)];
          const quant::Verdict& before = alone->verdicts[static_cast<std::size_t>(field)];
          if (verdict.kind == before.kind && verdict.message == before.message) continue;
          if (verdict.kind == quant::VerdictKind::kWarn) continue;  // among the warnings
          outcome.message += (outcome.message.empty() ? "" : "; ") + plans.Anonymous(verdict.message, version);
          outcome.reason = verdict.reason;
          outcome.source = verdict.source;
        }
        return outcome;
      });
      if (!interact) continue;
      rows.push_back({std::string(quant::FieldName(first)) + " + " + std::string(quant::FieldName(second)),
                      std::string(a) + " + " + std::string(b), "", std::move(ranges)});
    }
  }
}

struct Window {
  std::optional<Version> first, last;
  [[nodiscard]] bool Meets(const OutcomeRange& range) const {
    return (!last || !range.since || *range.since <= *last) && (!first || !range.until || *first < *range.until);
  }
};

base::Result<Window> ReadWindow(const std::string& text) {
  Window window;
  if (text.empty()) return window;
  const std::size_t dash = text.find('-');
  window.first = Version::Parse(text.substr(0, dash));
  window.last = dash == std::string::npos ? window.first : Version::Parse(text.substr(dash + 1));
  if (!window.first || !window.last || *window.last < *window.first)
    return base::Invalid("--releases: \"" + text + "\" is not a release such as 0.24.0 or a range such as 0.20-0.26");
  return window;
}

void Keep(const Window& window, std::vector<MatrixRow>& rows) {
  for (MatrixRow& row : rows)
    std::erase_if(row.ranges, [&](const OutcomeRange& range) { return !window.Meets(range); });
}

EngineMatrix MakeEngine(const quant::RuleSet& rules, const quant::EngineTraits& traits, const Window& window,
                        const experiment::GpuInfo& gpu, const std::vector<NamedModel>& models) {
  const std::vector<Version> releases = quant::ReleasesOfInterest(rules, traits.engine);
  const EnginePlans plans(rules, traits.engine, traits.title, gpu);
  EngineMatrix matrix;
  matrix.engine = traits.engine;
  matrix.title = traits.title;
  matrix.oldest = releases.front().ToString();
  matrix.newest = releases.back().ToString();
  matrix.gpu = GpuText("", gpu.capability, gpu.amd_architecture);
  for (const NamedModel& model : models)
    matrix.models.push_back((model.name.empty() ? "" : model.name + ": ") + ModelText(model.facts));

  for (const Field field : quant::kFields) {
    for (const std::string_view value : quant::AllowedValues(field)) {
      quant::QuantConfig config;
      config.Set(field, std::string(value));
      AddRows(
          std::string(quant::FieldName(field)), std::string(value), models,
          [&](const checkpoint::ModelFacts& model) {
            return Ranges(releases, [&](const Version& version) {
              return plans.FieldOutcome(plans.Plan(config, model, version), field, version);
            });
          },
          matrix.fields);
    }
  }
  const auto whole = [&](const quant::QuantConfig& config, const checkpoint::ModelFacts& model) {
    return Ranges(releases, [&](const Version& version) {
      return plans.WholeOutcome(plans.Plan(config, model, version), version);
    });
  };
  for (const quant::QuantConfig& preset : quant::Presets()) {
    AddRows(
        "preset", preset.name, models, [&](const checkpoint::ModelFacts& model) { return whole(preset, model); },
        matrix.presets);
  }
  for (const Field first : quant::kFields) {
    for (const Field second : quant::kFields) {
      // Experts exist in the last model only, or in none.
      if (first < second) AddTogether(plans, releases, first, second, models.back().facts, matrix.together);
    }
  }
  if (!models.front().facts.quantized()) {
    for (const Checkpoint& checkpoint : kCheckpoints) {
      const std::string name = checkpoint.method == checkpoint.family
                                   ? std::string(checkpoint.method)
                                   : std::string(checkpoint.method) + " (" + std::string(checkpoint.family) + ")";
      AddRows(
          "checkpoint", name, models,
          [&](checkpoint::ModelFacts model) {
            model.quantization = checkpoint.method;
            model.family = model.linear_format = model.expert_format = checkpoint.family;
            return whole({}, model);
          },
          matrix.checkpoints);
    }
  }
  for (std::vector<MatrixRow>* rows : {&matrix.fields, &matrix.presets, &matrix.together, &matrix.checkpoints})
    Keep(window, *rows);
  matrix.rules = quant::ListRules(rules, traits.engine);
  std::erase_if(matrix.rules, [&](const quant::ListedRule& rule) {
    return !window.Meets({rule.since, rule.until, {}});
  });
  return matrix;
}

std::string Short(const Version& version) {
  if (version.patch != 0 || version.stage != 0) return version.ToString();
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

// The release before: "0.19" for 0.20.0, "0.18.0" for 0.18.1, "0.5.6.post1" for 0.5.6.post2; "" where that has no name.
std::string Before(Version version) {
  if (version.stage > 0) {
    --version.stage;
    return version.ToString();
  }
  if (version.stage < 0) return "";
  if (version.patch > 0) {
    --version.patch;
    return version.ToString();
  }
  if (version.minor == 0) return "";
  --version.minor;
  return Short(version);
}

std::string ArgumentsText(const CellOutcome& outcome) {
  std::vector<std::string> words;
  for (const auto& [name, value] : outcome.env) words.push_back(name + "=" + ShellQuoted(value));
  for (const std::string& arg : outcome.args) words.push_back(ShellQuoted(arg));
  std::string text = Joined(words, " ");
  if (!outcome.yaml.empty()) text += (text.empty() ? "" : " ") + OptionsText(outcome.yaml);
  return text;
}

std::string VerdictText(const CellOutcome& outcome) { return outcome.verdict + (outcome.derived ? " †" : ""); }

std::string WhyText(const CellOutcome& outcome) {
  std::string text = outcome.message;
  for (const quant::Warning& warning : outcome.warnings)
    text += (text.empty() ? "warning: " : "; warning: ") + warning.message;
  return text;
}

// Cells of Markdown tables: what would be markup is text.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '<') {
      escaped += "&lt;";
      continue;
    }
    if (c == '*') escaped += '\\';
    escaped += c;
  }
  return escaped;
}
std::string Code(const std::string& text) { return text.empty() ? "" : "`" + text + "`"; }

Table RowTable(const std::vector<MatrixRow>& rows, const std::string& title, bool markdown) {
  Table table;
  const auto heading = [&](std::string text) {
    if (!markdown) std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    table.AddColumn(std::move(text));
  };
  for (const std::string& name : {title, std::string("model"), std::string("releases"), std::string("verdict"),
                                  std::string("arguments"), std::string("why"), std::string("source")})
    heading(name);
  std::string shown;
  for (const MatrixRow& row : rows) {
    std::string model = row.model;
    for (const OutcomeRange& range : row.ranges) {
      const CellOutcome& outcome = range.outcome;
      const std::string value = row.value == shown ? "" : row.value;
      const std::string arguments = ArgumentsText(outcome);
      const std::string why = WhyText(outcome);
      table.AddRow({markdown ? Code(value) : value, model, RangeText(range.since, range.until), VerdictText(outcome),
                    markdown ? Code(arguments) : arguments, markdown ? Escaped(why) : why, outcome.source});
      shown = row.value;
      model.clear();
    }
  }
  return table;
}

Table RuleTable(const std::vector<quant::ListedRule>& rules, bool markdown) {
  Table table;
  for (const char* name : {"when", "releases", "then", "reason", "message", "source"}) {
    std::string title = name;
    if (!markdown) std::ranges::transform(title, title.begin(), [](char c) { return c - 32; });
    table.AddColumn(std::move(title));
  }
  for (const quant::ListedRule& rule : rules) {
    table.AddRow({markdown ? Code(rule.when) : rule.when, RangeText(rule.since, rule.until),
                  markdown ? Escaped(rule.then) : rule.then, rule.reason,
                  markdown ? Escaped(rule.message) : rule.message, rule.source});
  }
  return table;
}

std::vector<MatrixRow> RowsOf(const std::vector<MatrixRow>& rows, const std::string& field) {
  std::vector<MatrixRow> own;
  std::ranges::copy_if(rows, std::back_inserter(own), [&](const MatrixRow& row) { return row.field == field; });
  return own;
}

std::vector<std::string> FieldsOf(const std::vector<MatrixRow>& rows) {
  std::vector<std::string> fields;
  for (const MatrixRow& row : rows) {
    if (std::ranges::find(fields, row.field) == fields.end()) fields.push_back(row.field);
  }
  return fields;
}

bool AnyDerived(const EngineMatrix& engine) {
  for (const auto* rows : {&engine.fields, &engine.presets, &engine.together}) {
    for (const MatrixRow& row : *rows) {
      if (std::ranges::any_of(row.ranges, [](const OutcomeRange& range) { return range.outcome.derived; })) return true;
    }
  }
  return false;
}

// One line a value, one column an engine: the newest release that is shown.
std::string Glance(const std::vector<EngineMatrix>& engines, const std::string& field) {
  Table table;
  table.AddColumn(field);
  for (const EngineMatrix& engine : engines) table.AddColumn(engine.title + " " + engine.newest);
  std::vector<std::string> values;
  for (const MatrixRow& row : engines.front().fields) {
    if (row.field == field && (values.empty() || values.back() != row.value)) values.push_back(row.value);
  }
  for (const std::string& value : values) {
    std::vector<std::string> cells = {Code(value)};
    for (const EngineMatrix& engine : engines) {
      std::string cell;
      for (const MatrixRow& row : engine.fields) {
        // The rows of a value end with the model that has experts.
        if (row.field != field || row.value != value || row.ranges.empty()) continue;
        const CellOutcome& outcome = row.ranges.back().outcome;
        cell = outcome.verdict == "map" ? Code(ArgumentsText(outcome)) : outcome.verdict;
      }
      cells.push_back(cell);
    }
    table.AddRow(std::move(cells));
  }
  return table.Markdown(Table::Cells::kMarkdown);
}

json OutcomeJson(const OutcomeRange& range) {
  const CellOutcome& outcome = range.outcome;
  json warnings = json::array();
  for (const quant::Warning& warning : outcome.warnings)
    warnings.push_back({{"field", warning.field}, {"reason", warning.reason}, {"message", warning.message}});
  return {{"releases", RangeText(range.since, range.until)},
          {"since", range.since ? range.since->ToString() : ""},
          {"until", range.until ? range.until->ToString() : ""},
          {"verdict", outcome.verdict},
          {"args", outcome.args},
          {"yaml", outcome.yaml},
          {"env", outcome.env},
          {"reason", outcome.reason},
          {"message", outcome.message},
          {"source", outcome.source},
          {"warnings", warnings},
          {"derived", outcome.derived}};
}

json RowsJson(const std::vector<MatrixRow>& rows) {
  json list = json::array();
  for (const MatrixRow& row : rows) {
    json ranges = json::array();
    for (const OutcomeRange& range : row.ranges) ranges.push_back(OutcomeJson(range));
    list.push_back({{"field", row.field}, {"value", row.value}, {"model", row.model}, {"ranges", ranges}});
  }
  return list;
}

}  // namespace

std::string RangeText(const std::optional<Version>& since, const std::optional<Version>& until) {
  if (!since && !until) return "all";
  if (!until) return Short(*since) + "+";
  const std::string last = Before(*until);
  const std::string end = last.empty() ? "before " + Short(*until) : last;
  if (!since) return last.empty() ? end : "up to " + end;
  if (end == Short(*since) || end == since->ToString()) return end;
  return last.empty() ? Short(*since) + " to " + end : Short(*since) + "–" + end;
}

base::Result<std::vector<EngineMatrix>> MakeMatrix(const quant::RuleSet& rules, const MatrixOptions& options) {
  const base::Result<Window> window = ReadWindow(options.releases);
  if (!window) return window.error();
  const auto gpu = ReadGpu(options.gpu);
  if (!gpu) return base::Invalid("--gpu: " + gpu.error().message);
  std::vector<NamedModel> models = {{"dense", DenseModel()}, {"experts", ExpertModel()}};
  if (!options.model.empty()) {
    const auto model = ReadModel(options.model, options.hub, "set --model to a directory with its config.json");
    if (!model) return base::Invalid("--model: " + model.error().message);
    models = {{"", *model}};
  }
  std::vector<std::string> names = rules.engines();
  if (!options.engine.empty()) names = {options.engine};
  std::vector<EngineMatrix> engines;
  for (const std::string& name : names) {
    const auto traits = rules.Traits(name, {});
    if (!traits) return base::Invalid("--engine: " + traits.error().message);
    engines.push_back(MakeEngine(rules, *traits, *window, *gpu, models));
  }
  return engines;
}

std::string MatrixText(const std::vector<EngineMatrix>& engines, std::size_t width) {
  std::string text;
  for (const EngineMatrix& engine : engines) {
    text += (text.empty() ? "" : "\n\n") + engine.title + " " + engine.oldest + " to " + engine.newest + ", " +
            (engine.gpu.empty() ? "any GPU" : engine.gpu) + "\n";
    for (const std::string& model : engine.models) text += model + "\n";
    for (const std::string& field : FieldsOf(engine.fields))
      text += "\n" + RowTable(RowsOf(engine.fields, field), field, false).Text("", width);
    text += "\n" + RowTable(engine.presets, "preset", false).Text("", width);
    for (const std::string& pair : FieldsOf(engine.together))
      text += "\n" + RowTable(RowsOf(engine.together, pair), pair, false).Text("", width);
    if (!engine.checkpoints.empty()) text += "\n" + RowTable(engine.checkpoints, "checkpoint", false).Text("", width);
    text += "\n" + RuleTable(engine.rules, false).Text("", width);
    if (AnyDerived(engine)) text += "\n† inferred from release dates, not confirmed by a recorded release\n";
  }
  return text;
}

std::string MatrixMarkdown(const std::vector<EngineMatrix>& engines) {
  std::string text =
      "<!-- Generated from quant/engines/ by `autotune matrix -o markdown > docs/engines.md`; do not edit. -->\n"
      "# Engine matrix\n\n"
      "Verdict of every value of `quantConfig` in every engine release, " +
      (engines.front().gpu.empty() ? "on an unknown GPU" : "on " + engines.front().gpu) +
      ", for a checkpoint that is not quantized. `autotune explain` gives the verdicts of your own model, GPU and "
      "configuration, and `autotune matrix --gpu` the matrix of another GPU. [Quantization](quantization.md) explains "
      "the fields.\n\n"
      "| verdict | meaning |\n|---|---|\n"
      "| map | supported: the engine is started with these arguments |\n"
      "| already-so | default: the engine does this without an argument |\n"
      "| warn | no effect: the configuration runs, with a warning in the task's status |\n"
      "| needs-checkpoint | requires a checkpoint of this format; pruned with any other |\n"
      "| reject | unsupported: the engine would not start, or would run another precision; pruned |\n"
      "| starts | of a whole configuration: nothing is rejected |\n\n"
      "**Source**: *observed* on a real GPU, in the recorded *parser*, or read from the engine's *source*. "
      "**†**: inferred from release dates, not confirmed by a recorded release; the task gets a warning. "
      "Older and newer releases use the rules of the nearest known release, with a warning.\n";
  for (const std::string& model : engines.front().models) text += "\n- " + model;
  text +=
      "\n\n## At a glance: the newest releases\n\nA cell with arguments means `map`: the engine is started with "
      "them.\n";
  for (const std::string& field : FieldsOf(engines.front().fields)) text += "\n" + Glance(engines, field);
  for (const EngineMatrix& engine : engines) {
    text += "\n## " + engine.title + " " + engine.oldest + " to " + engine.newest + "\n";
    for (const std::string& field : FieldsOf(engine.fields))
      text += "\n### " + engine.title + ": " + field + "\n\n" +
              RowTable(RowsOf(engine.fields, field), "value", true).Markdown(Table::Cells::kMarkdown);
    text += "\n### " + engine.title + ": presets\n\n" +
            RowTable(engine.presets, "preset", true).Markdown(Table::Cells::kMarkdown);
    if (!engine.checkpoints.empty())
      text += "\n### " + engine.title + ": quantized checkpoints without settings\n\n" +
              RowTable(engine.checkpoints, "checkpoint", true).Markdown(Table::Cells::kMarkdown);
    text += "\n<details><summary>" + engine.title +
            ": pairs of values with another effect than both values separately</summary>\n";
    for (const std::string& pair : FieldsOf(engine.together))
      text += "\n" + RowTable(RowsOf(engine.together, pair), pair, true).Markdown(Table::Cells::kMarkdown);
    text += "\n</details>\n\n<details><summary>" + engine.title +
            ": rules across fields, flags, checkpoint and GPU, in order of application</summary>\n\n" +
            RuleTable(engine.rules, true).Markdown(Table::Cells::kMarkdown) + "\n</details>\n";
  }
  return text;
}

json MatrixJson(const std::vector<EngineMatrix>& engines, const std::string& rules_version) {
  json list = json::array();
  for (const EngineMatrix& engine : engines) {
    json rules = json::array();
    for (const quant::ListedRule& rule : engine.rules) {
      rules.push_back({{"releases", RangeText(rule.since, rule.until)},
                       {"since", rule.since ? rule.since->ToString() : ""},
                       {"until", rule.until ? rule.until->ToString() : ""},
                       {"when", rule.when},
                       {"then", rule.then},
                       {"reason", rule.reason},
                       {"message", rule.message},
                       {"source", rule.source}});
    }
    list.push_back({{"engine", engine.engine},
                    {"oldest", engine.oldest},
                    {"newest", engine.newest},
                    {"gpu", engine.gpu},
                    {"models", engine.models},
                    {"fields", RowsJson(engine.fields)},
                    {"presets", RowsJson(engine.presets)},
                    {"together", RowsJson(engine.together)},
                    {"checkpoints", RowsJson(engine.checkpoints)},
                    {"rules", rules}});
  }
  return {{"rulesVersion", rules_version}, {"engines", list}};
}

}  // namespace autotune::cli
