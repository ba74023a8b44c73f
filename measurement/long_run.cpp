#include "measurement/long_run.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <queue>
#include <utility>
#include <vector>

#include "measurement/arrival_gaps.h"
#include "measurement/keyed_random.h"
#include "measurement/standing_queue.h"
#include "measurement/statistics.h"

namespace autotune::measurement {
namespace {

constexpr std::size_t kFitted = 3000;  // requests, from the first one on: the engine was idle before
constexpr std::size_t kLong = 60'000;
constexpr std::size_t kLongRamp = 2'000;
constexpr double kByChance = 2;                     // standard errors
constexpr double kFarthest = 8;                     // times what the window shows
constexpr double kNoEndOfWaiting = 1.5;             // times the median of the window's E2E latencies
constexpr double kSurer = 0.5;                      // than a number that has the luck of its window in it
constexpr double kFree = 1e-9, kLeastFirst = 1e-6;  // s
constexpr double kAllRun = 1e6;                     // places that none waits for

double InSeconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

struct Request {
  double at = 0;
  double first = -1;  // s until the first token; -1 = none yet
  double rest = -1;   // s from there to the end
  double tokens = 0;  // after the first one
  double length = 1;  // of its prompt, in means of all
  double wait = 0;    // s of `first` before its prompt was begun
  double others = 0;  // that ran while it ran, itself included: mean
};

// Seconds with a place: the prompt counts, as in SharedEngine.
double Ran(const Request& request) { return request.first - request.wait + request.rest; }

// How many ran beside each while it ran, itself included.
void FillOthers(std::vector<Request>& requests) {
  std::vector<std::pair<double, int>> steps;
  for (const Request& request : requests) {
    if (request.first < 0) continue;
    steps.emplace_back(request.at + request.wait, 1);
    if (request.rest >= 0) steps.emplace_back(request.at + request.first + request.rest, -1);
  }
  std::sort(steps.begin(), steps.end());
  // Integral of how many run, at each step.
  std::vector<double> times, counts, area{0};
  double count = 0;
  for (const auto& [time, change] : steps) {
    if (!times.empty()) area.push_back(area.back() + counts.back() * (time - times.back()));
    count += change;
    times.push_back(time);
    counts.push_back(count);
  }
  const auto until = [&](double time) {
    const auto at = std::upper_bound(times.begin(), times.end(), time);
    if (at == times.begin()) return 0.0;
    const auto i = static_cast<std::size_t>(at - times.begin()) - 1;
    return area[i] + counts[i] * (time - times[i]);
  };
  for (Request& request : requests) {
    if (request.first < 0 || request.rest <= 0) continue;
    const double begin = request.at + request.wait;
    request.others = (until(begin + Ran(request)) - until(begin)) / Ran(request);
  }
}

std::vector<Request> RequestsOf(std::span<const RequestRecord> records) {
  std::vector<Request> out;
  double tokens = 0, known = 0;
  for (const RequestRecord& record : records) {
    tokens += record.input_tokens;
    known += record.input_tokens > 0 ? 1 : 0;
  }
  for (const RequestRecord& record : records) {
    if (IsError(record.outcome) && record.outcome != RequestOutcome::kTimedOut) continue;
    Request request{InSeconds(record.start)};
    if (record.input_tokens > 0) request.length = record.input_tokens * known / tokens;
    if (!record.events.empty()) {
      request.first = record.events.front() / 1e6;
      if (record.outcome == RequestOutcome::kOk) {
        request.rest = (record.events.back() - record.events.front()) / 1e6;
        request.tokens = std::max(record.output_tokens - 1, 1);
      }
    }
    out.push_back(request);
  }
  return out;
}

// Time between two tokens over how many run, least squares: 1 + growth * n of a token alone. What chance alone may show
// is none.
double GrowthOf(const std::vector<Request>& requests) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  for (const Request& request : requests) {
    if (request.rest <= 0) continue;
    const double gap = request.rest / request.tokens;
    n += 1;
    x += request.others;
    y += gap;
    xx += request.others * request.others;
    xy += request.others * gap;
    yy += gap * gap;
  }
  const double spread = xx - x * x / n;
  if (!(n > 2) || !(spread > 0)) return 0;
  double slope = (xy - x * y / n) / spread;
  const double rest = std::max(0.0, yy - y * y / n - slope * slope * spread);
  slope = std::max(0.0, slope - kByChance * std::sqrt(rest / (n - 2) / spread));
  const double alone = (y - slope * x) / n;
  constexpr double kMost = 10;  // the whole step grows with the batch
  return alone > 0 ? std::min(slope / alone, kMost) : kMost;
}

// Requests share an engine that runs `places` of them at once, first come first served, and begins a prompt when the
// one before it is computed. One that runs is worked off the more slowly the more of them run: 1 / (1 + growth * n) a
// second.
class SharedEngine {
 public:
  struct Answer {
    double wait = 0, duration = 0;
    std::size_t found = 0;  // how many there were when it came
  };

