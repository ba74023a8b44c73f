#include "measurement/spec_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::pair<LoadMode, std::string_view> kModeNames[] = {{LoadMode::kAutoConcurrency, "AutoConcurrency"},
                                                                {LoadMode::kAutoRate, "AutoRate"},
                                                                {LoadMode::kFixedConcurrency, "FixedConcurrency"},
                                                                {LoadMode::kFixedRate, "FixedRate"}};
constexpr double kMaxRate = 1e6;
constexpr double kMaxMilliseconds = 1e9;

// Typed reading of an object; keeps the first error.
class Members {
 public:
  Members(const json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object.is_object()) error_ = base::Invalid(path_ + ": not a JSON object");
  }

  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] const base::Error& error() const { return *error_; }

  const json* Find(const char* key) {
    if (failed()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  void Fail(const std::string& member, const std::string& message) {
    if (!failed()) error_ = base::Invalid(path_ + "." + member + ": " + message);
  }
  void Fail(const std::string& member, const json& value, const std::string& message) {
    Fail(member, value.dump(-1, ' ', false, json::error_handler_t::replace) + message);
  }
  // Absent: the default stays.
  void Number(const char* key, double min, double max, double& out) {
    if (const json* value = Find(key)) ReadNumber(key, *value, min, max, out);
  }
  void ReadNumber(const std::string& member, const json& value, double min, double max, double& out) {
    if (failed()) return;
    if (!value.is_number() || !(value.get<double>() >= min && value.get<double>() <= max)) {
      char text[96];
      std::snprintf(text, sizeof text, " is not a number from %g to %g", min, max);
      return Fail(member, value, text);
    }
    out = value.get<double>();
  }
  template <typename T, typename FromName>
  void Name(const char* key, FromName from_name, T& out) {
    const json* value = Find(key);
    if (value == nullptr) return;
    const auto named = value->is_string() ? from_name(value->get<std::string>()) : std::nullopt;
    if (!named) return Fail(key, *value, " is not one of its names");
    out = *named;
  }

 private:
  const json& object_;
  std::string path_;
  std::optional<base::Error> error_;
};

std::optional<LoadMode> ModeFromName(std::string_view name) {
  for (const auto& [mode, known] : kModeNames) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

}  // namespace

json ToJson(const Arrival& arrival) {
  const Arrival defaults;
  json out = json::object();
  if (arrival.process != defaults.process) out["process"] = ArrivalProcessName(arrival.process);
  if (arrival.burstiness != defaults.burstiness) out["burstiness"] = arrival.burstiness;
  return out;
}

base::Result<Arrival> ArrivalFromJson(const json& value, const std::string& path) {
  Arrival out;
  Members members(value, path);
  members.Name("process", ArrivalProcessFromName, out.process);
  members.Number("burstiness", 1e-3, 1e3, out.burstiness);
  if (members.failed()) return members.error();
  return out;
}

json ToJson(const LoadPlan& plan) {
  const LoadPlan defaults;
  json out = json::object();
  if (plan.mode != defaults.mode) out["mode"] = kModeNames[static_cast<std::size_t>(plan.mode)].second;
  if (plan.max != defaults.max) out["max"] = plan.max;
  if (plan.resolution != defaults.resolution) out["resolution"] = plan.resolution;
  if (plan.reference_share != defaults.reference_share) out["referenceShare"] = plan.reference_share;
  if (!plan.fixed.empty()) out["fixed"] = plan.fixed;
  return out;
}

base::Result<LoadPlan> LoadPlanFromJson(const json& value, const std::string& path) {
  LoadPlan out;
  Members members(value, path);
  members.Name("mode", ModeFromName, out.mode);
  double max = out.max;
  members.Number("max", 1, 100'000, max);
  if (max != std::floor(max)) members.Fail("max", "not a whole number");
  out.max = static_cast<int>(max);
  members.Number("resolution", 0.001, 1, out.resolution);
  members.Number("referenceShare", 0, 1, out.reference_share);
  if (const json* fixed = members.Find("fixed")) {
    if (!fixed->is_array()) members.Fail("fixed", *fixed, " is not a list");
    for (std::size_t i = 0; i < fixed->size() && !members.failed(); ++i) {
      const std::string member = "fixed[" + std::to_string(i) + "]";
      double load = 0;
      members.ReadNumber(member, (*fixed)[i], 1e-6, kMaxRate, load);
      if (!out.fixed.empty() && load <= out.fixed.back()) {
        members.Fail(member, (*fixed)[i], " is not more than the load before it");
      }
      if (out.mode == LoadMode::kFixedConcurrency && load != std::floor(load)) {
        members.Fail(member, (*fixed)[i], " is not a whole number of requests in flight");
      }
      out.fixed.push_back(load);
    }
  }
  const bool is_fixed = out.mode == LoadMode::kFixedConcurrency || out.mode == LoadMode::kFixedRate;
  if (is_fixed == out.fixed.empty()) {
    members.Fail("fixed", is_fixed ? "at least one load is needed" : "not together with a search");
  }
  const bool searches = out.mode == LoadMode::kAutoConcurrency || out.mode == LoadMode::kAutoRate;
  if (out.reference_share > 0 && !searches) {
    members.Fail("referenceShare", "a share of the limit needs a search of the limit");
  }
  if (members.failed()) return members.error();
  return out;
}

json ToJson(const Slo& slo) {
  json out = json::object();
  for (const Bound& bound : slo.bounds) {
    out["bounds"].push_back(
        {{"metric", MetricName(bound.metric)}, {"statistic", StatisticName(bound.statistic)}, {"limit", bound.limit}});
  }
  if (slo.max_error_rate != Slo{}.max_error_rate) out["errorRate"] = slo.max_error_rate;
  if (slo.attainment) out["attainment"] = *slo.attainment;
  return out;
}

base::Result<Slo> SloFromJson(const json& value, const std::string& path) {
  Slo out;
  Members members(value, path);
  if (const json* bounds = members.Find("bounds")) {
    if (!bounds->is_array()) members.Fail("bounds", *bounds, " is not a list");
    for (std::size_t i = 0; i < bounds->size() && !members.failed(); ++i) {
      Members one((*bounds)[i], path + ".bounds[" + std::to_string(i) + "]");
      Bound bound;
      one.Name("metric", MetricFromName, bound.metric);
      one.Name("statistic", StatisticFromName, bound.statistic);
      if (one.Find("limit") == nullptr) one.Fail("limit", "is missing");
      one.Number("limit", 0, kMaxMilliseconds, bound.limit);
      if (one.failed()) return one.error();
      out.bounds.push_back(bound);
    }
  }
  members.Number("errorRate", 0, 1, out.max_error_rate);
  if (members.Find("attainment") != nullptr) {
    double attainment = 0;
    members.Number("attainment", 0, 1, attainment);
    out.attainment = attainment;
  }
  if (members.failed()) return members.error();
  return out;
}

namespace {

json MetricToJson(const PredictedMetric& metric) {
  json out = {{"mean", metric.mean}};
  const auto put = [&](const char* key, double value) {
    if (value != 0) out[key] = value;
  };
  put("level", metric.level_variance);
  put("levelSlope", metric.level_slope_covariance);
  put("slope", metric.slope_variance);
  put("roughness", metric.roughness);
  put("noise", metric.noise);
  if (metric.ln_bound) out["lnBound"] = *metric.ln_bound;
  return out;
}

void ReadNumbers(Members& members, const char* key, double min, double max, std::vector<double>& out) {
  const json* list = members.Find(key);
  if (list == nullptr || !list->is_array() || list->empty()) return members.Fail(key, "not a list of numbers");
  for (std::size_t i = 0; i < list->size(); ++i) {
    members.ReadNumber(std::string(key) + "[" + std::to_string(i) + "]", (*list)[i], min, max, out.emplace_back());
  }
}

constexpr double kMaxPredicted = 1e9;

base::Result<PredictedMetric> MetricPredictionFromJson(const json& value, const std::string& path, std::size_t loads) {
  PredictedMetric out;
  Members members(value, path);
  ReadNumbers(members, "mean", -kMaxPredicted, kMaxPredicted, out.mean);
  members.Number("level", 0, kMaxPredicted, out.level_variance);
  members.Number("levelSlope", -kMaxPredicted, kMaxPredicted, out.level_slope_covariance);
  members.Number("slope", 0, kMaxPredicted, out.slope_variance);
  members.Number("roughness", 0, kMaxPredicted, out.roughness);
  members.Number("noise", 0, kMaxPredicted, out.noise);
  if (members.Find("lnBound") != nullptr) {
    double bound = 0;
    members.Number("lnBound", -kMaxPredicted, kMaxPredicted, bound);
    out.ln_bound = bound;
  }
  if (out.mean.size() != loads) members.Fail("mean", "not as many as loads");
  if (members.failed()) return members.error();
  return out;
}

}  // namespace

json ToJson(const PredictedLoads& prediction) {
  json out = {{"loads", prediction.loads},
              {"u", prediction.u},
              {"ttft", MetricToJson(prediction.ttft)},
              {"tpot", MetricToJson(prediction.tpot)},
              {"outputTokens", prediction.output_tokens},
              {"gpus", prediction.gpus}};
  if (!prediction.queued.empty()) out["queued"] = prediction.queued;
  if (prediction.e2e) out["e2e"] = MetricToJson(*prediction.e2e);
  if (prediction.objective) out["objective"] = MetricToJson(*prediction.objective);
  if (prediction.value == LoadValue::kInverseLatency) out["value"] = "InverseLatency";
  return out;
}

base::Result<PredictedLoads> PredictedLoadsFromJson(const json& value, const std::string& path) {
  PredictedLoads out;
  Members members(value, path);
  ReadNumbers(members, "loads", 1e-6, kMaxPredicted, out.loads);
  ReadNumbers(members, "u", -kMaxPredicted, kMaxPredicted, out.u);
  if (members.Find("queued") != nullptr) ReadNumbers(members, "queued", 0, kMaxPredicted, out.queued);
  members.Number("outputTokens", 1, kMaxPredicted, out.output_tokens);
  members.Number("gpus", 1, kMaxPredicted, out.gpus);
  if (!members.failed() && out.u.size() != out.loads.size()) members.Fail("u", "not as many as loads");
  if (!members.failed() && !out.queued.empty() && out.queued.size() != out.loads.size()) {
    members.Fail("queued", "not as many as loads");
  }
  for (std::size_t i = 1; i < out.loads.size(); ++i) {
    if (out.loads[i] <= out.loads[i - 1]) members.Fail("loads[" + std::to_string(i) + "]", "not ascending");
  }
  if (const json* of = members.Find("value")) {
    if (*of != "InverseLatency") members.Fail("value", *of, " is not InverseLatency");
    out.value = LoadValue::kInverseLatency;
  }
  for (const char* key : {"ttft", "tpot"}) {
    if (members.Find(key) == nullptr) members.Fail(key, "is missing");
  }
  if (members.failed()) return members.error();
  for (const char* key : {"ttft", "tpot", "e2e", "objective"}) {
    const json* found = members.Find(key);
    if (found == nullptr) continue;
    auto metric = MetricPredictionFromJson(*found, path + "." + key, out.loads.size());
    if (!metric) return metric.error();
    const std::string_view name = key;
    if (name == "ttft") {
      out.ttft = *std::move(metric);
    } else if (name == "tpot") {
      out.tpot = *std::move(metric);
    } else if (name == "e2e") {
      out.e2e = *std::move(metric);
    } else {
      out.objective = *std::move(metric);
    }
  }
  return out;
}

}  // namespace autotune::measurement
