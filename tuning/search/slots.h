// Packing of starts into free GPUs, and reservation of GPUs for a better start.
//
// Mixed GPU counts are packed as batch schedulers do (EASY back-filling): where the best start does not fit and is
// worth much more than what fits, its GPUs are reserved, and only trials that end before they would be free may run
// there. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace autotune::tuning::search {

// A trial that occupies GPUs elsewhere.
struct RunningTrial {
  std::size_t candidate = 0;
  bool up = false;  // the engine answers
  int gpus = 1;
  std::size_t node = 0;              // index into Slots::free_gpus
  double seconds_left = 0;           // expected, until it says something; 0 = not known
  double committed_gpu_seconds = 0;  // maximum further cost
};

struct Slots {
  // The candidate whose engine is up in the slot that asks; nullopt: the slot is empty.
  std::optional<std::size_t> up;
  std::vector<RunningTrial> running;  // in other slots
  // Free GPUs by node, a slot's own included. nullopt: everything fits.
  std::optional<std::vector<int>> free_gpus;
  // The type of GPU of each node (Features::gpu); empty: there is only one type.
  std::vector<std::size_t> node_types;
  // Types of GPU that have no slot left for another start.
  std::vector<std::size_t> full_types;

  [[nodiscard]] bool HasSlot(std::size_t gpu) const { return std::ranges::find(full_types, gpu) == full_types.end(); }
};

struct StartOffer {
  std::size_t candidate = 0;
  int gpus = 1;
  double seconds = 0;   // expected
  double score = 0;     // higher is better
  std::size_t gpu = 0;  // its type
};

// The offer to start now; nullopt: wait, because nothing fits or because GPUs are kept for a better start. Offers
// sorted by score, best first.
std::optional<std::size_t> PickFitting(const std::vector<StartOffer>& offers, const Slots& slots);

// Maximum number of parallel trials: as many as fit on the cluster, at most 4, at most a tenth of the candidates, and
// at most a third of the allowed trials, so that measurements can still steer the search.
int DefaultSlots(int cluster_slots, std::size_t candidates, double trials);

}  // namespace autotune::tuning::search
