// Comparison of finished tasks: their best configurations, and the configurations that several of them measured. Pure.
//
// The others are compared with the first task, such as the one in production, or of the last release. Tasks are
// comparable if workload, loads, SLO and objective are equal; the model, the engine, the GPU and the candidates may
// differ.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/slo.h"
#include "operator/api/autotune_task.h"
#include "report/result_view.h"
#include "text/table.h"

namespace autotune::report {

// Relative improvement of a score over another one: 0.08 = 8 % more throughput, or 8 % less latency.
struct ScoreChange {
  double better = 0;
  double ci = 0;  // half-width of the 95 % interval, a share as well; 0 = not known
  // The interval does not contain 0. False where an interval is not known.
  bool told_apart = false;
};

struct ComparedTask {
  std::string name;  // of the task; with its namespace where names repeat
  std::string model, gpu_product, runtime_image;
  std::string experiment, quant_name;  // of the best; api::ConfigurationName
  std::vector<std::string> args;       // tuned arguments of the best
  std::string options;                 // options file of the best
  double score = 0, ci = 0;            // of the best, as status.best says: higher is better, always
  tuning::ScoreBasis basis = tuning::ScoreBasis::kLoad;
  std::optional<ScoreChange> change;  // over the first task; nullopt for the first
  std::string request_rate;           // requests/s that the best sustains; "" = not known
  std::string price;                  // per million output tokens; "" = no price is known
  std::string price_per_hour;         // of a GPU, that `price` is made with; "" = no price is known
  std::string gpu_hours;              // that the search took
  int gpus = 1;                       // of the best
  std::vector<api::LoadRow> loads;    // of the best
};

// A configuration that at least two of the tasks measured: same runtime's name, quantization, arguments and options.
// If a task has several checkpoints: the same checkpoint and revision, whatever its name; the same for types of GPU.
struct ComparedConfiguration {
  std::string runtime, quant_name;
  std::vector<std::string> args;
  std::string options;
  struct Measured {
    double score = 0, ci = 0;
    tuning::ScoreBasis basis = tuning::ScoreBasis::kLoad;
    std::optional<ScoreChange> change;  // over the first task that measured it
  };
  std::vector<std::optional<Measured>> measured;  // parallel to the tasks; nullopt = not measured or not feasible
};

struct Comparison {
  ScoreKind score;
  bool simulated = false;
  std::vector<measurement::Bound> bounds;  // of the latencies that are drawn
  std::vector<ComparedTask> tasks;         // in the order given
  std::vector<ComparedConfiguration> configurations;
  // Whether configurations have the same checkpoint, and the same GPU's product.
  bool same_checkpoints = false, same_gpus = false;
};

// kInvalid, one line: fewer than two tasks; a task without a best configuration; a workload, SLO or objective that
// differs, with its path and both values; simulated and real measurements; MinimizeCost with a price in one task and
// none in another.
base::Result<Comparison> Compare(const std::vector<api::AutotuneTask>& tasks);

// For a terminal: lines longer than `width` wrap inside cells.
std::string ComparisonText(const Comparison& comparison, std::size_t width);
// For a pull request.
std::string ComparisonMarkdown(const Comparison& comparison);
nlohmann::json ComparisonJson(const Comparison& comparison);
// One page that loads nothing, like the report: the tables, and the bests' curves.
std::string ComparisonPage(const Comparison& comparison);

// Headings of the comparison.
inline constexpr const char* kComparedBest = "The best of each task";
inline constexpr const char* kComparedSame = "The same configuration in several tasks";
inline constexpr const char* kNothingInCommon = "No configuration was measured by more than one of the tasks.";
inline constexpr const char* kEstimateNote =
    "(estimate): requests wait in the closed loop of the highest load, and the sustained rate was not measured.";
// kEstimateNote where a score is an estimate, else "".
std::string EstimateNote(const Comparison& comparison);
// What differs in configurations that count as the same: "The checkpoint is A in today and B in next."; "" if nothing.
std::string SameExceptText(const Comparison& comparison);
text::Table BestTable(const Comparison& comparison);
text::Table ConfigurationTable(const Comparison& comparison);

}  // namespace autotune::report
