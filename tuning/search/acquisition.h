// Acquisition function: joint draws of every candidate's best value within the limits, and expected improvements.
//
// Draw s of all candidates belongs together (they share the uncertainty about an engine or a precision), so maxima and
// running trials are taken inside a draw. Immutable after construction; values of a candidate are computed on demand.
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
// Of all rows, or of all but one candidate's; nullopt: nothing feasible yet.
std::optional<Incumbent> BestObserved(const Bounds& bounds, const std::vector<Row>& rows,
                                      std::optional<std::size_t> without = std::nullopt);

// Draws for a decision among so many candidates: as many as take no longer than a whole shortlist.
std::size_t DrawsFor(std::size_t candidates);

class ValueDraws {
 public:
  // `count`: draws, at least 1 (DrawsFor).
  ValueDraws(const Space& space, const Bounds& bounds, const ResidualModel& model, const std::vector<Row>& rows,
             std::uint64_t key, std::size_t count);

  [[nodiscard]] std::size_t Count() const { return count_; }

  // The largest value over the candidate's loads within the limits, 0 where none is; one per draw. At a measured load
  // the observation with its own noise stands for the model. With a request rate: at the load that it leads to.
  [[nodiscard]] std::vector<double> Of(std::size_t candidate) const;
  // Excess (ln) over the limits at the candidate's best load, mean over the draws; 0 = met.
  [[nodiscard]] double Violation(std::size_t candidate) const;
  // 1 with this probability in draw s, keyed by the candidate: does it start?
  [[nodiscard]] bool Starts(std::size_t candidate, std::size_t draw, double probability) const;

 private:
  struct Sample {
    double value = 0;
    double violation = 0;
  };
  enum class Wanted { kValue, kViolation };
  // What is not wanted may be left at any value.
  [[nodiscard]] std::vector<Sample> Samples(std::size_t candidate, Wanted wanted) const;

  const Space* space_;
  const Bounds* bounds_;
  const ResidualModel* model_;
  const std::vector<Row>* rows_;
  std::uint64_t key_;
  std::size_t count_;
  std::vector<std::optional<ResidualModel::Draws>> metrics_;
};

// Candidate-wise expected improvement over `beat`, weighted with the probability of starting. `beat`: one per draw.
double ExpectedImprovement(const std::vector<double>& values, const std::vector<double>& beat,
                           double start_probability);

// GPU-seconds that a trial is expected to take.
double ExpectedCost(const Space& space, std::size_t candidate);

}  // namespace autotune::tuning::search
