#include "operator/experiment/tool_resources.h"

#include <algorithm>
#include <cctype>

namespace autotune::experiment {
namespace {

using nlohmann::json;

// Digits, at most one dot, then a suffix of letters and digits: what is finer the API server says.
bool LooksLikeQuantity(const json& value) {
  if (value.is_number_unsigned()) return true;
  if (!value.is_string()) return false;
  const std::string text = value.get<std::string>();
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  return end > 0 && text.substr(0, end) != "." &&
         std::count(text.begin(), text.begin() + static_cast<long>(end), '.') <= 1 && text.size() - end <= 3 &&
         std::all_of(text.begin() + static_cast<long>(end), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0; });
}

}  // namespace

base::Result<json> ParseResources(const std::string& text, const std::string& name) {
  json resources = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!resources.is_object()) {
    return base::Invalid(name + R"(: is not JSON such as {"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}})");
  }
  for (const auto& [kind, amounts] : resources.items()) {
    if (kind != "requests" && kind != "limits") {
      return base::Invalid(name + ": \"" + kind + "\" is not one of requests, limits");
    }
    if (!amounts.is_object()) return base::Invalid(name + "." + kind + ": is not an object");
    for (const auto& [resource, amount] : amounts.items()) {
      if (!LooksLikeQuantity(amount)) {
        return base::Invalid(name + "." + kind + "." + resource + ": " + amount.dump() +
                             " is not a quantity such as \"500m\" or \"1Gi\"");
      }
    }
  }
  return resources;
}

}  // namespace autotune::experiment
