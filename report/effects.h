// Effect of each parameter of a task on the score: pairs of measured experiments that differ in that parameter alone.
//
// Measurements only, no model: a value never measured next to another one, all else equal, has no effect here. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"
#include "report/result_view.h"
#include "report/settings.h"
#include "tuning/search/insight.h"

namespace autotune::report {

// Relative change of the score from one value to another: 0.1 = 10 % better, for every objective.
struct MeasuredChange {
  double change = 0;            // geometric mean of the pairs
  double low = 0, high = 0;     // its 95 % interval, from those of the scores; equal to `change` if not known
  std::vector<double> pairs;    // change of each pair, ascending; never empty
  std::string from{}, to{};     // of a single pair: its experiments
  bool less_is_better = false;  // only affects the text of a change
  bool tied = false;            // of a single pair: the best and one that ties with it
  [[nodiscard]] bool has_interval() const { return low < high; }
  // False if the interval contains 0 or is not known, and of a tie.
  [[nodiscard]] bool certain() const { return has_interval() && !tied && (low > 0 || high < 0); }
};

// Two measured experiments that differ in several parameters.
struct NearestPair {
  MeasuredChange from_best, to_best;  // of all these parameters together
  std::vector<std::string> with;      // names of the other parameters or settings that differ; never empty
  std::string with_best, with_value;  // names of the experiments
};

// One value of a parameter, compared with the value of the best configuration.
struct ValueEffect {
  std::string value;                        // "" = not set, and the engine's value is not known
  std::vector<const ResultRow*> scored;     // experiments with this value and a score, best first
  std::vector<const ResultRow*> unscored;   // experiments with this value without a score
  std::optional<MeasuredChange> from_best;  // from the best configuration's value to this one; nullopt without a pair
  std::optional<MeasuredChange> to_best;    // the inverse: effect of the best configuration's value
  // Without a pair: the pair that differs in the fewest other parameters; nullopt if the value has no score.
  std::optional<NearestPair> nearest{};
  std::string shown{};  // for people: "1024", "engine's default: 1024", "1024 (and engine's default)", "(not set)"
};

struct ParameterEffect {
  std::string parameter;            // as named by the task: "max-num-seqs", "quantization", "tensorParallel"
  std::string best;                 // the best configuration's value
  std::vector<ValueEffect> values;  // ordered by number, else by name; includes the best configuration's
};

// Parameters with several values among the experiments, by name. Empty without a best configuration, or if the spec no
// longer describes the experiments. Fresh starts count as part of the experiment that they confirm. `rows`: from
// ResultRows(task); the result points into it.
std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const quant::RuleSet& rules);
// The same for known points of the space, parallel to `rows` (reconcile::PointOf). A flag that is not set has the value
// that the engine uses, if it is known: an experiment with this value differs in nothing. Two experiments that both do
// not set it differ in nothing either, although its default may follow from the GPU.
std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const std::vector<Settings>& points, const quant::RuleSet& rules);
// The same without replacing unset values.
std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const std::vector<Settings>& points);

// Change of the score from one experiment to another; nullopt if one has no score. All scores of a task are comparable.
std::optional<MeasuredChange> ChangeBetween(const api::AutotuneTask& task, const ResultRow& from, const ResultRow& to);
// Interval of the best configuration's gain: " (+29.5% to +49.4%)"; if less is better " (29.5% to 49.4%)"; "" if it is
// not known.
std::string GainInterval(const api::AutotuneTask& task, const std::vector<ResultRow>& rows);

// "+37.5% (+35.1% to +40.2%)", "51.1% less (49.1% to 52.9%)"; without an interval only the number.
std::string ChangeText(const MeasuredChange& change);
// The same with its evidence: "+37.5% (+35.1% to +40.2%), 2 pairs"; "+0.4% (-1.0% to +1.8%), 1 pair, from e1-aaaaaa to
// e3-572f5e, not told apart".
std::string EvidenceText(const MeasuredChange& change);
// Why a value has no effect: "no pair differs in this alone", "no score: e3-572f5e stopped early"; "" if it has one or
// is the best configuration's. With the nearest pair: "no pair differs in this alone; together with quantization:
// -18.2% (-20.1% to -16.2%), from e3-572f5e to e1-aaaaaa". `direction`: the change to this value or to the best one.
enum class Direction { kFromBest, kToBest };
std::string NoEffectText(const ValueEffect& value, const ParameterEffect& parameter, Direction direction);

// Insights of the search's model; nullopt if nothing was measured or the spec can no longer be expanded.
std::optional<tuning::search::Insight> InsightFor(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
