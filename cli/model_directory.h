// The model to plan for without a cluster: a checkpoint directory's facts (config.json, hf_quant_config.json, what the
// weights weigh), facts from a file, or a usual model where none is named.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "quant/model_facts.h"

namespace autotune::cli {

// `path` is the directory or its config.json. kInvalid names the file that is missing or wrong.
base::Result<quant::ModelFacts> ReadModelDirectory(const std::filesystem::path& path);

// As ReadModelDirectory; a file may also hold facts as `status.model` has them.
base::Result<quant::ModelFacts> ReadModel(const std::filesystem::path& path);

// An unquantized Llama-3.1-8B in bfloat16: the model that most questions are about.
quant::ModelFacts DenseModel();
// An unquantized Qwen3-30B-A3B in bfloat16: the same with experts.
quant::ModelFacts ExpertModel();

}  // namespace autotune::cli
