#include "tuning/search/prior.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "measurement/predicted_load.h"
#include "tuning/search/at_rate.h"
#include "tuning/search/constants.h"

namespace autotune::tuning::search {
namespace {

constexpr double kMilli = 1000;
// Of every engine, precision, cache, draft, GPU and size: how many candidates are drawn whatever the prior says of the
// class.
constexpr std::size_t kKeptOfClass = 4;
constexpr std::size_t kMostOfClasses = constants::kShortlist / 2;

LoadPrior Generic(const Space& space, const Candidate& candidate, double load) {
  const engine_model::CandidateShape& shape = candidate.features.shape;
  const double cap = shape.max_num_seqs > 0 ? shape.max_num_seqs * std::max(1.0, 1.0 * shape.data_parallel) : load;
  const double running = std::min(load, cap);
  const double isl = std::max(1.0, space.workload.input_tokens);
  const double osl = std::max(1.0, space.workload.output_tokens);
  using namespace constants;  // NOLINT: every name below is one
  double tpot =
      std::log(kGenericTpotMs) + kGenericTpotLoad * std::log(running) + kGenericTpotGpus * std::log(shape.gpus);
  if (shape.weights == engine_model::WeightFormat::kBf16) tpot += kGenericTpotWide;
  if (shape.weights == engine_model::WeightFormat::kFp4) tpot += kGenericTpotFp4;
  double ttft = std::log(kGenericTtftMs) + kGenericTtftLoad * std::log(running) +
                kGenericTtftGpus * std::log(shape.gpus) + kGenericTtftInput * std::log(isl / 1024);
  if (load > running) {
    const double request_ms = std::exp(ttft) + osl * std::exp(tpot);
    ttft = std::log(std::exp(ttft) + (load - running) * request_ms / running);
  }
  return {ttft, tpot, std::log(running)};
}

void SetMeanRunning(Prior* prior) {
  double sum = 0;
  double n = 0;
  for (const auto& loads : prior->at) {
    for (const LoadPrior& at : loads) {
      sum += at.ln_running;
      n += 1;
    }
  }
  prior->mean_ln_running = n > 0 ? sum / n : 0;
}

// The latencies, and the requests in flight, where the space's request rate meets a candidate; nullopt: nowhere.
std::optional<std::pair<LoadPrior, double>> AtRate(const Space& space, const Candidate& candidate,
                                                   const std::vector<LoadPrior>& loads) {
  std::vector<double> ln_e2e;
  ln_e2e.reserve(loads.size());
  for (const LoadPrior& load : loads) ln_e2e.push_back(LnE2e(space, load));
  const std::optional<InFlight> at = MeetRate(candidate.loads, ln_e2e, *space.request_rate);
  if (!at) return std::nullopt;
  const LoadPrior& a = loads[at->below];
  const LoadPrior& b = loads[at->above];
  return std::pair{LoadPrior{at->Between(a.ln_ttft_ms, b.ln_ttft_ms), at->Between(a.ln_tpot_ms, b.ln_tpot_ms),
                             at->Between(a.ln_running, b.ln_running)},
                   at->load};
}

std::vector<std::size_t> Order(const Space& space, const Bounds& bounds, const Prior& prior) {
  const std::size_t n = space.candidates.size();
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});

