#include "operator/reconcile/propose.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "bench/result.h"
#include "engine_model/gpu_spec.h"
#include "engine_model/shape_of.h"
#include "operator/experiment/gpu_labels.h"
#include "operator/reconcile/accounting.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/confirm.h"
#include "operator/reconcile/estimate.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/parallelism.h"
#include "operator/reconcile/track.h"
#include "tuning/search/constants.h"
#include "tuning/search/crash_model.h"
#include "tuning/search/residual_model.h"
#include "tuning/search/step_rule.h"
#include "tuning/search/stop_rule.h"

namespace autotune::reconcile {
namespace {

namespace search = tuning::search;
using measurement::Metric;

// The loads that a prediction is made for: two to each doubling, as far as spec.benchmark.load.auto.max.
std::vector<double> LoadGrid(double max) {
  std::vector<double> loads;
  for (double power = 1; power <= max; power *= 2) {
    loads.push_back(power);
    if (power >= 2 && power * 1.5 <= max) loads.push_back(power * 1.5);
  }
  return loads;
}

// A mean start until one was measured: an engine's own start, and weights at the rate of a good disk. Engines without
// weights took 40 to 205 s (vLLM, median 93) and 43 to 53 s (SGLang) in 46 recorded starts (tests/engines/runs); what
// was not recorded counts as the slower one.
double StartSeconds(const checkpoint::ModelFacts& model, const std::string& engine, int gpus) {
  constexpr double kSlowEngine = 90;
  constexpr double kSglang = 48;
  constexpr double kBytesPerSecond = 1.5e9;
  const auto bytes = static_cast<double>(model.weight_bytes.value_or(0));
  return (engine == "sglang" ? kSglang : kSlowEngine) + bytes / kBytesPerSecond / std::max(gpus, 1);
}

// Loads that a trial takes, as recorded (tests/engines/runs) where a limit was looked for: a leader's between two
// loads, of others until they cannot win.
void SetLoadsOfTrials(const api::TaskSpec& spec, const tuning::Criteria& criteria, search::Space& space) {
  constexpr double kLeader = 7, kLoser = 3, kCapacity = 2;
  space.loads_of_a_leader = kLeader;
  space.loads_of_a_loser = kLoser;
  const auto given = static_cast<double>(spec.benchmark.load.fixed.size());
  if (given > 0) {
    space.loads_of_a_leader = space.loads_of_a_loser = given;
  } else if (criteria.slo.bounds.empty() && spec.benchmark.load.mode == measurement::LoadMode::kAutoConcurrency) {
    space.loads_of_a_leader = space.loads_of_a_loser = kCapacity;
  }
  const auto scenarios = static_cast<double>(std::max<std::size_t>(spec.benchmark.scenarios.size(), 1));
  space.loads_of_a_leader *= scenarios;
  space.loads_of_a_loser *= scenarios;
}

// One load: its window, and twice a request's time, because as many requests as are in flight end before it and are
// followed to their ends after it. A window ends when the answer is certain, which long ones are not needed for.
double StepSeconds(const api::BenchmarkSpec& benchmark, double request_seconds) {
  constexpr double kEnough = 20, kOfTheRest = 0.25, kBetween = 3;
  const double longest = std::chrono::duration<double>(benchmark.duration).count();
  const double window = std::min(longest, kEnough) + kOfTheRest * std::max(0.0, longest - kEnough);
  return kBetween + window + 2 * std::min(request_seconds, longest);
}

// A request's time where the prior expects most of the candidate that it thinks best of.
double RequestSeconds(const SearchInput& input) {
  if (input.prior.order.empty()) return 0;
  const std::vector<search::LoadPrior>& loads = input.prior.at[input.prior.order.front()];
  double e2e_seconds = 0;
  double best = 0;
  const auto keeps = [](double ln_ms, const std::optional<double>& bound) {
    return !bound || ln_ms <= std::log(*bound);
  };
  for (std::size_t j = 0; j < loads.size(); ++j) {
    const double e2e = search::LnE2e(input.space, loads[j]);
    const bool kept = keeps(loads[j].ln_ttft_ms, input.bounds.ttft_ms) &&
                      keeps(loads[j].ln_tpot_ms, input.bounds.tpot_ms) && keeps(e2e, input.bounds.e2e_ms);
    const double rate = input.space.candidates[input.prior.order.front()].loads[j] / std::exp(e2e);
    if (j > 0 && (!kept || rate <= best)) continue;
    best = rate;
    e2e_seconds = std::exp(e2e) / 1000;
  }
  return e2e_seconds;
}

engine_model::WeightFormat FormatOf(const checkpoint::ModelFacts& model, const quant::LaunchShape& shape) {
  using Format = engine_model::WeightFormat;
  const std::string& family = model.family;
  if (shape.weight_bits == 8 || family.starts_with("fp8") || family == "mxfp8") return Format::kFp8;
  if (family.starts_with("int8")) return Format::kInt8;
  if (family == "nvfp4" || family == "mxfp4") return Format::kFp4;
  if (shape.weight_bits == 4 || family.starts_with("int4") || family == "w4a8") return Format::kInt4;
  return Format::kBf16;
}

search::Features FeaturesOf(const Space& space, const tuning::Candidate& candidate) {
  const quant::LaunchShape& shape = candidate.plan.shape;
  const ResolvedModel& model = space.models[candidate.model];
  search::Features out;
  out.engine = space.runtimes[candidate.runtime].spec.name;
  out.precision = (model.name.empty() ? "" : model.name + "/") + candidate.quant.gemm + "/" + candidate.quant.moe;
  out.cache_dtype = candidate.quant.kvcache + "/" + candidate.quant.attention;
  out.draft = shape.draft_tokens > 0 ? "on" : "";
  out.gpu = candidate.gpu;
  out.shape.weights = FormatOf(model.facts, shape);
  out.shape.cache_bytes_per_element = shape.kv_element_bytes;
  out.shape.gpus = candidate.plan.gpus;
  out.shape.tensor_parallel = shape.tensor;
  out.shape.pipeline_parallel = shape.pipeline;
  out.shape.data_parallel = shape.data;
  out.shape.expert_parallel = shape.expert;
  out.shape.max_num_seqs = shape.max_sequences;
  out.shape.max_batched_tokens = shape.batched_tokens;
  out.shape.draft_tokens = shape.draft_tokens;
  out.shape.eager = shape.eager;
  if (shape.memory_share > 0) out.shape.memory_fraction = shape.memory_share;
  return out;
}

search::Objective SearchedFor(api::Objective objective) {
  switch (objective) {
    case api::Objective::kMaximizeThroughput:
    case api::Objective::kMaximizeGoodput:
    case api::Objective::kMinimizeCost:
      return search::Objective::kThroughput;
    case api::Objective::kMinimizeLatency:
      return search::Objective::kE2e;
    case api::Objective::kMinimizeTtft:
      return search::Objective::kTtft;
    case api::Objective::kMinimizeTpot:
      return search::Objective::kTpot;
  }
  return search::Objective::kThroughput;
}

// The bounds of one modelled metric: that of TPOT stands for the time between tokens, too.
bool BelongsTo(Metric bound, Metric modelled) {
  return bound == modelled || (bound == Metric::kItl && modelled == Metric::kTpot);
}

std::optional<double> LimitOf(const measurement::Slo& slo, Metric modelled) {
  std::optional<double> limit;
  for (const measurement::Bound& bound : slo.bounds) {
    if (BelongsTo(bound.metric, modelled)) limit = std::min(limit.value_or(bound.limit), bound.limit);
  }
  return limit;
}

// What stands for a metric's bounded statistics: the largest ratio to its bound, times the limit; the mean without one.
double Statistic(const measurement::Slo& slo, const measurement::Point& point, Metric modelled) {
  const auto limit = LimitOf(slo, modelled);
  if (!limit) return point.Get(modelled).mean;
  double ratio = 0;
  for (const measurement::Bound& bound : slo.bounds) {
    if (!BelongsTo(bound.metric, modelled)) continue;
    ratio = std::max(ratio, point.Get(bound.metric).Get(measurement::StatisticOf(slo, bound)) / bound.limit);
  }
  return ratio * *limit;
}

double Ln(double milliseconds) { return std::log(std::max(milliseconds, 1e-3)); }

double VarianceOf(const measurement::Point& point, Metric metric) {
  const double deviation = measurement::RelativeDeviation(point, metric).value_or(measurement::kUnknownDeviation);
  return deviation * deviation;
}

double OfferedConcurrency(const measurement::Point& point) {
  return point.load.kind == measurement::LoadKind::kConcurrency ? point.load.value
                                                                : std::max(1.0, std::round(point.mean_concurrency));
}

// At a request rate.
double InFlight(const measurement::Point& point) {
  constexpr double kLeast = 0.01;
  const double by_littles_law = point.load.value * point.e2e.mean / 1000;
  return std::max(kLeast, point.mean_concurrency > 0 ? point.mean_concurrency : by_littles_law);
}

// `divisor`: search::DivisorOf, of throughput.
search::Point PointOf(const tuning::Criteria& criteria, const measurement::Point& measured, std::size_t candidate,
                      double divisor) {
  search::Point out;
  out.candidate = candidate;
  out.load = OfferedConcurrency(measured);
  out.ln_ttft_ms = Ln(Statistic(criteria.slo, measured, Metric::kTtft));
  out.ln_tpot_ms = Ln(Statistic(criteria.slo, measured, Metric::kTpot));
  out.ln_e2e_ms = Ln(Statistic(criteria.slo, measured, Metric::kE2e));
  out.ttft_variance = VarianceOf(measured, Metric::kTtft);
  out.tpot_variance = VarianceOf(measured, Metric::kTpot);
  out.e2e_variance = out.objective_variance = VarianceOf(measured, Metric::kE2e);
  out.ln_objective_ms = Ln(measured.e2e.mean);
  out.value = measured.output_tokens_per_second / divisor;
  if (criteria.objective == tuning::Objective::kMaximizeGoodput) out.value *= measured.attainment.value_or(1);
  const auto latency = [&](Metric metric) {
    out.ln_objective_ms = Ln(measured.Get(metric).p50);
    out.objective_variance = VarianceOf(measured, metric);
    out.value = 1000 / std::max(measured.Get(metric).p50, 1e-3);
  };
  if (criteria.objective == tuning::Objective::kMinimizeLatency) latency(Metric::kE2e);
  if (criteria.objective == tuning::Objective::kMinimizeTtft) latency(Metric::kTtft);
  if (criteria.objective == tuning::Objective::kMinimizeTpot) latency(Metric::kTpot);
  const double requests = static_cast<double>(measured.requests + measured.errors);
  out.met = !measured.saturated && static_cast<double>(measured.errors) <= criteria.slo.max_error_rate * requests &&
            (!criteria.slo.attainment || measured.attainment.value_or(0) >= *criteria.slo.attainment);
  return out;
}

search::StartOutcome OutcomeOf(const api::ExperimentStatus& experiment) {
  if (experiment.state == api::ExperimentState::kSucceeded) return search::StartOutcome::kOk;
  const auto reason = bench::FailureReasonFromName(experiment.reason);
  return reason && !MayEndDifferently(experiment) ? search::StartOutcome::kCrashed
                                                  : search::StartOutcome::kInfrastructure;
}

// The load at which latencies are compared. Returns nullopt if limits are compared, or it is not known yet.
std::optional<measurement::Load> ComparedLoad(const api::TaskSpec& spec, const api::TaskStatus& status,
                                              const tuning::Criteria& criteria) {
  if (!tuning::ComparesAtOneLoad(criteria.objective)) return std::nullopt;
  std::vector<const api::ExperimentStatus*> measured;
  for (const api::ExperimentStatus& experiment : status.experiments) {
    for (const api::LoadRow& row : experiment.loads) {
      if (row.measured.role == measurement::PointRole::kReference) return row.measured.load;
    }
    if (experiment.state == api::ExperimentState::kSucceeded) measured.push_back(&experiment);
  }
  if (criteria.AtReference()) return std::nullopt;
  if (const auto load = tuning::ComparedLoad(ObservationsOf(measured, spec, status), criteria)) return load;
  const measurement::LoadPlan& plan = spec.benchmark.load;
  if (plan.fixed.empty()) return std::nullopt;
  return measurement::Load{measurement::KindOf(plan.mode), plan.fixed.back()};
}

// What the status says of one candidate. `attempt`: which start of it, from 1. `compared`: the one load that counts.
void Observe(const tuning::Criteria& criteria, const api::ExperimentStatus& experiment, std::size_t candidate,
             double divisor, int attempt, const std::optional<measurement::Load>& compared, search::Observations& out) {
  if (!IsFinished(experiment)) return;
  out.starts.push_back({candidate, OutcomeOf(experiment), experiment.start_seconds});
  out.ended.push_back(candidate);
  if (experiment.loads.empty()) return;
  // Of several scenarios the first one teaches the model; the answer judges all.
  const std::string& scenario = experiment.loads.front().measured.scenario;
  for (const api::LoadRow& row : experiment.loads) {
    if (row.measured.scenario != scenario || !measurement::IsUsable(row.measured) ||
        measurement::IsInvalid(row.measured)) {
      continue;
    }
    using measurement::PointRole;
    if (row.measured.role != (criteria.AtReference() ? PointRole::kReference : PointRole::kSearch)) continue;
    if (compared && !criteria.AtReference() && !(row.measured.load == *compared)) continue;
    out.points.push_back(PointOf(criteria, row.measured, candidate, divisor));
    out.points.back().attempt = attempt;
    if (!compared || compared->kind != measurement::LoadKind::kRequestRate) continue;
    // One rate is one load: what is in flight varies with the noise of each start.
    const auto earlier = std::find_if(out.points.begin(), out.points.end(),
                                      [&](const search::Point& point) { return point.candidate == candidate; });
    out.points.back().load = earlier == out.points.end() - 1 ? InFlight(row.measured) : earlier->load;
  }
}

engine_model::Workload WorkloadOf(const api::BenchmarkSpec& benchmark) {
  engine_model::Workload out;
  const std::string text = benchmark.scenarios.empty() ? api::kDefaultScenario : benchmark.scenarios.front();
  if (const auto scenario = measurement::Scenario::Parse(text)) {
    out.input_tokens = scenario->input.Mean();
    out.output_tokens = scenario->output.Mean();
  }
  return out;
}

std::optional<std::size_t> IndexOf(const Space& space, const api::ExperimentStatus& experiment) {
  const tuning::Candidate* candidate = CandidateOf(space, experiment);
  if (candidate == nullptr) return std::nullopt;
  return static_cast<std::size_t>(candidate - space.expansion.candidates.data());
}

// Of a trial whose loads are searched.
double ExpectedSeconds(const search::Space& space, std::size_t candidate) {
  return space.candidates[candidate].start_seconds + space.loads_of_a_loser * space.step_seconds;
}

// GPU-seconds that a trial may still spend; the whole, because nothing of it is accounted for before it ends.
// `allowed` = 0: it has no limit, and is expected to take what such trials take.
double MostGpuSeconds(const search::Space& space, std::size_t candidate, double allowed, int gpus) {
  return (allowed > 0 ? allowed : ExpectedSeconds(space, candidate)) * gpus;
}

search::Budget BudgetOf(const api::TaskSpec& spec, const api::TaskStatus& status, base::WallTime now) {
  search::Budget budget;
  const api::OptimizationSpec& optimization = spec.optimization;
  budget.trials = optimization.max_experiments;
  budget.confirmations = optimization.confirmations.value_or(1);
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (entry.confirms.empty() && entry.reused_from.empty()) ++budget.started;
  }
  budget.spent_gpu_seconds = GpuSecondsOf(status).Total();
  if (optimization.budget_gpu_hours) budget.gpu_seconds = *optimization.budget_gpu_hours * api::kSecondsPerHour;
  if (const auto deadline = DeadlineOf(spec, status, now)) {
    budget.seconds_left = std::chrono::duration<double>(*deadline - now).count();
  }
  return budget;
}

}  // namespace

