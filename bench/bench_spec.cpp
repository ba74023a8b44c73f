#include "bench/bench_spec.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bench/result.h"
#include "measurement/spec_json.h"

namespace autotune::bench {
namespace {

using measurement::Scenario;
using measurement::ScoreMetric;
using nlohmann::json;

// Reads an integer member within [min, max] into `out`; an absent member keeps the default.
template <typename T>
base::Status ReadInteger(const json& object, const char* key, std::int64_t min, std::int64_t max, T& out,
                         const std::string& path = "spec.") {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (!found->is_number_integer()) {
    return base::Invalid(path + key + ": " + found->dump() + " is not an integer");
  }
  const bool beyond_int64 = found->is_number_unsigned() && found->template get<std::uint64_t>() > INT64_MAX;
  const auto value = found->template get<std::int64_t>();
  if (beyond_int64 || value < min || value > max) {
    return base::Invalid(path + key + ": " + found->dump() + " is not in [" + std::to_string(min) + ", " +
                         std::to_string(max) + "]");
  }
  out = static_cast<T>(value);
  return {};
}

base::Status ReadMilliseconds(const json& object, const char* key, std::chrono::milliseconds& out) {
  std::int64_t value = out.count();
  constexpr std::int64_t kWeek = 7LL * 24 * 3600 * 1000;
  if (auto status = ReadInteger(object, key, 1, kWeek, value); !status) return status;
  out = std::chrono::milliseconds(value);
  return {};
}

constexpr int kMaxTokens = 10'000'000;

// One value a scenario; null for nothing.
template <typename T, typename ReadItem>
base::Status ReadOptionals(const json& object, const char* key, std::size_t workloads,
                           std::vector<std::optional<T>>& out, const ReadItem& read) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  const std::string path = std::string("spec.") + key;
  if (!found->is_array() || found->size() != workloads) {
    return base::Invalid(path + ": not a list of " + std::to_string(workloads) + " (one for each scenario)");
  }
  for (const json& item : *found) {
    if (item.is_null()) {
      out.emplace_back();
      continue;
    }
    auto value = read(item, path + "[" + std::to_string(out.size()) + "]");
    if (!value) return value.error();
    out.push_back(*std::move(value));
  }
  return {};
}

base::Result<double> Positive(const json& value, const std::string& path) {
  if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() <= 0) {
    return base::Invalid(path + ": " + value.dump() + " is not a positive number");
  }
  return value.get<double>();
}

base::Result<double> FiniteNumber(const json& value, const std::string& path) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    return base::Invalid(path + ": " + value.dump() + " is not a number");
  }
  return value.get<double>();
}

base::Status ReadDataset(const json& value, BenchSpec& out) {
  if (!value.is_object() || !value.contains("path") || !value["path"].is_string() || value["path"] == "") {
    return base::Invalid("spec.dataset.path: the file is missing");
  }
  Dataset dataset;
  dataset.path = value["path"].get<std::string>();
  const json format = value.value("format", json("JSONL"));
  const auto known = format.is_string() ? measurement::DatasetFormatFromName(format.get<std::string>()) : std::nullopt;
  if (!known)
    return base::Invalid("spec.dataset.format: " + format.dump() + " is not one of JSONL, ShareGPT, Mooncake");
  dataset.format = *known;
  if (value.contains("outputTokens")) {
    int tokens = 0;
    if (auto status = ReadInteger(value, "outputTokens", 1, kMaxTokens, tokens, "spec.dataset."); !status)
      return status;
    dataset.output_tokens = tokens;
  }
  out.dataset = std::move(dataset);
  return {};
}

base::Status ReadPrefix(const json& value, measurement::Prefix& out) {
  if (!value.is_object()) return base::Invalid("spec.prefix: " + value.dump() + " is not an object");
  if (auto status = ReadInteger(value, "tokens", 1, kMaxTokens, out.tokens, "spec.prefix."); !status) return status;
  return ReadInteger(value, "groups", 1, 1'000'000, out.groups, "spec.prefix.");
}

