#include "benchmarks/search-replay/replay.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <ostream>

#include "base/keyed_random.h"

namespace autotune::search_replay {
namespace {

namespace search = tuning::search;

constexpr double kNear = 0.95;        // of the best: found
constexpr double kSharedNoise = 0.3;  // of the variance, between starts

struct SlotState {
  enum class Doing { kIdle, kStarting, kUp, kStepping, kDone } doing = Doing::kIdle;
  std::size_t candidate = 0;
  std::size_t point = 0;
  double until = 0;
};

struct Replicates {
  int n = 0;
  double ln_ttft = 0, ln_tpot = 0, ln_value = 0;  // sums
};

}  // namespace

std::uint64_t NameKey(std::string_view name) {
  // The data set's test vectors use this basis, which lacks the last digit of FNV-1a's own.
  return base::Fnv1a(name, 1469598103934665603ULL);
}

double NoiseDraw(std::uint64_t key) {
  return std::sqrt(-2 * std::log(base::Uniform(base::Mix64(key)))) *
         std::cos(2 * std::numbers::pi * base::Uniform(base::Mix64(key ^ 0x5bd1e995)));
}

bool Surfaces::CrashesAtStart(std::size_t candidate) const {
  const SurfaceCandidate& c = surface.candidates[candidate];
  const double draw = base::Uniform(base::Key({NameKey(surface.task), seed, NameKey(c.name), 1}));
  switch (options.crashes) {
    case Crashes::kNone:
      return false;
    case Crashes::kIid:
      return draw < options.crash_rate;
    case Crashes::kClass:
      break;
  }
  // Classes are numbered in the order of their first candidates.
  std::map<std::string, std::uint64_t> number;
  std::uint64_t mine = 0;
  for (const SurfaceCandidate& other : surface.candidates) {
    const std::string name = other.engine + "|" + other.precision + "|" + other.cache_dtype + "|" +
                             (other.draft.empty() ? "none" : other.draft);
    const std::uint64_t q = number.try_emplace(name, number.size()).first->second;
    if (&other == &c) mine = q;
  }
  const bool bad = base::Uniform(base::Key({NameKey(surface.task), seed, mine, 7})) < 0.15;
  return draw < std::min(1.0, (bad ? 0.7 : 0.03) * options.crash_rate / 0.13);
}

Surfaces::Measurement Surfaces::Measure(std::size_t candidate, int attempt, std::size_t point, int replicate) const {
  const SurfaceCandidate& c = surface.candidates[candidate];
  const SurfacePoint& p = c.points[point];
  const std::uint64_t task = NameKey(surface.task);
  const std::uint64_t name = NameKey(c.name);
  const auto a = static_cast<std::uint64_t>(attempt);
  const auto load = static_cast<std::uint64_t>(p.load);
  const auto r = static_cast<std::uint64_t>(replicate);
  const auto factor = [&](double sd, std::uint64_t of_start, std::uint64_t of_step) {
    const double start = NoiseDraw(base::Key({task, seed, name, a, of_start}));
    const double step = NoiseDraw(base::Key({task, seed, name, a, load, r, of_step}));
    return std::exp(options.noise * sd * (std::sqrt(kSharedNoise) * start + std::sqrt(1 - kSharedNoise) * step));
  };
  const double ttft = factor(p.sd_ttft, 2, 4);
  const double tpot = factor(p.sd_tpot, 3, 5);
  const double osl = surface.osl;
  const double e2e = p.ttft_mean_ms + (osl - 1) * p.tpot_mean_ms;
  const double noisy = p.ttft_mean_ms * ttft + (osl - 1) * p.tpot_mean_ms * tpot;
  return {p.ttft_ms * ttft, p.tpot_ms * tpot, p.out_tok_s / c.gpus * e2e / noisy};
}

TaskView ViewOf(const DataSet& data, const SloCase& scenario, const ReplayOptions& options, std::uint64_t seed) {
  const Surface& surface = data.surfaces[scenario.surface];
  TaskView view;
  view.slots = options.slots;
  view.seed = seed;
  view.bounds.ttft_ms = scenario.ttft_ms;
  view.bounds.tpot_ms = scenario.tpot_ms;
  view.space.workload.input_tokens = surface.isl;
  view.space.workload.output_tokens = surface.osl;
  view.space.step_seconds = surface.step_seconds;
  std::vector<std::vector<search::LoadPrior>> from_file;
  bool complete = true;
  for (const SurfaceCandidate& c : surface.candidates) {
    search::Candidate candidate;
    candidate.features = {c.engine, c.precision, c.cache_dtype, c.draft, {}, false};
    engine_model::CandidateShape& shape = candidate.features.shape;
    shape.weights = WeightFormatOf(c.precision);
    shape.cache_bytes_per_element = c.cache_dtype.empty() ? 0 : c.cache_dtype == "bf16" ? 2 : 1;
    shape.gpus = c.gpus;
    shape.tensor_parallel = c.tensor_parallel;
    shape.pipeline_parallel = c.pipeline_parallel;
    shape.data_parallel = c.data_parallel;
    shape.expert_parallel = c.expert_parallel;
    shape.max_num_seqs = c.max_num_seqs;
    shape.max_batched_tokens = c.max_batched_tokens;
    shape.draft_tokens = c.draft.empty() ? 0 : 3;
    shape.eager = c.eager;
    candidate.start_seconds = c.start_seconds;
    std::vector<search::LoadPrior> loads;
    std::vector<double> truth;
    for (const SurfacePoint& p : c.points) {
      candidate.loads.push_back(p.load);
      complete &= p.prior_ttft_ms && p.prior_tpot_ms;
      loads.push_back({std::log(p.prior_ttft_ms.value_or(1)), std::log(p.prior_tpot_ms.value_or(1)), 0});
      truth.push_back(TrueValue(scenario, c, p));
    }
    view.space.candidates.push_back(std::move(candidate));
    view.truth.push_back(std::move(truth));
    from_file.push_back(std::move(loads));
  }
  KeyByContent(&view.space);
  if (options.prior == PriorSource::kFile && complete) {
    view.prior = search::PriorFromLatencies(view.space, view.bounds, std::move(from_file));
    return view;
  }
  std::optional<engine_model::ModelShape> model;
  std::optional<engine_model::GpuSpec> gpu;
  if (options.prior == PriorSource::kOwn) {
    if (const auto found = data.models.find(surface.model); found != data.models.end()) model = found->second;
    if (const auto found = data.gpus.find(surface.gpu); found != data.gpus.end()) gpu = found->second;
  }
  view.prior = search::PriceSpace(view.space, view.bounds, model, {gpu});
  return view;
}

RunResult Replay(const DataSet& data, const SloCase& scenario, const ReplayOptions& options, std::uint64_t seed,
                 Policy* policy) {
  const Surface& surface = data.surfaces[scenario.surface];
  const Surfaces answers{surface, seed, options};
  const std::size_t n = surface.candidates.size();
  RunResult result;

  // What a full sweep costs, and what there is to find.
  std::vector<bool> crashes(n);
  std::vector<double> truth(n);
  double sweep_gpu = 0;
  double sweep_wall = 0;
  double best = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const SurfaceCandidate& c = surface.candidates[i];
    crashes[i] = answers.CrashesAtStart(i);
    truth[i] = Truth(scenario, c);
    double seconds = surface.crash_seconds;
    if (!crashes[i]) {
      best = std::max(best, truth[i]);
      seconds = c.start_seconds;
      for (const SurfacePoint& p : c.points) seconds += p.step_seconds;
    }
    sweep_gpu += c.gpus * seconds;
    sweep_wall += seconds;
  }
  result.feasible = best > 0;

