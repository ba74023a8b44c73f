#include "operator/deploy/container_command.h"
#include "operator/deploy/target.h"

namespace autotune::deploy {

// The engine's command line for a shell, after the environment that its configuration sets.
base::Result<std::string> WriteServeCommand(const Winner& winner) {
  std::string out;
  for (const auto& [name, value] : winner.env) out += name + "=" + ShellWord(value) + " ";
  out += ShellLine(WithoutKubelet(winner.argv)) + "\n";
  if (!winner.options_yaml.empty()) {
    out += "# save as " + winner.options_dir + "/options.yaml:\n" + winner.options_yaml;
  }
  return out;
}

}  // namespace autotune::deploy
