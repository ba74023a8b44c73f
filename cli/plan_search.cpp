#include "cli/plan_search.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/reconcile/answer.h"
#include "operator/reconcile/estimate.h"
#include "operator/reconcile/parallelism.h"
#include "operator/reconcile/propose.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using reconcile::RangeText;
using tuning::search::CostEstimate;
using tuning::search::Expected;
using tuning::search::Outlook;

constexpr std::size_t kShown = 12;

std::string Range(const Expected& expected, int decimals) { return RangeText(expected.low, expected.high, decimals); }

std::string CostText(const CostEstimate& cost, const SearchPreview& preview) {
  const std::string experiments = Range(cost.experiments, 0);
  return experiments + (experiments == "1" ? " experiment, " : " experiments, ") + Range(cost.gpu_hours, 2) +
         " GPU-hours, " + (preview.priced ? "price " + Range(cost.price, 2) + ", " : "") + "in " +
         Range(cost.hours, 2) + " h";
}

json RangeJson(const Expected& expected) {
  return {{"mean", expected.mean}, {"low", expected.low}, {"high", expected.high}};
}

json CostJson(const CostEstimate& cost, const SearchPreview& preview) {
  json out = {{"experiments", RangeJson(cost.experiments)},
              {"gpuHours", RangeJson(cost.gpu_hours)},
              {"hours", RangeJson(cost.hours)},
              {"mostExperiments", cost.most_experiments},
              {"mostGpuHours", cost.most_gpu_hours}};
  if (preview.priced) {
    out["price"] = RangeJson(cost.price);
    out["mostPrice"] = cost.most_price;
  }
  return out;
}

bool IsLatency(const api::TaskSpec& spec) { return tuning::ComparesAtOneLoad(reconcile::ObjectiveOf(spec)); }

std::optional<double> PriceOf(const TaskPlan& plan, std::size_t gpu) {
  const api::TaskSpec& spec = plan.task.spec;
  return reconcile::PricePerHour(spec, plan.task.status, spec.gpus[gpu].name);
}

// Of tokens/s per GPU. Where types of GPU are compared by cost, the search's own value is divided by their prices.
double ValueOf(const TaskPlan& plan, const Outlook& one) {
  const std::size_t gpu = plan.space.expansion.candidates[one.candidate].gpu;
  const bool by_cost = plan.task.spec.optimization.objective == api::Objective::kMinimizeCost &&
                       reconcile::ComparesPrices(plan.task.spec, plan.task.status);
  return by_cost ? one.value * *PriceOf(plan, gpu) / std::max(*PriceOf(plan, 0), 1e-6) : one.value;
}

// Predicted, of a million output tokens; "" without a price per hour.
std::string TokenPriceText(const TaskPlan& plan, const Outlook& one) {
  const auto price = PriceOf(plan, plan.space.expansion.candidates[one.candidate].gpu);
  if (!price || IsLatency(plan.task.spec) || !one.feasible) return "";
  return "~" + api::FormatDecimal(*price / 3600 * 1e6 / std::max(ValueOf(plan, one), 1e-9), 4);
}

// Why there is only a rule of thumb.
std::string NotKnown(const TaskPlan& plan) {
  const bool gpu = std::ranges::any_of(
      plan.gpus, [](const auto& known) { return !known.capability && known.amd_architecture.empty(); });
  return gpu ? "the GPU is" : "the model's dimensions or the GPU's data sheet are";
}

// Which GPUs the task may run on without a prediction.
std::vector<std::string> NotPredicted(const TaskPlan& plan, const api::TaskStatus& status) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < plan.task.spec.gpus.size(); ++i) {
    const api::GpuSpec& gpu = plan.task.spec.gpus[i];
    if (reconcile::IsPredicted(plan.task.spec, status, i)) continue;
    const std::string& product = api::GpuOf(status, gpu.name).product;
    names.push_back(!product.empty() ? product : gpu.products.size() == 1 ? gpu.products.front() : gpu.resource_name);
  }
  return names;
}

std::string NotPredictedText(const SearchPreview& preview) {
  return "nothing is predicted for " + text::Joined(preview.not_predicted, ", ") +
         ": it is a part of a card, whose speed is not known";
}

