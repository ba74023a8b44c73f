// Settings in which the best configuration differs from the one that it is compared with, and the effect of each. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"
#include "text/table.h"
#include "tuning/search/insight.h"

namespace autotune::report {

// Effect of a value by the search's model: a fraction of the score, with its 90 % interval.
struct Worth {
  double effect = 0, low = 0, high = 0;
  bool of_the_change = false;  // true: relative to `before`; false: relative to the mean of all values of the setting
};

struct Change {
  std::string setting;        // "max-num-seqs", "kv_cache_config.dtype", "VLLM_USE_V1", "checkpoint"
  std::string before, after;  // "" = not set
  std::optional<Worth> worth;
};

// Returns the changes from api::ComparedWith() to the best configuration; empty if one of them is missing or nothing
// differs. `effects`: from InsightFor; a setting that the task does not vary has no Worth.
std::vector<Change> ChangesOf(const api::AutotuneTask& task, const std::vector<tuning::search::Effect>& effects,
                              const quant::RuleSet& rules);
// Table with the columns SETTING, BASELINE, BEST, WORTH. `compared`: RoleText of the compared experiment.
text::Table ChangeTable(const std::vector<Change>& changes, const std::string& compared);

// The changes with the effects from InsightFor; nullopt if nothing differs.
struct ComparedChanges {
  std::string compared, role;  // name and RoleText of the compared experiment
  std::vector<Change> changes;
};
std::optional<ComparedChanges> ChangesOf(const api::AutotuneTask& task, const quant::RuleSet& rules);

// Returns the model of the search; nullopt if nothing was measured or the spec can no longer be expanded.
std::optional<tuning::search::Insight> InsightFor(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
