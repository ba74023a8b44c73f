// Shell completion: a script for bash or zsh, made from the commands and options that the program has. Pure.
//
// Names of tasks come from `autotune list -o name` when they are asked for, with the --namespace, --context and
// --kubeconfig that are on the line.
#pragma once

#include <string>
#include <vector>

namespace autotune::cli {

struct CommandWords {
  std::string name, description;
  std::vector<std::string> options;  // "--target", "-f"
  bool takes_task = false;           // its first word is a task of the cluster
};

std::string BashCompletion(const std::vector<CommandWords>& commands);
std::string ZshCompletion(const std::vector<CommandWords>& commands);

}  // namespace autotune::cli
