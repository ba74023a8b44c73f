#include "benchmarks/search-replay/baseline_policies.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "base/keyed_random.h"
#include "measurement/predicted_load.h"

namespace autotune::search_replay {
namespace {

namespace search = tuning::search;

class BaselinePolicy : public Policy {
 public:
  void Begin(TaskView view) override {
    view_ = std::move(view);
    started_.assign(view_.space.candidates.size(), false);
    crashed_.assign(started_.size(), false);
    measured_.assign(started_.size(), {});
    best_ = 0;
    Prepare();
  }
  void OnStart(std::size_t candidate, bool ok) override { crashed_[candidate] = !ok; }
  void OnStep(const StepObservation& o) override {
    const bool feasible = (!view_.bounds.ttft_ms || o.ttft_ms <= *view_.bounds.ttft_ms) &&
                          (!view_.bounds.tpot_ms || o.tpot_ms <= *view_.bounds.tpot_ms);
    measured_[o.candidate][o.load] = {feasible, o.tok_s_gpu};
    if (feasible) best_ = std::max(best_, o.tok_s_gpu);
  }
  Answer Ask(std::size_t slot, std::optional<std::size_t> up) override {
    if (up) {
      if (const std::optional<double> load = NextLoad(*up)) return {Answer::Kind::kStep, 0, *load, false};
    }
    return More(slot);
  }
  Answer More(std::size_t /*slot*/) override {
    const std::optional<std::size_t> next = NextCandidate();
    if (!next) return {};
    started_[*next] = true;
    return {Answer::Kind::kStart, *next, 0, false};
  }

 protected:
  struct Measured {
    bool feasible = false;
    double value = 0;
  };
  virtual void Prepare() {}
  virtual std::optional<std::size_t> NextCandidate() = 0;
  // Index of the first load to measure.
  virtual std::size_t FirstLoad(std::size_t candidate) {
    return (view_.space.candidates[candidate].loads.size() - 1) / 2;
  }

  // Bisection over the loads: the highest feasible one, left as soon as nothing above can win.
  virtual std::optional<double> NextLoad(std::size_t candidate) {
    const std::vector<double>& loads = view_.space.candidates[candidate].loads;
    const auto& done = measured_[candidate];
    if (done.empty()) return loads[FirstLoad(candidate)];
    std::size_t low = 0;              // loads below are feasible or dominated
    std::size_t high = loads.size();  // loads from here are infeasible
    for (std::size_t j = 0; j < loads.size(); ++j) {
      const auto found = done.find(loads[j]);
      if (found == done.end()) continue;
      if (found->second.feasible) {
        low = std::max(low, j + 1);
      } else {
        high = std::min(high, j);
        if (found->second.value <= best_) return std::nullopt;  // lower loads give less, higher ones break the bounds
      }
    }
    if (low >= high) return std::nullopt;
    return loads[low + (high - low - 1) / 2];
  }

  TaskView view_;
  std::vector<bool> started_;
  std::vector<bool> crashed_;
  std::vector<std::map<double, Measured>> measured_;
  double best_ = 0;
};

// Candidates in an order that is known from the beginning.
class OrderedPolicy : public BaselinePolicy {
 public:
  using Rank = std::function<double(const TaskView&, std::size_t)>;  // larger first
  OrderedPolicy(Rank rank, bool all_loads) : rank_(std::move(rank)), all_loads_(all_loads) {}

 protected:
  void Prepare() override {
    order_.resize(started_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::vector<double> rank;
    for (std::size_t i = 0; i < order_.size(); ++i) rank.push_back(rank_(view_, i));
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return rank[a] > rank[b]; });
  }
  std::optional<std::size_t> NextCandidate() override {
    for (const std::size_t i : order_) {
      if (!started_[i]) return i;
    }
    return std::nullopt;
  }
  std::optional<double> NextLoad(std::size_t candidate) override {
    if (!all_loads_) return BaselinePolicy::NextLoad(candidate);
    for (const double load : view_.space.candidates[candidate].loads) {
      if (!measured_[candidate].contains(load)) return load;
    }
    return std::nullopt;
  }

