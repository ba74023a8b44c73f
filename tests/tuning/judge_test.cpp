#include "tuning/score.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

namespace autotune::tuning {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Row {
  int concurrency = 1;
  double tokens_per_second = 100;
  double ttft = 50, tpot = 10, e2e = 1000;  // milliseconds, the same for every percentile
  std::string scenario = "D(512,128)";
  std::int64_t requests = 100, errors = 0;
};

measurement::Point Load(const Row& row) {
  measurement::Point load;
  load.scenario = row.scenario;
  load.load = measurement::Concurrency(row.concurrency);
  load.requests = row.requests;
  load.errors = row.errors;
  load.output_tokens_per_second = row.tokens_per_second;
  load.ttft = {row.ttft, row.ttft, row.ttft, row.ttft, row.ttft};
  load.tpot = {row.tpot, row.tpot, row.tpot, row.tpot, row.tpot};
  load.e2e = {row.e2e, row.e2e, row.e2e, row.e2e, row.e2e};
  return load;
}

Observation Make(const std::string& id, const std::vector<Row>& rows, int gpus = 1) {
  Observation observation{id, gpus, {}};
  for (const Row& row : rows) observation.loads.push_back(Load(row));
  return observation;
}

constexpr Objective kObjectives[] = {Objective::kMaximizeThroughput, Objective::kMinimizeLatency,
                                     Objective::kMinimizeTtft, Objective::kMinimizeTpot};

TEST(CheckSlo, ComparesEachBoundWithItsOwnPercentile) {
  measurement::Point load = Load({});
  load.ttft = {1, 2, 3, 4, 5};
  load.tpot = {10, 20, 30, 40, 50};
  load.e2e = {100, 200, 300, 400, 500};
  struct Case {
    const char* bound;
    Slo slo;
    double actual;
  };
  const Case cases[] = {
      {"slo.ttft.mean", {{{"mean", 0.5}}, {}, {}, {}}, 1},       {"slo.ttft.p50", {{{"p50", 0.5}}, {}, {}, {}}, 2},
      {"slo.ttft.p90", {{{"p90", 0.5}}, {}, {}, {}}, 3},         {"slo.ttft.p95", {{{"p95", 0.5}}, {}, {}, {}}, 4},
      {"slo.ttft.p99", {{{"p99", 0.5}}, {}, {}, {}}, 5},         {"slo.tpot.p95", {{}, {{"p95", 0.5}}, {}, {}}, 40},
      {"slo.e2eLatency.p90", {{}, {}, {{"p90", 0.5}}, {}}, 300},
  };
  for (const Case& test : cases) {
    const auto violations = CheckSlo(test.slo, load);
    ASSERT_EQ(violations.size(), 1U) << test.bound;
    EXPECT_EQ(violations[0].bound, test.bound);
    EXPECT_DOUBLE_EQ(violations[0].limit, 0.5);
    EXPECT_DOUBLE_EQ(*violations[0].actual, test.actual);
    EXPECT_DOUBLE_EQ(violations[0].relative, (test.actual - 0.5) / 0.5);
  }
}

TEST(CheckSlo, AcceptsAValueThatIsExactlyTheBound) {
  EXPECT_THAT(CheckSlo({{{"p99", 50}}, {{"p99", 10}}, {{"p50", 1000}}, 0.0}, Load({})), IsEmpty());
}

TEST(CheckSlo, PutsTheWorstViolationFirst) {
  const auto violations = CheckSlo({{{"p99", 40}}, {{"p95", 5}}, {}, {}}, Load({}));
  ASSERT_EQ(violations.size(), 2U);
  EXPECT_EQ(violations[0].bound, "slo.tpot.p95");  // +100 %
  EXPECT_EQ(violations[1].bound, "slo.ttft.p99");  // +25 %
}

TEST(CheckSlo, CountsErrorsAgainstAllRequests) {
  const Slo slo{{}, {}, {}, 0.01};
  EXPECT_THAT(CheckSlo(slo, Load({.requests = 99, .errors = 1})), IsEmpty());
  const auto violations = CheckSlo(slo, Load({.requests = 98, .errors = 2}));
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].bound, "slo.errorRate");
  EXPECT_DOUBLE_EQ(*violations[0].actual, 0.02);
}

