#include "simulator/metrics_page.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <span>

namespace autotune::simulator {
namespace {

using nlohmann::json;

constexpr std::array<double, 22> kFirstTokenBounds = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                                      0.25,  0.5,   0.75, 1.0,  2.5,  5.0,  7.5,  10.0,
                                                      20.0,  40.0,  80.0, 160., 640., 2560.};
constexpr std::array<double, 19> kTokenBounds = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
                                                 0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
constexpr std::array<double, 21> kRequestBounds = {0.3,  0.5,   0.8,   1.0,   1.5,   2.0,    2.5,
                                                   5.0,  10.0,  15.0,  20.0,  30.0,  40.0,   50.0,
                                                   60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};

std::span<const double> BoundsOf(LatencyHistogram::Scale scale) {
  switch (scale) {
    case LatencyHistogram::Scale::kFirstToken:
      return kFirstTokenBounds;
    case LatencyHistogram::Scale::kToken:
      return kTokenBounds;
    case LatencyHistogram::Scale::kRequest:
      return kRequestBounds;
  }
  return {};
}

// As Python's client writes a float: the shortest that reads the same, with a decimal point.
std::string Number(double value) {
  std::array<char, 40> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  std::string out(text.data(), end);
  if (out.find_first_of(".en") == std::string::npos) out += ".0";
  return out;
}

// Series of one page.
class Page {
 public:
  explicit Page(std::string labels) : labels_(std::move(labels)) {
    text_ =
        "# HELP simulated_engine 1: every number here comes from a simulated engine.\n"
        "# TYPE simulated_engine gauge\nsimulated_engine 1.0\n";
  }
  void Gauge(const std::string& name, double value, const std::string& more = "") { Add(name, "gauge", value, more); }
  void Counter(const std::string& name, double value, const std::string& more = "") {
    Add(name, "counter", value, more);
  }
  void Counter(const std::string& name, std::int64_t value, const std::string& more = "") {
    Add(name, "counter", static_cast<double>(value), more);
  }
  void Histogram(const std::string& name, const LatencyHistogram& histogram) { text_ += histogram.Text(name, labels_); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void Add(const std::string& name, const char* type, double value, const std::string& more) {
    if (name != last_) text_ += "# TYPE " + name + " " + type + "\n";
    last_ = name;
    text_ += name + "{" + more + (more.empty() ? "" : ",") + labels_ + "} " + Number(value) + "\n";
  }
  std::string labels_;
  std::string text_;
  std::string last_;
};

std::string VllmText(const EngineSettings& s, const engine_model::MemoryPlan& plan, const TokenSource::State& state,
                     const ServerTotals& totals) {
  Page page("engine=\"0\",model_name=\"" + s.served_name + "\"");
  const std::string cache_dtype = "\"" + s.kv_cache_dtype + "\"";
  page.Gauge("vllm:cache_config_info", 1,
             "block_size=\"" + std::to_string(s.block_tokens) + "\",cache_dtype=" + cache_dtype +
                 ",enable_prefix_caching=\"" + (s.prefix_caching ? "True" : "False") + "\",gpu_memory_utilization=\"" +
                 json(s.memory_fraction).dump() + "\",num_gpu_blocks=\"" +
                 std::to_string(plan.kv_tokens / s.block_tokens) + "\"");
  page.Gauge("vllm:num_requests_running", state.running);
  page.Gauge("vllm:num_requests_waiting", state.waiting);
  page.Gauge("vllm:kv_cache_usage_perc", state.kv_usage);
  page.Counter("vllm:prefix_cache_queries_total", state.totals.cache_queries);
  page.Counter("vllm:prefix_cache_hits_total", state.totals.cache_hits);
  if (s.release.Within("", "0.12")) {  // the names that were given up
    page.Gauge("vllm:gpu_cache_usage_perc", state.kv_usage);
    page.Counter("vllm:gpu_prefix_cache_queries_total", state.totals.cache_queries);
    page.Counter("vllm:gpu_prefix_cache_hits_total", state.totals.cache_hits);
  }
  page.Counter("vllm:num_preemptions_total", state.totals.preemptions);
  page.Counter("vllm:prompt_tokens_total", totals.prompt_tokens);
  page.Counter("vllm:generation_tokens_total", totals.generation_tokens);
  page.Counter("vllm:request_success_total", totals.finished_stop, "finished_reason=\"stop\"");
  page.Counter("vllm:request_success_total", totals.finished_length, "finished_reason=\"length\"");
  page.Counter("vllm:request_success_total", totals.aborted, "finished_reason=\"abort\"");
  if (s.speculation.draft_tokens > 0) {
    page.Counter("vllm:spec_decode_num_drafts_total", state.totals.drafts);
    page.Counter("vllm:spec_decode_num_draft_tokens_total", state.totals.draft_tokens);
    page.Counter("vllm:spec_decode_num_accepted_tokens_total", state.totals.accepted_tokens);
  }
  page.Histogram("vllm:time_to_first_token_seconds", totals.ttft);
  page.Histogram(
      s.release.Within("", "0.12") ? "vllm:time_per_output_token_seconds" : "vllm:inter_token_latency_seconds",
      totals.itl);
  page.Histogram("vllm:e2e_request_latency_seconds", totals.e2e);
  return page.text();
}

std::string SglangText(const EngineSettings& s, const engine_model::MemoryPlan& plan, const TokenSource::State& state,
                       const ServerTotals& totals) {
  Page page("engine_type=\"unified\",model_name=\"" + s.served_name + "\",pp_rank=\"0\",tp_rank=\"0\"");
  const auto used = static_cast<double>(state.kv_tokens_used);
  const auto share = [](double part, double whole) { return whole > 0 ? part / whole : 0; };
  page.Gauge("sglang:num_running_reqs", state.running);
  page.Gauge("sglang:num_used_tokens", used);
  page.Gauge("sglang:token_usage", state.kv_usage);
  page.Gauge("sglang:gen_throughput", totals.recent_tokens_per_second);
  page.Gauge("sglang:num_queue_reqs", state.waiting);
  page.Gauge("sglang:cache_hit_rate",
             share(static_cast<double>(state.totals.cache_hits), static_cast<double>(state.totals.cache_queries)));
  if (s.release.Within("0.5.9", "")) {
    page.Gauge("sglang:max_total_num_tokens", static_cast<double>(plan.kv_tokens));
    page.Counter("sglang:num_retracted_requests_total", state.totals.preemptions);
  }
  if (s.speculation.draft_tokens > 0) {
    page.Gauge("sglang:spec_accept_length", 1 + share(state.totals.accepted_tokens, state.totals.drafts));
    page.Gauge("sglang:spec_accept_rate", share(state.totals.accepted_tokens, state.totals.draft_tokens));
  }
  page.Counter("sglang:prompt_tokens_total", totals.prompt_tokens);
  page.Counter("sglang:generation_tokens_total", totals.generation_tokens);
  page.Counter("sglang:cached_tokens_total", state.totals.cache_hits);
  page.Counter("sglang:num_requests_total", totals.finished_length + totals.finished_stop);
  page.Counter("sglang:num_aborted_requests_total", totals.aborted);
  page.Histogram("sglang:time_to_first_token_seconds", totals.ttft);
  page.Histogram("sglang:inter_token_latency_seconds", totals.itl);
  page.Histogram("sglang:e2e_request_latency_seconds", totals.e2e);
  return page.text();
}

std::string TrtllmText(const EngineSettings& s, const engine_model::MemoryPlan& plan, const TokenSource::State& state,
                       const ServerTotals& totals) {
  Page page("engine_type=\"undefined\",model_name=\"" + s.served_name + "\"");
  page.Counter("trtllm_request_success_total", totals.finished_stop, "finished_reason=\"stop\"");
  page.Counter("trtllm_request_success_total", totals.finished_length, "finished_reason=\"length\"");
  page.Histogram("trtllm_e2e_request_latency_seconds", totals.e2e);
  page.Histogram("trtllm_time_to_first_token_seconds", totals.ttft);
  page.Histogram("trtllm_time_per_output_token_seconds", totals.itl);
  if (s.iteration_statistics) {
    const auto queries = static_cast<double>(state.totals.cache_queries);
    page.Gauge("trtllm_kv_cache_hit_rate", queries > 0 ? static_cast<double>(state.totals.cache_hits) / queries : 0);
    page.Gauge("trtllm_kv_cache_utilization", state.kv_usage);
    if (s.release.Within("1.3", "")) {
      page.Gauge("trtllm_num_requests_running", state.running);
      page.Gauge("trtllm_num_requests_waiting", state.waiting);
      const auto blocks = plan.kv_tokens / s.block_tokens;  // whole ones
      page.Gauge("trtllm_kv_cache_max_blocks", static_cast<double>(blocks));
    }
  }
  return page.text();
}

}  // namespace

void LatencyHistogram::Add(double seconds) {
  const std::span<const double> bounds = BoundsOf(scale_);
  const auto at = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
  ++counts_[static_cast<std::size_t>(at)];
  sum_ += seconds;
  ++count_;
}

std::string LatencyHistogram::Text(const std::string& name, const std::string& labels) const {
  std::string out = "# TYPE " + name + " histogram\n";
  std::int64_t below = 0;
  const std::span<const double> bounds = BoundsOf(scale_);
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    below += counts_[i];
    out +=
        name + "_bucket{" + labels + ",le=\"" + Number(bounds[i]) + "\"} " + Number(static_cast<double>(below)) + "\n";
  }
  const std::string count = Number(static_cast<double>(count_));
  out += name + "_bucket{" + labels + ",le=\"+Inf\"} " + count + "\n";
  out += name + "_count{" + labels + "} " + count + "\n";
  out += name + "_sum{" + labels + "} " + Number(sum_) + "\n";
  return out;
}