std::optional<base::WallTime> DeadlineOf(const api::TaskSpec& spec, const api::TaskStatus& status, base::WallTime now) {
  if (!spec.optimization.budget_deadline) return std::nullopt;
  return (status.started_at.empty() ? now : base::ParseRfc3339(status.started_at)) + *spec.optimization.budget_deadline;
}

std::string DeadlineText(const api::TaskSpec& spec) {
  return "spec.optimization.budget.deadline: " + api::FormatDuration(*spec.optimization.budget_deadline) +
         " since the start of the task have passed";
}

namespace {

// Of a GPU of each type where the objective is the cost, relative to the first type's: what throughput is divided by.
std::vector<double> RelativePrices(const api::TaskSpec& spec, const api::TaskStatus& status) {
  std::vector<double> prices(spec.gpus.size(), 1);
  if (spec.optimization.objective != api::Objective::kMinimizeCost || !ComparesPrices(spec, status)) return prices;
  const double first = PricePerHour(spec, status, spec.gpus.front().name).value_or(1);
  for (std::size_t i = 0; i < prices.size(); ++i) {
    constexpr double kLeast = 1e-6;  // a price of 0 wins, and is no divisor
    prices[i] = std::max(PricePerHour(spec, status, spec.gpus[i].name).value_or(1), kLeast) / std::max(first, kLeast);
  }
  return prices;
}

// The product of this type of GPU. Before a node is known, the one product that the spec names; "" = not known.
const std::string& ProductOf(const api::TaskSpec& spec, const api::TaskStatus& status, std::size_t type) {
  const api::GpuSpec& gpu = spec.gpus[type];
  const std::string& product = api::GpuOf(status, gpu.name).product;
  return product.empty() && gpu.products.size() == 1 ? gpu.products.front() : product;
}

// Data sheets.
std::vector<std::optional<engine_model::GpuSpec>> GpusForPrior(const api::TaskSpec& spec,
                                                               const api::TaskStatus& status) {
  std::vector<std::optional<engine_model::GpuSpec>> gpus;
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    gpus.push_back(IsPredicted(spec, status, i) ? engine_model::FindGpu(ProductOf(spec, status, i)) : std::nullopt);
  }
  return gpus;
}

}  // namespace

