// status of an AutotuneTask <-> C++ values. The status is the state that every decision is recomputed from, so reading
// back gives what was written, up to the precision of the API: latencies as FormatLatency has it, rates to 0.01 per
// second (requests to 0.001), seconds to 0.1, GPU-hours to 0.0001. Unknown fields are a newer operator's and left
// alone.
#include <array>
#include <cmath>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/units.h"

namespace autotune::api {
namespace {

constexpr std::array<std::string_view, 5> kStates = {"Pending", "Starting", "Measuring", "Succeeded", "Failed"};

void Put(json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}
void Put(json& out, const char* key, std::int64_t value) {
  if (value != 0) out[key] = value;
}
void Put(json& out, const char* key, bool value) {
  if (value) out[key] = true;
}

// --- latencies and load rows --------------------------------------------------------------------------------------

json ToJson(const measurement::Latency& latency) {
  return {{"mean", FormatLatency(latency.mean)},
          {"p50", FormatLatency(latency.p50)},
          {"p90", FormatLatency(latency.p90)},
          {"p95", FormatLatency(latency.p95)},
          {"p99", FormatLatency(latency.p99)}};
}

void ReadLatency(ObjectReader& reader, std::string_view key, measurement::Latency& out) {
  reader.Nested(key, [&](ObjectReader& latency) {
    latency.Milliseconds("mean", out.mean);
    latency.Milliseconds("p50", out.p50);
    latency.Milliseconds("p90", out.p90);
    latency.Milliseconds("p95", out.p95);
    latency.Milliseconds("p99", out.p99);
  });
}

using measurement::kErrorKinds;
using measurement::kMetrics;
using measurement::kStatistics;
using measurement::LoadKind;
using measurement::Point;

// What the engine's counters are called in the API.
struct CounterField {
  const char* name;
  std::optional<double> measurement::EngineCounters::*member;
};
constexpr std::array<CounterField, 6> kCounters = {{
    {"running", &measurement::EngineCounters::running},
    {"waiting", &measurement::EngineCounters::waiting},
    {"kvCacheUse", &measurement::EngineCounters::kv_cache_use},
    {"preemptions", &measurement::EngineCounters::preemptions},
    {"prefixHitRate", &measurement::EngineCounters::prefix_hit_rate},
    {"acceptedDraftTokens", &measurement::EngineCounters::accepted_draft_tokens},
}};

// "ttft.p99"; nullopt for a name of another version.
std::optional<std::pair<measurement::Metric, measurement::Statistic>> StatisticNamed(std::string_view name) {
  const std::size_t dot = std::min(name.find('.'), name.size());
  const auto metric = measurement::MetricFromName(name.substr(0, dot));
  const auto statistic = measurement::StatisticFromName(name.substr(std::min(dot + 1, name.size())));
  if (!metric || !statistic) return std::nullopt;
  return std::pair(*metric, *statistic);
}

std::string NameOf(measurement::Metric metric, measurement::Statistic statistic) {
  return std::string(measurement::MetricName(metric)) + "." + std::string(measurement::StatisticName(statistic));
}

void ReadLowerBounds(ObjectReader& reader, Point& out) {
  std::vector<std::string> names;
  reader.Texts("lowerBounds", names, ObjectReader::kUnbounded);
  for (const std::string& name : names) {
    if (const auto named = StatisticNamed(name)) out.lower_bounds.Add(named->first, named->second);
  }
}

void ReadInWindow(ObjectReader& reader, Point& out) {
  reader.Nested("inWindow", [&](ObjectReader& values) {
    for (const measurement::Metric metric : kMetrics) {
      for (const measurement::Statistic statistic : kStatistics) {
        const std::string name = NameOf(metric, statistic);
        if (values.Get(name) == nullptr) continue;
        out.in_window.push_back({metric, statistic, 0});
        values.Milliseconds(name, out.in_window.back().milliseconds);
      }
    }
  });
}

void ReadLoadRow(ObjectReader& reader, LoadRow& out) {
  Point& measured = out.measured;
  reader.Text("scenario", measured.scenario);
  std::int64_t concurrency = 0;
  reader.Integer("concurrency", concurrency);
  measured.load = {LoadKind::kConcurrency, static_cast<double>(concurrency)};
  if (reader.Get("requestRate") != nullptr) {
    measured.load.kind = LoadKind::kRequestRate;
    reader.Decimal("requestRate", measured.load.value);
  }
  std::string role;
  reader.Text("role", role);
  measured.role = measurement::PointRoleFromName(role).value_or(measurement::PointRole::kSearch);
  // A status of before verdicts: what it said of the SLO is all there is.
  std::string verdict;
  reader.Text("verdict", verdict);
  measured.verdict = measurement::VerdictFromName(verdict).value_or(measurement::Verdict::kUndecided);
  double window_milliseconds = 0;
  reader.Milliseconds("window", window_milliseconds);
  measured.window_seconds = window_milliseconds / 1000;
  reader.Integer("requests", measured.requests);
  reader.Integer("errors", measured.errors);
  reader.Nested("errorKinds", [&](ObjectReader& kinds) {
    for (std::size_t i = 0; i < kErrorKinds.size(); ++i) {
      kinds.Integer(measurement::RequestOutcomeName(kErrorKinds[i]), measured.errors_by_kind[i]);
    }
  });
  reader.Integer("censored", measured.censored);
  reader.Integer("inputTokens", measured.input_tokens);
  reader.Integer("outputTokens", measured.output_tokens);
  reader.Decimal("outputTokensPerSecond", measured.output_tokens_per_second);
  reader.Decimal("outputTokensPerSecondCi", measured.output_tokens_per_second_ci);
  reader.Decimal("requestsPerSecond", measured.requests_per_second);
  reader.Decimal("inFlight", measured.mean_concurrency);
  reader.Bool("saturated", measured.saturated);
  for (const measurement::Metric metric : kMetrics) {
    ReadLatency(reader, measurement::MetricName(metric), measured.Get(metric));
  }
  ReadLowerBounds(reader, measured);
  ReadInWindow(reader, measured);
  reader.Nested("relativeCi", [&](ObjectReader& widths) {
    for (std::size_t i = 0; i < kMetrics.size(); ++i) {
      widths.Decimal(measurement::MetricName(kMetrics[i]), measured.relative_ci[i]);
    }
  });
  const auto decimal = [](ObjectReader& from, const char* key, std::optional<double>& value) {
    if (from.Get(key) != nullptr) from.Decimal(key, value.emplace());
  };
  decimal(reader, "attainment", measured.attainment);
  reader.Milliseconds("clientLag", measured.client_lag_p99);
  reader.Nested("engine", [&](ObjectReader& engine) {
    for (const CounterField& field : kCounters) decimal(engine, field.name, measured.engine.*field.member);
  });
  reader.Bool("meetsSlo", out.meets_slo);
}

// --- small parts --------------------------------------------------------------------------------------------------

json ToJson(const quant::Warning& warning) {
  return {{"field", warning.field}, {"reason", warning.reason}, {"message", warning.message}};
}

void ReadWarnings(ObjectReader& reader, std::vector<quant::Warning>& out) {
  reader.Each("warnings", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    quant::Warning warning;
    item.Text("field", warning.field);
    item.Text("reason", warning.reason);
    item.Text("message", warning.message);
    out.push_back(std::move(warning));
  });
}

json ToJson(const Condition& condition) {
  json out = {{"type", condition.type},
              {"status", condition.status},
              {"reason", condition.reason},
              {"message", condition.message},
              {"observedGeneration", condition.observed_generation}};
  Put(out, "lastTransitionTime", condition.last_transition_time);
  return out;
}

void ReadCondition(ObjectReader& reader, Condition& out) {
  reader.Text("type", out.type);
  reader.Text("status", out.status);
  reader.Text("reason", out.reason);
  reader.Text("message", out.message);
  reader.Integer("observedGeneration", out.observed_generation);
  reader.Text("lastTransitionTime", out.last_transition_time);
}

json ToJson(const quant::QuantConfig& config) {
  return {{"name", config.name},
          {"gemm", config.gemm},
          {"kvcache", config.kvcache},
          {"attention", config.attention},
          {"moe", config.moe}};
}

void ReadQuantConfig(ObjectReader& reader, quant::QuantConfig& out) {
  reader.Text("name", out.name);
  reader.Text("gemm", out.gemm);
  reader.Text("kvcache", out.kvcache);
  reader.Text("attention", out.attention);
  reader.Text("moe", out.moe);
}

// In GPU-hours to six places: an edit after the other must not round GPU-seconds away.
json ToJson(const GpuSeconds& spent) {
  json out = json::object();
  const auto put = [&](const char* kind, double value) {
    Put(out, kind, value == 0 ? "" : FormatDecimal(value / kSecondsPerHour, 6));
  };
  put("start", spent.start);
  put("measure", spent.measure);
  put("wasted", spent.wasted);
  return out;
}

void ReadGpuSeconds(ObjectReader& reader, GpuSeconds& out) {
  const auto read = [&](const char* kind, double& value) {
    reader.Decimal(kind, value);
    value *= kSecondsPerHour;
  };
  read("start", out.start);
  read("measure", out.measure);
  read("wasted", out.wasted);
}

// --- what the experiments come from -------------------------------------------------------------------------------

constexpr std::array<std::string_view, 5> kDifferenceParts = {"Image", "Arguments", "Environment", "Resources",
                                                              "NodeSelection"};

void ReadDifference(ObjectReader& reader, Difference& out) {
  reader.Text("deployment", out.deployment);
  reader.Text("container", out.container);
  reader.Text("experiment", out.experiment);
  reader.Text("readAt", out.read_at);
  reader.Text("message", out.message);
  reader.Integer("same", out.same);
  reader.Each("lines", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    Difference::Line& line = out.lines.emplace_back();
    item.Choice("part", kDifferenceParts, [&](std::size_t i) { line.part = static_cast<Difference::Part>(i); });
    item.Text("field", line.field);
    const auto read = [&](const char* key, std::optional<std::string>& value) {
      if (item.Get(key) != nullptr) item.Text(key, value.emplace());
    };
    read("running", line.running);
    read("recommended", line.recommended);
  });
}

