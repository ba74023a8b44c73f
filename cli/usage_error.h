// Errors of a command line: unknown commands and flags, with the closest known ones. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/completion.h"

namespace autotune::cli {

// One line; "" if every command and flag exists. `words`: without the program's name. `global`: flags that all commands
// accept.
std::string UsageProblem(const std::vector<std::string>& words, const std::vector<CommandWords>& commands,
                         const std::vector<std::string>& global);

// Rewrites messages of the command-line parser in this program's style: "--gpus: 0 is not within 1 to 1024".
std::string Reworded(const std::string& message);

}  // namespace autotune::cli
