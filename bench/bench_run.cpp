#include "bench/bench_run.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "bench/clean_text.h"
#include "bench/completion_stream.h"
#include "bench/engine_state.h"
#include "bench/load_generator.h"
#include "bench/quality.h"
#include "bench/root_cause.h"

namespace autotune::bench {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kLook{100};  // at engine.json
constexpr milliseconds kIdentifyTimeout{10'000};
constexpr int kIdentifyAttempts = 5;

std::string Format(const char* format, auto... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

// A text member of a JSON document, "" when there is none.
std::string TextMember(const std::string& body, const char* key) {
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object()) return "";
  const auto found = document.find(key);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

class BenchRun {
 public:
  BenchRun(const BenchRunOptions& options, base::Clock& clock)
      : options_(options),
        clock_(clock),
        deadline_(clock.Now() + options.spec.experiment_timeout),
        load_(options.port) {
    load_.set_interrupted([this] { return MustStop(); });
  }

  BenchRunOutcome Run() {
    if (!std::filesystem::is_directory(options_.dir)) {
      return Infrastructure("the shared directory " + options_.dir + " does not exist");
    }
    if (!AwaitReady()) return Stopped();
    measure_start_ = clock_.Now();
    if (!Identify()) return Stopped();
    std::uint64_t stream = 0;
    for (const measurement::Scenario& scenario : options_.spec.scenarios) {
      if (!WarmUp(scenario, ++stream)) return Stopped();
      for (const int concurrency : options_.spec.concurrency) {
        if (!MeasureStep(scenario, concurrency, ++stream)) return Stopped();
      }
    }
    if (options_.spec.quality) MeasureQuality();
    return Finish(kExitResult);
  }

 private:
  // Looks at everything that ends a run early; remembers the first.
  bool MustStop() {
    if (failure_) return true;
    if (options_.told_to_end()) {
      told_to_end_ = true;
      failure_ = Failure{FailureReason::kBenchmarkFailed, "the benchmark was told to end before it had finished", 0, 0};
      return true;
    }
    ReadState();
    if (state_ && HasEnded(*state_)) {
      failure_ = Classify(*state_);
      return true;
    }
    if (clock_.Now() >= deadline_) {
      failure_ =
          Failure{FailureReason::kExperimentTimeout,
                  Format("not finished within %.0f s: %zu of %zu load steps measured",
                         std::chrono::duration<double>(options_.spec.experiment_timeout).count(), result_.loads.size(),
                         options_.spec.scenarios.size() * options_.spec.concurrency.size()),
                  0, 0};
      return true;
    }
    return false;
  }

  void ReadState() {
    std::ifstream file(std::filesystem::path(options_.dir) / kEngineStateFile, std::ios::binary);
    if (!file) return;
    std::ostringstream text;
    text << file.rdbuf();
    auto state = DecodeEngineState(text.str());
    if (!state) return;  // replaced atomically: the next look reads it
    state_ = *std::move(state);
    result_.gpu_product = state_->gpu_product;
    result_.start_seconds = state_->start_seconds;
  }

  bool AwaitReady() {
    while (!MustStop()) {
      if (state_ && state_->phase == EngineState::Phase::kReady) {
        Say(Format("engine ready after %.1f s", state_->start_seconds));
        return true;
      }
      clock_.SleepFor(kLook, {});
    }
    return false;
  }

  // The model's name, who answers, and which version.
  bool Identify() {
    std::string problem;
    for (int attempt = 0; attempt < kIdentifyAttempts && !MustStop(); ++attempt) {
      if (attempt > 0) clock_.SleepFor(std::chrono::seconds(1), {});
      const auto models = load_.Get("/v1/models", kIdentifyTimeout);
      if (!models) {
        problem = models.error().message;
        continue;
      }
      const json document = json::parse(models->body, nullptr, false);
      const json* data = document.is_object() && document.contains("data") ? &document["data"] : nullptr;
      if (models->status != 200 || data == nullptr || !data->is_array() || data->empty() || !(*data)[0].is_object()) {
        problem = "GET /v1/models: HTTP " + std::to_string(models->status) + ": " + CleanText(models->body, 200);
        continue;
      }
      model_ = (*data)[0].value("id", "");
      result_.simulated = models->simulated || (*data)[0].value("owned_by", json()) == "simulated";
      // vLLM and TensorRT-LLM have /version, SGLang says it in /server_info.
      for (const char* path : {"/version", "/server_info"}) {
        const auto answer = load_.Get(path, kIdentifyTimeout);
        if (answer && answer->status == 200) result_.engine_version = TextMember(answer->body, "version");
        if (!result_.engine_version.empty()) break;
      }
      Say("model " + model_ + ", engine version " +
          (result_.engine_version.empty() ? "not known" : result_.engine_version) +
          (result_.simulated ? " (simulated)" : ""));
      return true;
    }
    FailBenchmark(problem);
    return false;
  }

  RequestSeries Series(const measurement::Scenario& scenario, std::uint64_t stream) const {
    return {model_, scenario, style_.value_or(PromptStyles().front()), options_.spec.seed, stream};
  }

  // The first request of all also finds out how prompts must be written. It has a long timeout, as have all of the
  // warm-up: engines compile kernels for shapes that they see for the first time.
  bool WarmUp(const measurement::Scenario& scenario, std::uint64_t stream) {
    const auto start = clock_.Now();
    LoadStep step{Series(scenario, stream), 1, options_.spec.experiment_timeout, 1,
                  options_.spec.first_request_timeout};
    int done = 0;
    if (!style_) {
      std::string first_error;
      for (const PromptStyle& style : PromptStyles()) {
        step.series.style = style;
        const StepReport report = Execute(step);
        if (report.interrupted) return false;
        if (!report.completed.empty()) {
          style_ = style;
          break;
        }
        if (first_error.empty()) first_error = report.first_error;
        // Only a refusal of the request itself is answered by another prompt.
        if (report.first_error_status != 400 && report.first_error_status != 422) break;
      }
      if (!style_) {
        FailBenchmark("the first request failed: " + first_error);
        return false;
      }
      Say(Format("first request after %.2f s, prompts are %s", Since(start),
                 style_->kind == PromptStyle::Kind::kTokenIds ? "token ids" : "words (the engine refuses token ids)"));
      done = 1;
    }
    if (options_.spec.warmup_requests > done) {
      step.series = Series(scenario, stream);
      step.series.stream += 1u << 16;  // not the first request's prompt again
      step.max_requests = options_.spec.warmup_requests - done;
      step.concurrency = static_cast<int>(std::min<std::int64_t>(step.max_requests, options_.spec.concurrency.back()));
      const StepReport report = Execute(step);
      if (report.interrupted) return false;
      if (report.completed.empty()) {
        FailBenchmark("every request of the warm-up failed: " + report.first_error);
        return false;
      }
    }
    Say(Format("%s warm-up: %.1f s", scenario.ToString().c_str(), Since(start)));
    return true;
  }

  bool MeasureStep(const measurement::Scenario& scenario, int concurrency, std::uint64_t stream) {
    const StepReport report = Execute({Series(scenario, stream), concurrency, options_.spec.duration,
                                       options_.spec.max_requests, options_.spec.request_timeout});
    if (report.interrupted) return false;
    const measurement::Point load = Measure(scenario, concurrency, report.completed, report.errors);
    if (report.completed.empty()) {
      FailBenchmark("every request of " + load.scenario + " at concurrency " + std::to_string(concurrency) +
                    " failed: " + (report.errors > 0 ? report.first_error : "no request was made"));
      return false;
    }
    Say(Format(
        "%s x %d: %lld requests, %lld errors in %.1f s: %.1f output tokens/s, %.2f requests/s, TTFT p50 %.0f ms p99 "
        "%.0f ms, TPOT p50 %.2f ms; client: issue lag p99 %.2f ms, loop lag p99 %.2f ms",
        load.scenario.c_str(), concurrency, static_cast<long long>(load.requests), static_cast<long long>(load.errors),
        load.window_seconds, load.output_tokens_per_second, load.requests_per_second, load.ttft.p50, load.ttft.p99,
        load.tpot.p50, report.issue_lag.p99, report.loop_lag.p99));
    if (report.errors > 0) Say("  first error: " + report.first_error);
    result_.loads.push_back(load);
    return true;
  }

  // Nothing that happens here takes away what was measured before: log-probabilities of a whole prompt need memory that
  // an engine tuned to the last byte may not have. An engine that dies of it has been measured, too.
  void MeasureQuality() {
    const auto start = clock_.Now();
    measurement::Quality quality{kPassageSet, {}};
    for (const std::string& passage : QualityPassages()) {
      const auto nll = NllOf(passage);
      if (!nll) {
        result_.quality_problem = failure_ ? failure_->message : nll.error().message;
        failure_.reset();
        Say("quality is not measured: " + result_.quality_problem);
        return;
      }
      quality.nll.push_back(*nll);
    }
    double sum = 0;
    for (const double nll : quality.nll) sum += nll;
    Say(Format("quality: %.4f nats per token over %zu passages, %.1f s", sum / static_cast<double>(quality.nll.size()),
               quality.nll.size(), Since(start)));
    result_.quality = std::move(quality);
  }

  // Where there is none because the engine ends, failure_ says why.
  base::Result<double> NllOf(const std::string& passage) {
    if (MustStop()) return base::Invalid(failure_->message);
    const auto answer = load_.Post("/v1/completions", QualityBody(model_, passage), options_.spec.request_timeout);
    if (!answer || answer->status >= 500) AwaitEnd();
    if (!answer) return answer.error();
    if (answer->status != 200) {
      return base::Invalid("HTTP " + std::to_string(answer->status) + ": " + ErrorMessage(answer->body));
    }
    return MeanNll(answer->body);
  }

  StepReport Execute(const LoadStep& step) {
    StepReport report = load_.RunStep(step);
    result_.simulated = result_.simulated || report.simulated;
    return report;
  }

  void AwaitEnd() {
    const auto until = clock_.Now() + options_.death_grace;
    while (!MustStop() && clock_.Now() < until) clock_.SleepFor(kLook, {});
  }

  // No request is answered. If the engine is about to end, its end is the reason.
  void FailBenchmark(const std::string& message) {
    AwaitEnd();
    if (!failure_) failure_ = Failure{FailureReason::kBenchmarkFailed, message, 0, 0};
  }

  BenchRunOutcome Infrastructure(const std::string& message) {
    failure_ = Failure{FailureReason::kBenchmarkFailed, message, 0, 0};
    return Finish(kExitInfrastructure);
  }

  BenchRunOutcome Stopped() { return Finish(told_to_end_ ? kExitInfrastructure : kExitConfigurationFailed); }

  BenchRunOutcome Finish(int exit_code) {
    if (measure_start_) result_.measure_seconds = std::chrono::duration<double>(clock_.Now() - *measure_start_).count();
    result_.failure = failure_;
    if (failure_) Say("failed: " + std::string(FailureReasonName(failure_->reason)) + ": " + failure_->message);
    return {std::move(result_), exit_code};
  }

  [[nodiscard]] double Since(base::TimePoint start) const {
    return std::chrono::duration<double>(clock_.Now() - start).count();
  }
  void Say(const std::string& line) const { options_.say(line); }

  const BenchRunOptions& options_;
  base::Clock& clock_;
  const base::TimePoint deadline_;
  LoadGenerator load_;
  std::optional<EngineState> state_;
  std::optional<base::TimePoint> measure_start_;
  std::optional<PromptStyle> style_;
  std::optional<Failure> failure_;
  bool told_to_end_ = false;
  std::string model_;
  RunResult result_;
};

}  // namespace

BenchRunOutcome RunBench(const BenchRunOptions& options, base::Clock& clock) { return BenchRun(options, clock).Run(); }

}  // namespace autotune::bench
