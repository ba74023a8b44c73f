// Acquisition function: joint draws of every candidate's best feasible value, and expected improvements.
//
// Draw s is joint over all candidates (they share the uncertainty about an engine or a precision), so maxima and
// running trials are evaluated within a draw. Immutable; a candidate's values are computed on demand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tuning/search/crash_model.h"
#include "tuning/search/residual_model.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

// The best feasible row so far.
struct Incumbent {
  std::size_t candidate = 0;
  double load = 0;
  double value = 0;
};
bool Feasible(const Bounds& bounds, const Row& row);
// Over all rows, or all but those of one candidate; nullopt: no feasible row yet.
std::optional<Incumbent> BestObserved(const Bounds& bounds, const std::vector<Row>& rows,
                                      std::optional<std::size_t> without = std::nullopt);

// Number of draws for this many candidates: a decision takes no longer than one with a full shortlist.
std::size_t DrawsFor(std::size_t candidates);

class ValueDraws {
 public:
  // `count`: draws, at least 1 (DrawsFor).
  ValueDraws(const Space& space, const Bounds& bounds, const ResidualModel& model, const std::vector<Row>& rows,
             std::uint64_t key, std::size_t count);

  [[nodiscard]] std::size_t Count() const { return count_; }

  // Per draw: the largest value over the candidate's loads that meet the limits, 0 if none. At a measured load the
  // observation and its noise replace the model. With a request rate: at the load that results from it.
  [[nodiscard]] std::vector<double> Of(std::size_t candidate) const;
  // Mean over the draws of the excess (ln) over the limits at the candidate's best load; 0 = met.
  [[nodiscard]] double Violation(std::size_t candidate) const;
  // Whether the candidate starts in draw s: true with this probability, keyed by the candidate.
  [[nodiscard]] bool Starts(std::size_t candidate, std::size_t draw, double probability) const;

 private:
  struct Sample {
    double value = 0;
    double violation = 0;
  };
  enum class Wanted { kValue, kViolation };
  // Parts that are not wanted may have any value.
  [[nodiscard]] std::vector<Sample> Samples(std::size_t candidate, Wanted wanted) const;

  const Space* space_;
  const Bounds* bounds_;
  const ResidualModel* model_;
  const std::vector<Row>* rows_;
  std::uint64_t key_;
  std::size_t count_;
  std::vector<std::optional<ResidualModel::Draws>> metrics_;
};

// Expected improvement over `beat` (one value per draw), weighted by the candidate's probability of starting.
double ExpectedImprovement(const std::vector<double>& values, const std::vector<double>& beat,
                           double start_probability);

// Expected GPU-seconds of a trial.
double ExpectedCost(const Space& space, std::size_t candidate);

}  // namespace autotune::tuning::search