bool IsPredicted(const api::TaskSpec& spec, const api::TaskStatus& status, std::size_t type) {
  if (api::GpuOf(status, spec.gpus[type].name).shared) return false;
  return !experiment::IsPartOfGpu(spec.gpus[type].resource_name, ProductOf(spec, status, type));
}

SearchInput SearchInputOf(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space,
                          base::WallTime now) {
  const tuning::Criteria criteria = CriteriaOf(spec, status);
  SearchInput input;
  const std::optional<measurement::Load> compared = ComparedLoad(spec, status, criteria);
  if (compared && compared->kind == measurement::LoadKind::kRequestRate) input.space.request_rate = compared->value;
  std::map<std::size_t, int> starts;
  // A rate leads to more requests in flight in a slow engine than any load that is searched.
  constexpr double kMoreInFlight = 4;
  const bool fixed = spec.benchmark.load.mode == measurement::LoadMode::kFixedConcurrency;
  const std::vector<double> grid =
      fixed && compared ? std::vector<double>{compared->value}
      : fixed           ? spec.benchmark.load.fixed
                        : LoadGrid(spec.benchmark.load.max * (input.space.request_rate ? kMoreInFlight : 1));
  const std::vector<double> prices = RelativePrices(spec, status);
  for (const tuning::Candidate& candidate : space.expansion.candidates) {
    search::Candidate out;
    out.price = prices[candidate.gpu];
    out.gpu_hour_price = PricePerHour(spec, status, spec.gpus[candidate.gpu].name).value_or(0);
    out.available = api::GpuOf(status, spec.gpus[candidate.gpu].name).unavailable.empty();
    out.key = std::strtoull(candidate.hash.c_str(), nullptr, 16);
    out.features = FeaturesOf(space, candidate);
    out.loads = grid;
    out.start_seconds = StartSeconds(space.models[candidate.model].facts,
                                     space.runtimes[candidate.runtime].traits.engine, candidate.plan.gpus);
    out.baseline = candidate.baseline;
    input.space.candidates.push_back(std::move(out));
  }
  for (const api::ExperimentStatus& experiment : status.experiments) {
    const auto index = IndexOf(space, experiment);
    if (!index) continue;
    const double divisor = search::DivisorOf(input.space.candidates[*index]);
    Observe(criteria, experiment, *index, std::max(divisor, 1e-9), ++starts[*index], compared, input.observations);
  }
  for (const search::Point& point : input.observations.points) {
    std::vector<double>& loads = input.space.candidates[point.candidate].loads;
    const auto at = std::lower_bound(loads.begin(), loads.end(), point.load);
    if (at == loads.end() || *at != point.load) loads.insert(at, point.load);
  }
  input.space.workload = WorkloadOf(spec.benchmark);
  input.space.objective = SearchedFor(spec.optimization.objective);
  SetLoadsOfTrials(spec, criteria, input.space);
  input.bounds.ttft_ms = LimitOf(criteria.slo, Metric::kTtft);
  input.bounds.tpot_ms = LimitOf(criteria.slo, Metric::kTpot);
  input.bounds.e2e_ms = LimitOf(criteria.slo, Metric::kE2e);
  input.bounds.means =
      input.space.objective == search::Objective::kThroughput &&
      std::all_of(criteria.slo.bounds.begin(), criteria.slo.bounds.end(), [&](const measurement::Bound& bound) {
        return measurement::StatisticOf(criteria.slo, bound) == measurement::Statistic::kMean &&
               bound.metric != Metric::kItl;
      });
  // One shape for all checkpoints: they are of one model, and how weights are stored is a candidate's.
  const checkpoint::ModelFacts& reference_model = space.models[api::ReferenceModel(spec)].facts;
  input.prior =
      search::PriceSpace(input.space, input.bounds, engine_model::ShapeOf(reference_model), GpusForPrior(spec, status));
  input.space.step_seconds = StepSeconds(spec.benchmark, RequestSeconds(input));
  input.now = now;
  input.limits.budget = BudgetOf(spec, status, now);
  for (const api::ExperimentStatus& experiment : status.experiments) {
    const auto index = IndexOf(space, experiment);
    if (!index || IsFinished(experiment)) continue;
    input.limits.budget.committed_gpu_seconds +=
        MostGpuSeconds(input.space, *index, experiment.allowed_seconds, experiment.gpus);
  }
  return input;
}

