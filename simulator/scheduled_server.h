// A server with known timing: the tokens of every answer leave at fixed times, at any load. Reference for tests of load
// generators (docs/simulated-engine.md).
//
// Blocks until SIGTERM or SIGINT; one thread.
#pragma once

#include <string>
#include <vector>

namespace autotune::simulator {

// `--schedule TTFT,ITL [--host H] [--port P] [--model NAME] [--vocabulary N] [--log FILE]`, times in milliseconds.
// Returns the exit code; wrong arguments are named in one line, 2.
int RunScheduledServer(const std::vector<std::string>& arguments);

}  // namespace autotune::simulator
