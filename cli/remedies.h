// Texts of docs/failures.md about a failure; the page is compiled in. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/result.h"

namespace autotune::cli {

// The remedy of a reason, from the first table of the page.
std::string RemedyOf(bench::FailureReason reason);

// The flags that an engine's message advises to change, with the verb: "increase --mamba-full-memory-ratio"; "" =
// none. Other programs advise too, so only flags of these engines count. `engines`: names as in the rules; empty =
// all.
std::string AdviceOf(std::string_view message, const std::vector<std::string>& engines = {});

// The meaning of an engine's message, from the table of cryptic messages; "" = not in the table. `was_ready`: the
// engine served before its end; nullopt = not known: both meanings, if they differ.
std::string MeaningOf(std::string_view message, std::optional<bool> was_ready);

}  // namespace autotune::cli