// The members that say what is sent.
base::Status ReadWorkload(const json& value, BenchSpec& out) {
  const auto scenarios = value.find("scenarios");
  if (scenarios != value.end()) {
    if (!scenarios->is_array()) return base::Invalid("spec.scenarios: not a list");
    for (std::size_t i = 0; i < scenarios->size(); ++i) {
      const std::string path = "spec.scenarios[" + std::to_string(i) + "]: ";
      const json& item = (*scenarios)[i];
      if (!item.is_string()) return base::Invalid(path + item.dump() + " is not a text");
      auto scenario = Scenario::Parse(item.get<std::string>());
      if (!scenario) return base::Invalid(path + scenario.error().message);
      out.scenarios.push_back(*scenario);
    }
  }
  if (const auto dataset = value.find("dataset"); dataset != value.end()) {
    if (auto status = ReadDataset(*dataset, out); !status) return status;
  }
  if (const auto endpoint = value.find("endpoint"); endpoint != value.end()) {
    const auto known =
        endpoint->is_string() ? measurement::EndpointFromName(endpoint->get<std::string>()) : std::nullopt;
    if (!known) return base::Invalid("spec.endpoint: " + endpoint->dump() + " is neither Completions nor Chat");
    out.endpoint = *known;
  }
  if (const auto prefix = value.find("prefix"); prefix != value.end()) {
    if (auto status = ReadPrefix(*prefix, out.prefix); !status) return status;
  }
  if (const auto turns = value.find("turns"); turns != value.end()) {
    if (!turns->is_number() || !(turns->get<double>() >= 1 && turns->get<double>() <= 1000)) {
      return base::Invalid("spec.turns: " + turns->dump() + " is not a mean number of turns in [1, 1000]");
    }
    out.turns.mean = turns->get<double>();
  }
  if (auto status = ReadInteger(value, "vocabSize", 0, 100'000'000, out.vocab_size); !status) return status;
  return ReadInteger(value, "maxModelLen", 0, 1'000'000'000, out.max_model_len);
}

// The members that say how much, and what is good enough.
base::Status ReadLoads(const json& value, BenchSpec& out) {
  if (const auto load = value.find("load"); load != value.end()) {
    auto plan = measurement::LoadPlanFromJson(*load, "spec.load");
    if (!plan) return plan.error();
    out.load = *std::move(plan);
  }
  if (const auto arrival = value.find("arrival"); arrival != value.end()) {
    auto read = measurement::ArrivalFromJson(*arrival, "spec.arrival");
    if (!read) return read.error();
    out.arrival = *read;
  }
  if (const auto slo = value.find("slo"); slo != value.end()) {
    auto read = measurement::SloFromJson(*slo, "spec.slo");
    if (!read) return read.error();
    out.slo = *std::move(read);
  }
  if (const auto worth = value.find("worth"); worth != value.end()) {
    const auto known = worth->is_string() ? measurement::ScoreMetricFromName(worth->get<std::string>()) : std::nullopt;
    if (!known) {
      return base::Invalid("spec.worth: " + worth->dump() +
                           " is not one of OutputTokens, AttainedRequests, Ttft, Tpot, E2e");
    }
    out.score_metric = *known;
  }
  if (auto status = ReadInteger(value, "gpus", 1, 1'000'000, out.gpus); !status) return status;
  if (auto status = ReadOptionals(value, "scoreToBeat", out.Workloads(), out.score_to_beat, FiniteNumber); !status) {
    return status;
  }
  if (auto status = ReadOptionals(value, "scoreToBeatCi", out.Workloads(), out.score_to_beat_ci, FiniteNumber);
      !status) {
    return status;
  }
  if (auto status =
          ReadOptionals(value, "predictions", out.Workloads(), out.predictions, measurement::PredictedLoadsFromJson);
      !status) {
    return status;
  }
  if (auto status = ReadOptionals(value, "admitted", out.Workloads(), out.admitted, Positive); !status) return status;
  if (auto status = ReadOptionals(value, "start", out.Workloads(), out.start, Positive); !status) return status;
  return ReadOptionals(value, "reference", out.Workloads(), out.reference, Positive);
}

base::Status ReadQuality(const json& value, QualityPlan& out) {
  if (value.is_boolean()) {
    out.measure = value.get<bool>();
    return {};
  }
  if (!value.is_object()) return base::Invalid("spec.quality: " + value.dump() + " is neither true nor false");
  if (const auto questions = value.find("questions"); questions != value.end()) {
    const bool ok = questions->is_object() && questions->contains("path") && (*questions)["path"].is_string();
    if (!ok) return base::Invalid("spec.quality.questions: \"path\" is missing");
    QuestionSet& set = out.questions.emplace();
    set.path = (*questions)["path"].get<std::string>();
    auto status = ReadInteger(*questions, "answerTokens", 1, kMaxTokens, set.answer_tokens, "spec.quality.questions.");
    if (!status) return status;
  }
  out.measure = value.value("measure", json()) != false;
  out.made_up_weights = value.value("madeUpWeights", json()) == true;
  out.only_cache_differs = value.value("onlyCacheDiffers", json()) == true;
  if (const auto growth = value.find("maxGrowth"); growth != value.end()) {
    if (!growth->is_number() || *growth < 0) {
      return base::Invalid("spec.quality.maxGrowth: " + growth->dump() + " is no share of 0 or more");
    }
    out.max_growth = growth->get<double>();
  }
  if (const auto reference = value.find("reference"); reference != value.end()) {
    const bool ok = reference->is_object() && reference->value("text", json()).is_string() &&
                    reference->value("blocks", json()).is_string();
    auto blocks = ok ? measurement::DecodeBlocks((*reference)["blocks"].get<std::string>()) : std::nullopt;
    const json tokens = ok ? reference->value("tokens", json("")) : json();
    if (!blocks || !tokens.is_string() || !measurement::DecodeTokens(tokens.get<std::string>(), *blocks))
      return base::Invalid("spec.quality.reference: no measured quality");
    out.reference.emplace();
    out.reference->text = (*reference)["text"].get<std::string>();
    out.reference->blocks = *blocks;
  }
  return {};
}

json ToJson(const QualityPlan& plan) {
  QualityPlan off;
  off.measure = false;
  if (plan == off) return false;
  json out = json::object();
  if (!plan.measure) out["measure"] = false;
  if (plan.questions) {
    out["questions"] = {{"path", plan.questions->path}, {"answerTokens", plan.questions->answer_tokens}};
  }
  if (plan.made_up_weights) out["madeUpWeights"] = true;
  if (plan.reference) {
    out["reference"] = {{"text", plan.reference->text}, {"blocks", measurement::EncodeBlocks(plan.reference->blocks)}};
    const std::string tokens = measurement::EncodeTokens(plan.reference->blocks);
    if (!tokens.empty()) out["reference"]["tokens"] = tokens;
  }
  if (plan.max_growth) out["maxGrowth"] = *plan.max_growth;
  if (plan.only_cache_differs) out["onlyCacheDiffers"] = true;
  return out;
}

template <typename T, typename WriteItem>
json Optionals(const std::vector<std::optional<T>>& values, const WriteItem& write) {
  json out = json::array();
  for (const auto& value : values) out.push_back(value ? write(*value) : json());
  return out;
}

}  // namespace