  SharedEngine(double places, double growth)
      : places_(static_cast<std::size_t>(std::lround(places))), growth_(growth) {}

  // Sent in the order of time; answers of all once Finish was called. `prompt`: s that no other is begun in.
  void Send(double at, double work, double prompt) {
    Advance(at);
    answers_.push_back({0, 0, running_.size() + waiting_.size()});
    begins_.push_back(at);
    waiting_.push_back({begins_.size() - 1, work, prompt});
    Advance(at);
  }
  const std::vector<Answer>& Finish() {
    Advance(std::numeric_limits<double>::infinity());
    return answers_;
  }

 private:
  struct Waiting {
    std::size_t request;
    double work, prompt;
  };
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  [[nodiscard]] double Pace() const { return 1 / (1 + growth_ * static_cast<double>(running_.size())); }
  [[nodiscard]] double NextEnd() const {
    return running_.empty() ? kNever : clock_ + std::max(0.0, running_.top().first - done_) / Pace();
  }
  [[nodiscard]] double NextStart() const {
    return waiting_.empty() || running_.size() >= places_ ? kNever : std::max(clock_, prompts_until_);
  }

  void GoTo(double time) {
    if (!running_.empty()) done_ += (time - clock_) * Pace();
    clock_ = time;
  }

  void Advance(double until) {
    for (;;) {
      const double end = NextEnd(), start = NextStart();
      if (std::min(end, start) > until || std::min(end, start) == kNever) break;
      if (start < end) {
        GoTo(start);
        const Waiting next = waiting_.front();
        waiting_.pop_front();
        answers_[next.request].wait = clock_ - begins_[next.request];
        begins_[next.request] = clock_;
        prompts_until_ = clock_ + next.prompt;
        running_.emplace(done_ + next.work, next.request);
        continue;
      }
      done_ = running_.top().first;
      clock_ = end;
      const std::size_t request = running_.top().second;
      answers_[request].duration = clock_ - begins_[request];
      running_.pop();
    }
    if (until < kNever) GoTo(until);
  }

  using Ends =
      std::priority_queue<std::pair<double, std::size_t>, std::vector<std::pair<double, std::size_t>>, std::greater<>>;
  std::size_t places_;
  double growth_;
  double clock_ = 0, done_ = 0;  // what one that ran all the time would have been worked off
  double prompts_until_ = 0;     // a prompt is computed
  Ends running_;
  std::deque<Waiting> waiting_;
  std::vector<double> begins_;
  std::vector<Answer> answers_;
};

// What is fitted.
struct Shape {
  double places = 0;
  double prompt = 0;  // s of a mean prompt in which no other is begun; 0 = they do not wait for each other
  double growth = 0;
};

// The simple engine, and what it makes of the window's requests.
struct Model {
  Shape shape;
  std::vector<double> work;
  std::vector<SharedEngine::Answer> answers;
  double error = std::numeric_limits<double>::infinity();  // squares of what is not explained of the first tokens
};

// Its requests, each with the work that it had.
Model Answered(const std::vector<Request>& requests, const Shape& shape) {
  Model model{shape, {}, {}, 0};
  double known = 0, sum = 0;
  for (const Request& request : requests) {
    if (request.rest < 0) continue;
    sum += Ran(request) / (1 + shape.growth * request.others);
    known += 1;
  }
  SharedEngine engine(shape.places, shape.growth);
  for (const Request& request : requests) {
    const double work =
        request.rest < 0 ? sum / std::max(known, 1.0) : Ran(request) / (1 + shape.growth * request.others);
    model.work.push_back(work);
    engine.Send(request.at, work, shape.prompt * request.length);
  }
  model.answers = engine.Finish();
  double n = 0, rest = 0, squares = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].first < 0) continue;
    const double unexplained = requests[i].first - model.answers[i].wait;
    n += 1;
    rest += unexplained;
    squares += unexplained * unexplained;
  }
  model.error = squares - rest * rest / std::max(n, 1.0);
  return model;
}

