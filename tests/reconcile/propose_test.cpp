// An adaptive search through the operator's own path: decide, pods, results, in virtual time.
#include "operator/reconcile/propose.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>

#include "measurement/answer_point.h"
#include "operator/reconcile/confirm.h"
#include "operator/reconcile/estimate.h"
#include "operator/reconcile/insight.h"
#include "tests/reconcile/fake_cluster.h"
#include "tests/reconcile/virtual_engine.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// vLLM with three quantizations and limits of the batch, under a bound on the time to the first token.
json AdaptiveTask(const json& parameters = {{"max-num-seqs", {32, 256}}}) {
  json task = SmallTask();
  json& spec = task["spec"];
  spec["quantConfig"] = {{"presets", {"default", "kv-cache-fp8", "dynamic-fp8"}}};
  spec["parameters"] = parameters;
  spec["optimization"] = {{"confirmations", 0}};
  spec["slo"] = {{"ttft", {{"p99", "800ms"}}}};
  spec["benchmark"] = {{"scenarios", {"D(512,128)"}}, {"load", {{"auto", {{"max", 256}}}}}};
  return task;
}

class ProposeTest : public ::testing::Test {
 protected:
  FakeCluster& Start(const json& task) {
    clusters_.push_back(std::make_unique<FakeCluster>(task));
    clusters_.back()->nodes = {H100Node()};
    return *clusters_.back();
  }
  FakeCluster& Run(const json& task) {
    FakeCluster& cluster = Start(task);
    cluster.RunToEnd(kubelet_);
    return cluster;
  }

  std::vector<std::unique_ptr<FakeCluster>> clusters_;
  VirtualEngine engine_;
  std::function<void(FakeCluster&, json&)> kubelet_ = [this](FakeCluster& cluster, json& pod) {
    engine_.Finish(cluster, pod);
  };
};

json WithOptimization(json task, const json& optimization) {
  task["spec"]["optimization"].update(optimization);
  return task;
}

double GpuHours(const api::TaskStatus& status) { return std::strtod(status.cost.gpu_hours.c_str(), nullptr); }

TEST_F(ProposeTest, MeasuresTheBaselineFirstAndStopsBeforeEverythingIsMeasured) {
  const json parameters = {{"max-num-seqs", {16, 32, 64, 128, 256, 512}}, {"max-num-batched-tokens", {2048, 8192}}};
  const api::TaskStatus status = Run(AdaptiveTask(parameters)).Task().status;
  ASSERT_EQ(status.state, "Complete");
  ASSERT_TRUE(status.best && status.search);
  EXPECT_EQ(status.search->stopped, "LowExpectedGain");
  EXPECT_TRUE(status.experiments.front().baseline);
  EXPECT_LT(status.experiments.size(), 12U);
  EXPECT_EQ(status.candidates.eligible, 37);
  // Every candidate has its reason.
  int counted = static_cast<int>(status.experiments.size());
  for (const api::NotTried& left : status.not_tried) counted += left.count;
  EXPECT_EQ(counted, status.candidates.eligible);
  EXPECT_EQ(status.not_tried.front().reason, "LowExpectedGain");
}

TEST_F(ProposeTest, RunsAsManyAtATimeAsAreWorthIt) {
  const json parameters = {{"max-num-seqs", {16, 32, 64, 128, 256, 512}}, {"max-num-batched-tokens", {2048, 8192}}};
  const auto most_at_once = [&](const json& task, int gpus) {
    FakeCluster& cluster = Start(task);
    cluster.nodes[0]["status"]["allocatable"]["nvidia.com/gpu"] = std::to_string(gpus);
    std::size_t most = 0;
    cluster.RunToEnd([&](FakeCluster& self, json& pod) {
      const auto runs = [](const auto& one) { return one.second["status"].value("phase", "") != "Succeeded"; };
      most = std::max(most, static_cast<std::size_t>(std::count_if(self.pods.begin(), self.pods.end(), runs)));
      engine_.Finish(self, pod);
    });
    EXPECT_EQ(cluster.Task().status.state, "Complete");
    EXPECT_EQ(cluster.Task().status.parallelism, task["spec"].contains("parallelism") ? 0 : static_cast<int>(most));
    return most;
  };
  // 37 candidates.
  const json task = AdaptiveTask(parameters);
  EXPECT_EQ(most_at_once(task, 8), 3U) << "a tenth of the candidates";
  EXPECT_EQ(most_at_once(task, 2), 2U) << "the GPUs of the cluster";
  EXPECT_EQ(most_at_once(WithOptimization(task, {{"maxExperiments", 5}}), 8), 1U) << "a third of the trials";
  json asked = task;
  asked["spec"]["parallelism"] = 2;
  EXPECT_EQ(most_at_once(asked, 8), 2U) << "what was asked for";
}