TEST(CheckSlo, BreaksTheErrorRateWhenNothingCompleted) {
  for (const Slo& slo : {Slo{}, Slo{{}, {}, {}, 0.5}}) {
    const auto violations = CheckSlo(slo, Load({.requests = 0, .errors = 5}));
    ASSERT_EQ(violations.size(), 1U);
    EXPECT_EQ(violations[0].bound, "slo.errorRate");
    EXPECT_DOUBLE_EQ(*violations[0].actual, 1);
  }
}

TEST(CheckSlo, StaysFiniteWithALimitOfZero) {
  const auto violations = CheckSlo({{{"p99", 0}}, {{"p50", 0}}, {}, 0.0}, Load({.ttft = 1e300, .errors = 1}));
  ASSERT_EQ(violations.size(), 3U);
  for (const Violation& violation : violations) EXPECT_TRUE(std::isfinite(violation.relative)) << violation.bound;
}

TEST(Judge, ScoresThroughputPerGpuOfTheBestStep) {
  const auto judgement = Judge({Make("one-gpu", {{1, 100}, {8, 700}, {32, 650}}), Make("two-gpus", {{8, 1200}}, 2)},
                               Objective::kMaximizeThroughput, {});
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(700, 1e-9)));
  EXPECT_EQ(judgement.judged[0].scored_concurrency, 8);
  EXPECT_THAT(judgement.judged[0].scored, ElementsAre(1));
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(600, 1e-9)));
  EXPECT_THAT(judgement.best, Optional(0U));
}

TEST(Judge, CountsOnlyStepsThatMeetTheSlo) {
  const Slo slo{{{"p99", 100}}, {}, {}, {}};
  const auto judgement =
      Judge({Make("a", {{1, 100, 20}, {8, 700, 90}, {32, 2000, 400}})}, Objective::kMaximizeThroughput, slo);
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(700, 1e-9)));
  EXPECT_EQ(judgement.judged[0].scored_concurrency, 8);
  EXPECT_THAT(judgement.judged[0].load_meets_slo, ElementsAre(true, true, false));
}

TEST(Judge, CombinesScenariosByGeometricMean) {
  const auto judgement =
      Judge({Make("a", {{8, 400}, {32, 100, 50, 10, 1000, "D(2048,256)"}})}, Objective::kMaximizeThroughput, {});
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(200, 1e-9)));
  EXPECT_EQ(judgement.judged[0].scored_concurrency, 8);  // of the first scenario
  EXPECT_THAT(judgement.judged[0].scored, ElementsAre(0, 1));
}

TEST(Judge, ScoresLatencyAtTheHighestLoadThatAllMeasured) {
  const auto judgement = Judge({Make("a", {{1, 100, 20, 5}, {8, 700, 60, 12}, {32, 900, 500, 40}}),
                                Make("b", {{1, 100, 30, 8}, {8, 600, 50, 9}})},
                               Objective::kMinimizeTpot, {});
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(-12, 1e-9)));
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(-9, 1e-9)));
  EXPECT_EQ(judgement.judged[0].scored_concurrency, 8);
  EXPECT_THAT(judgement.best, Optional(1U));
}

TEST(Judge, LooksAtTheMetricOfItsObjective) {
  const std::vector<Observation> one = {Make("a", {{8, 700, 60, 12, 1500}})};
  EXPECT_THAT(Judge(one, Objective::kMinimizeTtft, {}).judged[0].score, Optional(DoubleNear(-60, 1e-9)));
  EXPECT_THAT(Judge(one, Objective::kMinimizeTpot, {}).judged[0].score, Optional(DoubleNear(-12, 1e-9)));
  EXPECT_THAT(Judge(one, Objective::kMinimizeLatency, {}).judged[0].score, Optional(DoubleNear(-1500, 1e-9)));
}