json ToJson(const InspectionStatus& inspection) {
  json out = json::object();
  Put(out, "generation", inspection.generation);
  Put(out, "attempts", static_cast<std::int64_t>(inspection.attempts));
  Put(out, "failures", static_cast<std::int64_t>(inspection.failures));
  Put(out, "retryAt", inspection.retry_at);
  Put(out, "message", inspection.message);
  Put(out, "choiceQuestions", static_cast<std::int64_t>(inspection.choice_questions));
  return out;
}

void ReadInspection(ObjectReader& reader, InspectionStatus& out) {
  reader.Integer("generation", out.generation);
  reader.Integer("attempts", out.attempts);
  reader.Integer("failures", out.failures);
  reader.Text("retryAt", out.retry_at);
  reader.Text("message", out.message);
  reader.Integer("choiceQuestions", out.choice_questions);
}

// The members of one checkpoint: of the status itself where there is only one, else of an entry of `models`.
struct ModelKeys {
  const char *facts, *source;
};
constexpr ModelKeys kOnlyModel{"model", "modelSource"}, kOneOfModels{"facts", "source"};

void PutModel(json& out, const ModelKeys& keys, const ModelStatus& model) {
  if (model.facts) out[keys.facts] = checkpoint::ToJson(*model.facts);
  Put(out, keys.source, model.source);
  if (json inspection = ToJson(model.inspection); !inspection.empty()) out["inspection"] = std::move(inspection);
}

