#include "bench/bench_run.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "bench/clean_text.h"
#include "bench/completion_stream.h"
#include "bench/datasets.h"
#include "bench/engine_state.h"
#include "bench/limit_search.h"
#include "bench/quality_probe.h"
#include "bench/root_cause.h"

namespace autotune::bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{100};  // at engine.json

std::string Format(const char* format, auto... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

class BenchRun {
 public:
  BenchRun(const BenchRunOptions& options, base::Clock& clock)
      : options_(options), clock_(clock), began_(clock.Now()), deadline_(began_ + options.spec.experiment_timeout) {}

  BenchRunOutcome Run() {
    if (!std::filesystem::is_directory(options_.dir)) {
      return Infrastructure("the shared directory " + options_.dir + " does not exist");
    }
    auto server = Server::Make(ServerUrl::Local(options_.port));
    if (!server) return Infrastructure(server.error().message);
    server_ = *std::move(server);
    LimitSearchHooks hooks;
    hooks.interrupted = [this] { return MustStop(); };
    hooks.say = options_.say;
    hooks.client_lag_ms = options_.client_lag_ms;
    hooks.retry_pause = options_.retry_pause;
    hooks.time_left = [this] { return std::optional<std::chrono::nanoseconds>(deadline_ - clock_.Now()); };
    search_.emplace(options_.spec, *server_, hooks);
    // What the files tell is told before an engine has started.
    if (auto status = search_->Prepare(); !status) {
      failure_ = Failure{FailureReason::kBenchmarkFailed, status.error().message, 0, 0};
      return Finish(kExitConfigurationFailed);
    }
    if (auto questions = ReadQuestionsOf(options_.spec); !questions) {
      failure_ = Failure{FailureReason::kBenchmarkFailed, questions.error().message, 0, 0};
      return Finish(kExitConfigurationFailed);
    }
    if (!AwaitReady()) return Stopped();
    measure_start_ = clock_.Now();
    if (!Measured(search_->Identify()) || !Sane() || !Measured(search_->Run())) return Stopped();
    if (options_.spec.quality.measure) MeasureQuality();
    if (failure_) return Stopped();
    return Finish(kExitResult);
  }

 private:
  // Looks at everything that ends a run early; remembers the first.
  bool MustStop() {
    if (failure_) return true;
    if (options_.told_to_end()) {
      told_to_end_ = true;
      failure_ = Failure{FailureReason::kBenchmarkFailed, "the benchmark was stopped before it had finished", 0, 0};
      return true;
    }
    ReadState();
    if (state_ && HasEnded(*state_)) {
      failure_ = Classify(*state_);
      return true;
    }
    if (clock_.Now() >= deadline_) {
      failure_ = Failure{FailureReason::kExperimentTimeout,
                         Format("not finished within %.0f s: %zu of %zu scenarios, %zu points measured",
                                std::chrono::duration<double>(deadline_ - began_).count(),
                                search_ ? search_->result().outcomes.size() : 0, options_.spec.Workloads(),
                                search_ ? search_->result().points.size() : 0),
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
    result_.driver = state_->driver;
    result_.start_seconds = state_->start_seconds;
  }

  bool AwaitReady() {
    while (!MustStop()) {
      if (state_ && state_->phase == EngineState::Phase::kReady) {
        Say(Format("engine ready after %.1f s", state_->start_seconds));
        if (options_.spec.allowed) {
          const std::chrono::duration<double> left =
              *options_.spec.allowed - std::chrono::duration<double>(state_->start_seconds);
          deadline_ = std::min(deadline_, clock_.Now() + std::chrono::duration_cast<std::chrono::milliseconds>(left));
        }
        return true;
      }
      clock_.SleepFor(kLook, {});
    }
    return false;
  }

  // False where the run ends here.
  bool Measured(const base::Status& status) {
    if (status) return true;
    if (status.error().code == base::Code::kCancelled) return false;
    if (search_->client_bound()) {
      failure_ = Failure{FailureReason::kClientBound, status.error().message + " (benchmark.resources)", 0, 0};
      return false;
    }
    FailBenchmark(status.error().message);
    return false;
  }

  QualityProbe Probe(std::chrono::milliseconds timeout) {
    QualityHooks hooks;
    hooks.ask = [this, timeout](std::string_view path, std::span<const std::string> bodies, std::size_t in_flight) {
      return search_->AskAll(path, bodies, in_flight, timeout);
    };
    hooks.interrupted = [this] { return MustStop(); };
    hooks.ended = [this] {
      AwaitEnd();
      return failure_.has_value();
    };
    hooks.say = options_.say;
    return {options_.spec, search_->model(), std::move(hooks), clock_};
  }

  // Before anything is measured: what answers nonsense is fast for nothing. False where the run ends here.
  bool Sane() {
    if (options_.spec.quality.made_up_weights) return true;
    const std::string broken = Probe(options_.spec.first_request_timeout).CheckSanity();
    if (!MustStop() && !broken.empty()) failure_ = Failure{FailureReason::kBrokenOutput, broken, 0, 0};
    return !failure_;
  }

  // Nothing that happens here takes away what was measured before: log-probabilities of a whole prompt need memory that
  // an engine tuned to the last byte may not have. An engine that dies of it has been measured, too. Only one whose
  // output is broken has not.
  void MeasureQuality() {
    const auto start = clock_.Now();
    QualityOutcome outcome = Probe(search_->request_timeout()).Measure();
    result_.quality = std::move(outcome.quality);
    result_.quality_problem = failure_ ? failure_->message : outcome.problem;
    failure_.reset();
    if (!outcome.broken.empty() && !options_.spec.quality.made_up_weights) {
      failure_ = Failure{FailureReason::kBrokenOutput, outcome.broken, 0, 0};
      result_.quality.reset();
      return;
    }
    if (!result_.quality) return;
    const auto mean = measurement::MeanNll(*result_.quality);
    Say(Format("quality: %s nats per token over %zu blocks, %zu greedy answers, %.1f s",
               mean ? Format("%.5f", *mean).c_str() : "no", result_.quality->blocks.size(),
               result_.quality->answers.size(), Since(start)));
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
    if (search_) {
      const RunResult& measured = search_->result();
      result_.simulated = measured.simulated;
      result_.engine_version = measured.engine_version;
      result_.points = measured.points;
      result_.outcomes = measured.outcomes;
      result_.warnings = measured.warnings;
    }
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
  const base::TimePoint began_;
  base::TimePoint deadline_;
  std::optional<EngineState> state_;
  std::optional<base::TimePoint> measure_start_;
  std::optional<Failure> failure_;
  bool told_to_end_ = false;
  std::unique_ptr<Server> server_;
  std::optional<LimitSearch> search_;
  RunResult result_;
};

}  // namespace

BenchRunOutcome RunBench(const BenchRunOptions& options, base::Clock& clock) { return BenchRun(options, clock).Run(); }

}  // namespace autotune::bench