namespace {

search::RunningTrial RunningOf(const api::ExperimentStatus& experiment, std::size_t candidate, const SearchInput& input,
                               std::size_t node) {
  const search::Candidate& of = input.space.candidates[candidate];
  // What a baseline can do is wanted whole.
  const double loads = of.baseline ? input.space.loads_of_a_leader : input.space.loads_of_a_loser;
  double left = of.start_seconds + loads * input.space.step_seconds;
  const bool started = !experiment.started_at.empty() && experiment.state != api::ExperimentState::kPending;
  if (started) left -= std::chrono::duration<double>(input.now - base::ParseRfc3339(experiment.started_at)).count();
  const bool measuring = experiment.state == api::ExperimentState::kMeasuring;
  // One that takes longer than expected ends with its next load, or so.
  const double least = (measuring ? 1 : loads) * input.space.step_seconds;
  return {candidate,
          measuring,
          experiment.gpus,
          node,
          std::max(left, least),
          MostGpuSeconds(input.space, candidate, experiment.allowed_seconds, experiment.gpus)};
}

// As they are read back from the status.
double WholeSeconds(const search::Allowance& allowance) { return std::max(1.0, std::floor(allowance.seconds)); }

// What a start of a candidate that is no further trial is allowed: confirmations' reserve is for such starts.
std::optional<search::Allowance> AllowOutsideTrials(const search::Space& space, search::Budget budget,
                                                    std::size_t candidate) {
  budget.confirmations = 0;
  budget.trials.reset();
  return search::Allow(space, budget, candidate, std::nullopt);
}

// Whole seconds; 0 where nothing is limited.
double AllowedSeconds(const search::Budget& budget, const std::optional<search::Allowance>& allowance) {
  if (!allowance || (!budget.gpu_seconds && !budget.seconds_left)) return 0;
  return WholeSeconds(*allowance);
}

std::optional<NewExperiment> FreshStart(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space,
                                        const SearchInput& input) {
  const auto leader = NextConfirmation(spec, status, input);
  if (!leader) return std::nullopt;
  const auto candidate = IndexOf(space, status.experiments[*leader]);
  if (!candidate) return std::nullopt;
  const search::Budget& budget = input.limits.budget;
  const auto allowance = AllowOutsideTrials(input.space, budget, *candidate);
  if (!allowance) return std::nullopt;
  return NewExperiment{*candidate, AllowedSeconds(budget, allowance), status.experiments[*leader].name};
}

std::vector<api::NotTried> CountNotTried(const SearchInput& input, const search::Decision& stop) {
  std::optional<std::size_t> incumbent;
  if (stop.best) incumbent = stop.best->candidate;
  std::vector<bool> tried(input.space.candidates.size(), false);
  for (const search::Start& start : input.observations.starts) tried[start.candidate] = true;
  const search::CrashModel crashes(input.space, input.observations.starts);
  std::map<std::string, int> counts;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    if (tried[i]) continue;
    if (!input.space.candidates[i].available) {
      ++counts[std::string(bench::FailureReasonName(bench::FailureReason::kUnschedulable))];
      continue;
    }
    if (crashes.Suspended(i)) {
      ++counts["LikelyToFail"];
      continue;
    }
    const bool fits = search::Allow(input.space, input.limits.budget, i, incumbent).has_value();
    const search::Reason reason =
        stop.reason == search::Reason::kBudget && fits ? search::Reason::kLowExpectedGain : stop.reason;
    ++counts[std::string(search::ReasonName(reason))];
  }
  std::vector<api::NotTried> out;
  for (const auto& [reason, count] : counts) out.push_back({reason, count});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return out;
}