TEST(Judge, ComparesLatencyAtTheHighestLoadThatAnythingCanServe) {
  // Nobody meets the TTFT bound at 32; at 8 only "slow" does, so the faster tokens of "late" do not count.
  const Slo slo{{{"p99", 100}}, {}, {}, {}};
  const auto judgement = Judge({Make("late", {{1, 100, 20, 5}, {8, 700, 150, 6}, {32, 900, 500, 8}}),
                                Make("slow", {{1, 100, 30, 8}, {8, 600, 90, 9}, {32, 800, 400, 12}})},
                               Objective::kMinimizeTpot, slo);
  EXPECT_FALSE(judgement.judged[0].feasible);
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(-9, 1e-9)));
  EXPECT_EQ(judgement.judged[1].scored_concurrency, 8);
  EXPECT_THAT(judgement.best, Optional(1U));
}

TEST(Judge, NamesTheBoundThatIsClosestToBeingMet) {
  const Slo slo{{{"p99", 100}}, {{"p95", 8}}, {}, {}};
  const auto judgement =
      Judge({Make("far", {{1, 100, 500, 10}, {8, 900, 900, 20}}), Make("near", {{1, 120, 110, 9}, {8, 800, 130, 12}})},
            Objective::kMaximizeThroughput, slo);
  EXPECT_EQ(judgement.best, std::nullopt);
  EXPECT_THAT(judgement.nearest, Optional(1U));
  const Judged& near = judgement.judged[1];
  EXPECT_FALSE(near.feasible);
  EXPECT_EQ(near.score, std::nullopt);
  ASSERT_TRUE(near.binding);
  EXPECT_EQ(near.binding->bound, "slo.tpot.p95");  // 12.5 % over at the nearest step, TTFT 10 %
  EXPECT_DOUBLE_EQ(*near.binding->actual, 9);
  EXPECT_EQ(near.binding_scenario, "D(512,128)");
  EXPECT_EQ(near.binding_concurrency, 1);
  EXPECT_THAT(near.relaxed_score, Optional(DoubleNear(120, 1e-9)));
}

TEST(Judge, TakesTheBindingBoundFromTheScenarioThatMissesMost) {
  const Slo slo{{{"p99", 100}}, {}, {}, {}};
  const auto judgement =
      Judge({Make("a", {{1, 100, 110}, {1, 100, 150, 10, 1000, "D(2048,256)"}, {1, 100, 90, 10, 1000, "D(64,64)"}})},
            Objective::kMaximizeThroughput, slo);
  ASSERT_TRUE(judgement.judged[0].binding);
  EXPECT_EQ(judgement.judged[0].binding_scenario, "D(2048,256)");
  EXPECT_DOUBLE_EQ(judgement.judged[0].binding->relative, 0.5);
}

TEST(Judge, HasNoNearestWhereSomethingIsFeasible) {
  const Slo slo{{{"p99", 100}}, {}, {}, {}};
  EXPECT_EQ(Judge({Make("a", {{1, 100, 50}}), Make("b", {{1, 100, 150}})}, Objective::kMaximizeThroughput, slo).nearest,
            std::nullopt);
}

TEST(Judge, NeverLetsWhatDidNotCompleteWin) {
  const double bad[] = {std::nan(""), kInfinity, -kInfinity, -1.0, 0.0};
  for (Objective objective : kObjectives) {
    for (double value : bad) {
      auto broken = Make("broken", {{8, 1e9, 1e-9, 1e-9, 1e-9}});
      broken.loads[0].output_tokens_per_second = value;
      const auto judgement =
          Judge({broken, Make("empty", {}), Make("no requests", {{.concurrency = 8, .requests = 0, .errors = 9}}),
                 Make("other scenario only", {{8, 1e9, 1, 1, 1, "D(1,1)"}}),
                 Make("whole", {{8, 1}, {8, 1, 9, 9, 9, "D(1,1)"}})},
                objective, {});
      EXPECT_THAT(judgement.best, Optional(4U)) << value;
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_FALSE(judgement.judged[i].feasible);
        EXPECT_EQ(judgement.judged[i].score, std::nullopt);
      }
      EXPECT_THAT(judgement.pareto, ElementsAre(4));
    }
  }
}