void ReadModel(ObjectReader& reader, const ModelKeys& keys, ModelStatus& out) {
  if (const json* model = reader.Get(keys.facts)) {
    auto facts = checkpoint::ModelFactsFromJson(*model);
    if (facts) {
      out.facts = *std::move(facts);
    } else {
      reader.Fail(keys.facts, facts.error().message);
    }
  }
  reader.Text(keys.source, out.source);
  reader.Nested("inspection", [&](ObjectReader& inspection) { ReadInspection(inspection, out.inspection); });
}

// The members of one type of GPU: of `gpu` where there is only one, else of an entry of `gpus`.
constexpr std::pair<const char*, std::string GpuStatus::*> kGpuTexts[] = {
    {"product", &GpuStatus::product},
    {"computeCapability", &GpuStatus::compute_capability},
    {"pricePerHour", &GpuStatus::price_per_hour},
    {"gpuHours", &GpuStatus::gpu_hours},
    {"price", &GpuStatus::price},
    {"unavailable", &GpuStatus::unavailable}};

json ToJson(const GpuStatus& gpu) {
  json out = json::object();
  for (const auto& [name, member] : kGpuTexts) Put(out, name, gpu.*member);
  Put(out, "memoryBytes", gpu.memory_bytes);
  if (gpu.shared) out["shared"] = true;
  return out;
}

void ReadGpu(ObjectReader& reader, GpuStatus& out) {
  for (const auto& [name, member] : kGpuTexts) reader.Text(name, out.*member);
  reader.Integer("memoryBytes", out.memory_bytes);
  reader.Bool("shared", out.shared);
}

json ToJson(const ExpandedFor& expanded) {
  json out = {{"generation", expanded.generation},
              {"hashScheme", expanded.hash_scheme},
              {"modelSource", expanded.model_source},
              {"spec", expanded.spec},
              {"runtimes", json::array()}};
  for (const auto& [name, runtime] : expanded.runtimes) {
    out["runtimes"].push_back({{"name", name}, {"image", runtime.image}, {"hash", runtime.hash}});
  }
  return out;
}

void ReadExpandedFor(ObjectReader& reader, ExpandedFor& out) {
  reader.Integer("generation", out.generation);
  reader.Integer("hashScheme", out.hash_scheme);
  reader.Text("modelSource", out.model_source);
  reader.Text("spec", out.spec);
  reader.Each("runtimes", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    std::string name;
    ExpandedFor::Runtime runtime;
    item.Text("name", name);
    item.Text("image", runtime.image);
    item.Text("hash", runtime.hash);
    out.runtimes[name] = std::move(runtime);
  });
}

using EstimateText = std::pair<const char*, std::string TaskStatus::Estimate::*>;
constexpr EstimateText kEstimateTexts[] = {{"experiments", &TaskStatus::Estimate::experiments},
                                           {"gpuHours", &TaskStatus::Estimate::gpu_hours},
                                           {"duration", &TaskStatus::Estimate::duration},
                                           {"finishAt", &TaskStatus::Estimate::finish_at},
                                           {"mostGpuHours", &TaskStatus::Estimate::most_gpu_hours}};
