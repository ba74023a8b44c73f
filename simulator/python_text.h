// Conversions between text and values as in Python, byte for byte: repr() of a string, int(), float(), and the engines'
// human-readable integers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::simulator {

// repr("it's") is "it's" in double quotes, as Python chooses; control characters are escaped, other UTF-8 is kept.
std::string PythonRepr(std::string_view text);

// int(text): white space around it, a sign, single underscores between digits. nullopt where Python raises ValueError
// or where 64 bits are not enough.
std::optional<std::int64_t> PythonInt(std::string_view text);

// float(text), with inf and nan.
std::optional<double> PythonFloat(std::string_view text);

struct HumanReadableInt {
  std::optional<std::int64_t> value;
  // Set when the engine raises its own message instead of argparse's "invalid ... value".
  std::string message;
};
// "1k" = 1000, "1K" = 1024, "25.6k" = 25600; plain integers as PythonInt.
HumanReadableInt ParseHumanReadableInt(std::string_view text);

}  // namespace autotune::simulator
