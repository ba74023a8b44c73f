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
  // The first thing that a shell gives a meaning beyond words ("a pipe (|) at \"| tee log\""); "" = there is none.
  std::string beyond;
};
ShellScript ReadShell(std::string_view script);

// The words of one command. kInvalid: the text has anything beyond them, by name and with its place.
base::Result<std::vector<std::string>> ShellWords(std::string_view line);

}  // namespace autotune::text
