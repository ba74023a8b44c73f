#include "report/effects.h"

#include <gmock/gmock.h>

#include <cmath>

#include "finished_task.h"
#include "report/result_view.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Point = Settings;

// Finished() with these throughputs, each ± 2 %; 0 = failed. The last one is the best.
api::AutotuneTask Measured(const std::vector<double>& throughputs) {
  api::AutotuneTask task = Finished();
  const api::ExperimentStatus good = task.status.experiments[1], bad = task.status.experiments[2];
  task.status.experiments.clear();
  for (const double throughput : throughputs) {
    api::ExperimentStatus experiment = throughput > 0 ? good : bad;
    experiment.name = "e" + std::to_string(task.status.experiments.size() + 1);
    for (api::LoadRow& load : experiment.loads) {
      load.measured.output_tokens_per_second = throughput;
      load.measured.output_tokens_per_second_ci = throughput * 0.02;
      load.measured.load = measurement::Concurrency(8);
      load.measured.ttft.p99 = 310;
      load.meets_slo = true;
    }
    experiment.loads.resize(throughput > 0 ? 1 : 0);
    task.status.experiments.push_back(experiment);
  }
  task.status.best->experiment = task.status.experiments.back().name;
  task.status.best->score = api::FormatDecimal(throughputs.back(), 2);
  return task;
}

const ValueEffect& ValueOf(const std::vector<ParameterEffect>& effects, const std::string& parameter,
                           const std::string& value) {
  for (const ParameterEffect& one : effects) {
    for (const ValueEffect& found : one.values) {
      if (one.parameter == parameter && found.value == value) return found;
    }
  }
  ADD_FAILURE() << parameter << "=" << value << " is missing";
  static const ValueEffect none{};
  return none;
}

const std::vector<Point> kPoints = {{{"quantization", "default"}},
                                    {{"quantization", "default"}, {"max-num-seqs", "1024"}},
                                    {{"quantization", "fp8"}, {"max-num-seqs", "128"}},
                                    {{"quantization", "fp8"}, {"max-num-seqs", "1024"}}};

TEST(EffectsOf, AreThoseOfPairsThatDifferInOneParameter) {
  const api::AutotuneTask task = Measured({1000, 1100, 800, 1320});
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, kPoints);
  const ValueEffect& quantization = ValueOf(effects, "quantization", "default");
  ASSERT_TRUE(quantization.from_best);
  EXPECT_NEAR(quantization.from_best->change, 1100.0 / 1320 - 1, 1e-9) << "at 1024, where both were measured";
  EXPECT_NEAR(quantization.to_best->change, 0.2, 1e-9) << "the way back is the inverse";
  EXPECT_THAT(quantization.to_best->pairs, SizeIs(1));
  EXPECT_NEAR(quantization.to_best->low, 1.2 * std::exp(-0.02 * std::sqrt(2)) - 1, 1e-6);
  EXPECT_NEAR(quantization.to_best->high, 1.2 * std::exp(0.02 * std::sqrt(2)) - 1, 1e-6);
  EXPECT_EQ(EvidenceText(*quantization.to_best), "+20.0% (+16.7% to +23.4%), 1 pair, from e2 to e4");
  EXPECT_NEAR(ValueOf(effects, "max-num-seqs", "128").from_best->change, 800.0 / 1320 - 1, 1e-9);
}

// The finding: with unequal groups an effect against a group's mean ranked "(not set)" above the value that won.
TEST(EffectsOf, NeverRankAValueAboveTheBestOnesByOtherParameters) {
  const api::AutotuneTask task = Measured({1000, 990, 500, 1320});
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, kPoints);
  const ValueEffect& unset = ValueOf(effects, "max-num-seqs", "");
  ASSERT_TRUE(unset.from_best);
  EXPECT_NEAR(unset.from_best->change, 1000.0 / 990 - 1, 1e-9) << "beside e2, not beside experiments with fp8";
  EXPECT_FALSE(unset.from_best->certain());
  EXPECT_THAT(EvidenceText(*unset.from_best), HasSubstr("1 pair, from e2 to e1, not told apart"));
}

