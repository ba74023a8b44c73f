#include "operator/reconcile/estimate.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "operator/reconcile/accounting.h"
#include "operator/reconcile/parallelism.h"
#include "operator/reconcile/track.h"
#include "tuning/search/budget.h"

namespace autotune::reconcile {
namespace {

namespace search = tuning::search;

double HoursSinceStart(const api::TaskStatus& status, base::WallTime now) {
  if (status.started_at.empty()) return 0;
  return std::chrono::duration<double>(now - base::ParseRfc3339(status.started_at)).count() / kSecondsPerHour;
}

std::string DurationText(double low_hours, double high_hours) {
  if (high_hours < 1) return RangeText(std::ceil(low_hours * 60), std::ceil(high_hours * 60), 0) + "m";
  return RangeText(low_hours, high_hours, 1) + "h";
}

int Started(const api::TaskStatus& status) { return static_cast<int>(status.experiments.size()); }

std::string Hours(double seconds) { return api::FormatDecimal(seconds / kSecondsPerHour, 3); }

}  // namespace

std::string RangeText(double low, double high, int decimals) {
  const std::string from = api::FormatDecimal(low, decimals);
  const std::string to = api::FormatDecimal(high, decimals);
  return from == to ? to : from + "-" + to;
}

api::TaskStatus::Estimate EstimateOf(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput& input,
                                     base::WallTime now) {
  const search::CostEstimate cost =
      search::EstimateCost(input.space, input.bounds, input.prior, input.observations, LaterParallelismOf(spec, status),
                           static_cast<std::uint64_t>(spec.optimization.seed), input.limits,
                           Started(status) == 0 ? search::kPlayedBefore : search::kPlayedAfter);
  // What is at work is not over, and not among the candidates left: it is expected to take what it was given.
  const double spent = GpuSecondsOf(status).Total() / kSecondsPerHour;
  const double running = input.limits.budget.committed_gpu_seconds / kSecondsPerHour;
  const int started = Started(status);
  const double passed = HoursSinceStart(status, now);
  const int confirmations = input.limits.budget.confirmations;
  api::TaskStatus::Estimate out = status.estimate.value_or(api::TaskStatus::Estimate());
  out.experiments = RangeText(started + cost.experiments.low, started + cost.experiments.high + confirmations, 0);
  // The answer's fresh starts may come on top: in the interval's upper end.
  double fresh_gpu_hours = 0;
  double fresh_hours = 0;
  if (!input.prior.order.empty()) {
    const search::Allowance one = search::ConfirmationCost(input.space, input.prior.order.front());
    fresh_gpu_hours = one.gpu_seconds / kSecondsPerHour * confirmations;
    fresh_hours = one.seconds / kSecondsPerHour * confirmations;
  }
  out.gpu_hours =
      RangeText(spent + running + cost.gpu_hours.low, spent + running + cost.gpu_hours.high + fresh_gpu_hours, 2);
  out.duration = DurationText(passed + cost.hours.low, passed + cost.hours.high + fresh_hours);
  const std::chrono::duration<double> left((cost.hours.high + fresh_hours) * kSecondsPerHour);
  out.finish_at = base::FormatRfc3339(now + std::chrono::ceil<std::chrono::seconds>(left));
  out.most_gpu_hours = api::FormatDecimal(spent + running + cost.most_gpu_hours, 2);
  if (out.first_experiments.empty() && started == 0) {
    out.first_experiments = out.experiments;
    out.first_gpu_hours = out.gpu_hours;
    out.first_duration = out.duration;
  }
  return out;
}

api::TaskStatus::Estimate TakenBy(const api::TaskStatus& status, base::WallTime now) {
  api::TaskStatus::Estimate out = status.estimate.value_or(api::TaskStatus::Estimate());
  const double spent = GpuSecondsOf(status).Total() / kSecondsPerHour;
  const double passed = HoursSinceStart(status, now);
  out.experiments = std::to_string(Started(status));
  out.gpu_hours = RangeText(spent, spent, 2);
  out.duration = DurationText(passed, passed);
  out.finish_at.clear();
  return out;
}

std::string ComparedWithEstimate(const api::TaskStatus& status) {
  if (!status.estimate || status.estimate->first_gpu_hours.empty()) return "";
  return "took " + status.estimate->gpu_hours + " GPU-hours, estimated " + status.estimate->first_gpu_hours;
}

std::optional<std::string> BudgetRefusal(const api::TaskSpec& spec, const SearchInput& input) {
  const search::Budget& budget = input.limits.budget;
  const search::Space& space = input.space;
  if (space.candidates.empty() || (!budget.gpu_seconds && !budget.seconds_left)) return std::nullopt;
  std::optional<double> gpu_seconds;
  std::optional<double> seconds;
  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    if (search::Allow(space, budget, i, std::nullopt)) return std::nullopt;
    const search::Candidate& candidate = space.candidates[i];
    const search::Allowance fresh = search::ConfirmationCost(space, i);
    const double needs = candidate.start_seconds + space.step_seconds + budget.confirmations * fresh.seconds;
    if (!seconds || needs < *seconds) seconds = needs;
    const double gpus = candidate.features.shape.gpus;
    if (!gpu_seconds || needs * gpus < *gpu_seconds) gpu_seconds = needs * gpus;
  }
  const std::string with = budget.confirmations > 0 ? ", including its confirmation" : "";
  if (budget.seconds_left && *budget.seconds_left <= 0) {
    return DeadlineText(spec) + ", and nothing has been measured";
  }
  if (budget.seconds_left && *budget.seconds_left < *seconds) {
    return "spec.optimization.budget.deadline: the shortest experiment is expected to take " +
           api::FormatDecimal(std::ceil(*seconds), 0) + " s" + with + "; " +
           api::FormatDecimal(*budget.seconds_left, 0) + " s are left";
  }
  if (!budget.gpu_seconds) return std::nullopt;
  return "spec.optimization.budget.gpuHours: the cheapest experiment is expected to take " + Hours(*gpu_seconds) +
         " GPU-hours" + with + "; the budget is " + Hours(*budget.gpu_seconds);
}

}  // namespace autotune::reconcile