TEST(Judge, HasNoBestWithoutObservations) {
  for (Objective objective : kObjectives) {
    EXPECT_EQ(Judge({}, objective, {}).best, std::nullopt);
    EXPECT_EQ(Judge({Make("failed", {})}, objective, {}).best, std::nullopt);
  }
}

TEST(Judge, GivesTiesToTheEarlierObservation) {
  for (Objective objective : kObjectives) {
    EXPECT_THAT(Judge({Make("a", {{8}}), Make("b", {{8}})}, objective, {}).best, Optional(0U));
  }
}

TEST(Judge, FindsTheParetoFrontOverAllStepsOfAllObservations) {
  const auto judgement =
      Judge({Make("fast tokens", {{1, 100, 50, 5}, {32, 900, 50, 40}}),
             Make("dominated", {{1, 90, 50, 6}, {32, 800, 50, 45}}),
             Make("throughput", {{1, 80, 50, 7}, {32, 1500, 50, 50}}), Make("twin of the first", {{1, 100, 50, 5}})},
            Objective::kMaximizeThroughput, {});
  EXPECT_THAT(judgement.pareto, ElementsAre(0, 2, 3));
}

TEST(Judge, KeepsInfeasibleStepsOffTheParetoFront) {
  const Slo slo{{{"p99", 100}}, {}, {}, {}};
  const auto judgement = Judge({Make("a", {{1, 100, 50, 5}}), Make("b", {{1, 50, 50, 9}, {32, 9000, 900, 1}})},
                               Objective::kMaximizeThroughput, slo);
  EXPECT_THAT(judgement.pareto, ElementsAre(0));
}

// Properties over random measurements, some of them broken.
class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  double Value(double low, double high) {
    return low + (high - low) * static_cast<double>(generator_() % 10'000) / 10'000;
  }
  std::size_t Index(std::size_t size) { return generator_() % size; }

  std::vector<Observation> Observations() {
    std::vector<Observation> observations;
    for (std::size_t i = 0, count = 1 + Index(6); i < count; ++i) {
      Observation observation = Make("e" + std::to_string(i), {}, static_cast<int>(1 + Index(4)));
      for (const char* scenario : {"D(512,128)", "D(64,64)"}) {
        for (int concurrency : {1, 8, 32}) {
          if (Index(12) == 0) continue;
          observation.loads.push_back(Load({concurrency, Value(1, 3000), Value(1, 900), Value(0, 60), Value(1, 9000),
                                            scenario, Index(15) == 0 ? 0 : 100, static_cast<std::int64_t>(Index(4))}));
        }
      }
      observations.push_back(std::move(observation));
    }
    return observations;
  }
  Slo RandomSlo() {
    Slo slo;
    if (Index(2) == 0) slo.ttft["p99"] = Value(0, 900);
    if (Index(2) == 0) slo.tpot["p50"] = Value(0, 60);
    if (Index(3) == 0) slo.error_rate = Value(0, 0.03);
    return slo;
  }

 private:
  std::mt19937 generator_;
};

TEST(JudgeProperty, EveryNumberIsFiniteAndTheBestIsFeasible) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    auto observations = random.Observations();
    const Slo slo = random.RandomSlo();
    for (Objective objective : kObjectives) {
      const auto judgement = Judge(observations, objective, slo);
      ASSERT_EQ(judgement.judged.size(), observations.size());
      for (const Judged& judged : judgement.judged) {
        ASSERT_EQ(judged.score.has_value(), judged.feasible);
        ASSERT_TRUE(std::isfinite(judged.score.value_or(0)));
        ASSERT_TRUE(std::isfinite(judged.relaxed_score.value_or(0)));
        ASSERT_TRUE(std::isfinite(judged.binding.value_or(Violation{}).relative));
      }
      if (judgement.best) {
        const Judged& best = judgement.judged[*judgement.best];
        ASSERT_TRUE(best.feasible);
        for (std::size_t load : best.scored) ASSERT_TRUE(best.load_meets_slo[load]);
        ASSERT_FALSE(judgement.pareto.empty());
        if (objective == Objective::kMaximizeThroughput) {
          ASSERT_THAT(judgement.pareto, ::testing::Contains(*judgement.best)) << "seed " << seed;
        }
      }
    }
  }
}

