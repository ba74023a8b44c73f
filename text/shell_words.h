// Splits command lines into words like a POSIX shell, without running a shell. Pure.
//
// wordexp(3) executes substitutions, and the splitter of boost::program_options supports neither comments nor line
// continuations; both accept a pipe or a variable as a word.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::text {

struct ShellScript {
  // Quotes, backslashes, line continuations and comments are interpreted. The rest is unchanged: $NAME, *.
  std::vector<std::vector<std::string>> commands;
  // beyond: the first unsupported construct ("a pipe (|) at \"| tee log\""). filled_in: the first expansion within a
  // word (variable, home directory). "" = none.
  std::string beyond, filled_in;
};
ShellScript ReadShell(std::string_view script);
// Returns the first expansion within a word: "$MODEL", "~"; "" if there is none.
std::string FilledIn(std::string_view word);

// Returns the words of one command, in which expansions are allowed. kInvalid: another shell construct, or several
// commands, with its name and position.
base::Result<std::vector<std::string>> ShellWords(std::string_view line);

}  // namespace autotune::text