TEST_F(ProposeTest, KilledAtAnyWriteItDecidesTheSameAndRepeatsNothing) {
  const json task = WithOptimization(AdaptiveTask(), {{"confirmations", 1}});
  const auto decisions = [](const FakeCluster& cluster) {
    const api::TaskStatus status = cluster.Task().status;
    std::vector<std::string> out;
    for (const api::ExperimentStatus& entry : status.experiments) {
      out.push_back(entry.name + " " + entry.hash + " " + entry.confirms + " " + entry.score);
    }
    out.push_back(status.best ? status.best->experiment : "");
    out.push_back(status.search ? status.search->message : "");
    return out;
  };
  FakeCluster& undisturbed = Start(task);
  int writes = 0;
  undisturbed.crash = [&](const std::string&) { return ++writes < 0; };
  undisturbed.RunToEnd(kubelet_);
  ASSERT_EQ(undisturbed.Task().status.state, "Complete");
  ASSERT_GT(writes, 10);
  for (int at = 1; at <= writes; ++at) {
    SCOPED_TRACE("killed at write " + std::to_string(at) + " of " + std::to_string(writes));
    FakeCluster& cluster = Start(task);
    int count = 0;
    cluster.crash = [&](const std::string&) { return ++count == at; };
    cluster.RunToEnd(kubelet_);
    EXPECT_EQ(decisions(cluster), decisions(undisturbed));
    EXPECT_EQ(cluster.created, undisturbed.created);
  }
}

TEST_F(ProposeTest, TheSameStatusProposesTheSame) {
  const json parameters = {{"max-num-seqs", {16, 32, 64, 128, 256, 512}}, {"max-num-batched-tokens", {2048, 8192}}};
  json one_at_a_time = AdaptiveTask(parameters);
  one_at_a_time["spec"]["parallelism"] = 1;
  FakeCluster& cluster = Start(one_at_a_time);
  int finished = 0;
  cluster.RunUntilQuiet([&](FakeCluster& self, json& pod) {
    if (finished == 2) return self.SetPhaseRunning(pod);
    engine_.Finish(self, pod);
    ++finished;
  });
  api::AutotuneTask task = cluster.Task();
  ASSERT_EQ(task.status.experiments.size(), 3U);
  task.status.experiments.pop_back();  // what the next look proposed
  const auto space = BuildSpace(task.spec, FactsOfModels(task.status), GpusOf(task.spec, task.status), Rules(),
                                cluster.settings.environment);
  ASSERT_TRUE(space.ok());
  const auto propose = [&](const api::TaskStatus& status) {
    const auto now = cluster.clock.Wall();
    return Propose(task.spec, status, *space, SearchInputOf(task.spec, status, *space, now), {}).start;
  };
  const auto first = propose(task.status);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(space->expansion.candidates[first[0].candidate].hash, cluster.Task().status.experiments[2].hash);
  // Whatever the order in which results came.
  std::reverse(task.status.experiments.begin(), task.status.experiments.end());
  EXPECT_EQ(propose(task.status)[0].candidate, first[0].candidate);
}

