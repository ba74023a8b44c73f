#include "report/runner_up.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "operator/reconcile/answer.h"
#include "report/effects.h"
#include "report/quality_words.h"
#include "report/settings.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using measurement::Metric;
using measurement::Point;
using text::Milliseconds;
using text::Percent;

// A difference below that is none to speak of.
constexpr double kNotable = 0.02;

std::string Count(double value) { return api::FormatDecimal(value, value < 10 ? 1 : 0); }

// Settings by which two experiments are told apart.
std::string IdentityOf(const ResultRow& row, const ResultRow& best) {
  const auto differences = text::CompareArguments({row.experiment->args, best.experiment->args});
  std::string text = api::ConfigurationName(*row.experiment);
  if (row.experiment->runtime != best.experiment->runtime) text = row.experiment->runtime + ", " + text;
  if (!differences.own[0].empty()) text += ", " + text::Shortened(text::Joined(differences.own[0], " "), 80);
  const std::string role = RoleText(*row.experiment);
  return row.experiment->name + " (" + (role.empty() ? "" : role + ", ") + text + ")";
}

// "4.1% (3.0% to 5.2%) below the best", where a negative end is on the other side; "44.5% more (31.7% to 55.0%) than
// the best" of prices and latencies.
std::string DistanceWithInterval(const api::AutotuneTask& task, const ResultRow& row, const ResultRow& best) {
  // Of given loads a change is one at a load of both, and the scores may be of others.
  const bool comparable = task.spec.benchmark.load.fixed.empty() ||
                          (row.load != nullptr && best.load != nullptr && row.load->load == best.load->load);
  const auto change = comparable ? ChangeBetween(task, best, row) : std::nullopt;
  std::string interval;
  if (change && change->has_interval() && change->less_is_better) {
    interval = reconcile::GainIntervalWords(change->change, change->low, change->high, true);
  } else if (change && change->has_interval()) {
    const bool worse = change->change <= 0;
    interval = " (" + Percent(worse ? -change->high : change->low) + " to " +
               Percent(worse ? -change->low : change->high) + ")";
  }
  return DistanceText(*row.score, *best.score, interval);
}

// Why the interval of a score is much wider than that of the point that it is of; "" where it is not.
std::string WidthText(const api::AutotuneTask& task, const ResultRow& row, const ResultRow& best) {
  constexpr double kMuch = 2;
  if (tuning::ComparesAtOneLoad(reconcile::ObjectiveOf(task.spec))) return "";
  for (const ResultRow* one : {&row, &best}) {
    if (one->load == nullptr || !one->score || *one->score == 0 || !(one->load->output_tokens_per_second > 0)) continue;
    const double score = one->ci / std::abs(*one->score);
    const double point = one->load->output_tokens_per_second_ci / one->load->output_tokens_per_second;
    if (!(point > 0) || score < kMuch * point) continue;
    return " (\u00b1" + Percent(score) + " for " + one->experiment->name + ", although its point alone has \u00b1" +
           Percent(point) + ": the interval of a score also covers where the limit may be" +
           (one->starts > 1 ? " and how far the starts are apart" : "") + ")";
  }
  return "";
}

// Of two that tie, which is the best and why.
std::string TieText(const api::AutotuneTask& task, const ResultRow& row, const ResultRow& best) {
  const int ours = reconcile::ObservationOf(*best.experiment, task.spec, task.status).settings;
  const int theirs = reconcile::ObservationOf(*row.experiment, task.spec, task.status).settings;
  std::string text = ", a tie: the intervals of the scores overlap" + WidthText(task, row, best) + ".";
  if (ours < theirs) return text + " The best changes fewer settings of the engine.";
  if (*best.score >= *row.score) text += " The best is the one with the higher score.";
  if (*best.score < *row.score && EstimateOf(best).empty() && !EstimateOf(row).empty()) {
    text += " The best is the one whose score was measured.";
  }
  return text;
}

// What the engine reported where it failed to keep up.
std::string EngineText(const Point& point) {
  const measurement::EngineCounters& engine = point.engine;
  constexpr double kFull = 0.97, kRoom = 0.9, kMany = 0.1;
  const double waiting = engine.waiting.value_or(0), cache = engine.kv_cache_use.value_or(0);
  const double preempted = engine.preemptions.value_or(0);
  if (cache >= kFull || preempted >= 1) {
    std::string text = " Its KV cache was " + Percent(cache, 0) + " full";
    if (preempted >= 1) text += ", " + Count(preempted) + " requests were preempted";
    if (waiting >= 1) text += ", " + Count(waiting) + " waited";
    return text + ".";
  }
  // A few always wait for their prefill.
  const bool many = waiting >= 2 && waiting >= kMany * engine.running.value_or(0);
  if (many && engine.kv_cache_use && cache < kRoom) {
    return " There " + Count(waiting) + " requests waited for a place in the batch while the KV cache was " +
           Percent(cache, 0) + " full.";
  }
  return "";
}

