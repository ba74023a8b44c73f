// Files on this machine that stand for the datasets of a task, which are in ConfigMaps and claims, read as benches do.
//
// Blocking; no state. kInvalid names the dataset's field, file and line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/model_facts.h"
#include "operator/api/autotune_task.h"

namespace autotune::cli {

// What is known of each checkpoint of the task; nothing for one that is not read yet. Their context limits the rows.
using KnownModels = std::vector<std::optional<checkpoint::ModelFacts>>;

struct QuestionsRead {
  std::string text;            // "exam.jsonl: 120 questions: 80 by choices (likelihood), 40 by number"
  std::size_t by_choices = 0;  // questions
};

// REQUIRES: spec.quality.dataset.
base::Result<QuestionsRead> ReadQuestionsFile(const api::TaskSpec& spec, const KnownModels& models,
                                              const std::string& path);

// Returns how many requests the file has. REQUIRES: spec.benchmark.dataset.
base::Result<std::size_t> ReadRequestsFile(const api::TaskSpec& spec, const KnownModels& models,
                                           const std::string& path);

}  // namespace autotune::cli
