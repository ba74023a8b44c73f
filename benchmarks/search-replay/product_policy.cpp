#include "benchmarks/search-replay/product_policy.h"

#include <algorithm>
#include <cmath>

#include "tuning/search/confirmation.h"
#include "tuning/search/constants.h"

namespace autotune::search_replay {

namespace search = tuning::search;

void ProductPolicy::Begin(TaskView view) {
  view_ = std::move(view);
  observations_ = {};
  in_slot_.assign(static_cast<std::size_t>(view_.slots), std::nullopt);
  up_.clear();
  attempts_.clear();
  confirming_.reset();
  earlier_.clear();
  all_.clear();
}

void ProductPolicy::OnStart(std::size_t candidate, bool ok) {
  observations_.starts.push_back({candidate, ok ? search::StartOutcome::kOk : search::StartOutcome::kCrashed, 0});
  if (ok) {
    up_.insert(candidate);
    return;
  }
  for (auto& slot : in_slot_) {
    if (slot == candidate) slot.reset();
  }
}

void ProductPolicy::OnStep(const StepObservation& o) {
  const search::Candidate& c = view_.space.candidates[o.candidate];
  // Means over all starts of the candidate; a judge that counts each start by itself begins at one again.
  const auto at = std::make_pair(o.candidate, o.load);
  const double n = o.replicates;
  const Total now{o.replicates, n * std::log(o.ttft_ms), n * std::log(o.tpot_ms), n * std::log(o.tok_s_gpu)};
  const Total& before = earlier_[at];
  Total own = now;
  if (o.replicates > before.n) {
    own = {now.n - before.n, now.ln_ttft - before.ln_ttft, now.ln_tpot - before.ln_tpot,
           now.ln_value - before.ln_value};
  }
  all_[at] = now;
  search::Point point;
  point.candidate = o.candidate;
  point.attempt = attempts_[o.candidate];
  point.load = o.load;
  point.measurements = own.n;
  point.ln_ttft_ms = own.ln_ttft / own.n;
  point.ln_tpot_ms = own.ln_tpot / own.n;
  const double gpus = c.features.shape.gpus;
  const double osl = view_.space.workload.output_tokens;
  point.value = std::exp(own.ln_value / own.n);
  point.ln_objective_ms = std::log(1000 * o.load * osl / (point.value * gpus));
  // Are these means? Then throughput follows from them; else the bounds are on something else, such as a p99.
  const double from_means = 1000 * o.load * osl / (o.ttft_ms + (osl - 1) * o.tpot_ms);
  if (std::fabs(from_means / (o.tok_s_gpu * gpus) - 1) > 0.01) view_.bounds.means = false;
  const auto same = [&](const search::Point& p) {
    return p.candidate == point.candidate && p.attempt == point.attempt && p.load == point.load;
  };
  std::erase_if(observations_.points, same);  // it carries the mean over all replicates
  observations_.points.push_back(point);
}

search::Slots ProductPolicy::SlotsFor(std::size_t slot, std::optional<std::size_t> up) const {
  search::Slots slots;
  slots.up = up;
  for (std::size_t s = 0; s < in_slot_.size(); ++s) {
    if (s == slot || !in_slot_[s]) continue;
    search::RunningTrial trial;
    trial.candidate = *in_slot_[s];
    trial.up = up_.contains(trial.candidate);
    // Until its first load, which says most of what it has to say.
    const bool silent = std::none_of(observations_.points.begin(), observations_.points.end(),
                                     [&](const search::Point& p) { return p.candidate == trial.candidate; });
    const double start = trial.up ? 0 : view_.space.candidates[trial.candidate].start_seconds;
    if (silent) trial.seconds_left = start + view_.space.step_seconds;
    slots.running.push_back(trial);
  }
  return slots;
}

Answer ProductPolicy::Start(std::size_t slot, std::size_t candidate) {
  in_slot_[slot] = candidate;
  ++attempts_[candidate];
  for (const auto& [at, total] : all_) {
    if (at.first == candidate) earlier_[at] = total;
  }
  return {Answer::Kind::kStart, candidate, 0, false};
}

Answer ProductPolicy::Finish(std::size_t slot) {
  const search::Conclusion conclusion = search::Conclude(view_.space, view_.bounds, observations_, confirmations_);
  if (conclusion.confirm) {
    confirming_ = {conclusion.confirm->candidate, conclusion.confirm->load, search::constants::kStepsPerConfirmation};
    return Start(slot, conclusion.confirm->candidate);
  }
  if (!conclusion.answer) return {};
  return {Answer::Kind::kStop, conclusion.answer->candidate, conclusion.answer->load, true};
}

Answer ProductPolicy::Ask(std::size_t slot, std::optional<std::size_t> up) {
  if (confirming_ && confirming_->candidate == up && confirming_->left > 0) {
    --confirming_->left;
    return {Answer::Kind::kStep, 0, confirming_->load, false};
  }
  if (confirming_ && confirming_->candidate == up) {
    // Two measurements of a fresh start were agreed on; the search continues from what they say.
    up_.erase(*up);
    in_slot_[slot].reset();
    up.reset();
  }
  confirming_.reset();
  const search::Decision decision =
      search::Decide(view_.space, view_.bounds, view_.prior, observations_, SlotsFor(slot, up), view_.seed);
  if (decision.action == search::Action::kStep) return {Answer::Kind::kStep, 0, decision.step.load, false};
  if (up) {
    observations_.ended.push_back(*up);
    up_.erase(*up);
    in_slot_[slot].reset();
  }
  switch (decision.action) {
    case search::Action::kStart:
      return Start(slot, decision.candidate);
    case search::Action::kWait:
      return {Answer::Kind::kWait, 0, 0, false};
    case search::Action::kStep:
    case search::Action::kStop:
      break;
  }
  return Finish(slot);
}

Answer ProductPolicy::More(std::size_t slot) {
  search::Limits limits;
  limits.exhaust = true;
  const search::Decision decision = search::Decide(view_.space, view_.bounds, view_.prior, observations_,
                                                   SlotsFor(slot, std::nullopt), view_.seed, limits);
  return decision.action == search::Action::kStart ? Start(slot, decision.candidate) : Answer{};
}

}  // namespace autotune::search_replay
