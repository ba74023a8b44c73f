// `autotune plan --diff OLD NEW`: how an edit of a task affects its measurements, before it is applied. Pure.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "cli/plan_search.h"

namespace autotune::cli {

struct PlanChange {
  struct Field {
    std::string path;                     // "spec.parameters.max-num-seqs"
    std::optional<std::string> from, to;  // nullopt = not there
  };
  std::vector<Field> fields;  // of the spec that differ
  // Another name for what is kept: neither checkpoints nor types of GPU nor runtimes nor presets are hashed by name.
  struct Renamed {
    std::string kind;      // "checkpoint", "GPU type", "runtime", "preset"
    std::string from, to;  // "" = without a name, of spec.model and spec.gpu
    bool operator==(const Renamed&) const = default;
  };
  std::vector<Renamed> renamed;
  // Candidates by their content hash, as the operator keeps them: indices into the plans' candidates.
  std::vector<std::size_t> added, removed;  // of the new plan; of the old one
  // The same configuration of the same model on the same GPUs, whatever their names are, to be measured again for
  // another workload, revision, image or placement: indices into the new plan.
  std::vector<std::size_t> again;
  std::size_t kept = 0;
};
PlanChange Compare(const TaskPlan& from, const TaskPlan& to);

// The previews are null where the search is not adaptive.
std::string PlanChangeText(const TaskPlan& from, const TaskPlan& to, const PlanChange& change,
                           const SearchPreview* before, const SearchPreview* after);
nlohmann::json PlanChangeJson(const TaskPlan& from, const TaskPlan& to, const PlanChange& change,
                              const SearchPreview* before, const SearchPreview* after);

}  // namespace autotune::cli