TEST(EffectsOf, HaveNoNumberWithoutAPair) {
  const api::AutotuneTask task = Measured({1000, 0, 0, 1320});
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, kPoints);
  for (const ParameterEffect& parameter : effects) {
    for (const ValueEffect& value : parameter.values) EXPECT_FALSE(value.from_best) << value.value;
  }
  const auto why = [&](const char* parameter, const char* value) {
    for (const ParameterEffect& one : effects) {
      if (one.parameter == parameter)
        return NoEffectText(ValueOf(effects, parameter, value), one, Direction::kFromBest);
    }
    return std::string("?");
  };
  EXPECT_EQ(why("max-num-seqs", ""),
            "no pair differs in this alone; together with quantization: -24.2% (-26.4% to -22.1%), from e4 to e1");
  EXPECT_EQ(why("max-num-seqs", "128"), "no score: e3 failed");
  EXPECT_EQ(why("max-num-seqs", "1024"), "") << "the best configuration's own";
}

TEST(EffectsOf, NameTheNearestPairWhereNoneDiffersInOneAlone) {
  const std::vector<Point> points = {
      {{"a", "1"}, {"b", "1"}, {"c", "1"}}, {{"a", "1"}, {"b", "2"}, {"c", "1"}}, {{"a", "2"}, {"b", "2"}, {"c", "2"}}};
  const api::AutotuneTask task = Measured({1000, 1100, 1320});
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, points);
  const ValueEffect& a = ValueOf(effects, "a", "1");
  EXPECT_FALSE(a.from_best);
  ASSERT_TRUE(a.nearest);
  EXPECT_THAT(a.nearest->with, ElementsAre("c")) << "e2 differs in one other parameter, e1 in two";
  EXPECT_EQ(a.nearest->with_value, "e2");
  EXPECT_EQ(a.nearest->with_best, "e3");
  EXPECT_NEAR(a.nearest->to_best.change, 0.2, 1e-9);
  EXPECT_THAT(NoEffectText(a, effects.front(), Direction::kToBest),
              HasSubstr("together with c: +20.0% (+16.7% to +23.4%), from e2 to e3"));
}

TEST(EffectsOf, ATieOfTheTableIsNotToldApartHereEither) {
  const std::vector<Point> points = {{{"a", "1"}}, {{"a", "2"}}};
  const api::AutotuneTask task = Measured({1000, 1200});
  auto rows = ResultRows(task);
  ASSERT_TRUE(rows[1].best);
  ASSERT_TRUE(ValueOf(EffectsOf(task, rows, points), "a", "1").from_best->certain());
  rows[0].tied = true;
  const auto effects = EffectsOf(task, rows, points);
  EXPECT_FALSE(ValueOf(effects, "a", "1").from_best->certain());
  EXPECT_THAT(EvidenceText(*ValueOf(effects, "a", "1").from_best),
              HasSubstr("not told apart: the intervals of the two scores overlap"));
}

TEST(EffectsOf, SayThatTheNearestPairIsNotToldApart) {
  const std::vector<Point> points = {{{"a", "1"}, {"b", "1"}}, {{"a", "2"}, {"b", "2"}}};
  const api::AutotuneTask task = Measured({1000, 1010});
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, points);
  EXPECT_EQ(NoEffectText(ValueOf(effects, "a", "1"), effects.front(), Direction::kToBest),
            "no pair differs in this alone; together with b: +1.0% (-1.8% to +3.9%), from e1 to e2, not told apart");
}