json ToJson(const BenchSpec& spec) {
  const BenchSpec usual;
  json out = {{"seed", spec.seed},
              {"durationMs", spec.duration.count()},
              {"drainMs", spec.drain.count()},
              {"warmupMs", spec.warmup.count()},
              {"firstRequestTimeoutMs", spec.first_request_timeout.count()},
              {"experimentTimeoutMs", spec.experiment_timeout.count()},
              {"load", measurement::ToJson(spec.load)}};
  if (!spec.scenarios.empty()) {
    json scenarios = json::array();
    for (const Scenario& scenario : spec.scenarios) scenarios.push_back(scenario.ToString());
    out["scenarios"] = std::move(scenarios);
  }
  if (spec.dataset) {
    json& dataset = out["dataset"];
    dataset = {{"path", spec.dataset->path}, {"format", DatasetFormatName(spec.dataset->format)}};
    if (spec.dataset->output_tokens) dataset["outputTokens"] = *spec.dataset->output_tokens;
  }
  if (spec.endpoint != usual.endpoint) out["endpoint"] = EndpointName(spec.endpoint);
  if (spec.prefix.tokens > 0) out["prefix"] = {{"tokens", spec.prefix.tokens}, {"groups", spec.prefix.groups}};
  if (spec.turns != usual.turns) out["turns"] = spec.turns.mean;
  if (!spec.model.empty()) out["model"] = spec.model;
  if (spec.vocab_size > 0) out["vocabSize"] = spec.vocab_size;
  if (spec.max_model_len > 0) out["maxModelLen"] = spec.max_model_len;
  if (spec.arrival != usual.arrival) out["arrival"] = measurement::ToJson(spec.arrival);
  if (spec.slo != usual.slo) out["slo"] = measurement::ToJson(spec.slo);
  if (spec.score_metric != usual.score_metric) out["worth"] = measurement::ScoreMetricName(spec.score_metric);
  if (spec.gpus != usual.gpus) out["gpus"] = spec.gpus;
  const auto number = [](double value) { return json(value); };
  if (!spec.score_to_beat.empty()) out["scoreToBeat"] = Optionals(spec.score_to_beat, number);
  if (!spec.score_to_beat_ci.empty()) out["scoreToBeatCi"] = Optionals(spec.score_to_beat_ci, number);
  if (!spec.predictions.empty()) {
    out["predictions"] =
        Optionals(spec.predictions, [](const auto& prediction) { return measurement::ToJson(prediction); });
  }
  if (!spec.admitted.empty()) out["admitted"] = Optionals(spec.admitted, number);
  if (!spec.start.empty()) out["start"] = Optionals(spec.start, number);
  if (spec.confirms) out["confirms"] = true;
  if (!spec.reference.empty()) out["reference"] = Optionals(spec.reference, number);
  if (spec.allowed) out["allowedMs"] = spec.allowed->count();
  if (spec.request_timeout) out["requestTimeoutMs"] = spec.request_timeout->count();
  if (!spec.records.empty()) out["records"] = spec.records;
  if (spec.quality != usual.quality) out["quality"] = ToJson(spec.quality);
  return out;
}