  // Value within the limits; where the prior sees none, minus what it sees them exceeded by, last those that do not
  // keep up with the request rate.
  std::vector<double> rank(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Candidate& candidate = space.candidates[i];
    double best = 0;
    double excess = 1e9;
    const auto consider = [&](const LoadPrior& at, double load) {
      const double e2e = LnE2e(space, at);
      const auto above = [](double y, const std::optional<double>& bound) {
        return bound ? std::max(0.0, y - std::log(*bound)) : 0.0;
      };
      const double over =
          above(at.ln_ttft_ms, bounds.ttft_ms) + above(at.ln_tpot_ms, bounds.tpot_ms) + above(e2e, bounds.e2e_ms);
      excess = std::min(excess, over);
      if (over > 0) return;
      measurement::PredictedLoads value;
      value.output_tokens = std::max(1.0, space.workload.output_tokens);
      value.gpus = DivisorOf(candidate);
      if (space.objective != Objective::kThroughput) value.value = measurement::LoadValue::kInverseLatency;
      best = std::max(best, measurement::ValueAt(value, load, at.ln_ttft_ms, at.ln_tpot_ms, LnObjective(space, at)));
    };
    if (!space.request_rate) {
      for (std::size_t j = 0; j < candidate.loads.size(); ++j) consider(prior.at[i][j], candidate.loads[j]);
    } else if (const auto at = AtRate(space, candidate, prior.at[i])) {
      consider(at->first, at->second);
    }
    rank[i] = best > 0 ? best : -excess;
  }
  const auto better = [&](std::size_t a, std::size_t b) {
    return std::make_tuple(-rank[a], space.candidates[a].key) < std::make_tuple(-rank[b], space.candidates[b].key);
  };
  std::sort(all.begin(), all.end(), better);

  // A few of every class first, in the order of their ranks.
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::size_t, int>, std::size_t> of_class;
  std::vector<std::size_t> front;
  std::vector<std::size_t> back;
  for (const std::size_t i : all) {
    const Features& f = space.candidates[i].features;
    std::size_t& members = of_class[{f.engine, f.precision, f.cache_dtype, f.draft, f.gpu, f.shape.gpus}];
    const bool kept = members++ < kKeptOfClass && front.size() < kMostOfClasses;
    (kept ? front : back).push_back(i);
  }
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

}  // namespace

Prior PriceSpace(const Space& space, const Bounds& bounds, const std::optional<engine_model::ModelShape>& model,
                 const std::vector<std::optional<engine_model::GpuSpec>>& gpus) {
  Prior prior;
  prior.generic = !model || std::ranges::any_of(gpus, [](const auto& gpu) { return !gpu; });
  prior.at.reserve(space.candidates.size());
  for (const Candidate& candidate : space.candidates) {
    std::vector<LoadPrior> loads;
    loads.reserve(candidate.loads.size());
    if (prior.generic) {
      for (const double load : candidate.loads) loads.push_back(Generic(space, candidate, load));
    } else {
      const engine_model::ClosedForm form(*model, *gpus[candidate.features.gpu], candidate.features.shape,
                                          space.workload);
      for (const double load : candidate.loads) {
        const engine_model::LatencyPrediction at = form.Predict(load);
        loads.push_back({std::log(at.ttft_seconds * kMilli), std::log(at.tpot_seconds * kMilli), std::log(at.running)});
      }
    }
    prior.at.push_back(std::move(loads));
  }
  SetMeanRunning(&prior);
  prior.order = Order(space, bounds, prior);
  return prior;
}

Prior PriorFromLatencies(const Space& space, const Bounds& bounds, std::vector<std::vector<LoadPrior>> at) {
  Prior prior;
  prior.at = std::move(at);
  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    const Candidate& candidate = space.candidates[i];
    const engine_model::CandidateShape& shape = candidate.features.shape;
    for (std::size_t j = 0; j < candidate.loads.size(); ++j) {
      double running = candidate.loads[j];
      if (shape.max_num_seqs > 0)
        running = std::min(running, 1.0 * shape.max_num_seqs * std::max(1, shape.data_parallel));
      prior.at[i][j].ln_running = std::log(running);
    }
  }
  SetMeanRunning(&prior);
  prior.order = Order(space, bounds, prior);
  return prior;
}

double LnE2e(const Space& space, const LoadPrior& at) {
  return std::log(std::exp(at.ln_ttft_ms) + std::max(0.0, space.workload.output_tokens - 1) * std::exp(at.ln_tpot_ms));
}

double LnObjective(const Space& space, const LoadPrior& at) {
  switch (space.objective) {
    case Objective::kThroughput:
    case Objective::kE2e:
      return LnE2e(space, at);
    case Objective::kTtft:
      return at.ln_ttft_ms;
    case Objective::kTpot:
      return at.ln_tpot_ms;
  }
  return 0;
}

}  // namespace autotune::tuning::search
