// Offered load: requests in flight (closed loop) or requests/s (open loop), and the plan of loads.
//
// Pure values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::measurement {

enum class LoadKind {
  kConcurrency,  // the next request starts when one ends
  kRequestRate,  // arrivals do not wait for answers
};
std::string_view LoadKindName(LoadKind kind);  // "Concurrency", "RequestRate"
std::optional<LoadKind> LoadKindFromName(std::string_view name);

struct Load {
  LoadKind kind = LoadKind::kConcurrency;
  double value = 0;  // requests in flight (a whole number) or requests/s

  // Text for people: "32 in flight", "8.5 requests/s".
  [[nodiscard]] std::string ToString() const;
  bool operator==(const Load&) const = default;
};
inline Load Concurrency(int requests_in_flight) {
  return {LoadKind::kConcurrency, static_cast<double>(requests_in_flight)};
}
inline Load RequestRate(double requests_per_second) { return {LoadKind::kRequestRate, requests_per_second}; }

// Distribution of the start times of an open loop's requests.
enum class ArrivalProcess {
  kPoisson,
  kConstant,
  kGamma,  // gaps of a gamma distribution of shape `burstiness`: below 1 burstier than Poisson, above 1 more even
  kTrace,  // as recorded, stretched to the rate
};
std::string_view ArrivalProcessName(ArrivalProcess process);  // "Poisson", ...
std::optional<ArrivalProcess> ArrivalProcessFromName(std::string_view name);

struct Arrival {
  ArrivalProcess process = ArrivalProcess::kPoisson;
  double burstiness = 1;  // kGamma only
  bool operator==(const Arrival&) const = default;
};

enum class LoadMode {
  kAutoConcurrency,   // search for the limit by requests in flight
  kAutoRate,          // search for the limit by requests/s
  kFixedConcurrency,  // the given loads, ascending
  kFixedRate,
};
LoadKind KindOf(LoadMode mode);

struct LoadPlan {
  LoadMode mode = LoadMode::kAutoConcurrency;
  // For the two search modes.
  int max = 512;             // maximum requests in flight, in every mode
  double resolution = 0.05;  // relative precision of the highest load
  // For the two fixed modes: the loads, ascending.
  std::vector<double> fixed;
  // For the search modes, if > 0: one more point at the load at which latency objectives compare configurations. If
  // that load is not known yet, it is this share of the requests/s at the limit.
  double reference_share = 0;
  bool operator==(const LoadPlan&) const = default;
};

}  // namespace autotune::measurement
