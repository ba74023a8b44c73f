#include "measurement/load.h"

#include <cstdio>
#include <utility>

#include "measurement/number_text.h"

namespace autotune::measurement {
namespace {

constexpr std::pair<LoadKind, std::string_view> kKindNames[] = {{LoadKind::kConcurrency, "Concurrency"},
                                                                {LoadKind::kRequestRate, "RequestRate"}};
constexpr std::pair<ArrivalProcess, std::string_view> kProcessNames[] = {{ArrivalProcess::kPoisson, "Poisson"},
                                                                         {ArrivalProcess::kConstant, "Constant"},
                                                                         {ArrivalProcess::kGamma, "Gamma"},
                                                                         {ArrivalProcess::kTrace, "Trace"}};

}  // namespace

std::string_view LoadKindName(LoadKind kind) { return kKindNames[static_cast<std::size_t>(kind)].second; }

std::optional<LoadKind> LoadKindFromName(std::string_view name) {
  for (const auto& [kind, known] : kKindNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::string Load::ToString() const {
  char text[64];
  switch (kind) {
    case LoadKind::kConcurrency:
      std::snprintf(text, sizeof text, "%.0f in flight", value);
      break;
    case LoadKind::kRequestRate:
      return FourDigits(value) + " requests/s";
  }
  return text;
}

std::string_view ArrivalProcessName(ArrivalProcess process) {
  return kProcessNames[static_cast<std::size_t>(process)].second;
}

std::optional<ArrivalProcess> ArrivalProcessFromName(std::string_view name) {
  for (const auto& [process, known] : kProcessNames) {
    if (known == name) return process;
  }
  return std::nullopt;
}

LoadKind KindOf(LoadMode mode) {
  switch (mode) {
    case LoadMode::kAutoConcurrency:
    case LoadMode::kFixedConcurrency:
      return LoadKind::kConcurrency;
    case LoadMode::kAutoRate:
    case LoadMode::kFixedRate:
      return LoadKind::kRequestRate;
  }
  return LoadKind::kConcurrency;
}

}  // namespace autotune::measurement
