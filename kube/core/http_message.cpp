#include "kube/core/http_message.h"

#include "base/ascii_case.h"

namespace kube {

std::optional<std::string> Headers::Get(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (base::EqualIgnoringCase(field, name)) return value;
  }
  return std::nullopt;
}

}  // namespace kube
