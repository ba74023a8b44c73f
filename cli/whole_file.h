// Writes a file completely or not at all: under a temporary name in the same directory, then renamed. Special files
// such as /dev/stdout are written directly. Blocks.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace autotune::cli {

// kInvalid with the path and the system's message; no file is left behind then.
base::Status WriteWholeFile(const std::filesystem::path& path, const std::string& text);

// Checks that WriteWholeFile could begin, for files that are written hours later.
base::Status CheckWritable(const std::filesystem::path& path);

}  // namespace autotune::cli