// What is left of the budget, and what the cheapest candidate needs that does not fit: "0.106 GPU-hours are left, and
// the cheapest of them needs 0.12, ...".
std::string ShortOf(const SearchInput& input, const search::Decision& stop) {
  const search::Budget& budget = input.limits.budget;
  if (!budget.gpu_seconds || budget.seconds_left) return "";
  std::optional<std::size_t> incumbent;
  if (stop.best) incumbent = stop.best->candidate;
  std::vector<bool> tried(input.space.candidates.size(), false);
  for (const search::Start& start : input.observations.starts) tried[start.candidate] = true;
  std::optional<double> least;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    if (tried[i] || !input.space.candidates[i].available) continue;
    const double needs = search::LeastGpuSeconds(input.space, budget, i, incumbent);
    if (!search::Allow(input.space, budget, i, incumbent) && (!least || needs < *least)) least = needs;
  }
  if (!least) return "";
  const auto hours = [](double gpu_seconds) { return api::FormatDecimal(gpu_seconds / api::kSecondsPerHour, 3); };
  const double left = std::max(0.0, *budget.gpu_seconds - budget.spent_gpu_seconds - budget.committed_gpu_seconds);
  return hours(left) + " GPU-hours are left, and the cheapest of these needs " + hours(*least) +
         (budget.confirmations > 0 ? " with the confirmation of the result" : "");
}

}  // namespace

