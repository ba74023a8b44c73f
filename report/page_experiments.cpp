#include <algorithm>
#include <cmath>
#include <map>

#include "base/clock.h"
#include "report/page_parts.h"
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
  const std::string title = ScoreText(data.task.spec.optimization.objective, *row.score);
  std::vector<StripPart> parts = {
      {row.best ? StripPart::Kind::kBestBar : StripPart::Kind::kBar, 0, score, NameOf(row) + ": " + title}};
  if (row.ci > 0) {
    parts.push_back({StripPart::Kind::kInterval, score - row.ci, score + row.ci,
                     title + " \u00b1 " + api::FormatDecimal(row.ci / score * 100, 1) + " %"});
  }
  if (baseline != nullptr) parts.push_back({StripPart::Kind::kReference, std::abs(*baseline->score), 0, "baseline"});
  return Strip(parts, 0, scale, title);
}

Markup NumberCell(const std::string& text) { return Element("td", {{"class", "n"}}, text); }

// Which columns have something to say.
struct Columns {
  bool runtime = false, gain = false, quality = false;
};
Columns ColumnsOf(const PageData& data) {
  Columns columns;
  for (const ResultRow& row : data.rows) {
    columns.runtime = columns.runtime || row.experiment->runtime != data.rows.front().experiment->runtime;
    columns.gain = columns.gain || !row.improvement.empty();
    columns.quality = columns.quality || !PerplexityOf(row).empty();
  }
  return columns;
}

Markup ExperimentsHead(const PageData& data, const Columns& columns) {
  const auto number = [](const std::string& title) { return Element("th", {{"class", "n"}}, title); };
  Markup head = Element("th", "Experiment");
  if (columns.runtime) head += Element("th", "Runtime");
  head += Element("th", "Settings") + number(ScoreUnit(data.task.spec.optimization.objective)) + Element("th", "");
  if (columns.gain) head += number("Vs baseline");
  head += Element("th", "Why not the best") + number("At load") + number("TTFT p99") + number("TPOT p50");
  if (columns.quality) head += number("Perplexity");
  return Element("thead", Element("tr", head));
}

Markup ExperimentRow(const PageData& data, const Columns& columns, std::size_t index, double scale,
                     const ResultRow* baseline) {
  const ResultRow& row = data.rows[index];
  const api::ExperimentStatus& experiment = *row.experiment;
  std::string load, ttft, tpot;
  if (row.load != nullptr) {
    load = row.load->load.ToString();
    ttft = LatencyText(*row.load, Metric::kTtft, Statistic::kP99);
    tpot = LatencyText(*row.load, Metric::kTpot, Statistic::kP50);
  }
  std::string settings = data.settings[index];
  if (experiment.gpus > 1) settings += "  (" + std::to_string(experiment.gpus) + " GPUs)";
  Markup cells = Element("td", {{"class", "name"}}, NameOf(row));
  if (columns.runtime) cells += Element("td", {{"class", "name"}}, experiment.runtime);
  cells += Element("td", {{"class", "mono"}}, settings) +
           NumberCell(row.score ? ScoreNumber(data.task.spec.optimization.objective, *row.score) : "") +
           Element("td", {{"class", "draw"}}, ScoreStrip(data, row, scale, baseline));
  if (columns.gain) cells += NumberCell(row.improvement);
  cells += Element("td", {{"class", "why"}}, text::Shortened(WhyNotBest(row, data.best), 400)) + NumberCell(load) +
           NumberCell(ttft) + NumberCell(tpot);
  if (columns.quality) cells += NumberCell(PerplexityOf(row));
  return Element("tr", {{"class", row.best ? "best" : ""}}, cells);
}

// A flag's value in an argument list, "(on)" for one without, by flag.
std::map<std::string, std::string> FlagsOf(const api::ExperimentStatus& experiment) {
  std::map<std::string, std::string> flags = {{"quantization preset", experiment.quant.name},
                                              {"runtime", experiment.runtime}};
  if (!experiment.model.empty()) flags["checkpoint"] = experiment.model;
  std::string flag;
  for (const std::string& word : experiment.args) {
    const bool is_flag = word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
    if (is_flag) {
      flag = word;
      flags[flag] = "(on)";
    } else if (!flag.empty()) {
      std::string& value = flags[flag];
      value = value == "(on)" ? word : value + " " + word;
    }
  }
  return flags;
}

// Values in the order of their numbers where all are numbers.
bool ValueBefore(const std::string& a, const std::string& b) {
  char *end_a = nullptr, *end_b = nullptr;
  const double x = std::strtod(a.c_str(), &end_a), y = std::strtod(b.c_str(), &end_b);
  const bool numbers = end_a != a.c_str() && *end_a == '\0' && end_b != b.c_str() && *end_b == '\0';
  return numbers ? x < y : a < b;
}

