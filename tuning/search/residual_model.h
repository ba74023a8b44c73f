// Model of the prior's error: a Gaussian over ln(observed / predicted), one per metric.
//
//   residual = all + engine + class + family + candidate, each a level and a slope over ln(running requests),
//              and a term per doubling of the GPUs
//   class    = engine x precision x KV cache x draft x GPU
//   family   = class x parallel sizes x graphs: candidates that differ only in limits of the batch,
//              hence run the same steps
//
// Bayesian linear regression with these terms as columns, hence exact, and the same as a Gaussian process with their
// kernels. A class that was measured once informs every candidate of it. Failures never enter. Constants: constants.h.
// Immutable after construction; a few hundred columns at most, about a millisecond.
#pragma once

#include <Eigen/Dense>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measurement/predicted_load.h"
#include "tuning/search/at_rate.h"
#include "tuning/search/constants.h"
#include "tuning/search/observations.h"
#include "tuning/search/prior.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

enum Metric : std::size_t { kTtft, kTpot, kE2e, kObjective };
inline constexpr std::size_t kMetrics = 4;

// All measurements of one candidate at one load.
struct Row {
  std::size_t candidate = 0;
  double load = 0;
  int measurements = 0;
  std::array<double, kMetrics> y{};         // ln(ms), mean
  std::array<double, kMetrics> variance{};  // of the mean; 0 = the model's own noise
  double value = 0;                         // geometric mean
  bool met = true;                          // bounds that are not modelled hold
};
// Points of the same candidate and load are one row. In an order that does not depend on the points' own.
std::vector<Row> MergePoints(const Space& space, const std::vector<Point>& points);

class ResidualModel {
 public:
  // `candidates`: those that will be asked about, beside those with rows. `without`: leave this candidate's own rows
  // out (its pod conditions on them itself).
  ResidualModel(const Space& space, const Bounds& bounds, const Prior& prior, const std::vector<Row>& rows,
                const std::vector<std::size_t>& candidates, std::optional<std::size_t> without = std::nullopt);

  // E2E is modelled where it is bounded, the objective where it does not follow from TTFT and TPOT.
  [[nodiscard]] bool Models(Metric metric) const { return modelled_[metric]; }
  [[nodiscard]] double Roughness(Metric metric) const { return metrics_[metric].deviations.roughness; }
  [[nodiscard]] double Noise(Metric metric) const { return metrics_[metric].deviations.noise; }
  // Variance of a row's mean.
  [[nodiscard]] double NoiseVariance(Metric metric, const Row& row) const;

  [[nodiscard]] double U(std::size_t candidate, std::size_t load) const { return prior_->U(candidate, load); }
  // Requests that wait for each that runs.
  [[nodiscard]] double Queued(std::size_t candidate, std::size_t load) const;
  // ln(ms) of a measured TTFT: this model predicts it without the wait in a queue.
  [[nodiscard]] double WholeTtft(std::size_t candidate, std::size_t load, double ln_ttft, double ln_tpot) const;
  // ln(ms) of the prior; TTFT without the wait.
  [[nodiscard]] double PriorAt(Metric metric, std::size_t candidate, std::size_t load) const;

  // Level and slope of a candidate's residual: mean and covariance.
  struct Line {
    double level = 0, slope = 0;
    double level_variance = 0, covariance = 0, slope_variance = 0;
  };
  [[nodiscard]] Line LineOf(Metric metric, std::size_t candidate) const;

  // Joint draws of every column, draw by draw; keyed, so that draw s of all candidates belongs together.
  class Draws {
   public:
    // Level and slope of the candidate in draw s; its own part is drawn from its prior where it has no rows.
    void LineOf(std::size_t candidate, std::size_t draw, double* level, double* slope) const;

   private:
    friend class ResidualModel;
    const ResidualModel* model_ = nullptr;
    Metric metric_ = kTtft;
    std::uint64_t key_ = 0;
    Eigen::MatrixXd columns_;  // columns x draws
  };
  [[nodiscard]] Draws Draw(Metric metric, std::size_t draws, std::uint64_t key) const;

  // Every metric at each of its loads, the mean; TTFT with the wait. 0 where a metric is not modelled.
  [[nodiscard]] std::vector<std::array<double, kMetrics>> MeanCurve(std::size_t candidate) const;

  // Of a space with a request rate: where it meets this candidate's latencies, `y` at each of its loads with the whole
  // TTFT. The bounded statistics stand for means by the ratio that was measured.
  [[nodiscard]] std::optional<InFlight> MeetRate(std::size_t candidate,
                                                 const std::vector<std::array<double, kMetrics>>& y) const;

  // Prediction for the pod that measures this candidate, to choose its loads.
  [[nodiscard]] measurement::PredictedLoads PredictLoads(std::size_t candidate) const;

 private:
  struct OneMetric {
    constants::TermDeviations deviations;
    Eigen::VectorXd mean;  // of the columns
    Eigen::LLT<Eigen::MatrixXd> precision;
  };
  // Positions of a candidate's columns.
  struct Columns {
    std::size_t engine = 0;  // level; slope and size follow
    std::size_t class_ = 0;  // level; slope follows
    std::optional<std::size_t> family;
    std::optional<std::size_t> own;
    std::uint64_t family_key = 0;
    double size = 0;  // log2 of the GPUs
  };
  [[nodiscard]] const Columns& Of(std::size_t candidate) const { return of_candidate_[position_[candidate] - 1]; }
  void Add(const Columns& columns, double u, Eigen::VectorXd* z) const;

  const Space* space_;
  const Bounds* bounds_;
  const Prior* prior_;
  std::array<bool, kMetrics> modelled_{};
  std::size_t columns_ = 0;
  std::vector<std::uint32_t> position_;  // of a candidate in of_candidate_, 1 = the first; 0 = not asked about
  std::vector<Columns> of_candidate_;
  std::array<OneMetric, kMetrics> metrics_;
  double ln_in_flight_ratio_ = 0;  // requests in flight as measured, to those by the statistics that are modelled
};

}  // namespace autotune::tuning::search
