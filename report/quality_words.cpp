#include "report/quality_words.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "operator/reconcile/answer.h"
#include "operator/reconcile/track.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using text::Joined;
using text::Percent;

std::string Number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

bool IsUndecided(const ResultRow& row) { return row.gate == measurement::QualityGate::kUndecided && row.quality; }

std::string PassesText(const measurement::PassRateChange& passes) {
  std::string text = "passes " + Percent(passes.rate) + " (" + Percent(passes.low) + " to " + Percent(passes.high) +
                     "; baseline " + Percent(passes.baseline_rate) + "; lost " + std::to_string(passes.lost) +
                     ", gained " + std::to_string(passes.gained) + Number(", p = %.2g)", passes.p_value);
  if (passes.baseline_rate <= 0) text += ": the baseline passes none, so look at how answers are compared";
  return text;
}

// The baselines' perplexities, which all others are relative to.
std::string ReferencesText(const std::vector<ResultRow>& rows) {
  std::vector<std::string> references;
  for (const ResultRow& row : rows) {
    const std::string perplexity = row.experiment->baseline ? AbsolutePerplexity(*row.experiment) : "";
    if (!perplexity.empty()) references.push_back(perplexity + " (" + row.experiment->name + ")");
  }
  return references.empty() ? "" : ", which is " + Joined(references, ", ");
}

// What was not measured of which experiments: "the corpus: HTTP 400 (e1, e2)".
std::string MissingText(const std::vector<ResultRow>& rows) {
  std::map<std::string, std::vector<std::string>> missing;
  for (const ResultRow& row : rows) {
    for (const quant::Warning& warning : row.experiment->warnings) {
      const bool told =
          warning.reason == reconcile::kQualityNotMeasured || warning.reason == reconcile::kQualityPartlyMeasured;
      if (told) missing[warning.message].push_back(row.experiment->name);
    }
  }
  std::string text;
  for (const auto& [message, names] : missing) {
    text += " Not measured: " + message + " (" + Joined(names, ", ") + ").";
  }
  return text;
}

}  // namespace

std::string QualityOf(const ResultRow& row) {
  const api::ExperimentStatus& experiment = *row.experiment;
  const std::optional<measurement::QualityChange>& change = row.quality;
  if (!experiment.quality) return "";
  if (experiment.baseline) return "reference";
  if (!change) {
    const std::string own = AbsolutePerplexity(experiment);
    return own.empty() ? "" : "perplexity " + own + ", no baseline";
  }
  std::string text;
  if (change->nll) {
    text = "perplexity " + reconcile::GrowthText(*change, row.max_degradation);
    if (change->confidence > measurement::kOrdinaryConfidence) {
      text += " (" + api::FormatDecimal(change->confidence * 100, 1) + " % interval)";
    }
    if (change->per_byte) text += " per byte";
    if (change->cache == measurement::CacheUse::kPartly) text += " (KV cache partly read)";
  } else if (change->agreement) {
    text = "answers agree " + Percent(change->agreement->with_baseline, 0) + " (baseline with itself " +
           Percent(change->agreement->baseline_with_itself, 0) + ")";
    if (change->cache == measurement::CacheUse::kNotRead) text = "KV cache not read; " + text;
  }
  if (change->passes) text += (text.empty() ? "" : ", ") + PassesText(*change->passes);
  return text;
}

std::string AbsolutePerplexity(const api::ExperimentStatus& experiment) {
  if (!experiment.quality) return "";
  const auto mean = measurement::MeanNll(experiment.quality->measured);
  return mean ? Number("%.3f", std::exp(*mean)) : "";
}

std::string UndecidedOf(const ResultRow& row) {
  if (!IsUndecided(row) || !row.max_degradation) return "";
  return "quality " + reconcile::UndecidedText(*row.quality, *row.max_degradation);
}

std::string LostQualityOf(const ResultRow& row) {
  if (row.meets_quality) return "";
  if (const std::string undecided = UndecidedOf(row); !undecided.empty()) return undecided;
  if (row.quality && row.max_degradation) {
    return "exceeds maxDegradation of " + reconcile::LimitText(*row.max_degradation);
  }
  return LostQualityWords(row) + (row.experiment->quality && !row.quality ? ": no baseline to compare with" : "");
}

std::string LostQualityWords(const ResultRow& row) {
  if (IsUndecided(row)) return "quality undecided";
  return row.quality ? "exceeded maxDegradation" : "quality not known";
}

std::string QualityNote(const api::AutotuneTask& task, const std::vector<ResultRow>& rows) {
  const auto any = [&](const auto& is) { return std::any_of(rows.begin(), rows.end(), is); };
  const auto changed = [&](const auto& is) {
    return any([&](const ResultRow& row) { return row.quality && !row.experiment->baseline && is(*row.quality); });
  };
  std::string note;
  if (const auto& limit = task.spec.quality.max_degradation) {
    note +=
        " Allowed: " + reconcile::LimitText(*limit) + " more perplexity than the baseline (quality.maxDegradation).";
  }
  if (changed([](const measurement::QualityChange& change) { return change.nll.has_value(); })) {
    note += " Perplexity: its change relative to the baseline's" + ReferencesText(rows) +
            "; more is worse. \u00b1: half of the 95 % interval, unless another one is named.";
  }
  if (any([](const ResultRow& row) { return IsUndecided(row) && row.quality->nll; })) {
    note +=
        " Undecided: the interval contains the limit, so the measured value decides; a looser limit or the questions "
        "of "
        "quality.dataset tell more.";
  }
  if (any([](const ResultRow& row) { return IsUndecided(row) && !row.quality->nll; })) {
    note +=
        " Undecided: different answers do not show a loss, but the configuration cannot be the best; the questions of "
        "quality.dataset tell more.";
  }
  if (changed(
          [](const measurement::QualityChange& change) { return change.cache == measurement::CacheUse::kPartly; })) {
    note += " KV cache partly read: texts are left out for which the engine did not read it.";
  }
  if (changed(
          [](const measurement::QualityChange& change) { return change.cache == measurement::CacheUse::kNotRead; })) {
    note += " KV cache not read: no likelihood shows the effect of its type.";
  }
  if (changed([](const measurement::QualityChange& change) { return !change.nll && change.agreement; })) {
    note +=
        " Agree: how much of 32 greedy answers equals the baseline's; the baseline with itself: the same for its own "
        "answers, asked again.";
  }
  if (changed([](const measurement::QualityChange& change) { return change.passes.has_value(); })) {
    note +=
        " Passes: questions with a right answer, and the 95 % interval; lost, gained: questions that only the "
        "baseline, "
        "or only this configuration, passes; p: the probability of such a difference by chance.";
  }
  note += MissingText(rows);
  return note.empty() ? "" : note.substr(1);
}

bool IsInQualityNote(const quant::Warning& warning) {
  return warning.reason == reconcile::kQualityUndecided || warning.reason == reconcile::kQualityNotMeasured ||
         warning.reason == reconcile::kQualityPartlyMeasured;
}

}  // namespace autotune::report
