// Base64 with padding (RFC 4648), as used in kubeconfig files, exec plugins and basic authentication. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kube {

std::string EncodeBase64(std::string_view data);
// Ignores line breaks and spaces; padding is optional. Returns nullopt if `text` is not base64.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace kube
