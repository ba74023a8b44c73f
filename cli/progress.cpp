#include "cli/progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/parallelism.h"
#include "operator/reconcile/track.h"
#include "operator/reconcile/verdict.h"
#include "report/quality_words.h"
#include "report/result_view.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using api::ExperimentState;
using report::BestExperiment;
using report::CandidatesText;
using report::ModelText;
using report::ResultRow;
using report::ResultRows;
using report::ScoreKindOf;
using report::ScoreText;
using text::CompareArguments;
using text::Elapsed;
using text::Joined;
using text::Shortened;
using text::TokensPerSecond;

// Without a terminal: longer, and a reader takes it for a hang.
constexpr std::chrono::seconds kLongestSilence{30};

// Names line up: "e7-3fa2c1" is nine characters, "e12-3fa2c1" ten.
std::string Padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string Event(const std::string& name, const std::string& what, const std::string& text) {
  return Padded(name, 11) + Padded(what, 11) + text;
}

const api::ExperimentStatus* Find(const api::TaskStatus& status, const std::string& name) {
  const auto found = std::find_if(status.experiments.begin(), status.experiments.end(),
                                  [&](const api::ExperimentStatus& experiment) { return experiment.name == name; });
  return found == status.experiments.end() ? nullptr : &*found;
}

std::string Identity(const api::TaskStatus& status, const api::ExperimentStatus& experiment) {
  std::vector<std::vector<std::string>> arguments;
  std::size_t self = 0;
  for (const api::ExperimentStatus& other : status.experiments) {
    if (&other == &experiment) self = arguments.size();
    arguments.push_back(other.args);
  }
  const bool several = std::any_of(status.experiments.begin(), status.experiments.end(),
                                   [&](const auto& other) { return other.runtime != experiment.runtime; });
  std::string text = several ? experiment.runtime + " " : "";
  text += api::ConfigurationName(experiment);
  if (const std::string role = report::RoleText(experiment); !role.empty()) text += " (" + role + ")";
  const std::string own = Joined(CompareArguments(arguments).own[self], " ");
  if (!own.empty()) text += "  " + own;
  return text;
}

// ", TTFT p50 61.0 ms p99 310 ms, TPOT p50 7.2 ms", and what the SLO bounds besides.
std::string LatenciesText(const api::AutotuneTask& task, const measurement::Point& load) {
  using measurement::Metric;
  using measurement::Statistic;
  std::string text;
  std::optional<Metric> last;
  for (const report::LatencyColumn& column : report::LatencyColumns(
           {{Metric::kTtft, Statistic::kP50}, {Metric::kTtft, Statistic::kP99}, {Metric::kTpot, Statistic::kP50}},
           experiment::SloOf(task.spec.slo))) {
    const std::string value = report::LatencyText(load, column.metric, column.statistic);
    if (value.empty()) continue;
    if (last != column.metric) text += ", " + report::MetricTitle(column.metric);
    last = column.metric;
    text += " " + std::string(measurement::StatisticName(column.statistic)) + " " + value;
  }
  return text;
}

std::string Finished(const api::AutotuneTask& task, const api::ExperimentStatus& experiment) {
  for (const ResultRow& row : ResultRows(task)) {
    if (row.experiment != &experiment) continue;
    if (row.load == nullptr) return "no usable measurement";
    const measurement::Point& load = *row.load;
    std::string text = TokensPerSecond(load.output_tokens_per_second / std::max(experiment.gpus, 1)) +
                       " tok/s per GPU at " + load.load.ToString() + LatenciesText(task, load);
    if (!row.improvement.empty()) text += "  (" + report::ImprovementText(task, row) + ")";
    if (row.cannot_win) {
      text += "  stopped early: cannot be the best";
    } else if (!row.meets_quality) {
      text += "  " + report::LostQualityOf(row);
    } else if (!row.score) {
      text += "  " + report::MissedText(row);
    } else if (const std::string undecided = report::UndecidedOf(row); !undecided.empty()) {
      text += "  " + undecided;
    }
    if (const std::string estimate = report::EstimateOf(row); !estimate.empty()) text += "  " + estimate;
    return text;
  }
  return "";
}

