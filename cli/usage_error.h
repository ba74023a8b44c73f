// Errors of a command line: unknown commands and flags, with the closest known one. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/completion.h"

namespace autotune::cli {

// One line; "" where every command and flag exists. `words` without the program's name; `global`: flags of every
// command.
std::string UsageProblem(const std::vector<std::string>& words, const std::vector<CommandWords>& commands,
                         const std::vector<std::string>& global);

// Messages of the command-line parser in the style of this program: "--gpus: 0 is not within 1 to 1024".
std::string Reworded(const std::string& message);

}  // namespace autotune::cli