TEST_F(ProposeTest, ThePodIsToldWhatIsExpectedOfItAndWhatToBeat) {
  const FakeCluster& cluster = Run(AdaptiveTask());
  ASSERT_GE(cluster.created_pods.size(), 2U);
  const bench::BenchSpec baseline = BenchSpecOfPod(cluster.created_pods[0]);
  const bench::BenchSpec second = BenchSpecOfPod(cluster.created_pods[1]);
  ASSERT_EQ(baseline.predictions.size(), 1U);
  EXPECT_TRUE(baseline.score_to_beat.empty()) << "what a baseline can do is wanted whole";
  ASSERT_EQ(second.predictions.size(), 1U);
  ASSERT_EQ(second.score_to_beat.size(), 1U);
  ASSERT_EQ(second.score_to_beat_ci.size(), 1U) << "a tie is measured to its limit";
  EXPECT_GT(*second.score_to_beat_ci[0], 0);
  EXPECT_LT(*second.score_to_beat_ci[0], *second.score_to_beat[0]);
  // What the baseline showed is in what is expected of the next one: it is surer.
  const auto width = [](const bench::BenchSpec& spec) { return spec.predictions[0]->tpot.level_variance; };
  EXPECT_LT(width(second), width(baseline));
  EXPECT_EQ(second.predictions[0]->ttft.ln_bound, std::log(800.0));
}

TEST_F(ProposeTest, WhatHasToBeBeatenIsTheEstimateAndNotTheBound) {
  FakeCluster& cluster = Start(AdaptiveTask());
  double bound = 0;
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    if (bound > 0) return engine_.Finish(self, pod);
    VirtualEngine::Run run = engine_.Measure(pod);
    bench::RunResult& result = run.result;
    std::erase_if(result.points,
                  [](const measurement::Point& point) { return point.role != measurement::PointRole::kSearch; });
    for (measurement::Point& point : result.points) point.standing_queue = true;
    result.outcomes = {{measurement::StopReason::kOutOfTime, std::nullopt}};
    self.Finish(pod, bench::Encode(result), 0, run.seconds);
    const std::vector<measurement::Point> points = result.points;
    const measurement::Slo slo = BenchSpecOfPod(pod).slo;
    bound =
        points[measurement::LimitOf({slo, measurement::ScoreMetric::kOutputTokens, std::nullopt, ""}, points).value()]
            .output_tokens_per_second;
  });
  ASSERT_GE(cluster.created_pods.size(), 2U);
  const bench::BenchSpec second = BenchSpecOfPod(cluster.created_pods[1]);
  ASSERT_EQ(second.score_to_beat.size(), 1U);
  EXPECT_NEAR(*second.score_to_beat[0], bound / 1.15, 0.01 * bound);
}

TEST_F(ProposeTest, ALeaderByAnEstimateIsStartedAfresh) {
  const json task = AdaptiveTask();
  api::AutotuneTask read = *api::TaskFromJson(task);
  read.spec.optimization.confirmations.reset();
  read.status.best.emplace();
  read.status.best->score_basis = "Estimate";
  EXPECT_EQ(ConfirmationsOf(read.spec, read.status, {}), 1);
  read.spec.optimization.confirmations = 0;
  EXPECT_EQ(ConfirmationsOf(read.spec, read.status, {}), 0) << "as it was asked for";
}

TEST_F(ProposeTest, ABudgetIsNeverExceeded) {
  const json parameters = {{"max-num-seqs", {16, 32, 64, 128, 256, 512}}};
  for (const char* budget : {"0.06", "0.12", "0.35"}) {
    SCOPED_TRACE(budget);
    const json task = WithOptimization(AdaptiveTask(parameters), {{"budget", {{"gpuHours", budget}}}});
    const FakeCluster& cluster = Run(task);
    const api::TaskStatus status = cluster.Task().status;
    ASSERT_EQ(status.state, "Complete");
    EXPECT_LE(GpuHours(status), std::strtod(budget, nullptr));
    EXPECT_GT(GpuHours(status), 0);
    for (const json& pod : cluster.created_pods) EXPECT_TRUE(BenchSpecOfPod(pod).allowed);
    for (const api::ExperimentStatus& entry : status.experiments) EXPECT_GT(entry.allowed_seconds, 0);
  }
  const api::TaskStatus tight =
      Run(WithOptimization(AdaptiveTask(parameters), {{"budget", {{"gpuHours", "0.06"}}}})).Task().status;
  ASSERT_TRUE(tight.search);
  EXPECT_EQ(tight.search->stopped, "Budget");
  EXPECT_EQ(tight.not_tried.front().reason, "Budget");
}

