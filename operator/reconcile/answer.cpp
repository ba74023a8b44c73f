#include "operator/reconcile/answer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/accounting.h"
#include "operator/reconcile/track.h"
#include "text/table.h"

namespace autotune::reconcile {
namespace {

// Small scores (a price, a rate) keep their digits.
std::string ScoreText(double value) { return api::FormatDecimal(value, std::abs(value) < 10 ? 4 : 2); }

// A bound as the spec writes it. `outward`: rounded so that `value` itself keeps it.
std::string BoundText(const std::string& bound, double value, bool outward) {
  const bool floor = bound == "slo.attainment" || bound == "requestRate";  // bounds from below
  const bool share = floor || bound == "slo.errorRate" || bound == "quality.maxDegradation";
  const double unit = share ? 1e4 : 10;
  // What is exact stays what it is.
  const double scaled = value * unit;
  const double rounded = !outward || std::abs(scaled - std::round(scaled)) < 1e-6 ? std::round(scaled)
                         : floor                                                  ? std::floor(scaled)
                                                                                  : std::ceil(scaled);
  if (share) return "\"" + (outward ? api::FormatDecimal(rounded / unit, 4) : api::FormatDecimal(value, 6)) + "\"";
  return api::FormatDecimal(rounded / unit, 1) + "ms";
}

using Succeeded = std::vector<api::ExperimentStatus*>;

api::TaskStatus::Best BestOf(const tuning::Judgement& judgement, const std::vector<tuning::Observation>& observations,
                             const Succeeded& experiments, const tuning::Criteria& criteria, const api::TaskSpec& spec,
                             const api::TaskStatus& status) {
  const std::size_t index = *judgement.best;
  const api::ExperimentStatus& experiment = *experiments[index];
  const tuning::Judged& judged = judgement.judged[index];
  // What every start kept is what can be expected of the next one.
  const measurement::Point& point =
      experiments[judged.shown]->loads[judgement.judged[judged.shown].scored.front()].measured;
  api::TaskStatus::Best best;
  best.experiment = experiment.name;
  best.model = experiment.model;
  best.runtime = experiment.runtime;
  best.gpu = experiment.gpu;
  best.quant_name = experiment.quant.name;
  best.starts = judged.starts;
  best.confirmed = judged.confirmed;
  best.score = experiment.score;
  best.ci = experiment.score_ci;
  best.score_basis = experiment.score_basis;
  best.score_bound = experiment.score_bound;
  const api::ExperimentStatus* const compared = api::ComparedWith(status.experiments, experiment.runtime);
  for (std::size_t i = 0; i < experiments.size(); ++i) {
    if (i == index || experiments[i] != compared) continue;
    const auto gain = GainOfMeans(observations, judgement, index, i, criteria);
    best.improvement_over_baseline = tuning::GainText(gain ? std::optional(gain->share) : std::nullopt);
  }
  if (&experiment == compared) best.improvement_over_baseline = tuning::GainText(0);
  best.concurrency = static_cast<int>(
      std::lround(point.load.kind == measurement::LoadKind::kConcurrency ? point.load.value : point.mean_concurrency));
  best.request_rate = api::FormatDecimal(point.requests_per_second, 2);
  std::vector<const api::ExperimentStatus*> fresh;
  for (std::size_t i = 0; i < experiments.size(); ++i) {
    if (observations[i].confirms != index || !judgement.judged[i].score) continue;
    if (observations[i].stopped != measurement::StopReason::kOutOfTime) fresh.push_back(experiments[i]);
  }
  const TriedRates rates = TriedRatesOf(fresh, point.scenario);
  if (rates.kept != nullptr) best.confirmed_rate = api::FormatDecimal(rates.kept->load.value, 2);
  const double throughput = point.output_tokens_per_second / std::max(experiment.gpus, 1);
  best.tokens_per_second = api::FormatDecimal(std::strtod(api::FormatDecimal(throughput, 2).c_str(), nullptr), 1);
  TokenPrices prices = PricesAt(PricePerHour(spec, status, experiment.gpu), point, experiment.gpus);
  best.price = std::move(prices.output);
  best.input_price = std::move(prices.input);
  for (const std::size_t tied : judgement.tied) best.tied_with.push_back(experiments[tied]->name);
  return best;
}

// Why the quality of no experiment is compared with that of its baseline, after "No configuration meets ...: ".
std::string NotComparedText(const Succeeded& experiments, const api::TaskStatus& status) {
  const auto measured = std::ranges::find_if(
      experiments, [](const api::ExperimentStatus* experiment) { return experiment->quality.has_value(); });
  if (measured == experiments.end()) {
    return "no experiment measured it; the warnings of the experiments have the reasons";
  }
  const std::string lacks = "the quality of " + (*measured)->name + " has nothing to be compared with: ";
  const api::ExperimentStatus* baseline = api::QualityReference(status.experiments, (*measured)->runtime);
  if (baseline == nullptr) return lacks + (*measured)->runtime + " has no baseline";
  const std::string its = lacks + "the baseline " + baseline->name;
  if (baseline->state == api::ExperimentState::kFailed) {
    return its + " failed (" + text::Shortened(baseline->reason + ": " + baseline->message, 200) + ")";
  }
  for (const quant::Warning& warning : baseline->warnings) {
    const bool told = warning.reason == kQualityNotMeasured || warning.reason == kQualityPartlyMeasured;
    if (told) return its + " was not measured (" + warning.message + ")";
  }
  return its + (baseline->quality ? " measured other texts" : " was not measured");
}

// The configuration that comes closest says what relaxing its broken bounds would give.
std::string NothingFeasible(const tuning::Judgement& judgement, const std::vector<tuning::Observation>& observations,
                            const Succeeded& experiments, double most_growth, const api::TaskStatus& status) {
  if (!judgement.nearest) return "";
  const api::ExperimentStatus& nearest = *experiments[*judgement.nearest];
  const tuning::Judged& judged = judgement.judged[*judgement.nearest];
  std::string asked;
  std::string relaxed;
  std::string undecided;
  if (const auto& quality = observations[*judgement.nearest].quality;
      quality && judged.gate == measurement::QualityGate::kUndecided) {
    undecided = "the quality of " + nearest.name + " is " + UndecidedText(*quality, most_growth);
  }
  for (const measurement::Violation& bound : judged.violations) {
    if (!bound.actual) {
      return "No configuration meets " + bound.bound + " = " + BoundText(bound.bound, bound.limit, false) + ": " +
             (undecided.empty() ? NotComparedText(experiments, status) : undecided);
    }
    asked += (asked.empty() ? "" : ", ") + bound.bound + " = " + BoundText(bound.bound, bound.limit, false);
    relaxed += (relaxed.empty() ? "" : ", ") + bound.bound + " = " + BoundText(bound.bound, *bound.actual, true);
  }
  return "No configuration meets " + asked + "; the nearest is " + nearest.name + " (" +
         api::ConfigurationName(nearest) + "). With " + relaxed + " it becomes feasible." +
         (undecided.empty() ? "" : " (" + undecided + ".)");
}

std::string Share(double value) { return api::FormatDecimal(value, 4); }

void Warn(api::ExperimentStatus& experiment, const char* reason, const std::string& message) {
  // First: where an entry grows too large, the last ones go.
  experiment.warnings.insert(experiment.warnings.begin(), {"quality", reason, message});
}

void WarnOfQuality(const std::optional<measurement::QualityChange>& change, const tuning::Judged& judged, double limit,
                   api::ExperimentStatus& experiment) {
  std::erase_if(experiment.warnings, [](const quant::Warning& warning) {
    return warning.reason == kQualityUndecided || warning.reason == kCacheNotExercised ||
           warning.reason == kTokenizersDiffer;
  });
  if (judged.gate == measurement::QualityGate::kUndecided) {
    Warn(
        experiment, kQualityUndecided,
        UndecidedText(*change, limit) +
            (change->nll ? ": the interval contains the limit, so the measured value decides. A looser maxDegradation "
                           "or the questions of quality.dataset tell more"
                         : ": this does not show whether quality is lost. The questions of quality.dataset tell more"));
  }
  if (change && change->per_byte) {
    Warn(experiment, kTokenizersDiffer,
         "the checkpoint's tokenizer differs from the reference's: likelihoods are compared per byte");
  }
  if (change && change->cache == measurement::CacheUse::kNotRead) {
    Warn(experiment, kCacheNotExercised,
         "no text made the engine read its KV cache: greedy answers are compared instead of likelihoods");
  }
}

// The score and what it is of.
void FillScore(const tuning::Judged& judged, api::ExperimentStatus& experiment) {
  experiment.score = judged.score ? ScoreText(*judged.score) : "";
  experiment.score_ci = judged.score && judged.ci > 0 ? ScoreText(judged.ci) : "";
  experiment.score_basis = judged.score ? tuning::ScoreBasisName(judged.basis) : "";
  experiment.score_bound = judged.bound ? ScoreText(*judged.bound) : "";
  std::erase_if(experiment.warnings, [](const quant::Warning& warning) { return warning.reason == kRateNotMeasured; });
  if (!judged.bound) return;
  const bool cut =
      experiment.stopped.find(measurement::StopReasonName(measurement::StopReason::kOutOfTime)) != std::string::npos;
  // First: where an entry grows too large, the last ones go.
  experiment.warnings.insert(
      experiment.warnings.begin(),
      {"benchmark", kRateNotMeasured,
       "the score is an estimate: requests wait in the closed loop of the highest load, so the score is at most " +
           experiment.score_bound + ", and the sustained rate was not measured" +
           (cut ? " because the time ended" : " because the experiment was no longer expected to be the best")});
}

void FillQuality(const std::optional<measurement::QualityChange>& change, const tuning::Judged& judged, double limit,
                 api::ExperimentStatus& experiment) {
  WarnOfQuality(change, judged, limit, experiment);
  if (!experiment.quality) return;
  api::QualityStatus out;
  out.measured = std::move(experiment.quality->measured);
  if (const auto mean = measurement::MeanNll(out.measured)) out.mean = api::FormatDecimal(*mean, 5);
  if (change && change->nll) {
    out.delta = api::FormatDecimal(change->nll->value, 6);
    out.ci = api::FormatDecimal(change->nll->ci, 6);
    out.growth = api::FormatDecimal(measurement::PerplexityGrowth(change->nll->value), 6);
    out.per_byte = change->per_byte;
  }
  if (change && change->cache != measurement::CacheUse::kNotKnown) out.cache = measurement::CacheUseName(change->cache);
  if (change && change->agreement) {
    out.agreement = Share(change->agreement->with_baseline);
    out.own_agreement = Share(change->agreement->baseline_with_itself);
    out.agreement_ci = Share(change->agreement->ci);
  }
  if (change && change->passes) {
    const measurement::PassRateChange& passes = *change->passes;
    out.pass_rate = Share(passes.rate);
    out.pass_low = Share(passes.low);
    out.pass_high = Share(passes.high);
    out.p_value = Share(passes.p_value);
    out.lost = passes.lost;
    out.gained = passes.gained;
  }
  if (judged.gate) out.gate = measurement::QualityGateName(*judged.gate);
  experiment.quality = std::move(out);
}

}  // namespace

std::string LimitText(double limit) { return api::FormatDecimal(limit * 100, 6) + "%"; }

std::string GrowthText(const measurement::QualityChange& change, std::optional<double> limit) {
  constexpr int kFewest = 2, kMost = 6;
  const double growth = measurement::PerplexityGrowth(change.nll->value);
  int decimals = kFewest;
  const auto same = [&] {
    return api::FormatDecimal(growth * 100, decimals) == api::FormatDecimal(*limit * 100, decimals);
  };
  while (limit && decimals < kMost && same()) ++decimals;
  return text::SignedPercent(growth, decimals) + " \u00b1" + text::Percent(change.nll->ci, decimals);
}

std::string UndecidedText(const measurement::QualityChange& change, double limit) {
  if (change.nll) return "undecided: " + GrowthText(change, limit) + ", allowed " + LimitText(limit);
  if (!change.agreement) return "undecided: neither likelihoods nor answers can be compared";
  return "undecided: only answers can be compared: " + text::Percent(change.agreement->with_baseline, 0) +
         " agree, of the baseline with itself " + text::Percent(change.agreement->baseline_with_itself, 0);
}

tuning::Objective ObjectiveOf(const api::TaskSpec& spec) {
  switch (spec.optimization.objective) {
    case api::Objective::kMaximizeThroughput:
      return tuning::Objective::kMaximizeThroughput;
    case api::Objective::kMaximizeGoodput:
      return tuning::Objective::kMaximizeGoodput;
    case api::Objective::kMinimizeCost:
      return tuning::Objective::kMinimizeCost;
    case api::Objective::kMinimizeLatency:
      return tuning::Objective::kMinimizeLatency;
    case api::Objective::kMinimizeTtft:
      return tuning::Objective::kMinimizeTtft;
    case api::Objective::kMinimizeTpot:
      return tuning::Objective::kMinimizeTpot;
  }
  return tuning::Objective::kMaximizeThroughput;
}

bool OnlyCacheDiffers(const api::ExperimentStatus& experiment, const api::ExperimentStatus& other) {
  const bool same = experiment.args == other.args && experiment.options == other.options && experiment.env == other.env;
  return !same && experiment.model == other.model && experiment.runtime == other.runtime &&
         experiment.gpu == other.gpu && !experiment.apart_from_cache.empty() &&
         experiment.apart_from_cache == other.apart_from_cache;
}

std::optional<double> PricePerHour(const api::TaskSpec& spec, const api::TaskStatus& status, const std::string& gpu) {
  const auto index = api::FindGpu(spec, gpu);
  const std::string own = index ? spec.gpus[*index].price_per_hour : "";
  const std::string& price = own.empty() ? api::GpuOf(status, gpu).price_per_hour : own;
  return price.empty() ? std::nullopt : std::optional(std::strtod(price.c_str(), nullptr));
}

bool ComparesPrices(const api::TaskSpec& spec, const api::TaskStatus& status) {
  return spec.gpus.size() > 1 && std::ranges::all_of(spec.gpus, [&](const api::GpuSpec& gpu) {
           return PricePerHour(spec, status, gpu.name).has_value();
         });
}

tuning::Criteria CriteriaOf(const api::TaskSpec& spec, const api::TaskStatus& status) {
  tuning::Criteria criteria;
  criteria.objective = ObjectiveOf(spec);
  criteria.slo = experiment::SloOf(spec.slo);
  criteria.max_degradation = spec.quality.max_degradation;
  criteria.price_on_front = ComparesPrices(spec, status);
  criteria.fixed_loads = !spec.benchmark.load.fixed.empty();
  return criteria;
}

namespace {

// Of several scenarios with reasons of their own: the one that says most about the score.
measurement::StopReason StoppedOf(const std::string& text) {
  using measurement::StopReason;
  if (const auto one = measurement::StopReasonFromName(text)) return *one;
  for (const StopReason reason : {StopReason::kCannotWin, StopReason::kInfeasible, StopReason::kOutOfTime}) {
    if (text.find(measurement::StopReasonName(reason)) != std::string::npos) return reason;
  }
  return StopReason::kFound;
}

}  // namespace

tuning::Observation ObservationOf(const api::ExperimentStatus& experiment, const api::TaskSpec& spec,
                                  const api::TaskStatus& status) {
  tuning::Observation observation;
  observation.id = experiment.name;
  observation.gpus = experiment.gpus;
  observation.price_per_gpu_hour = PricePerHour(spec, status, experiment.gpu).value_or(1);
  for (const api::LoadRow& row : experiment.loads) observation.loads.push_back(row.measured);
  observation.stopped = StoppedOf(experiment.stopped);
  observation.settings = static_cast<int>(experiment.args.size() + (experiment.options.empty() ? 0 : 1));
  // Another checkpoint or GPU than the one whose baselines are measured is a change, too.
  const auto of_a_baseline = [&](std::string api::ExperimentStatus::*member) {
    return std::ranges::any_of(status.experiments, [&](const api::ExperimentStatus& other) {
      return other.baseline && other.*member == experiment.*member;
    });
  };
  observation.settings += of_a_baseline(&api::ExperimentStatus::model) ? 0 : 1;
  observation.settings += of_a_baseline(&api::ExperimentStatus::gpu) ? 0 : 1;
  if (!experiment.quality) return observation;
  const api::ExperimentStatus* reference_quality = api::QualityReference(status.experiments, experiment.runtime);
  if (reference_quality != nullptr && reference_quality->quality) {
    observation.quality =
        measurement::CompareQuality(experiment.quality->measured, reference_quality->quality->measured,
                                    OnlyCacheDiffers(experiment, *reference_quality));
  }
  return observation;
}

bool NeedsReference(const api::TaskSpec& spec) { return CriteriaOf(spec, {}).AtReference(); }

std::vector<api::TaskStatus::ReferenceLoad> ReferenceLoadsOf(const api::TaskSpec& spec, const api::TaskStatus& status) {
  std::vector<api::TaskStatus::ReferenceLoad> out;
  if (!NeedsReference(spec)) return out;
  for (const api::ExperimentStatus& experiment : status.experiments) {
    if (experiment.state != api::ExperimentState::kSucceeded) continue;
    for (const api::LoadRow& row : experiment.loads) {
      const measurement::Point& point = row.measured;
      if (point.role != measurement::PointRole::kReference || measurement::IsInvalid(point)) continue;
      const bool known = std::any_of(out.begin(), out.end(), [&](const api::TaskStatus::ReferenceLoad& load) {
        return load.scenario == point.scenario;
      });
      if (!known) out.push_back({point.scenario, point.load.value});
    }
  }
  return out;
}

TriedRates TriedRatesOf(const std::vector<const api::ExperimentStatus*>& starts, const std::string& scenario) {
  const auto each = [&](const api::ExperimentStatus& start, const auto& use) {
    for (const api::LoadRow& row : start.loads) {
      const measurement::Point& point = row.measured;
      using measurement::PointRole;
      const bool asked = (point.role == PointRole::kConfirmation || point.role == PointRole::kSustained) &&
                         point.load.kind == measurement::LoadKind::kRequestRate && point.scenario == scenario;
      if (asked && !measurement::IsInvalid(point)) use(point, row.meets_slo);
    }
  };
  std::optional<TriedRates> least;
  for (const api::ExperimentStatus* start : starts) {
    TriedRates own;
    own.start = start;
    each(*start, [&](const measurement::Point& point, bool kept) {
      if (kept && (own.kept == nullptr || point.load.value > own.kept->load.value)) own.kept = &point;
    });
    each(*start, [&](const measurement::Point& point, bool kept) {
      if (kept || (own.kept != nullptr && point.load.value <= own.kept->load.value)) return;
      if (own.missed == nullptr || point.load.value < own.missed->load.value) own.missed = &point;
    });
    if (own.kept == nullptr && own.missed == nullptr) continue;
    const auto rate = [](const TriedRates& rates) { return rates.kept == nullptr ? 0 : rates.kept->load.value; };
    if (!least || rate(own) < rate(*least)) least = own;
  }
  if (!least) return {};
  for (const api::ExperimentStatus* start : starts) {
    if (start == least->start || least->kept == nullptr) continue;
    each(*start, [&](const measurement::Point& point, bool kept) {
      if (point.load.value <= least->kept->load.value) return;
      if (least->other_tried != nullptr && point.load.value <= least->other_tried->load.value) return;
      least->other = start;
      least->other_tried = &point;
      least->other_kept = kept;
    });
  }
  return *least;
}

TokenPrices PricesAt(std::optional<double> price_per_hour, const measurement::Point& point, int gpus) {
  TokenPrices out;
  if (!price_per_hour) return out;
  const double per_second = *price_per_hour * std::max(gpus, 1) / api::kSecondsPerHour;
  const auto price = [&](double tokens_per_second) {
    return tokens_per_second > 0 ? api::FormatDecimal(per_second * 1e6 / tokens_per_second, 4) : "";
  };
  out.output = price(point.output_tokens_per_second);
  // Counts of the same requests: their ratio is that of the throughputs, whatever the window counts of either.
  if (point.output_tokens > 0) {
    out.input = price(point.output_tokens_per_second * static_cast<double>(point.input_tokens) /
                      static_cast<double>(point.output_tokens));
  }
  return out;
}

void FillCost(const api::TaskSpec& spec, api::TaskStatus& status) {
  const api::GpuSeconds spent = GpuSecondsOf(status);
  const auto hours = [](double seconds) { return api::FormatDecimal(seconds / kSecondsPerHour, 4); };
  status.cost.gpu_hours = hours(spent.Total());
  status.cost.start = hours(spent.start);
  status.cost.measure = hours(spent.measure);
  status.cost.wasted = hours(spent.wasted);
  // Of all that was spent; "" where a part of it has no price.
  double price = 0;
  bool priced = true;
  for (api::GpuStatus& gpu : status.gpus) {
    gpu.gpu_hours.clear();
    gpu.price.clear();
  }
  for (const auto& [type, on_type] : SpentByType(status)) {
    const auto per_hour = PricePerHour(spec, status, type);
    const double gpu_hours = on_type.Total() / kSecondsPerHour;
    const auto known = std::ranges::find(status.gpus, type, &api::GpuStatus::name);
    if (per_hour) {
      price += gpu_hours * *per_hour;
    } else if (gpu_hours > 0 || known != status.gpus.end()) {
      priced = false;
    }
    if (known == status.gpus.end() || type.empty()) continue;
    known->gpu_hours = hours(on_type.Total());
    if (per_hour) known->price = api::FormatDecimal(gpu_hours * *per_hour, 2);
  }
  status.cost.price = priced ? api::FormatDecimal(price, 2) : "";
}

std::optional<tuning::Gain> GainOfMeans(const std::vector<tuning::Observation>& observations,
                                        const tuning::Judgement& judgement, std::size_t better, std::size_t base,
                                        const tuning::Criteria& criteria) {
  const auto starts_of = [&](std::size_t first) {
    std::vector<std::size_t> starts = {first};
    for (std::size_t i = 0; i < observations.size(); ++i) {
      const bool counts = judgement.judged[i].score && observations[i].stopped != measurement::StopReason::kOutOfTime;
      if (observations[i].confirms == first && counts) starts.push_back(i);
    }
    return starts;
  };
  const std::vector<std::size_t> ours = starts_of(better), theirs = starts_of(base);
  std::set<std::string> loads;
  for (const auto* starts : {&ours, &theirs}) {
    for (const std::size_t i : *starts) {
      for (const std::size_t point : judgement.judged[i].scored) {
        loads.insert(observations[i].loads[point].load.ToString());
      }
    }
  }
  const tuning::Judged &own = judgement.judged[better], &other = judgement.judged[base];
  if (own.score && other.score && *other.score != 0 && (!criteria.fixed_loads || loads.size() == 1)) {
    const bool known = own.ci > 0 && other.ci > 0 && *own.score != 0;
    return tuning::Gain{(*own.score - *other.score) / std::abs(*other.score),
                        known ? std::hypot(own.ci / *own.score, other.ci / *other.score) : 0};
  }
  // The pairs have starts in common, so that more of them do not make the interval narrower.
  const double sign =
      criteria.objective == tuning::Objective::kMinimizeCost || tuning::ComparesAtOneLoad(criteria.objective) ? -1 : 1;
  double ln = 0, variance = 0;
  int count = 0;
  bool known = true;
  for (const std::size_t i : ours) {
    for (const std::size_t j : theirs) {
      const auto gain = tuning::GainBetween(observations[i], observations[j], criteria);
      if (!gain || !(1 + sign * gain->share > 0)) continue;
      ln += std::log(1 + sign * gain->share);
      variance += gain->ln_half_width * gain->ln_half_width;
      known = known && gain->ln_half_width > 0;
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  return tuning::Gain{sign * (std::exp(ln / count) - 1), known ? std::sqrt(variance / count) : 0};
}

bool LessIsBetter(api::Objective objective) {
  switch (objective) {
    case api::Objective::kMaximizeThroughput:
    case api::Objective::kMaximizeGoodput:
      return false;
    case api::Objective::kMinimizeCost:
    case api::Objective::kMinimizeLatency:
    case api::Objective::kMinimizeTtft:
    case api::Objective::kMinimizeTpot:
      return true;
  }
  return false;
}

std::string GainWords(double gain, bool less_is_better) {
  if (!less_is_better) return tuning::GainText(gain);
  const std::string size = text::Percent(std::abs(gain));
  return size + (gain < 0 && size != "0.0%" ? " more" : " less");
}

std::string GainWords(const std::string& improvement, bool less_is_better) {
  if (improvement.empty() || !less_is_better) return improvement;
  return GainWords(std::strtod(improvement.c_str(), nullptr) / 100, true);
}

std::string GainIntervalWords(double gain, double low, double high, bool less_is_better) {
  std::string from = GainWords(low, less_is_better), to = GainWords(high, less_is_better);
  if (less_is_better && low * high > 0) {
    from = text::Percent(std::abs(low));
    to = text::Percent(std::abs(high));
  }
  if (less_is_better && gain < 0) std::swap(from, to);
  return " (" + from + " to " + to + ")";
}

std::string ComparedWords(const api::ExperimentStatus* compared, bool less_is_better) {
  return std::string(less_is_better ? " than " : " over ") +
         (compared != nullptr && compared->deployed ? "what is deployed" : "the baseline");
}

std::vector<tuning::Observation> ObservationsOf(const std::vector<const api::ExperimentStatus*>& experiments,
                                                const api::TaskSpec& spec, const api::TaskStatus& status) {
  std::vector<tuning::Observation> observations;
  for (const api::ExperimentStatus* experiment : experiments) {
    observations.push_back(ObservationOf(*experiment, spec, status));
    const auto first = std::find_if(experiments.begin(), experiments.end(), [&](const api::ExperimentStatus* other) {
      return other->name == experiment->confirms;
    });
    if (first != experiments.end()) {
      observations.back().confirms = static_cast<std::size_t>(first - experiments.begin());
    }
  }
  return observations;
}

std::string Answer(const api::TaskSpec& spec, api::TaskStatus& status) {
  FillCost(spec, status);
  status.reference_loads = ReferenceLoadsOf(spec, status);
  std::vector<api::ExperimentStatus*> experiments;
  for (api::ExperimentStatus& experiment : status.experiments) {
    if (experiment.state != api::ExperimentState::kSucceeded) continue;
    experiments.push_back(&experiment);
  }
  const std::vector<tuning::Observation> observations =
      ObservationsOf({experiments.begin(), experiments.end()}, spec, status);
  const tuning::Criteria criteria = CriteriaOf(spec, status);
  const tuning::Judgement judgement = tuning::Judge(observations, criteria);

  for (std::size_t i = 0; i < experiments.size(); ++i) {
    const tuning::Judged& judged = judgement.judged[i];
    api::ExperimentStatus& experiment = *experiments[i];
    FillScore(judged, experiment);
    for (std::size_t row = 0; row < experiment.loads.size() && row < judged.load_meets_slo.size(); ++row) {
      experiment.loads[row].meets_slo = judged.load_meets_slo[row];
    }
    FillQuality(observations[i].quality, judged, criteria.max_degradation.value_or(0), experiment);
  }
  status.pareto.clear();
  for (const std::size_t index : judgement.pareto) status.pareto.push_back(experiments[index]->name);

  status.best.reset();
  if (judgement.best) {
    status.best = BestOf(judgement, observations, experiments, criteria, spec, status);
    return "";
  }
  return NothingFeasible(judgement, observations, experiments, criteria.max_degradation.value_or(0), status);
}

}  // namespace autotune::reconcile
