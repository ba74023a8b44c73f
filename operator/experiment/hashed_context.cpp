// What a candidate's pod measures, and the part of a task that its content hash covers.
#include <algorithm>
#include <set>

#include "bench/result.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;

bool IsEmpty(const json& value) {
  return value.is_null() || value == "" || ((value.is_object() || value.is_array()) && value.empty());
}

// Absent and empty are one: neither a defaulted nor a newly known field changes a hash.
void SetIfAny(json& object, const char* key, json value) {
  if (!IsEmpty(value)) object[key] = std::move(value);
}

json HashedModel(const api::ModelSpec& model) {
  json out = {{"idOrPath", model.id_or_path}};
  SetIfAny(out, "revision", model.OwnRevision());
  json volume = model.volume;
  // When an image is fetched again does not change what is measured with it.
  if (volume.is_object() && volume.contains("image")) volume["image"].erase("pullPolicy");
  SetIfAny(out, "volume", std::move(volume));
  // The token and the cache decide whether and how fast the weights arrive, not what is measured with them.
  if (model.hugging_face.endpoint != api::ModelSpec::HuggingFace().endpoint) {
    SetIfAny(out, "endpoint", model.hugging_face.endpoint);
  }
  return out;
}

json HashedGpu(const api::GpuSpec& gpu) {
  json out = {{"resourceName", gpu.resource_name}};
  SetIfAny(out, "products", std::set<std::string>(gpu.products.begin(), gpu.products.end()));
  if (!gpu.min_memory.empty()) {
    const auto bytes = api::ParseQuantity(gpu.min_memory, "spec.gpu.minMemory");
    out["minMemory"] = bytes.ok() ? json(*bytes) : json(gpu.min_memory);
  }
  SetIfAny(out, "minComputeCapability", gpu.min_compute_capability);
  SetIfAny(out, "nodeSelector", gpu.node_selector);
  SetIfAny(out, "affinity", gpu.affinity);
  SetIfAny(out, "runtimeClassName", gpu.runtime_class_name);
  // Tolerations, priority, scheduler, queue and price decide when something runs and what it costs.
  return out;
}

json HashedBenchmark(const api::TaskSpec& spec) {
  json out = json::object();
  auto measured = BenchSpecOf(spec);
  if (measured) {
    // A longer timeout makes no finished measurement another one.
    measured->experiment_timeout = bench::BenchSpec().experiment_timeout;
    // Where the limit is searched, the bounds say which loads are measured. Given loads are measured under any bound,
    // but for the share of requests that keep all of them.
    if (!measured->load.fixed.empty() && !measured->slo.attainment) measured->slo = {};
    out["spec"] = bench::ToJson(*measured);
  } else {
    out["scenarios"] = spec.benchmark.scenarios;
  }
  if (const auto& dataset = spec.benchmark.dataset) {
    // The file's name is in "spec"; a file of that name elsewhere has other requests.
    SetIfAny(out, "datasetConfigMap", dataset->config_map);
    SetIfAny(out, "datasetClaim", dataset->claim);
  }
  SetIfAny(out, "image", spec.benchmark.image);
  SetIfAny(out, "resources", spec.benchmark.resources);
  SetIfAny(out, "env", spec.benchmark.env);
  return out;
}

json HashedPod(const api::PodTemplateSpec& pod) {
  json out = json::object();
  SetIfAny(out, "securityContext", pod.security_context);
  SetIfAny(out, "volumes", pod.volumes);
  SetIfAny(out, "volumeMounts", pod.volume_mounts);
  return out;
}

}  // namespace

measurement::ScoreMetric ScoreMetricOf(api::Objective objective) {
  switch (objective) {
    case api::Objective::kMaximizeThroughput:
    case api::Objective::kMinimizeCost:
      break;
    case api::Objective::kMaximizeGoodput:
      return measurement::ScoreMetric::kAttainedRequests;
    case api::Objective::kMinimizeLatency:
      return measurement::ScoreMetric::kE2e;
    case api::Objective::kMinimizeTtft:
      return measurement::ScoreMetric::kTtft;
    case api::Objective::kMinimizeTpot:
      return measurement::ScoreMetric::kTpot;
  }
  return measurement::ScoreMetric::kOutputTokens;
}

