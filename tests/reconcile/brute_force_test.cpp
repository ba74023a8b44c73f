// The answer of an adaptive search against brute force, for every objective: the whole way through the operator on
// engines in virtual time, then every candidate at every load without noise.
//
// AUTOTUNE_BRUTE_FORCE_SEEDS=20 plays so many clusters of each objective and prints what benchmarks/README.md says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "measurement/standing_queue.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/expand.h"
#include "tests/reconcile/fake_cluster.h"
#include "tests/reconcile/virtual_engine.h"

namespace autotune::reconcile {
namespace {

using measurement::Load;
using measurement::LoadKind;
using measurement::Point;
using nlohmann::json;

constexpr int kMostInFlight = 256;
constexpr double kPricePerHour = 2.5;

// Quantization and batch limits, 19 candidates; where figures are asked for also one or two GPUs, 61 candidates.
json TaskFor(const std::string& objective, bool whole) {
  json task = SmallTask();
  json& spec = task["spec"];
  spec["quantConfig"] = {{"presets", {"default", "kv-cache-fp8", "dynamic-fp8"}}};
  spec["parameters"] = {{"max-num-seqs", {16, 64, 256}}, {"max-num-batched-tokens", {2048, 8192}}};
  if (whole) {
    spec["parameters"]["max-num-seqs"] = {16, 32, 64, 128, 256};
    spec["parallelConfig"] = {{"tensorParallel", {1, 2}}};
  }
  spec["optimization"] = {{"objective", objective}};
  spec["gpu"] = {{"pricePerHour", std::to_string(kPricePerHour)}};
  spec["slo"] = {{"ttft", {{"p99", "1s"}}}, {"tpot", {{"p95", "30ms"}}}};
  if (objective == "MaximizeGoodput") spec["slo"]["attainment"] = "0.95";
  spec["benchmark"] = {{"scenarios", {"D(512,128)"}}, {"load", {{"auto", {{"max", kMostInFlight}}}}}};
  return task;
}

// The same model in bfloat16, FP8 and AWQ, as somebody published it: 19 candidates of the first, 13 of the others.
json TaskOfCheckpoints(const std::string& objective) {
  json task = TaskFor(objective, false);
  json& spec = task["spec"];
  const json model = spec["model"];
  spec.erase("model");
  for (const std::string method : {"", "fp8", "awq"}) {
    json& one = spec["models"].emplace_back(model);
    one["name"] = method.empty() ? "bf16" : method;
    if (method.empty()) continue;
    one["idOrPath"] = "org/Llama-3.1-8B-Instruct-" + method;
    one["facts"]["quantization_config"] = {{"quant_method", method}};
    if (method == "fp8") one["facts"]["quantization_config"]["activation_scheme"] = "static";
    if (method == "awq") one["facts"]["quantization_config"].update({{"bits", 4}, {"group_size", 128}});
  }
  return task;
}

// Three checkpoints on H100 and on L40S, which costs a third of it, with vLLM and SGLang, within a budget.
json TaskOfGpuTypes(const std::string& objective) {
  json task = TaskOfCheckpoints(objective);
  json& spec = task["spec"];
  spec.erase("gpu");
  spec["gpus"] = {{{"name", "h100"}, {"products", {"NVIDIA-H100-80GB-HBM3"}}, {"pricePerHour", "2.5"}},
                  {{"name", "l40s"}, {"products", {"NVIDIA-L40S"}}, {"pricePerHour", "0.9"}}};
  spec["runtimes"] = {{{"name", "vllm"}, {"engine", "vllm"}}, {{"name", "sglang"}, {"engine", "sglang"}}};
  spec["parameters"] = {{"max-num-seqs", {16, 64, 256}}};
  spec["optimization"]["budget"] = {{"gpuHours", "6"}};
  return task;
}

// Every candidate of a task that has ended, measured without noise.
class BruteForce {
 public:
  BruteForce(const FakeCluster& cluster, VirtualEngine& engine)
      : engine_(engine), task_(cluster.Task()), spec_(BenchSpecOfPod(cluster.created_pods.front())) {
    auto space = BuildSpace(task_.spec, FactsOfModels(task_.status), GpusOf(task_.spec, task_.status), Rules(),
                            cluster.settings.environment);
    EXPECT_TRUE(space.ok());
    if (!space) return;
    for (const tuning::Candidate& candidate : space->expansion.candidates) {
      const json pod = experiment::BuildExperimentPod(task_, ExperimentOf(*space, candidate, 1),
                                                      PlacementOf(*space, candidate.gpu), cluster.settings.environment);
      const std::string& type = task_.spec.gpus[candidate.gpu].name;
      double worth = WorthOf(EngineArgv(pod), type, candidate.plan.gpus);
      // Of tokens for the money: what is compared by cost.
      if (task_.spec.optimization.objective == api::Objective::kMinimizeCost) {
        worth /= *PricePerHour(task_.spec, task_.status, type);
      }
      worth_.push_back({candidate.hash, worth});
    }
  }

