// Writing a file that is whole or is not there: to a new name beside it, then renamed. What is no file, such as
// /dev/stdout, is written to. Blocks.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace autotune::cli {

// kInvalid with the path and the system's words; then nothing is left behind.
base::Status WriteWholeFile(const std::filesystem::path& path, const std::string& text);

// Whether WriteWholeFile could begin. For what is written only hours later.
base::Status CheckWritable(const std::filesystem::path& path);

}  // namespace autotune::cli
