// Model of the prior's error: a Gaussian over ln(observed / predicted), one per metric.
//
//   residual = all + engine + class + family + candidate, each a level and a slope over ln(running requests),
//              and a term per doubling of the GPUs
//   class    = engine x precision x KV cache x draft x GPU
//   family   = class x parallel sizes x graphs: candidates that differ only in limits of the batch,
//              hence run the same steps
//
// Bayesian linear regression with these terms as columns, so it is exact and equals a Gaussian process with their
// kernels. One measurement of a class informs all its candidates. Failures are not used. Constants: constants.h.
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
  std::array<double, kMetrics> variance{};  // of the mean; 0 = use the model's own noise
  double value = 0;                         // geometric mean
  bool met = true;                          // limits that are not modelled are met
};
// Merges points of the same candidate and load into one row. The order is independent of the points' order.
std::vector<Row> MergePoints(const Space& space, const std::vector<Point>& points);

class ResidualModel {
 public:
  // `candidates`: further candidates that will be queried; those with rows always are. `without`: ignores this
  // candidate's own rows, because its pod conditions on them itself.
  ResidualModel(const Space& space, const Bounds& bounds, const Prior& prior, const std::vector<Row>& rows,
                const std::vector<std::size_t>& candidates, std::optional<std::size_t> without = std::nullopt);

  // True if the metric is modelled: E2E if it is limited, the objective if it does not follow from TTFT and TPOT.
  [[nodiscard]] bool Models(Metric metric) const { return modelled_[metric]; }
  [[nodiscard]] double Roughness(Metric metric) const { return metrics_[metric].deviations.roughness; }
  [[nodiscard]] double Noise(Metric metric) const { return metrics_[metric].deviations.noise; }
  // Variance of a row's mean.
  [[nodiscard]] double NoiseVariance(Metric metric, const Row& row) const;

  [[nodiscard]] double U(std::size_t candidate, std::size_t load) const { return prior_->U(candidate, load); }
  // Waiting requests per running request.
  [[nodiscard]] double Queued(std::size_t candidate, std::size_t load) const;
  // Adds the queueing wait to ln(ms) of a TTFT, which this model predicts without it.
  [[nodiscard]] double WholeTtft(std::size_t candidate, std::size_t load, double ln_ttft, double ln_tpot) const;
  // ln(ms) of the prior; TTFT without the queueing wait.
  [[nodiscard]] double PriorAt(Metric metric, std::size_t candidate, std::size_t load) const;

  // Level and slope of a candidate's residual: mean and covariance.
  struct Line {
    double level = 0, slope = 0;
    double level_variance = 0, covariance = 0, slope_variance = 0;
  };
  [[nodiscard]] Line LineOf(Metric metric, std::size_t candidate) const;

  // Joint draws of all columns, keyed so that draw s is the same for all candidates.
  class Draws {
   public:
    // Level and slope of the candidate in draw s. Without rows, its own part is drawn from its prior.
    void LineOf(std::size_t candidate, std::size_t draw, double* level, double* slope) const;

   private:
    friend class ResidualModel;
    const ResidualModel* model_ = nullptr;
    Metric metric_ = kTtft;
    std::uint64_t key_ = 0;
    Eigen::MatrixXd columns_;  // columns x draws
  };
  [[nodiscard]] Draws Draw(Metric metric, std::size_t draws, std::uint64_t key) const;

  // Mean of every metric at each of its loads; TTFT with the queueing wait. 0 for metrics that are not modelled.
  [[nodiscard]] std::vector<std::array<double, kMetrics>> MeanCurve(std::size_t candidate) const;

  // For a space with a request rate: the load at which this candidate meets it, given latencies `y` at each load (TTFT
  // with the wait). Limited statistics are converted to means by the measured ratio.
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
  std::vector<std::uint32_t> position_;  // index + 1 into of_candidate_; 0 = not queried
  std::vector<Columns> of_candidate_;
  std::array<OneMetric, kMetrics> metrics_;
  double ln_in_flight_ratio_ = 0;  // ln of measured requests in flight over those computed from the modelled statistics
};

}  // namespace autotune::tuning::search
