#include "tests/reconcile/virtual_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "base/keyed_random.h"
#include "engine_model/load_curve.h"
#include "measurement/load_search.h"
#include "measurement/standing_queue.h"
#include "operator/experiment/pod_builder.h"
#include "simulator/command_line.h"
#include "simulator/deployment.h"
#include "simulator/engine_settings.h"
#include "simulator/gpu.h"
#include "simulator/recorded_parser.h"
#include "simulator/start_failures.h"

namespace autotune::reconcile {

using measurement::Load;
using measurement::LoadKind;
using measurement::Metric;
using measurement::Point;
using nlohmann::json;

struct VirtualEngine::Engine {
  std::string refusal;  // not empty: it does not start
  engine_model::Deployment deployment;
  int gpus = 1;
  double ttft_factor = 1, tpot_factor = 1;
};

namespace {

std::string Joined(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& word : argv) text += word + " ";
  return text;
}

// What shares kernels: quantization, of the checkpoint as well, and parallel sizes, not the limits of a batch.
std::string ClassOf(const std::vector<std::string>& argv) {
  std::string text;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const bool of_class = argv[i].find("quantization") != std::string::npos ||
                          argv[i].find("dtype") != std::string::npos || argv[i].find("parallel") != std::string::npos;
    if (argv[i].ends_with("-awq") || argv[i].ends_with("-fp8")) text += argv[i] + " ";
    if (of_class) text += argv[i] + " " + (i + 1 < argv.size() ? argv[i + 1] : "") + " ";
  }
  return text;
}

// The share of requests below the limit: a line between the percentiles that are known.
double ShareBelow(const measurement::Latency& latency, double limit) {
  const std::pair<double, double> known[] = {
      {0, 0}, {latency.p50, 0.5}, {latency.p90, 0.9}, {latency.p95, 0.95}, {latency.p99, 0.99}, {1.2 * latency.p99, 1}};
  for (std::size_t i = 1; i < std::size(known); ++i) {
    const auto& [low, below] = known[i - 1];
    const auto& [high, above] = known[i];
    if (limit < high) return below + (above - below) * (limit - low) / std::max(high - low, 1e-9);
  }
  return 1;
}

// As if the same requests broke the bounds.
double AttainmentOf(const measurement::Slo& slo, const Point& point) {
  double share = point.requests > 0 ? 1 : 0;
  for (const measurement::Bound& bound : slo.bounds) {
    share = std::min(share, ShareBelow(point.Get(bound.metric), bound.limit));
  }
  return share;
}

void Scale(double factor, measurement::Latency& latency) {
  for (double* value : {&latency.mean, &latency.p50, &latency.p90, &latency.p95, &latency.p99}) *value *= factor;
}

}  // namespace

json H100Node() {
  const json labels = {{"nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"},
                       {"nvidia.com/gpu.memory", "81559"},
                       {"nvidia.com/gpu.compute.major", "9"},
                       {"nvidia.com/gpu.compute.minor", "0"}};
  return {{"metadata", {{"name", "node-1"}, {"labels", labels}}},
          {"status", {{"allocatable", {{"nvidia.com/gpu", "8"}}}}}};
}

json L40sNode() {
  const json labels = {{"nvidia.com/gpu.product", "NVIDIA-L40S"},
                       {"nvidia.com/gpu.memory", "46068"},
                       {"nvidia.com/gpu.compute.major", "8"},
                       {"nvidia.com/gpu.compute.minor", "9"}};
  return {{"metadata", {{"name", "node-2"}, {"labels", labels}}},
          {"status", {{"allocatable", {{"nvidia.com/gpu", "8"}}}}}};
}

bench::BenchSpec BenchSpecOfPod(const json& pod) {
  for (const json& container : pod["spec"]["containers"]) {
    if (container["name"] != "bench") continue;
    const json& args = container["args"];
    for (std::size_t i = 0; i + 1 < args.size(); ++i) {
      if (args[i] != "--spec") continue;
      auto spec = bench::BenchSpecFromJson(json::parse(args[i + 1].get<std::string>()));
      EXPECT_TRUE(spec.ok()) << (spec.ok() ? "" : spec.error().message);
      if (spec) return *std::move(spec);
    }
  }
  ADD_FAILURE() << "the pod has no bench";
  return {};
}