// A first token that took longer than `alone` waited, but where the model lets it begin at once.
void FillWaits(std::vector<Request>& requests, double alone, const Model* model) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const bool free = model != nullptr && model->answers[i].wait <= kFree;
    requests[i].wait = free ? 0 : std::max(0.0, requests[i].first - alone);
  }
  FillOthers(requests);
}

double MeanFirstOfFree(const std::vector<Request>& requests, const Model& model, double otherwise) {
  double free = 0, sum = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].first < 0 || model.answers[i].wait > kFree) continue;
    free += 1;
    sum += requests[i].first;
  }
  constexpr double kEnough = 10;
  return free >= kEnough ? sum / free : otherwise;
}

// The time of a prompt that explains the first tokens best, in parts of the time between two arrivals: of an engine
// that computes one after another, and of one that also has `shape.places`.
Model WithPrompts(const std::vector<Request>& requests, const Shape& shape, double rate) {
  Model best;
  for (const double places : {kAllRun, shape.places}) {
    double least = 0.05, most = 1.05;
    for (double step = 0.1; step > 0.004; step /= 3) {
      double found = 0, error = std::numeric_limits<double>::infinity();
      for (double part = least; part <= most; part += step) {
        Model model = Answered(requests, {places, part / rate, shape.growth});
        if (model.error < error) {
          error = model.error;
          found = part;
        }
        if (model.error < best.error) best = std::move(model);
      }
      least = std::max(0.02, found - step);
      most = found + step;
    }
  }
  return best;
}

Model Fit(std::vector<Request>& requests, double places, double rate) {
  std::vector<double> firsts;
  for (const Request& request : requests) {
    if (request.first >= 0) firsts.push_back(request.first);
  }
  std::sort(firsts.begin(), firsts.end());
  const double shortest = Quantile(firsts, 0.1);
  FillWaits(requests, shortest, nullptr);
  // The warm-up counts unless the first tokens say otherwise by more than chance does.
  const double surely = 1 - kByChance * kByChance / static_cast<double>(firsts.size());
  const auto better = [&](Model model, const Shape& shape) {
    Model prompts = WithPrompts(requests, shape, rate);
    if (prompts.error < surely * model.error) model = std::move(prompts);
    return model;
  };
  Shape shape{places, 0, GrowthOf(requests)};
  const Model first = better(Answered(requests, shape), shape);
  FillWaits(requests, MeanFirstOfFree(requests, first, shortest), &first);
  shape.growth = GrowthOf(requests);
  Model best = Answered(requests, shape);
  for (double part = 0.08; places * part >= 0.5; part /= 2) {
    const double middle = best.shape.places;
    for (const double other : {middle * (1 - part), middle * (1 + part)}) {
      if (std::round(other) < 1 || std::round(other) == std::round(middle)) continue;
      Model model = Answered(requests, {other, 0, shape.growth});
      if (model.error < surely * best.error) best = std::move(model);
    }
  }
  return better(std::move(best), best.shape);
}

// Requests of the window that found about as many others.
class Alike {
 public:
  Alike(const std::vector<SharedEngine::Answer>& answers, std::vector<std::size_t> requests)
      : by_found_(std::move(requests)), near_(std::max(kAtLeast, by_found_.size() / kPart)) {
    std::stable_sort(by_found_.begin(), by_found_.end(),
                     [&](std::size_t a, std::size_t b) { return answers[a].found < answers[b].found; });
    for (const std::size_t request : by_found_) found_.push_back(answers[request].found);
  }
  std::size_t Pick(std::size_t found, KeyedRandom& random) const {
    const auto range = std::equal_range(found_.begin(), found_.end(), found);
    auto low = static_cast<std::size_t>(range.first - found_.begin());
    auto high = static_cast<std::size_t>(range.second - found_.begin());
    if (high - low < near_) {
      const std::size_t more = near_ - (high - low);
      low -= std::min(low, (more + 1) / 2);
      high = std::min(by_found_.size(), low + near_);
      low = high - std::min(high, near_);
    }
    return by_found_[low + random.Below(high - low)];
  }

