#include "simulator/scheduler.h"

#include <algorithm>

namespace autotune::simulator {

void Scheduler::Add(RequestId id, int prompt_tokens, int output_tokens, double now) {
  Request request;
  request.prompt = prompt_tokens;
  request.output = output_tokens;
  request.target = prompt_tokens;
  requests_.emplace(id, request);
  front_end_free_ = std::max(front_end_free_, now) + roofline_.RequestIntakeSeconds();
  intake_.emplace_back(front_end_free_ + roofline_.DispatchSeconds(), id);
}

void Scheduler::Abort(RequestId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  Request& request = found->second;
  request.aborted = true;
  const auto waiting = std::find(waiting_.begin(), waiting_.end(), id);
  if (waiting != waiting_.end()) waiting_.erase(waiting);
  std::erase_if(intake_, [&](const auto& entry) { return entry.second == id; });
  std::erase_if(leaving_, [&](const TokenEvent& event) { return event.request == id; });
  Release(id);
}

// Gives back the cache; steps that still mention the request skip it.
void Scheduler::Release(RequestId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  const auto running = std::find(running_.begin(), running_.end(), id);
  if (running != running_.end()) {
    kv_used_ -= found->second.kv;
    running_.erase(running);
  }
  requests_.erase(found);
}

std::optional<double> Scheduler::NextEvent() const {
  std::optional<double> next;
  const auto consider = [&](double at) { next = next ? std::min(*next, at) : at; };
  if (!leaving_.empty()) consider(leaving_.front().at);
  if (current_) {
    consider(current_ends_);
  } else if (!intake_.empty()) {
    consider(intake_.front().first);
  }
  return next;
}

void Scheduler::Arrive(double now) {
  while (!intake_.empty() && intake_.front().first <= now) {
    waiting_.push_back(intake_.front().second);
    intake_.pop_front();
  }
}

// The latest admitted request gives its cache back and is computed again later, as vLLM does.
void Scheduler::PreemptOne(Step* step) {
  const RequestId id = running_.back();
  Request& request = requests_.at(id);
  std::erase(step->outputs, id);
  kv_used_ -= request.kv;
  request.kv = 0;
  request.target = request.prompt + request.planned;
  running_.pop_back();
  waiting_.push_front(id);
  ++preemptions_;
}

std::optional<Scheduler::Step> Scheduler::Plan(double now) {
  Arrive(now);
  Step step;
  StepLoad load;
  int budget = limits_.token_budget;
  const auto prefill = [&](RequestId id, Request& request) {
    const std::int64_t room = limits_.kv_tokens - kv_used_;
    const int tokens = static_cast<int>(std::min<std::int64_t>({budget, request.target - request.kv, room}));
    if (tokens <= 0) return;
    load.prefill_tokens += tokens;
    load.prefill_context += tokens * (request.kv + tokens / 2.0);
    request.kv += tokens;
    kv_used_ += tokens;
    budget -= tokens;
    if (!request.prefilling() && request.planned < request.output) {
      ++request.planned;
      step.outputs.push_back(id);
    }
  };

  const bool any_prefill = !waiting_.empty() || std::any_of(running_.begin(), running_.end(), [&](RequestId id) {
    return requests_.at(id).prefilling();
  });
  // Engines without mixed steps prefill first; decoding pauses meanwhile.
  const bool may_admit = static_cast<int>(running_.size()) < limits_.max_sequences;
  const bool prefill_only =
      !limits_.mixed_steps && any_prefill && (may_admit || waiting_.empty()) && limits_.kv_tokens > kv_used_;

  for (std::size_t i = 0; i < running_.size(); ++i) {
    const RequestId id = running_[i];
    Request& request = requests_.at(id);
    if (request.prefilling()) {
      prefill(id, request);
      continue;
    }
    if (prefill_only || request.planned >= request.output || budget <= 0) continue;
    while (kv_used_ >= limits_.kv_tokens && running_.size() > i + 1) PreemptOne(&step);
    ++load.decode_sequences;
    load.decode_context += request.kv;
    ++request.kv;
    ++kv_used_;
    --budget;
    ++request.planned;
    step.outputs.push_back(id);
  }
  while (!waiting_.empty() && budget > 0 && static_cast<int>(running_.size()) < limits_.max_sequences) {
    const RequestId id = waiting_.front();
    Request& request = requests_.at(id);
    // Admission asks for the whole prompt, so that two halves never wait for each other.
    if (kv_used_ + request.target > limits_.kv_tokens) break;
    waiting_.pop_front();
    running_.push_back(id);
    prefill(id, request);
  }
  if (load.prefill_tokens == 0 && load.decode_sequences == 0) return std::nullopt;
  step.seconds = roofline_.StepSeconds(load);
  return step;
}

void Scheduler::FinishStep() {
  const double end = current_ends_;
  double leaves = std::max(front_end_free_, end);
  for (const RequestId id : current_->outputs) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) continue;  // aborted meanwhile
    leaves += roofline_.TokenEmitSeconds();
    const bool last = ++found->second.emitted >= found->second.output;
    leaving_.push_back({id, leaves, last});
    if (last) Release(id);
  }
  front_end_free_ = leaves;
  current_ = std::move(next_);
  next_.reset();
  // Nothing was planned ahead: look again, now that requests have finished.
  if (!current_) current_ = Plan(end);
  if (current_) {
    current_ends_ = end + current_->seconds;
    next_ = Plan(end);
  }
}

std::vector<TokenEvent> Scheduler::AdvanceTo(double now) {
  std::vector<TokenEvent> left;
  while (const std::optional<double> event = NextEvent()) {
    if (*event > now) break;
    if (!leaving_.empty() && leaving_.front().at <= *event) {
      left.push_back(leaving_.front());
      leaving_.pop_front();
    } else if (current_) {
      FinishStep();
    } else {
      current_ = Plan(*event);
      if (current_) {
        current_ends_ = *event + current_->seconds;
        next_ = Plan(*event);
      }
    }
  }
  return left;
}

}  // namespace autotune::simulator
