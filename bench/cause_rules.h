// Meaning of log lines of engines: a table of patterns with the cause that each of them indicates.
//
// Pure data, thread-safe. Sources: recorded starts (tests/engines/logs), public reports (tests/engines/reports) and the
// engines' own sources. root_cause.h chooses among the lines; it judges lines without a row by their form.
#pragma once

#include <string_view>

namespace autotune::bench {

enum class Cause {
  kConfiguration,  // the engine rejects the configuration, or does not support it with this model on this GPU
  kDeviceMemory,
  kHostMemory,
  kMachine,      // the driver, a GPU, the network between GPUs, the hub, a disk
  kWaiting,      // waited in vain for the process on another GPU: that one's fault, or the network's
  kImage,        // missing parts of the image: libraries, compilers, or support for this GPU
  kCrash,        // a fault of the engine, or unknown
  kConsequence,  // reports the failure of another process
};

// How informative a line is about the cause, the most informative first.
enum class Worth {
  kDecisive,  // the cause in any position: earlier errors follow from it
  kTelling,   // the cause, unless an earlier line is
  kVague,     // true, but another line is more exact
  kOther,     // a line at level ERROR
  kWrapper,   // "something failed": the cause is in a line nearby
  kNothing,   // a consequence
};

struct CauseRule {
  // Searched for in the line, ignoring case. '*' stands for any text; '^' in front: at the start of the line.
  std::string_view pattern;
  Cause cause = Cause::kCrash;
  Worth worth = Worth::kTelling;
};

// The first row of the table that fits; null for none.
const CauseRule* FindCauseRule(std::string_view line);

// Whether `pattern`, as in CauseRule, is in `line`. For tests.
bool MatchesPattern(std::string_view line, std::string_view pattern);

}  // namespace autotune::bench
