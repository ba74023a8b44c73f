#include "cli/bench_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>

#include "bench/server.h"
#include "bench/workload.h"
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
// `shares`: those that were read.
base::Status ReadSlo(const std::string& text, std::set<std::string>& shares, measurement::Slo& out) {
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
    if (!shares.insert(name).second) return wrong("the limit is set twice");
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
    if (std::isinf(value) && value > 0) {
      return base::Invalid(option +
                           ": a load is finite; for the most that the server gets done, have many requests in " +
                           "flight (--concurrency 256), or none of these flags");
    }
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
  const bool fixed = !options.concurrency.empty() || !options.rates.empty();
  if (!options.concurrency.empty() && !options.rates.empty()) {
    return base::Invalid("--rate and --concurrency exclude each other");
  }
  if (fixed && !options.search.empty()) {
    return base::Invalid("--search and " + std::string(options.rates.empty() ? "--concurrency" : "--rate") +
                         " exclude each other: fixed loads are not searched");
  }
  if (options.max && *options.max < 1) return base::Invalid("--max: must be at least 1");
  out.load.max = options.max.value_or(out.load.max);
  if (!options.concurrency.empty()) {
    auto points = Points(options.concurrency, "--concurrency", true);
    if (!points) return points.error();
    if (options.max) {
      return base::Invalid("--max and --concurrency exclude each other: the given numbers of requests are in flight");
    }
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
  if (!(*burstiness >= 0.01 && *burstiness <= 999)) {
    return base::Invalid("--arrival gamma: " + text.substr(colon + 1) +
                         " is not within 0.01 and 999 (1 is poisson, below 1 is burstier)");
  }
  out.burstiness = *burstiness;
  return {};
}

base::Status ReadPrefix(const std::string& text, measurement::Prefix& out) {
  if (text.empty()) return {};
  const std::size_t x = text.find('x');
  const auto tokens = Number(text.substr(0, x), "--prefix");
  const auto groups = x == std::string::npos ? base::Result<double>(1.0) : Number(text.substr(x + 1), "--prefix");
  const auto whole = [](const base::Result<double>& number, double most) {
    return number && *number >= 1 && *number <= most && *number == std::floor(*number);
  };
  if (!whole(tokens, 1e7) || !whole(groups, 1e6)) {
    return base::Invalid("--prefix: \"" + text + "\" is not TOKENSxGROUPS, such as 1024x8");
  }
  out = {static_cast<int>(*tokens), static_cast<int>(*groups)};
  return {};
}

measurement::DatasetFormat FormatOf(std::string_view begin) {
  const std::size_t brace = begin.find('{');
  const std::string_view first = brace == std::string_view::npos ? begin : begin.substr(brace);
  const auto has = [&](std::string_view key) { return first.find(key) != std::string_view::npos; };
  if (has("\"conversations\"") || has("\"conversation\"")) return measurement::DatasetFormat::kShareGpt;
  if (has("\"input_length\"") && (has("\"timestamp\"") || has("\"hash_ids\"")))
    return measurement::DatasetFormat::kMooncake;
  return measurement::DatasetFormat::kJsonl;
}

base::Status ReadDataset(const BenchOptions& options, std::string_view begin, bench::BenchSpec& out) {
  if (options.dataset.empty()) {
    const char* option = !options.format.empty() ? "--format" : options.output_tokens ? "--output-tokens" : nullptr;
    return option == nullptr ? base::Status() : base::Invalid(std::string(option) + ": there is no --dataset");
  }
  if (!options.scenarios.empty()) {
    return base::Invalid("--scenario and --dataset exclude each other: a dataset has its own lengths");
  }
  if (!options.prefix.empty() || options.turns) {
    return base::Invalid(std::string(options.turns ? "--turns" : "--prefix") +
                         " and --dataset exclude each other: a dataset has its own texts");
  }
  out.dataset = bench::Dataset{options.dataset, FormatOf(begin), std::nullopt};
  if (!options.format.empty()) {
    const auto format = measurement::DatasetFormatFromName(options.format);
    if (!format) {
      return base::Invalid("--format: \"" + options.format + "\" is not one of JSONL, ShareGPT, Mooncake");
    }
    out.dataset->format = *format;
  }
  if (options.output_tokens && *options.output_tokens < 1) return base::Invalid("--output-tokens: must be at least 1");
  if (options.output_tokens && out.dataset->format == measurement::DatasetFormat::kMooncake) {
    return base::Invalid("--output-tokens: every entry of a Mooncake trace has its own output length");
  }
  out.dataset->output_tokens = options.output_tokens;
  return {};
}

// What token ids are drawn from, and what requests have to fit into.
base::Status ReadModelFacts(const BenchOptions& options, bench::BenchSpec& out) {
  if (options.max_model_len && *options.max_model_len < 1) return base::Invalid("--max-model-len: must be at least 1");
  out.max_model_len = options.max_model_len.value_or(0);
  if (!options.vocab_size) return {};
  const bool trace = out.dataset && out.dataset->format == measurement::DatasetFormat::kMooncake;
  const bool chat = out.endpoint == measurement::Endpoint::kChat;
  if (chat || (out.dataset && !trace)) {
    return base::Invalid(std::string("--vocab-size: ") + (chat ? "a chat" : "the dataset") +
                         " has texts, not token ids");
  }
  if (*options.vocab_size < bench::kSmallestVocabulary) {
    return base::Invalid("--vocab-size: must be at least " + std::to_string(bench::kSmallestVocabulary));
  }
  out.vocab_size = *options.vocab_size;
  return {};
}

// The option that a member of the specification is read from.
std::string WithOption(const std::string& message, const BenchOptions& options) {
  const std::pair<std::string_view, std::string_view> kOptions[] = {
      {"spec.scenarios[", options.dataset.empty() ? "--scenario" : "--dataset"},
      {"spec.dataset", "--dataset"},
      {"spec.prefix", "--prefix"},
      {"spec.turns", "--turns"},
      {"spec.arrival", "--arrival"},
      {"spec.load", options.rates.empty() ? "--concurrency" : "--rate"},
      {"spec.slo.", "--slo "},
      {"spec.slo", "--slo"},
  };
  for (const auto& [member, option] : kOptions) {
    if (!message.starts_with(member)) continue;
    if (member.ends_with('.')) return std::string(option) + message.substr(member.size());
    return std::string(option) + message.substr(message.find(':'));
  }
  return message;
}

}  // namespace

