// What is wrong with a command line: the command or the flag that does not exist, and the one that was meant. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/completion.h"

namespace autotune::cli {

// One line; "" where every command and flag exists. `words` without the program's name; `global`: flags of every
// command.
std::string UsageProblem(const std::vector<std::string>& words, const std::vector<CommandWords>& commands,
                         const std::vector<std::string>& global);

// What the parser of command lines says, in the words of this program: "--gpus: 0 is not within 1 to 1024".
std::string Reworded(const std::string& message);

}  // namespace autotune::cli