// Both at the highest load that both have measured: which of the latencies is worse, and by how much.
// `cause`: CauseText.
std::string SlownessText(const ResultRow& row, const ResultRow& best, const std::string& cause) {
  const Point *ours = nullptr, *theirs = nullptr;
  for (const api::LoadRow* a : CountingLoads(row.experiment->loads)) {
    for (const api::LoadRow* b : CountingLoads(best.experiment->loads)) {
      const bool same = a->measured.scenario == b->measured.scenario && a->measured.load == b->measured.load &&
                        a->measured.role == b->measured.role && a->measured.scenario == row.load->scenario;
      if (!same || (ours != nullptr && ours->load.value >= a->measured.load.value)) continue;
      ours = &a->measured;
      theirs = &b->measured;
    }
  }
  if (ours == nullptr) return "";
  std::vector<std::string> slower;
  for (const Metric metric : {Metric::kTpot, Metric::kTtft}) {
    const double own = ours->Get(metric).p50, other = theirs->Get(metric).p50;
    if (!(other > 0) || own < other * (1 + kNotable)) continue;
    slower.push_back(MetricTitle(metric) + " p50 was " + Milliseconds(own) + " (the best: " + Milliseconds(other) +
                     ")");
  }
  if (slower.empty()) return "";
  const std::string where = ours->load.ToString() + " its " + text::Joined(slower, ", its ") + ".";
  return cause.empty() ? " With " + where : " " + cause + ": with " + where;
}

// What the other has in place of the settings of the best: "Without --quantization fp8", "With --max-num-seqs 64
// instead of --max-num-seqs 128"; "" if no flag differs.
std::string CauseText(const api::AutotuneTask& task, const ResultRow& row, const ResultRow& best,
                      const quant::RuleSet& rules) {
  constexpr std::size_t kMostFlags = 120;
  const auto differences = text::CompareArguments({row.experiment->args, best.experiment->args});
  const auto flags = [&](const ResultRow& of, const std::vector<std::string>& own) {
    return text::Shortened(text::Joined(EngineSettings(task, *of.experiment, rules).WithoutDefaults(own), " "),
                           kMostFlags);
  };
  const std::string theirs = flags(row, differences.own[0]), ours = flags(best, differences.own[1]);
  if (theirs.empty()) return ours.empty() ? "" : "Without " + ours;
  return "With " + theirs + (ours.empty() ? "" : " instead of " + ours);
}

// What stopped it below the best.
std::string BoundText(const api::AutotuneTask& task, const ResultRow& row, const ResultRow& best,
                      const quant::RuleSet& rules) {
  const std::string cause = CauseText(task, row, best, rules);
  if (row.load == nullptr || best.load == nullptr) return ".";
  if (tuning::ComparesAtOneLoad(reconcile::ObjectiveOf(task.spec))) {
    return ", both at " + row.load->load.ToString() + "." + SlownessText(row, best, cause);
  }
  const measurement::Load ours = HighestMet(row).load, theirs = HighestMet(best).load;
  const bool several = best.starts > 1 || !best.experiment->confirms.empty();
  std::string text = ". It met the SLO up to " + ours.ToString();
  if (ours == theirs && !several) {
    text = ". Both met the SLO up to " + ours.ToString();
  } else if (ours.kind == theirs.kind) {
    text += std::string(" (the best") + (several ? " in every start" : "") + ": " +
            (ours.value == theirs.value ? "the same" : LoadText(theirs)) + ")";
  }
  const Point* next = NextMissed(row);
  // What ended both searches is said of the best.
  const bool same_end = ours == theirs && next == nullptr && NextMissed(best) == nullptr;
  const std::string step = same_end ? "" : DecidingStep(task, row);
  if (!step.empty()) text += "; " + step;
  text += ".";
  const std::string engine = EngineText(next == nullptr ? *row.load : *next);
  return text + (engine.empty() ? SlownessText(row, best, cause) : engine);
}