constexpr EstimateText kFirstEstimateTexts[] = {{"experiments", &TaskStatus::Estimate::first_experiments},
                                                {"gpuHours", &TaskStatus::Estimate::first_gpu_hours},
                                                {"duration", &TaskStatus::Estimate::first_duration}};

json ToJson(const TaskStatus::Estimate& estimate) {
  json out = json::object();
  for (const auto& [name, member] : kEstimateTexts) Put(out, name, estimate.*member);
  json first = json::object();
  for (const auto& [name, member] : kFirstEstimateTexts) Put(first, name, estimate.*member);
  if (!first.empty()) out["first"] = std::move(first);
  return out;
}

void ReadEstimate(ObjectReader& reader, TaskStatus::Estimate& out) {
  for (const auto& [name, member] : kEstimateTexts) reader.Text(name, out.*member);
  reader.Nested("first", [&](ObjectReader& first) {
    for (const auto& [name, member] : kFirstEstimateTexts) first.Text(name, out.*member);
  });
}

// --- experiments --------------------------------------------------------------------------------------------------

constexpr std::pair<const char*, std::string QualityStatus::*> kQualityTexts[] = {
    {"mean", &QualityStatus::mean},
    {"delta", &QualityStatus::delta},
    {"ci", &QualityStatus::ci},
    {"growth", &QualityStatus::growth},
    {"cacheExercised", &QualityStatus::cache},
    {"agreement", &QualityStatus::agreement},
    {"agreementCi", &QualityStatus::agreement_ci},
    {"ownAgreement", &QualityStatus::own_agreement},
    {"passRate", &QualityStatus::pass_rate},
    {"passRateLow", &QualityStatus::pass_low},
    {"passRateHigh", &QualityStatus::pass_high},
    {"pValue", &QualityStatus::p_value},
    {"gate", &QualityStatus::gate}};

json ToJson(const QualityStatus& quality) {
  const measurement::Quality& measured = quality.measured;
  json out = json::object();
  Put(out, "text", measured.text);
  Put(out, "blocks", measurement::EncodeBlocks(measured.blocks));
  Put(out, "tokens", measurement::EncodeTokens(measured.blocks));
  Put(out, "answers", measurement::EncodeAnswers(measured.answers));
  Put(out, "perByte", quality.per_byte);
  if (measured.passes) {
    Put(out, "dataset", measured.passes->dataset);
    Put(out, "passed", measurement::EncodePassed(measured.passes->passed));
    Put(out, "lost", static_cast<std::int64_t>(quality.lost));
    Put(out, "gained", static_cast<std::int64_t>(quality.gained));
  }
  for (const auto& [name, member] : kQualityTexts) Put(out, name, quality.*member);
  return out;
}

void ReadQuality(ObjectReader& reader, QualityStatus& out) {
  std::string blocks, tokens, answers, dataset, passed;
  reader.Text("text", out.measured.text);
  reader.Text("blocks", blocks);
  reader.Text("tokens", tokens);
  reader.Bool("perByte", out.per_byte);
  reader.Text("answers", answers);
  reader.Text("dataset", dataset);
  reader.Text("passed", passed);
  reader.Integer("lost", out.lost);
  reader.Integer("gained", out.gained);
  for (const auto& [name, member] : kQualityTexts) reader.Text(name, out.*member);
  out.measured.blocks = measurement::DecodeBlocks(blocks).value_or(std::vector<measurement::QualityBlock>());
  measurement::DecodeTokens(tokens, out.measured.blocks);
  out.measured.answers = measurement::DecodeAnswers(answers).value_or(std::vector<measurement::GreedyAnswer>());
  if (auto read = measurement::DecodePassed(passed))
    out.measured.passes = measurement::Passes{dataset, *std::move(read)};
}

void ReadDeployed(ObjectReader& reader, ReadWorkload& out) {
  reader.Text("kind", out.ref.kind);
  reader.Text("name", out.ref.name);
  reader.Text("container", out.ref.container);
  reader.Text("readAt", out.read_at);
  reader.Text("image", out.server.image);
  reader.Texts("command", out.server.words, ObjectReader::kUnbounded);
  reader.TextMap("env", out.server.env, ObjectReader::kUnbounded);
  reader.Texts("leftOut", out.server.left_out, ObjectReader::kUnbounded);
  reader.Nested("resources", [&](ObjectReader& resources) {
    resources.TextMap("limits", out.server.limits, ObjectReader::kUnbounded);
    resources.TextMap("requests", out.server.requests, ObjectReader::kUnbounded);
  });
  reader.Texts("imagePullSecrets", out.server.pull_secrets, ObjectReader::kUnbounded);
}

