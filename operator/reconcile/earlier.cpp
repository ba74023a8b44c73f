#include "operator/reconcile/earlier.h"

#include <algorithm>
#include <set>
#include <utility>

#include "measurement/load_search.h"
#include "operator/reconcile/track.h"
#include "operator/reconcile/verdict.h"

namespace autotune::reconcile {
namespace {

// Each holds up to 100 KiB until the task is expanded.
constexpr std::size_t kMostTasks = 16;

bool SameModel(const ReuseQuery& query, const std::string& name, const std::vector<api::ModelStatus>& others) {
  const auto named = [&](const api::ModelStatus& model) { return model.name == name; };
  const auto own = std::ranges::find_if(query.models, named);
  const auto other = std::ranges::find_if(others, named);
  // The commit is one of the facts: a branch that has moved is another model.
  return own != query.models.end() && other != others.end() && own->facts && own->facts == other->facts;
}

bool EndedForGood(const api::ExperimentStatus& entry) {
  if (entry.state == api::ExperimentState::kSucceeded) return !entry.loads.empty();
  return entry.state == api::ExperimentState::kFailed && !MayEndDifferently(entry);
}

bool WasCutBy(const api::ExperimentStatus& entry, measurement::StopReason reason) {
  return entry.stopped.find(measurement::StopReasonName(reason)) != std::string::npos;
}

}  // namespace

std::optional<EarlierTask> EarlierFrom(const api::AutotuneTask& task, const ReuseQuery& query) {
  const api::TaskStatus& status = task.status;
  if (task.metadata.uid == query.uid || !IsOver(status.state) || !status.expanded_for) {
    return std::nullopt;
  }
  // Hashes of two schemes say nothing about each other.
  if (status.expanded_for->hash_scheme != query.asked.hash_scheme) return std::nullopt;
  const auto same_conditions = [&](const api::ExperimentStatus& entry) {
    const auto then = status.expanded_for->runtimes.find(api::MeasuredWith(entry));
    if (then == status.expanded_for->runtimes.end() || !SameModel(query, entry.model, status.models)) return false;
    // Types of GPU may have other names there.
    return std::ranges::any_of(query.asked.runtimes, [&](const auto& now) {
      const bool same_runtime =
          now.first.substr(0, now.first.find('@')) == api::MeasuredWith(entry.runtime, entry.model, "");
      return same_runtime && now.second == then->second;
    });
  };
  EarlierTask out;
  out.name = task.metadata.name;
  out.finished_at = status.finished_at;
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (status.best && entry.name == status.best->experiment) out.leader = entry.hash;
    if (entry.baseline && !status.reference_loads.empty()) out.references.push_back(entry.hash);
    const std::string& product = api::GpuOf(status, entry.gpu).product;
    if (product.empty()) continue;
    // A fresh start is of an answer, not of a candidate; a budget's end says nothing about what it cut.
    if (!entry.confirms.empty() || entry.truncated || !EndedForGood(entry) || !same_conditions(entry) ||
        WasCutBy(entry, measurement::StopReason::kOutOfTime)) {
      continue;
    }
    out.experiments.push_back(entry);
    out.products.push_back(product);
    std::string& origin = out.experiments.back().reused_from;
    if (origin.empty()) origin = out.name + "/" + entry.name;
  }
  if (out.experiments.empty()) return std::nullopt;
  return out;
}

void Collect(EarlierTask found, std::vector<EarlierTask>& tasks) {
  // Times in RFC 3339 of one zone order as text.
  const auto later = [](const EarlierTask& a, const EarlierTask& b) {
    return std::pair(a.finished_at, a.name) > std::pair(b.finished_at, b.name);
  };
  tasks.insert(std::ranges::upper_bound(tasks, found, later), std::move(found));
  if (tasks.size() > kMostTasks) tasks.pop_back();
}

Reusable::Reusable(const std::vector<EarlierTask>& tasks, const std::vector<std::string>& hashes) {
  const std::set<std::string> wanted(hashes.begin(), hashes.end());
  for (const EarlierTask& task : tasks) {
    // Latencies are compared at a load that its baselines decided.
    const bool comparable =
        std::ranges::all_of(task.references, [&](const auto& hash) { return wanted.contains(hash); });
    if (!comparable) continue;
    const bool has_leader = wanted.contains(task.leader) &&
                            std::ranges::any_of(task.experiments, [&](const auto& e) { return e.hash == task.leader; });
    for (std::size_t i = 0; i < task.experiments.size(); ++i) {
      const api::ExperimentStatus& entry = task.experiments[i];
      // What was given up because it could not beat that task's leader was not measured otherwise.
      const bool beaten = WasCutBy(entry, measurement::StopReason::kCannotWin) && !has_leader;
      if (wanted.contains(entry.hash) && !beaten) found_.emplace_back(&entry, task.products[i]);
    }
  }
}

const api::ExperimentStatus* Reusable::Find(const std::string& hash, const std::string& product) const {
  const auto found =
      std::ranges::find_if(found_, [&](const auto& one) { return one.first->hash == hash && one.second == product; });
  return found == found_.end() ? nullptr : found->first;
}

}  // namespace autotune::reconcile
