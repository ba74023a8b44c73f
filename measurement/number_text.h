// Numbers in messages, for people.
//
// Pure.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>

namespace autotune::measurement {

// Four significant digits, but all digits before the decimal point: "0.01234", "12.34", "11890".
inline std::string FourDigits(double value) {
  char text[64];
  std::snprintf(text, sizeof text, std::abs(value) >= 9999.5 && std::abs(value) < 1e15 ? "%.0f" : "%.4g", value);
  return text;
}

}  // namespace autotune::measurement
