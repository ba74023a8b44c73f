// What is searched, with which limits, and what comes of it: spec.optimization, spec.slo, spec.quality,
// spec.recommendation and spec.retention of an AutotuneTask <-> C++ values. Bounds and defaults are those of
// crds/autotunetask.yaml.
#include <algorithm>
#include <array>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"
#include "operator/api/units.h"

namespace autotune::api {
namespace {

using Presence = ObjectReader::Presence;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::array<std::string_view, 2> kReuses = {"None", "Namespace"};
constexpr std::array<std::string_view, 3> kStrategies = {"Adaptive", "Grid", "Random"};
constexpr std::array<std::string_view, 6> kObjectives = {"MaximizeThroughput", "MaximizeGoodput", "MinimizeCost",
                                                         "MinimizeLatency",    "MinimizeTTFT",    "MinimizeTPOT"};
constexpr std::array<std::string_view, 2> kQualityMeasures = {"Auto", "Off"};
constexpr std::array<std::string_view, 5> kPercentiles = {"mean", "p50", "p90", "p95", "p99"};

void ReadWorkloadRef(ObjectReader& reader, WorkloadRef& out) {
  reader.Choice("kind", kWorkloadKinds, [&](std::size_t i) { out.kind = kWorkloadKinds[i]; });
  reader.Text("name", out.name, Presence::kRequired, 253);
  reader.Text("container", out.container, Presence::kOptional, 63);
}

void ReadBaseline(ObjectReader& reader, BaselineSpec& out) {
  const bool names_nothing = !reader.Get("runtime") && !reader.Get("gpu") && !reader.Get("preset") &&
                             !reader.Get("parameters") && !reader.Get("command") && !reader.Get("deploymentRef");
  if (names_nothing)
    return reader.FailAt(reader.path(), "sets no field; remove it to compare with the engine's defaults");
  reader.Text("runtime", out.runtime, Presence::kOptional, 63);
  reader.Text("gpu", out.gpu, Presence::kOptional, 40);
  reader.Text("preset", out.preset, Presence::kOptional, 63);
  if (!reader.failed() && !out.preset.empty() && quant::FindPreset(out.preset) == nullptr) {
    reader.Fail("preset", "\"" + out.preset + "\" is not a preset of quantConfig");
  }
  reader.Text("command", out.command, Presence::kOptional, 8192);
  reader.Nested("deploymentRef", [&](ObjectReader& ref) { ReadWorkloadRef(ref, out.deployment_ref.emplace()); });
  const int ways = static_cast<int>(!out.command.empty()) + static_cast<int>(out.deployment_ref.has_value()) +
                   static_cast<int>(reader.Get("preset") || reader.Get("parameters"));
  if (ways > 1) {
    return reader.FailAt(reader.path(), "set one of command, deploymentRef, and preset with parameters");
  }
  std::map<std::string, std::vector<quant::FlagValue>> parameters;
  ReadParameters(reader, parameters);
  for (auto& [flag, values] : parameters) {
    if (values.size() > 1)
      return reader.FailAt(reader.PathOf("parameters") + "." + flag, "must have one value in a baseline");
    out.parameters[flag] = std::move(values.front());
  }
}

void ReadBounds(ObjectReader& reader, std::string_view key, std::map<std::string, double>& out) {
  reader.Nested(key, [&](ObjectReader& bounds) {
    for (const std::string_view percentile : kPercentiles) {
      double limit = -1;
      bounds.Milliseconds(percentile, limit);
      if (bounds.failed() || limit == -1) continue;
      if (limit == 0) bounds.Fail(percentile, "must be more than zero");
      out.emplace(percentile, limit);
    }
  });
}

// A bound on a percentile that a tighter one on a higher percentile makes impossible to reach: two of them are swapped,
// or one has the wrong unit.
void RefuseContradictions(ObjectReader& reader, std::string_view key, const std::map<std::string, double>& bounds) {
  constexpr std::array<std::string_view, 4> kAscending = {"p50", "p90", "p95", "p99"};
  const double* lower = nullptr;
  std::string_view lower_name;
  for (const std::string_view name : kAscending) {
    const auto bound = bounds.find(std::string(name));
    if (bound == bounds.end()) continue;
    if (lower != nullptr && *lower > bound->second && !reader.failed()) {
      reader.FailAt(reader.PathOf(key) + "." + std::string(name),
                    FormatBound(bound->second) + " is below the limit of " + std::string(lower_name) + ", " +
                        FormatBound(*lower) + ": " + std::string(lower_name) + " is never above " + std::string(name));
    }
    lower = &bound->second;
    lower_name = name;
  }
}

}  // namespace

std::string_view ObjectiveName(Objective objective) { return kObjectives[static_cast<std::size_t>(objective)]; }

void ReadOptimization(ObjectReader& reader, OptimizationSpec& out) {
  constexpr seconds kWeek = hours(24 * 7);
  reader.Choice("strategy", kStrategies, [&](std::size_t i) { out.strategy = static_cast<Strategy>(i); });
  reader.Choice("objective", kObjectives, [&](std::size_t i) { out.objective = static_cast<Objective>(i); });
  reader.Nested("baseline", [&](ObjectReader& baseline) {
    out.baseline = BaselineSpec{};  // Clang 14 finds no default constructor in emplace()
    ReadBaseline(baseline, *out.baseline);
  });
  if (reader.Get("confirmations") != nullptr) {
    out.confirmations = 0;
    reader.Integer("confirmations", *out.confirmations, 0, 5);
  }
  reader.Choice("reuse", kReuses, [&](std::size_t i) { out.reuse = static_cast<Reuse>(i); });
  reader.Integer("maxExperiments", out.max_experiments, 1, static_cast<std::int64_t>(kMaxExperiments));
  reader.Integer("seed", out.seed, 0);
  reader.Nested("budget", [&](ObjectReader& budget) {
    budget.Decimal("gpuHours", out.budget_gpu_hours, 0, 1e6);
    if (!budget.failed() && out.budget_gpu_hours == 0.0) budget.Fail("gpuHours", "must be more than zero");
    if (budget.Get("deadline") != nullptr) {
      budget.Duration("deadline", out.budget_deadline.emplace(), seconds(1), 4 * kWeek);
    }
  });
  reader.Duration("experimentTimeout", out.experiment_timeout, seconds(1), kWeek);
  reader.Duration("startupTimeout", out.startup_timeout, seconds(1), kWeek);
  reader.Duration("schedulingTimeout", out.scheduling_timeout, seconds(1), kWeek);
  reader.Duration("imagePullTimeout", out.image_pull_timeout, seconds(1), kWeek);
  reader.Integer("retries", out.retries, 0, 10);
}

void ReadRetention(ObjectReader& reader, RetentionSpec& out) {
  const auto read = [&](const char* key, std::optional<Seconds>& time, Seconds least) {
    if (reader.Get(key) != nullptr) reader.Duration(key, time.emplace(), least, kLongestRetention);
  };
  read("pods", out.pods, Seconds(0));
  read("task", out.task, Seconds(1));
}

void ReadSlo(ObjectReader& reader, SloSpec& out) {
  ReadBounds(reader, "ttft", out.ttft);
  ReadBounds(reader, "tpot", out.tpot);
  ReadBounds(reader, "itl", out.itl);
  ReadBounds(reader, "e2eLatency", out.e2e_latency);
  RefuseContradictions(reader, "ttft", out.ttft);
  RefuseContradictions(reader, "tpot", out.tpot);
  RefuseContradictions(reader, "itl", out.itl);
  RefuseContradictions(reader, "e2eLatency", out.e2e_latency);
  std::optional<double> share;
  reader.Decimal("errorRate", share, 0, 1);
  if (share) out.error_rate = *share;
  reader.Decimal("attainment", out.attainment, 0, 1);
  if (reader.failed() || !out.attainment) return;
  if (*out.attainment == 0) reader.Fail("attainment", "must be more than zero");
  if (!out.HasBound()) reader.Fail("attainment", "requires a limit on ttft, tpot, itl or e2eLatency");
}

void ReadQuality(ObjectReader& reader, QualitySpec& out) {
  reader.Choice("measure", kQualityMeasures, [&](std::size_t i) { out.measure = i == 0; });
  reader.Decimal("maxDegradation", out.max_degradation, 0, 10);
  reader.Nested("dataset", [&](ObjectReader& dataset) {
    QuestionsSpec& questions = out.dataset.emplace();
    ReadFileSource(dataset, questions.config_map, questions.claim, questions.file);
    dataset.Integer("answerTokens", questions.answer_tokens, 1, 8192);
  });
  if (!reader.failed() && out.max_degradation && !out.measure) {
    reader.Fail("maxDegradation", "requires measure: Auto");
  }
  if (!reader.failed() && out.dataset && !out.measure) reader.Fail("dataset", "requires measure: Auto");
}

void ReadRecommendation(ObjectReader& reader, RecommendationSpec& out) {
  std::vector<std::string> targets;
  reader.Texts("targets", targets, kRecommendationTargets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string path = reader.PathOf("targets") + "[" + std::to_string(i) + "]";
    if (std::ranges::find(kRecommendationTargets, targets[i]) == kRecommendationTargets.end()) {
      std::string known;
      for (const std::string_view name : kRecommendationTargets)
        known += (known.empty() ? "" : ", ") + std::string(name);
      reader.FailAt(path, "\"" + targets[i] + "\" is not one of " + known);
    }
    if (std::find(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(i), targets[i]) !=
        targets.begin() + static_cast<std::ptrdiff_t>(i)) {
      reader.FailAt(path, "\"" + targets[i] + "\" is listed twice");
    }
  }
  if (reader.Get("targets") != nullptr) {
    if (targets.empty()) reader.Fail("targets", "must have at least one entry");
    out.targets = std::move(targets);
  }
  reader.Nested("diffAgainst", [&](ObjectReader& running) {
    RecommendationSpec::DiffAgainst& named = out.diff_against.emplace();
    running.Text("deployment", named.deployment, ObjectReader::Presence::kRequired, 253);
    running.Text("container", named.container, ObjectReader::Presence::kOptional, 63);
  });
}

json ToJson(const OptimizationSpec& optimization) {
  json out = {{"objective", ObjectiveName(optimization.objective)},
              {"maxExperiments", optimization.max_experiments},
              {"seed", optimization.seed},
              {"experimentTimeout", FormatDuration(optimization.experiment_timeout)},
              {"startupTimeout", FormatDuration(optimization.startup_timeout)},
              {"schedulingTimeout", FormatDuration(optimization.scheduling_timeout)},
              {"imagePullTimeout", FormatDuration(optimization.image_pull_timeout)},
              {"retries", optimization.retries}};
  if (optimization.baseline) {
    const BaselineSpec& baseline = *optimization.baseline;
    json named = json::object();
    Put(named, "runtime", baseline.runtime);
    Put(named, "gpu", baseline.gpu);
    Put(named, "preset", baseline.preset);
    Put(named, "command", baseline.command);
    if (const auto& ref = baseline.deployment_ref) {
      named["deploymentRef"] = {{"kind", ref->kind}, {"name", ref->name}};
      Put(named["deploymentRef"], "container", ref->container);
    }
    for (const auto& [flag, value] : baseline.parameters) named["parameters"][flag] = value.ToJson();
    out["baseline"] = std::move(named);
  }
  if (optimization.confirmations) out["confirmations"] = *optimization.confirmations;
  if (optimization.reuse != Reuse::kNone) out["reuse"] = kReuses[static_cast<std::size_t>(optimization.reuse)];
  if (optimization.budget_gpu_hours) out["budget"]["gpuHours"] = FormatDecimal(*optimization.budget_gpu_hours, 6);
  if (optimization.budget_deadline) out["budget"]["deadline"] = FormatDuration(*optimization.budget_deadline);
  if (optimization.strategy) out["strategy"] = kStrategies[static_cast<std::size_t>(*optimization.strategy)];
  return out;
}

json ToJson(const SloSpec& slo) {
  json out = json::object();
  const auto put = [&](const char* key, const std::map<std::string, double>& bounds) {
    for (const auto& [percentile, limit] : bounds) out[key][percentile] = FormatBound(limit);
  };
  put("ttft", slo.ttft);
  put("tpot", slo.tpot);
  put("itl", slo.itl);
  put("e2eLatency", slo.e2e_latency);
  out["errorRate"] = FormatDecimal(slo.error_rate, 6);
  if (slo.attainment) out["attainment"] = FormatDecimal(*slo.attainment, 6);
  return out;
}

json ToJson(const QualitySpec& quality) {
  json out = {{"measure", kQualityMeasures[quality.measure ? 0 : 1]}};
  if (quality.max_degradation) out["maxDegradation"] = FormatDecimal(*quality.max_degradation, 6);
  if (const auto& dataset = quality.dataset) {
    out["dataset"] = FileSourceJson(dataset->config_map, dataset->claim, dataset->file);
    out["dataset"]["answerTokens"] = dataset->answer_tokens;
  }
  return out;
}

json ToJson(const RecommendationSpec& recommendation) {
  json out = {{"targets", recommendation.targets}};
  if (recommendation.diff_against) {
    out["diffAgainst"] = {{"deployment", recommendation.diff_against->deployment}};
    Put(out["diffAgainst"], "container", recommendation.diff_against->container);
  }
  return out;
}

}  // namespace autotune::api
