// A server of known timing: every answer's tokens leave when they are due, whatever the load. What clients are measured
// with (docs/simulated-engine.md).
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
