#include "engine_model/load_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine_model/scheduler.h"
#include "measurement/keyed_random.h"

namespace autotune::engine_model {
namespace {

using measurement::KeyedRandom;
using measurement::Latency;
using measurement::LoadKind;

struct Weighted {
  double value = 0;
  double weight = 1;
};

// Linear interpolation between closest ranks for equal weights of 1 (Hyndman and Fan, type 7); for others the same over
// the weights' sum.
Latency Summarise(std::vector<Weighted> values) {
  Latency out;
  if (values.empty()) return out;
  std::sort(values.begin(), values.end(), [](const Weighted& a, const Weighted& b) { return a.value < b.value; });
  double total = 0;
  for (const Weighted& each : values) {
    out.mean += each.value * each.weight;
    total += each.weight;
  }
  out.mean *= 1e3 / total;
  std::size_t i = 0;
  double before = 0;  // weight below values[i]
  for (const measurement::Statistic statistic : measurement::kStatistics) {
    if (statistic == measurement::Statistic::kMean) continue;
    const double rank = measurement::Share(statistic) * (total - 1);
    while (i + 1 < values.size() && before + values[i].weight <= rank) before += values[i++].weight;
    // Within a weight all values are equal; between two neighbours they go over in one step.
    const double past = rank - before - (values[i].weight - 1);
    const double value = past > 0 && i + 1 < values.size()
                             ? values[i].value + past * (values[i + 1].value - values[i].value)
                             : values[i].value;
    out.Set(statistic, value * 1e3);
  }
  return out;
}

struct Client {
  double sent = 0;
  double first = -1;
  double last = -1;
  int output = 0;
  bool counts = false;
};

class Run {
 public:
  Run(const Deployment& deployment, const LoadTest& test, const measurement::Load& load)
      : test_(test),
        load_(load),
        roofline_(deployment),
        limits_(LimitsOf(deployment)),
        scheduler_(roofline_, limits_, Scheduler::Detail::kEdges),
        arrivals_(test.seed, ~std::uint64_t{0}) {}

  PredictedPoint Play();

 private:
  [[nodiscard]] bool closed() const { return load_.kind == LoadKind::kConcurrency; }
  void Send(double now);
  double Gap();
  [[nodiscard]] double ExpectedSeconds() const;
  void Observe(double now);

