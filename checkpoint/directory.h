// A checkpoint in a directory, or a single GGUF file.
//
// Single-threaded; keeps no file open.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"

namespace autotune::checkpoint {

// `path`: the directory, its config.json (of any name), or a .gguf file. kInvalid names the path if it is none of
// these.
base::Result<std::unique_ptr<CheckpointFiles>> OpenDirectory(const std::filesystem::path& path);

}  // namespace autotune::checkpoint
