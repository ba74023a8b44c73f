// Result of a task: scores, best, Pareto front, improvement and cost, recomputed from all experiments every time. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "tuning/judge.h"

namespace autotune::reconcile {

// Fills scores, SLO marks, best, pareto and cost of `status` from its experiments. Returns why nothing is feasible, in
// one sentence, when experiments succeeded and none meets the SLO; else an empty string.
std::string Answer(const api::TaskSpec& spec, api::TaskStatus& status);

// Reference loads of latency objectives: as the first finished experiment measured them, one per scenario. Unknown ones
// are missing; empty unless NeedsReference.
std::vector<api::TaskStatus::ReferenceLoad> ReferenceLoadsOf(const api::TaskSpec& spec, const api::TaskStatus& status);
// True for a latency objective without fixed loads: the limit of one experiment, usually the baseline, determines the
// load at which all are compared.
bool NeedsReference(const api::TaskSpec& spec);

// Price of one GPU-hour of the type (GpuSpec::name): its pricePerHour, else the operator's for the product; nullopt =
// not known.
std::optional<double> PricePerHour(const api::TaskSpec& spec, const api::TaskStatus& status, const std::string& gpu);
// True for several types of GPU with known prices: the price per token is then an axis of the Pareto front.
bool ComparesPrices(const api::TaskSpec& spec, const api::TaskStatus& status);
// Prices of the GPUs at a point per million tokens, each with the whole cost on one kind of tokens. "" without a price
// per hour or such tokens.
struct TokenPrices {
  std::string input, output;
};
TokenPrices PricesAt(std::optional<double> price_per_hour, const measurement::Point& point, int gpus);

// Gain of one configuration over another, of the mean over the starts of each, as the scores are. Of given loads the
// scores may be of different ones: then the mean over the pairs of starts, each pair at the highest load at which both
// meet the SLO. Indices into `observations`, of no fresh start; `judgement` is of these. nullopt if nothing compares.
std::optional<tuning::Gain> GainOfMeans(const std::vector<tuning::Observation>& observations,
                                        const tuning::Judgement& judgement, std::size_t better, std::size_t base,
                                        const tuning::Criteria& criteria);

// True for prices and latencies: less is better.
bool LessIsBetter(api::Objective objective);
// A gain for people: "+41.3%"; where less is better, "51.1% less" and "44.5% more". `gain`: 0.1 = 10 % better.
std::string GainWords(double gain, bool less_is_better);
// The same for what the status has: Best::improvement_over_baseline. "" stays "".
std::string GainWords(const std::string& improvement, bool less_is_better);
// The interval beside it: " (+39.0% to +43.6%)", " (49.1% to 52.9%)"; on both sides of 0 " (1.3% more to 5.8% less)".
std::string GainIntervalWords(double gain, double low, double high, bool less_is_better);
// What a gain is over: " over what is deployed", " over the baseline"; where less is better, " than the baseline".
std::string ComparedWords(const api::ExperimentStatus* compared, bool less_is_better);

// Request rates that fresh starts were asked for with arrivals of their own (open loop), after a search by requests in
// flight. Of several starts: those of the one that kept the least. Pointers go into the experiments.
struct TriedRates {
  const api::ExperimentStatus* start = nullptr;  // null = none was tried
  const measurement::Point* kept = nullptr;      // the highest that met the SLO
  const measurement::Point* missed = nullptr;    // the lowest above it that missed the SLO; null = it tried none
  // Highest rate above `kept` that another start tried; null = none was tried.
  const api::ExperimentStatus* other = nullptr;
  const measurement::Point* other_tried = nullptr;
  bool other_kept = false;
};
TriedRates TriedRatesOf(const std::vector<const api::ExperimentStatus*>& starts, const std::string& scenario);

// Sets only the cost, for tasks without a result.
void FillCost(const api::TaskSpec& spec, api::TaskStatus& status);

// Input of the judgement for one experiment; with the quality relative to the baseline of its runtime, once that has
// ended.
tuning::Observation ObservationOf(const api::ExperimentStatus& experiment, const api::TaskSpec& spec,
                                  const api::TaskStatus& status);
// Of experiments that are judged together: fresh starts belong to the one that they confirm.
std::vector<tuning::Observation> ObservationsOf(const std::vector<const api::ExperimentStatus*>& experiments,
                                                const api::TaskSpec& spec, const api::TaskStatus& status);

// True if the type of the KV cache is the only difference between the two.
bool OnlyCacheDiffers(const api::ExperimentStatus& experiment, const api::ExperimentStatus& other);

// Reasons of warnings that follow from a comparison; recomputed with it.
inline constexpr const char* kQualityUndecided = "QualityUndecided";
inline constexpr const char* kCacheNotExercised = "CacheNotExercised";
inline constexpr const char* kTokenizersDiffer = "TokenizersDiffer";
inline constexpr const char* kRateNotMeasured = "RateNotMeasured";

// What an undecided gate is about: "undecided: +0.091% ±0.050%, allowed 0.09%"; without likelihoods "undecided: only
// answers can be compared: 81% agree, of the baseline with itself 100%".
std::string UndecidedText(const measurement::QualityChange& change, double limit);
// "+0.091% ±0.050%": the growth of perplexity, with enough decimals that it differs from the limit. REQUIRES:
// change.nll.
std::string GrowthText(const measurement::QualityChange& change, std::optional<double> limit);
// "0.09%": as the spec has it.
std::string LimitText(double limit);

tuning::Objective ObjectiveOf(const api::TaskSpec& spec);
tuning::Criteria CriteriaOf(const api::TaskSpec& spec, const api::TaskStatus& status);

}  // namespace autotune::reconcile
