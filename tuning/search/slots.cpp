#include "tuning/search/slots.h"

#include <algorithm>
#include <limits>

#include "tuning/search/constants.h"

namespace autotune::tuning::search {
namespace {

bool IsOfType(const Slots& slots, std::size_t node, std::size_t gpu) {
  return slots.node_types.empty() || slots.node_types[node] == gpu;
}

bool Fits(const Slots& slots, const std::vector<int>& free_gpus, const StartOffer& offer) {
  for (std::size_t node = 0; node < free_gpus.size(); ++node) {
    if (free_gpus[node] >= offer.gpus && IsOfType(slots, node, offer.gpu)) return true;
  }
  return false;
}

// The node that has the GPUs of an offer free first, and when; trials end in the order of their expected ends.
// REQUIRES: the offer does not fit now.
struct Reservation {
  std::size_t node = 0;
  double seconds = std::numeric_limits<double>::infinity();
};

Reservation Reserve(const Slots& slots, const StartOffer& offer) {
  Reservation best;
  for (std::size_t node = 0; node < slots.free_gpus->size(); ++node) {
    if (!IsOfType(slots, node, offer.gpu)) continue;
    std::vector<RunningTrial> here;
    for (const RunningTrial& t : slots.running) {
      if (t.node == node) here.push_back(t);
    }
    std::ranges::sort(here, {}, &RunningTrial::seconds_left);
    int free = (*slots.free_gpus)[node];
    for (const RunningTrial& t : here) {
      free += t.gpus;
      if (free >= offer.gpus && t.seconds_left < best.seconds) best = {node, t.seconds_left};
    }
  }
  return best;
}

}  // namespace

std::optional<std::size_t> PickFitting(const std::vector<StartOffer>& offers, const Slots& slots) {
  if (offers.empty()) return std::nullopt;
  if (!slots.free_gpus) return offers.front().candidate;
  const std::vector<int>& free_gpus = *slots.free_gpus;
  const auto first =
      std::find_if(offers.begin(), offers.end(), [&](const StartOffer& o) { return Fits(slots, free_gpus, o); });
  if (first == offers.end()) return std::nullopt;
  const StartOffer& best = offers.front();
  if (first == offers.begin() || best.score <= constants::kReserveFactor * first->score) return first->candidate;
  const Reservation reservation = Reserve(slots, best);
  if (reservation.seconds == std::numeric_limits<double>::infinity()) return first->candidate;  // it never fits
  std::vector<int> elsewhere = free_gpus;
  elsewhere[reservation.node] = 0;
  for (auto offer = first; offer != offers.end(); ++offer) {
    if (Fits(slots, elsewhere, *offer)) return offer->candidate;
    if (Fits(slots, free_gpus, *offer) && offer->seconds <= reservation.seconds) return offer->candidate;
  }
  return std::nullopt;
}

int DefaultSlots(int cluster_slots, std::size_t candidates, double trials) {
  const int by_space = static_cast<int>(candidates) / constants::kCandidatesPerSlot;
  const int by_budget =
      static_cast<int>(std::min(trials / constants::kRounds, static_cast<double>(constants::kMostSlots)));
  return std::max(1, std::min({cluster_slots, constants::kMostSlots, by_space, by_budget}));
}

}  // namespace autotune::tuning::search
