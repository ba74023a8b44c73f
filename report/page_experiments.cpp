#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/clock.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/parallelism.h"
#include "report/effects.h"
#include "report/page_parts.h"
#include "report/quality_words.h"
#include "report/strip.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using measurement::Metric;
using measurement::Statistic;

double LargestScore(const PageData& data) {
  double largest = 0;
  for (const ResultRow& row : data.rows) {
    if (row.score) largest = std::max(largest, std::abs(*row.score));
  }
  return largest > 0 ? largest * 1.1 : 1;
}

// What is deployed, else the first baseline.
const ResultRow* ShownBaseline(const PageData& data) {
  for (const ResultRow& row : data.rows) {
    if (row.experiment->deployed && row.score) return &row;
  }
  const auto found = std::find_if(data.rows.begin(), data.rows.end(),
                                  [](const ResultRow& row) { return row.experiment->baseline && row.score; });
  return found == data.rows.end() ? nullptr : &*found;
}

Markup ScoreStrip(const PageData& data, const ResultRow& row, double scale, const ResultRow* baseline) {
  if (!row.score) return {};
  const double score = std::abs(*row.score);
  const std::string title = ScoreText(ScoreKindOf(data.task), *row.score);
  std::vector<StripPart> parts = {
      {row.best ? StripPart::Kind::kBestBar : StripPart::Kind::kBar, 0, score, NameOf(row) + ": " + title}};
  if (row.ci > 0) {
    parts.push_back({StripPart::Kind::kInterval, score - row.ci, score + row.ci,
                     title + " \u00b1 " + api::FormatDecimal(row.ci / score * 100, 1) + " %"});
  }
  if (baseline != nullptr) parts.push_back({StripPart::Kind::kReference, std::abs(*baseline->score), 0, "baseline"});
  return Strip(parts, 0, scale, title);
}

// Words that a line does not end inside: browsers break "--max-num-seqs" after a hyphen.
Markup Unbroken(const std::string& words) {
  Markup out;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const std::string word = words.substr(at, end - at);
    if (at > 0) out += Text(" ");
    out += word.starts_with("--") && word.size() < 32 ? Element("span", {{"class", "flag"}}, word) : Text(word);
    at = end + 1;
  }
  return out;
}

Markup NumberCell(const std::string& text) { return Element("td", {{"class", "n"}}, text); }

// The score, or why there is none.
std::string ScoreCellText(const PageData& data, const ResultRow& row) {
  if (!row.score) return NoScoreText(row);
  return ScoreNumber(ScoreKindOf(data.task), *row.score) + (EstimateOf(row).empty() ? "" : " (estimate)");
}

std::string WhyCellText(const PageData& data, const ResultRow& row) {
  std::string text = text::Shortened(WhyNotBest(row, data.best), 400);
  if (row.starts > 1) {
    const std::string loads = row.best ? LoadsOfStarts(data.rows) : "";
    text +=
        "; the score is the mean of " + std::to_string(row.starts) + " starts" + (loads.empty() ? "" : ", at " + loads);
  }
  return text;
}

// Which columns have something to say.
struct Columns {
  bool runtime = false, gain = false, quality = false;
};
Columns ColumnsOf(const PageData& data) {
  Columns columns;
  for (const ResultRow& row : data.rows) {
    columns.runtime = columns.runtime || row.experiment->runtime != data.rows.front().experiment->runtime;
    columns.gain = columns.gain || !row.improvement.empty();
    columns.quality = columns.quality || !QualityOf(row).empty();
  }
  return columns;
}

Markup ExperimentsHead(const PageData& data, const Columns& columns) {
  const auto number = [](const std::string& title) { return Element("th", {{"class", "n"}}, title); };
  Markup head = Element("th", "Experiment");
  if (columns.runtime) head += Element("th", "Runtime");
  head += Element("th", "Settings") + number(ScoreUnit(ScoreKindOf(data.task))) + Element("th", "Score");
  if (columns.gain) head += number("Vs baseline");
  head +=
      Element("th", "Why not the best") + Element("th", "Load of the score") + number("TTFT p99") + number("TPOT p50");
  if (columns.quality) head += Element("th", "Quality vs baseline");
  return Element("thead", Element("tr", head));
}

