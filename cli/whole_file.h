// Writing a file that is whole or is not there: to a new name beside it, then renamed. Blocks.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace autotune::cli {

// kInvalid with the path and the system's words.
base::Status WriteWholeFile(const std::filesystem::path& path, const std::string& text);

}  // namespace autotune::cli