void ExperimentLines(const api::TaskStatus& before, const api::AutotuneTask& now, std::vector<std::string>& lines) {
  for (const api::ExperimentStatus& experiment : now.status.experiments) {
    const api::ExperimentStatus* old = Find(before, experiment.name);
    const ExperimentState was = old == nullptr ? ExperimentState::kPending : old->state;
    const bool retried = experiment.state == ExperimentState::kPending && !experiment.retry_at.empty() &&
                         (old == nullptr || old->retry_at != experiment.retry_at);
    if (retried) {
      lines.push_back(Event(experiment.name, "retry", "after " + experiment.reason + ": " + experiment.message));
    }
    if (experiment.state == was) continue;
    switch (experiment.state) {
      case ExperimentState::kPending:
        break;
      case ExperimentState::kStarting:
        lines.push_back(Event(experiment.name, "starting", Identity(now.status, experiment)));
        break;
      case ExperimentState::kMeasuring:
        lines.push_back(Event(experiment.name, "measuring", "the benchmark has started"));
        break;
      case ExperimentState::kSucceeded:
        lines.push_back(Event(experiment.name, "done", Finished(now, experiment)));
        break;
      case ExperimentState::kFailed:
        lines.push_back(Event(experiment.name, "FAILED", experiment.reason + ": " + experiment.message));
        break;
    }
  }
}

std::string WaitingMessage(const api::TaskStatus& status) {
  const api::Condition* condition = api::FindCondition(status.conditions, "Reconciling");
  return condition != nullptr && condition->reason == "WaitingForResources" ? condition->message : "";
}

std::string Bar(std::size_t done, std::size_t all) {
  constexpr std::size_t kCells = 24;
  const std::size_t filled = all == 0 ? 0 : std::min(done * kCells / all, kCells);
  return "[" + std::string(filled, '#') + std::string(kCells - filled, '.') + "]";
}

std::size_t FinishedCount(const api::TaskStatus& status) {
  return static_cast<std::size_t>(
      std::count_if(status.experiments.begin(), status.experiments.end(), reconcile::IsFinished));
}

// An adaptive search appends experiments as it goes: "5-9" are expected. Others know all of theirs.
std::string ExpectedText(const api::TaskStatus& status) {
  if (status.estimate && !status.estimate->experiments.empty()) return status.estimate->experiments;
  return std::to_string(status.experiments.size());
}

std::size_t ExpectedExperiments(const api::TaskStatus& status) {
  const std::string text = ExpectedText(status);
  const std::size_t dash = text.find('-');
  const auto most = std::strtoul(text.c_str() + (dash == std::string::npos ? 0 : dash + 1), nullptr, 10);
  return std::max<std::size_t>(most, status.experiments.size());
}

double SecondsBetween(const std::string& from, base::WallTime to) {
  return std::chrono::duration<double>(to - base::ParseRfc3339(from)).count();
}

// By what the finished ones took.
std::optional<TimeLeft> LeftByTheMean(const api::AutotuneTask& task, base::WallTime time) {
  double taken = 0, left = 0;
  std::size_t counted = 0, pending = 0;
  for (const api::ExperimentStatus& experiment : task.status.experiments) {
    if (!reconcile::IsFinished(experiment) || experiment.started_at.empty() || experiment.finished_at.empty()) continue;
    taken += SecondsBetween(experiment.started_at, base::ParseRfc3339(experiment.finished_at));
    ++counted;
  }
  if (counted == 0) return std::nullopt;
  const double mean = taken / static_cast<double>(counted);
  double longest = 0;
  for (const api::ExperimentStatus& experiment : task.status.experiments) {
    if (reconcile::IsFinished(experiment)) continue;
    if (experiment.state == ExperimentState::kPending || experiment.started_at.empty()) {
      ++pending;
      continue;
    }
    const double rest = std::max(mean - SecondsBetween(experiment.started_at, time), 0.0);
    left += rest;
    longest = std::max(longest, rest);
  }
  left += mean * static_cast<double>(pending);
  return TimeLeft{std::max(left / std::max(reconcile::ParallelismOf(task.spec, task.status), 1), longest), false};
}

}  // namespace

std::optional<TimeLeft> TimeLeftOf(const api::AutotuneTask& task, base::WallTime time) {
  const bool goes_on = task.status.state == "Searching" || task.status.state == "Confirming";
  if (!goes_on || task.status.experiments.empty()) return std::nullopt;
  if (task.status.estimate && !task.status.estimate->finish_at.empty()) {
    return TimeLeft{std::max(-SecondsBetween(task.status.estimate->finish_at, time), 0.0), true};
  }
  return LeftByTheMean(task, time);
}

