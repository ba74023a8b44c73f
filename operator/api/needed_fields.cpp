#include "operator/api/needed_fields.h"

#include <algorithm>
#include <array>
#include <string>

namespace autotune::api {
namespace {

// With everything inside them.
constexpr std::array<std::string_view, 43> kNeeded = {
    "status.observedGeneration",
    "status.rulesVersion",
    "status.state",
    "status.conditions",
    "status.model",
    "status.modelSource",
    "status.inspection",
    "status.models",
    "status.expandedFor",
    "status.gpu.product",
    "status.gpu.computeCapability",
    "status.gpu.memoryBytes",
    "status.gpu.shared",
    "status.gpus[].name",
    "status.gpus[].product",
    "status.gpus[].computeCapability",
    "status.gpus[].memoryBytes",
    "status.gpus[].shared",
    "status.gpus[].unavailable",
    "status.deployed",
    "status.search.stopped",
    "status.recommendation.configMap",
    "status.startedAt",
    "status.finishedAt",
    "status.experiments[].name",
    "status.experiments[].hash",
    "status.experiments[].state",
    "status.experiments[].model",
    "status.experiments[].runtime",
    "status.experiments[].gpu",
    "status.experiments[].gpus",
    "status.experiments[].quant",
    "status.experiments[].baseline",
    "status.experiments[].deployed",
    "status.experiments[].confirms",
    "status.experiments[].allowedSeconds",
    "status.experiments[].attempts",
    "status.experiments[].failures",
    "status.experiments[].retryAt",
    "status.experiments[].reason",
    "status.experiments[].stopped",
    "status.experiments[].startedAt",
    "status.experiments[].loads[].scenario",
};

// "a[2].b" -> "a[].b"
std::string WithoutIndices(std::string_view path) {
  std::string out;
  bool index = false;
  for (const char c : path) {
    if (c == ']') index = false;
    if (!index) out += c;
    if (c == '[') index = true;
  }
  return out;
}

bool IsWithin(std::string_view path, std::string_view outer) {
  if (!path.starts_with(outer)) return false;
  return path.size() == outer.size() || path[outer.size()] == '.' || path[outer.size()] == '[';
}

}  // namespace

bool IsNeededToContinue(std::string_view path) {
  const std::string field = WithoutIndices(path);
  return std::ranges::any_of(
      kNeeded, [&](std::string_view needed) { return IsWithin(field, needed) || IsWithin(needed, field); });
}

}  // namespace autotune::api
