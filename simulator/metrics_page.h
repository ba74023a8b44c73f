// Metrics page of an engine: names, labels and types by engine and release, from their sources.
//
// vLLM vllm/v1/metrics/loggers.py and spec_decode/metrics.py, SGLang srt/metrics/collector.py, TensorRT-LLM
// tensorrt_llm/metrics/collector.py and its iteration statistics. Text only, no sockets. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine_model/roofline.h"
#include "simulator/engine_settings.h"
#include "simulator/token_source.h"

namespace autotune::simulator {

// Prometheus histogram. The buckets are those of all three engines.
class LatencyHistogram {
 public:
  enum class Scale { kFirstToken, kToken, kRequest };
  explicit LatencyHistogram(Scale scale) : scale_(scale) {}
  void Add(double seconds);
  // The series of one metric; `labels` without braces.
  [[nodiscard]] std::string Text(const std::string& name, const std::string& labels) const;

 private:
  Scale scale_;
  std::array<std::int64_t, 24> counts_{};  // count of each bucket's own range; the last is for values above all bounds
  double sum_ = 0;
  std::int64_t count_ = 0;
};

// Counters of the front end since its start.
struct ServerTotals {
  std::int64_t prompt_tokens = 0;
  std::int64_t generation_tokens = 0;
  std::int64_t finished_length = 0;
  std::int64_t finished_stop = 0;
  std::int64_t aborted = 0;
  double recent_tokens_per_second = 0;
  LatencyHistogram ttft{LatencyHistogram::Scale::kFirstToken};
  LatencyHistogram itl{LatencyHistogram::Scale::kToken};
  LatencyHistogram e2e{LatencyHistogram::Scale::kRequest};
};

// Path of the Prometheus metrics: "/metrics" or "/prometheus/metrics"; "" = the engine serves none.
std::string MetricsPath(const EngineSettings& settings);
std::string MetricsText(const EngineSettings& settings, const engine_model::MemoryPlan& plan,
                        const TokenSource::State& state, const ServerTotals& totals);
// TensorRT-LLM's /metrics: a JSON list; empty unless enable_iter_perf_stats is set.
std::string IterationStatistics(const EngineSettings& settings, const engine_model::MemoryPlan& plan,
                                const TokenSource::State& state);

}  // namespace autotune::simulator
