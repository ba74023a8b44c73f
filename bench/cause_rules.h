// What lines of engines' logs mean: a table of texts, and what each says about why an engine ended.
//
// Pure data, thread-safe. Sources: recorded starts (tests/engines/logs), public reports (tests/engines/reports) and the
// engines' own sources. root_cause.h chooses among the lines; a text that no row has is judged by its form there.
#pragma once

#include <string_view>

namespace autotune::bench {

enum class Cause {
  kConfiguration,  // the engine refuses what it was asked for, or cannot do it with this model on this GPU
  kDeviceMemory,
  kHostMemory,
  kMachine,      // the driver, a GPU, the network between GPUs, the hub, a disk
  kImage,        // what the container lacks: libraries, compilers, or ones for this GPU
  kCrash,        // the engine's own fault, or not known whose
  kConsequence,  // says that somebody else failed
};

// How much a line says about the cause, the most first.
enum class Worth {
  kDecisive,  // the cause wherever it stands: what is printed before it, too, came of it
  kTelling,   // the cause, unless something before it is
  kVague,     // true, but another line says it better
  kOther,     // a line at level ERROR
  kWrapper,   // "something failed": what failed stands near
  kNothing,   // a consequence
};

struct CauseRule {
  // Looked for in the line, whatever the case. '*' stands for any text; '^' in front: at the start of the line.
  std::string_view pattern;
  Cause cause = Cause::kCrash;
  Worth worth = Worth::kTelling;
};

// The first row of the table that fits; null for none.
const CauseRule* FindCauseRule(std::string_view line);

// Whether `pattern`, as in CauseRule, is in `line`. For tests.
bool MatchesPattern(std::string_view line, std::string_view pattern);

}  // namespace autotune::bench
