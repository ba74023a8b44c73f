// Packing of starts into free GPUs, and reservation of GPUs for a better start.
//
// Different GPU counts are packed as in batch schedulers (EASY backfilling): if the best start does not fit and has a
// much higher score than those that fit, its GPUs are reserved. Only trials that end before these become free may then
// use them. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace autotune::tuning::search {

// A trial that runs in another slot.
struct RunningTrial {
  std::size_t candidate = 0;
  bool up = false;  // the engine answers
  int gpus = 1;
  std::size_t node = 0;              // index into Slots::free_gpus
  double seconds_left = 0;           // expected time until its next result; 0 = not known
  double committed_gpu_seconds = 0;  // maximum further cost
};

struct Slots {
  // The candidate whose engine runs in the asking slot; nullopt: the slot is empty.
  std::optional<std::size_t> up;
  std::vector<RunningTrial> running;  // in other slots
  // Free GPUs by node, including those of the asking slot. nullopt: everything fits.
  std::optional<std::vector<int>> free_gpus;
  // Type of GPU of each node (Features::gpu); empty: only one type.
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

// Index of the offer to start now; nullopt: wait, because nothing fits or GPUs are reserved for a better start.
// REQUIRES: offers are sorted by score, best first.
std::optional<std::size_t> PickFitting(const std::vector<StartOffer>& offers, const Slots& slots);

// Maximum number of parallel trials: as many as the cluster fits, at most 4, a tenth of the candidates, and a third of
// the allowed trials, so that measurements can still guide the search. At least 1.
int DefaultSlots(int cluster_slots, std::size_t candidates, double trials);

}  // namespace autotune::tuning::search