const VirtualEngine::Engine& VirtualEngine::EngineOf(const std::vector<std::string>& argv, const std::string& type) {
  const std::string line = type + Joined(argv);
  if (const auto found = engines_.find(line); found != engines_.end()) return *found->second;
  const auto engine = std::make_shared<Engine>();
  engines_[line] = engine;
  auto command = simulator::RecogniseCommand(argv);
  if (const auto* refusal = std::get_if<simulator::CommandError>(&command)) {
    engine->refusal = refusal->output;
    return *engine;
  }
  const auto& invocation = std::get<simulator::Invocation>(command);
  const simulator::EngineRelease release = simulator::DefaultRelease(invocation.engine);
  static const simulator::RecordedParsers recorded = simulator::RecordedParsers::Embedded();
  const auto parser = recorded.Find(release);
  const auto gpu = simulator::FindGpu(type.empty() ? options_.gpu : type);
  EXPECT_TRUE(parser.ok() && gpu.ok());
  auto parsed = simulator::ParseEngineArguments(invocation, &*parser);
  if (const auto* refusal = std::get_if<simulator::CommandError>(&parsed)) {
    engine->refusal = refusal->output;
    return *engine;
  }
  auto settings = simulator::ResolveSettings({&*parser, release, *gpu, std::nullopt},
                                             std::get<simulator::AcceptedArguments>(parsed).arguments);
  if (!settings) {
    engine->refusal = settings.error().message;
    return *engine;
  }
  if (const simulator::StartFailure* outcome = simulator::FindStartFailure(*settings)) {
    engine->refusal = outcome->cause != nullptr ? outcome->cause(*settings) : std::string(outcome->id);
  }
  engine->deployment = simulator::DeploymentOf(*settings);
  engine->gpus = settings->gpus();
  const std::uint64_t key = base::Key({options_.seed, base::Fnv1a(type + ClassOf(argv))});
  const std::uint64_t own = base::Key({options_.seed, base::Fnv1a(line)});
  const auto factor = [&](std::uint64_t metric) {
    return std::exp(options_.class_deviation * base::Normal(base::Key({key, metric})) +
                    options_.own_deviation * base::Normal(base::Key({own, metric})));
  };
  engine->ttft_factor = factor(1);
  engine->tpot_factor = factor(2);
  return *engine;
}

std::optional<Point> VirtualEngine::Truth(const std::vector<std::string>& argv, const std::string& gpu,
                                          const bench::BenchSpec& spec, const Load& load) {
  const Engine& engine = EngineOf(argv, gpu);
  if (!engine.refusal.empty()) return std::nullopt;
  const double key = load.kind == LoadKind::kConcurrency ? load.value : -load.value;
  const auto [found, is_new] = points_.try_emplace({gpu + Joined(argv), key});
  if (!is_new) return found->second;
  engine_model::LoadTest test;
  test.scenario = spec.scenarios.front();
  test.prefix = spec.prefix;
  test.arrival = spec.arrival;
  test.requests = load.kind == LoadKind::kConcurrency ? 200 : 2000;  // a tail of bursts
  const engine_model::PredictedPoint predicted = engine_model::PredictPoint(engine.deployment, test, load);
  Point& point = found->second;
  point.scenario = spec.scenarios.front().ToString();
  point.load = load;
  point.window_seconds = 20;
  point.requests = predicted.fits ? 400 : 0;
  point.errors = predicted.fits ? 0 : 400;
  point.saturated = predicted.saturated;
  point.ttft = predicted.ttft;
  point.tpot = predicted.tpot;
  point.itl = predicted.itl;
  point.e2e = predicted.e2e;
  Scale(engine.ttft_factor, point.ttft);
  Scale(engine.tpot_factor, point.tpot);
  Scale(engine.tpot_factor, point.itl);
  const double output = spec.scenarios.front().output.Mean();
  const double slower = (point.ttft.mean + (output - 1) * point.tpot.mean) /
                        std::max(predicted.ttft.mean + (output - 1) * predicted.tpot.mean, 1e-9);
  Scale(slower, point.e2e);
  const double rate = load.kind == LoadKind::kConcurrency ? 1 / slower : 1;
  point.output_tokens_per_second = predicted.output_tokens_per_second * rate;
  point.requests_per_second = predicted.requests_per_second * rate;
  point.mean_concurrency =
      load.kind == LoadKind::kConcurrency ? load.value : predicted.requests_per_second * point.e2e.mean / 1000;
  point.attainment = AttainmentOf(spec.slo, point);
  return point;
}

