// Arguments of `autotune explain`, which combine engine flags with this program's own options.
//
// Pure. "--max-num-seqs 64", "--max-num-seqs=64" and "max-num-seqs=64" are equal; "--enforce-eager" is
// enforce-eager=true; several words after a flag are a list.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::cli {

// Number of words after one of this program's options: 0 for a switch; nullopt for other words.
using OwnOption = std::function<std::optional<int>(std::string_view name)>;

// Removes an engine's whole command from the arguments of explain, and returns its words: those after "--", or from the
// engine's program on ("vllm serve ...", "docker run ...", a quoted line). Empty if there is none. `words`: without
// this program's name.
std::vector<std::string> TakeCommand(std::vector<std::string>& words, const OwnOption& own);

// If the subcommand is explain: the command line with engine flags rewritten as settings; otherwise unchanged. `words`:
// without this program's name.
std::vector<std::string> ExplainWords(std::vector<std::string> words, const OwnOption& own);

}  // namespace autotune::cli