// The finding: a variable of what is deployed, and a flag that a preset sets, were missing in the list.
TEST(EffectsOf, NameEverySettingThatDiffersInTheNearestPair) {
  api::AutotuneTask task = Measured({1000, 1320});
  task.status.experiments[0].deployed = true;
  task.status.experiments[0].env = {{"VLLM_X", "1"}};
  task.status.experiments[0].quant.name = "default";
  task.status.experiments[0].args = {"--max-num-seqs", "64"};
  task.status.experiments[1].args = {"--max-num-seqs", "128", "--kv-cache-dtype", "fp8"};
  std::vector<Point> points = {{{"quantization", "default"}, {"max-num-seqs", "64"}},
                               {{"quantization", "kv-cache-fp8"}, {"max-num-seqs", "128"}}};
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, points, quant::testing::Rules());
  EXPECT_THAT(ValueOf(effects, "max-num-seqs", "64").nearest.value().with,
              ElementsAre("VLLM_X", "kv-cache-dtype", "quantization preset"));

  // Of the parameters only one differs, and it is not alone.
  task.status.experiments[1].args = {"--max-num-seqs", "128"};
  task.status.experiments[1].quant.name = points[1]["quantization"] = "default";
  const auto same = EffectsOf(task, ResultRows(task), points, quant::testing::Rules());
  EXPECT_FALSE(ValueOf(same, "max-num-seqs", "64").to_best);
  EXPECT_THAT(ValueOf(same, "max-num-seqs", "64").nearest.value().with, ElementsAre("VLLM_X"));
  task.status.experiments[0].env.clear();
  EXPECT_TRUE(
      ValueOf(EffectsOf(task, ResultRows(task), points, quant::testing::Rules()), "max-num-seqs", "64").to_best);
}

// What is not set is what the engine uses: the baseline has a pair.
TEST(EffectsOf, CountTheEnginesDefaultAsTheValueThatItIs) {
  api::AutotuneTask task = Measured({1000, 1200, 1320});
  task.status.gpus.front().memory_bytes = std::int64_t{80} << 30;
  const std::vector<Point> points = {{{"quantization", "default"}},
                                     {{"quantization", "fp8"}, {"max-num-seqs", "1024"}},
                                     {{"quantization", "fp8"}, {"max-num-seqs", "128"}}};
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, points, quant::testing::Rules());
  const ValueEffect& quantization = ValueOf(effects, "quantization", "default");
  ASSERT_TRUE(quantization.to_best) << "e1 and e2 differ in nothing else: vLLM's default on an H100 is 1024";
  EXPECT_NEAR(quantization.to_best->change, 0.2, 1e-9);
  const ValueEffect& sequences = ValueOf(effects, "max-num-seqs", "1024");
  ASSERT_TRUE(sequences.to_best);
  EXPECT_NEAR(sequences.to_best->change, 0.1, 1e-9);
  EXPECT_EQ(sequences.shown, "1024 (and engine's default)");
  EXPECT_EQ(ValueOf(effects, "max-num-seqs", "128").shown, "128");

  task.status.gpus.front().memory_bytes = 0;
  const auto unknown = EffectsOf(task, rows, points, quant::testing::Rules());
  EXPECT_FALSE(ValueOf(unknown, "quantization", "default").to_best);
  EXPECT_EQ(ValueOf(unknown, "max-num-seqs", "").shown, "engine's default");
}

// vLLM runs 1024 sequences on an H100 and 256 on an L40S where nobody asks for a number.
TEST(EffectsOf, PairGpusWhoseDefaultsDiffer) {
  api::AutotuneTask task = Measured({600, 500, 900, 1320});
  task.spec.gpus = {task.spec.gpus.front(), task.spec.gpus.front()};
  task.spec.gpus[0].name = "h100";
  task.spec.gpus[0].products = {"h100"};
  task.spec.gpus[1].name = "l40s";
  task.spec.gpus[1].products = {"l40s"};
  task.status.gpus = {task.status.gpus.front(), task.status.gpus.front()};
  task.status.gpus[0].name = "h100";
  task.status.gpus[0].memory_bytes = std::int64_t{80} << 30;
  task.status.gpus[1].name = "l40s";
  task.status.gpus[1].product = "NVIDIA-L40S";
  task.status.gpus[1].memory_bytes = std::int64_t{48} << 30;
  const char* const gpus[] = {"l40s", "l40s", "h100", "h100"};
  std::vector<Point> points;
  for (std::size_t i = 0; i < 4; ++i) {
    task.status.experiments[i].gpu = gpus[i];
    points.push_back({{"gpu", gpus[i]}});
    if (i == 1 || i == 2) points.back()["max-num-seqs"] = "128";
  }
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, points, quant::testing::Rules());
  const ValueEffect& gpu = ValueOf(effects, "gpu", "l40s");
  ASSERT_TRUE(gpu.to_best);
  EXPECT_THAT(gpu.to_best->pairs, SizeIs(2)) << "with 128 sequences, and with each one's own default";
  // Both defaults are values of their own, each against 128 on its GPU alone.
  EXPECT_EQ(ValueOf(effects, "max-num-seqs", "256").shown, "engine's default: 256");
  EXPECT_EQ(ValueOf(effects, "max-num-seqs", "1024").shown, "engine's default: 1024");
  ASSERT_TRUE(ValueOf(effects, "max-num-seqs", "128").to_best);
  EXPECT_THAT(ValueOf(effects, "max-num-seqs", "128").to_best->pairs, SizeIs(1));
  EXPECT_FALSE(ValueOf(effects, "max-num-seqs", "256").to_best) << "it comes with the GPU";
}

