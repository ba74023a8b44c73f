#include "bench/engine_metrics.h"

#include <algorithm>
#include <charconv>

namespace autotune::bench {
namespace {

enum class Sum { kAll, kHighest };

struct Name {
  std::string_view name;
  std::optional<double> EngineReading::*member;
  Sum sum;
};

// As of vLLM 0.11 to 0.26 (with the names before 0.11 where they differ), SGLang 0.5, TensorRT-LLM 1.2 and 1.3.
constexpr Name kNames[] = {
    {"vllm:num_requests_running", &EngineReading::running, Sum::kAll},
    {"vllm:num_requests_waiting", &EngineReading::waiting, Sum::kAll},
    {"vllm:kv_cache_usage_perc", &EngineReading::kv_cache_use, Sum::kHighest},
    {"vllm:gpu_cache_usage_perc", &EngineReading::kv_cache_use, Sum::kHighest},
    {"vllm:num_preemptions_total", &EngineReading::preemptions, Sum::kAll},
    {"vllm:prefix_cache_hits_total", &EngineReading::prefix_hits, Sum::kAll},
    {"vllm:prefix_cache_queries_total", &EngineReading::prefix_queries, Sum::kAll},
    {"vllm:gpu_prefix_cache_hits_total", &EngineReading::prefix_hits, Sum::kAll},
    {"vllm:gpu_prefix_cache_queries_total", &EngineReading::prefix_queries, Sum::kAll},
    {"vllm:spec_decode_num_accepted_tokens_total", &EngineReading::accepted_drafts, Sum::kAll},
    {"vllm:spec_decode_num_draft_tokens_total", &EngineReading::drafts, Sum::kAll},
    {"sglang:num_running_reqs", &EngineReading::running, Sum::kAll},
    {"sglang:num_queue_reqs", &EngineReading::waiting, Sum::kAll},
    {"sglang:token_usage", &EngineReading::kv_cache_use, Sum::kHighest},
    {"sglang:num_retracted_requests_total", &EngineReading::preemptions, Sum::kAll},
    {"sglang:cached_tokens_total", &EngineReading::prefix_hits, Sum::kAll},
    {"sglang:prompt_tokens_total", &EngineReading::prefix_queries, Sum::kAll},
    {"sglang:cache_hit_rate", &EngineReading::prefix_hit_rate, Sum::kHighest},
    {"sglang:spec_accept_rate", &EngineReading::draft_acceptance, Sum::kHighest},
    {"trtllm_num_requests_running", &EngineReading::running, Sum::kAll},
    {"trtllm_num_requests_waiting", &EngineReading::waiting, Sum::kAll},
    {"trtllm_kv_cache_utilization", &EngineReading::kv_cache_use, Sum::kHighest},
    {"trtllm_kv_cache_hit_rate", &EngineReading::prefix_hit_rate, Sum::kHighest},
};

void Read(std::string_view line, EngineReading& out) {
  const std::size_t end = line.find_first_of("{ \t");
  if (end == std::string_view::npos) return;
  const std::string_view name = line.substr(0, end);
  const auto* known = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& n) { return n.name == name; });
  if (known == std::end(kNames)) return;
  std::size_t value = end;
  if (line[end] == '{') {
    value = line.rfind('}');  // a label's value may hold one, what follows the labels does not
    if (value == std::string_view::npos) return;
    ++value;
  }
  value = line.find_first_not_of(" \t", value);
  if (value == std::string_view::npos) return;
  double number = 0;
  const auto [stop, error] = std::from_chars(line.data() + value, line.data() + line.size(), number);
  if (error != std::errc() || !(number >= 0 && number < 1e300)) return;
  std::optional<double>& member = out.*(known->member);
  member = !member ? number : known->sum == Sum::kAll ? *member + number : std::max(*member, number);
}

template <typename Get>
std::optional<double> Mean(const std::vector<EngineReading>& readings, const Get& get) {
  double sum = 0;
  int count = 0;
  for (const EngineReading& reading : readings) {
    if (const auto value = get(reading)) {
      sum += *value;
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

// How much a total grew. An engine's restart would make it less: then nothing is known.
std::optional<double> Growth(const std::vector<EngineReading>& readings, std::optional<double> EngineReading::*total) {
  if (readings.size() < 2) return std::nullopt;
  const auto& first = readings.front().*total;
  const auto& last = readings.back().*total;
  if (!first || !last || *last < *first) return std::nullopt;
  return *last - *first;
}

std::optional<double> Share(const std::optional<double>& part, const std::optional<double>& whole) {
  if (!part || !whole || *whole <= 0) return std::nullopt;
  return std::min(*part / *whole, 1.0);
}

}  // namespace

EngineReading ReadEngineMetrics(std::string_view text) {
  EngineReading out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.front() != '#') Read(line, out);
  }
  return out;
}

measurement::EngineCounters SummarizeReadings(const std::vector<EngineReading>& readings) {
  measurement::EngineCounters out;
  out.running = Mean(readings, [](const EngineReading& r) { return r.running; });
  out.waiting = Mean(readings, [](const EngineReading& r) { return r.waiting; });
  for (const EngineReading& reading : readings) {
    if (reading.kv_cache_use) out.kv_cache_use = std::max(out.kv_cache_use.value_or(0), *reading.kv_cache_use);
  }
  out.preemptions = Growth(readings, &EngineReading::preemptions);
  out.prefix_hit_rate =
      Share(Growth(readings, &EngineReading::prefix_hits), Growth(readings, &EngineReading::prefix_queries));
  if (!out.prefix_hit_rate) {
    out.prefix_hit_rate = Mean(readings, [](const EngineReading& r) { return r.prefix_hit_rate; });
  }
  out.accepted_draft_tokens =
      Share(Growth(readings, &EngineReading::accepted_drafts), Growth(readings, &EngineReading::drafts));
  if (!out.accepted_draft_tokens) {
    out.accepted_draft_tokens = Mean(readings, [](const EngineReading& r) { return r.draft_acceptance; });
  }
  return out;
}

}  // namespace autotune::bench
