// Shell completion: a script for bash or zsh, generated from the commands and options of the program. Pure.
//
// Names of tasks come from `autotune list -o name`, with the --namespace, --context and --kubeconfig of the command
// line.
#pragma once

#include <string>
#include <vector>

namespace autotune::cli {

struct CommandWords {
  std::string name, description;
  std::vector<std::string> options;  // "--target", "-f"
  bool takes_task = false;           // its first word is the name of a task in the cluster
};

std::string BashCompletion(const std::vector<CommandWords>& commands);
std::string ZshCompletion(const std::vector<CommandWords>& commands);

}  // namespace autotune::cli
