// An experiment's content hash as a number, to save memory in caches. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace autotune::controller {

// nullopt unless it is exactly 16 lower-case hexadecimal digits: UnpackedHash() could not restore other texts.
std::optional<std::uint64_t> PackedHash(const std::string& hash);
std::string UnpackedHash(std::uint64_t hash);

}  // namespace autotune::controller