Markup EffectTable(const PageData& data, const std::string& flag,
                   const std::map<std::string, std::vector<const ResultRow*>>& values, double scale) {
  std::vector<std::string> order;
  for (const auto& [value, rows] : values) order.push_back(value);
  std::sort(order.begin(), order.end(), ValueBefore);
  Markup body;
  for (const std::string& value : order) {
    std::vector<StripPart> parts;
    const ResultRow* top = nullptr;
    for (const ResultRow* row : values.at(value)) {
      const std::string title = NameOf(*row) + ": " + ScoreText(data.task.spec.optimization.objective, *row->score);
      parts.push_back({StripPart::Kind::kTick, std::abs(*row->score), 0, title});
      if (top == nullptr || *row->score > *top->score) top = row;
    }
    parts.push_back(
        {StripPart::Kind::kBestTick, std::abs(*top->score), 0,
         "highest: " + NameOf(*top) + ", " + ScoreText(data.task.spec.optimization.objective, *top->score)});
    body += Element("tr", Element("td", {{"class", "name"}}, value) +
                              Element("td", {{"class", "draw wide"}}, Strip(parts, 0, scale, flag + " " + value)) +
                              NumberCell(ScoreText(data.task.spec.optimization.objective, *top->score)) +
                              NumberCell(std::to_string(values.at(value).size())));
  }
  const Markup head = Row({Text("Value"), Text("Scores"), Text("Best of them"), Text("Experiments")}, "th");
  return Element("figure", Element("figcaption", flag) + Scrolling(Element("table", head + body)));
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
  out += Paragraph("hint",
                   "Best first. Bar: the score. Line on it: the 95 % interval. Dashed line: the baseline. A "
                   "number of requests in brackets: too few for this percentile.");
  return Section("experiments", "Experiments", out);
}

Markup EffectsSection(const PageData& data) {
  // By flag and value; an experiment of an engine without the flag says nothing about it.
  std::map<std::string, std::map<std::string, std::vector<const ResultRow*>>> effects;
  std::map<std::string, std::vector<std::string>> runtimes;  // that have the flag
  std::vector<std::pair<const ResultRow*, std::map<std::string, std::string>>> flags;
  for (const ResultRow& row : data.rows) {
    flags.emplace_back(&row, FlagsOf(*row.experiment));
    for (const auto& [flag, value] : flags.back().second) runtimes[flag].push_back(row.experiment->runtime);
  }
  for (const auto& [flag, owners] : runtimes) {
    for (const auto& [row, own] : flags) {
      if (!row->score || std::find(owners.begin(), owners.end(), row->experiment->runtime) == owners.end()) continue;
      const auto value = own.find(flag);
      effects[flag][value == own.end() ? "(not set)" : value->second].push_back(row);
    }
  }
  const double scale = LargestScore(data);
  Markup figures;
  for (const auto& [flag, values] : effects) {
    if (values.size() > 1) figures += EffectTable(data, flag, values, scale);
  }
  if (figures.empty()) return {};
  return Section(
      "effects", "Effect of each parameter",
      Paragraph("hint",
                "Each tick is the score of one experiment with the value, the thick one the best score. Other "
                "settings differ too.") +
          Element("div", {{"class", "pair"}}, figures));
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
      words = Minutes(experiment.start_seconds) + " starting, " + Minutes(experiment.measure_seconds) + " measuring";
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
          Scrolling(Element("table", body)) + Paragraph("hint", "From " + started + ", " + Minutes(end) + " in all."));
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
                      key("key failed", "failed or retried " + cost.wasted)));
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
  for (const api::ModelSpec& model : task.spec.models) {
    const std::string of = model.name.empty() ? "" : " " + model.name;
    const checkpoint::ModelFacts* known = api::FactsOf(status, model.name);
    facts.emplace_back("Model" + of, model.id_or_path + (model.revision.empty() ? "" : " at " + model.revision));
    facts.emplace_back("Model's commit" + of, known == nullptr ? "" : known->commit);
  }
  facts.emplace_back("GPU", status.gpu_product);
  if (status.expanded_for) {
    for (const auto& [name, runtime] : status.expanded_for->runtimes)
      facts.emplace_back("Image of " + name, runtime.image);
  }
  if (data.best != nullptr) {
    facts.emplace_back("Best ran on", data.best->experiment->node + (data.best->experiment->node.empty() ? "" : ", ") +
                                          data.best->experiment->gpu_product);
    facts.emplace_back("Driver", data.best->experiment->driver);
    facts.emplace_back("Image as resolved", data.best->experiment->image_id);
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