  const LoadTest& test_;
  const measurement::Load& load_;
  Roofline roofline_;
  SchedulerLimits limits_;
  Scheduler scheduler_;
  KeyedRandom arrivals_;
  std::vector<Client> clients_;
  std::vector<Weighted> gaps_;
  std::size_t ended_ = 0;
  int counted_ = 0, counted_ended_ = 0;
  double window_from_ = -1, window_to_ = -1;
  double observed_ = 0, running_ = 0, waiting_ = 0, cache_ = 0;  // integrals over the window
};

void Run::Send(double now) {
  KeyedRandom random(test_.seed, clients_.size());
  const int input = test_.scenario.input.Draw(random);
  const int output = test_.scenario.output.Draw(random);
  Client client{now, -1, -1, output, window_from_ >= 0 && window_to_ < 0};
  if (client.counts) ++counted_;
  NewRequest request;
  request.id = clients_.size();
  request.prompt_tokens = input;
  request.output_tokens = output;
  TextSegment shared;
  if (test_.prefix.tokens > 0) {
    const auto groups = static_cast<std::uint64_t>(std::max(1, test_.prefix.groups));
    shared = {1 + random.Below(groups),
              std::min(test_.prefix.tokens, input) / limits_.block_tokens * limits_.block_tokens};
    // Groups of one key must be of one length: a prompt that is shorter than the prefix shares nothing.
    if (shared.tokens == test_.prefix.tokens / limits_.block_tokens * limits_.block_tokens && shared.tokens > 0) {
      request.text = {&shared, 1};
    }
  }
  scheduler_.Add(request, now);
  clients_.push_back(client);
}

double Run::Gap() {
  double gap = 1;
  switch (test_.arrival.process) {
    case measurement::ArrivalProcess::kConstant:
      break;
    case measurement::ArrivalProcess::kGamma:
      gap = arrivals_.Gamma(test_.arrival.burstiness) / test_.arrival.burstiness;
      break;
    case measurement::ArrivalProcess::kPoisson:
    case measurement::ArrivalProcess::kTrace:
      gap = arrivals_.Exponential();
      break;
  }
  return gap / load_.value;
}

// Of one request at this load, roughly.
double Run::ExpectedSeconds() const {
  const double input = test_.scenario.input.Mean();
  const double output = test_.scenario.output.Mean();
  const double together = closed() ? std::min<double>(load_.value, limits_.max_sequences) : 1;
  StepLoad prefill;
  prefill.prefill_tokens = std::max(1, static_cast<int>(input));
  prefill.prefill_context = input * input / 2;
  StepLoad decode;
  decode.decode_sequences = std::max(1, static_cast<int>(together));
  decode.decode_context = together * (input + output / 2);
  return together * roofline_.StepSeconds(prefill) +
         output / limits_.speculation.TokensPerStep() * roofline_.StepSeconds(decode);
}

void Run::Observe(double now) {
  if (window_from_ >= 0 && window_to_ < 0) {
    running_ += scheduler_.running() * (now - observed_);
    waiting_ += scheduler_.waiting() * (now - observed_);
    cache_ += scheduler_.kv_usage() * (now - observed_);
  }
  observed_ = now;
}

PredictedPoint Run::Play() {
  PredictedPoint point;
  point.load = load_;
  const std::int64_t longest = std::int64_t{test_.scenario.input.Max()} + test_.scenario.output.Max();
  if (longest > limits_.kv_tokens) {
    point.fits = false;
    return point;
  }
  const auto places = static_cast<std::size_t>(std::max(1.0, std::round(closed() ? load_.value : 1)));
  const double expected = ExpectedSeconds();
  std::size_t started = 0;
  double next_arrival = 0;
  constexpr double kNever = std::numeric_limits<double>::infinity();
  // The ramp ends when as many requests have ended as were in flight. An open loop that never gets there is saturated.
  const int ramp_requests = std::max(50, test_.requests / 3);
  std::size_t flying_at_start = 0;
  int waiting_at_start = 0;
  // Requests that do not count keep the load up until those that count have ended.
  std::size_t most = places + static_cast<std::size_t>(8 * test_.requests + 4 * ramp_requests) + 8 * places;
  double preemptions_before = 0;

  while (true) {
    const std::optional<double> event = scheduler_.NextEvent();
    const bool may_send = clients_.size() < most;
    const double arrival = may_send ? next_arrival : kNever;
    if (arrival <= event.value_or(kNever)) {
      if (arrival == kNever) break;
      Observe(arrival);
      scheduler_.AdvanceTo(arrival);  // nothing leaves: the next event is later
      Send(arrival);
      if (!closed()) {
        next_arrival += Gap();
      } else {
        ++started;
        next_arrival = started >= places ? kNever
                       : test_.together  ? 0
                                         : expected * static_cast<double>(started) / static_cast<double>(places);
      }
    } else {
      Observe(*event);
      // A copy: sending another request moves on.
      const std::span<const TokenEvent> events = scheduler_.AdvanceTo(*event);
      const std::vector<TokenEvent> left(events.begin(), events.end());
      for (const TokenEvent& token : left) {
        Client& client = clients_[token.request];
        if (client.first < 0) client.first = token.at;
        if (!token.last) continue;
        client.last = token.at;
        ++ended_;
        if (client.counts) ++counted_ended_;
        if (closed() && clients_.size() < most) Send(token.at);
      }
    }
    const double now = observed_;
    if (window_from_ < 0) {
      const std::size_t flying = clients_.size() - ended_;
      const bool full = !closed() || started >= places;
      // An open loop starts empty: its first answers come faster than those that follow.
      const std::size_t enough = closed() ? std::max<std::size_t>(flying, places) : 2 * flying + 20;
      if ((full && ended_ >= enough && ended_ >= 10) ||
          (!closed() && clients_.size() >= 4 * static_cast<std::size_t>(ramp_requests))) {
        window_from_ = now;
        flying_at_start = flying;
        waiting_at_start = scheduler_.waiting();
        scheduler_.TakeGaps();
        preemptions_before = static_cast<double>(scheduler_.totals().preemptions);
      }
    } else if (window_to_ < 0) {
      if (counted_ >= test_.requests && counted_ >= static_cast<int>(places)) {
        window_to_ = now;
        for (const TokenGap& gap : scheduler_.TakeGaps()) gaps_.push_back({gap.seconds, gap.count});
        point.preemptions_per_request =
            (static_cast<double>(scheduler_.totals().preemptions) - preemptions_before) / std::max(1, counted_);
        const std::size_t flying = clients_.size() - ended_;
        // A queue that gets longer, or far more requests in flight than random arrivals explain: they vary by more than
        // a Poisson number does, since every request slows the others down.
        const double growth = static_cast<double>(flying) - static_cast<double>(flying_at_start);
        const double noise = 20 + 8 * std::sqrt(static_cast<double>(flying_at_start));
        const bool queue = scheduler_.waiting() > std::max(20.0, 0.1 * scheduler_.running()) &&
                           scheduler_.waiting() > 1.2 * waiting_at_start;
        point.saturated = !closed() && (queue || growth > std::max(0.2 * counted_, noise));
        if (point.saturated) most = 0;  // more would only lengthen the queue
      }
    } else if (counted_ended_ >= counted_) {
      break;
    }
  }

  if (window_to_ < 0) window_to_ = observed_;
  if (window_from_ < 0) window_from_ = 0;
  const double window = std::max(1e-9, window_to_ - window_from_);
  std::vector<Weighted> ttft;
  std::vector<Weighted> tpot;
  std::vector<Weighted> e2e;
  double tokens = 0;
  double requests = 0;
  for (const Client& client : clients_) {
    if (client.first >= 0) {
      // Tokens leave evenly between the first and the last.
      const double last = client.last >= 0 ? client.last : observed_;
      const double inside = std::min(last, window_to_) - std::max(client.first, window_from_);
      if (last > client.first && inside > 0 && client.last >= 0)
        tokens += client.output * inside / (last - client.first);
      if (client.last >= window_from_ && client.last < window_to_) {
        ++requests;
        if (client.output == 1) ++tokens;
      }
    }
    if (!client.counts || client.first < 0) continue;
    ttft.push_back({client.first - client.sent, 1});
    if (client.last < 0) continue;
    e2e.push_back({client.last - client.sent, 1});
    if (client.output > 1) tpot.push_back({(client.last - client.first) / (client.output - 1), 1});
  }
  point.ttft = Summarise(std::move(ttft));
  point.tpot = Summarise(std::move(tpot));
  point.itl = Summarise(std::move(gaps_));
  point.e2e = Summarise(std::move(e2e));
  point.output_tokens_per_second = tokens / window;
  point.requests_per_second = requests / window;
  point.running = running_ / window;
  point.waiting = waiting_ / window;
  point.cache_use = cache_ / window;
  const Scheduler::Totals& totals = scheduler_.totals();
  point.prefix_hits =
      totals.cache_queries > 0 ? static_cast<double>(totals.cache_hits) / static_cast<double>(totals.cache_queries) : 0;
  return point;
}

}  // namespace

PredictedPoint PredictPoint(const Deployment& deployment, const LoadTest& test, const measurement::Load& load) {
  return Run(deployment, test, load).Play();
}

std::vector<PredictedPoint> PredictCurve(const Deployment& deployment, const LoadTest& test,
                                         std::span<const measurement::Load> loads) {
  std::vector<PredictedPoint> points;
  points.reserve(loads.size());
  for (const measurement::Load& load : loads) points.push_back(PredictPoint(deployment, test, load));
  return points;
}

}  // namespace autotune::engine_model