// "2 GPU-hours (price at most 8) and 4h from the start": what the task allows. GPU-hours are counted whatever a type of
// GPU costs, so the price is that of the dearest.
std::string AllowedText(const TaskPlan& plan, const SearchPreview& preview) {
  std::vector<std::string> parts;
  const api::OptimizationSpec& optimization = plan.task.spec.optimization;
  if (const auto& hours = optimization.budget_gpu_hours) {
    double dearest = 0;
    for (std::size_t i = 0; i < plan.task.spec.gpus.size(); ++i) {
      dearest = std::max(dearest, PriceOf(plan, i).value_or(0));
    }
    parts.push_back(api::FormatDecimal(*hours, 4) + " GPU-hours" +
                    (preview.priced ? " (price at most " + api::FormatDecimal(*hours * dearest, 2) + ")" : ""));
  }
  if (const auto& deadline = optimization.budget_deadline) {
    parts.push_back(api::FormatDuration(*deadline) + " from the start");
  }
  return text::Joined(parts, " and ");
}

// What the budget would cut.
std::string BudgetText(const TaskPlan& plan, const SearchPreview& preview) {
  if (!preview.unlimited) return "";
  const std::string budget = "Budget: " + AllowedText(plan, preview);
  const Expected& with = preview.cost.experiments;
  const Expected& without = preview.unlimited->experiments;
  if (with.mean > without.mean - 0.5) return budget + "; it is large enough for this search.\n";
  return budget + "; it ends the search early. Without it: " + CostText(*preview.unlimited, preview) + ".\n";
}

// What the predictions say of the task as a whole.
std::string DoubtsText(const TaskPlan& plan, const SearchPreview& preview) {
  std::string out;
  const bool none = std::ranges::none_of(preview.order, [](const Outlook& one) { return one.feasible; });
  if (none) {
    out +=
        "Warning: spec.slo: every candidate above is predicted to miss it. The task may end without a best "
        "configuration; check the limits.\n";
  }
  if (plan.task.spec.optimization.objective == api::Objective::kMinimizeCost && !preview.priced) {
    out +=
        "Warning: spec.gpu.pricePerHour is not set: the score of MinimizeCost is GPU-hours per million output "
        "tokens, and no prices are shown.\n";
  }
  return out;
}

}  // namespace

SearchPreview PreviewSearch(const TaskPlan& plan) {
  api::TaskStatus status;
  status.gpus = plan.task.status.gpus;
  const api::TaskSpec& spec = plan.task.spec;
  const reconcile::SearchInput input = reconcile::SearchInputOf(spec, status, plan.space, base::WallTime{});
  status.parallelism = reconcile::ChooseParallelism(spec, input, plan.node_gpus);
  const int parallelism = reconcile::LaterParallelismOf(spec, status);
  const auto seed = static_cast<std::uint64_t>(spec.optimization.seed);
  const auto estimate = [&](const tuning::search::Limits& limits) {
    return tuning::search::EstimateCost(input.space, input.bounds, input.prior, input.observations, parallelism, seed,
                                        limits);
  };
  SearchPreview out;
  out.generic = input.prior.generic;
  out.parallelism = parallelism;
  out.first_alone = reconcile::ParallelismOf(spec, status) < parallelism;
  out.priced = std::ranges::all_of(spec.gpus, [&](const api::GpuSpec& gpu) {
    return reconcile::PricePerHour(spec, plan.task.status, gpu.name).has_value();
  });
  out.order = tuning::search::OutlookOf(input.space, input.bounds, input.prior, input.observations, kShown);
  out.not_predicted = NotPredicted(plan, status);
  std::erase_if(out.order, [&](const Outlook& one) {
    return !reconcile::IsPredicted(spec, status, plan.space.expansion.candidates[one.candidate].gpu);
  });
  out.cost = estimate(input.limits);
  const tuning::search::Budget& budget = input.limits.budget;
  if (budget.gpu_seconds || budget.seconds_left) {
    tuning::search::Limits free = input.limits;
    free.budget.gpu_seconds.reset();
    free.budget.seconds_left.reset();
    out.unlimited = estimate(free);
    out.refusal = reconcile::BudgetRefusal(spec, input).value_or("");
  }
  return out;
}

std::string EstimateText(const SearchPreview& preview) {
  if (!preview.refusal.empty()) return "no experiment can start: " + preview.refusal;
  if (!preview.not_predicted.empty()) return "not known; " + NotPredictedText(preview);
  return CostText(preview.cost, preview) +
         (preview.parallelism == 1 ? "" : " with " + std::to_string(preview.parallelism) + " at a time") +
         (preview.first_alone ? " after the first" : "");
}