json ToJson(const ReadWorkload& deployed) {
  json out = {{"kind", deployed.ref.kind}, {"name", deployed.ref.name}, {"readAt", deployed.read_at}};
  Put(out, "container", deployed.ref.container);
  Put(out, "image", deployed.server.image);
  if (!deployed.server.words.empty()) out["command"] = deployed.server.words;
  if (!deployed.server.env.empty()) out["env"] = deployed.server.env;
  if (!deployed.server.left_out.empty()) out["leftOut"] = deployed.server.left_out;
  if (!deployed.server.limits.empty()) out["resources"]["limits"] = deployed.server.limits;
  if (!deployed.server.requests.empty()) out["resources"]["requests"] = deployed.server.requests;
  if (!deployed.server.pull_secrets.empty()) out["imagePullSecrets"] = deployed.server.pull_secrets;
  return out;
}

void ReadExperiment(ObjectReader& reader, ExperimentStatus& out) {
  reader.Text("name", out.name);
  reader.Text("hash", out.hash);
  reader.Choice("state", kStates, [&](std::size_t i) { out.state = static_cast<ExperimentState>(i); });
  reader.Text("model", out.model);
  reader.Text("runtime", out.runtime);
  reader.Text("gpu", out.gpu);
  reader.Nested("quant", [&](ObjectReader& config) { ReadQuantConfig(config, out.quant); });
  reader.Bool("baseline", out.baseline);
  reader.Bool("deployed", out.deployed);
  reader.Text("confirms", out.confirms);
  reader.Text("reusedFrom", out.reused_from);
  reader.Decimal("allowedSeconds", out.allowed_seconds);
  reader.Texts("args", out.args, ObjectReader::kUnbounded);
  reader.Text("options", out.options);
  reader.TextMap("env", out.env, ObjectReader::kUnbounded);
  reader.Text("apartFromCache", out.apart_from_cache);
  reader.Integer("gpus", out.gpus);
  reader.Text("node", out.node);
  reader.Text("gpuProduct", out.gpu_product);
  reader.Text("driver", out.driver);
  reader.Text("imageID", out.image_id);
  reader.Text("engineVersion", out.engine_version);
  ReadWarnings(reader, out.warnings);
  reader.Each("loads", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    LoadRow row;
    ReadLoadRow(item, row);
    out.loads.push_back(std::move(row));
  });
  reader.Text("score", out.score);
  reader.Text("scoreCi", out.score_ci);
  reader.Text("stopped", out.stopped);
  reader.Nested("quality", [&](ObjectReader& quality) { ReadQuality(quality, out.quality.emplace()); });
  // One of before the corpus has nothing that can be compared.
  if (out.quality && out.quality->measured == measurement::Quality()) out.quality.reset();
  reader.Bool("simulated", out.simulated);
  reader.Text("reason", out.reason);
  reader.Text("message", out.message);
  reader.Text("startedAt", out.started_at);
  reader.Text("finishedAt", out.finished_at);
  reader.Decimal("startSeconds", out.start_seconds);
  reader.Decimal("measureSeconds", out.measure_seconds);
  reader.Integer("attempts", out.attempts);
  reader.Integer("failures", out.failures);
  reader.Text("retryAt", out.retry_at);
  reader.Decimal("wastedGpuHours", out.wasted_gpu_hours);
  reader.Bool("truncated", out.truncated);
}

}  // namespace

std::string_view ExperimentStateName(ExperimentState state) { return kStates[static_cast<std::size_t>(state)]; }

std::string_view DifferencePartName(Difference::Part part) { return kDifferenceParts[static_cast<std::size_t>(part)]; }

json ToJson(const Difference& difference) {
  json out = json::object();
  Put(out, "deployment", difference.deployment);
  Put(out, "container", difference.container);
  Put(out, "experiment", difference.experiment);
  Put(out, "readAt", difference.read_at);
  Put(out, "message", difference.message);
  Put(out, "same", static_cast<std::int64_t>(difference.same));
  for (const Difference::Line& line : difference.lines) {
    json entry = {{"part", DifferencePartName(line.part)}, {"field", line.field}};
    if (line.running) entry["running"] = *line.running;
    if (line.recommended) entry["recommended"] = *line.recommended;
    out["lines"].push_back(std::move(entry));
  }
  return out;
}

