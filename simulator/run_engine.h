// One run of the simulated engine, from its argv and environment to its exit code.
//
// Blocks until the engine ends by itself or SIGTERM or SIGINT arrives. Owns the io_context and everything on it. May
// end the process with SIGKILL where the real engine does.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace autotune::simulator {

// Reads one environment variable; nullopt = not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Log lines go to standard output, rejections to standard error, as in the engines.
int RunEngine(const std::vector<std::string>& argv, const Environment& environment);

}  // namespace autotune::simulator