std::string MetricsPath(const EngineSettings& settings) {
  if (!settings.metrics) return "";
  return settings.release.engine == Engine::kTensorRtLlm ? "/prometheus/metrics" : "/metrics";
}

std::string MetricsText(const EngineSettings& settings, const engine_model::MemoryPlan& plan,
                        const TokenSource::State& state, const ServerTotals& totals) {
  switch (settings.release.engine) {
    case Engine::kVllm:
      return VllmText(settings, plan, state, totals);
    case Engine::kSglang:
      return SglangText(settings, plan, state, totals);
    case Engine::kTensorRtLlm:
      return TrtllmText(settings, plan, state, totals);
  }
  return "";
}

std::string IterationStatistics(const EngineSettings& settings, const engine_model::MemoryPlan& plan,
                                const TokenSource::State& state) {
  if (!settings.iteration_statistics) return "[]";
  const std::int64_t blocks = plan.kv_tokens / settings.block_tokens;
  const std::int64_t used = state.kv_tokens_used / settings.block_tokens;
  const std::int64_t reused = state.totals.cache_hits / settings.block_tokens;
  const std::int64_t missed = state.totals.cache_queries / settings.block_tokens - reused;
  const json one = {
      {"simulated", true},
      {"iter", state.totals.steps},
      {"numActiveRequests", state.running},
      {"numQueuedRequests", state.waiting},
      {"maxNumActiveRequests", settings.max_sequences},
      {"kvCacheStats",
       {{"maxNumBlocks", blocks},
        {"usedNumBlocks", used},
        {"freeNumBlocks", blocks - used},
        {"tokensPerBlock", settings.block_tokens},
        {"reusedBlocks", reused},
        {"missedBlocks", missed},
        {"cacheHitRate",
         reused + missed > 0 ? static_cast<double>(reused) / static_cast<double>(reused + missed) : 0.0}}},
      {"inflightBatchingStats", {{"numScheduledRequests", state.running}}}};
  return json::array({one}).dump();
}

}  // namespace autotune::simulator
