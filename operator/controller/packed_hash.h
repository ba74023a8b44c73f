// An experiment's content hash as a number, for what is kept by the thousand. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace autotune::controller {

// nullopt unless it is exactly 16 lower-case hexadecimal digits: UnpackedHash() could not restore any other text.
std::optional<std::uint64_t> PackedHash(const std::string& hash);
std::string UnpackedHash(std::uint64_t hash);

}  // namespace autotune::controller
