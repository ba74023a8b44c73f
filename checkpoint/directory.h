// A checkpoint in a directory, or a single GGUF file.
//
// Single-threaded; opens files when asked, keeps none open.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"

namespace autotune::checkpoint {

// `path` is the directory, its config.json (of whatever name), or a .gguf file. kInvalid names the path if it is
// neither.
base::Result<std::unique_ptr<CheckpointFiles>> OpenDirectory(const std::filesystem::path& path);

}  // namespace autotune::checkpoint
