// A search behind the replay's interface: it gets the information of an operator and returns the next step of a slot.
//
// Both modes, the replay and the line protocol, use the same calls. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuning/search/prior.h"
#include "tuning/search/space.h"

namespace autotune::search_replay {

// Information of a policy at the start of a task.
struct TaskView {
  tuning::search::Space space;
  tuning::search::Bounds bounds;
  tuning::search::Prior prior;
  int slots = 1;
  std::uint64_t seed = 0;
  // For the oracle only: true values by candidate and load. Empty in the line protocol.
  std::vector<std::vector<double>> truth;
};

// "bf16", "fp8", "fp4", "int8", "int4"; anything else counts as bf16.
engine_model::WeightFormat WeightFormatOf(std::string_view precision);

// Keys from the contents of candidates, independent of names and order; equal ones are numbered.
void KeyByContent(tuning::search::Space* space);

struct StepObservation {
  std::size_t candidate = 0;
  double load = 0;
  double ttft_ms = 0, tpot_ms = 0, tok_s_gpu = 0;  // means of logs over the replicates
  int replicates = 1;
};

struct Answer {
  enum class Kind { kStart, kStep, kWait, kStop } kind = Kind::kStop;
  std::size_t candidate = 0;  // kStart; kStop with a choice
  double load = 0;            // kStep; kStop with a choice
  bool has_choice = false;    // kStop
};

class Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;

  virtual void Begin(TaskView view) = 0;
  virtual void OnStart(std::size_t candidate, bool ok) = 0;
  virtual void OnStep(const StepObservation& observation) = 0;
  // `up`: the candidate whose engine is up in this slot.
  virtual Answer Ask(std::size_t slot, std::optional<std::size_t> up) = 0;
  // After a stop: the next candidate that would start. kStart or kStop.
  virtual Answer More(std::size_t slot) = 0;
};

inline constexpr std::string_view kPolicies[] = {"product", "sweep", "random", "prior-rank", "oracle", "tpe"};

// nullptr: no policy of that name. `confirmations`: fresh starts of the answer that the product makes before it stops.
std::unique_ptr<Policy> MakePolicy(std::string_view name, int confirmations);

}  // namespace autotune::search_replay
