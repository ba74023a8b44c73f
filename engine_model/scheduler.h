// Continuous batching as in the engines: a discrete-event simulation in virtual seconds.
//
// The caller controls the time: it adds requests, asks for the time of the next event, and advances. The simulated
// engine advances with the real clock, predictions as fast as possible. Modelled: one serial front end, steps planned
// one ahead (asynchronous scheduling), chunked prefill within a token budget, admission by KV cache and number of
// sequences, preemption by recomputation, prefix caching, speculative decoding. Not thread-safe; one owner.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <queue>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine_model/block_pool.h"
#include "engine_model/roofline.h"

namespace autotune::engine_model {

using RequestId = std::uint64_t;

struct SchedulerLimits {
  int max_sequences = 256;
  int token_budget = 8192;
  std::int64_t kv_tokens = 0;
  bool mixed_steps = true;      // prefill and decode in one step
  bool chunked_prefill = true;  // false: a prompt is computed in one step
  bool prefix_caching = false;
  int block_tokens = 16;
  // Share of the tokens that running requests may still generate for which admission keeps cache free: `reserve` at
  // first and after a preemption, falling to `least_reserve` over `reserve_steps` decoding steps.
  double reserve = 0;
  double least_reserve = 0;
  int reserve_steps = 1;
  int most_reserved = std::numeric_limits<int>::max();  // maximum for the admitted request
  Speculation speculation;
};
// Limits of all replicas together, with the cache from PlanMemory.
SchedulerLimits LimitsOf(const Deployment& deployment);

struct NewRequest {
  RequestId id = 0;  // not used before
  int prompt_tokens = 1;
  int output_tokens = 1;
  // Text that other requests may share, from the beginning: the prompt, then the answer if it is known. Only used
  // during Add.
  std::span<const TextSegment> text;
  bool reads_cache = true;  // false: the whole prompt is computed (vLLM: log-probabilities of a prompt)
};

// Tokens of one request that leave the front end together.
struct TokenEvent {
  RequestId request = 0;
  double at = 0;
  int tokens = 1;
  bool last = false;
};

// Number of equal times between two output events of one request.
struct TokenGap {
  double seconds = 0;
  double count = 0;
};

class Scheduler {
 public:
  // kEdges: gives only the first and the last event of each request and the distribution of gaps (TakeGaps), and
  // simulates equal steps at once: a thousand times as fast. The order of tokens within a step may differ.
  enum class Detail { kEveryToken, kEdges };

  Scheduler(const Roofline& roofline, const SchedulerLimits& limits, Detail detail = Detail::kEveryToken);

  // The request reaches the front end at `now`. REQUIRES: `now` does not decrease and is not before the last AdvanceTo;
  // both token counts are at least 1; the request fits into the KV cache.
  void Add(const NewRequest& request, double now);
  void Add(RequestId id, int prompt_tokens, int output_tokens, double now) {
    Add({id, prompt_tokens, output_tokens, {}, true}, now);
  }
  // The client disconnected: no further token of the request leaves. Ignores unknown ids. REQUIRES: kEveryToken.
  void Abort(RequestId id);

  // Time at which AdvanceTo has something to do; nullopt = idle.
  [[nodiscard]] std::optional<double> NextEvent() const;
  // Simulates up to `now` and returns the tokens that left, in order. The span is valid until the next call.
  std::span<const TokenEvent> AdvanceTo(double now);
  // Gaps since the last call. REQUIRES: kEdges.
  std::vector<TokenGap> TakeGaps() { return std::exchange(gaps_, {}); }

  [[nodiscard]] int running() const { return running_count_; }
  [[nodiscard]] int free_places() const { return limits_.max_sequences - running_count_; }
  [[nodiscard]] int waiting() const { return static_cast<int>(waiting_.size() + intake_.size()); }
  [[nodiscard]] std::int64_t kv_tokens_used() const { return pool_.used() * pool_.block_tokens(); }
  [[nodiscard]] double kv_usage() const {
    return pool_.capacity() > 0 ? static_cast<double>(pool_.used()) / static_cast<double>(pool_.capacity()) : 0;
  }
  [[nodiscard]] std::int64_t decode_context() const { return base_sum_ + decoding_ * clock_; }

  // Totals since construction.
  struct Totals {
    std::int64_t steps = 0;
    std::int64_t preemptions = 0;
    std::int64_t cache_queries = 0;  // prompt tokens that were looked up
    std::int64_t cache_hits = 0;     // ... and found
    std::int64_t prefill_tokens = 0;
    double drafts = 0;  // number of (step, sequence) pairs with drafts
    double draft_tokens = 0;
    double accepted_tokens = 0;
  };
  [[nodiscard]] const Totals& totals() const { return totals_; }

 private:
  using Slot = int;
  static constexpr Slot kNone = -1;
  enum class State { kIntake, kWaiting, kPrefilling, kDecoding, kFinishing };