std::string HowFar(const api::AutotuneTask& task, base::WallTime started, base::WallTime time) {
  const api::TaskStatus& status = task.status;
  const base::WallTime from = status.started_at.empty() ? started : base::ParseRfc3339(status.started_at);
  const base::WallTime until = status.finished_at.empty() ? time : base::ParseRfc3339(status.finished_at);
  const double passed = std::chrono::duration<double>(until - from).count();
  std::string text = Elapsed(std::max(passed, 0.0));
  if (!status.experiments.empty()) {
    text = std::to_string(FinishedCount(status)) + " of " + ExpectedText(status) + " experiments, " + text;
  }
  if (const auto left = TimeLeftOf(task, time)) {
    text += left->seconds < 1 ? ", about to end"
                              : (left->at_most ? ", at most " : ", about ") + Elapsed(left->seconds) + " left";
  }
  if (std::strtod(status.cost.gpu_hours.c_str(), nullptr) > 0) text += ", " + status.cost.gpu_hours + " GPU-hours";
  return text;
}

std::string LeaderText(const api::AutotuneTask& task) {
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best == nullptr) return "";
  std::string text = "best so far: " + best->name + " " + api::ConfigurationName(*best) + " " +
                     ScoreText(ScoreKindOf(task), std::strtod(task.status.best->score.c_str(), nullptr));
  const std::string& improvement = task.status.best->improvement_over_baseline;
  if (best != api::ComparedWith(task.status.experiments, best->runtime) && !improvement.empty())
    text += " (" + reconcile::GainWords(improvement, reconcile::LessIsBetter(task.spec.optimization.objective)) + ")";
  return text;
}

std::string StillText(const api::AutotuneTask& task, base::WallTime started, base::WallTime time) {
  std::string running;
  for (const api::ExperimentStatus& experiment : task.status.experiments) {
    if (experiment.state != ExperimentState::kStarting && experiment.state != ExperimentState::kMeasuring) continue;
    running += (running.empty() ? "" : ", ") + experiment.name +
               (experiment.state == ExperimentState::kStarting ? " starting" : " measuring");
    if (!experiment.started_at.empty()) running += " " + Elapsed(SecondsBetween(experiment.started_at, time));
  }
  if (running.empty()) running = report::StatusMessage(task.status);
  if (running.empty()) running = task.status.state.empty() ? "not seen by the operator yet" : task.status.state;
  return "still: " + running + "; " + HowFar(task, started, time);
}

std::vector<std::string> ProgressLines(const api::TaskStatus& before, const api::AutotuneTask& now) {
  std::vector<std::string> lines;
  const api::TaskStatus& status = now.status;
  if (status.state == "Inspecting" && before.state != "Inspecting") {
    for (const api::ModelSpec& model : now.spec.models)
      lines.push_back("Reading the configuration of " + model.id_or_path);
  }
  for (const api::ModelStatus& model : status.models) {
    const checkpoint::ModelFacts* known = api::FactsOf(before, model.name);
    if (!model.facts || (known != nullptr && *known == *model.facts)) continue;
    lines.push_back((model.name.empty() ? "Model: " : "Checkpoint " + model.name + ": ") + ModelText(*model.facts));
  }
  if (!status.experiments.empty() && before.experiments.empty()) {
    lines.push_back(CandidatesText(now));
    for (const api::PrunedReason& pruned : status.pruned_reasons) {
      lines.push_back("Pruned " + std::to_string(pruned.count) + ": " + pruned.reason + ", " + pruned.example);
    }
    if (const std::string most = report::MostPrunedText(now); !most.empty()) lines.push_back("Warning: " + most);
    for (const quant::Warning& warning : status.warnings)
      lines.push_back("Warning: " + warning.field + ": " + warning.message);
    if (status.estimate && !status.estimate->gpu_hours.empty()) {
      lines.push_back("Estimate: " + status.estimate->experiments + " experiments, " + status.estimate->gpu_hours +
                      " GPU-hours, in " + status.estimate->duration);
    }
  }
  ExperimentLines(before, now, lines);
  if (const std::string waiting = WaitingMessage(status); !waiting.empty() && waiting != WaitingMessage(before)) {
    lines.push_back("Waiting: " + waiting);
  }
  return lines;
}