TEST_F(ProposeTest, ABudgetIsTheReasonOnlyWhereALargerOneWouldStartMore) {
  const json parameters = {{"max-num-seqs", {16, 32, 64, 128, 256, 512}}};
  int by_budget = 0, by_gain = 0;
  for (const char* budget : {"0.06", "0.12", "0.2", "0.3", "0.35", "0.4", "0.5"}) {
    SCOPED_TRACE(budget);
    const api::TaskStatus limited =
        Run(WithOptimization(AdaptiveTask(parameters), {{"budget", {{"gpuHours", budget}}}})).Task().status;
    ASSERT_TRUE(limited.search);
    const auto count = [&](const char* reason) {
      const auto found = std::ranges::find(limited.not_tried, reason, &api::NotTried::reason);
      return found == limited.not_tried.end() ? 0 : found->count;
    };
    if (limited.search->stopped == "Budget") {
      ++by_budget;
      EXPECT_GT(count("Budget"), 0);
      const bool told = limited.search->message.find(std::to_string(count("LowExpectedGain"))) != std::string::npos;
      EXPECT_TRUE(count("LowExpectedGain") == 0 || told) << limited.search->message;
      EXPECT_THAT(limited.search->message, HasSubstr(" GPU-hours are left, and the cheapest of these needs "));
    } else {
      ++by_gain;
      EXPECT_EQ(limited.search->stopped, "LowExpectedGain");
      EXPECT_EQ(count("Budget"), 0) << limited.search->message;
    }
  }
  EXPECT_GT(by_budget, 0);
  EXPECT_GT(by_gain, 0);
}

TEST(WhyStopped, SaysHowManyDoNotFitAndHowManyAreNotWorthIt) {
  Proposal proposal;
  proposal.stopped = tuning::search::Reason::kBudget;
  proposal.stop_gain = 0.05;
  proposal.not_tried = {{"Budget", 9}, {"LowExpectedGain", 5}};
  proposal.short_of = "0.106 GPU-hours are left, and the cheapest of these needs 0.12";
  EXPECT_EQ(WhyStopped(proposal),
            "9 of them do not fit into the budget, and 5 are not expected to gain 5.0 % over the best score so far; "
            "0.106 GPU-hours are left, and the cheapest of these needs 0.12");
  proposal.not_tried = {{"Budget", 9}};
  proposal.short_of = "";
  EXPECT_EQ(WhyStopped(proposal), "no remaining candidate fits into the budget");
}

TEST_F(ProposeTest, WhatInfrastructureWastedCountsAgainstTheBudget) {
  const json task = WithOptimization(AdaptiveTask(), {{"budget", {{"gpuHours", "0.12"}}}, {"retries", 5}});
  FakeCluster& cluster = Start(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    const json& phase = pod["status"]["phase"];
    if (phase == "Succeeded" || phase == "Failed") return;
    const std::chrono::duration<double> allowed = *BenchSpecOfPod(pod).allowed;
    self.Finish(pod, FailureMessage(bench::FailureReason::kNodeLost, "gone"), 1, std::min(150.0, allowed.count()));
  });
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Failed");
  EXPECT_LE(GpuHours(status), 0.12);
  EXPECT_GE(cluster.created.size(), 2U);
}

TEST_F(ProposeTest, ABudgetBelowOneExperimentIsRefusedBeforeAnythingStarts) {
  const FakeCluster& cluster = Run(WithOptimization(AdaptiveTask(), {{"budget", {{"gpuHours", "0.01"}}}}));
  EXPECT_TRUE(cluster.created.empty());
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Failed");
  const api::Condition* stalled = api::FindCondition(status.conditions, "Stalled");
  ASSERT_NE(stalled, nullptr);
  EXPECT_EQ(stalled->reason, "BudgetTooSmall");
  EXPECT_THAT(stalled->message, HasSubstr("spec.optimization.budget.gpuHours: the cheapest experiment is expected"));
}

