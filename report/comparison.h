// Comparison of finished tasks: their best configurations, and the configurations that several of them measured. Pure.
//
// Every task is compared with the first one, for example the task of the previous release. Tasks are comparable if
// workload, loads, SLO and objective are equal; the model, the engine, the GPU and the candidates may differ.
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
  double better = 0;  // negative if the score is worse
  double ci = 0;      // half-width of the 95 % interval of `better`; 0 = not known
  // True if the change is significant: the interval is known and does not contain 0.
  bool told_apart = false;
};

// One task, with its best experiment.
struct ComparedTask {
  std::string name;  // of the task; with its namespace if several tasks have the same name
  std::string model, gpu_product, runtime_image;
  std::string experiment;         // name of the best experiment
  std::string quant_name;         // api::ConfigurationName of it
  std::vector<std::string> args;  // its tuned arguments
  std::string options;            // its options file
  double score = 0, ci = 0;       // as in status.best; higher is better
  tuning::ScoreBasis basis = tuning::ScoreBasis::kLoad;
  std::optional<ScoreChange> change;  // relative to the first task; nullopt for the first task
  std::string request_rate;           // requests/s at the scored point; "" = not known
  std::string price;                  // per million output tokens; "" = not known
  std::string price_per_hour;         // price per GPU-hour from which `price` is computed; "" = not known
  std::string gpu_hours;              // cost of the task
  int gpus = 1;                       // number of GPUs of the best experiment
  std::vector<api::LoadRow> loads;    // of the best experiment
};

// A configuration that at least two of the tasks measured: the names of runtime and quantization, the arguments and the
// options are equal. In a task with several checkpoints, checkpoint and revision must be equal too, and in a task with
// several types of GPU the GPU product; their names in the spec do not matter.
struct ComparedConfiguration {
  std::string runtime, quant_name;
  std::vector<std::string> args;
  std::string options;
  struct Measured {
    double score = 0, ci = 0;
    tuning::ScoreBasis basis = tuning::ScoreBasis::kLoad;
    std::optional<ScoreChange> change;  // relative to the first task that measured it; nullopt for that task
  };
  std::vector<std::optional<Measured>> measured;  // parallel to the tasks; nullopt = not measured or not feasible
};

struct Comparison {
  ScoreKind score;
  bool simulated = false;
  std::vector<measurement::Bound> bounds;  // latency limits, drawn in the curves
  std::vector<ComparedTask> tasks;         // in the order of the input
  std::vector<ComparedConfiguration> configurations;
  // True if the equality of `configurations` includes the checkpoint, or the GPU product.
  bool same_checkpoints = false, same_gpus = false;
};

// kInvalid, with a message of one line: fewer than two tasks; a task without a best configuration; a different
// workload, SLO or objective (the message names the field and both values); both simulated and real measurements;
// MinimizeCost, if only some of the tasks have a price.
base::Result<Comparison> Compare(const std::vector<api::AutotuneTask>& tasks);

// For a terminal of `width` columns: the text of a cell is wrapped.
std::string ComparisonText(const Comparison& comparison, std::size_t width);
// Markdown, for a pull request.
std::string ComparisonMarkdown(const Comparison& comparison);
nlohmann::json ComparisonJson(const Comparison& comparison);
// A self-contained HTML page, like the report: the tables, and the curves of the best experiments.
std::string ComparisonPage(const Comparison& comparison);

// Headings of the comparison.
inline constexpr const char* kComparedBest = "The best of each task";
inline constexpr const char* kComparedSame = "The same configuration in several tasks";
inline constexpr const char* kNothingInCommon = "No configuration was measured by more than one of the tasks.";
inline constexpr const char* kEstimateNote =
    "(estimate): requests wait in the closed loop of the highest load, and the sustained rate was not measured.";
// kEstimateNote if any score is an estimate, else "".
std::string EstimateNote(const Comparison& comparison);
// Differences between tasks that the equality of configurations ignores: "The checkpoint is A in today and B in next.";
// "" if there are none.
std::string SameExceptText(const Comparison& comparison);
text::Table BestTable(const Comparison& comparison);
text::Table ConfigurationTable(const Comparison& comparison);

}  // namespace autotune::report