Proposal Propose(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space, SearchInput input,
                 const std::vector<NodeGpus>& gpus) {
  Proposal out;
  search::Budget& budget = input.limits.budget;
  search::Slots slots;
  FreeGpus free(spec.gpus.size(), gpus);
  const bool several = spec.gpus.size() > 1;
  for (const api::ExperimentStatus& experiment : status.experiments) {
    const auto index = IndexOf(space, experiment);
    if (!index || IsFinished(experiment)) continue;
    const std::size_t type = space.expansion.candidates[*index].gpu;
    slots.running.push_back(RunningOf(experiment, *index, input, free.Take(type, experiment.gpus, experiment.node)));
    if (several && experiment.started_at.empty()) slots.full_types.push_back(type);
  }
  while (slots.running.size() < static_cast<std::size_t>(ParallelismOf(spec, status))) {
    slots.free_gpus = free.Left();
    slots.node_types = free.Types();
    const search::Decision decision = search::Decide(input.space, input.bounds, input.prior, input.observations, slots,
                                                     static_cast<std::uint64_t>(spec.optimization.seed), input.limits);
    if (decision.action == search::Action::kStop) {
      // Nothing runs. What a fresh start shows may change the answer, and what is worth trying.
      if (const auto fresh = FreshStart(spec, status, space, input)) {
        out.start.push_back(*fresh);
        return out;
      }
      out.stopped = decision.reason;
      out.expected_gain = decision.expected_gain;
      out.stop_gain = search::StopGain(input.space);
      out.not_tried = CountNotTried(input, decision);
      if (decision.reason == search::Reason::kBudget) out.short_of = ShortOf(input, decision);
      if (status.experiments.empty()) out.refused = BudgetRefusal(spec, input).value_or("");
      return out;
    }
    if (decision.action != search::Action::kStart) return out;
    const tuning::Candidate& candidate = space.expansion.candidates[decision.candidate];
    const double allowed = AllowedSeconds(budget, decision.allowance);
    const double expected = ExpectedSeconds(input.space, decision.candidate);
    const double most = MostGpuSeconds(input.space, decision.candidate, allowed, candidate.plan.gpus);
    const std::size_t node = free.Take(candidate.gpu, candidate.plan.gpus);
    if (several) slots.full_types.push_back(candidate.gpu);
    slots.running.push_back({decision.candidate, false, candidate.plan.gpus, node, expected, most});
    budget.committed_gpu_seconds += most;
    ++budget.started;
    out.start.push_back({decision.candidate, allowed, ""});
  }
  return out;
}

