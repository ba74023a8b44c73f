// Meaning of log lines of engines: a table of patterns with the cause that each of them indicates.
//
// Pure data, thread-safe. Sources: recorded starts (tests/engines/logs), public reports (tests/engines/reports) and the
// engines' own sources. root_cause.h selects a line; lines without a row are judged by their form.
#pragma once

#include <string_view>

namespace autotune::bench {

enum class Cause {
  kConfiguration,  // the engine rejects the configuration, or does not support it with this model on this GPU
  kDeviceMemory,
  kHostMemory,
  kMachine,      // the driver, a GPU, the network between GPUs, the hub or a disk
  kWaiting,      // waited in vain for the process on another GPU; that process or the network failed
  kImage,        // missing parts of the image: libraries, compilers, or support for this GPU
  kCrash,        // a fault of the engine, or unknown
  kConsequence,  // a line that reports the failure of another process
};

// How informative a line is about the cause, most informative first.
enum class Relevance {
  kDecisive,  // the cause, wherever it is in the log: earlier errors follow from it
  kTelling,   // the cause, unless an earlier line is informative too
  kVague,     // correct, but another line is more exact
  kOther,     // a line at level ERROR
  kWrapper,   // "something failed": the cause is in a line nearby
  kNothing,   // a consequence
};

struct CauseRule {
  // Searched for in the line, ignoring case. '*' is any text; a leading '^' anchors it to the start of the line.
  std::string_view pattern;
  Cause cause = Cause::kCrash;
  Relevance relevance = Relevance::kTelling;
};

// The first row of the table that matches; null if there is none.
const CauseRule* FindCauseRule(std::string_view line);

// True if `line` contains `pattern`, in the syntax of CauseRule::pattern. For tests.
bool MatchesPattern(std::string_view line, std::string_view pattern);

}  // namespace autotune::bench