 private:
  static constexpr std::size_t kAtLeast = 10, kPart = 50;
  std::vector<std::size_t> by_found_;
  std::vector<std::size_t> found_;  // ascending
  std::size_t near_;
};

Latency LatencyOfAll(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  Latency out;
  for (const Statistic statistic : kStatistics) {
    const bool mean = statistic == Statistic::kMean;
    out.Set(statistic, 1e3 * (mean ? sum / static_cast<double>(seconds.size()) : Quantile(seconds, Share(statistic))));
  }
  return out;
}

}  // namespace

double MaxRunningRequests(std::span<const Point> warm_up) {
  if (warm_up.size() < 2) return 0;
  const Point& one = warm_up.front();
  const Point& many = warm_up.back();
  constexpr double kHardlyWaiting = 0.95;
  // Its own prompt keeps a place busy, too.
  const double busy = many.e2e.mean - many.ttft.mean + std::min(one.ttft.mean, many.ttft.mean);
  const double ran = many.requests_per_second * busy / 1e3;
  return ran < kHardlyWaiting * many.load.value ? ran : many.load.value;
}

double MaxRunningRequests(std::span<const Point> warm_up, std::span<const Point> points) {
  double places = MaxRunningRequests(warm_up);
  if (places <= 0) return 0;
  for (const Point& point : points) {
    if (point.load.kind != LoadKind::kConcurrency || IsInvalid(point) || !IsUsable(point) || point.errors > 0) continue;
    places = std::max(places, point.load.value * (1 - WaitingShare(point, warm_up.front().ttft.mean)));
  }
  return places;
}

namespace {

// One simulated request, in seconds.
struct Simulated {
  double ttft = 0, tpot = 0, e2e = 0;
};

// nullopt: as LongRunOf().
std::optional<std::vector<Simulated>> Simulate(const WindowOfArrivals& window) {
  if (!(window.max_running_requests >= 1) || !(window.rate > 0) || window.arrival.process == ArrivalProcess::kTrace) {
    return std::nullopt;
  }
  std::vector<Request> requests = RequestsOf(window.records);
  if (requests.size() > kFitted) requests.resize(kFitted);
  const Model model = Fit(requests, window.max_running_requests, window.rate);
  std::vector<std::size_t> known;  // that are drawn: answered to their end
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].rest >= 0) known.push_back(i);
  }
  if (std::ssize(known) < kFewestAnswers) return std::nullopt;
  SharedEngine engine(model.shape.places, model.shape.growth);
  ArrivalGaps gaps(window.arrival, KeyedRandom(1, 1), 0);
  KeyedRandom pick(1, 2);
  std::vector<std::size_t> like;
  double clock = 0;
  for (std::size_t i = 0; i < kLong; ++i) {
    clock += gaps.Next() / window.rate;
    like.push_back(known[pick.Below(known.size())]);
    engine.Send(clock, model.work[like.back()], model.shape.prompt * requests[like.back()].length);
  }
  const std::vector<SharedEngine::Answer>& answers = engine.Finish();
  std::vector<Simulated> out;
  // Of those that found a place: the others' are the errors of their waits, too.
  std::vector<std::size_t> free;
  std::copy_if(known.begin(), known.end(), std::back_inserter(free),
               [&](std::size_t i) { return model.answers[i].wait <= kFree; });
  const Alike alike(model.answers, std::ssize(free) < kFewestAnswers ? known : free);
  for (std::size_t i = kLongRamp; i < answers.size(); ++i) {
    // What is not explained is more where there are many.
    const std::size_t beside = alike.Pick(answers[i].found, pick);
    const Request& request = requests[like[i]];
    const SharedEngine::Answer& then = model.answers[like[i]];
    const double first = std::max(kLeastFirst, answers[i].wait + requests[beside].first - model.answers[beside].wait);
    const double rest = request.rest * (then.duration > 0 ? answers[i].duration / then.duration : 1);
    out.push_back({first, rest / request.tokens, first + rest});
  }
  return out;
}

double ValueOf(const Simulated& request, Metric metric) {
  switch (metric) {
    case Metric::kTtft:
      return request.ttft;
    case Metric::kTpot:
      return request.tpot;
    case Metric::kE2e:
      return request.e2e;
    case Metric::kItl:
      break;
  }
  return 0;
}

