// Splits command lines into words like a POSIX shell, without running a shell. Pure.
//
// wordexp(3) executes substitutions, and the splitter of boost::program_options supports neither comments nor line
// continuations; both accept a pipe or a variable as a word.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::text {

struct ShellScript {
  // Quotes, backslashes, line continuations and comments are interpreted. The rest is unchanged: $NAME, $(command), *.
  // A backslash with blanks behind it continues the line too: as a blank in a word nobody means it. Where the output
  // goes ("> log 2>&1", "| tee log") is left out.
  std::vector<std::vector<std::string>> commands;
  // The first of each kind ("a pipe (|) at \"| tee log\""); "" = none. beyond: an unsupported construct. several: where
  // a second command begins, which runs after the first. filled_in: an expansion within a word (variable, command
  // substitution, home directory).
  std::string beyond, several, filled_in;
};
ShellScript ReadShell(std::string_view script);
// Returns the first expansion within a word: "$MODEL", "$(nproc)", "~"; "" if there is none.
std::string FilledIn(std::string_view word);
// A word with the values of variables: $NAME, ${NAME}. `defaults`: ${NAME:-text} is the text where there is no value.
// What has no value is unchanged.
std::string WithValues(std::string_view word, const std::map<std::string, std::string>& values, bool defaults);

// Returns the words of one command, in which expansions are allowed. kInvalid: another shell construct, or several
// commands, with its name and position.
base::Result<std::vector<std::string>> ShellWords(std::string_view line);

}  // namespace autotune::text
