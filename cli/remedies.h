// What docs/failures.md says about a failure: the page is compiled in. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/result.h"

namespace autotune::cli {

// The remedy of a reason, from the first table of the page.
std::string RemedyOf(bench::FailureReason reason);

// The flags that an engine's message itself advises to change, with the verb: "increase --mamba-full-memory-ratio"; ""
// = none. Other programs and libraries advise too, so only flags of a release of these engines count; `engines`: names
// as in the rules, empty = all.
std::string AdviceOf(std::string_view message, const std::vector<std::string>& engines = {});

// What an engine's message means, from the table of cryptic messages; "" = the table does not have it. `was_ready`:
// whether the engine served before its end; nothing = not known: both meanings, where they differ.
std::string MeaningOf(std::string_view message, std::optional<bool> was_ready);

}  // namespace autotune::cli