TEST(EffectsOf, SayWhatAValueThatIsNotSetStandsFor) {
  const api::AutotuneTask task = Measured({1000, 1320});
  const auto effects =
      EffectsOf(task, ResultRows(task), std::vector<Point>{{{"a", "1"}}, {{"a", "1"}, {"VLLM_X", "1"}}});
  EXPECT_EQ(ValueOf(effects, "VLLM_X", "").shown, "(not set)");
  EXPECT_EQ(ValueOf(effects, "VLLM_X", "1").shown, "1");
}

TEST(EffectsOf, AreMeansOverTheirPairsWithEachOfThem) {
  const std::vector<Point> points = {
      {{"a", "1"}, {"b", "1"}}, {{"a", "2"}, {"b", "1"}}, {{"a", "1"}, {"b", "2"}}, {{"a", "2"}, {"b", "2"}}};
  const api::AutotuneTask task = Measured({1000, 1210, 1000, 1440});
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, points);
  const MeasuredChange& change = *ValueOf(effects, "a", "1").to_best;
  EXPECT_NEAR(change.change, std::sqrt(1.21 * 1.44) - 1, 1e-9);
  EXPECT_THAT(change.pairs, ElementsAre(::testing::DoubleNear(0.21, 1e-9), ::testing::DoubleNear(0.44, 1e-9)));
  EXPECT_NEAR(change.high - change.low, 2 * 0.02 * (1 + change.change), 1e-4) << "one pair has 1.41 times the width";
}

TEST(EffectsOf, CountLessLatencyAsBetter) {
  api::AutotuneTask task = Measured({1000, 1000});
  task.spec.optimization.objective = api::Objective::kMinimizeTpot;
  task.spec.benchmark.load = {.mode = measurement::LoadMode::kFixedConcurrency, .fixed = {8}};
  task.status.experiments[0].loads[0].measured.tpot.p50 = 10;
  task.status.experiments[1].loads[0].measured.tpot.p50 = 5;
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, std::vector<Point>{{{"a", "1"}}, {{"a", "2"}}});
  EXPECT_NEAR(ValueOf(effects, "a", "1").to_best->change, 0.5, 1e-9);
  EXPECT_NEAR(ValueOf(effects, "a", "1").from_best->change, -1, 1e-9);
  EXPECT_EQ(EvidenceText(*ValueOf(effects, "a", "1").to_best), "50.0% less, 1 pair, from e1 to e2");
  EXPECT_EQ(EvidenceText(*ValueOf(effects, "a", "1").from_best), "100.0% more, 1 pair, from e2 to e1");
}

TEST(EffectsOf, AreOfExperimentsAndNotOfTheirFreshStarts) {
  api::AutotuneTask task = Measured({1000, 1200, 1200});
  task.status.experiments[2].confirms = "e2";
  task.status.best->experiment = "e2";
  const auto rows = ResultRows(task);
  const auto effects = EffectsOf(task, rows, std::vector<Point>{{{"a", "1"}}, {{"a", "2"}}, {{"a", "2"}}});
  EXPECT_THAT(ValueOf(effects, "a", "1").to_best->pairs, SizeIs(1));
  EXPECT_THAT(ValueOf(effects, "a", "2").scored, SizeIs(1));
}

TEST(EffectsOf, AreEmptyWithoutABest) {
  api::AutotuneTask task = Measured({0, 0});
  task.status.best.reset();
  EXPECT_TRUE(EffectsOf(task, ResultRows(task), std::vector<Point>{{{"a", "1"}}, {{"a", "2"}}}).empty());
}

}  // namespace
}  // namespace autotune::report