 private:
  Rank rank_;
  bool all_loads_;
  std::vector<std::size_t> order_;
};

double RandomRank(const TaskView& view, std::size_t i) {
  return base::Uniform(base::Key({view.seed, view.space.candidates[i].key, 0x0ade}));
}

// The value that the prior predicts at this load, 0 beyond the bounds.
double PredictedValue(const TaskView& view, std::size_t candidate, std::size_t load) {
  const search::LoadPrior& at = view.prior.at[candidate][load];
  if (view.bounds.ttft_ms && at.ln_ttft_ms > std::log(*view.bounds.ttft_ms)) return 0;
  if (view.bounds.tpot_ms && at.ln_tpot_ms > std::log(*view.bounds.tpot_ms)) return 0;
  measurement::PredictedLoads value;
  value.output_tokens = view.space.workload.output_tokens;
  value.gpus = view.space.candidates[candidate].features.shape.gpus;
  return measurement::ValueAt(value, view.space.candidates[candidate].loads[load], at.ln_ttft_ms, at.ln_tpot_ms, 0);
}

std::size_t BestLoad(const TaskView& view, std::size_t candidate,
                     const std::function<double(const TaskView&, std::size_t, std::size_t)>& value) {
  std::size_t best = 0;
  for (std::size_t j = 1; j < view.space.candidates[candidate].loads.size(); ++j) {
    if (value(view, candidate, j) > value(view, candidate, best)) best = j;
  }
  return best;
}

double TrueValueOf(const TaskView& view, std::size_t candidate, std::size_t load) {
  return view.truth.empty() ? 0 : view.truth[candidate][load];
}

class GuidedPolicy : public OrderedPolicy {
 public:
  using Value = std::function<double(const TaskView&, std::size_t, std::size_t)>;
  explicit GuidedPolicy(Value value)
      : OrderedPolicy([value](const TaskView& v, std::size_t i) { return value(v, i, BestLoad(v, i, value)); }, false),
        value_(value) {}

 protected:
  std::size_t FirstLoad(std::size_t candidate) override { return BestLoad(view_, candidate, value_); }

 private:
  Value value_;
};

// Tree-structured Parzen estimator (Bergstra et al. 2011) over the candidates' features, as Optuna's categorical one:
// candidates are scored by the ratio of a good and a bad density, independent dimensions, one pseudo-count each.
class TpePolicy : public BaselinePolicy {
 protected:
  void Prepare() override {
    dimensions_.clear();
    for (const search::Candidate& c : view_.space.candidates) {
      const auto& s = c.features.shape;
      dimensions_.push_back({c.features.engine, c.features.precision, c.features.cache_dtype, c.features.draft,
                             std::to_string(s.gpus), std::to_string(s.tensor_parallel), std::to_string(s.data_parallel),
                             std::to_string(s.max_num_seqs), std::to_string(s.max_batched_tokens),
                             s.eager ? "eager" : "graphs"});
    }
  }
  std::optional<std::size_t> NextCandidate() override {
    std::vector<std::size_t> left;
    std::vector<std::pair<double, std::size_t>> done;  // score, larger is better
    for (std::size_t i = 0; i < started_.size(); ++i) {
      if (!started_[i]) {
        left.push_back(i);
        continue;
      }
      double score = 0;
      for (const auto& [load, m] : measured_[i]) score = std::max(score, m.feasible ? m.value : 0);
      done.emplace_back(score, i);
    }
    if (left.empty()) return std::nullopt;
    const auto tie = [&](std::size_t i) { return RandomRank(view_, i); };
    if (done.size() < kStartup) {
      return *std::max_element(left.begin(), left.end(), [&](auto a, auto b) { return tie(a) < tie(b); });
    }
    std::sort(done.begin(), done.end(), std::greater<>());
    const std::size_t good =
        std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(kGoodShare * static_cast<double>(done.size()))));
    std::pair<double, double> best{-1e300, 0};
    std::size_t choice = left.front();
    for (const std::size_t i : left) {
      double ratio = 0;
      for (std::size_t d = 0; d < dimensions_[i].size(); ++d) {
        double in_good = 1;
        double in_bad = 1;
        for (std::size_t k = 0; k < done.size(); ++k) {
          if (dimensions_[done[k].second][d] == dimensions_[i][d]) (k < good ? in_good : in_bad) += 1;
        }
        ratio += std::log(in_good / (static_cast<double>(good) + 1)) -
                 std::log(in_bad / (static_cast<double>(done.size() - good) + 1));
      }
      if (const std::pair score{ratio, tie(i)}; score > best) {
        best = score;
        choice = i;
      }
    }
    return choice;
  }

 private:
  static constexpr std::size_t kStartup = 3;
  static constexpr double kGoodShare = 0.25;
  std::vector<std::vector<std::string>> dimensions_;
};

}  // namespace

std::unique_ptr<Policy> MakeBaselinePolicy(std::string_view name) {
  if (name == "sweep") return std::make_unique<OrderedPolicy>(RandomRank, true);
  if (name == "random") return std::make_unique<OrderedPolicy>(RandomRank, false);
  if (name == "prior-rank") return std::make_unique<GuidedPolicy>(PredictedValue);
  if (name == "oracle") return std::make_unique<GuidedPolicy>(TrueValueOf);
  if (name == "tpe") return std::make_unique<TpePolicy>();
  return nullptr;
}

}  // namespace autotune::search_replay
