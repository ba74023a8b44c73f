#include "engine_model/scheduler.h"

#include <algorithm>
#include <cmath>

namespace autotune::engine_model {
namespace {

// Steps that are played at once: few enough that step times may be taken as growing evenly.
constexpr std::int64_t kLongestBulk = 256;

// In [0, 1), the same for the same request and place (SplitMix64's finish).
double Chance(std::uint64_t request, std::uint64_t place) {
  std::uint64_t z = request * 0x9E3779B97F4A7C15U + place * 0xD1B54A32D192ED03U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

std::int64_t Modulo(std::int64_t a, std::int64_t b) { return ((a % b) + b) % b; }

}  // namespace

SchedulerLimits LimitsOf(const Deployment& deployment) {
  SchedulerLimits limits;
  limits.max_sequences = deployment.max_sequences * deployment.data_parallel;
  limits.token_budget = deployment.token_budget * deployment.data_parallel;
  limits.kv_tokens = PlanMemory(deployment).kv_tokens;
  limits.mixed_steps = deployment.mixed_steps;
  limits.chunked_prefill = deployment.chunked_prefill;
  limits.prefix_caching = deployment.prefix_caching;
  limits.block_tokens = deployment.block_tokens;
  limits.speculation = deployment.speculation;
  switch (deployment.engine) {
    case EngineKind::kVllm:
      break;
    case EngineKind::kSglang:
      // SGLang's new_token_ratio (srt/environ.py): 0.7, falling to 0.14 of that over 600 steps.
      limits.reserve = 0.7;
      limits.least_reserve = 0.098;
      limits.reserve_steps = 600;
      limits.most_reserved = 4096;  // CLIP_MAX_NEW_TOKENS
      break;
    case EngineKind::kTensorRtLlm:
      limits.reserve = limits.least_reserve = 1;  // GUARANTEED_NO_EVICT, its default
      break;
  }
  return limits;
}

Scheduler::Scheduler(const Roofline& roofline, const SchedulerLimits& limits, Detail detail)
    : roofline_(roofline),
      limits_(limits),
      detail_(detail),
      tokens_per_step_(limits.speculation.TokensPerStep()),
      pool_(limits.kv_tokens / std::max(1, limits.block_tokens), limits.block_tokens),
      ring_(static_cast<std::size_t>(std::max(1, limits.block_tokens)), 0) {
  // Every decoding sequence takes part in every step that decodes: what would not fit into the budget does not run.
  const int tokens = 1 + std::max(0, limits_.speculation.draft_tokens);
  if (limits_.mixed_steps) limits_.max_sequences = std::min(limits_.max_sequences, limits_.token_budget / tokens);
  limits_.max_sequences = std::max(1, limits_.max_sequences);
}

Scheduler::Slot Scheduler::NewSlot() {
  Slot slot = kNone;
  if (unused_slots_.empty()) {
    slot = static_cast<Slot>(requests_.size());
    requests_.emplace_back();
  } else {
    slot = unused_slots_.back();
    unused_slots_.pop_back();
  }
  return slot;
}

void Scheduler::Add(const NewRequest& added, double now) {
  if (bulk_ > 0) PlayBulk(BulkStartedBefore(now, true));
  const Slot slot = NewSlot();
  Request& request = At(slot);
  request.id = added.id;
  request.serial = ++last_serial_;
  request.state = State::kIntake;
  request.prompt = std::max(1, added.prompt_tokens);
  request.output = std::max(1, added.output_tokens);
  request.target = request.prompt;
  request.computed = request.planned = request.emitted = 0;
  request.started = false;
  request.reads_cache = added.reads_cache;
  request.text.clear();
  if (limits_.prefix_caching) {
    // Whole blocks only.
    for (const TextSegment& segment : added.text) {
      const int tokens = segment.tokens / limits_.block_tokens * limits_.block_tokens;
      if (tokens > 0) request.text.push_back({segment.key, tokens});
      if (tokens != segment.tokens) break;
    }
  }
  by_id_[added.id] = slot;
  front_end_free_ = std::max(front_end_free_, now) + roofline_.RequestIntakeSeconds();
  intake_.emplace_back(front_end_free_ + roofline_.DispatchSeconds(), slot);
  // The step that begins first after the arrival is planned already, the one after it is not.
  if (bulk_ > 0) {
    bulk_ = static_cast<int>(std::min<std::int64_t>(bulk_, 1 + BulkStartedBefore(intake_.back().first, false)));
  }
}

void Scheduler::Abort(RequestId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const Slot slot = found->second;
  std::erase(waiting_, slot);
  std::erase_if(intake_, [&](const auto& entry) { return entry.second == slot; });
  std::erase_if(leaving_, [&](const TokenEvent& event) { return event.request == id; });
  Release(slot);
}

// Gives back the cache; steps that still mention the request skip it.
void Scheduler::Release(Slot slot) {
  Request& request = At(slot);
  switch (request.state) {
    case State::kIntake:
    case State::kWaiting:
      break;
    case State::kDecoding:
      LeaveDecode(slot, State::kFinishing);
      [[fallthrough]];
    case State::kPrefilling:
    case State::kFinishing:
      std::erase(prefilling_, slot);
      FreeBlocks(request);
      Unlink(slot);
      break;
  }
  by_id_.erase(request.id);
  request.serial = 0;
  unused_slots_.push_back(slot);
}

void Scheduler::Link(Slot slot) {
  Request& request = At(slot);
  request.previous = last_;
  request.next = kNone;
  (last_ == kNone ? first_ : At(last_).next) = slot;
  last_ = slot;
  ++running_count_;
}

void Scheduler::Unlink(Slot slot) {
  const Request& request = At(slot);
  (request.previous == kNone ? first_ : At(request.previous).next) = request.next;
  (request.next == kNone ? last_ : At(request.next).previous) = request.previous;
  --running_count_;
}

// Unused last blocks go first: private ones, then shared ones from the end.
void Scheduler::FreeBlocks(Request& request) {
  pool_.GiveBack(request.private_blocks);
  request.private_blocks = 0;
  std::for_each(request.shared.rbegin(), request.shared.rend(), [this](const auto& node) { pool_.Unshare(node); });
  request.shared.clear();
  request.shared_blocks = 0;
}

// What has been computed of the request's text can be found by others from now on.
void Scheduler::PublishText(Request& request, std::int64_t context) {
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < request.text.size(); ++i) {
    const TextSegment& segment = request.text[i];
    tokens += segment.tokens;
    if (tokens > context) break;
    if (i < request.shared.size()) continue;
    BlockPool::Node node = 0;
    if (!pool_.Publish(segment, &node)) break;  // another request computed the same meanwhile
    request.shared.push_back(node);
    const std::int64_t blocks = segment.tokens / pool_.block_tokens();
    request.shared_blocks += blocks;
    request.private_blocks -= blocks;
  }
}

std::optional<double> Scheduler::NextEvent() const {
  std::optional<double> next;
  const auto consider = [&](double at) { next = next ? std::min(*next, at) : at; };
  if (!leaving_.empty()) consider(leaving_.front().at);
  if (current_) {
    consider(bulk_ > 0 ? BulkStart(BulkToPlay()) : current_ends_);
  } else if (!intake_.empty()) {
    consider(intake_.front().first);
  }
  return next;
}

void Scheduler::Arrive(double now) {
  while (!intake_.empty() && intake_.front().first <= now) {
    At(intake_.front().second).state = State::kWaiting;
    waiting_.push_back(intake_.front().second);
    intake_.pop_front();
  }
}

// Tokens that the next `steps` steps add to every decoding sequence: with speculation alternating whole numbers, whose
// mean is that of what is accepted.
std::int64_t Scheduler::Growth(std::int64_t steps) const {
  if (limits_.speculation.draft_tokens <= 0) return steps;
  const auto until = [&](std::int64_t step) {
    return static_cast<std::int64_t>(static_cast<double>(step) * tokens_per_step_);
  };
  return until(decode_step_ + steps) - until(decode_step_);
}

// Tokens that one request really gets in a step.
int Scheduler::Draw(const Request& request, std::int64_t decode_step) const {
  const Speculation& speculation = limits_.speculation;
  int tokens = 1;
  while (tokens <= speculation.draft_tokens &&
         Chance(request.id, static_cast<std::uint64_t>((decode_step - request.join_step) * 64 + tokens)) <
             speculation.acceptance) {
    ++tokens;
  }
  return tokens;
}

// Blocks that all decoding sequences together need to grow by so many tokens.
std::int64_t Scheduler::NewBlocks(std::int64_t clock, std::int64_t growth) const {
  const auto size = static_cast<std::int64_t>(ring_.size());
  std::int64_t blocks = growth / size * decoding_;
  for (std::int64_t i = 0; i < growth % size; ++i) {
    blocks += ring_[static_cast<std::size_t>(Modulo(-(clock + i), size))];
  }
  return blocks;
}

// All of the prompt has been computed when the step that is being planned ends: one token leaves, the rest is decoded.
void Scheduler::JoinDecode(Slot slot, Step* step) {
  Request& request = At(slot);
  ++request.planned;
  const bool finishes = request.planned >= request.output;
  // What left silently before a preemption was not counted (kEdges).
  const int tokens = finishes && detail_ == Detail::kEdges ? request.output : 1;
  step->outputs.push_back({slot, request.serial, tokens, !request.started});
  request.started = true;
  if (finishes) {
    request.state = State::kFinishing;
    return;
  }
  request.state = State::kDecoding;
  request.base = request.target - clock_;
  request.join_step = decode_step_;
  std::int64_t steps = request.output - request.planned;
  if (limits_.speculation.draft_tokens > 0) {
    std::int64_t left = steps;
    for (steps = 0; left > 0; ++steps) left -= Draw(request, decode_step_ + steps);
  }
  request.finish_step = decode_step_ + steps;
  finishes_.push({request.finish_step, slot, request.serial});
  ++decoding_;
  base_sum_ += request.base;
  finish_sum_ += request.finish_step;
  ++ring_[static_cast<std::size_t>(Modulo(request.base, static_cast<std::int64_t>(ring_.size())))];
  // From here on the clock says how many blocks it has.
  request.private_blocks = 0;
}

void Scheduler::LeaveDecode(Slot slot, State state) {
  Request& request = At(slot);
  --decoding_;
  base_sum_ -= request.base;
  finish_sum_ -= request.finish_step;
  --ring_[static_cast<std::size_t>(Modulo(request.base, static_cast<std::int64_t>(ring_.size())))];
  const std::int64_t context = request.base + clock_;
  request.private_blocks = pool_.BlocksOf(context) - request.shared_blocks;
  request.state = state;
  PublishText(request, context);
}

// The latest admitted request gives its cache back and is computed again later, as vLLM does.
void Scheduler::PreemptLast(Step* step) {
  Slot slot = last_;
  while (slot != kNone && At(slot).state == State::kFinishing) slot = At(slot).previous;
  if (slot == kNone) return;
  Request& request = At(slot);
  std::erase_if(step->outputs, [&](const Output& output) { return output.slot == slot; });
  if (request.state == State::kDecoding) {
    int planned = request.planned;
    for (std::int64_t at = request.join_step; at < decode_step_; ++at) {
      planned += limits_.speculation.draft_tokens > 0 ? Draw(request, at) : 1;
    }
    request.planned = std::min(planned, request.output - 1);
    LeaveDecode(slot, State::kWaiting);
  }
  std::erase(prefilling_, slot);
  FreeBlocks(request);
  Unlink(slot);
  request.state = State::kWaiting;
  request.computed = 0;
  request.target = request.prompt + request.planned;
  waiting_.push_front(slot);
  ++totals_.preemptions;
  steps_since_preemption_ = 0;
}

bool Scheduler::Admissible(const Request& request, std::int64_t* hit_tokens, int* hit_segments) const {
  if (running_count_ >= limits_.max_sequences) return false;
  // At least one token is computed, so that there is an output.
  const BlockPool::Found found =
      request.reads_cache ? pool_.Find(request.text, request.target - 1) : BlockPool::Found{};
  *hit_tokens = found.tokens;
  *hit_segments = found.segments;
  if (running_count_ == 0) return true;  // there is nothing to wait for
  std::int64_t needed = pool_.BlocksOf(request.target) - found.tokens / pool_.block_tokens() + found.idle_blocks;
  if (limits_.reserve > 0) {
    const double passed =
        std::min(1.0, static_cast<double>(steps_since_preemption_) / std::max(1, limits_.reserve_steps));
    const double share = limits_.reserve - (limits_.reserve - limits_.least_reserve) * passed;
    const double left = static_cast<double>(finish_sum_ - decoding_ * decode_step_) * tokens_per_step_;
    needed += pool_.BlocksOf(static_cast<std::int64_t>(share * left) +
                             std::min(request.output - request.planned, limits_.most_reserved));
  }
  return needed <= pool_.free();
}

bool Scheduler::Admit(Slot slot) {
  Request& request = At(slot);
  std::int64_t hit_tokens = 0;
  int hit_segments = 0;
  if (!Admissible(request, &hit_tokens, &hit_segments)) return false;
  for (int i = 0; i < hit_segments; ++i) {
    request.shared.push_back(pool_.Share(request.text[static_cast<std::size_t>(i)].key));
  }
  request.shared_blocks = hit_tokens / pool_.block_tokens();
  // The whole prompt, so that two halves never wait for each other.
  request.private_blocks = pool_.BlocksOf(request.target) - request.shared_blocks;
  pool_.Take(request.private_blocks);
  request.computed = static_cast<int>(hit_tokens);
  request.state = State::kPrefilling;
  Link(slot);
  if (request.reads_cache && limits_.prefix_caching) {
    totals_.cache_queries += request.target;
    totals_.cache_hits += hit_tokens;
  }
  return true;
}

void Scheduler::PlanPrefill(Slot slot, int* budget, Step* step, StepLoad* load) {
  Request& request = At(slot);
  int tokens = request.target - request.computed;
  if (limits_.chunked_prefill) {
    tokens = std::min(tokens, *budget);
  } else if (tokens > *budget && load->prefill_tokens > 0) {
    return;  // in a step of its own
  }
  if (tokens <= 0) return;
  load->prefill_tokens += tokens;
  load->prefill_context += tokens * (request.computed + tokens / 2.0);
  request.computed += tokens;
  *budget -= tokens;
  totals_.prefill_tokens += tokens;
  PublishText(request, request.computed);
  if (request.computed >= request.target) {
    std::erase(prefilling_, slot);
    JoinDecode(slot, step);
  }
}

void Scheduler::PlanDecode(Step* step, StepLoad* load) {
  const std::int64_t growth = Growth(1);
  // The only one left may overrun its cache: it would wait for itself.
  while (decoding_ > 0 && running_count_ > 1 && NewBlocks(clock_, growth) > pool_.free()) PreemptLast(step);
  if (decoding_ == 0) return;
  pool_.Take(NewBlocks(clock_, growth));
  load->decode_sequences = static_cast<int>(decoding_);
  load->decode_context = static_cast<double>(base_sum_ + decoding_ * clock_);
  step->decoding = static_cast<int>(decoding_);
  clock_ += growth;
  ++decode_step_;
  ++steps_since_preemption_;
  if (detail_ == Detail::kEveryToken) {
    for (Slot slot = first_; slot != kNone; slot = At(slot).next) {
      Request& request = At(slot);
      if (request.state != State::kDecoding) continue;
      const int tokens = limits_.speculation.draft_tokens > 0 ? Draw(request, decode_step_ - 1) : 1;
      step->outputs.push_back({slot, request.serial, tokens, false});
    }
  } else {
    step->silent = step->decoding;
  }
  if (limits_.speculation.draft_tokens > 0) {
    totals_.drafts += step->decoding;
    totals_.draft_tokens += static_cast<double>(step->decoding) * limits_.speculation.draft_tokens;
    totals_.accepted_tokens += step->decoding * (tokens_per_step_ - 1);
  }
  while (!finishes_.empty() && finishes_.top().step <= decode_step_) {
    const Finish finish = finishes_.top();
    finishes_.pop();
    const Request& request = At(finish.slot);
    // Aborted or preempted meanwhile.
    if (request.serial != finish.serial || request.state != State::kDecoding || request.finish_step != finish.step) {
      continue;
    }
    LeaveDecode(finish.slot, State::kFinishing);
    if (detail_ == Detail::kEdges) {
      step->outputs.push_back({finish.slot, finish.serial, request.output, false});
      --step->silent;
    }
  }
}

std::optional<Scheduler::Step> Scheduler::Plan(double now) {
  Arrive(now);
  Step step;
  StepLoad load;
  int budget = limits_.token_budget;
  // Engines without mixed steps prefill first; decoding pauses meanwhile.
  std::int64_t hit_tokens = 0;
  int hit_segments = 0;
  const bool prefill_only =
      !limits_.mixed_steps &&
      (!prefilling_.empty() || (!waiting_.empty() && Admissible(At(waiting_.front()), &hit_tokens, &hit_segments)));
  if (!prefill_only) {
    PlanDecode(&step, &load);
    if (limits_.mixed_steps) {
      budget -= load.decode_sequences * (1 + std::max(0, limits_.speculation.draft_tokens));
    }
  }
  if (limits_.mixed_steps || prefill_only) {
    const std::vector<Slot> started = prefilling_;
    for (const Slot slot : started) PlanPrefill(slot, &budget, &step, &load);
    while (!waiting_.empty() && budget > 0) {
      const Slot slot = waiting_.front();
      if (!Admit(slot)) break;
      waiting_.pop_front();
      prefilling_.push_back(slot);
      const int before = load.prefill_tokens;
      PlanPrefill(slot, &budget, &step, &load);
      if (load.prefill_tokens == before) break;
    }
  }
  if (load.prefill_tokens == 0 && load.decode_sequences == 0) return std::nullopt;
  step.prefills = load.prefill_tokens > 0;
  step.seconds = roofline_.StepSeconds(load);
  ++totals_.steps;
  return step;
}

void Scheduler::Emit(const Step& step, double end) {
  double leaves = std::max(front_end_free_, end);
  const bool edges = detail_ == Detail::kEdges;
  bool silent_left = false;
  const auto leave_silently = [&] {
    leaves += step.silent * roofline_.TokenEmitSeconds();
    silent_left = true;
    if (step.decoding > 0) {
      const int before = step.decoding - joined_;
      if (before > 0) gaps_.push_back({leaves - last_decode_left_, static_cast<double>(before)});
      if (joined_ > 0) gaps_.push_back({leaves - joined_left_ / joined_, static_cast<double>(joined_)});
      joined_ = 0;
      joined_left_ = 0;
      last_decode_left_ = leaves;
    }
  };
  for (const Output& output : step.outputs) {
    Request& request = At(output.slot);
    if (request.serial != output.serial) continue;                      // aborted meanwhile
    if (edges && output.tokens == 1 && !silent_left) leave_silently();  // finished ones were first
    leaves += roofline_.TokenEmitSeconds();
    const int tokens = std::min(output.tokens, request.output - request.emitted);
    request.emitted += tokens;
    const bool last = request.emitted >= request.output;
    // A preempted request's first token after it is computed again is none that anyone waits for (kEdges).
    if (!edges || output.first || last) leaving_.push_back({request.id, leaves, tokens, last});
    if (last) {
      Release(output.slot);
    } else if (edges) {
      ++joined_;
      joined_left_ += leaves;
    }
  }
  if (edges && !silent_left) leave_silently();
  front_end_free_ = leaves;
}

void Scheduler::BeginStep(double now) {
  if (!current_) return;
  current_ends_ = now + current_->seconds;
  bulk_ = 0;
  if (detail_ == Detail::kEdges) SetBulk(BulkSteps(now));
  if (bulk_ == 0) next_ = Plan(now);
}

void Scheduler::FinishStep() {
  const double end = current_ends_;
  Emit(*current_, end);
  current_ = std::move(next_);
  next_.reset();
  // Nothing was planned ahead: look again, now that requests have finished.
  if (!current_) current_ = Plan(end);
  BeginStep(end);
}

// How many steps after the current one are known to decode the same sequences and nothing else.
int Scheduler::BulkSteps(double now) const {
  if (decoding_ == 0 || !prefilling_.empty() || finishes_.empty()) return 0;
  std::int64_t steps = std::min(kLongestBulk, finishes_.top().step - decode_step_ - 1);
  if (!waiting_.empty()) {
    std::int64_t hit_tokens = 0;
    int hit_segments = 0;
    if (Admissible(At(waiting_.front()), &hit_tokens, &hit_segments)) return 0;
    if (limits_.reserve > limits_.least_reserve) steps = std::min<std::int64_t>(steps, 16);  // it falls
  }
  // Requests that finish in the current step make room when it ends.
  if (running_count_ != decoding_ && !waiting_.empty()) return 0;
  if (!intake_.empty() && intake_.front().first <= now) return 0;
  const double size = static_cast<double>(ring_.size());
  const double growth = std::max(1.0, tokens_per_step_);
  const double room =
      std::floor(static_cast<double>(std::max<std::int64_t>(0, pool_.free())) / static_cast<double>(decoding_));
  steps = std::min(steps, static_cast<std::int64_t>(room * size / growth) - 1);
  return steps >= 2 ? static_cast<int>(steps) : 0;
}

void Scheduler::SetBulk(int steps) {
  bulk_ = steps;
  if (bulk_ == 0) return;
  StepLoad load;
  load.decode_sequences = static_cast<int>(decoding_);
  load.decode_context = static_cast<double>(base_sum_ + decoding_ * clock_);
  bulk_first_ = roofline_.StepSeconds(load);
  load.decode_context += static_cast<double>(decoding_) * tokens_per_step_ * (steps - 1);
  bulk_change_ = (roofline_.StepSeconds(load) - bulk_first_) / (steps - 1);
  if (!intake_.empty()) {
    bulk_ = static_cast<int>(std::min<std::int64_t>(bulk_, 1 + BulkStartedBefore(intake_.front().first, false)));
  }
}

double Scheduler::BulkStart(std::int64_t step) const {
  const auto before = static_cast<double>(step - 1);
  return current_ends_ + before * bulk_first_ + bulk_change_ * before * (before - 1) / 2;
}

// Steps 1..bulk_ that begin before `when`.
std::int64_t Scheduler::BulkStartedBefore(double when, bool inclusive) const {
  std::int64_t low = 0;
  std::int64_t high = bulk_;
  while (low < high) {
    const std::int64_t middle = (low + high + 1) / 2;
    const double start = BulkStart(middle);
    if (inclusive ? start <= when : start < when) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// Plays until step `steps` of the bulk runs: everything is then as if each had been planned on its own.
void Scheduler::PlayBulk(std::int64_t steps) {
  if (steps <= 0) return;
  Emit(*current_, current_ends_);
  const auto sequences = static_cast<double>(decoding_);
  if (steps > 1) {
    // Tokens of step i leave when it has ended and those before have left: a backlog, if there is one, is longest at
    // one of the ends, since the steps get longer.
    const double each = sequences * roofline_.TokenEmitSeconds();
    const auto ended = static_cast<double>(steps - 1);
    const double leaves =
        std::max({front_end_free_ + ended * each, BulkStart(2) + ended * each, BulkStart(steps) + each});
    gaps_.push_back({(leaves - last_decode_left_) / ended, sequences * ended});
    last_decode_left_ = leaves;
    front_end_free_ = leaves;
  }
  const std::int64_t growth = Growth(steps);
  pool_.Take(NewBlocks(clock_, growth));
  clock_ += growth;
  decode_step_ += steps;
  steps_since_preemption_ += steps;
  totals_.steps += steps;
  if (limits_.speculation.draft_tokens > 0) {
    const double drafts = sequences * static_cast<double>(steps);
    totals_.drafts += drafts;
    totals_.draft_tokens += drafts * limits_.speculation.draft_tokens;
    totals_.accepted_tokens += drafts * (tokens_per_step_ - 1);
  }
  const double start = BulkStart(steps);
  Step step;
  step.seconds = bulk_first_ + bulk_change_ * static_cast<double>(steps - 1);
  step.silent = step.decoding = static_cast<int>(decoding_);
  bulk_ -= static_cast<int>(steps);
  bulk_first_ = step.seconds + bulk_change_;
  current_ = std::move(step);
  current_ends_ = start + current_->seconds;
  if (bulk_ == 0) next_ = Plan(start);
}

std::span<const TokenEvent> Scheduler::AdvanceTo(double now) {
  left_.clear();
  while (const std::optional<double> event = NextEvent()) {
    if (*event > now) break;
    if (!leaving_.empty() && leaving_.front().at <= *event) {
      left_.push_back(leaving_.front());
      leaving_.pop_front();
    } else if (current_) {
      if (bulk_ > 0) {
        PlayBulk(BulkToPlay());
      } else {
        FinishStep();
      }
    } else {
      current_ = Plan(*event);
      BeginStep(*event);
    }
  }
  return left_;
}

}  // namespace autotune::engine_model
