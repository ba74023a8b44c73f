// Continuous batching as the engines do it, as a discrete-event simulation in virtual seconds.
//
// The caller owns the time: it adds requests, asks when something happens next, and advances. The server advances with
// the real clock and the tests advance as fast as they can: the code and the token times are the same. Modelled: one
// serial front end, steps planned one ahead (asynchronous scheduling), chunked prefill within a token budget, admission
// by KV capacity, preemption by recomputation. Not thread-safe; one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <vector>

#include "simulator/roofline.h"

namespace autotune::simulator {

using RequestId = std::uint64_t;

struct SchedulerLimits {
  int max_sequences = 256;
  int token_budget = 8192;
  std::int64_t kv_tokens = 0;
  bool mixed_steps = true;  // prefill and decode in one step
};

// A token that left the front end.
struct TokenEvent {
  RequestId request = 0;
  double at = 0;
  bool last = false;
};

class Scheduler {
 public:
  Scheduler(const Roofline& roofline, const SchedulerLimits& limits) : roofline_(roofline), limits_(limits) {}

  // The request reaches the front end at `now`, which never goes back. Both counts at least 1; a request larger than
  // the KV cache is the caller's to refuse. `id` is new.
  void Add(RequestId id, int prompt_tokens, int output_tokens, double now);
  // The client went away: no further token of it leaves. Unknown ids are ignored.
  void Abort(RequestId id);

  // When AdvanceTo has something to do next; nullopt = idle.
  [[nodiscard]] std::optional<double> NextEvent() const;
  // Plays everything up to `now` and returns the tokens that left, in order.
  std::vector<TokenEvent> AdvanceTo(double now);

  [[nodiscard]] int running() const { return static_cast<int>(running_.size()); }
  [[nodiscard]] int waiting() const { return static_cast<int>(waiting_.size() + intake_.size()); }
  [[nodiscard]] std::int64_t kv_tokens_used() const { return kv_used_; }
  [[nodiscard]] std::int64_t preemptions() const { return preemptions_; }

 private:
  struct Request {
    int prompt = 0;
    int output = 0;
    int target = 0;   // tokens whose keys and values are needed before the next token: grows by a preemption
    int kv = 0;       // tokens whose keys and values are computed or planned
    int planned = 0;  // output tokens planned so far
    int emitted = 0;  // output tokens whose step has ended
    bool aborted = false;
    [[nodiscard]] bool prefilling() const { return kv < target; }
  };
  struct Step {
    double seconds = 0;
    std::vector<RequestId> outputs;  // requests that get a token when the step ends
  };

  void Arrive(double now);
  std::optional<Step> Plan(double now);
  void PreemptOne(Step* step);
  void Release(RequestId id);
  void FinishStep();

  Roofline roofline_;
  SchedulerLimits limits_;
  std::map<RequestId, Request> requests_;
  std::deque<std::pair<double, RequestId>> intake_;  // front end done at, ascending
  std::deque<RequestId> waiting_;
  std::vector<RequestId> running_;
  double front_end_free_ = 0;
  std::optional<Step> current_;
  double current_ends_ = 0;
  std::optional<Step> next_;
  std::deque<TokenEvent> leaving_;  // planned departures, ascending
  std::int64_t kv_used_ = 0;
  std::int64_t preemptions_ = 0;
};

}  // namespace autotune::simulator