base::Result<BenchSpec> BenchSpecFromJson(const json& value) {
  if (!value.is_object()) return base::Invalid("spec: not a JSON object");
  BenchSpec spec;
  if (auto status = ReadWorkload(value, spec); !status) return status.error();
  if (auto status = ReadLoads(value, spec); !status) return status.error();
  for (const auto& status :
       {ReadMilliseconds(value, "durationMs", spec.duration), ReadMilliseconds(value, "drainMs", spec.drain),
        ReadMilliseconds(value, "warmupMs", spec.warmup),
        ReadMilliseconds(value, "firstRequestTimeoutMs", spec.first_request_timeout),
        ReadMilliseconds(value, "experimentTimeoutMs", spec.experiment_timeout),
        ReadInteger(value, "seed", INT64_MIN, INT64_MAX, spec.seed)}) {
    if (!status) return status.error();
  }
  if (value.contains("allowedMs")) {
    if (auto status = ReadMilliseconds(value, "allowedMs", spec.allowed.emplace()); !status) return status.error();
  }
  if (value.contains("requestTimeoutMs")) {
    if (auto status = ReadMilliseconds(value, "requestTimeoutMs", spec.request_timeout.emplace()); !status) {
      return status.error();
    }
  }
  if (const auto records = value.find("records"); records != value.end()) {
    if (!records->is_string()) return base::Invalid("spec.records: " + records->dump() + " is not a path");
    spec.records = records->get<std::string>();
  }
  if (const auto model = value.find("model"); model != value.end()) {
    if (!model->is_string()) return base::Invalid("spec.model: " + model->dump() + " is not a model");
    spec.model = model->get<std::string>();
  }
  if (const auto confirms = value.find("confirms"); confirms != value.end()) {
    if (!confirms->is_boolean())
      return base::Invalid("spec.confirms: " + confirms->dump() + " is neither true nor false");
    spec.confirms = confirms->get<bool>();
  }
  if (const auto quality = value.find("quality"); quality != value.end()) {
    if (auto status = ReadQuality(*quality, spec.quality); !status) return status.error();
  }
  if (auto status = CheckBenchSpec(spec); !status) return status.error();
  return spec;
}