TEST_F(ProposeTest, ADeadlineThatIsPastIsRefusedBeforeAnythingStarts) {
  json task = WithOptimization(AdaptiveTask(), {{"budget", {{"deadline", "10m"}}}});
  task["spec"]["suspend"] = true;
  FakeCluster& cluster = Start(task);
  cluster.RunUntilQuiet(kubelet_);
  cluster.clock.Advance(std::chrono::hours(1));
  cluster.EditSpec([](json& spec) { spec["suspend"] = false; });
  cluster.RunToEnd(kubelet_);
  EXPECT_TRUE(cluster.created.empty());
  const api::TaskStatus status = cluster.Task().status;
  const api::Condition* stalled = api::FindCondition(status.conditions, "Stalled");
  ASSERT_NE(stalled, nullptr);
  EXPECT_THAT(stalled->message,
              HasSubstr("spec.optimization.budget.deadline: 10m since the start of the task have passed"));
}

TEST_F(ProposeTest, ABaselineThatItsEngineRefusesIsRefusedBeforeAnythingStarts) {
  const FakeCluster& cluster =
      Run(WithOptimization(AdaptiveTask(), {{"baseline", {{"parameters", {{"no-such-flag", 1}}}}}}));
  EXPECT_TRUE(cluster.created.empty());
  const api::TaskStatus status = cluster.Task().status;
  const api::Condition* stalled = api::FindCondition(status.conditions, "Stalled");
  ASSERT_NE(stalled, nullptr);
  EXPECT_THAT(stalled->message, HasSubstr("spec.optimization.baseline: runtime vllm is not started with it"));
}

TEST_F(ProposeTest, ANamedBaselineIsWhatIsComparedWith) {
  const json baseline = {{"preset", "kv-cache-fp8"}, {"parameters", {{"max-num-seqs", 24}}}};
  const FakeCluster& cluster = Run(WithOptimization(AdaptiveTask(), {{"baseline", baseline}}));
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_TRUE(status.experiments.front().baseline);
  EXPECT_THAT(status.experiments.front().args, ::testing::IsSupersetOf({"--max-num-seqs", "24", "--kv-cache-dtype"}));
  ASSERT_TRUE(status.best);
  EXPECT_THAT(status.best->improvement_over_baseline, ::testing::StartsWith("+"));
}

TEST_F(ProposeTest, TheLeaderIsStartedAfreshAndItsScoreIsTheMean) {
  const api::TaskStatus status = Run(WithOptimization(AdaptiveTask(), {{"confirmations", 2}})).Task().status;
  ASSERT_EQ(status.state, "Complete");
  ASSERT_TRUE(status.best);
  EXPECT_TRUE(status.best->confirmed);
  EXPECT_EQ(status.best->starts, 3);
  std::set<std::string> hashes;
  double product = 1;
  int starts = 0;
  const auto own = [](const api::ExperimentStatus& entry) {
    double loop = 0, rate = 0;  // where a rate was measured, it counts
    for (const api::LoadRow& row : entry.loads) {
      double& best = row.measured.role == measurement::PointRole::kSustained ? rate : loop;
      if (row.meets_slo) best = std::max(best, row.measured.output_tokens_per_second);
    }
    return rate > 0 ? rate : loop;
  };
  for (const api::ExperimentStatus& entry : status.experiments) {
    EXPECT_TRUE(hashes.insert(entry.hash).second) << "pods are told apart by it";
    if (entry.name != status.best->experiment && entry.confirms != status.best->experiment) continue;
    product *= own(entry);
    ++starts;
  }
  // Load and rate are of one measured point, and every start kept that load.
  bool one_point = false;
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (entry.name != status.best->experiment && entry.confirms != status.best->experiment) continue;
    double kept = 0;
    for (const api::LoadRow& row : entry.loads) {
      const bool is_rate = row.measured.load.kind == measurement::LoadKind::kRequestRate;
      const double in_flight = is_rate ? row.measured.mean_concurrency : row.measured.load.value;
      one_point = one_point || (std::lround(in_flight) == status.best->concurrency &&
                                api::FormatDecimal(row.measured.requests_per_second, 2) == status.best->request_rate);
      if (!is_rate && row.meets_slo) kept = std::max(kept, row.measured.load.value);
    }
    EXPECT_GE(kept, status.best->concurrency) << entry.name;
  }
  EXPECT_TRUE(one_point) << status.best->concurrency << " in flight, " << status.best->request_rate << "/s";
  EXPECT_EQ(starts, 3);
  EXPECT_NEAR(std::strtod(status.best->score.c_str(), nullptr), std::cbrt(product), 0.01);
}