  [[nodiscard]] double Best() const {
    double best = 0;
    for (const auto& one : worth_) best = std::max(best, one.second);
    return best;
  }
  [[nodiscard]] double Of(const std::string& hash) const {
    for (const auto& [other, worth] : worth_) {
      if (other == hash) return worth;
    }
    ADD_FAILURE() << hash << " is no candidate";
    return 0;
  }
  [[nodiscard]] std::size_t size() const { return worth_.size(); }

 private:
  // More is better; 0 where the bounds are kept nowhere.
  double WorthOf(const std::vector<std::string>& argv, const std::string& type, int gpus) {
    if (NeedsReference(task_.spec)) {
      const Load load{LoadKind::kRequestRate, task_.status.reference_loads.front().request_rate};
      const auto point = engine_.Truth(argv, type, spec_, load);
      if (!point || !Keeps(*point)) return 0;
      return 1000 / point->Get(*measurement::LatencyOf(spec_.score_metric)).p50;
    }
    // The highest load that keeps the bounds.
    std::optional<Point> best;
    for (int low = 0, high = kMostInFlight + 1; high - low > 1;) {
      const int middle = low == 0 && high > kMostInFlight ? kMostInFlight : (low + high) / 2;
      const auto point = engine_.Truth(argv, type, spec_, measurement::Concurrency(middle));
      if (!point) return 0;
      const bool keeps = Keeps(*point);
      if (keeps) best = point;
      (keeps ? low : high) = middle;
    }
    if (best) best = Sustained(argv, type, *best);
    return best ? measurement::PointScore(spec_.score_metric, *best, gpus) : 0;
  }
  // Where the requests of a closed loop wait: the highest rate that keeps the bounds.
  std::optional<Point> Sustained(const std::vector<std::string>& argv, const std::string& type, const Point& loop) {
    const auto alone = engine_.Truth(argv, type, spec_, measurement::Concurrency(1));
    if (!measurement::QueueStands(loop, alone->ttft.mean)) return loop;
    constexpr double kLeast = 0.3, kExact = 1.005;
    std::optional<Point> best;
    for (double low = kLeast * loop.requests_per_second, high = loop.requests_per_second; high > kExact * low;) {
      const double middle = std::sqrt(low * high);
      const auto point = engine_.Truth(argv, type, spec_, measurement::RequestRate(middle));
      const bool keeps = Keeps(*point);
      if (keeps) best = point;
      (keeps ? low : high) = middle;
    }
    return best;
  }
  [[nodiscard]] bool Keeps(const Point& point) const {
    return !point.saturated && measurement::CheckSlo(spec_.slo, point).empty();
  }

  VirtualEngine& engine_;
  api::AutotuneTask task_;
  bench::BenchSpec spec_;
  std::vector<std::pair<std::string, double>> worth_;  // by hash
};

struct Played {
  double loss = 0;       // of the configuration that was chosen, as a share of the best
  double not_tried = 0;  // the part of it that the best of those that were tried loses
  double noise = 0;      // the part that the one with the highest score loses beside
  double tie = 0;        // the rest: a tie with fewer settings was chosen
  double expected = 0;   // gain that the search expected at its end
  double deviation = 0;  // of the score that was told from the best, as a share of it, without sign
  double experiments = 0;
  double gpu_hours = 0;
  double candidates = 0;
};

std::optional<Played> Play(json task, std::uint64_t seed) {
  VirtualEngineOptions options;
  options.seed = seed;
  VirtualEngine engine(options);
  const std::string objective = task["spec"]["optimization"]["objective"];
  task["spec"]["optimization"]["seed"] = seed;
  FakeCluster cluster(task);
  cluster.nodes = {H100Node()};
  if (task["spec"].contains("gpus")) cluster.nodes.push_back(L40sNode());
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    const bool l40s = pod["metadata"]["labels"].value(experiment::kGpuLabel, "") == "l40s";
    pod["spec"]["nodeName"] = l40s ? "node-2" : "node-1";
    engine.Finish(self, pod);
  });
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Complete");
  EXPECT_TRUE(status.best);
  if (!status.best) return std::nullopt;
  const BruteForce truth(cluster, engine);
  Played out;
  out.candidates = static_cast<double>(truth.size());
  out.experiments = static_cast<double>(status.experiments.size());
  out.gpu_hours = std::strtod(status.cost.gpu_hours.c_str(), nullptr);
  EXPECT_LE(out.gpu_hours, cluster.Task().spec.optimization.budget_gpu_hours.value_or(HUGE_VAL));
  double tried = 0, leader = 0, highest = -HUGE_VAL;
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (!entry.confirms.empty()) continue;
    const double share = truth.Of(entry.hash) / truth.Best();
    tried = std::max(tried, share);
    if (entry.name == status.best->experiment) out.loss = 1 - share;
    if (entry.score.empty() || std::strtod(entry.score.c_str(), nullptr) <= highest) continue;
    highest = std::strtod(entry.score.c_str(), nullptr);
    leader = share;
  }
  out.not_tried = 1 - tried;
  out.noise = tried - leader;
  out.tie = out.loss - (1 - leader);
  if (status.search) out.expected = std::strtod(status.search->expected_gain.c_str(), nullptr);
  const double score = std::fabs(std::strtod(status.best->score.c_str(), nullptr));
  double told = score;
  if (NeedsReference(cluster.Task().spec)) told = 1000 / score;
  if (objective == "MinimizeCost") told = 1e6 / 3600 / score;  // tokens/s for a price of 1 an hour
  out.deviation = std::fabs(told / truth.Best() - 1);
  return out;
}