json ToJson(const LoadRow& row) {
  const Point& measured = row.measured;
  json out = {{"scenario", measured.scenario},
              {"verdict", measurement::VerdictName(measured.verdict)},
              {"window", FormatLatency(measured.window_seconds * 1000)},
              {"requests", measured.requests},
              {"errors", measured.errors},
              {"outputTokens", measured.output_tokens},
              {"outputTokensPerSecond", FormatDecimal(measured.output_tokens_per_second, 2)},
              {"outputTokensPerSecondCi", FormatDecimal(measured.output_tokens_per_second_ci, 2)},
              {"requestsPerSecond", FormatDecimal(measured.requests_per_second, 3)},
              {"inFlight", FormatDecimal(measured.mean_concurrency, 1)},
              {"clientLag", FormatLatency(measured.client_lag_p99)},
              {"meetsSlo", row.meets_slo}};
  if (measured.input_tokens > 0) out["inputTokens"] = measured.input_tokens;  // 0 = not known
  if (measured.load.kind == LoadKind::kConcurrency) {
    out["concurrency"] = static_cast<std::int64_t>(measured.load.value);
  } else {
    out["requestRate"] = FormatDecimal(measured.load.value, 4);
  }
  if (measured.role != measurement::PointRole::kSearch) out["role"] = measurement::PointRoleName(measured.role);
  for (std::size_t i = 0; i < kErrorKinds.size(); ++i) {
    if (measured.errors_by_kind[i] == 0) continue;
    out["errorKinds"][std::string(measurement::RequestOutcomeName(kErrorKinds[i]))] = measured.errors_by_kind[i];
  }
  Put(out, "censored", measured.censored);
  Put(out, "saturated", measured.saturated);
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    const std::string metric(measurement::MetricName(kMetrics[i]));
    out[metric] = ToJson(measured.Get(kMetrics[i]));
    if (measured.relative_ci[i] != 0) out["relativeCi"][metric] = FormatDecimal(measured.relative_ci[i], 4);
    for (const measurement::Statistic statistic : kStatistics) {
      if (!measured.lower_bounds.Has(kMetrics[i], statistic)) continue;
      out["lowerBounds"].push_back(NameOf(kMetrics[i], statistic));
    }
  }
  for (const measurement::WindowValue& value : measured.in_window) {
    out["inWindow"][NameOf(value.metric, value.statistic)] = FormatLatency(value.milliseconds);
  }
  if (measured.attainment) out["attainment"] = FormatDecimal(*measured.attainment, 4);
  for (const CounterField& field : kCounters) {
    const std::optional<double>& value = measured.engine.*field.member;
    if (value) out["engine"][field.name] = FormatDecimal(*value, 3);
  }
  return out;
}

json ToJson(const ExperimentStatus& experiment) {
  json out = {{"name", experiment.name},
              {"hash", experiment.hash},
              {"state", ExperimentStateName(experiment.state)},
              {"runtime", experiment.runtime},
              {"quant", ToJson(experiment.quant)}};
  Put(out, "model", experiment.model);
  Put(out, "gpu", experiment.gpu);
  Put(out, "baseline", experiment.baseline);
  Put(out, "deployed", experiment.deployed);
  Put(out, "confirms", experiment.confirms);
  Put(out, "reusedFrom", experiment.reused_from);
  if (experiment.allowed_seconds != 0) out["allowedSeconds"] = FormatDecimal(experiment.allowed_seconds, 0);
  if (!experiment.args.empty()) out["args"] = experiment.args;
  Put(out, "options", experiment.options);
  if (!experiment.env.empty()) out["env"] = experiment.env;
  Put(out, "apartFromCache", experiment.apart_from_cache);
  Put(out, "gpus", static_cast<std::int64_t>(experiment.gpus));
  Put(out, "node", experiment.node);
  Put(out, "gpuProduct", experiment.gpu_product);
  Put(out, "driver", experiment.driver);
  Put(out, "imageID", experiment.image_id);
  Put(out, "engineVersion", experiment.engine_version);
  for (const quant::Warning& warning : experiment.warnings) out["warnings"].push_back(ToJson(warning));
  for (const LoadRow& row : experiment.loads) out["loads"].push_back(ToJson(row));
  Put(out, "score", experiment.score);
  Put(out, "scoreCi", experiment.score_ci);
  Put(out, "stopped", experiment.stopped);
  if (experiment.quality) out["quality"] = ToJson(*experiment.quality);
  Put(out, "simulated", experiment.simulated);
  Put(out, "reason", experiment.reason);
  Put(out, "message", experiment.message);
  Put(out, "startedAt", experiment.started_at);
  Put(out, "finishedAt", experiment.finished_at);
  if (experiment.start_seconds != 0) out["startSeconds"] = FormatDecimal(experiment.start_seconds, 1);
  if (experiment.measure_seconds != 0) out["measureSeconds"] = FormatDecimal(experiment.measure_seconds, 1);
  Put(out, "attempts", static_cast<std::int64_t>(experiment.attempts));
  Put(out, "failures", static_cast<std::int64_t>(experiment.failures));
  Put(out, "retryAt", experiment.retry_at);
  if (experiment.wasted_gpu_hours != 0) out["wastedGpuHours"] = FormatDecimal(experiment.wasted_gpu_hours, 4);
  Put(out, "truncated", experiment.truncated);
  return out;
}

