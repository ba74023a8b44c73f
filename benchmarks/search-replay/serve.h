// The line protocol: a policy behind standard input and output, for a judge that owns the surface, the clock and the
// random numbers.
//
// One request per line, one answer per line, flushed; README.md has the table.
#pragma once

#include <iosfwd>
#include <string>

#include "benchmarks/search-replay/policy.h"

namespace autotune::search_replay {

// Until `quit` or the end of the input. Returns the exit code: 2 for an invalid line, which is printed to `errors`.
int Serve(std::istream& in, std::ostream& out, std::ostream& errors, Policy* policy);

}  // namespace autotune::search_replay