Markup ExperimentRow(const PageData& data, const Columns& columns, std::size_t index, double scale,
                     const ResultRow* baseline) {
  const ResultRow& row = data.rows[index];
  const api::ExperimentStatus& experiment = *row.experiment;
  std::string load, ttft, tpot;
  if (row.load != nullptr) {
    load = row.load->load.ToString() + (row.score ? row.starts > 1 ? " (first start)" : "" : " (no score)");
    ttft = LatencyText(*row.load, Metric::kTtft, Statistic::kP99);
    tpot = LatencyText(*row.load, Metric::kTpot, Statistic::kP50);
  }
  std::string settings = experiment.confirms.empty() ? data.settings[index] : "as " + experiment.confirms;
  if (experiment.gpus > 1) settings += "  (" + std::to_string(experiment.gpus) + " GPUs)";
  Markup cells = Element("td", {{"class", "name"}}, NameOf(row));
  if (columns.runtime) cells += Element("td", {{"class", "name"}}, experiment.runtime);
  cells += Element("td", {{"class", "mono"}}, Unbroken(settings)) + NumberCell(ScoreCellText(data, row)) +
           Element("td", {{"class", "draw"}}, ScoreStrip(data, row, scale, baseline));
  if (columns.gain) cells += NumberCell(ImprovementText(data.task, row));
  cells += Element("td", {{"class", "why"}}, WhyCellText(data, row)) + Element("td", load) + NumberCell(ttft) +
           NumberCell(tpot);
  if (columns.quality) cells += Element("td", QualityOf(row));
  return Element("tr", {{"class", row.best ? "best" : ""}}, cells);
}

// One parameter: a row per value, drawn as the change from the best configuration's value.
Markup EffectTable(const PageData& data, const ParameterEffect& parameter, double low, double high) {
  Markup body;
  for (const ValueEffect& value : parameter.values) {
    const bool best = value.value == parameter.best;
    std::string words = best ? "the best configuration's" : NoEffectText(value, parameter, Direction::kFromBest);
    std::vector<StripPart> parts;
    if (value.from_best) {
      words = EvidenceText(*value.from_best);
      parts.push_back({StripPart::Kind::kReference, 0, 0, "the best configuration's value"});
      if (value.from_best->has_interval()) {
        parts.push_back({StripPart::Kind::kInterval, value.from_best->low, value.from_best->high, words});
      }
      for (const double pair : value.from_best->pairs) {
        parts.push_back({StripPart::Kind::kTick, pair, 0,
                         "one pair: " + reconcile::GainWords(pair, value.from_best->less_is_better)});
      }
      parts.push_back({StripPart::Kind::kBestTick, value.from_best->change, 0, words});
    } else if (best) {
      parts.push_back({StripPart::Kind::kReference, 0, 0, "the best configuration's value"});
    }
    std::string top;
    if (!value.scored.empty()) {
      top = ScoreNumber(ScoreKindOf(data.task), *value.scored.front()->score) + " (" +
            value.scored.front()->experiment->name + ")";
    }
    const std::size_t with = value.scored.size() + value.unscored.size();
    std::string count = std::to_string(value.scored.size());
    if (with > value.scored.size()) count += " of " + std::to_string(with);
    body += Element("tr", {{"class", best ? "best" : ""}},
                    Element("td", {{"class", "name"}}, value.shown) +
                        Element("td", {{"class", "draw half"}}, Strip(parts, low, high, words)) + Element("td", words) +
                        NumberCell(top) + NumberCell(count));
  }
  const auto number = [](const char* title) { return Element("th", {{"class", "n"}}, title); };
  const Markup head =
      Element("tr", Element("th", "Value") + Element("th", "") + Element("th", "Change from the best's value") +
                        number("Best score") + number("Scored"));
  return Element("figure", Element("figcaption", parameter.parameter) + Scrolling(Element("table", head + body)));
}

