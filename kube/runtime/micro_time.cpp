#include "kube/runtime/micro_time.h"

#include <chrono>
#include <cstdio>

namespace kube::runtime {

std::string FormatMicroTime(base::WallTime time) {
  std::string text = base::FormatRfc3339(time);
  const auto since = time.time_since_epoch();
  const auto fraction = since - std::chrono::floor<std::chrono::seconds>(since);
  char decimals[16];
  std::snprintf(decimals, sizeof decimals, ".%03d000Z", static_cast<int>(fraction.count()));
  text.pop_back();  // Z
  return text + decimals;
}

}  // namespace kube::runtime