  struct Request {
    RequestId id = 0;
    std::uint64_t serial = 0;  // unique for each use of the slot
    State state = State::kIntake;
    int prompt = 0;
    int output = 0;
    int target = 0;    // tokens whose keys and values the next token needs; grows with a preemption
    int computed = 0;  // of them
    int planned = 0;   // output tokens planned so far; while decoding, those before it began
    int emitted = 0;   // output tokens whose step has ended
    bool reads_cache = true;
    bool started = false;  // its first token has left
    std::vector<TextSegment> text;
    std::vector<BlockPool::Node> shared;  // leading segments in use
    std::int64_t shared_blocks = 0;
    std::int64_t private_blocks = 0;  // while prefilling and finishing
    // While decoding, all sequences grow together, so each is stored relative to a common clock.
    std::int64_t base = 0;                // context - clock_
    std::int64_t join_step = 0;           // decode_step_ before its first decoding step
    std::int64_t finish_step = 0;         // decode_step_ after its last
    Slot previous = kNone, next = kNone;  // in order of admission
  };
  struct Output {
    Slot slot = kNone;
    std::uint64_t serial = 0;
    int tokens = 1;
    bool first = false;
  };
  struct Step {
    double seconds = 0;
    std::vector<Output> outputs;  // requests that get tokens when the step ends
    int silent = 0;               // number of further requests without events (kEdges)
    int decoding = 0;
    bool prefills = false;
  };
  struct Finish {
    std::int64_t step = 0;
    Slot slot = kNone;
    std::uint64_t serial = 0;
    bool operator>(const Finish& other) const { return step != other.step ? step > other.step : serial > other.serial; }
  };

  Request& At(Slot slot) { return requests_[static_cast<std::size_t>(slot)]; }
  [[nodiscard]] const Request& At(Slot slot) const { return requests_[static_cast<std::size_t>(slot)]; }
  Slot NewSlot();
  void Arrive(double now);
  std::optional<Step> Plan(double now);
  void PlanDecode(Step* step, StepLoad* load);
  void PlanPrefill(Slot slot, int* budget, Step* step, StepLoad* load);
  bool Admit(Slot slot);
  [[nodiscard]] bool Admissible(const Request& request, std::int64_t* hit_tokens, int* hit_segments) const;
  [[nodiscard]] std::int64_t NewBlocks(std::int64_t clock, std::int64_t growth) const;
  [[nodiscard]] std::int64_t Growth(std::int64_t steps) const;
  [[nodiscard]] int Draw(const Request& request, std::int64_t decode_step) const;
  void JoinDecode(Slot slot, Step* step);
  void LeaveDecode(Slot slot, State state);
  void PublishText(Request& request, std::int64_t context);
  void FreeBlocks(Request& request);
  void PreemptLast(Step* step);
  void Link(Slot slot);
  void Unlink(Slot slot);
  void Release(Slot slot);
  void Emit(const Step& step, double end);
  void FinishStep();
  void BeginStep(double now);

  // Equal steps ahead (kEdges): steps 1..bulk_ follow current_.
  [[nodiscard]] int BulkSteps(double now) const;
  [[nodiscard]] double BulkStart(std::int64_t step) const;  // seconds; `step` is in 1..bulk_ + 1
  [[nodiscard]] std::int64_t BulkStartedBefore(double when, bool inclusive) const;
  void SetBulk(int steps);
  // If a request waits for the current step's tokens: only up to its end.
  [[nodiscard]] std::int64_t BulkToPlay() const { return current_->outputs.empty() ? bulk_ : 1; }
  void PlayBulk(std::int64_t steps);

  Roofline roofline_;
  SchedulerLimits limits_;
  Detail detail_;
  double tokens_per_step_ = 1;
  BlockPool pool_;

  std::vector<Request> requests_;
  std::vector<Slot> unused_slots_;
  std::unordered_map<RequestId, Slot> by_id_;
  std::uint64_t last_serial_ = 0;

  std::deque<std::pair<double, Slot>> intake_;  // requests by the time at which the front end is done, ascending
  std::deque<Slot> waiting_;
  std::vector<Slot> prefilling_;  // in order of admission
  Slot first_ = kNone, last_ = kNone;
  int running_count_ = 0;

  // Decoding sequences, all of which take every decoding step.
  std::int64_t clock_ = 0;        // tokens by which each has grown since the beginning
  std::int64_t decode_step_ = 0;  // planned so far
  std::int64_t decoding_ = 0;
  std::int64_t base_sum_ = 0;
  std::int64_t finish_sum_ = 0;
  std::vector<std::int64_t> ring_;  // number of sequences by base modulo the block size: those that need a block next
  std::priority_queue<Finish, std::vector<Finish>, std::greater<>> finishes_;
  std::int64_t steps_since_preemption_ = 0;

  double front_end_free_ = 0;
  std::optional<Step> current_;
  double current_ends_ = 0;
  std::optional<Step> next_;
  int bulk_ = 0;
  double bulk_first_ = 0, bulk_change_ = 0;  // duration of the first of them, and its increase per step, in seconds
  double last_decode_left_ = 0;
  int joined_ = 0;                  // sequences whose first gap ends with the next decoding step,
  double joined_left_ = 0;          // sum of the begins of these gaps
  std::deque<TokenEvent> leaving_;  // planned departures, ascending
  std::vector<TokenEvent> left_;
  std::vector<TokenGap> gaps_;
  Totals totals_;
};

}  // namespace autotune::engine_model
