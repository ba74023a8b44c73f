// Local files for the datasets of a task, and ConfigMaps in the same file as the task: read as in a bench
// run.
//
// Blocking, stateless. kInvalid names the dataset's field, the file and the line.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "checkpoint/model_facts.h"
#include "operator/api/autotune_task.h"

namespace autotune::cli {

// The facts of each checkpoint of the task; nullopt if it was not read yet. Their context limits the rows.
using KnownModels = std::vector<std::optional<checkpoint::ModelFacts>>;

// Contents of ConfigMaps, by name of the ConfigMap and key.
using ConfigMapTexts = std::map<std::pair<std::string, std::string>, std::string>;

struct QuestionsRead {
  std::string text;            // "exam.jsonl: 120 questions: 80 by choices (likelihood), 40 by number"
  std::size_t by_choices = 0;  // questions
};

// Reads questions from `file`, or if that is "" from the ConfigMap that the task names. nullopt if there is neither.
// REQUIRES: spec.quality.dataset is set.
base::Result<std::optional<QuestionsRead>> ReadQuestions(const api::TaskSpec& spec, const KnownModels& models,
                                                         const std::string& file,
                                                         const ConfigMapTexts& config_maps = {});

// The same for requests; returns their number. REQUIRES: spec.benchmark.dataset is set.
base::Result<std::optional<std::size_t>> CountRequests(const api::TaskSpec& spec, const KnownModels& models,
                                                       const std::string& file, const ConfigMapTexts& config_maps = {});

}  // namespace autotune::cli
