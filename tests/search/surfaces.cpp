#include "tests/search/surfaces.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/keyed_random.h"

namespace autotune::tuning::search::testing {

engine_model::ModelShape Llama70B() {
  engine_model::ModelShape m = Llama8B();
  m.layers = 80;
  m.hidden = 8192;
  m.heads = 64;
  m.intermediate = 28672;
  return m;
}

Space SmallSpace() {
  Space space;
  space.workload = {1024, 256, false};
  space.step_seconds = 60;
  std::uint64_t key = 1;
  for (const char* engine : {"vllm", "sglang"}) {
    for (const char* precision : {"bf16", "fp8"}) {
      for (const int tensor : {1, 2, 4}) {
        for (const int cap : {16, 64, 256}) {
          Candidate c;
          c.key = base::Mix64(key++);
          c.features.engine = engine;
          c.features.precision = precision;
          c.features.shape.weights =
              precision == std::string("fp8") ? engine_model::WeightFormat::kFp8 : engine_model::WeightFormat::kBf16;
          c.features.shape.gpus = tensor;
          c.features.shape.tensor_parallel = tensor;
          c.features.shape.max_num_seqs = cap;
          c.loads = {4, 8, 16, 32, 64, 128};
          c.start_seconds = 240;
          space.candidates.push_back(std::move(c));
        }
      }
    }
  }
  return space;
}

Bounds UsualBounds() {
  Bounds bounds;
  bounds.ttft_ms = 1000;
  bounds.tpot_ms = 15;
  return bounds;
}

Prior PriorOf(const Space& space, const Bounds& bounds) {
  return PriceSpace(space, bounds, Llama8B(), {engine_model::FindGpu("h100")});
}

Point Measure(const Space& space, const Prior& prior, std::size_t candidate, double load, int attempt) {
  const Candidate& c = space.candidates[candidate];
  const auto at = static_cast<std::size_t>(std::find(c.loads.begin(), c.loads.end(), load) - c.loads.begin());
  const bool vllm = c.features.engine == "vllm";
  const double own = base::Normal(base::Key({c.key, 99}));
  Point p;
  p.candidate = candidate;
  p.attempt = attempt;
  p.load = load;
  const LoadPrior& expected = prior.at[candidate][at];
  const double osl = space.workload.output_tokens;
  const double queued = std::max(0.0, load / std::exp(expected.ln_running) - 1);
  const double ttft = measurement::WithoutQueue(expected.ln_ttft_ms, expected.ln_tpot_ms, queued, osl);
  p.ln_tpot_ms = expected.ln_tpot_ms + (vllm ? 0.05 : 0.2) + 0.03 * own;
  p.ln_ttft_ms = measurement::WithQueue(ttft + (vllm ? 0.3 : 0.1) + 0.1 * own, p.ln_tpot_ms, queued, osl);
  measurement::PredictedLoads value;
  value.output_tokens = space.workload.output_tokens;
  value.gpus = c.features.shape.gpus;
  p.value = measurement::ValueAt(value, load, p.ln_ttft_ms, p.ln_tpot_ms, 0);
  p.ln_objective_ms = std::log(std::exp(p.ln_ttft_ms) + (value.output_tokens - 1) * std::exp(p.ln_tpot_ms));
  return p;
}

double BestTrueValue(const Space& space, const Bounds& bounds, const Prior& prior) {
  std::vector<Point> all;
  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    for (const double load : space.candidates[i].loads) all.push_back(Measure(space, prior, i, load));
  }
  const std::optional<Incumbent> best = BestObserved(bounds, MergePoints(space, all));
  return best ? best->value : 0;
}

Log RunSearch(const Space& space, const Bounds& bounds, const Prior& prior, std::uint64_t seed, Limits limits,
              const std::function<bool(std::size_t)>& crashes, const std::function<void(Observations*)>& between) {
  Log log;
  Slots slots;
  for (int i = 0; i < 1000; ++i) {
    if (between) between(&log.observations);
    const Decision decision = Decide(space, bounds, prior, log.observations, slots, seed, limits);
    log.decisions.push_back(decision);
    if (decision.action == Action::kStep) {
      const double load = decision.step.load;
      const auto same =
          std::find_if(log.observations.points.begin(), log.observations.points.end(),
                       [&](const Point& p) { return p.candidate == decision.candidate && p.load == load; });
      if (same != log.observations.points.end()) {
        ++same->measurements;
      } else {
        log.observations.points.push_back(Measure(space, prior, decision.candidate, load));
      }
      const double cost = space.candidates[decision.candidate].features.shape.gpus * space.step_seconds;
      log.gpu_seconds += cost;
      limits.budget.spent_gpu_seconds += cost;
      continue;
    }
    if (slots.up) log.observations.ended.push_back(*slots.up);
    slots.up.reset();
    if (decision.action != Action::kStart) return log;
    const Candidate& c = space.candidates[decision.candidate];
    const bool ok = !crashes || !crashes(decision.candidate);
    log.observations.starts.push_back(
        {decision.candidate, ok ? StartOutcome::kOk : StartOutcome::kCrashed, c.start_seconds});
    if (ok) slots.up = decision.candidate;
    const double cost = c.features.shape.gpus * c.start_seconds;
    log.gpu_seconds += cost;
    limits.budget.spent_gpu_seconds += cost;
    ++log.started;
    ++limits.budget.started;
  }
  return log;
}

}  // namespace autotune::tuning::search::testing
