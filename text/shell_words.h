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
  // Quotes, backslashes, line continuations and comments are interpreted. $NAME, $(command) and * are unchanged. A
  // backslash before trailing blanks also continues the line, because nobody means a blank in a word there.
  // Redirections of the output ("> log 2>&1", "| tee log") are left out.
  std::vector<std::vector<std::string>> commands;
  // The first of each kind ("a pipe (|) at \"| tee log\""); "" = none. beyond: an unsupported construct. several: the
  // start of a second command that runs after the first. filled_in: an expansion within a word (variable, command
  // substitution, home directory).
  std::string beyond, several, filled_in;
};
ShellScript ReadShell(std::string_view script);
// Returns the first expansion within a word: "$MODEL", "$(nproc)", "~"; "" if there is none.
std::string FilledIn(std::string_view word);
// Returns the word with the values of its variables $NAME and ${NAME}. `defaults`: also replaces ${NAME:-text} by the
// text if NAME has no value. Variables without a value stay unchanged.
std::string WithValues(std::string_view word, const std::map<std::string, std::string>& values, bool defaults);

// Returns the words of one command, which may contain expansions. kInvalid, with name and position: another shell
// construct, or several commands.
base::Result<std::vector<std::string>> ShellWords(std::string_view line);

}  // namespace autotune::text
