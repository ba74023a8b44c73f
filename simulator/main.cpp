// The simulated engine. Which engine it is depends on the name it is called by (docs/simulated-engine.md).
#include <cstdlib>

#include "simulator/run_engine.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  return autotune::simulator::RunEngine(arguments, [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}