std::string SearchText(const TaskPlan& plan, const SearchPreview& preview) {
  if (preview.order.empty()) {
    if (preview.not_predicted.empty()) return "";
    return preview.refusal.empty() ? "\nExpected order, results and cost: " + NotPredictedText(preview) + "\n"
                                   : "\nNo experiment can start: " + preview.refusal + "\n";
  }
  const tuning::Expansion& expansion = plan.space.expansion;
  std::vector<std::vector<std::string>> arguments;
  for (const Outlook& one : preview.order) arguments.push_back(expansion.candidates[one.candidate].plan.args);
  const text::ArgumentDifferences differences = text::CompareArguments(arguments);
  text::Table table;
  const auto right = text::Table::Align::kRight;
  table.AddColumn("");
  table.AddColumn("CHECKPOINT");
  table.AddColumn("GPU");
  table.AddColumn("RUNTIME");
  table.AddColumn("QUANTIZATION");
  table.AddColumn("ARGUMENTS THAT DIFFER");
  table.AddColumn("IN FLIGHT", right);
  table.AddColumn("TTFT", right);
  table.AddColumn("TPOT", right);
  table.AddColumn(IsLatency(plan.task.spec) ? "MS" : "TOK/S/GPU", right);
  table.AddColumn("PRICE/M OUT", right);
  for (std::size_t i = 0; i < preview.order.size(); ++i) {
    const Outlook& one = preview.order[i];
    const tuning::Candidate& candidate = expansion.candidates[one.candidate];
    const std::string own = text::Joined(differences.own[i], " ");
    const std::string value = IsLatency(plan.task.spec) ? api::FormatDecimal(1000 / std::max(one.value, 1e-9), 1)
                                                        : api::FormatDecimal(ValueOf(plan, one), 0);
    const std::string role = candidate.deployed ? "deployed" : "baseline";
    table.AddRow({candidate.baseline ? role : std::to_string(i + 1), plan.space.models[candidate.model].name,
                  plan.space.gpu_names[candidate.gpu], plan.space.runtimes[candidate.runtime].spec.name,
                  candidate.quant.name, own.empty() ? "-" : own, api::FormatDecimal(one.load, 0),
                  "~" + text::Milliseconds(one.ttft_ms), "~" + text::Milliseconds(one.tpot_ms),
                  one.feasible ? "~" + value : "misses the SLO", TokenPriceText(plan, one)});
  }
  std::string out = "\nExpected order and results: predicted" +
                    (preview.generic ? " by a rule of thumb, because " + NotKnown(plan) + " not known" : "") +
                    ", not measured (TTFT and TPOT: the statistic in the SLO, otherwise the mean)\n" + table.Text("  ");
  const std::size_t all =
      static_cast<std::size_t>(std::ranges::count_if(expansion.candidates, [&](const tuning::Candidate& candidate) {
        return preview.not_predicted.empty() || reconcile::IsPredicted(plan.task.spec, plan.task.status, candidate.gpu);
      }));
  if (all > preview.order.size()) out += "  ... and " + std::to_string(all - preview.order.size()) + " more\n";
  if (!preview.refusal.empty()) return out + "\nNo experiment can start: " + preview.refusal + "\n";
  if (!preview.not_predicted.empty()) return out + "\nEstimate: " + EstimateText(preview) + "\n";
  out += "\nEstimate: " + EstimateText(preview) +
         " (80 % intervals, without confirmations); all candidates at all loads: " +
         api::FormatDecimal(preview.cost.most_gpu_hours, 1) + " GPU-hours" +
         (preview.priced ? ", price " + api::FormatDecimal(preview.cost.most_price, 2) : "") + "\n";
  return out + BudgetText(plan, preview) + DoubtsText(plan, preview);
}

json SearchJson(const TaskPlan& plan, const SearchPreview& preview) {
  json order = json::array();
  for (const Outlook& one : preview.order) {
    order.push_back({{"hash", plan.space.expansion.candidates[one.candidate].hash},
                     {"predicted",
                      {{"concurrency", one.load},
                       {"ttftMs", one.ttft_ms},
                       {"tpotMs", one.tpot_ms},
                       {IsLatency(plan.task.spec) ? "perSecond" : "outputTokensPerSecondPerGpu", ValueOf(plan, one)},
                       {"meetsSlo", one.feasible}}}});
  }
  json out = {{"order", order}, {"places", preview.parallelism}};
  if (preview.not_predicted.empty()) {
    out["estimate"] = CostJson(preview.cost, preview);
    out["ruleOfThumb"] = preview.generic;
  } else {
    out["notPredicted"] = preview.not_predicted;
  }
  if (preview.unlimited && preview.not_predicted.empty()) out["withoutBudget"] = CostJson(*preview.unlimited, preview);
  if (!preview.refusal.empty()) out["refused"] = preview.refusal;
  return out;
}

}  // namespace autotune::cli