base::Result<bench::BenchSpec> BenchSpecOf(const api::TaskSpec& spec) {
  const api::BenchmarkSpec& benchmark = spec.benchmark;
  bench::BenchSpec out;
  for (std::size_t i = 0; i < benchmark.scenarios.size(); ++i) {
    auto scenario = measurement::Scenario::Parse(benchmark.scenarios[i]);
    if (!scenario) {
      return base::Invalid("spec.benchmark.scenarios[" + std::to_string(i) + "]: " + scenario.error().message);
    }
    if (std::find(out.scenarios.begin(), out.scenarios.end(), *scenario) != out.scenarios.end()) {
      return base::Invalid("spec.benchmark.scenarios[" + std::to_string(i) + "]: " + scenario->ToString() +
                           " is listed twice");
    }
    out.scenarios.push_back(*scenario);
  }
  if (benchmark.scenarios.empty() && !benchmark.dataset) {
    if (auto scenario = measurement::Scenario::Parse(api::kDefaultScenario)) out.scenarios.push_back(*scenario);
  }
  if (const auto& dataset = benchmark.dataset) {
    out.dataset = {std::string(kDatasetDir) + "/" + dataset->file, dataset->format, dataset->output_tokens};
  }
  out.endpoint = benchmark.endpoint;
  out.prefix = benchmark.prefix;
  out.turns = benchmark.turns;
  out.load = benchmark.load;
  out.arrival = benchmark.arrival;
  out.slo = SloOf(spec.slo);
  out.score_metric = ScoreMetricOf(spec.optimization.objective);
  // Given loads are the same for everybody, and no score ends them early.
  if (measurement::LatencyOf(out.score_metric)) {
    if (out.load.fixed.empty()) {
      out.load.reference_share = kReferenceShare;
    } else {
      out.score_metric = measurement::ScoreMetric::kOutputTokens;
    }
  }
  out.duration = benchmark.duration;
  out.drain = benchmark.drain;
  out.warmup = benchmark.warmup;
  out.request_timeout = benchmark.request_timeout;
  out.seed = benchmark.seed;
  out.quality.measure = spec.quality.measure;
  if (const auto& dataset = spec.quality.dataset) {
    out.quality.questions = {std::string(kQuestionsDir) + "/" + dataset->file, dataset->answer_tokens};
  }
  out.experiment_timeout = spec.optimization.experiment_timeout;
  if (auto checked = bench::CheckBenchSpec(out); !checked.ok()) {
    return base::Invalid(BenchmarkPath(checked.error().message));
  }
  return out;
}

std::string BenchmarkPath(const std::string& message) {
  constexpr std::string_view kSpec = "spec.";
  if (!message.starts_with(kSpec) || message.starts_with("spec.slo")) return message;
  return "spec.benchmark." + message.substr(kSpec.size());
}

measurement::Slo SloOf(const api::SloSpec& slo) {
  measurement::Slo out;
  const auto add = [&](measurement::Metric metric, const std::map<std::string, double>& bounds) {
    for (const auto& [name, limit] : bounds) {
      // The API knows no other names.
      if (const auto statistic = measurement::StatisticFromName(name))
        out.bounds.push_back({metric, *statistic, limit});
    }
  };
  add(measurement::Metric::kTtft, slo.ttft);
  add(measurement::Metric::kTpot, slo.tpot);
  add(measurement::Metric::kItl, slo.itl);
  add(measurement::Metric::kE2e, slo.e2e_latency);
  out.max_error_rate = slo.error_rate;
  out.attainment = slo.attainment;
  return out;
}

std::string HashedContext(const api::TaskSpec& spec, std::size_t model, std::size_t gpu) {
  json context = {{"model", HashedModel(spec.models[model])},
                  {"gpu", HashedGpu(spec.gpus[gpu])},
                  {"benchmark", HashedBenchmark(spec)}};
  SetIfAny(context, "pod", HashedPod(spec.pod_template));
  return context.dump();
}

}  // namespace autotune::experiment