// Plays clusters, one or as many as are asked for, and expects of all together what a user may expect of one.
void ExpectTheBest(const std::string& title, const json& task) {
  const char* asked = std::getenv("AUTOTUNE_BRUTE_FORCE_SEEDS");
  const int seeds = asked != nullptr ? std::atoi(asked) : 1;
  Played mean;
  double most = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const std::optional<Played> played = Play(task, static_cast<std::uint64_t>(seed));
    ASSERT_TRUE(played);
    most = std::max(most, played->loss);
    for (const auto member : {&Played::loss, &Played::not_tried, &Played::noise, &Played::tie, &Played::expected,
                              &Played::deviation, &Played::experiments, &Played::gpu_hours, &Played::candidates}) {
      mean.*member += (*played).*member / seeds;
    }
    if (asked == nullptr) continue;
    std::printf("  %d: %.4f = %.4f + %.4f + %.4f, expected %.4f, score off by %.4f, %.0f experiments\n", seed,
                played->loss, played->not_tried, played->noise, played->tie, played->expected, played->deviation,
                played->experiments);
  }
  EXPECT_LT(mean.experiments, 0.7 * mean.candidates);
  EXPECT_LE(mean.loss, 0.03);
  EXPECT_LE(mean.deviation, 0.05);
  if (asked == nullptr) return;
  std::printf(
      "%-19s loss %.4f (not tried %.4f, noise %.4f, tie %.4f), most %.4f; expected %.4f; score off by %.4f; "
      "%.1f experiments of %.0f, %.2f GPU-hours\n",
      title.c_str(), mean.loss, mean.not_tried, mean.noise, mean.tie, most, mean.expected, mean.deviation,
      mean.experiments, mean.candidates, mean.gpu_hours);
}

class BruteForceTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BruteForceTest, TheAnswerIsWithinThreePercentOfTheBest) {
  ExpectTheBest(GetParam(), TaskFor(GetParam(), std::getenv("AUTOTUNE_BRUTE_FORCE_SEEDS") != nullptr));
}

TEST_P(BruteForceTest, TheAnswerOfThreeCheckpointsIsWithinThreePercentOfTheBest) {
  ExpectTheBest("3 checkpoints, " + std::string(GetParam()), TaskOfCheckpoints(GetParam()));
}

// In this cluster a candidate with two GPUs is the best and better than predicted; a simpler one, which is 10 % worse,
// ties with it. With a limit of 3 % for the expected gain, or a simpler one that wins ties within 5 %, it loses 10 %.
TEST(BruteForceOfALargeSpaceTest, TheAnswerIsBeyondASmallExpectedGainAndNotASimplerTie) {
  const std::optional<Played> played = Play(TaskFor("MaximizeGoodput", true), 4);
  ASSERT_TRUE(played);
  EXPECT_GT(played->candidates, 60);
  EXPECT_LE(played->loss, 0.03);
  EXPECT_LT(played->experiments, 0.2 * played->candidates);
}

class GpuTypesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GpuTypesTest, TheAnswerOfThreeCheckpointsOnTwoTypesWithTwoEnginesIsWithinThreePercentOfTheBest) {
  ExpectTheBest("2 GPU types, " + std::string(GetParam()), TaskOfGpuTypes(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Objectives, GpuTypesTest, ::testing::Values("MaximizeThroughput", "MinimizeCost"),
                         [](const auto& one) { return std::string(one.param); });

INSTANTIATE_TEST_SUITE_P(Objectives, BruteForceTest,
                         ::testing::Values("MaximizeThroughput", "MaximizeGoodput", "MinimizeCost", "MinimizeLatency",
                                           "MinimizeTTFT", "MinimizeTPOT"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace autotune::reconcile