json ToJson(const TaskStatus& status) {
  json out = {{"observedGeneration", status.observed_generation}};
  Put(out, "rulesVersion", status.rules_version);
  Put(out, "state", status.state);
  Put(out, "progress", status.progress);
  for (const Condition& condition : status.conditions) out["conditions"].push_back(ToJson(condition));
  for (const ModelStatus& model : status.models) {
    if (model.name.empty()) {
      PutModel(out, kOnlyModel, model);
      continue;
    }
    json item = {{"name", model.name}};
    PutModel(item, kOneOfModels, model);
    out["models"].push_back(std::move(item));
  }
  if (status.expanded_for) out["expandedFor"] = ToJson(*status.expanded_for);
  const TaskStatus::Candidates& candidates = status.candidates;
  if (candidates.total != 0) {
    out["candidates"] = {{"total", candidates.total},
                         {"duplicates", candidates.duplicates},
                         {"pruned", candidates.pruned},
                         {"eligible", candidates.eligible},
                         {"notRun", candidates.not_run}};
  }
  for (const PrunedReason& pruned : status.pruned_reasons) {
    json item = {{"reason", pruned.reason}, {"count", pruned.count}};
    Put(item, "example", pruned.example);
    out["prunedReasons"].push_back(std::move(item));
  }
  for (const NotTried& left : status.not_tried) {
    out["notTried"].push_back({{"reason", left.reason}, {"count", left.count}});
  }
  if (status.estimate) out["estimate"] = ToJson(*status.estimate);
  for (const quant::Warning& warning : status.warnings) out["warnings"].push_back(ToJson(warning));
  for (const ExperimentStatus& experiment : status.experiments) out["experiments"].push_back(ToJson(experiment));
  if (status.best) {
    json best = {{"experiment", status.best->experiment}};
    Put(best, "model", status.best->model);
    Put(best, "runtime", status.best->runtime);
    Put(best, "gpu", status.best->gpu);
    Put(best, "quantName", status.best->quant_name);
    Put(best, "score", status.best->score);
    Put(best, "improvementOverBaseline", status.best->improvement_over_baseline);
    Put(best, "ci", status.best->ci);
    Put(best, "concurrency", static_cast<std::int64_t>(status.best->concurrency));
    Put(best, "requestRate", status.best->request_rate);
    Put(best, "tokensPerSecondPerGpu", status.best->tokens_per_second);
    Put(best, "pricePerMillionTokens", status.best->price);
    Put(best, "pricePerMillionInputTokens", status.best->input_price);
    if (!status.best->tied_with.empty()) best["tiedWith"] = status.best->tied_with;
    if (status.best->starts > 1) best["starts"] = status.best->starts;
    Put(best, "confirmed", status.best->confirmed);
    Put(best, "confirmedRequestRate", status.best->confirmed_rate);
    out["best"] = std::move(best);
  }
  for (const TaskStatus::ReferenceLoad& load : status.reference_loads) {
    out["referenceLoads"].push_back(
        {{"scenario", load.scenario}, {"requestRate", FormatDecimal(load.request_rate, 4)}});
  }
  if (status.search) {
    json search = {{"stopped", status.search->stopped}, {"message", status.search->message}};
    Put(search, "expectedGain", status.search->expected_gain);
    out["search"] = std::move(search);
  }
  if (status.parallelism > 0) out["parallelism"] = status.parallelism;
  if (!status.pareto.empty()) out["pareto"] = status.pareto;
  json cost = {{"gpuHours", status.cost.gpu_hours},
               {"start", status.cost.start},
               {"measure", status.cost.measure},
               {"wasted", status.cost.wasted}};
  Put(cost, "price", status.cost.price);
  for (const auto& [type, spent] : status.cost.earlier) {
    json earlier = ToJson(spent);
    if (earlier.empty()) continue;
    if (type.empty()) {
      cost["earlier"] = std::move(earlier);
    } else {
      earlier["gpu"] = type;
      cost["earlierByGpu"].push_back(std::move(earlier));
    }
  }
  out["cost"] = std::move(cost);
  json recommendation = json::object();
  Put(recommendation, "configMap", status.recommendation_config_map);
  if (status.difference) recommendation["difference"] = ToJson(*status.difference);
  if (!recommendation.empty()) out["recommendation"] = std::move(recommendation);
  for (const GpuStatus& gpu : status.gpus) {
    json item = ToJson(gpu);
    if (!gpu.name.empty()) {
      item["name"] = gpu.name;
      out["gpus"].push_back(std::move(item));
    } else if (!item.empty()) {
      out["gpu"] = std::move(item);
    }
  }
  if (status.deployed) out["deployed"] = ToJson(*status.deployed);
  Put(out, "startedAt", status.started_at);
  Put(out, "finishedAt", status.finished_at);
  return out;
}