// Parameters of the task that no two experiments have with different values: nothing was measured of them.
Markup UnmeasuredParameters(const PageData& data, const std::vector<ParameterEffect>& effects) {
  Markup items;
  for (const auto& [name, values] : data.task.spec.parameters) {
    const bool measured = std::ranges::find(effects, name, &ParameterEffect::parameter) != effects.end();
    if (values.size() < 2 || measured || data.best == nullptr) continue;
    std::vector<std::string> words;
    for (const quant::FlagValue& value : values) words.push_back(value.ToString());
    items += Element("li", name + ": no experiments with different values; the task has " + text::Joined(words, ", ") +
                               " (see the candidates that did not run)");
  }
  return items.empty() ? items : Element("h3", "Not measured") + Element("ul", items);
}

// Notes on the presets, each once with the experiments that it is of.
Markup NotesMarkup(const PageData& data) {
  std::map<std::string, std::vector<std::string>> notes;
  for (const ResultRow& row : data.rows) {
    for (const quant::Warning& warning : row.experiment->warnings) {
      if (IsOfAnotherModel(*row.experiment, warning) || IsInQualityNote(warning)) continue;
      notes[warning.field + ": " + warning.message].push_back(row.experiment->name);
    }
  }
  Markup items;
  for (const auto& [note, names] : notes) items += Element("li", note + " (" + text::Joined(names, ", ") + ")");
  return items.empty() ? items : Element("h3", "Notes") + Element("ul", items);
}

// How a percentile of too few requests reads, where there is one.
std::string BracketsHint(const PageData& data) {
  const auto few = [](const ResultRow& row) {
    return row.load != nullptr &&
           (LatencyText(*row.load, Metric::kTtft, Statistic::kP99).find(" requests)") != std::string::npos ||
            LatencyText(*row.load, Metric::kTpot, Statistic::kP50).find(" requests)") != std::string::npos);
  };
  return std::any_of(data.rows.begin(), data.rows.end(), few)
             ? "A number of requests in brackets: too few for this percentile. "
             : "";
}

std::string Minutes(double seconds) { return text::Elapsed(seconds); }

}  // namespace

Markup ExperimentsSection(const PageData& data) {
  if (data.rows.empty()) return {};
  const double scale = LargestScore(data);
  const ResultRow* baseline = ShownBaseline(data);
  const Columns columns = ColumnsOf(data);
  Markup body;
  for (const std::size_t index : data.order) body += ExperimentRow(data, columns, index, scale, baseline);
  Markup out = Scrolling(Element("table", ExperimentsHead(data, columns) + Element("tbody", body)));
  if (!data.common.empty()) out += Paragraph("hint", "All have: " + text::Joined(data.common, " "));
  out += Paragraph("hint", "Best first. Bar: the score. Line on it: the 95 % interval. Dashed line: the baseline. " +
                               BracketsHint(data) + ScoreRuleText(data.task));
  if (const std::string note = QualityNote(data.task, data.rows); !note.empty())
    out += Paragraph("hint", "Quality: " + note);
  return Section("experiments", "Experiments", out + NotesMarkup(data));
}

Markup EffectsSection(const PageData& data) {
  const std::vector<ParameterEffect> effects = EffectsOf(data.task, data.rows, data.rules);
  double low = 0, high = 0;
  for (const ParameterEffect& parameter : effects) {
    for (const ValueEffect& value : parameter.values) {
      if (!value.from_best) continue;
      low = std::min({low, value.from_best->low, value.from_best->pairs.front()});
      high = std::max({high, value.from_best->high, value.from_best->pairs.back()});
    }
  }
  // Beyond twice as good or as bad nothing more is told apart.
  low = std::max(low, -1.0) - 0.02;
  high = std::min(high, 1.0) + 0.02;
  Markup figures;
  for (const ParameterEffect& parameter : effects) figures += EffectTable(data, parameter, low, high);
  const Markup unmeasured = UnmeasuredParameters(data, effects);
  if (figures.empty()) return {};
  return Section(
      "effects", "Effect of each parameter",
      Paragraph(
          "hint",
          "Change of the score from the best configuration's value to another one, measured in pairs of "
          "experiments that differ in this parameter alone: the thin ticks are the pairs, the thick one "
          "their mean, the line its 95 % interval. Left of the dashed line is worse than the best's value. "
          "Without such a pair there is no number; the text has the nearest pair, which differs in other parameters, "
          "too.") +
          Element("div", {{"class", "pair"}}, figures) + unmeasured);
}

