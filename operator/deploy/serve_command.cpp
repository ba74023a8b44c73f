#include "operator/deploy/container_command.h"
#include "operator/deploy/target.h"

namespace autotune::deploy {

// The engine's command line for a shell, after the environment that its configuration sets.
base::Result<std::string> WriteServeCommand(const ServerSpec& server) {
  std::string out;
  for (const auto& [name, value] : server.env) out += name + "=" + ShellWord(value) + " ";
  out += ShellLine(WithoutKubelet(server.argv)) + "\n";
  if (!server.options_yaml.empty()) {
    out += "# save as " + server.options_dir + "/options.yaml:\n" + server.options_yaml;
  }
  return out;
}

}  // namespace autotune::deploy
