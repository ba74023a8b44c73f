#include "cli/completion.h"

namespace autotune::cli {
namespace {

std::string WordsOf(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::string BashCompletion(const std::vector<CommandWords>& commands) {
  std::string names, cases;
  for (const CommandWords& command : commands) {
    names += (names.empty() ? "" : " ") + command.name;
    cases += "    " + command.name + ") options='" + WordsOf(command.options) + "'" +
             (command.takes_task ? " tasks=yes" : "") + " ;;\n";
  }
  return "# bash completion of autotune: source <(autotune completion bash)\n"
         "_autotune() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} options= tasks= access=() i\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         names +
         "' -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "  if [[ $current == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
         "  elif [ -n \"$tasks\" ] && [ \"$COMP_CWORD\" -eq 2 ]; then\n"
         "    for ((i = 2; i < ${#COMP_WORDS[@]}; i++)); do\n"
         "      case ${COMP_WORDS[i]} in\n"
         "        -n|--namespace|--context|--kubeconfig) access+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[i + 1]}\") ;;\n"
         "      esac\n"
         "    done\n"
         "    COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" list -o name \"${access[@]}\" 2>/dev/null)\" -- "
         "\"$current\"))\n"
         "    COMPREPLY+=($(compgen -f -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _autotune autotune kubectl-autotune\n";
}

std::string ZshCompletion(const std::vector<CommandWords>& commands) {
  // zsh runs bash's completion functions; its own start-up has to be there first.
  return "#compdef autotune kubectl-autotune\n"
         "# zsh completion of autotune: source <(autotune completion zsh)\n"
         "autoload -U +X compinit && compinit -u\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         BashCompletion(commands);
}

}  // namespace autotune::cli