// "7 loads".
std::string LoadsText(const api::ExperimentStatus& experiment) {
  if (experiment.truncated) return "(the status does not have all of its loads)";
  return std::to_string(experiment.loads.size()) + (experiment.loads.size() == 1 ? " load" : " loads");
}

// Why measuring takes longer than one load, and why bars overlap.
std::string TimelineHint(const api::AutotuneTask& task) {
  std::string text = "Measuring is the warm-up, every load with the time until its requests have ended (at most " +
                     api::FormatDuration(task.spec.benchmark.duration) + " of measurement each)";
  text += task.spec.quality.measure ? ", and the quality." : ".";
  const int parallelism = reconcile::ParallelismOf(task.spec, task.status);
  if (parallelism > 1) {
    text += " Up to " + std::to_string(parallelism) + " experiments ran at a time, each on GPUs of its own (" +
            (task.spec.parallelism ? "spec.parallelism" : "chosen by the search") + ").";
  }
  return text;
}

// The ends of the time that the bars span.
Markup TimeAxis(double end) {
  const Markup ends = Element("div", {{"class", "ends"}}, Element("span", "0s") + Element("span", Minutes(end)));
  return Element("tr", Element("td", "") + Element("td", {{"class", "dim"}}, ends) + Element("td", ""));
}

Markup TimelineSection(const PageData& data) {
  const std::string& started = data.task.status.started_at;
  if (started.empty()) return {};
  const auto since = [&](const std::string& time) {
    return std::chrono::duration<double>(base::ParseRfc3339(time) - base::ParseRfc3339(started)).count();
  };
  double end = 1;
  std::vector<const ResultRow*> rows;
  for (const ResultRow& row : data.rows) {
    if (row.experiment->started_at.empty() || row.experiment->finished_at.empty()) continue;
    rows.push_back(&row);
    end = std::max(end, since(row.experiment->finished_at));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ResultRow* a, const ResultRow* b) {
    return a->experiment->started_at < b->experiment->started_at;
  });
  Markup body;
  for (const ResultRow* row : rows) {
    const api::ExperimentStatus& experiment = *row->experiment;
    const double from = since(experiment.started_at), to = since(experiment.finished_at);
    std::vector<StripPart> parts;
    std::string words;
    if (experiment.state == api::ExperimentState::kFailed) {
      words = "failed after " + Minutes(to - from);
      parts.push_back({StripPart::Kind::kFailed, from, to, experiment.reason});
    } else {
      const double measured_from = std::min(to, from + experiment.start_seconds);
      words = Minutes(experiment.start_seconds) + " starting, " + Minutes(experiment.measure_seconds) + " measuring " +
              LoadsText(experiment);
      parts.push_back({StripPart::Kind::kStart, from, measured_from, "starting"});
      parts.push_back({StripPart::Kind::kMeasure, measured_from, to, "measuring"});
    }
    body += Element("tr", Element("td", {{"class", "name"}}, NameOf(*row)) +
                              Element("td", {{"class", "draw wide"}}, Strip(parts, 0, end, words)) +
                              Element("td", {{"class", "name"}}, words));
  }
  if (body.empty()) return {};
  const auto key = [](const char* style, const char* name) {
    return Element("li", Element("span", {{"class", style}}, Markup()) + Text(name));
  };
  return Section(
      "timeline", "Timeline",
      Element("ul", {{"class", "legend"}},
              key("key start", "starting the engine") + key("key measure", "measuring") + key("key failed", "failed")) +
          Scrolling(Element("table", body + TimeAxis(end))) +
          Paragraph("hint", "From " + started + ", " + Minutes(end) + " in all. " + TimelineHint(data.task)));
}

Markup CostSection(const PageData& data) {
  const api::TaskStatus::Cost& cost = data.task.status.cost;
  const auto hours = [](const std::string& text) { return std::strtod(text.c_str(), nullptr); };
  const double start = hours(cost.start), measure = hours(cost.measure), wasted = hours(cost.wasted);
  const double total = start + measure + wasted;
  if (total <= 0) return {};
  const Markup strip = Strip({{StripPart::Kind::kStart, 0, start, "starting: " + cost.start + " GPU-hours"},
                              {StripPart::Kind::kMeasure, start, start + measure, "measuring: " + cost.measure},
                              {StripPart::Kind::kFailed, start + measure, total, "wasted: " + cost.wasted}},
                             0, total, CostText(cost));
  const auto key = [](const char* style, const std::string& name) {
    return Element("li", Element("span", {{"class", style}}, Markup()) + Text(name));
  };
  return Section(
      "cost", "Cost",
      Paragraph("", CostText(cost)) + strip +
          Element("ul", {{"class", "legend"}},
                  key("key start", "starting " + cost.start) + key("key measure", "measuring " + cost.measure) +
                      key("key failed", "wasted: failed or retried " + cost.wasted)));
}