std::optional<double> AllowedAgain(const SearchInput& input, const api::ExperimentStatus& entry,
                                   std::size_t candidate) {
  if (entry.allowed_seconds == 0) return 0;
  search::Budget budget = input.limits.budget;
  budget.committed_gpu_seconds -= entry.allowed_seconds * entry.gpus;
  const auto allowance = AllowOutsideTrials(input.space, budget, candidate);
  if (!allowance) return std::nullopt;
  return std::min(entry.allowed_seconds, WholeSeconds(*allowance));
}

std::string WhyStopped(const Proposal& proposal) {
  if (!proposal.stopped) return "";
  const auto percent = [](double share) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f %%", share * 100);
    return std::string(text);
  };
  switch (*proposal.stopped) {
    case search::Reason::kLowExpectedGain:
      return "no remaining candidate is expected to gain " + percent(proposal.stop_gain) +
             " over the best score so far; the largest expected gain is " + percent(proposal.expected_gain);
    case search::Reason::kInfeasible:
      return "no remaining candidate is expected to meet the limits";
    case search::Reason::kBudget: {
      const auto count = [&](search::Reason reason) {
        const auto found = std::ranges::find(proposal.not_tried, search::ReasonName(reason), &api::NotTried::reason);
        return found == proposal.not_tried.end() ? 0 : found->count;
      };
      const int over = count(search::Reason::kBudget), low = count(search::Reason::kLowExpectedGain);
      std::string text = "no remaining candidate fits into the budget";
      if (low > 0) {
        text = std::to_string(over) + " of them " + (over == 1 ? "does" : "do") + " not fit into the budget, and " +
               std::to_string(low) + (low == 1 ? " is" : " are") + " not expected to gain " +
               percent(proposal.stop_gain) + " over the best score so far";
      }
      return text + (proposal.short_of.empty() ? "" : "; " + proposal.short_of);
    }
    case search::Reason::kMaxExperiments:
      return "optimization.maxExperiments is reached";
    case search::Reason::kAllTried:
      return "every candidate was measured";
    case search::Reason::kBaseline:
    case search::Reason::kLargestGain:
    case search::Reason::kLeastViolation:
    case search::Reason::kMeasure:
    case search::Reason::kSlotsBusy:
      break;
  }
  return "";
}

namespace {

// The loads at which latencies are compared, as far as they are known, in the order of the bench's scenarios.
std::vector<std::optional<double>> ReferencesFor(const api::TaskSpec& spec, const api::TaskStatus& status) {
  const std::vector<api::TaskStatus::ReferenceLoad> known = ReferenceLoadsOf(spec, status);
  if (known.empty()) return {};
  if (spec.benchmark.scenarios.empty()) return {known.front().request_rate};
  std::vector<std::optional<double>> out;
  for (const std::string& text : spec.benchmark.scenarios) {
    std::optional<double>& rate = out.emplace_back();
    const auto scenario = measurement::Scenario::Parse(text);
    for (const api::TaskStatus::ReferenceLoad& load : known) {
      if (scenario && load.scenario == scenario->ToString()) rate = load.request_rate;
    }
  }
  return out;
}

std::vector<measurement::Point> PointsOf(const api::ExperimentStatus& experiment) {
  std::vector<measurement::Point> points;
  for (const api::LoadRow& row : experiment.loads) points.push_back(row.measured);
  return points;
}

// In the order of measuring.
std::vector<std::string> ScenariosOf(const std::vector<measurement::Point>& points) {
  std::vector<std::string> names;
  for (const measurement::Point& point : points) {
    if (std::find(names.begin(), names.end(), point.scenario) == names.end()) names.push_back(point.scenario);
  }
  return names;
}

measurement::AnswerRule RuleOf(const api::TaskSpec& spec, std::string_view scenario) {
  return {experiment::SloOf(spec.slo), experiment::ScoreMetricOf(spec.optimization.objective),
          measurement::KindOf(spec.benchmark.load.mode), scenario};
}

// The highest loads of a finished experiment, one per scenario: where a fresh start begins.
std::vector<std::optional<double>> LimitsOf(const api::TaskSpec& spec, const api::TaskStatus& status,
                                            const std::string& experiment) {
  const auto found = std::find_if(status.experiments.begin(), status.experiments.end(),
                                  [&](const api::ExperimentStatus& entry) { return entry.name == experiment; });
  if (!spec.benchmark.load.fixed.empty() || found == status.experiments.end()) return {};
  const std::size_t workloads = std::max<std::size_t>(spec.benchmark.scenarios.size(), 1);
  const std::vector<measurement::Point> points = PointsOf(*found);
  std::vector<std::optional<double>> limits;
  bool any = false;
  for (const std::string& scenario : ScenariosOf(points)) {
    if (limits.size() == workloads) break;
    const auto limit = measurement::LimitOf(RuleOf(spec, scenario), points);
    limits.push_back(limit ? std::optional(points[*limit].load.value) : std::nullopt);
    any = any || limit.has_value();
  }
  limits.resize(workloads);
  return any ? limits : std::vector<std::optional<double>>();
}

// Score of the point of an experiment that counts. REQUIRES: one scenario.
std::optional<double> ScoreOf(const api::TaskSpec& spec, const api::ExperimentStatus& experiment) {
  const measurement::ScoreMetric score_metric = experiment::ScoreMetricOf(spec.optimization.objective);
  const std::vector<measurement::Point> points = PointsOf(experiment);
  const auto value = [&](const measurement::Point& point) {
    return measurement::PointScore(score_metric, point, experiment.gpus);
  };
  if (!measurement::LatencyOf(score_metric)) {
    const auto answer = measurement::AnswerOf(RuleOf(spec, ""), points);
    return answer ? std::optional(value(points[*answer])) : std::nullopt;
  }
  std::optional<double> best;
  for (const api::LoadRow& row : experiment.loads) {
    if (!row.meets_slo || row.measured.role != measurement::PointRole::kReference) continue;
    if (!best || value(row.measured) > *best) best = value(row.measured);
  }
  return best;
}

// What the score of an estimate is of the closed loop's (of a price it is the inverse). Others have to beat the score.
double EstimatedShare(const api::TaskStatus::Best& best) {
  const double score = std::abs(std::strtod(best.score.c_str(), nullptr));
  const double bound = std::abs(std::strtod(best.score_bound.c_str(), nullptr));
  return score > 0 && bound > 0 ? std::min(score, bound) / std::max(score, bound) : 1;
}

// Of the runtime's baseline, once that has ended: a bench reads the corpus until it has enough of it.
void TellQuality(const api::TaskStatus& status, const Space& space, const tuning::Candidate& candidate,
                 experiment::BenchHints& hints) {
  api::ExperimentStatus own;  // as it will be
  own.model = space.models[candidate.model].name;
  own.runtime = space.runtimes[candidate.runtime].spec.name;
  own.gpu = space.gpu_names[candidate.gpu];
  own.args = candidate.plan.args;
  own.options = candidate.plan.options_yaml;
  own.env = candidate.plan.env;
  own.apart_from_cache = candidate.plan.apart_from_cache;
  const api::ExperimentStatus* reference = api::QualityReference(status.experiments, own.runtime);
  if (reference == nullptr || !reference->quality) return;
  hints.quality_reference = reference->quality->measured;
  hints.only_cache_differs = OnlyCacheDiffers(own, *reference);
}

}  // namespace

