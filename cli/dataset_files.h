// Files on this machine that stand for the datasets of a task, and ConfigMaps beside it in its file: read as benches
// do.
//
// Blocking; no state. kInvalid names the dataset's field, file and line.
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

// What is known of each checkpoint of the task; nothing for one that is not read yet. Their context limits the rows.
using KnownModels = std::vector<std::optional<checkpoint::ModelFacts>>;

// The texts of ConfigMaps, by the ConfigMap's name and the key.
using ConfigMapTexts = std::map<std::pair<std::string, std::string>, std::string>;

struct QuestionsRead {
  std::string text;            // "exam.jsonl: 120 questions: 80 by choices (likelihood), 40 by number"
  std::size_t by_choices = 0;  // questions
};

// Of `file`; if that is "", of the ConfigMap that the task names. Nothing if that is not there, either. REQUIRES:
// spec.quality.dataset.
base::Result<std::optional<QuestionsRead>> ReadQuestions(const api::TaskSpec& spec, const KnownModels& models,
                                                         const std::string& file,
                                                         const ConfigMapTexts& config_maps = {});

// The same of requests: how many there are. REQUIRES: spec.benchmark.dataset.
base::Result<std::optional<std::size_t>> CountRequests(const api::TaskSpec& spec, const KnownModels& models,
                                                       const std::string& file, const ConfigMapTexts& config_maps = {});

}  // namespace autotune::cli