std::vector<std::string> LiveLines(const api::AutotuneTask& now, base::WallTime started, base::WallTime time,
                                   std::size_t width) {
  std::vector<std::string> lines;
  const std::size_t done = FinishedCount(now.status);
  for (const api::ExperimentStatus& experiment : now.status.experiments) {
    switch (experiment.state) {
      case ExperimentState::kPending:
      case ExperimentState::kSucceeded:
      case ExperimentState::kFailed:
        break;
      case ExperimentState::kStarting:
      case ExperimentState::kMeasuring: {
        const std::string what = experiment.state == ExperimentState::kStarting ? "starting" : "measuring";
        std::string line = "  " + Padded(experiment.name, 11) + Padded(what, 11);
        if (!experiment.started_at.empty()) {
          const auto running = time - base::ParseRfc3339(experiment.started_at);
          line += Padded(Elapsed(std::chrono::duration<double>(running).count()), 8);
        }
        lines.push_back(Shortened(line + Identity(now.status, experiment), width));
        break;
      }
    }
  }
  if (const std::string waiting = WaitingMessage(now.status); !waiting.empty()) {
    lines.push_back(Shortened("  waiting: " + waiting, width));
  }
  lines.push_back(
      Shortened("  " + Bar(done, ExpectedExperiments(now.status)) + " " + HowFar(now, started, time), width));
  if (const std::string leader = LeaderText(now); !leader.empty()) lines.push_back(Shortened("  " + leader, width));
  return lines;
}

ProgressView::ProgressView(std::FILE* out, bool terminal, std::size_t width, base::Clock& clock)
    : out_(out), terminal_(terminal), width_(width), clock_(clock), started_(clock.Wall()), printed_(started_) {}

ProgressView::~ProgressView() { Finish(); }

void ProgressView::Finish() {
  const base::MutexLock lock(mutex_);
  Clear();
  live_ = false;
  std::fflush(out_);
}

void ProgressView::Clear() {
  for (; drawn_ > 0; --drawn_) std::fputs("\x1b[1A\x1b[2K", out_);  // up one line, erase it
}

void ProgressView::Print(const std::vector<std::string>& lines) {
  const std::string time = base::FormatRfc3339(clock_.Wall()).substr(11, 8);
  if (!lines.empty()) printed_ = clock_.Wall();
  for (const std::string& line : lines) {
    // A long cause is worth its lines in a log; on a terminal it would break the drawing below only if it were not
    // followed by a line feed, so it is kept whole there too.
    std::fprintf(out_, "%s  %s\n", time.c_str(),
                 Shortened(line, terminal_ ? std::max<std::size_t>(width_ * 2, 80) : 1000).c_str());
  }
}

void ProgressView::Draw() {
  if (!terminal_ || !live_ || last_.status.experiments.empty()) return;
  const std::vector<std::string> lines = LiveLines(last_, started_, clock_.Wall(), width_ > 1 ? width_ - 1 : width_);
  for (const std::string& line : lines) std::fprintf(out_, "%s\n", line.c_str());
  drawn_ = lines.size();
}

void ProgressView::Show(const api::AutotuneTask& task) {
  const base::MutexLock lock(mutex_);
  Clear();
  Print(ProgressLines(last_.status, task));
  // Where nothing can be drawn, a line after each experiment says what the live ones would.
  if (!terminal_ && FinishedCount(task.status) > FinishedCount(last_.status)) {
    const std::string leader = LeaderText(task);
    Print({HowFar(task, started_, clock_.Wall()) + (leader.empty() ? "" : "; " + leader)});
  }
  last_ = task;
  live_ = true;
  Draw();
  std::fflush(out_);
}

void ProgressView::Tick() {
  const base::MutexLock lock(mutex_);
  if (!terminal_) {
    const bool goes_on = live_ && !reconcile::IsOver(last_.status.state);
    if (goes_on && clock_.Wall() - printed_ >= kLongestSilence) Print({StillText(last_, started_, clock_.Wall())});
    std::fflush(out_);
    return;
  }
  Clear();
  Draw();
  std::fflush(out_);
}

void ProgressView::Say(const std::string& line) {
  const base::MutexLock lock(mutex_);
  Clear();
  Print({line});
  Draw();
  std::fflush(out_);
}

}  // namespace autotune::cli
