#include "tuning/search/at_rate.h"

#include <algorithm>
#include <cmath>

namespace autotune::tuning::search {

std::optional<InFlight> PlaceOf(const std::vector<double>& loads, double load) {
  const auto at = std::lower_bound(loads.begin(), loads.end(), load);
  if (at == loads.end()) return std::nullopt;
  const auto above = static_cast<std::size_t>(at - loads.begin());
  if (*at == load) return InFlight{above, above, 0, load};
  if (above == 0) return std::nullopt;
  return InFlight{above - 1, above, std::log(load / loads[above - 1]) / std::log(loads[above] / loads[above - 1]),
                  load};
}

std::optional<InFlight> MeetRate(const std::vector<double>& loads, const std::vector<double>& ln_e2e_ms,
                                 double requests_per_second) {
  const double ln_rate = std::log(requests_per_second / 1000);  // per millisecond
  // How many more are in flight there than the rate leads to, in ln.
  const auto excess = [&](std::size_t i) { return std::log(loads[i]) - ln_rate - ln_e2e_ms[i]; };
  double before = 0;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const double now = excess(i);
    if (now < 0) {
      before = now;
      continue;
    }
    if (i == 0) return InFlight{0, 0, 0, loads[0]};
    const double share = before / (before - now);
    return InFlight{i - 1, i, share, loads[i - 1] * std::pow(loads[i] / loads[i - 1], share)};
  }
  return std::nullopt;
}

double LnE2eOf(const Space& space, double ln_ttft, double ln_tpot, double ln_objective) {
  const double further_tokens = std::max(0.0, space.workload.output_tokens - 1);
  switch (space.objective) {
    case Objective::kTtft:
      return std::log(std::exp(ln_objective) + further_tokens * std::exp(ln_tpot));
    case Objective::kTpot:
      return std::log(std::exp(ln_ttft) + further_tokens * std::exp(ln_objective));
    case Objective::kThroughput:
    case Objective::kE2e:
      break;
  }
  return ln_objective;
}

}  // namespace autotune::tuning::search