  policy->Begin(ViewOf(data, scenario, options, seed));
  std::vector<SlotState> slots(static_cast<std::size_t>(options.slots));
  std::vector<int> attempts(n, 0);
  std::vector<std::map<std::size_t, Replicates>> seen(n);
  double now = 0;
  double spent = 0;
  int trials = 0;
  int steps = 0;
  const auto observed = [&](std::size_t i, std::size_t point) {
    const Replicates& r = seen[i][point];
    return StepObservation{i,
                           surface.candidates[i].points[point].load,
                           std::exp(r.ln_ttft / r.n),
                           std::exp(r.ln_tpot / r.n),
                           std::exp(r.ln_value / r.n),
                           r.n};
  };
  struct Best {
    std::size_t candidate = 0, point = 0;
    double value = 0;
  };
  const auto incumbent = [&] {
    Best found;
    for (std::size_t i = 0; i < n; ++i) {
      for (const auto& [point, replicates] : seen[i]) {
        const StepObservation o = observed(i, point);
        if ((scenario.ttft_ms && o.ttft_ms > *scenario.ttft_ms) ||
            (scenario.tpot_ms && o.tpot_ms > *scenario.tpot_ms)) {
          continue;
        }
        if (o.tok_s_gpu > found.value) found = {i, point, o.tok_s_gpu};
      }
    }
    return found;
  };
  const auto note_stop = [&](const Answer& answer) {
    if (options.trace != nullptr) *options.trace << spent / sweep_gpu << " stop; best " << best << "\n";
    result.stopped = true;
    result.stop_gpu = spent / sweep_gpu;
    result.trials = trials;
    result.steps = steps;
    Best choice = incumbent();
    if (answer.has_choice) {
      choice.candidate = answer.candidate;
      choice.value = 1;
      const auto& points = surface.candidates[choice.candidate].points;
      choice.point = static_cast<std::size_t>(
          std::find_if(points.begin(), points.end(), [&](const SurfacePoint& p) { return p.load == answer.load; }) -
          points.begin());
    }
    if (choice.value <= 0) {
      result.chose_nothing = true;
      return;
    }
    const SurfaceCandidate& c = surface.candidates[choice.candidate];
    result.violates = TrueValue(scenario, c, c.points[choice.point]) <= 0;
    result.stop_quality = best > 0 ? truth[choice.candidate] / best : 0;
  };