experiment::BenchHints HintsFor(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput* input,
                                const Space& space, const api::ExperimentStatus& entry,
                                const tuning::Candidate& candidate) {
  experiment::BenchHints hints;
  const checkpoint::Size& vocabulary = space.models[candidate.model].facts.vocab_size;
  hints.vocab_size = static_cast<int>(std::min<std::int64_t>(vocabulary.value_or(0), 1 << 30));
  hints.reference = ReferencesFor(spec, status);
  if (spec.quality.measure && !candidate.baseline) TellQuality(status, space, candidate, hints);
  if (entry.allowed_seconds > 0) {
    hints.allowed = std::chrono::seconds(static_cast<std::int64_t>(entry.allowed_seconds));
  }
  const measurement::LoadMode mode = spec.benchmark.load.mode;
  const bool searched = mode == measurement::LoadMode::kAutoConcurrency && spec.benchmark.scenarios.size() <= 1 &&
                        !tuning::ComparesAtOneLoad(ObjectiveOf(spec));
  if (input != nullptr && searched) {
    const auto index = static_cast<std::size_t>(&candidate - space.expansion.candidates.data());
    const std::vector<search::Row> rows = search::MergePoints(input->space, input->observations.points);
    hints.predictions = {search::PredictFor(input->space, input->bounds, input->prior, rows, index)};
    // The pod's values are per GPU, whatever a GPU costs.
    hints.predictions.front()->gpus = candidate.plan.gpus;
  }
  if (!entry.confirms.empty()) {
    // A fresh start is asked whether the limits hold, and is not raced.
    hints.start = LimitsOf(spec, status, entry.confirms);
    hints.confirms = !hints.start.empty();
    return hints;
  }
  // Racing: one scenario, a limit that is searched, and a leader. What a baseline can do is wanted whole.
  const bool one = spec.benchmark.scenarios.size() <= 1;
  const bool races = IsAdaptive(spec) && one && spec.benchmark.load.fixed.empty() && !candidate.baseline;
  if (!races || !status.best) return hints;
  for (const api::ExperimentStatus& experiment : status.experiments) {
    if (experiment.name != status.best->experiment) continue;
    auto best = ScoreOf(spec, experiment);
    const auto leader = api::FindGpu(spec, experiment.gpu);
    if (!best || !leader) continue;
    // Of tokens/s per GPU, where the leader's GPU has another price: as many as give the same tokens for the money.
    const std::vector<double> prices = RelativePrices(spec, status);
    *best *= EstimatedShare(*status.best);
    *best *= prices[candidate.gpu] / prices[*leader];
    hints.score_to_beat = {best};
    const double score = std::strtod(status.best->score.c_str(), nullptr);
    const double ci = std::strtod(status.best->ci.c_str(), nullptr);
    if (score != 0 && ci > 0) hints.score_to_beat_ci = {std::abs(*best * ci / score)};
  }
  return hints;
}

}  // namespace autotune::reconcile
