// Base64 with padding (RFC 4648), as kubeconfig files, exec plugins and basic authentication have it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kube {

std::string EncodeBase64(std::string_view data);
// Line breaks and spaces are ignored, and the padding may be absent. Returns nullopt if it is not base64.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace kube
