// Detects datasets that are not lines of JSON, and gives the command that converts them.
//
// Pure and thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace autotune::measurement {

// Returns "Parquet: pandas.read_parquet(FILE)..."; "" = the bytes may be JSON.
std::string WhyOtherFormat(std::string_view bytes);

// Position of the first byte that is not valid UTF-8, or npos.
std::size_t NotUtf8(std::string_view text);

}  // namespace autotune::measurement
