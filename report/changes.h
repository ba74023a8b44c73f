// What the best configuration has otherwise than what it is compared with, setting by setting, and what each was worth.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"
#include "text/table.h"
#include "tuning/search/insight.h"

namespace autotune::report {

// What the search's model says of a value: a share of the score, 90 % interval.
struct Worth {
  double effect = 0, low = 0, high = 0;
  bool of_the_change = false;  // false: against the mean of the values that the task has for the setting
};

struct Change {
  std::string setting;        // "max-num-seqs", "kv_cache_config.dtype", "VLLM_USE_V1", "checkpoint"
  std::string before, after;  // "" = not set
  std::optional<Worth> worth;
};

// Of the best against api::ComparedWith(); empty where there is nothing to compare or nothing differs. `effects`: of
// InsightFor; a setting that the task does not vary has no worth of its own.
std::vector<Change> ChangesOf(const api::AutotuneTask& task, const std::vector<tuning::search::Effect>& effects,
                              const quant::RuleSet& rules);
// "SETTING  BASELINE  BEST  WORTH"; `compared`: RoleText of what the best is compared with.
text::Table ChangeTable(const std::vector<Change>& changes, const std::string& compared);

// The same with what the search learned; nothing where nothing differs.
struct ComparedChanges {
  std::string compared, role;  // name and RoleText of what the best is compared with
  std::vector<Change> changes;
};
std::optional<ComparedChanges> ChangesOf(const api::AutotuneTask& task, const quant::RuleSet& rules);

// What the search learned; nothing where nothing was measured or the spec cannot be expanded any more.
std::optional<tuning::search::Insight> InsightFor(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
