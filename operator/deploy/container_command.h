// Escaping of command lines for a kubelet, a shell and docker compose. Pure.
//
// A kubelet replaces $(NAME) in a container's command and args, and reads $$ as $. The arguments of an experiment's pod
// were expanded in this way when it was measured, so a target without a kubelet gets the expanded arguments.
#pragma once

#include <string>
#include <vector>

namespace autotune::deploy {

// The words as the process receives them if no variable has a name in them: $$ becomes $.
std::vector<std::string> WithoutKubelet(const std::vector<std::string>& words);
// Quotes a word so that a POSIX shell reads it back unchanged.
std::string ShellWord(const std::string& word);
std::string ShellLine(const std::vector<std::string>& words);
// Escapes a string so that docker compose reads it back unchanged: it replaces $NAME, and reads $$ as $.
std::string ComposeWord(const std::string& word);
// True if an unquoted $@ of a shell keeps the word in one piece and unchanged.
bool SurvivesSplitting(const std::string& word);

}  // namespace autotune::deploy
