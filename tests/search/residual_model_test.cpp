#include "tuning/search/residual_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/keyed_random.h"
#include "tests/search/surfaces.h"
#include "tuning/search/acquisition.h"

namespace autotune::tuning::search {
namespace {

using testing::PriorOf;
using testing::SmallSpace;
using testing::UsualBounds;

class ResidualModelTest : public ::testing::Test {
 protected:
  // A row whose latencies are the prior's times these factors.
  Row RowOf(std::size_t candidate, std::size_t load, double ttft, double tpot) const {
    Row row;
    row.candidate = candidate;
    row.load = space_.candidates[candidate].loads[load];
    row.measurements = 1;
    row.y = {prior_.at[candidate][load].ln_ttft_ms + std::log(ttft),
             prior_.at[candidate][load].ln_tpot_ms + std::log(tpot), 0, 0};
    row.value = 1;
    return row;
  }
  ResidualModel Fit(const std::vector<Row>& rows) const {
    std::vector<std::size_t> all(space_.candidates.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return {space_, bounds_, prior_, rows, all};
  }
  Space space_ = SmallSpace();
  Bounds bounds_ = UsualBounds();
  Prior prior_ = PriorOf(space_, bounds_);
};

// Indices in SmallSpace: engine * 18 + precision * 9 + parallel * 3 + cap.
TEST_F(ResidualModelTest, AMeasurementInformsTheMoreTheMoreIsShared) {
  const ResidualModel model = Fit({RowOf(0, 3, 1, 2)});
  const double before = Fit({}).LineOf(kTpot, 0).level;
  const auto moved = [&](std::size_t i) { return model.LineOf(kTpot, i).level - Fit({}).LineOf(kTpot, i).level; };
  EXPECT_GT(moved(0), 0.8 * (std::log(2) - before));
  EXPECT_GT(moved(0), moved(1));   // another cap on sequences
  EXPECT_GT(moved(1), moved(3));   // more GPUs
  EXPECT_GT(moved(3), moved(9));   // another precision
  EXPECT_GT(moved(9), moved(18));  // another engine
  EXPECT_GT(moved(18), 0);
  EXPECT_LT(model.LineOf(kTpot, 0).level_variance, model.LineOf(kTpot, 1).level_variance);
  EXPECT_LT(model.LineOf(kTpot, 1).level_variance, model.LineOf(kTpot, 18).level_variance);
}

// The closed form of the posterior of one row is level sd^2 / (sd^2 + noise), against which the solver is checked.
TEST_F(ResidualModelTest, TheVarianceOfOneRowIsTheTextbooksOne) {
  // u = 0 nowhere exactly: take the row's own variance at its u.
  const Row row = RowOf(0, 2, 1, 1);
  const ResidualModel prior = Fit({});
  const ResidualModel posterior = Fit({row});
  const double u = prior_.U(0, 2);
  const auto variance = [&](const ResidualModel::Line& l) {
    return l.level_variance + 2 * l.covariance * u + l.slope_variance * u * u;
  };
  const double before = variance(prior.LineOf(kTtft, 0));
  const double noise = std::pow(prior.Roughness(kTtft), 2) + prior.NoiseVariance(kTtft, row);
  EXPECT_NEAR(variance(posterior.LineOf(kTtft, 0)), before * noise / (before + noise), 1e-9);
}

TEST_F(ResidualModelTest, AQueueIsAsLongAsRequestsRunWhateverPrefillsTake) {
  // Candidate 0 runs 16 requests at a time; of 32, as many wait as run.
  const double osl = space_.workload.output_tokens;
  const ResidualModel before = Fit({});
  EXPECT_EQ(before.Queued(0, 2), 0);
  EXPECT_NEAR(before.Queued(0, 3), 1, 1e-9);
  const LoadPrior& at = prior_.at[0][3];
  const double alone = before.PriorAt(kTtft, 0, 3);
  EXPECT_NEAR(measurement::WithQueue(alone, at.ln_tpot_ms, 1, osl), at.ln_ttft_ms, 1e-9);
  EXPECT_NEAR(alone, prior_.at[0][2].ln_ttft_ms, 1e-6) << "the same 16 run";
  const auto whole = [&](const ResidualModel& model) {
    const auto mean = [&](Metric metric) {
      const ResidualModel::Line line = model.LineOf(metric, 0);
      return model.PriorAt(metric, 0, 3) + line.level + line.slope * model.U(0, 3);
    };
    return model.WholeTtft(0, 3, mean(kTtft), mean(kTpot));
  };
  const double slow_prefill = whole(Fit({RowOf(0, 2, 1.5, 1)})) - whole(Fit({RowOf(0, 2, 1, 1)}));
  const double slow_steps = whole(Fit({RowOf(0, 2, 1, 1.5)})) - whole(Fit({RowOf(0, 2, 1, 1)}));
  EXPECT_LT(slow_prefill, 0.3 * slow_steps);
  EXPECT_GT(slow_steps, 0.5 * std::log(1.5));
  // What is measured in a queue says nothing of a prefill.
  EXPECT_EQ(Fit({RowOf(0, 3, 2, 1)}).LineOf(kTtft, 0).level, before.LineOf(kTtft, 0).level);
}

TEST_F(ResidualModelTest, DrawsHaveThePosteriorsMeanAndVariance) {
  const ResidualModel model = Fit({RowOf(0, 3, 1.5, 1.2), RowOf(20, 2, 0.8, 1.1)});
  constexpr std::size_t kDraws = 4000;
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{30}}) {
    const ResidualModel::Draws draws = model.Draw(kTtft, kDraws, 5);
    double sum = 0;
    double squares = 0;
    for (std::size_t s = 0; s < kDraws; ++s) {
      double level = 0;
      double slope = 0;
      draws.LineOf(i, s, &level, &slope);
      sum += level;
      squares += level * level;
    }
    const ResidualModel::Line line = model.LineOf(kTtft, i);
    const double mean = sum / kDraws;
    EXPECT_NEAR(mean, line.level, 4 * std::sqrt(line.level_variance / kDraws)) << i;
    EXPECT_NEAR(squares / kDraws - mean * mean, line.level_variance, 0.1 * line.level_variance) << i;
  }
}

TEST_F(ResidualModelTest, TheOrderOfPointsDoesNotMatter) {
  std::vector<Point> points;
  for (const std::size_t i : {std::size_t{3}, std::size_t{20}, std::size_t{7}}) {
    for (const double load : {8.0, 32.0}) points.push_back(testing::Measure(space_, prior_, i, load));
  }
  const std::vector<Row> rows = MergePoints(space_, points);
  std::reverse(points.begin(), points.end());
  const std::vector<Row> reversed = MergePoints(space_, points);
  ASSERT_EQ(rows.size(), reversed.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].candidate, reversed[i].candidate);
    EXPECT_EQ(rows[i].y, reversed[i].y);
  }
}

