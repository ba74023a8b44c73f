// A checkpoint directory's facts, for planning without a cluster: config.json, hf_quant_config.json, what the weights
// weigh.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "quant/model_facts.h"

namespace autotune::cli {

// `path` is the directory or its config.json. kInvalid names the file that is missing or wrong.
base::Result<quant::ModelFacts> ReadModelDirectory(const std::filesystem::path& path);

}  // namespace autotune::cli