std::array<Latency, kMetrics.size()> LatenciesOf(std::span<const Simulated> requests) {
  std::array<Latency, kMetrics.size()> out;
  for (const Metric metric : {Metric::kTtft, Metric::kTpot, Metric::kE2e}) {
    std::vector<double> seconds;
    for (const Simulated& request : requests) seconds.push_back(ValueOf(request, metric));
    out[static_cast<std::size_t>(metric)] = LatencyOfAll(std::move(seconds));
  }
  return out;
}

// Share of the requests that meet every limit; failed ones of the window meet none. nullopt with a limit of ITL, whose
// gaps are not simulated.
std::optional<double> AttainmentOf(const Slo& slo, const Point& point, std::span<const Simulated> requests) {
  if (std::any_of(slo.bounds.begin(), slo.bounds.end(),
                  [](const Bound& bound) { return bound.metric == Metric::kItl; })) {
    return std::nullopt;
  }
  const auto met = std::count_if(requests.begin(), requests.end(), [&](const Simulated& request) {
    return std::all_of(slo.bounds.begin(), slo.bounds.end(),
                       [&](const Bound& bound) { return 1e3 * ValueOf(request, bound.metric) <= bound.limit; });
  });
  const double answered = static_cast<double>(point.requests + point.censored);
  const double sent = answered + static_cast<double>(point.errors);
  return static_cast<double>(met) / static_cast<double>(requests.size()) * (sent > 0 ? answered / sent : 1);
}

}  // namespace

std::optional<std::array<Latency, kMetrics.size()>> LongRunOf(const WindowOfArrivals& window) {
  const auto simulated = Simulate(window);
  if (!simulated) return std::nullopt;
  return LatenciesOf(*simulated);
}

void ShowLongRun(const Slo& slo, const WindowOfArrivals& window, Point& point) {
  if (point.load.kind != LoadKind::kRequestRate || slo.attainment || IsInvalid(point)) return;
  if (std::none_of(slo.bounds.begin(), slo.bounds.end(),
                   [](const Bound& bound) { return bound.metric != Metric::kItl; })) {
    return;
  }
  // Even arrivals have no bursts.
  if (point.saturated && window.arrival.process == ArrivalProcess::kConstant) return;
  const auto simulated = Simulate(window);
  if (!simulated) return;
  const std::array<Latency, kMetrics.size()> long_run = LatenciesOf(*simulated);
  const auto expected = [&](Metric metric) -> const Latency& { return long_run[static_cast<std::size_t>(metric)]; };
  Point shown = point;
  shown.attainment = AttainmentOf(slo, point, *simulated);
  shown.saturated = false;
  for (const Metric metric : {Metric::kTtft, Metric::kTpot, Metric::kE2e}) {
    for (const Statistic statistic : kStatistics) {
      const double seen = point.Get(metric).Get(statistic);
      const bool bounded = std::any_of(slo.bounds.begin(), slo.bounds.end(), [&](const Bound& bound) {
        return bound.metric == metric && bound.statistic == statistic;
      });
      if (bounded) shown.in_window.push_back({metric, statistic, seen});
      shown.Get(metric).Set(statistic, std::clamp(expected(metric).Get(statistic), seen / kFarthest, seen * kFarthest));
    }
    shown.relative_ci[static_cast<std::size_t>(metric)] *= kSurer;
  }
  const bool kept = CheckSlo(slo, shown).empty();
  if (point.saturated) {
    // A burst at its end makes the queue of a short window grow, too. An engine that cannot keep up with the rate has
    // no end of waiting in the long run, whatever is bounded.
    if (!kept || expected(Metric::kE2e).p50 > kNoEndOfWaiting * point.e2e.p50) return;
    if (point.requests > 0) {  // as of other rates that are kept up with: answered as they come
      const double ended = static_cast<double>(point.requests + point.errors);
      shown.output_tokens_per_second = point.load.value * static_cast<double>(point.output_tokens) / ended;
      shown.requests_per_second = point.load.value * static_cast<double>(point.requests) / ended;
    }
    shown.verdict = Verdict::kUndecided;
  }
  if (shown.verdict != Verdict::kUndecided && kept != (shown.verdict == Verdict::kMet)) {
    shown.verdict = Verdict::kUndecided;
  }
  point = std::move(shown);
}

}  // namespace autotune::measurement