TEST_F(ResidualModelTest, PointsOfSeveralStartsAreOneRowWithTheirMean) {
  Point a = testing::Measure(space_, prior_, 0, 8);
  Point b = a;
  b.attempt = 2;
  b.measurements = 3;
  b.ln_tpot_ms += 0.4;
  b.value *= std::exp(-0.4);
  const std::vector<Row> rows = MergePoints(space_, {a, b});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].measurements, 4);
  EXPECT_NEAR(rows[0].y[kTpot], a.ln_tpot_ms + 0.3, 1e-12);
  EXPECT_NEAR(rows[0].value, a.value * std::exp(-0.3), 1e-9);
}

TEST_F(ResidualModelTest, ValuesOfSiblingsMoveTogether) {
  const std::vector<Row> rows = {RowOf(20, 3, 1, 1)};
  const ResidualModel model = Fit(rows);
  const ValueDraws draws(space_, bounds_, model, rows, 3, 128);
  const auto correlation = [&](std::size_t a, std::size_t b) {
    const std::vector<double> x = draws.Of(a);
    const std::vector<double> y = draws.Of(b);
    const auto mean = [](const std::vector<double>& v) {
      return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
    };
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t s = 0; s < x.size(); ++s) {
      xy += (x[s] - mean(x)) * (y[s] - mean(y));
      xx += (x[s] - mean(x)) * (x[s] - mean(x));
      yy += (y[s] - mean(y)) * (y[s] - mean(y));
    }
    return xy / std::sqrt(xx * yy);
  };
  EXPECT_GT(correlation(1, 2), 0.8);  // caps 64 and 256 of the same configuration
}

// Of() leaves out what cannot count. Here nothing is left out.
TEST_F(ResidualModelTest, ALoadThatIsNotDrawnWouldNotHaveCounted) {
  constexpr std::uint64_t kKey = 3;
  constexpr std::size_t kDraws = 256;
  const std::vector<Row> rows = {RowOf(20, 3, 1, 1)};
  for (const double tighter : {1.0, 0.5, 0.1}) {
    bounds_.ttft_ms = *UsualBounds().ttft_ms * tighter;
    const ResidualModel model = Fit(rows);
    const ValueDraws draws(space_, bounds_, model, rows, kKey, kDraws);
    const ResidualModel::Draws ttft = model.Draw(kTtft, kDraws, kKey);
    const ResidualModel::Draws tpot = model.Draw(kTpot, kDraws, kKey);
    int within = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      const Candidate& c = space_.candidates[i];
      measurement::PredictedLoads at;
      at.output_tokens = space_.workload.output_tokens;
      at.gpus = DivisorOf(c);
      const std::vector<double> values = draws.Of(i);
      for (std::size_t s = 0; s < kDraws; ++s) {
        const std::uint64_t key = base::Key({kKey, c.key, s});
        double best = 0;
        for (std::size_t j = 0; j < c.loads.size(); ++j) {
          const auto drawn = [&](const ResidualModel::Draws& line, Metric m) {
            double level = 0, slope = 0;
            line.LineOf(i, s, &level, &slope);
            const double z = base::Normal(base::Mix64(key + (j * kMetrics + m) * 0x9e3779b97f4a7c15ULL));
            return model.PriorAt(m, i, j) + level + slope * model.U(i, j) + z * model.Roughness(m);
          };
          const double y_tpot = drawn(tpot, kTpot);
          const double y_ttft = model.WholeTtft(i, j, drawn(ttft, kTtft), y_tpot);
          if (y_ttft > std::log(*bounds_.ttft_ms) || y_tpot > std::log(*bounds_.tpot_ms)) continue;
          best = std::max(best, measurement::ValueAt(at, c.loads[j], y_ttft, y_tpot, 0));
        }
        ASSERT_NEAR(values[s], best, 1e-9 * best) << c.key << " " << s;
        within += best > 0 ? 1 : 0;
      }
    }
    EXPECT_GT(within, 0);
  }
}

}  // namespace
}  // namespace autotune::tuning::search