TEST_F(ProposeTest, AnAnswerThatDoesNotHoldGivesWayToTheNextBest) {
  FakeCluster& cluster = Start(WithOptimization(AdaptiveTask(), {{"confirmations", 1}}));
  std::string disowned;
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    const api::TaskStatus status = self.Task().status;
    const std::string hash = pod["metadata"]["labels"]["autotuner.io/experiment-hash"];
    for (const api::ExperimentStatus& entry : status.experiments) {
      if (entry.hash != hash || entry.confirms.empty() || (!disowned.empty() && entry.confirms != disowned)) continue;
      // The first leader: every time to the first token is ten times what it was.
      disowned = entry.confirms;
      VirtualEngine::Run run = engine_.Measure(pod);
      for (measurement::Point& point : run.result.points) {
        for (double* value : {&point.ttft.mean, &point.ttft.p50, &point.ttft.p90, &point.ttft.p95, &point.ttft.p99}) {
          *value = *value * 10 + 1000;
        }
        point.verdict = measurement::Verdict::kMissed;
      }
      return self.Finish(pod, bench::Encode(run.result), 0, run.seconds);
    }
    engine_.Finish(self, pod);
  });
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_EQ(status.state, "Complete");
  ASSERT_TRUE(status.best);
  ASSERT_FALSE(disowned.empty());
  EXPECT_NE(status.best->experiment, disowned);
  EXPECT_TRUE(status.best->confirmed);
}

TEST_F(ProposeTest, SaysBeforeItStartsWhatItWillTakeAndComparesAfterwards) {
  FakeCluster& cluster = Start(AdaptiveTask());
  ASSERT_TRUE(cluster.Reconcile().ok());
  const api::TaskStatus before = cluster.Task().status;
  ASSERT_TRUE(before.estimate);
  EXPECT_NE(before.estimate->finish_at, "");
  EXPECT_EQ(before.estimate->first_gpu_hours, before.estimate->gpu_hours);
  const double most = std::strtod(before.estimate->most_gpu_hours.c_str(), nullptr);
  cluster.RunToEnd(kubelet_);
  const api::TaskStatus after = cluster.Task().status;
  EXPECT_EQ(after.estimate->first_gpu_hours, before.estimate->gpu_hours);
  EXPECT_EQ(after.estimate->experiments, std::to_string(after.experiments.size()));
  EXPECT_LT(GpuHours(after), most);
  EXPECT_THAT(api::FindCondition(after.conditions, "Ready")->message, HasSubstr("GPU-hours, estimated "));
}

TEST_F(ProposeTest, OfPartsOfCardsNothingIsEstimatedBeforeSomethingIsMeasured) {
  for (const char* product : {"NVIDIA-L40S-SHARED", "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", "NVIDIA-L40S"}) {
    FakeCluster& cluster = Start(AdaptiveTask());
    cluster.nodes = {json{{"metadata", {{"name", "a"}, {"labels", {{"nvidia.com/gpu.product", product}}}}},
                          {"status", {{"allocatable", {{"nvidia.com/gpu", "4"}}}}}}};
    ASSERT_TRUE(cluster.Reconcile().ok());
    const api::TaskStatus status = cluster.Task().status;
    EXPECT_FALSE(status.experiments.empty()) << product;
    EXPECT_EQ(status.estimate.has_value(), std::string_view(product) == "NVIDIA-L40S") << product;
  }
}