// Experiments that could have been better, had they kept the quality.
std::string FasterText(const api::AutotuneTask& task, const std::vector<ResultRow>& rows, const ResultRow& best) {
  std::string text;
  for (const ResultRow& row : rows) {
    if (!row.score_without_quality || *row.score_without_quality <= *best.score) continue;
    const std::string quality = QualityOf(row), lost = LostQualityOf(row);
    text += (text.empty() ? "" : " ") + IdentityOf(row, best) + " has a better score (" +
            ScoreText(ScoreKindOf(task), *row.score_without_quality) + ") and is left out: " + lost +
            (quality.empty() ? "" : " (" + quality + ")") + ".";
  }
  return text;
}

// What costs less per token than the best, on another type of GPU, where the price is not the objective.
std::string CheaperText(const api::AutotuneTask& task, const std::vector<ResultRow>& rows, const ResultRow& best) {
  if (task.spec.optimization.objective == api::Objective::kMinimizeCost || !task.status.best) return "";
  const double of_best = std::strtod(task.status.best->price.c_str(), nullptr);
  const ResultRow* cheapest = nullptr;
  double least = of_best;
  std::string price;
  for (const ResultRow& row : rows) {
    if (row.best || !row.score || row.cannot_win || row.load == nullptr || !row.experiment->confirms.empty()) continue;
    reconcile::TokenPrices prices = reconcile::PricesAt(
        reconcile::PricePerHour(task.spec, task.status, row.experiment->gpu), *row.load, row.experiment->gpus);
    const double own = std::strtod(prices.output.c_str(), nullptr);
    if (prices.output.empty() || own >= least) continue;
    cheapest = &row;
    least = own;
    price = std::move(prices.output);
  }
  if (cheapest == nullptr || least > of_best * (1 - kNotable)) return "";
  return IdentityOf(*cheapest, best) + " is cheaper: " + price + " per million output tokens, " +
         Percent(1 - least / of_best) + " less than the best (" + task.status.best->price + ").";
}

// Why there is no second: "1 stopped early, 2 failed".
std::string NobodyText(const std::vector<ResultRow>& rows) {
  std::map<std::string, int> counts;
  for (const ResultRow& row : rows) {
    if (!row.best && !row.score && row.experiment->confirms.empty()) ++counts[NoScoreText(row)];
  }
  std::vector<std::string> parts;
  for (const auto& [reason, count] : counts) parts.push_back(std::to_string(count) + " " + reason);
  return parts.empty() ? "" : "No other experiment has a score: " + text::Joined(parts, ", ") + ".";
}

// What has no score, because it was stopped early: each by name where they are few.
std::string StoppedText(const std::vector<ResultRow>& rows) {
  constexpr std::size_t kMostByName = 2;
  std::vector<const ResultRow*> stopped;
  for (const ResultRow& row : rows) {
    if (row.cannot_win) stopped.push_back(&row);
  }
  if (stopped.size() > kMostByName) {
    return " " + std::to_string(stopped.size()) +
           " experiments were stopped as soon as they could no longer reach the best score; they have no score.";
  }
  std::string text;
  for (const ResultRow* row : stopped)
    text += " " + row->experiment->name + " was " + WhyNotBest(*row, nullptr) + "; it has no score.";
  return text;
}

}  // namespace

const ResultRow* RunnerUp(const std::vector<ResultRow>& rows) {
  const ResultRow* second = nullptr;
  for (const ResultRow& row : rows) {
    if (row.best || !row.score || row.cannot_win || !row.experiment->confirms.empty()) continue;
    if (second == nullptr || *row.score > *second->score) second = &row;
  }
  return second;
}

std::string RunnerUpText(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                         const quant::RuleSet& rules) {
  const auto best = std::find_if(rows.begin(), rows.end(), [](const ResultRow& row) { return row.best; });
  if (best == rows.end() || !best->score || *best->score == 0) return "";
  const ResultRow* second = RunnerUp(rows);
  const std::string cheaper = CheaperText(task, rows, *best);
  std::string faster = FasterText(task, rows, *best);
  if (!cheaper.empty()) faster += (faster.empty() ? "" : " ") + cheaper;
  const std::string separator = faster.empty() ? "" : " ";
  if (second == nullptr) return NobodyText(rows) + (NobodyText(rows).empty() ? "" : separator) + faster;
  const std::string start = IdentityOf(*second, *best) + ": " + DistanceWithInterval(task, *second, *best);
  std::string reason = second->tied ? TieText(task, *second, *best)
                                    : BoundText(task, *second, *ShownRow(rows), rules) + StoppedText(rows);
  if (const std::string estimate = EstimateText(task, *second); !estimate.empty()) reason += " " + estimate + ".";
  return start + reason + separator + faster;
}

}  // namespace autotune::report