base::Status CheckBenchSpec(const BenchSpec& spec) {
  using measurement::ArrivalProcess;
  using measurement::DatasetFormat;
  using measurement::LoadKind;
  if (spec.scenarios.empty() && !spec.dataset) {
    return base::Invalid("spec.scenarios: at least one is required, such as [\"D(512,128)\"], or a dataset");
  }
  if (!spec.scenarios.empty() && spec.dataset) {
    return base::Invalid("spec.dataset: a dataset has its own lengths: remove the scenarios");
  }
  if (spec.dataset && (spec.prefix.tokens > 0 || spec.turns != measurement::Turns())) {
    return base::Invalid(std::string("spec.") + (spec.prefix.tokens > 0 ? "prefix" : "turns") +
                         ": a dataset has its own texts: remove it");
  }
  for (std::size_t i = 0; i < spec.scenarios.size(); ++i) {
    const Scenario& scenario = spec.scenarios[i];
    const std::string path = "spec.scenarios[" + std::to_string(i) + "]: " + scenario.ToString();
    const std::int64_t longest = std::int64_t{scenario.input.Max()} + scenario.output.Max();
    if (spec.max_model_len > 0 && longest > spec.max_model_len) {
      return base::Invalid(path + " has requests of up to " + std::to_string(longest) + " tokens; the context holds " +
                           std::to_string(spec.max_model_len));
    }
    if (spec.prefix.tokens > 0 && spec.prefix.tokens >= scenario.input.Max()) {
      return base::Invalid("spec.prefix.tokens: " + std::to_string(spec.prefix.tokens) +
                           " is not shorter than the longest input of " + scenario.ToString());
    }
  }
  const bool rates = measurement::KindOf(spec.load.mode) == LoadKind::kRequestRate || spec.load.reference_share > 0;
  if (spec.arrival != measurement::Arrival() && !rates) {
    return base::Invalid("spec.arrival: a closed loop has no arrival process: use request rates");
  }
  if (spec.arrival.process == ArrivalProcess::kTrace &&
      (!spec.dataset || spec.dataset->format != DatasetFormat::kMooncake)) {
    return base::Invalid("spec.arrival.process: Trace requires a dataset with timestamps (format Mooncake)");
  }
  if (spec.load.fixed.size() * spec.Workloads() > kMaxPoints) {
    return base::Invalid("spec.load.fixed: " + std::to_string(spec.Workloads()) + " scenarios x " +
                         std::to_string(spec.load.fixed.size()) + " loads are more than " + std::to_string(kMaxPoints) +
                         " points");
  }
  for (const measurement::Bound& bound : spec.slo.bounds) {
    const bool between_tokens = bound.metric == measurement::Metric::kTpot || bound.metric == measurement::Metric::kItl;
    const bool one_token = !spec.scenarios.empty() && std::all_of(spec.scenarios.begin(), spec.scenarios.end(),
                                                                  [](const auto& s) { return s.output.Max() < 2; });
    if (between_tokens && one_token) {
      return base::Invalid("spec." + bound.Field() + ": answers of one token have no time between tokens");
    }
  }
  if (spec.score_metric == ScoreMetric::kAttainedRequests && spec.slo.bounds.empty()) {
    return base::Invalid("spec.slo: goodput requires a latency limit, such as ttft");
  }
  return {};
}

}  // namespace autotune::bench
