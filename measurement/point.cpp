#include "measurement/point.h"

#include <utility>

namespace autotune::measurement {
namespace {

constexpr std::pair<Verdict, std::string_view> kVerdictNames[] = {{Verdict::kMet, "Met"},
                                                                  {Verdict::kMissed, "Missed"},
                                                                  {Verdict::kUndecided, "Undecided"},
                                                                  {Verdict::kClientBound, "ClientBound"},
                                                                  {Verdict::kShortAnswers, "ShortAnswers"}};

constexpr std::pair<PointRole, std::string_view> kRoleNames[] = {{PointRole::kSearch, "Search"},
                                                                 {PointRole::kReference, "Reference"},
                                                                 {PointRole::kConfirmation, "Confirmation"},
                                                                 {PointRole::kSustained, "Sustained"}};

}  // namespace

std::string_view PointRoleName(PointRole role) { return kRoleNames[static_cast<std::size_t>(role)].second; }

std::optional<PointRole> PointRoleFromName(std::string_view name) {
  for (const auto& [role, known] : kRoleNames) {
    if (known == name) return role;
  }
  return std::nullopt;
}

std::string_view VerdictName(Verdict verdict) { return kVerdictNames[static_cast<std::size_t>(verdict)].second; }

std::optional<Verdict> VerdictFromName(std::string_view name) {
  for (const auto& [verdict, known] : kVerdictNames) {
    if (known == name) return verdict;
  }
  return std::nullopt;
}

LowerBounds LowerBounds::FromBits(std::uint32_t bits) {
  LowerBounds out;
  out.bits_ = bits & ((1U << (kMetrics.size() * kStatistics.size())) - 1);
  return out;
}

const Latency& Point::Get(Metric metric) const { return const_cast<Point*>(this)->Get(metric); }

Latency& Point::Get(Metric metric) {
  switch (metric) {
    case Metric::kTtft:
      return ttft;
    case Metric::kTpot:
      return tpot;
    case Metric::kItl:
      return itl;
    case Metric::kE2e:
      break;
  }
  return e2e;
}

std::optional<double> Point::InWindow(Metric metric, Statistic statistic) const {
  for (const WindowValue& value : in_window) {
    if (value.metric == metric && value.statistic == statistic) return value.milliseconds;
  }
  return std::nullopt;
}

std::optional<double> RelativeDeviation(const Point& point, Metric metric) {
  constexpr double kDeviations = 1.96;  // of a 95 % interval's half-width
  const double half = point.relative_ci[static_cast<std::size_t>(metric)];
  if (!(half > 0)) return std::nullopt;
  return half / kDeviations;
}

}  // namespace autotune::measurement