// The predecessor's penalty could make a higher throughput score worse. Here a better number never does harm: an
// observation that is improved keeps its feasibility, does not lose score, and if it was the best it stays the best.
TEST(JudgeProperty, ABetterMeasurementNeverHurts) {
  int improved_best = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    const auto observations = random.Observations();
    const Slo slo = random.RandomSlo();
    auto better = observations;
    const std::size_t index = random.Index(observations.size());
    if (better[index].loads.empty()) continue;
    measurement::Point& load = better[index].loads[random.Index(better[index].loads.size())];
    if (load.requests == 0) continue;  // then it would be another set of measured loads, not a better number
    load.output_tokens_per_second *= 1 + random.Value(0, 2);
    const double factor = random.Value(0.2, 1);
    for (measurement::Latency* latency : {&load.ttft, &load.tpot, &load.e2e}) {
      for (double* value : {&latency->mean, &latency->p50, &latency->p90, &latency->p95, &latency->p99})
        *value *= factor;
    }
    for (Objective objective : kObjectives) {
      const auto before = Judge(observations, objective, slo);
      const auto after = Judge(better, objective, slo);
      const bool was_best = before.best == index;
      if (was_best) {
        ++improved_best;
        ASSERT_EQ(after.best, index) << "seed " << seed;
      }
      if (objective == Objective::kMaximizeThroughput && before.judged[index].feasible) {
        ASSERT_TRUE(after.judged[index].feasible);
        ASSERT_GE(*after.judged[index].score, *before.judged[index].score);
      }
    }
  }
  EXPECT_GT(improved_best, 500);
}

TEST(JudgeProperty, ATighterSloNeverImprovesThroughput) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    const auto observations = random.Observations();
    Slo loose = random.RandomSlo();
    loose.ttft["p99"] = 600;
    Slo tight = loose;
    tight.ttft["p99"] = 300;
    const auto with_loose = Judge(observations, Objective::kMaximizeThroughput, loose);
    const auto with_tight = Judge(observations, Objective::kMaximizeThroughput, tight);
    for (std::size_t i = 0; i < observations.size(); ++i) {
      if (!with_tight.judged[i].feasible) continue;
      ASSERT_TRUE(with_loose.judged[i].feasible);
      ASSERT_LE(*with_tight.judged[i].score, *with_loose.judged[i].score);
    }
  }
}

TEST(Improvement, HasASignThatIsForPeople) {
  struct Case {
    Objective objective;
    std::optional<double> score, baseline;
    const char* expected;
  };
  const Case cases[] = {
      {Objective::kMaximizeThroughput, 1413, 1000, "+41.3%"},
      {Objective::kMaximizeThroughput, 900, 1000, "-10.0%"},
      {Objective::kMaximizeThroughput, 1000, 1000, "+0.0%"},
      {Objective::kMaximizeThroughput, 999.999, 1000, "+0.0%"},
      {Objective::kMinimizeTpot, -60, -80, "+25.0%"},
      {Objective::kMinimizeTtft, -100, -80, "-25.0%"},
      {Objective::kMinimizeLatency, -80, -80, "+0.0%"},
      {Objective::kMaximizeThroughput, std::nullopt, 1000, ""},
      {Objective::kMaximizeThroughput, 1000, std::nullopt, ""},
      {Objective::kMaximizeThroughput, 1000, 0, ""},
      {Objective::kMaximizeThroughput, kInfinity, 1000, ""},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(Improvement(test.score, test.baseline, test.objective), test.expected);
  }
}

}  // namespace
}  // namespace autotune::tuning
