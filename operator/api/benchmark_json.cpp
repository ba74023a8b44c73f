// spec.benchmark of an AutotuneTask <-> C++ values. Bounds and defaults are those of crds/autotunetask.yaml.
#include <algorithm>
#include <array>
#include <utility>

#include "bench/bench_spec.h"
#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"

namespace autotune::api {
namespace {

using Presence = ObjectReader::Presence;
using measurement::ArrivalProcess;
using measurement::DatasetFormat;
using measurement::Endpoint;
using measurement::LoadMode;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::array<std::string_view, 2> kEndpoints = {"Completions", "Chat"};
constexpr std::array<std::string_view, 3> kFormats = {"JSONL", "ShareGPT", "Mooncake"};
constexpr std::array<std::string_view, 4> kProcesses = {"Poisson", "Constant", "Gamma", "Trace"};
constexpr std::array<std::string_view, 2> kSearchedLoads = {"Concurrency", "RequestRate"};
constexpr int kMaxConcurrency = 4096;
constexpr double kMaxRate = 1e6;

template <typename List>
void RequireAscending(ObjectReader& reader, std::string_view key, const List& values) {
  for (std::size_t i = 1; i < values.size() && !reader.failed(); ++i) {
    if (values[i] > values[i - 1]) continue;
    reader.Fail(key, "loads must be in ascending order: " + FormatDecimal(values[i], 6) + " follows " +
                         FormatDecimal(values[i - 1], 6));
  }
}

// A decimal in a string that must be there, in (0, max].
double PositiveDecimal(ObjectReader& reader, std::string_view key, double max) {
  std::optional<double> value;
  reader.Decimal(key, value, 0, max);
  if (!reader.failed() && value && *value == 0) reader.Fail(key, "must be more than zero");
  return value.value_or(0);
}

void ReadLoad(ObjectReader& reader, measurement::LoadPlan& out) {
  int kinds = 0;
  reader.Nested("auto", [&](ObjectReader& search) {
    ++kinds;
    search.Choice("by", kSearchedLoads,
                  [&](std::size_t i) { out.mode = i == 0 ? LoadMode::kAutoConcurrency : LoadMode::kAutoRate; });
    search.Integer("max", out.max, 1, kMaxConcurrency);
    if (search.Get("resolution") != nullptr) out.resolution = PositiveDecimal(search, "resolution", 0.999999);
  });
  if (reader.Get("concurrency") != nullptr) {
    ++kinds;
    std::vector<int> steps;
    reader.Integers("concurrency", steps, 1, kMaxConcurrency, bench::kMaxPoints);
    if (!reader.failed() && steps.empty()) reader.Fail("concurrency", "is empty");
    RequireAscending(reader, "concurrency", steps);
    out.mode = LoadMode::kFixedConcurrency;
    out.fixed.assign(steps.begin(), steps.end());
  }
  if (reader.Get("requestRate") != nullptr) {
    ++kinds;
    std::vector<std::string> texts;
    reader.Texts("requestRate", texts, bench::kMaxPoints, 16);
    if (!reader.failed() && texts.empty()) reader.Fail("requestRate", "is empty");
    out.mode = LoadMode::kFixedRate;
    out.fixed.clear();
    for (std::size_t i = 0; i < texts.size() && !reader.failed(); ++i) {
      const std::string path = reader.PathOf("requestRate") + "[" + std::to_string(i) + "]";
      char* end = nullptr;
      const double rate = std::strtod(texts[i].c_str(), &end);
      if (texts[i].empty() || *end != '\0' || !(rate > 0) || rate > kMaxRate) {
        reader.FailAt(path,
                      "\"" + texts[i] + "\" is not a rate in requests/s such as \"2.5\", above 0 and up to 1000000");
      }
      out.fixed.push_back(rate);
    }
    RequireAscending(reader, "requestRate", out.fixed);
  }
  if (!reader.failed() && kinds > 1) {
    reader.FailAt(reader.path(), "set at most one of auto, concurrency and requestRate");
  }
}

void ReadDataset(ObjectReader& reader, DatasetSpec& out) {
  ReadFileSource(reader, out.config_map, out.claim, out.file);
  if (!reader.failed() && reader.Get("format") == nullptr) reader.Fail("format", "is required");
  reader.Choice("format", kFormats, [&](std::size_t i) { out.format = static_cast<DatasetFormat>(i); });
  int tokens = 0;
  reader.Integer("outputTokens", tokens, 1, 1'000'000);
  if (tokens > 0) out.output_tokens = tokens;
}

void ReadScenarios(ObjectReader& reader, std::vector<std::string>& out) {
  if (reader.Get("scenarios") == nullptr) return;
  out.clear();
  reader.Texts("scenarios", out, bench::kMaxPoints, 64);
  if (!reader.failed() && out.empty()) reader.Fail("scenarios", "is empty");
  for (std::size_t i = 0; i < out.size() && !reader.failed(); ++i) {
    const std::string path = "scenarios[" + std::to_string(i) + "]";
    const auto scenario = measurement::Scenario::Parse(out[i]);
    if (!scenario) reader.Fail(path, scenario.error().message);
    if (std::find(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(i), out[i]) !=
        out.begin() + static_cast<std::ptrdiff_t>(i)) {
      reader.Fail(path, "\"" + out[i] + "\" is listed twice");
    }
  }
}

}  // namespace

void ReadFileSource(ObjectReader& reader, std::string& config_map, std::string& claim, std::string& file) {
  reader.Nested("configMap", [&](ObjectReader& source) {
    source.Text("name", config_map, Presence::kRequired, 253);
    source.Text("key", file, Presence::kRequired, 253);
  });
  reader.Nested("persistentVolumeClaim", [&](ObjectReader& source) {
    if (!config_map.empty())
      return reader.FailAt(reader.path(),
                           "set exactly one of configMap and "
                           "persistentVolumeClaim");
    source.Text("claimName", claim, Presence::kRequired, 253);
    source.Text("path", file, Presence::kRequired, 512);
    if (!source.failed() && file.starts_with('/'))
      source.Fail("path", "must be relative to the root of the volume, without a leading /");
  });
  if (!reader.failed() && config_map.empty() && claim.empty()) {
    reader.FailAt(reader.path(), "set exactly one of configMap and persistentVolumeClaim");
  }
}

json FileSourceJson(const std::string& config_map, const std::string& claim, const std::string& file) {
  if (!config_map.empty()) return {{"configMap", {{"name", config_map}, {"key", file}}}};
  return {{"persistentVolumeClaim", {{"claimName", claim}, {"path", file}}}};
}

std::size_t PointsOf(const BenchmarkSpec& benchmark) {
  const std::size_t workloads = std::max<std::size_t>(benchmark.scenarios.size(), 1);
  // A search keeps the points that decide: the limit, the one above it that missed the SLO, and the capacity.
  return workloads * (benchmark.load.fixed.empty() ? 3 : benchmark.load.fixed.size());
}

void ReadBenchmark(ObjectReader& reader, BenchmarkSpec& out) {
  reader.Choice("endpoint", kEndpoints, [&](std::size_t i) { out.endpoint = static_cast<Endpoint>(i); });
  reader.Nested("dataset", [&](ObjectReader& dataset) { ReadDataset(dataset, out.dataset.emplace()); });
  if (!reader.failed() && out.dataset && reader.Get("scenarios") != nullptr) {
    reader.FailAt(reader.path(), "set at most one of scenarios and dataset");
  }
  ReadScenarios(reader, out.scenarios);
  reader.Nested("prefix", [&](ObjectReader& prefix) {
    if (prefix.Get("tokens") == nullptr) prefix.Fail("tokens", "is required");
    prefix.Integer("tokens", out.prefix.tokens, 1, 1'000'000);
    prefix.Integer("groups", out.prefix.groups, 1, 100'000);
  });
  reader.Nested("turns", [&](ObjectReader& turns) {
    if (turns.Get("mean") == nullptr) turns.Fail("mean", "is required");
    out.turns.mean = PositiveDecimal(turns, "mean", 9999);
    if (!turns.failed() && out.turns.mean < 1) turns.Fail("mean", "must be at least 1");
  });
  if (!reader.failed() && out.dataset && (out.prefix.tokens > 0 || out.turns.mean != 1)) {
    reader.FailAt(reader.path(), "prefix and turns cannot be combined with dataset");
  }
  reader.Nested("load", [&](ObjectReader& load) { ReadLoad(load, out.load); });
  reader.Nested("arrival", [&](ObjectReader& arrival) {
    arrival.Choice("process", kProcesses, [&](std::size_t i) { out.arrival.process = static_cast<ArrivalProcess>(i); });
    if (arrival.Get("burstiness") == nullptr) return;
    out.arrival.burstiness = PositiveDecimal(arrival, "burstiness", 999);
    // Below, nearly all requests of a block come at one instant: no rate.
    if (!arrival.failed() && out.arrival.burstiness < 0.01) {
      arrival.Fail("burstiness", "must be at least 0.01: rarer bursts hold no rate within a point");
    }
    if (!arrival.failed() && out.arrival.process != ArrivalProcess::kGamma) {
      arrival.Fail("burstiness", "requires process: Gamma");
    }
  });
  if (!reader.failed() && out.arrival.process == ArrivalProcess::kTrace &&
      (!out.dataset || out.dataset->format != DatasetFormat::kMooncake)) {
    reader.FailAt(reader.PathOf("arrival"), "process Trace requires a dataset of format Mooncake");
  }
  if (!reader.failed() && PointsOf(out) > bench::kMaxPoints) {
    reader.FailAt(reader.path(), "scenarios times loads are " + std::to_string(PointsOf(out)) + ", more than " +
                                     std::to_string(bench::kMaxPoints) + " (load.auto counts as 3 loads)");
  }
  reader.Duration("duration", out.duration, seconds(1), hours(4));
  reader.Duration("drain", out.drain, seconds(1), hours(4));
  reader.Duration("warmup", out.warmup, seconds(1), hours(4));
  if (reader.Get("requestTimeout") != nullptr) {
    reader.Duration("requestTimeout", out.request_timeout.emplace(), seconds(1), hours(4));
  }
  reader.Nested("records", [&](ObjectReader& records) {
    records.Nested("persistentVolumeClaim",
                   [&](ObjectReader& claim) { claim.Text("claimName", out.records_claim, Presence::kRequired, 253); });
    if (!records.failed() && out.records_claim.empty()) records.Fail("persistentVolumeClaim", "is required");
  });
  reader.Integer("seed", out.seed, 0);
  reader.Text("image", out.image, Presence::kOptional, 512);
  ReadResources(reader, out.resources);
  ReadPassedItems(reader, "env", out.env, 64, {"name"});
}

namespace {

// What is not set stays so: the default search is not written.
json ToJson(const measurement::LoadPlan& load) {
  if (load == measurement::LoadPlan()) return json::object();
  switch (load.mode) {
    case LoadMode::kFixedConcurrency: {
      json steps = json::array();
      for (const double value : load.fixed) steps.push_back(static_cast<int>(value));
      return {{"concurrency", std::move(steps)}};
    }
    case LoadMode::kFixedRate: {
      json steps = json::array();
      for (const double value : load.fixed) steps.push_back(FormatDecimal(value, 6));
      return {{"requestRate", std::move(steps)}};
    }
    case LoadMode::kAutoConcurrency:
    case LoadMode::kAutoRate:
      break;
  }
  return {{"auto",
           {{"by", kSearchedLoads[load.mode == LoadMode::kAutoConcurrency ? 0 : 1]},
            {"max", load.max},
            {"resolution", FormatDecimal(load.resolution, 6)}}}};
}

json ToJson(const DatasetSpec& dataset) {
  json out = FileSourceJson(dataset.config_map, dataset.claim, dataset.file);
  out["format"] = kFormats[static_cast<std::size_t>(dataset.format)];
  if (dataset.output_tokens) out["outputTokens"] = *dataset.output_tokens;
  return out;
}

}  // namespace

json ToJson(const BenchmarkSpec& benchmark) {
  json arrival = {{"process", kProcesses[static_cast<std::size_t>(benchmark.arrival.process)]}};
  if (benchmark.arrival.process == ArrivalProcess::kGamma) {
    arrival["burstiness"] = FormatDecimal(benchmark.arrival.burstiness, 6);
  }
  json out = {{"endpoint", kEndpoints[static_cast<std::size_t>(benchmark.endpoint)]},
              {"load", ToJson(benchmark.load)},
              {"arrival", std::move(arrival)},
              {"duration", FormatDuration(benchmark.duration)},
              {"drain", FormatDuration(benchmark.drain)},
              {"warmup", FormatDuration(benchmark.warmup)},
              {"seed", benchmark.seed}};
  if (!benchmark.scenarios.empty()) out["scenarios"] = benchmark.scenarios;
  if (benchmark.dataset) out["dataset"] = ToJson(*benchmark.dataset);
  if (benchmark.prefix.tokens > 0) {
    out["prefix"] = {{"tokens", benchmark.prefix.tokens}, {"groups", benchmark.prefix.groups}};
  }
  if (benchmark.turns.mean != 1) out["turns"] = {{"mean", FormatDecimal(benchmark.turns.mean, 6)}};
  if (benchmark.request_timeout) out["requestTimeout"] = FormatDuration(*benchmark.request_timeout);
  if (!benchmark.records_claim.empty()) {
    out["records"] = {{"persistentVolumeClaim", {{"claimName", benchmark.records_claim}}}};
  }
  if (!benchmark.image.empty()) out["image"] = benchmark.image;
  if (!benchmark.resources.empty()) out["resources"] = benchmark.resources;
  if (!benchmark.env.empty()) out["env"] = benchmark.env;
  return out;
}

}  // namespace autotune::api
