#include "bench/bench_spec.h"

#include <nlohmann/json.hpp>

#include "bench/result.h"

namespace autotune::bench {
namespace {

using nlohmann::json;

// Reads an integer member within [min, max] into `out`; an absent member keeps the default.
template <typename T>
base::Status ReadInteger(const json& object, const char* key, std::int64_t min, std::int64_t max, T& out) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (!found->is_number_integer()) {
    return base::Invalid(std::string("spec.") + key + ": " + found->dump() + " is not an integer");
  }
  const bool beyond_int64 = found->is_number_unsigned() && found->template get<std::uint64_t>() > INT64_MAX;
  const auto value = found->template get<std::int64_t>();
  if (beyond_int64 || value < min || value > max) {
    return base::Invalid(std::string("spec.") + key + ": " + found->dump() + " is not in [" + std::to_string(min) +
                         ", " + std::to_string(max) + "]");
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

}  // namespace

json ToJson(const BenchSpec& spec) {
  json scenarios = json::array();
  for (const measurement::Scenario& scenario : spec.scenarios) scenarios.push_back(scenario.ToString());
  json out = {{"scenarios", std::move(scenarios)},
              {"concurrency", spec.concurrency},
              {"durationMs", spec.duration.count()},
              {"maxRequests", spec.max_requests},
              {"warmupRequests", spec.warmup_requests},
              {"seed", spec.seed},
              {"firstRequestTimeoutMs", spec.first_request_timeout.count()},
              {"requestTimeoutMs", spec.request_timeout.count()},
              {"experimentTimeoutMs", spec.experiment_timeout.count()}};
  if (!spec.quality) out["quality"] = false;  // the default is not written: it is no other measurement than before
  return out;
}

base::Result<BenchSpec> BenchSpecFromJson(const json& value) {
  if (!value.is_object()) return base::Invalid("spec: not a JSON object");
  BenchSpec spec;
  const auto scenarios = value.find("scenarios");
  if (scenarios == value.end() || !scenarios->is_array() || scenarios->empty()) {
    return base::Invalid("spec.scenarios: at least one is needed, such as [\"D(512,128)\"]");
  }
  for (std::size_t i = 0; i < scenarios->size(); ++i) {
    const std::string path = "spec.scenarios[" + std::to_string(i) + "]: ";
    const json& item = (*scenarios)[i];
    if (!item.is_string()) return base::Invalid(path + item.dump() + " is not a text");
    auto scenario = measurement::Scenario::Parse(item.get<std::string>());
    if (!scenario) return base::Invalid(path + scenario.error().message);
    spec.scenarios.push_back(*scenario);
  }
  const auto concurrency = value.find("concurrency");
  if (concurrency == value.end() || !concurrency->is_array() || concurrency->empty()) {
    return base::Invalid("spec.concurrency: at least one step is needed, such as [1, 8, 32]");
  }
  for (std::size_t i = 0; i < concurrency->size(); ++i) {
    const json& item = (*concurrency)[i];
    const std::string path = "spec.concurrency[" + std::to_string(i) + "]: ";
    if (!item.is_number_integer() || item < 1 || item > 100'000) {
      return base::Invalid(path + item.dump() + " is not an integer in [1, 100000]");
    }
    const int step = item.get<int>();
    if (!spec.concurrency.empty() && step <= spec.concurrency.back()) {
      return base::Invalid(path + item.dump() + " is not more than the step before it");
    }
    spec.concurrency.push_back(step);
  }
  if (spec.scenarios.size() * spec.concurrency.size() > kMaxLoads) {
    return base::Invalid("spec: " + std::to_string(spec.scenarios.size()) + " scenarios x " +
                         std::to_string(spec.concurrency.size()) + " steps are more than " + std::to_string(kMaxLoads) +
                         " measurements");
  }
  for (const auto& status : {ReadMilliseconds(value, "durationMs", spec.duration),
                             ReadInteger(value, "maxRequests", 1, 10'000'000, spec.max_requests),
                             ReadInteger(value, "warmupRequests", 0, 10'000, spec.warmup_requests),
                             ReadInteger(value, "seed", INT64_MIN, INT64_MAX, spec.seed),
                             ReadMilliseconds(value, "firstRequestTimeoutMs", spec.first_request_timeout),
                             ReadMilliseconds(value, "requestTimeoutMs", spec.request_timeout),
                             ReadMilliseconds(value, "experimentTimeoutMs", spec.experiment_timeout)}) {
    if (!status) return status.error();
  }
  if (const auto quality = value.find("quality"); quality != value.end()) {
    if (!quality->is_boolean()) return base::Invalid("spec.quality: " + quality->dump() + " is neither true nor false");
    spec.quality = quality->get<bool>();
  }
  return spec;
}

}  // namespace autotune::bench