  // One answer for one slot; false: it waits or is done.
  const auto act = [&](std::size_t s) {
    SlotState& slot = slots[s];
    std::optional<std::size_t> up;
    if (slot.doing == SlotState::Doing::kUp) up = slot.candidate;
    Answer answer;
    if (!result.stopped || up) answer = policy->Ask(s, up);
    if (answer.kind == Answer::Kind::kStop) {
      if (!result.stopped) note_stop(answer);
      if (result.hit || best <= 0) {  // nothing more to learn
        slot.doing = SlotState::Doing::kDone;
        return;
      }
      answer = policy->More(s);
    }
    switch (answer.kind) {
      case Answer::Kind::kStart:
        slot = {SlotState::Doing::kStarting, answer.candidate, 0, 0};
        ++trials;
        ++attempts[answer.candidate];
        slot.until = now + (crashes[answer.candidate] ? surface.crash_seconds
                                                      : surface.candidates[answer.candidate].start_seconds);
        return;
      case Answer::Kind::kStep: {
        const auto& points = surface.candidates[slot.candidate].points;
        slot.point = static_cast<std::size_t>(
            std::find_if(points.begin(), points.end(), [&](const SurfacePoint& p) { return p.load == answer.load; }) -
            points.begin());
        if (slot.doing != SlotState::Doing::kUp || slot.point == points.size()) break;
        slot.doing = SlotState::Doing::kStepping;
        slot.until = now + points[slot.point].step_seconds;
        ++steps;
        return;
      }
      case Answer::Kind::kWait:
        slot.doing = SlotState::Doing::kIdle;
        return;
      case Answer::Kind::kStop:
        break;
    }
    slot.doing = SlotState::Doing::kDone;
  };

  while (true) {
    for (std::size_t s = 0; s < slots.size(); ++s) {
      if (slots[s].doing == SlotState::Doing::kIdle || slots[s].doing == SlotState::Doing::kUp) act(s);
    }
    if (result.stopped && (result.hit || best <= 0)) break;
    // The next thing that happens.
    std::size_t next = slots.size();
    for (std::size_t s = 0; s < slots.size(); ++s) {
      const bool busy = slots[s].doing == SlotState::Doing::kStarting || slots[s].doing == SlotState::Doing::kStepping;
      if (busy && (next == slots.size() || slots[s].until < slots[next].until)) next = s;
    }
    if (next == slots.size()) break;
    for (const SlotState& slot : slots) {
      const bool busy = slot.doing == SlotState::Doing::kStarting || slot.doing == SlotState::Doing::kStepping;
      if (busy) spent += surface.candidates[slot.candidate].gpus * (slots[next].until - now);
    }
    now = slots[next].until;
    SlotState& slot = slots[next];
    // Slots that had nothing to do may have something now.
    for (SlotState& other : slots) {
      if (other.doing == SlotState::Doing::kDone && !result.stopped) other.doing = SlotState::Doing::kIdle;
    }
    const auto trace = [&](std::string_view what) {
      if (options.trace == nullptr) return;
      *options.trace << spent / sweep_gpu << " slot " << next << " " << surface.candidates[slot.candidate].name << " "
                     << what << "\n";
    };
    if (slot.doing == SlotState::Doing::kStarting) {
      const bool ok = !crashes[slot.candidate];
      slot.doing = ok ? SlotState::Doing::kUp : SlotState::Doing::kIdle;
      trace(ok ? "is up" : "crashed");
      policy->OnStart(slot.candidate, ok);
      continue;
    }
    slot.doing = SlotState::Doing::kUp;
    Replicates& r = seen[slot.candidate][slot.point];
    const Surfaces::Measurement m = answers.Measure(slot.candidate, attempts[slot.candidate], slot.point, r.n);
    ++r.n;
    r.ln_ttft += std::log(m.ttft_ms);
    r.ln_tpot += std::log(m.tpot_ms);
    r.ln_value += std::log(m.tok_s_gpu);
    const StepObservation o = observed(slot.candidate, slot.point);
    if (options.trace != nullptr) {
      trace("load " + std::to_string(o.load) + ": TTFT " + std::to_string(o.ttft_ms) + " ms, TPOT " +
            std::to_string(o.tpot_ms) + " ms, " + std::to_string(o.tok_s_gpu) + " tok/s per GPU; true value " +
            std::to_string(TrueValue(scenario, surface.candidates[o.candidate],
                                     surface.candidates[o.candidate].points[slot.point])));
    }
    policy->OnStep(o);
    if (const Best b = incumbent(); !result.hit && b.value > 0 && truth[b.candidate] >= kNear * best) {
      result.hit = true;
      result.t95_gpu = spent / sweep_gpu;
      result.t95_wall = now / sweep_wall;
    }
  }
  if (!result.stopped) {
    note_stop({});
    result.stopped = false;
    const Best b = incumbent();
    if (b.value > 0) {
      result.chose_nothing = false;
      result.stop_quality = best > 0 ? truth[b.candidate] / best : 0;
      const SurfaceCandidate& c = surface.candidates[b.candidate];
      result.violates = TrueValue(scenario, c, c.points[b.point]) <= 0;
    }
  }
  if (best <= 0) result.hit = result.chose_nothing;
  return result;
}

}  // namespace autotune::search_replay