VirtualEngine::Run VirtualEngine::Measure(const json& pod) {
  const std::vector<std::string> argv = EngineArgv(pod);
  const bench::BenchSpec spec = BenchSpecOfPod(pod);
  const std::string gpu = pod["metadata"]["labels"].value(experiment::kGpuLabel, "");
  const Engine& engine = EngineOf(argv, gpu);
  Run run;
  run.result.simulated = true;
  if (!engine.refusal.empty()) {
    run.result.failure = bench::Failure{bench::FailureReason::kOutOfMemory, engine.refusal, 1, 0};
    run.seconds = options_.start_seconds / 2;
    return run;
  }
  run.result.start_seconds = options_.start_seconds;
  run.seconds = options_.start_seconds;
  measurement::LoadSearchInput input;
  input.plan = spec.load;
  input.slo = spec.slo;
  input.score_metric = spec.score_metric;
  input.gpus = spec.gpus;
  if (!spec.score_to_beat.empty()) input.score_to_beat = spec.score_to_beat[0];
  if (!spec.score_to_beat_ci.empty()) input.score_to_beat_ci = spec.score_to_beat_ci[0].value_or(0);
  if (!spec.predictions.empty()) input.prediction = spec.predictions[0];
  if (!spec.start.empty() && spec.start[0]) input.start = Load{measurement::KindOf(spec.load.mode), *spec.start[0]};
  if (!spec.reference.empty()) input.reference = spec.reference[0];
  input.confirms = spec.confirms;
  input.mean_output_tokens = spec.scenarios.front().output.Mean();
  // A request alone, as the warm-up sees it: requests that take longer for their first token wait.
  const Point alone = *Truth(argv, gpu, spec, measurement::Concurrency(1));
  if (alone.requests > 0) input.warm_up = {alone};
  // Not the name but the pod itself: a fresh start of the same configuration measures other numbers.
  const std::uint64_t key = base::Fnv1a(pod["metadata"]["name"].get<std::string>());
  std::vector<Point>& points = run.result.points;
  for (;;) {
    if (spec.allowed) {
      const std::chrono::duration<double> left = *spec.allowed - std::chrono::duration<double>(run.seconds);
      input.time_left = std::chrono::duration_cast<std::chrono::nanoseconds>(left);
    }
    const measurement::LoadDecision decision = measurement::DecideLoad(input, points);
    if (!decision.next || points.size() == 12) {
      run.result.outcomes.push_back({decision.reason, decision.best});
      break;
    }
    Point point = *Truth(argv, gpu, spec, *decision.next);
    const std::uint64_t of_point = base::Key({options_.seed, key, points.size()});
    const double ttft = std::exp(3 * options_.noise * base::Normal(base::Key({of_point, 1})));
    const double tpot = std::exp(options_.noise * base::Normal(base::Key({of_point, 2})));
    Scale(ttft, point.ttft);
    for (measurement::Latency* latency : {&point.tpot, &point.itl, &point.e2e}) Scale(tpot, *latency);
    if (point.load.kind == LoadKind::kConcurrency) {
      point.output_tokens_per_second /= tpot;
      point.requests_per_second /= tpot;
    }
    point.output_tokens_per_second_ci = 1.96 * options_.noise * point.output_tokens_per_second;
    point.relative_ci[static_cast<std::size_t>(Metric::kTtft)] = 1.96 * 3 * options_.noise;
    point.relative_ci[static_cast<std::size_t>(Metric::kTpot)] = 1.96 * options_.noise;
    point.relative_ci[static_cast<std::size_t>(Metric::kItl)] = 1.96 * options_.noise;
    point.relative_ci[static_cast<std::size_t>(Metric::kE2e)] = 1.96 * options_.noise;
    point.attainment = AttainmentOf(spec.slo, point);
    const bool met = measurement::CheckSlo(spec.slo, point).empty() && !point.saturated;
    point.verdict = met ? measurement::Verdict::kMet : measurement::Verdict::kMissed;
    point.role = decision.role;
    point.standing_queue = measurement::QueueStands(point, alone.ttft.mean);
    run.seconds += point.window_seconds + 2 * point.e2e.mean / 1000;
    if (spec.allowed && run.seconds > std::chrono::duration<double>(*spec.allowed).count()) {
      run.seconds = std::chrono::duration<double>(*spec.allowed).count();
      run.result.failure = bench::Failure{bench::FailureReason::kExperimentTimeout, "not finished", 0, 0};
      break;
    }
    points.push_back(point);
  }
  run.result.measure_seconds = run.seconds - options_.start_seconds;
  return run;
}

void VirtualEngine::Finish(FakeCluster& cluster, json& pod) {
  const json& phase = pod["status"]["phase"];
  if (phase == "Succeeded" || phase == "Failed") return;
  const Run run = Measure(pod);
  cluster.Finish(pod, bench::Encode(run.result), run.result.failure ? 1 : 0, run.seconds);
}

}  // namespace autotune::reconcile
