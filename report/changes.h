// Settings in which the best configuration differs from the one that it is compared with, and the effect of each. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"
#include "report/effects.h"
#include "text/table.h"

namespace autotune::report {

struct Change {
  std::string setting;        // "image", "max-num-seqs", "kv_cache_config.dtype", "VLLM_USE_V1", "checkpoint"
  std::string before, after;  // "" = not set
  std::string before_shown, after_shown;  // for people: EngineSettings::Shown
  std::optional<MeasuredChange> worth;    // effect of the change from `before` to `after`
  std::string why_no_worth;               // "no pair differs in this alone", "comes with the quantization preset"
  std::string note;                       // for a batch limit that the best's score did not reach; else ""
};

// Returns the changes from api::ComparedWith() to the best configuration, image and release first; empty if one is
// missing or nothing differs. `effects`: from EffectsOf.
std::vector<Change> ChangesOf(const api::AutotuneTask& task, const std::vector<ParameterEffect>& effects,
                              const quant::RuleSet& rules);
// How to read the column WORTH, for people; "" if the table has none.
std::string WorthNote(const std::vector<Change>& changes);
// Table with the columns SETTING, BASELINE, BEST, WORTH. `compared`: RoleText of the experiment compared with.
text::Table ChangeTable(const std::vector<Change>& changes, const std::string& compared);

// The changes with their measured effects; nullopt if nothing differs.
struct ComparedChanges {
  std::string compared, role;  // name and RoleText of the compared experiment
  std::vector<Change> changes;
};
std::optional<ComparedChanges> ChangesOf(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