base::Result<TaskStatus> StatusFromJson(const json& status) {
  TaskStatus out;
  std::optional<base::Error> error;
  ObjectReader reader(status, "status", error, ObjectReader::Unknown::kIgnore);
  reader.Integer("observedGeneration", out.observed_generation);
  reader.Text("rulesVersion", out.rules_version);
  reader.Text("state", out.state);
  reader.Text("progress", out.progress);
  reader.Each("conditions", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    Condition condition;
    ReadCondition(item, condition);
    out.conditions.push_back(std::move(condition));
  });
  ReadModel(reader, kOnlyModel, out.models.front());
  std::vector<ModelStatus> models;
  reader.Each("models", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    ModelStatus& model = models.emplace_back();
    item.Text("name", model.name);
    ReadModel(item, kOneOfModels, model);
  });
  if (!models.empty()) out.models = std::move(models);
  reader.Nested("expandedFor", [&](ObjectReader& expanded) { ReadExpandedFor(expanded, out.expanded_for.emplace()); });
  reader.Nested("candidates", [&](ObjectReader& candidates) {
    candidates.Integer("total", out.candidates.total);
    candidates.Integer("duplicates", out.candidates.duplicates);
    candidates.Integer("pruned", out.candidates.pruned);
    candidates.Integer("eligible", out.candidates.eligible);
    candidates.Integer("notRun", out.candidates.not_run);
  });
  reader.Each("prunedReasons", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    PrunedReason pruned;
    item.Text("reason", pruned.reason);
    item.Integer("count", pruned.count);
    item.Text("example", pruned.example);
    out.pruned_reasons.push_back(std::move(pruned));
  });
  reader.Each("notTried", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    NotTried left;
    item.Text("reason", left.reason);
    item.Integer("count", left.count);
    out.not_tried.push_back(std::move(left));
  });
  reader.Nested("estimate", [&](ObjectReader& estimate) {
    out.estimate = TaskStatus::Estimate{};
    ReadEstimate(estimate, *out.estimate);
  });
  ReadWarnings(reader, out.warnings);
  reader.Each("experiments", kMaxExperiments, [&](ObjectReader& item) {
    ExperimentStatus experiment;
    ReadExperiment(item, experiment);
    out.experiments.push_back(std::move(experiment));
  });
  reader.Each("referenceLoads", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    TaskStatus::ReferenceLoad load;
    item.Text("scenario", load.scenario);
    item.Decimal("requestRate", load.request_rate);
    out.reference_loads.push_back(std::move(load));
  });
  reader.Nested("search", [&](ObjectReader& search) {
    out.search = TaskStatus::Search{};
    search.Text("stopped", out.search->stopped);
    search.Text("message", out.search->message);
    search.Text("expectedGain", out.search->expected_gain);
  });
  reader.Integer("parallelism", out.parallelism);
  reader.Nested("best", [&](ObjectReader& best) {
    out.best = TaskStatus::Best{};  // Clang 14 finds no default constructor in emplace()
    best.Text("experiment", out.best->experiment);
    best.Text("model", out.best->model);
    best.Text("runtime", out.best->runtime);
    best.Text("gpu", out.best->gpu);
    best.Text("quantName", out.best->quant_name);
    best.Text("score", out.best->score);
    best.Text("improvementOverBaseline", out.best->improvement_over_baseline);
    best.Text("ci", out.best->ci);
    best.Integer("concurrency", out.best->concurrency);
    best.Text("requestRate", out.best->request_rate);
    best.Text("tokensPerSecondPerGpu", out.best->tokens_per_second);
    best.Text("pricePerMillionTokens", out.best->price);
    best.Text("pricePerMillionInputTokens", out.best->input_price);
    best.Texts("tiedWith", out.best->tied_with, ObjectReader::kUnbounded);
    best.Integer("starts", out.best->starts);
    best.Bool("confirmed", out.best->confirmed);
    best.Text("confirmedRequestRate", out.best->confirmed_rate);
  });
  reader.Texts("pareto", out.pareto, kMaxExperiments);
  reader.Nested("cost", [&](ObjectReader& cost) {
    cost.DecimalText("gpuHours", out.cost.gpu_hours);
    cost.DecimalText("start", out.cost.start);
    cost.DecimalText("measure", out.cost.measure);
    cost.DecimalText("wasted", out.cost.wasted);
    cost.DecimalText("price", out.cost.price);
    cost.Nested("earlier", [&](ObjectReader& earlier) { ReadGpuSeconds(earlier, out.cost.earlier[""]); });
    cost.Each("earlierByGpu", ObjectReader::kUnbounded, [&](ObjectReader& earlier) {
      std::string type;
      earlier.Text("gpu", type);
      ReadGpuSeconds(earlier, out.cost.earlier[type]);
    });
  });
  reader.Nested("recommendation", [&](ObjectReader& recommendation) {
    recommendation.Text("configMap", out.recommendation_config_map);
    recommendation.Nested("difference",
                          [&](ObjectReader& difference) { ReadDifference(difference, out.difference.emplace()); });
  });
  reader.Nested("gpu", [&](ObjectReader& gpu) { ReadGpu(gpu, out.gpus.front()); });
  std::vector<GpuStatus> gpus;
  reader.Each("gpus", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    GpuStatus& gpu = gpus.emplace_back();
    item.Text("name", gpu.name);
    ReadGpu(item, gpu);
  });
  if (!gpus.empty()) out.gpus = std::move(gpus);
  reader.Nested("deployed", [&](ObjectReader& deployed) {
    out.deployed = ReadWorkload{};  // Clang 14 finds no default constructor in emplace()
    ReadDeployed(deployed, *out.deployed);
  });
  reader.Text("startedAt", out.started_at);
  reader.Text("finishedAt", out.finished_at);
  if (error) return *std::move(error);
  return out;
}

}  // namespace autotune::api
