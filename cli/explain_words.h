// Arguments of `autotune explain`, which mix engine flags with this program's own options.
//
// Pure. "--max-num-seqs 64", "--max-num-seqs=64" and "max-num-seqs=64" are one setting; "--enforce-eager" is
// enforce-eager=true; several words behind a flag are a list.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::cli {

// Number of words after an option of this program: 0 for a switch; nullopt if it is not an option of this program.
using OwnOption = std::function<std::optional<int>(std::string_view name)>;

// Takes an engine's whole command out of the arguments of explain, and returns its words: those behind "--", or from
// the engine's program on ("vllm serve ...", "docker run ...", a line in quotes). Empty if there is none. `words` are
// those behind this program's name.
std::vector<std::string> TakeCommand(std::vector<std::string>& words, const OwnOption& own);

// The command line with engine flags rewritten as settings, if its subcommand is explain; otherwise as it is. `words`
// are those behind the program's name.
std::vector<std::string> ExplainWords(std::vector<std::string> words, const OwnOption& own);

}  // namespace autotune::cli
