// SHA-256 as lower-case hexadecimal: content hashes of candidates and short, stable names. Pure (OpenSSL's EVP).
#pragma once

#include <string>
#include <string_view>

namespace base {

// 64 hexadecimal characters.
std::string Sha256Hex(std::string_view data);

}  // namespace base
