// Command lines as people write them, cut into words as a POSIX shell cuts them, without a shell. Pure.
//
// wordexp(3) runs what it reads, and boost::program_options' splitter knows neither comments nor continued lines: both
// accept a pipe or a variable as if it were a word.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::text {

struct ShellScript {
  // Quotes, backslashes, continued lines and comments are read. Everything else stays as it is written: $NAME, *.
  std::vector<std::vector<std::string>> commands;
  // The first thing that makes it more than words ("a pipe (|) at \"| tee log\""), and the first thing within a word
  // that a shell fills in (variables, home directories); "" = there is none.
  std::string beyond, filled_in;
};
ShellScript ReadShell(std::string_view script);
// The first of what a shell fills in within a word: "$MODEL", "~"; "" = nothing.
std::string FilledIn(std::string_view word);

// The words of one command, which may have parts that a shell fills in. kInvalid: the text is more than that, or
// several commands, by name and with the place.
base::Result<std::vector<std::string>> ShellWords(std::string_view line);

}  // namespace autotune::text
