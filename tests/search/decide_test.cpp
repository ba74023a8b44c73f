#include "tuning/search/decide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/keyed_random.h"
#include "tests/search/surfaces.h"
#include "tuning/search/acquisition.h"
#include "tuning/search/stop_rule.h"

namespace autotune::tuning::search {
namespace {

using testing::BestTrueValue;
using testing::Log;
using testing::PriorOf;
using testing::RunSearch;
using testing::SmallSpace;
using testing::UsualBounds;

class DecideTest : public ::testing::Test {
 protected:
  Space space_ = SmallSpace();
  Bounds bounds_ = UsualBounds();
  Prior prior_ = PriorOf(space_, bounds_);
};

TEST_F(DecideTest, FindsNearlyTheBestWithFewTrialsAndSaysWhyItStopped) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Log log = RunSearch(space_, bounds_, prior_, seed);
    const Decision& last = log.decisions.back();
    EXPECT_EQ(last.action, Action::kStop);
    EXPECT_EQ(last.reason, Reason::kLowExpectedGain);
    EXPECT_LT(last.expected_gain, StopGain(space_));
    ASSERT_TRUE(last.best) << seed;
    EXPECT_GE(last.best->value, 0.95 * BestTrueValue(space_, bounds_, prior_)) << seed;
    EXPECT_LE(log.started, 12) << seed;  // of 36
  }
}

