#include "cli/bench_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "operator/api/autotune_task.h"
#include "operator/api/units.h"

namespace autotune::cli {
namespace {

using measurement::LoadMode;

base::Result<double> Number(std::string_view text, const std::string& option) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) {
    return base::Invalid(option + ": \"" + std::string(text) + "\" is not a number");
  }
  return value;
}

// "ttft.p99=500ms", "errorRate=0.01", "attainment=0.95".
base::Status ReadSlo(const std::string& text, measurement::Slo& out) {
  const auto wrong = [&](const std::string& why) {
    return base::Invalid("--slo " + text + ": " + why +
                         "; a limit is METRIC.STATISTIC=TIME with ttft, tpot, itl or e2eLatency and mean, p50, p90, "
                         "p95 or p99, such as ttft.p99=500ms, or errorRate=0.01, or attainment=0.95");
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return wrong("= is missing");
  const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
  if (name == "errorRate" || name == "attainment") {
    const auto share = Number(value, "--slo " + name);
    if (!share) return share.error();
    if (!(*share >= 0 && *share <= 1)) return wrong("the share must be between 0 and 1");
    if (name == "errorRate") {
      out.max_error_rate = *share;
    } else {
      out.attainment = *share;
    }
    return {};
  }
  const std::size_t dot = name.find('.');
  const std::string metric_name = name.substr(0, dot);
  const auto metric = measurement::MetricFromName(metric_name == "e2e" ? "e2eLatency" : metric_name);
  const auto statistic = dot == std::string::npos ? std::nullopt : measurement::StatisticFromName(name.substr(dot + 1));
  if (!metric) return wrong("\"" + metric_name + "\" is not a metric");
  if (!statistic) return wrong("the statistic is missing or unknown");
  const auto limit = api::ParseMilliseconds(value, "--slo " + name);
  if (!limit) return limit.error();
  if (*limit <= 0) return wrong("the limit must be more than zero");
  for (const measurement::Bound& bound : out.bounds) {
    if (bound.metric == *metric && bound.statistic == *statistic) return wrong("the limit is set twice");
  }
  out.bounds.push_back({*metric, *statistic, *limit});
  return {};
}

base::Result<std::vector<double>> Points(std::vector<double> values, const std::string& option, bool whole) {
  for (const double value : values) {
    if (!(value > 0) || value > 1e6 || (whole && value != std::floor(value))) {
      return base::Invalid(option + ": " + api::FormatDecimal(value, 6) + " is not " +
                           (whole ? "a number of requests" : "a rate of requests/s above 0 and at most 1000000"));
    }
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

base::Status ReadLoad(const BenchOptions& options, bench::BenchSpec& out) {
  if (!options.concurrency.empty() && !options.rates.empty()) {
    return base::Invalid("--rate and --concurrency exclude each other");
  }
  if (options.max < 1) return base::Invalid("--max: must be at least 1");
  out.load.max = options.max;
  if (!options.concurrency.empty()) {
    auto points = Points(options.concurrency, "--concurrency", true);
    if (!points) return points.error();
    out.load.mode = LoadMode::kFixedConcurrency;
    out.load.fixed = *std::move(points);
    out.load.max = std::max(out.load.max, static_cast<int>(out.load.fixed.back()));
  } else if (!options.rates.empty()) {
    auto points = Points(options.rates, "--rate", false);
    if (!points) return points.error();
    out.load.mode = LoadMode::kFixedRate;
    out.load.fixed = *std::move(points);
  } else {
    out.load.mode = options.search == "rate" ? LoadMode::kAutoRate : LoadMode::kAutoConcurrency;
  }
  return {};
}

base::Status ReadArrival(const std::string& text, measurement::Arrival& out) {
  using measurement::ArrivalProcess;
  if (text.empty()) return {};
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  if (name == "poisson") {
    out.process = ArrivalProcess::kPoisson;
  } else if (name == "constant") {
    out.process = ArrivalProcess::kConstant;
  } else if (name == "gamma") {
    out.process = ArrivalProcess::kGamma;
  } else if (name == "trace") {
    out.process = ArrivalProcess::kTrace;
  } else {
    return base::Invalid("--arrival: \"" + text + "\" is not one of poisson, constant, gamma:BURSTINESS, trace");
  }
  if (colon == std::string::npos) {
    if (out.process != ArrivalProcess::kGamma) return {};
    return base::Invalid(
        "--arrival gamma: the burstiness is missing, such as gamma:0.5 (1 is poisson, below 1 is burstier)");
  }
  if (out.process != ArrivalProcess::kGamma) return base::Invalid("--arrival: " + name + " has no burstiness");
  const auto burstiness = Number(text.substr(colon + 1), "--arrival gamma");
  if (!burstiness) return burstiness.error();
  if (!(*burstiness >= 0.01 && *burstiness <= 1000)) {
    return base::Invalid(
        "--arrival gamma: the burstiness must be between 0.01 and 1000 (1 is poisson, below 1 is burstier)");
  }
  out.burstiness = *burstiness;
  return {};
}

base::Status ReadPrefix(const std::string& text, measurement::Prefix& out) {
  if (text.empty()) return {};
  const std::size_t x = text.find('x');
  const auto tokens = Number(text.substr(0, x), "--prefix");
  const auto groups = x == std::string::npos ? base::Result<double>(1.0) : Number(text.substr(x + 1), "--prefix");
  if (!tokens || !groups || *tokens < 1 || *groups < 1 || *tokens > 1e7 || *groups > 1e6) {
    return base::Invalid("--prefix: \"" + text + "\" is not TOKENSxGROUPS, such as 1024x8");
  }
  out = {static_cast<int>(*tokens), static_cast<int>(*groups)};
  return {};
}

measurement::DatasetFormat FormatOf(std::string_view begin) {
  const std::size_t brace = begin.find('{');
  const std::string_view first = brace == std::string_view::npos ? begin : begin.substr(brace);
  const auto has = [&](std::string_view key) { return first.find(key) != std::string_view::npos; };
  if (has("\"conversations\"")) return measurement::DatasetFormat::kShareGpt;
  if (has("\"input_length\"") && (has("\"timestamp\"") || has("\"hash_ids\"")))
    return measurement::DatasetFormat::kMooncake;
  return measurement::DatasetFormat::kJsonl;
}

}  // namespace

base::Result<bench::BenchSpec> BenchSpecOf(const BenchOptions& options, std::string_view dataset_begin) {
  bench::BenchSpec spec;
  spec.quality.measure = false;
  spec.seed = options.seed;
  spec.vocab_size = options.vocab_size;
  spec.max_model_len = options.max_model_len;
  spec.records = options.records;
  if (options.chat) spec.endpoint = measurement::Endpoint::kChat;
  if (!options.dataset.empty()) {
    if (!options.scenarios.empty()) {
      return base::Invalid("--scenario and --dataset exclude each other: a dataset has its own lengths");
    }
    spec.dataset = bench::Dataset{options.dataset, FormatOf(dataset_begin), std::nullopt};
    if (options.output_tokens > 0) spec.dataset->output_tokens = options.output_tokens;
    if (!options.format.empty()) {
      const auto format = measurement::DatasetFormatFromName(options.format);
      if (!format) {
        return base::Invalid("--format: \"" + options.format + "\" is not one of JSONL, ShareGPT, Mooncake");
      }
      spec.dataset->format = *format;
    }
  }
  std::vector<std::string> scenarios = options.scenarios;
  if (scenarios.empty() && options.dataset.empty()) scenarios = {"D(512,128)"};
  for (const std::string& text : scenarios) {
    const auto scenario = measurement::Scenario::Parse(text);
    if (!scenario) return base::Invalid("--scenario: " + scenario.error().message);
    spec.scenarios.push_back(*scenario);
  }
  if (auto status = ReadPrefix(options.prefix, spec.prefix); !status) return status.error();
  if (!(options.turns >= 1)) return base::Invalid("--turns: must be at least 1");
  spec.turns.mean = options.turns;
  for (const std::string& text : options.slo) {
    if (auto status = ReadSlo(text, spec.slo); !status) return status.error();
  }
  if (spec.slo.attainment) spec.worth = measurement::Worth::kAttainedRequests;
  if (auto status = ReadLoad(options, spec); !status) return status.error();
  if (auto status = ReadArrival(options.arrival, spec.arrival); !status) return status.error();
  const struct {
    const char* option;
    const std::string& text;
    std::chrono::milliseconds& out;
  } kDurations[] = {{"--duration", options.duration, spec.duration},
                    {"--drain", options.drain, spec.drain},
                    {"--warmup", options.warmup, spec.warmup}};
  for (const auto& row : kDurations) {
    const auto duration = api::ParseDuration(row.text, row.option);
    if (!duration) return duration.error();
    if (duration->count() < 1) return base::Invalid(std::string(row.option) + ": must be more than zero");
    row.out = *duration;
  }
  if (!options.request_timeout.empty()) {
    const auto timeout = api::ParseDuration(options.request_timeout, "--request-timeout");
    if (!timeout) return timeout.error();
    spec.request_timeout = *timeout;
  }
  if (auto status = CheckBenchSpec(spec); !status) return status.error();
  return spec;
}

}  // namespace autotune::cli
