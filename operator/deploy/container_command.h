// Escaping of command lines for a kubelet, a shell and docker compose. Pure.
//
// A kubelet replaces $(NAME) in a container's command and args and reads $$ as $. The words of an experiment's pod were
// expanded this way when it was measured; a target without a kubelet gets the expanded words.
#pragma once

#include <string>
#include <vector>

namespace autotune::deploy {

// As the process sees it where no variable of that name is set: $$ is $.
std::vector<std::string> WithoutKubelet(const std::vector<std::string>& words);
// A word that a POSIX shell reads back as it is.
std::string ShellWord(const std::string& word);
std::string ShellLine(const std::vector<std::string>& words);
// A string that docker compose reads back as it is: it replaces $NAME, and reads $$ as $.
std::string ComposeWord(const std::string& word);
// Whether an unquoted $@ of a shell keeps the word whole and as it is.
bool SurvivesSplitting(const std::string& word);

}  // namespace autotune::deploy