base::Result<bench::BenchSpec> BenchSpecOf(const BenchOptions& options, std::string_view dataset_begin) {
  bench::BenchSpec spec;
  spec.quality.measure = false;
  spec.seed = options.seed;
  spec.records = options.records;
  if (options.seed < 0) return base::Invalid("--seed: must be at least 0");
  const auto url = bench::ServerUrl::Parse(options.url);
  if (!url) return url.error();
  if (options.chat && url->endpoint == measurement::Endpoint::kCompletions) {
    return base::Invalid("--chat: the URL ends with /v1/completions");
  }
  spec.endpoint = options.chat ? measurement::Endpoint::kChat : url->endpoint.value_or(spec.endpoint);
  if (auto status = ReadDataset(options, dataset_begin, spec); !status) return status.error();
  if (auto status = ReadModelFacts(options, spec); !status) return status.error();
  if (auto status = ReadPrefix(options.prefix, spec.prefix); !status) return status.error();
  std::vector<std::string> scenarios = options.scenarios;
  if (scenarios.empty() && options.dataset.empty()) {
    scenarios = {"D(" + std::to_string(spec.prefix.tokens + 512) + ",128)"};  // 512 tokens of its own
  }
  for (const std::string& text : scenarios) {
    const auto scenario = measurement::Scenario::Parse(text);
    if (!scenario) return base::Invalid("--scenario: " + scenario.error().message);
    spec.scenarios.push_back(*scenario);
  }
  if (options.turns) {
    if (!(*options.turns >= 1 && *options.turns <= 1000)) return base::Invalid("--turns: must be from 1 to 1000");
    spec.turns.mean = *options.turns;
  }
  std::set<std::string> shares;
  for (const std::string& text : options.slo) {
    if (auto status = ReadSlo(text, shares, spec.slo); !status) return status.error();
  }
  if (spec.slo.attainment) spec.score_metric = measurement::ScoreMetric::kAttainedRequests;
  if (auto status = ReadLoad(options, spec); !status) return status.error();
  if (auto status = ReadArrival(options.arrival, spec.arrival); !status) return status.error();
  if (!options.arrival.empty() && KindOf(spec.load.mode) == measurement::LoadKind::kConcurrency) {
    return base::Invalid("--arrival: a closed loop has no arrival process: use --rate or --search rate");
  }
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
    if (timeout->count() < 1) return base::Invalid("--request-timeout: must be more than zero");
    spec.request_timeout = *timeout;
    spec.first_request_timeout = *timeout;  // the server is running: nobody waits for its kernels
  }
  if (auto status = CheckBenchSpec(spec); !status) return base::Invalid(WithOption(status.error().message, options));
  return spec;
}

}  // namespace autotune::cli