TEST_F(ProposeTest, LatenciesAreComparedAtARateThatLeadsToFewerRequestsInFlightOfAFasterEngine) {
  const FakeCluster& cluster = Run(WithOptimization(AdaptiveTask(), {{"objective", "MinimizeLatency"}}));
  const api::AutotuneTask task = cluster.Task();
  ASSERT_EQ(task.status.reference_loads.size(), 1U);
  ASSERT_GE(task.status.experiments.size(), 2U);
  const double rate = task.status.reference_loads.front().request_rate;
  const auto space = BuildSpace(task.spec, FactsOfModels(task.status), GpusOf(task.spec, task.status), Rules(),
                                cluster.settings.environment);
  ASSERT_TRUE(space.ok());
  const SearchInput input = SearchInputOf(task.spec, task.status, *space, base::WallTime{});
  ASSERT_TRUE(input.space.request_rate);
  EXPECT_NEAR(*input.space.request_rate, rate, 0.01);
  ASSERT_EQ(input.observations.points.size(), task.status.experiments.size());
  const tuning::search::Point& baseline = input.observations.points.front();
  double fastest = baseline.load;
  for (const tuning::search::Point& point : input.observations.points) {
    EXPECT_NEAR(point.load, rate * std::exp(point.ln_objective_ms) / 1000, 0.3 * point.load) << "Little's law";
    fastest = std::min(fastest, point.load);
  }
  EXPECT_LT(fastest, 0.7 * baseline.load);
  // Before the baseline has ended, no load is known.
  api::TaskStatus before = task.status;
  before.experiments.clear();
  EXPECT_FALSE(SearchInputOf(task.spec, before, *space, base::WallTime{}).space.request_rate);
}

TEST_F(ProposeTest, OfFixedLoadsLatenciesAreComparedAtTheHighest) {
  for (const auto& [key, loads] :
       {std::pair{"concurrency", json{1, 8, 32}}, std::pair{"requestRate", json{"1", "4"}}}) {
    json spec = WithOptimization(AdaptiveTask(), {{"objective", "MinimizeTPOT"}});
    spec["spec"]["benchmark"]["load"] = {{key, loads}};
    const FakeCluster& cluster = Run(spec);
    const api::AutotuneTask task = cluster.Task();
    ASSERT_EQ(task.status.state, "Complete");
    const auto space = BuildSpace(task.spec, FactsOfModels(task.status), GpusOf(task.spec, task.status), Rules(),
                                  cluster.settings.environment);
    ASSERT_TRUE(space.ok());
    const SearchInput input = SearchInputOf(task.spec, task.status, *space, base::WallTime{});
    ASSERT_FALSE(input.observations.points.empty());
    EXPECT_EQ(input.observations.points.size(), task.status.experiments.size()) << "one load of each";
    if (key == std::string("requestRate")) {
      EXPECT_EQ(input.space.request_rate, 4);
      continue;
    }
    EXPECT_FALSE(input.space.request_rate);
    for (const tuning::search::Candidate& candidate : input.space.candidates) {
      EXPECT_EQ(candidate.loads, std::vector<double>{32});
    }
    for (const tuning::search::Point& point : input.observations.points) EXPECT_EQ(point.load, 32);
  }
}

TEST_F(ProposeTest, WhatWasLearnedCanBeReported) {
  const FakeCluster& cluster = Run(WithOptimization(AdaptiveTask(), {{"confirmations", 1}}));
  const api::AutotuneTask task = cluster.Task();
  const auto space = BuildSpace(task.spec, FactsOfModels(task.status), GpusOf(task.spec, task.status), Rules(),
                                cluster.settings.environment);
  ASSERT_TRUE(space.ok());
  const tuning::search::Insight insight = InsightOf(task.spec, task.status, *space);
  for (const api::ExperimentStatus& experiment : task.status.experiments) {
    EXPECT_EQ(PointOf(*space, experiment).at("quantization"), experiment.quant.name);
    EXPECT_EQ(PointOf(*space, experiment).contains("max-num-seqs"), !experiment.baseline);
  }
  ASSERT_TRUE(insight.error);
  EXPECT_LT(insight.error->predicted, 0.5);
  EXPECT_EQ(insight.trajectory.size(), task.status.experiments.size());
  EXPECT_NEAR(insight.trajectory.back().gpu_hours, GpuHours(task.status), 1e-3);
  for (const auto& checked : insight.predictions) EXPECT_NE(checked.experiment, "");
}

}  // namespace
}  // namespace autotune::reconcile