TEST_F(DecideTest, LargerSpacesAreSearchedForSmallerGains) {
  const auto of = [](std::size_t candidates, Objective objective = Objective::kThroughput) {
    Space space;
    space.candidates.resize(candidates);
    space.objective = objective;
    return StopGain(space);
  };
  EXPECT_DOUBLE_EQ(of(5), 0.05);
  EXPECT_DOUBLE_EQ(of(20), 0.05);
  EXPECT_DOUBLE_EQ(of(40), 0.0125);
  EXPECT_DOUBLE_EQ(of(100'000), 0.005);
  EXPECT_DOUBLE_EQ(of(40, Objective::kE2e), 0.0125);
  EXPECT_DOUBLE_EQ(of(100'000, Objective::kTpot), 0.01);
  EXPECT_DOUBLE_EQ(of(20, Objective::kTtft), 0.05);
  EXPECT_DOUBLE_EQ(of(40, Objective::kTtft), 0.03) << "a measured TTFT is no more certain";
}

TEST(DrawsForTest, AFewCandidatesGetMoreDrawsAndAWholeShortlistTakesNoLonger) {
  EXPECT_EQ(DrawsFor(1), 512U);
  EXPECT_EQ(DrawsFor(64), 512U);
  EXPECT_EQ(DrawsFor(128), 256U);
  EXPECT_EQ(DrawsFor(256), 128U);
  EXPECT_EQ(DrawsFor(1000), 128U);
}

TEST_F(DecideTest, ExhaustingTriesEveryCandidateAndFindsTheBest) {
  Limits limits;
  limits.exhaust = true;
  const Log log = RunSearch(space_, bounds_, prior_, 1, limits);
  EXPECT_EQ(log.started, static_cast<int>(space_.candidates.size()));
  EXPECT_EQ(log.decisions.back().reason, Reason::kAllTried);
  EXPECT_GE(log.decisions.back().best->value, 0.98 * BestTrueValue(space_, bounds_, prior_));
}

TEST_F(DecideTest, TheSameStateGivesTheSameDecisionWhateverTheOrderOfObservations) {
  // A restart before every decision: the observations come back in another order.
  int shuffles = 0;
  const Log plain = RunSearch(space_, bounds_, prior_, 3);
  const Log restarted = RunSearch(space_, bounds_, prior_, 3, {}, nullptr, [&](Observations* o) {
    std::reverse(o->points.begin(), o->points.end());
    std::reverse(o->starts.begin(), o->starts.end());
    std::reverse(o->ended.begin(), o->ended.end());
    ++shuffles;
  });
  ASSERT_EQ(plain.decisions.size(), restarted.decisions.size());
  EXPECT_GT(shuffles, 3);
  for (std::size_t i = 0; i < plain.decisions.size(); ++i) {
    EXPECT_EQ(plain.decisions[i].action, restarted.decisions[i].action) << i;
    EXPECT_EQ(plain.decisions[i].candidate, restarted.decisions[i].candidate) << i;
    EXPECT_EQ(plain.decisions[i].step.load, restarted.decisions[i].step.load) << i;
  }
}

TEST_F(DecideTest, TheOrderOfCandidatesDoesNotDecideTheFirstStart) {
  Space reversed = space_;
  std::reverse(reversed.candidates.begin(), reversed.candidates.end());
  const Decision a = Decide(space_, bounds_, prior_, {}, {}, 4);
  const Decision b = Decide(reversed, bounds_, PriorOf(reversed, bounds_), {}, {}, 4);
  EXPECT_EQ(space_.candidates[a.candidate].features.shape.gpus, reversed.candidates[b.candidate].features.shape.gpus);
  EXPECT_EQ(space_.candidates[a.candidate].features.precision, reversed.candidates[b.candidate].features.precision);
}

TEST_F(DecideTest, BaselinesAreMeasuredFirst) {
  space_.candidates[30].baseline = true;
  const Decision first = Decide(space_, bounds_, prior_, {}, {}, 1);
  EXPECT_EQ(first.action, Action::kStart);
  EXPECT_EQ(first.reason, Reason::kBaseline);
  EXPECT_EQ(first.candidate, 30U);
  Observations crashed;
  crashed.starts.push_back({30, StartOutcome::kCrashed, 0});
  EXPECT_NE(Decide(space_, bounds_, prior_, crashed, {}, 1).candidate, 30U);
}

TEST_F(DecideTest, WhatCrashedIsNotStartedAgainButInfrastructureIsRetried) {
  const std::size_t first = Decide(space_, bounds_, prior_, {}, {}, 1).candidate;
  Observations o;
  o.starts.push_back({first, StartOutcome::kInfrastructure, 0});
  bool again = false;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    again |= Decide(space_, bounds_, prior_, o, {}, seed).candidate == first;
  EXPECT_TRUE(again);
  o.starts.push_back({first, StartOutcome::kCrashed, 0});
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_NE(Decide(space_, bounds_, prior_, o, {}, seed).candidate, first);
  }
}

TEST_F(DecideTest, AClassThatCrashesIsLeft) {
  const std::size_t first = Decide(space_, bounds_, prior_, {}, {}, 1).candidate;
  const Features& bad = space_.candidates[first].features;
  const auto crashes = [&](std::size_t i) {
    const Features& f = space_.candidates[i].features;
    return f.engine == bad.engine && f.precision == bad.precision;
  };
  const Log log = RunSearch(space_, bounds_, prior_, 1, {}, crashes);
  int failed = 0;
  for (const Start& s : log.observations.starts) failed += s.outcome == StartOutcome::kCrashed ? 1 : 0;
  EXPECT_LE(failed, 4);  // of nine
  EXPECT_TRUE(log.decisions.back().best);
}

TEST_F(DecideTest, BoundsThatNothingMeetsEndInTheVerdictInfeasible) {
  bounds_.tpot_ms = 0.5;
  prior_ = PriorOf(space_, bounds_);
  const Log log = RunSearch(space_, bounds_, prior_, 1);
  EXPECT_EQ(log.decisions.back().action, Action::kStop);
  EXPECT_EQ(log.decisions.back().reason, Reason::kInfeasible);
  EXPECT_FALSE(log.decisions.back().best);
  EXPECT_LE(log.started, 6);
}

TEST_F(DecideTest, ABudgetIsNeverExceeded) {
  for (const double hours : {0.05, 0.2, 0.5, 1.0, 2.0, 5.0}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      Limits limits;
      limits.exhaust = true;
      limits.budget.gpu_seconds = hours * 3600;
      limits.budget.confirmations = 1;
      // As the operator does: a trial may not spend more than it was allowed, nor may its steps.
      Limits running = limits;
      Observations o;
      Slots slots;
      double allowance = 0;
      for (int i = 0; i < 500; ++i) {
        const Decision d = Decide(space_, bounds_, prior_, o, slots, seed, running);
        if (d.action == Action::kStep) {
          const double cost = space_.candidates[d.candidate].features.shape.gpus * space_.step_seconds;
          if (cost > allowance + 1e-6) {
            o.ended.push_back(*slots.up);
            slots.up.reset();
            continue;
          }
          allowance -= cost;
          running.budget.spent_gpu_seconds += cost;
          o.points.push_back(testing::Measure(space_, prior_, d.candidate, d.step.load));
          continue;
        }
        if (slots.up) o.ended.push_back(*slots.up);
        slots.up.reset();
        if (d.action != Action::kStart) {
          EXPECT_EQ(d.reason, hours < 4 ? Reason::kBudget : d.reason);
          break;
        }
        ASSERT_TRUE(d.allowance);
        const Candidate& c = space_.candidates[d.candidate];
        allowance = d.allowance->gpu_seconds - c.features.shape.gpus * c.start_seconds;
        running.budget.spent_gpu_seconds += c.features.shape.gpus * c.start_seconds;
        o.starts.push_back({d.candidate, StartOutcome::kOk, c.start_seconds});
        slots.up = d.candidate;
        ++running.budget.started;
      }
      // The answer's confirmation fits too.
      double reserve = 0;
      if (const auto best = BestObserved(bounds_, MergePoints(space_, o.points))) {
        reserve = ConfirmationCost(space_, best->candidate).gpu_seconds;
      }
      EXPECT_LE(running.budget.spent_gpu_seconds + reserve, hours * 3600 + 1e-6) << hours << " " << seed;
    }
  }
}

TEST_F(DecideTest, ABudgetIsTheReasonOnlyWhereALargerOneWouldStartMore) {
  // After the whole search nothing is worth a start, whatever is left to spend.
  const Observations seen = RunSearch(space_, bounds_, prior_, 1).observations;
  const Decision unlimited = Decide(space_, bounds_, prior_, seen, {}, 1);
  ASSERT_EQ(unlimited.action, Action::kStop);
  Limits nothing_left;
  nothing_left.budget.gpu_seconds = 0;
  const Decision limited = Decide(space_, bounds_, prior_, seen, {}, 1, nothing_left);
  ASSERT_EQ(limited.action, Action::kStop);
  EXPECT_EQ(limited.reason, Reason::kLowExpectedGain);
  EXPECT_EQ(limited.expected_gain, unlimited.expected_gain);
  Limits none;
  none.budget.trials = 0;
  EXPECT_EQ(Decide(space_, bounds_, prior_, {}, {}, 1, nothing_left).reason, Reason::kBudget);
  EXPECT_EQ(Decide(space_, bounds_, prior_, {}, {}, 1, none).reason, Reason::kMaxExperiments);
}

TEST_F(DecideTest, TheMostExperimentsAreKept) {
  Limits limits;
  limits.budget.trials = 3;
  limits.exhaust = true;
  const Log log = RunSearch(space_, bounds_, prior_, 1, limits);
  EXPECT_EQ(log.started, 3);
  EXPECT_EQ(log.decisions.back().reason, Reason::kMaxExperiments);
}

TEST_F(DecideTest, TheFirstBatchSpreadsOverEngines) {
  Slots slots;
  std::set<std::string> engines;
  std::set<std::size_t> candidates;
  for (int slot = 0; slot < 4; ++slot) {
    const Decision d = Decide(space_, bounds_, prior_, {}, slots, 1);
    ASSERT_EQ(d.action, Action::kStart);
    const Features& f = space_.candidates[d.candidate].features;
    engines.insert(f.engine);
    candidates.insert(d.candidate);
    slots.running.push_back({d.candidate, false, f.shape.gpus, 0, 300, 0});
  }
  EXPECT_EQ(engines.size(), 2U);
  EXPECT_EQ(candidates.size(), 4U);
}

TEST_F(DecideTest, WaitsForNewsThatIsNearAndForNoneThatIsFar) {
  Slots slots;
  slots.running.push_back({0, true, 1, 0, 60, 0});  // a start takes 240 s
  const Decision near = Decide(space_, bounds_, prior_, {}, slots, 1);
  EXPECT_EQ(near.action, Action::kWait);
  EXPECT_EQ(near.reason, Reason::kSlotsBusy);
  slots.running.front().seconds_left = 150;
  EXPECT_EQ(Decide(space_, bounds_, prior_, {}, slots, 1).action, Action::kStart);
}

TEST_F(DecideTest, OtherSlotsTakeOtherCandidatesAndAStopWaitsForThem) {
  const Decision first = Decide(space_, bounds_, prior_, {}, {}, 1);
  Slots slots;
  slots.running.push_back({first.candidate, false, 1, 0, 0, 0});
  const Decision second = Decide(space_, bounds_, prior_, {}, slots, 1);
  EXPECT_EQ(second.action, Action::kStart);
  EXPECT_NE(second.candidate, first.candidate);

  const Log log = RunSearch(space_, bounds_, prior_, 1);
  Slots busy;
  busy.running.push_back({log.observations.starts.front().candidate, true, 1, 0, 0, 0});
  const Decision wait = Decide(space_, bounds_, prior_, log.observations, busy, 1);
  EXPECT_EQ(wait.action, Action::kWait);
  EXPECT_EQ(wait.reason, Reason::kSlotsBusy);
}

TEST_F(DecideTest, LatencyObjectivesFindTheFastest) {
  space_.objective = Objective::kTpot;
  for (Candidate& c : space_.candidates) c.loads = {16};
  bounds_ = {};
  prior_ = PriorOf(space_, bounds_);
  const auto measure = [&](std::size_t i) {
    Point p = testing::Measure(space_, prior_, i, 16);
    p.ln_objective_ms = p.ln_tpot_ms;
    p.value = 1000 / std::exp(p.ln_tpot_ms);
    return p;
  };
  double best = 0;
  for (std::size_t i = 0; i < space_.candidates.size(); ++i) best = std::max(best, measure(i).value);
  Observations o;
  Slots slots;
  Decision d;
  for (int i = 0; i < 100; ++i) {
    d = Decide(space_, bounds_, prior_, o, slots, 1);
    if (d.action == Action::kStep) {
      o.points.push_back(measure(d.candidate));
      continue;
    }
    if (slots.up) o.ended.push_back(*slots.up);
    slots.up.reset();
    if (d.action != Action::kStart) break;
    o.starts.push_back({d.candidate, StartOutcome::kOk, 0});
    slots.up = d.candidate;
  }
  ASSERT_TRUE(d.best);
  EXPECT_GE(d.best->value, 0.95 * best);
}

TEST_F(DecideTest, AHundredThousandCandidatesAreOrderedWithEveryClassInFront) {
  Space large = space_;
  large.candidates.clear();
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    Candidate c = space_.candidates[i % space_.candidates.size()];
    c.key = base::Mix64(i);
    c.features.shape.max_num_seqs = 8 + static_cast<int>(i / 36);
    large.candidates.push_back(std::move(c));
  }
  const Prior prior = PriorOf(large, bounds_);
  ASSERT_EQ(prior.order.size(), large.candidates.size());
  std::set<std::string> classes;
  for (std::size_t i = 0; i < 64; ++i) {
    const Features& f = large.candidates[prior.order[i]].features;
    classes.insert(f.engine + f.precision + std::to_string(f.shape.gpus));
  }
  EXPECT_EQ(classes.size(), 12U);
  EXPECT_EQ(Decide(large, bounds_, prior, {}, {}, 1).action, Action::kStart);
}

TEST_F(DecideTest, WithoutFactsTheGenericPriorStillSearches) {
  const Prior generic = PriceSpace(space_, bounds_, std::nullopt, {});
  EXPECT_TRUE(generic.generic);
  // The surface stays the roofline's.
  Observations o;
  Slots slots;
  Decision d;
  int started = 0;
  for (int i = 0; i < 200; ++i) {
    d = Decide(space_, bounds_, generic, o, slots, 2);
    if (d.action == Action::kStep) {
      o.points.push_back(testing::Measure(space_, prior_, d.candidate, d.step.load));
      continue;
    }
    if (slots.up) o.ended.push_back(*slots.up);
    slots.up.reset();
    if (d.action != Action::kStart) break;
    ++started;
    o.starts.push_back({d.candidate, StartOutcome::kOk, 0});
    slots.up = d.candidate;
  }
  ASSERT_TRUE(d.best);
  EXPECT_LE(started, 20);
  EXPECT_GE(d.best->value, 0.9 * BestTrueValue(space_, bounds_, prior_));
}

}  // namespace
}  // namespace autotune::tuning::search