Markup AbsentSection(const PageData& data) {
  Markup out;
  Markup items;
  for (const std::string& line : NotAmongExperiments(data.task)) items += Element("li", line);
  if (!items.empty()) out += Element("h3", "Without an experiment") + Element("ul", items);
  Markup failures;
  for (const ResultRow& row : data.rows) {
    const api::ExperimentStatus& experiment = *row.experiment;
    if (experiment.state != api::ExperimentState::kFailed) continue;
    failures += Element("h3", NameOf(row) + " failed: " + experiment.reason) + Element("pre", experiment.message);
  }
  for (const quant::Warning& warning : data.task.status.warnings) {
    failures += Paragraph("note", warning.field + ": " + warning.message);
  }
  return Section("absent", "Pruned, failed and not run", out + failures);
}

Markup ProvenanceSection(const PageData& data) {
  const api::AutotuneTask& task = data.task;
  const api::TaskStatus& status = task.status;
  std::vector<std::pair<std::string, std::string>> facts = {
      {"Task", (task.metadata.ns.empty() ? "" : task.metadata.ns + "/") + task.metadata.name +
                   (task.metadata.generation > 0 ? ", generation " + std::to_string(task.metadata.generation) : "")},
  };
  const bool local = api::IsLocal(task.metadata);
  facts.emplace_back("Task's uid", local ? "" : task.metadata.uid);
  facts.emplace_back("Ran in", local && !task.metadata.uid.empty() ? "local mode (autotune run)" : "");
  for (const api::ModelSpec& model : task.spec.models) {
    const std::string of = model.name.empty() ? "" : " " + model.name;
    const checkpoint::ModelFacts* known = api::FactsOf(status, model.name);
    facts.emplace_back("Model" + of, model.id_or_path + (model.revision.empty() ? "" : " at " + model.revision));
    facts.emplace_back("Model's commit" + of, known == nullptr ? "" : known->commit);
  }
  const bool simulated = IsSimulated(status);
  facts.emplace_back("Engine", simulated ? kSimulatedNote : "");
  for (const std::string& gpu : GpuTexts(task)) facts.emplace_back("GPU", gpu + (simulated ? " (simulated)" : ""));
  if (status.expanded_for) {
    for (const auto& [name, runtime] : status.expanded_for->runtimes)
      facts.emplace_back("Image of " + name, runtime.image);
  }
  if (data.best != nullptr) {
    facts.emplace_back("Best ran on", data.best->experiment->node + (data.best->experiment->node.empty() ? "" : ", ") +
                                          data.best->experiment->gpu_product +
                                          (data.best->experiment->simulated ? " (simulated)" : ""));
    facts.emplace_back("Driver", data.best->experiment->driver);
    const std::string& resolved = data.best->experiment->image_id;  // without a digest it is the name again
    facts.emplace_back("Image as resolved", resolved.find("@sha256:") == std::string::npos ? "" : resolved);
    facts.emplace_back("Engine's version", data.best->experiment->engine_version);
    facts.emplace_back("Best's hash", data.best->experiment->hash);
  }
  facts.emplace_back("Measured", MeasuredText(task));
  facts.emplace_back("Search", (status.search ? status.search->message + "; " : "") + "seed " +
                                   std::to_string(task.spec.optimization.seed));
  facts.emplace_back("Started", status.started_at);
  facts.emplace_back("Finished", status.finished_at);
  facts.emplace_back("Rules", status.rules_version.empty() ? data.rules.version() : status.rules_version);
  facts.emplace_back("Written by", "autotune " AUTOTUNE_VERSION);
  return Section("provenance", "Provenance", Facts(facts));
}

}  // namespace autotune::report
