// Decimals, and durations with fractions of milliseconds as in measurements and limits. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace autotune::api {

// "61.3ms" -> 61.3, "1m30s" -> 90000. kInvalid with `path` otherwise.
base::Result<double> ParseMilliseconds(const std::string& text, const std::string& path);

// A measured latency in a short form: two decimals below 100 ms, one below 1 s, then seconds with three decimals
// ("6.27ms", "310.2ms", "4.125s"). The rounding error is at most 0.1 % above 5 ms, and 5 microseconds below.
std::string FormatLatency(double milliseconds);

// A limit as the user wrote it, to the microsecond: "500ms", "40.5ms", "8s".
std::string FormatBound(double milliseconds);

// Value of a Kubernetes quantity as a double: "500m" = 0.5, "16Gi", "8". nullopt if it is not a quantity.
std::optional<double> QuantityValue(std::string_view text);

// True for the format of FormatDecimal: an optional sign, digits, and an optional fraction.
bool IsDecimal(const std::string& text);

}  // namespace autotune::api
