// An experiment's content hash as a number, for what is kept by the thousand. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace autotune::controller {

// Nothing if it is not exactly 16 lower-case hexadecimal digits, so that it would not come back.
std::optional<std::uint64_t> PackedHash(const std::string& hash);
std::string UnpackedHash(std::uint64_t hash);

}  // namespace autotune::controller
