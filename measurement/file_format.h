// Datasets in another format than lines of JSON, and the command that makes lines of JSON of them.
//
// Pure and thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace autotune::measurement {

// "Parquet: pandas.read_parquet(FILE)...". "" = it may be JSON.
std::string WhyOtherFormat(std::string_view bytes);

// The first byte that is not UTF-8, or npos.
std::size_t NotUtf8(std::string_view text);

}  // namespace autotune::measurement
