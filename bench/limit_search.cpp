#include "bench/limit_search.h"

#include <sys/resource.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "base/ascii_case.h"
#include "bench/arrival.h"
#include "bench/clean_text.h"
#include "bench/completion_stream.h"
#include "bench/connection.h"
#include "bench/datasets.h"
#include "bench/engine_metrics.h"
#include "bench/engine_reader.h"
#include "bench/load_run.h"
#include "bench/recorder.h"
#include "measurement/batches.h"
#include "measurement/client_queue.h"
#include "measurement/drift.h"
#include "measurement/lockstep.h"
#include "measurement/long_run.h"
#include "measurement/pooled_errors.h"
#include "measurement/queue_growth.h"
#include "measurement/standing_queue.h"

namespace autotune::bench {
namespace {

using measurement::Load;
using measurement::Point;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kLook{50};
constexpr milliseconds kReport{500};
constexpr milliseconds kIdentifyTimeout{10'000};
constexpr milliseconds kReadTimeout{2'000};
constexpr int kIdentifyAttempts = 5;
constexpr int kAliveAttempts = 3;
constexpr int kFirstAttempts = 4;
constexpr int kSpareDescriptors = 64;
constexpr int kSecondWave = 2;         // times the first wave: as long as the warm-up waits for the second one
constexpr int kLongestSecondWave = 4;  // ... but not longer than so many times `warmup`
constexpr int kAdmittedWaves = 4;      // times the first request: as long as requests that are admitted may take
constexpr std::chrono::seconds kRefusedFor{10};  // by every place of a warm-up: the server accepts nothing
constexpr std::chrono::seconds kSilence{2};
constexpr int kSilentTimes = 2;        // ... and so many times the longest answer without a token: the engine hangs
constexpr double kSteadyWaves = 0.10;  // two successive waves of the warm-up that differ by less are steady

base::Error Interrupted() { return {base::Code::kCancelled, "interrupted", std::nullopt, 0}; }

std::string Format(const char* format, auto... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

double Seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }
double SecondsSince(SteadyTime start) { return Seconds(std::chrono::steady_clock::now() - start); }

// A text member of a JSON document, "" when there is none.
std::string TextMember(const std::string& body, const char* key) {
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object()) return "";
  const auto found = document.find(key);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

// When each completion of a closed loop of `places` ended: wave k is the k-th group of as many.
struct Waves {
  std::vector<nanoseconds> ends;

  void Read(std::span<const measurement::RequestRecord> records) {
    ends.clear();
    for (const auto& record : records) {
      if (record.outcome == measurement::RequestOutcome::kOk) ends.push_back(record.end);
    }
    std::sort(ends.begin(), ends.end());
  }
  [[nodiscard]] std::size_t Count(std::size_t places) const { return ends.size() / places; }
  // Of wave `wave` from 0.
  [[nodiscard]] double Duration(std::size_t wave, std::size_t places) const {
    const nanoseconds begin = wave == 0 ? nanoseconds(0) : ends[wave * places - 1];
    return Seconds(ends[(wave + 1) * places - 1] - begin);
  }
  [[nodiscard]] bool Steady(std::size_t places) const {
    const std::size_t count = Count(places);
    if (count < 2) return false;
    const double last = Duration(count - 1, places), before = Duration(count - 2, places);
    return std::abs(last - before) < kSteadyWaves * before;
  }
};

// For how long nothing came although requests were waiting, if that is so long that the engine hangs. `now`: on the
// clock of the records. `slowest`: of the loads before, with which the silence is compared where no request was
// answered. nullopt where that is not known (0), and where requests were given up: they are errors of the point.
std::optional<nanoseconds> SilentFor(std::span<const measurement::RequestRecord> records, nanoseconds now,
                                     nanoseconds slowest) {
  using measurement::RequestOutcome;
  nanoseconds heard{}, longest{}, first_waiting = now;
  for (const measurement::RequestRecord& record : records) {
    if (!record.events.empty()) {
      heard = std::max(heard, record.start + std::chrono::microseconds(record.events.back()));
    }
    if (record.outcome == RequestOutcome::kInFlight || record.outcome == RequestOutcome::kTimedOut) {
      first_waiting = std::min(first_waiting, record.start);
    } else if (record.outcome != RequestOutcome::kConnectionLost) {
      heard = std::max(heard, record.end);
      if (record.outcome == RequestOutcome::kOk) longest = std::max(longest, record.end - record.start);
    }
  }
  const bool gave_up = std::any_of(records.begin(), records.end(), [](const measurement::RequestRecord& record) {
    return record.outcome == RequestOutcome::kTimedOut;
  });
  if (longest.count() == 0 && !gave_up) longest = slowest;
  const nanoseconds silent = now - std::max(heard, first_waiting);
  const nanoseconds most = std::max<nanoseconds>(kSilence, kSilentTimes * longest);
  return longest.count() > 0 && silent > most ? std::optional(silent) : std::nullopt;
}

nanoseconds MeanE2e(std::span<const measurement::RequestRecord> records) {
  nanoseconds sum{};
  std::int64_t count = 0;
  for (const auto& record : records) {
    if (record.outcome != measurement::RequestOutcome::kOk) continue;
    sum += record.end - record.start;
    ++count;
  }
  return count == 0 ? nanoseconds(0) : sum / count;
}

// The lowest load at which a bound is missed even if the latency is three deviations below its prediction: a search
// does not measure there. nullopt without such a load.
std::optional<double> HopelessLoad(const measurement::PredictedLoads& prediction) {
  constexpr double kDeviations = 3;
  const auto lowest = [&](const measurement::PredictedMetric& metric, std::size_t i) {
    const double u = prediction.u[i];
    const double variance = metric.level_variance + 2 * u * metric.level_slope_covariance +
                            u * u * metric.slope_variance + metric.roughness * metric.roughness +
                            metric.noise * metric.noise;
    return metric.mean[i] - kDeviations * std::sqrt(std::max(0.0, variance));
  };
  const auto misses = [](double ln_ms, const measurement::PredictedMetric& metric) {
    return metric.ln_bound && ln_ms > *metric.ln_bound;
  };
  for (std::size_t i = 0; i < prediction.loads.size(); ++i) {
    const double tpot = lowest(prediction.tpot, i);
    const double queued = prediction.queued.empty() ? 0 : prediction.queued[i];
    const double ttft = measurement::WithQueue(lowest(prediction.ttft, i), tpot, queued, prediction.output_tokens);
    const bool e2e = prediction.e2e && misses(lowest(*prediction.e2e, i), *prediction.e2e);
    if (misses(ttft, prediction.ttft) || misses(tpot, prediction.tpot) || e2e) return prediction.loads[i];
  }
  return std::nullopt;
}

// By the last part of a hub id or path, whatever its case: some engines name their model by it alone.
bool SameModel(std::string_view a, std::string_view b) {
  const auto last = [](std::string_view name) {
    while (name.ends_with('/')) name.remove_suffix(1);
    return name.substr(name.rfind('/') + 1);  // npos + 1 is 0
  };
  return base::EqualIgnoringCase(last(a), last(b));
}

// Of a request that is longer than the model's context, in the words of the engines.
bool MentionsContext(std::string_view error) {
  const std::string lower = base::AsciiLower(error);
  return lower.find("context length") != std::string::npos || lower.find("context size") != std::string::npos ||
         lower.find("max_seq_len") != std::string::npos || lower.find("max_model_len") != std::string::npos ||
         lower.find("max_num_tokens") != std::string::npos;
}

// Of an overload, or of a server that is not ready yet: the same request may succeed later.
bool MayPass(int status) { return status == 408 || status == 429 || (status >= 500 && status != 501); }

bool IsOfTokenIds(const PromptStyle& style) { return style.kind == PromptStyle::Kind::kTokenIds; }

// The dataset's own; a trace has only lengths.
bool HasTexts(const BenchSpec& spec) {
  return spec.dataset && spec.dataset->format != measurement::DatasetFormat::kMooncake;
}

// Entries that are not equal to another one; 0 for a trace without ids, whose texts are drawn anew in each round.
std::size_t DistinctPrompts(std::span<const measurement::DatasetEntry> entries) {
  std::unordered_set<std::string> prompts;
  for (const measurement::DatasetEntry& entry : entries) {
    std::string key = entry.prompt;
    for (const measurement::Message& message : entry.messages) key += message.role + '\0' + message.content + '\0';
    for (const std::int64_t block : entry.blocks) key += std::to_string(block) + ',';
    if (!key.empty()) prompts.insert(std::move(key));
  }
  return prompts.size();
}

}  // namespace

LimitSearch::LimitSearch(const BenchSpec& spec, Server& server, LimitSearchHooks hooks)
    : spec_(spec), server_(server), hooks_(std::move(hooks)) {}

base::Status LimitSearch::Prepare() {
  if (spec_.dataset) {
    auto entries = ReadDatasetOf(spec_);
    if (!entries) return entries.error();
    dataset_ = *std::move(entries);
    distinct_prompts_ = DistinctPrompts(dataset_);
  }
  double places = spec_.load.max;
  if (spec_.load.mode == measurement::LoadMode::kFixedConcurrency) places = spec_.load.fixed.back();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && places + kSpareDescriptors > static_cast<double>(limit.rlim_cur)) {
    return base::Invalid(
        Format("load: %.0f requests in flight require as many open files; the limit (ulimit -n) is %llu", places,
               static_cast<unsigned long long>(limit.rlim_cur)));
  }
  if (!spec_.records.empty()) {
    if (auto status = AppendRecords(spec_.records, "", {}, {}); !status) return status;
  }
  return {};
}

std::vector<base::Result<Answer>> LimitSearch::AskAll(std::string_view path, std::span<const std::string> bodies,
                                                      std::size_t in_flight, milliseconds timeout) {
  return ExchangeAll(loop_, server_, "POST", path, bodies, in_flight, timeout, hooks_.interrupted);
}

base::Result<Answer> LimitSearch::Ask(std::string_view method, std::string_view path, std::string_view body,
                                      milliseconds timeout) {
  return Exchange(loop_, server_, method, path, body, timeout);
}

milliseconds LimitSearch::request_timeout() const {
  if (spec_.request_timeout) return *spec_.request_timeout;
  return std::max(kShortestRequestTimeout,
                  std::chrono::duration_cast<milliseconds>(10 * first_e2e_.value_or(nanoseconds(0))));
}

bool LimitSearch::Pause(milliseconds time) {
  const SteadyTime until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until && !hooks_.interrupted()) {
    loop_.At(std::min<SteadyTime>(until, std::chrono::steady_clock::now() + kLook), [this] { loop_.Stop(); });
    loop_.Run();
  }
  return !hooks_.interrupted();
}

base::Status LimitSearch::Identify(const std::string& model) {
  std::string problem;
  for (int attempt = 0; attempt < kIdentifyAttempts; ++attempt) {
    if (hooks_.interrupted()) return Interrupted();
    if (attempt > 0 && !Pause(hooks_.retry_pause)) return Interrupted();
    const auto models = Ask("GET", "/v1/models", "", kIdentifyTimeout);
    if (!models) {
      problem = models.error().message;
      if (!server_.url().tls && problem.find(kNoAnswer) != std::string::npos) {
        problem += "; a server with TLS needs https:// instead of http://";
      }
      if (models.error().code == base::Code::kInvalid) break;
      continue;
    }
    const json document = json::parse(models->body, nullptr, false);
    const json* data = document.is_object() && document.contains("data") ? &document["data"] : nullptr;
    const bool listed =
        models->status == 200 && data != nullptr && data->is_array() && !data->empty() && (*data)[0].is_object();
    if (!listed && model.empty()) {
      const std::string& prefix = server_.url().prefix;
      problem = "GET " + prefix + "/v1/models: " + StatusText(models->status, models->location, models->body);
      if (!MayPass(models->status) && models->status != 200) {
        if (models->status == 404 || models->status == 405) {
          problem += prefix.empty() ? "; name the model (--model)"
                                    : "; a server without \"" + prefix +
                                          "\" in its paths: a URL without it; one without a list: --model";
        }
        problem += TokenHint(models->status);
        break;
      }
      continue;
    }
    const json none = json::object();
    const json* chosen = listed ? &(*data)[0] : &none;
    std::string names;
    if (listed) {
      for (const json& one : *data) {
        const std::string id = one.is_object() ? one.value("id", "") : "";
        names += (names.empty() ? "" : ", ") + id;
        if (id == model) chosen = &one;
      }
    }
    model_ = chosen->value("id", "");
    if (!model.empty() && model_ != model) {
      // Gateways accept names that they do not list.
      chosen = &none;
      model_ = model;
      other_models_ = CleanText(names, 300);
    }
    const std::string root = chosen->value("root", json("")).is_string() ? chosen->value("root", "") : "";
    if (!spec_.model.empty() && !SameModel(model_, spec_.model) && !SameModel(root, spec_.model)) {
      Warn("the server calls its model \"" + CleanText(model_, 100) + "\", and the task's is \"" +
           CleanText(spec_.model, 100) + "\": the measured model may be another one");
    }
    result_.simulated = models->simulated || chosen->value("owned_by", json()) == "simulated";
    // vLLM and TensorRT-LLM have /version, SGLang says it in /server_info.
    for (const char* path : {"/version", "/server_info"}) {
      const auto answer = Ask("GET", path, "", kIdentifyTimeout);
      if (answer && answer->status == 200) result_.engine_version = TextMember(answer->body, "version");
      if (!result_.engine_version.empty()) break;
    }
    for (const std::string_view path : kMetricsPaths) {
      const auto answer = Ask("GET", path, "", kReadTimeout);
      if (!answer || answer->status != 200 || ReadEngineMetrics(answer->body).IsEmpty()) continue;
      metrics_path_ = path;
      break;
    }
    hooks_.say("model " + model_ + ", engine version " +
               (result_.engine_version.empty() ? "not known" : result_.engine_version) +
               (result_.simulated ? " (simulated)" : "") +
               (metrics_path_.empty()
                    ? ", without counters: prompts of an earlier run with the same seed may be in its prefix cache"
                    : ""));
    return {};
  }
  return base::Invalid(problem);
}

std::string LimitSearch::TokenHint(int status) const {
  if (status != 401 && status != 403) return "";
  return server_.url().token.empty() ? "; set the environment variable OPENAI_API_KEY to the server's token"
                                     : "; the server does not accept the token of OPENAI_API_KEY";
}

base::Result<Workload> LimitSearch::MakeWorkload(std::size_t scenario) {
  auto workload =
      spec_.dataset ? Workload::OfDataset(spec_, dataset_) : base::Result<Workload>(Workload(spec_, scenario));
  if (!workload) return workload;
  workload->set_model(model_);
  if (style_) workload->set_style(*style_);
  return workload;
}

base::Status LimitSearch::Run() {
  for (std::size_t i = 0; i < spec_.Workloads(); ++i) {
    if (auto status = SearchScenario(i); !status) return status;
  }
  return {};
}

// The highest that the points of a scenario may reach: what an engine has to be warm for.
int LimitSearch::HighestConcurrency(std::size_t scenario) const {
  using measurement::LoadMode;
  double highest = spec_.load.max;
  switch (spec_.load.mode) {
    case LoadMode::kFixedConcurrency:
      return static_cast<int>(spec_.load.fixed.back());
    case LoadMode::kFixedRate:
      // By Little's law, with latencies twice as long as those of a single request.
      highest = std::min(highest,
                         std::ceil(2 * spec_.load.fixed.back() * Seconds(seen_e2e_.At(measurement::Concurrency(1)))));
      break;
    case LoadMode::kAutoConcurrency:
    case LoadMode::kAutoRate:
      // Two waves of 512 requests took a slow GPU two minutes, whose limit was at 30.
      if (scenario < spec_.predictions.size() && spec_.predictions[scenario]) {
        highest = std::min(highest, HopelessLoad(*spec_.predictions[scenario]).value_or(highest));
      }
      break;
  }
  if (scenario < spec_.admitted.size() && spec_.admitted[scenario]) {
    highest = std::min(highest, std::ceil(*spec_.admitted[scenario]));
  }
  return std::max(1, static_cast<int>(highest));
}

base::Result<LimitSearch::Attempt> LimitSearch::TryFirst(Workload& workload, bool patient) {
  for (int attempt = 1;; ++attempt) {
    LoadRunOptions options;
    options.load = measurement::Concurrency(1);
    options.seed = spec_.seed;
    options.first_conversation = next_conversation_;
    options.max_requests = 2;
    options.request_timeout = spec_.first_request_timeout;
    Recorder recorder(std::chrono::steady_clock::now());
    bool interrupted = false;
    LoadRun run(loop_, server_, workload, recorder, options);
    Attempt out;
    out.report = run.Run([&](SteadyTime now) -> std::optional<SteadyTime> {
      interrupted = interrupted || hooks_.interrupted();
      const bool failed = recorder.ended() > recorder.succeeded();
      if (interrupted || failed || recorder.ended() >= options.max_requests) return std::nullopt;
      return now + kLook;
    });
    next_conversation_ += out.report.conversations;
    result_.simulated = result_.simulated || out.report.simulated;
    if (interrupted) return Interrupted();
    out.records.assign(recorder.records().begin(), recorder.records().end());
    const bool answered = recorder.succeeded() > 0;
    if (answered || !patient || attempt == kFirstAttempts || !MayPass(out.report.first_error_status)) return out;
    const milliseconds pause = std::max((1 << (attempt - 1)) * hooks_.retry_pause, out.report.first_retry_after);
    const std::string line = "the first request failed: " + out.report.first_error +
                             Format("; retry %d of %d in %.0f s", attempt, kFirstAttempts - 1, Seconds(pause));
    hooks_.say(line);
    hooks_.wait(line);
    if (!Pause(pause)) return Interrupted();
  }
}

void LimitSearch::Accept(Workload& workload, const Attempt& attempt) {
  const LoadRunReport& report = attempt.report;
  if (report.first_answered) workload.Calibrate(*report.first_answered, report.first_answered_input_tokens);
  const auto answered = std::count_if(attempt.records.begin(), attempt.records.end(), [](const auto& record) {
    return record.outcome == measurement::RequestOutcome::kOk;
  });
  const nanoseconds first = attempt.records[0].end - attempt.records[0].start;
  if (!first_e2e_) first_e2e_ = first;
  const auto& warm = attempt.records[answered >= 2 ? 1 : 0];
  seen_e2e_.Add(1, warm.end - warm.start);
  if (auto one = measurement::Glimpse(1, attempt.records)) warm_up_ = {*std::move(one)};
  if (style_) return;
  style_ = workload.style();
  const bool words = style_->kind == PromptStyle::Kind::kWords;
  std::string line = Format("first request: %.2f s", Seconds(first));
  if (answered >= 2) line += Format(", second: %.2f s", Seconds(warm.end - warm.start));
  if (HasTexts(spec_)) {
    hooks_.say(line);
  } else {
    hooks_.say(line + ", prompts are " + (words ? "words" : "token ids"));
    if (words && spec_.endpoint == measurement::Endpoint::kCompletions) {
      Warn(std::string(kRejectsTokenIds) + ": prompts are words, and their lengths are approximate");
    }
  }
  if (!style_->exact_answers) {
    Warn("the server rejects ignore_eos: answers end by themselves, so their lengths differ between configurations");
  }
  if (!style_->greedy) Warn("the server rejects temperature or seed: its answers differ from run to run");
}

// The first request of all also finds out how prompts must be written, and how long a request may take. It has a long
// timeout: engines compile kernels for shapes that they see for the first time. Two: the second one's latency is that
// of a warm engine.
base::Status LimitSearch::FirstRequest(Workload& workload) {
  std::string first_error;
  int first_status = 0;
  const std::vector<PromptStyle> usual = PromptStyles(spec_.endpoint, spec_.vocab_size);
  std::deque<PromptStyle> styles(usual.begin(), usual.end());
  if (HasTexts(spec_)) std::erase_if(styles, IsOfTokenIds);
  if (style_) styles = {*style_};
  while (!styles.empty()) {
    workload.set_style(styles.front());
    styles.pop_front();
    const auto attempt = TryFirst(workload, first_error.empty());
    if (!attempt) return attempt.error();
    if (attempt->records[0].outcome == measurement::RequestOutcome::kOk) {
      Accept(workload, *attempt);
      return CheckStreams(attempt->records);
    }
    const int status = attempt->report.first_error_status;
    if (first_error.empty()) {
      first_error = attempt->report.first_error;
      first_status = status;
    }
    // Only a refusal of the request itself is answered by another prompt. vLLM rejects ids in the stream, without a
    // code in some releases; small servers fail at them (500).
    const bool in_stream = attempt->records[0].outcome == measurement::RequestOutcome::kErrorEvent;
    if (status == 500 && IsOfTokenIds(workload.style())) {
      std::erase_if(styles, IsOfTokenIds);
    } else if (status != 400 && status != 422 && !in_stream) {
      break;
    }
    const auto without = WithoutRejected(workload.style(), spec_.endpoint, attempt->report.first_error);
    if (without) {
      // What comes later does not send the field, either.
      for (PromptStyle& style : styles) {
        style.completion_limit = without->completion_limit;
        style.greedy = without->greedy;
        style.exact_answers = style.exact_answers && without->exact_answers;
      }
      styles.push_front(*without);
    }
  }
  const bool chat = spec_.endpoint == measurement::Endpoint::kChat;
  std::string hint;
  if (first_status == 404 || first_status == 405 || first_status == 501) {
    const std::string& prefix = server_.url().prefix;
    hint = " (POST " + prefix + std::string(workload.path()) + ")";
    if (!prefix.empty()) hint += "; a server without \"" + prefix + "\" in its paths: a URL without it";
    hint += chat ? "; a server without chats: no --chat (in a task: benchmark.endpoint: Completions)"
                 : "; a server that only has chats: --chat (in a task: benchmark.endpoint: Chat)";
  }
  hint += TokenHint(first_status);
  if (MentionsContext(first_error)) {
    hint += spec_.dataset
                ? "; only requests within it can be sent: a dataset of shorter texts, or fewer --output-tokens"
                : "; shorter lengths fit: --scenario 'D(in,out)' (in a task: benchmark.scenarios)";
  }
  if (!other_models_.empty()) {
    hint += "; the server does not list \"" + CleanText(model_, 100) + "\" but: " + other_models_;
  }
  return base::Invalid("the first request failed: " + first_error + hint);
}

base::Status LimitSearch::CheckStreams(std::span<const measurement::RequestRecord> records) {
  if (const auto batches = measurement::BatchesOf(records)) return CheckBatches(*batches);
  if (!measurement::CameInOnePiece(records)) return {};
  const std::string why = " not measured: answers came in one piece (a proxy buffers them, or no streaming)";
  for (const measurement::Bound& bound : spec_.slo.bounds) {
    if (bound.metric == measurement::Metric::kE2e) continue;
    return base::Invalid(
        "the limit of " + bound.Field().substr(4) + " cannot be judged: it is" + why +
        ". Turn buffering off in the proxy (nginx: proxy_buffering off), ask the engine itself, or limit "
        "e2eLatency instead");
  }
  Warn("TTFT, TPOT and ITL are" + why);
  return {};
}

// A TPOT that misses much of its time would keep any limit.
base::Status LimitSearch::CheckBatches(const measurement::Batches& batches) {
  constexpr double kMuch = 0.2;
  const std::string seen = Format("%.1f at a time, every %.0f ms", batches.events, batches.gap_ms);
  for (const measurement::Bound& bound : spec_.slo.bounds) {
    const bool between = bound.metric == measurement::Metric::kTpot || bound.metric == measurement::Metric::kItl;
    if (!between || batches.tpot_too_low < kMuch) continue;
    return base::Invalid("the limit of " + bound.Field().substr(4) + " cannot be judged: tokens arrive in batches (" +
                         seen + "), held back by a proxy or by the engine");
  }
  const std::string kind = "tokens arrive in batches";
  Warn(kind + " (" + seen +
           Format(
               "): a proxy or the engine holds them back. TTFT is about %.0f ms too high, TPOT about %.0f %% too low, "
               "and ITL is the time between batches",
               batches.ttft_too_high_ms, 100 * batches.tpot_too_low),
       kind);
  return {};
}

// Some errors are an overload's; a server that has ended, or hangs, answers nothing at all.
base::Status LimitSearch::CheckAlive(const std::string& error) {
  for (int attempt = 0; attempt < kAliveAttempts; ++attempt) {
    if (attempt > 0 && !Pause(hooks_.retry_pause)) return Interrupted();
    if (Ask("GET", "/v1/models", "", kIdentifyTimeout)) return {};
    if (hooks_.interrupted()) return Interrupted();
  }
  return base::Invalid("the server no longer answers: " + error);
}

// TPOT counts the tokens of the first event as if they came after it.
void LimitSearch::WarnOfTokensPerEvent(std::span<const measurement::RequestRecord> records) {
  constexpr double kSeveral = 1.5;  // text of a few tokens may come with the next one's (parts of a character)
  double tokens = 0, events = 0, too_low = 0, requests = 0;
  for (const measurement::RequestRecord& record : records) {
    if (record.outcome != measurement::RequestOutcome::kOk || record.output_tokens < 2) continue;
    const auto count = static_cast<double>(record.events.size());
    tokens += record.output_tokens;
    events += count;
    too_low += (record.output_tokens / count - 1) / (record.output_tokens - 1);
    requests += 1;
  }
  if (!(tokens >= kSeveral * events) || events == 0 || measurement::CameInOnePiece(records)) return;
  const std::string kind = "an event carries ";
  Warn(kind + Format("%.1f tokens on average: ITL is the time between events, and TPOT is about %.0f %% too low",
                     tokens / events, 100 * too_low / requests),
       kind);
}

// The waits of a rate for one of the client's places are in its latencies, and no limit of the server.
void LimitSearch::WarnOfHeld(const Point& point) {
  if (!(point.held > 0)) return;
  const std::string kind = "requests waited in the client";
  Warn(
      kind + Format(": %.0f %% at %s, for one of %d places (load.max, --max). The server had room, so this is no limit "
                    "of its own: raise it",
                    100 * point.held, point.load.ToString().c_str(), spec_.load.max),
      kind);
}

void LimitSearch::WarnOfPrefixCache(const Point& point) {
  const bool known = point.engine.prefix_hit_rate.has_value();
  prefix_hits_ = std::max(prefix_hits_, point.engine.prefix_hit_rate.value_or(0));
  constexpr double kOften = 1.1, kHardlyHit = 0.05;
  constexpr double kTemplateOfChat = 0.5;  // whatever a chat's prompt begins with may be of the template
  if (distinct_prompts_ > 0) {
    const double times = static_cast<double>(next_conversation_) / static_cast<double>(distinct_prompts_);
    if (times < kOften || (known && prefix_hits_ < kHardlyHit)) return;
    const std::string kind = "prompts repeat (";
    Warn(kind + Format("%zu of the dataset, sent %.*f times each): ", distinct_prompts_, times < 10 ? 1 : 0, times) +
             (known ? Format("%.0f %% of their tokens came from the prefix cache", prefix_hits_ * 100)
                    : "a prefix cache speeds them up; use a longer dataset"),
         kind);
    return;
  }
  if (spec_.dataset || spec_.prefix.tokens > 0 || spec_.turns != measurement::Turns()) return;
  if (prefix_hits_ < (spec_.endpoint == measurement::Endpoint::kChat ? kTemplateOfChat : kHardlyHit)) return;
  // The counters are those of all clients.
  const std::string kind = "the prefix cache held ";
  Warn(kind + Format("%.0f %% of all prompt tokens: sent before (use another seed), or by other clients",
                     prefix_hits_ * 100),
       kind);
}

base::Status LimitSearch::WarmUp(Workload& workload) {
  if (auto status = FirstRequest(workload); !status) return status;
  const auto places = static_cast<std::size_t>(HighestConcurrency(result_.outcomes.size()));
  LoadRunOptions options;
  options.load = measurement::Concurrency(static_cast<int>(places));
  options.seed = spec_.seed;
  options.first_conversation = next_conversation_;
  options.request_timeout = spec_.first_request_timeout;
  const nanoseconds one_e2e = seen_e2e_.At(measurement::Concurrency(1));
  options.expected_e2e = one_e2e;  // started apart, so that they do not stay together
  Recorder recorder(std::chrono::steady_clock::now());
  Waves waves;
  bool interrupted = false;
  std::int64_t looked_at = 0;
  LoadRun run(loop_, server_, workload, recorder, options);
  const SteadyTime begin = std::chrono::steady_clock::now();
  SteadyTime until = begin + spec_.first_request_timeout;
  SteadyTime second_until = until;  // a second wave says what the engine gets through
  const LoadRunReport report = run.Run([&](SteadyTime now) -> std::optional<SteadyTime> {
    interrupted = interrupted || hooks_.interrupted();
    if (interrupted || (now >= until && (waves.Count(places) >= 2 || now >= second_until))) return std::nullopt;
    // An engine that rejects everything rejects quickly: it is not asked thousands of times. One that only admits some
    // has answered these after a few times the length of a request.
    // Refused ones wait before they ask again.
    const auto failed = recorder.ended() - recorder.succeeded();
    const bool often = failed >= static_cast<std::int64_t>(std::max<std::size_t>(2 * places, 8)) ||
                       (failed >= static_cast<std::int64_t>(places) && now - begin >= kRefusedFor);
    if (recorder.succeeded() == 0 && often && now - begin >= kAdmittedWaves * one_e2e) return std::nullopt;
    if (recorder.succeeded() != looked_at) {
      looked_at = recorder.succeeded();
      const bool first_wave = waves.Count(places) == 0;
      waves.Read(recorder.records());
      if (waves.Steady(places)) return std::nullopt;
      if (first_wave && waves.Count(places) > 0) {
        until = now + spec_.warmup;
        second_until = now + std::min<nanoseconds>(kSecondWave * (now - begin), kLongestSecondWave * spec_.warmup);
      }
    }
    return now + kLook;
  });
  next_conversation_ += report.conversations;
  if (interrupted) return Interrupted();
  if (recorder.succeeded() == 0 && recorder.ended() > 0) {
    return base::Invalid("every request of the warm-up failed: " + report.first_error);
  }
  waves.Read(recorder.records());
  if (const nanoseconds e2e = MeanE2e(recorder.records()); e2e.count() > 0) {
    seen_e2e_.Add(static_cast<double>(places), e2e);
  }
  // With all places that a rate may use.
  if (static_cast<int>(places) >= spec_.load.max) capacity_ = measurement::RateOfEnds(waves.ends, places);
  if (auto many = measurement::Glimpse(static_cast<int>(places), recorder.records()); many && places > 1) {
    if (capacity_ > 0) capacity_ = std::max(capacity_, many->requests_per_second);
    warm_up_.push_back(*std::move(many));
  }
  std::string line = Format("%s warm-up: %zu answers, %zu at a time, in %.1f s", workload.name().c_str(),
                            waves.ends.size(), places, SecondsSince(begin));
  if (const std::size_t count = waves.Count(places); count >= 2 && !waves.Steady(places)) {
    line += Format("; the last two times as many took %.2f s and %.2f s", waves.Duration(count - 2, places),
                   waves.Duration(count - 1, places));
  }
  hooks_.say(line);
  return {};
}

base::Status LimitSearch::SearchScenario(std::size_t scenario) {
  auto workload = MakeWorkload(scenario);
  if (!workload) return workload.error();
  seen_e2e_ = {};
  warm_up_.clear();
  capacity_ = 0;
  const std::size_t first = first_of_scenario_ = result_.points.size();
  if (auto status = WarmUp(*workload); !status) return status;

  measurement::LoadSearchInput input;
  input.plan = spec_.load;
  input.slo = spec_.slo;
  input.score_metric = spec_.score_metric;
  input.gpus = spec_.gpus;
  if (scenario < spec_.score_to_beat.size()) input.score_to_beat = spec_.score_to_beat[scenario];
  if (scenario < spec_.score_to_beat_ci.size()) input.score_to_beat_ci = spec_.score_to_beat_ci[scenario].value_or(0);
  if (scenario < spec_.predictions.size()) input.prediction = spec_.predictions[scenario];
  if (scenario < spec_.admitted.size()) input.admitted = spec_.admitted[scenario];
  if (scenario < spec_.start.size() && spec_.start[scenario]) {
    input.start = Load{measurement::KindOf(spec_.load.mode), *spec_.start[scenario]};
  }
  input.warm_up = warm_up_;
  input.confirms = spec_.confirms;
  if (scenario < spec_.reference.size()) input.reference = spec_.reference[scenario];
  input.mean_output_tokens = workload->MeanOutputTokens();
  input.seed = static_cast<std::uint64_t>(spec_.seed);
  for (;;) {
    input.time_left = hooks_.time_left();
    const std::span<const Point> points(result_.points.begin() + static_cast<std::ptrdiff_t>(first),
                                        result_.points.end());
    const measurement::LoadDecision decision = DecideLoad(input, points);
    if (!decision.next) {
      const bool answered = std::any_of(points.begin(), points.end(), [](const Point& p) { return p.requests > 0; });
      if (!answered && !points.empty()) {
        const Point& last = points.back();
        const std::string which = workload->name() + " at " + last.load.ToString();
        if (last.errors > 0 || !last_error_.empty()) {
          return base::Invalid("every request of " + which +
                               " failed: " + (last_error_.empty() ? "none was answered in time" : last_error_));
        }
        return base::Invalid(which + ": no request that was sent in the window was answered before it ended; " +
                             (last.load.kind == measurement::LoadKind::kRequestRate
                                  ? "the rate is far above what the server answers"
                                  : "requests take longer than the window, so it has to be longer"));
      }
      if (decision.reason == measurement::StopReason::kInvalid && !decision.best) {
        return NothingValid(*workload, points.back());
      }
      ScenarioOutcome outcome{decision.reason, std::nullopt};
      if (decision.best) outcome.best = first + *decision.best;
      if (decision.limit != decision.best && decision.limit) outcome.limit = first + *decision.limit;
      if (decision.best) WarnOfErrors(points, *decision.best);
      result_.outcomes.push_back(outcome);
      hooks_.say(workload->name() + ": " + std::string(StopReasonName(decision.reason)) +
                 (decision.why.empty() ? "" : ": " + decision.why));
      return {};
    }
    if (decision.role == measurement::PointRole::kSustained) hooks_.say(workload->name() + ": " + decision.why);
    if (auto status = MeasurePoint(*workload, decision); !status) return status;
  }
}

base::Status LimitSearch::NothingValid(const Workload& workload, const Point& last) {
  const std::string where = workload.name() + " at " + last.load.ToString();
  client_bound_ = last.verdict == measurement::Verdict::kClientBound;
  if (client_bound_) {
    return base::Invalid(where + Format(": the load generator sent late each time (p99 of the delay %.1f ms), so the "
                                        "results are invalid: it requires more CPU",
                                        last.client_lag_p99));
  }
  return base::Invalid(
      where +
      ": more than 1 % of the answers were shorter than requested: the engine ends them at its context "
      "length, or does not honour ignore_eos. Request shorter answers, raise the context length, or use a "
      "dataset, whose answers may end by themselves");
}

base::Status LimitSearch::MeasurePoint(const Workload& workload, const measurement::LoadDecision& decision) {
  const Load& load = *decision.next;
  measurement::PointSpec point_spec;
  point_spec.scenario = workload.name();
  point_spec.load = load;
  point_spec.slo = spec_.slo;
  point_spec.precision = decision.precision;
  point_spec.duration = spec_.duration;
  point_spec.drain = spec_.drain;
  point_spec.steady_rate = spec_.arrival.process != measurement::ArrivalProcess::kTrace;
  point_spec.client_lag_ms = hooks_.client_lag_ms;

  LoadRunOptions options;
  options.load = load;
  options.arrival = spec_.arrival;
  options.seed = spec_.seed;
  options.stream = next_stream_++;
  options.first_conversation = next_conversation_;
  options.max_in_flight = spec_.load.max;
  options.request_timeout = request_timeout();
  options.expected_e2e = seen_e2e_.At(load);

  Recorder recorder(std::chrono::steady_clock::now());
  EngineReader engine(loop_, server_, metrics_path_);
  measurement::Progress progress;
  bool interrupted = false;
  nanoseconds took{};
  SteadyTime report_at = recorder.origin() + kReport;
  LoadRun run(loop_, server_, workload, recorder, options);
  const LoadRunReport report = run.Run([&](SteadyTime now) -> std::optional<SteadyTime> {
    interrupted = interrupted || hooks_.interrupted();
    if (interrupted) return std::nullopt;
    const nanoseconds at = now - recorder.origin();
    if (at >= progress.check_again_at) {
      const measurement::Phase before = progress.phase;
      progress = Evaluate(point_spec, recorder.records(), at, progress);
      took = at;
      if (progress.phase == measurement::Phase::kDone) return std::nullopt;
      if (before != progress.phase) engine.ReadNow();  // the window's ends
    }
    if (progress.phase == measurement::Phase::kWindow) engine.ReadSometimes(now);
    if (now >= report_at) {
      hooks_.progress(point_spec, progress);
      report_at = now + kReport;
    }
    return now + kLook;
  });
  next_conversation_ += report.conversations;
  result_.simulated = result_.simulated || report.simulated;
  if (!report.first_error.empty()) last_error_ = report.first_error;
  if (!spec_.records.empty()) {
    if (auto status = AppendRecords(spec_.records, point_spec.scenario, load, recorder.records()); !status) {
      return status;
    }
  }
  if (interrupted) return Interrupted();
  if (const auto silent =
          SilentFor(recorder.records(), std::chrono::steady_clock::now() - recorder.origin(), seen_e2e_.Slowest())) {
    return base::Invalid("the server no longer answers: no token came for " +
                         Format("%.1f s at %s", Seconds(*silent), load.ToString().c_str()));
  }

  // What a server that has ended did not answer is no verdict of the load.
  using measurement::RequestOutcome;
  const bool lost = std::any_of(recorder.records().begin(), recorder.records().end(), [](const auto& record) {
    return record.outcome == RequestOutcome::kConnectionLost || record.outcome == RequestOutcome::kTimedOut;
  });
  if (lost) {
    if (auto status = CheckAlive(report.first_error + " (at " + load.ToString() + ")"); !status) return status;
  }

  Point& point = result_.points.emplace_back(std::move(progress.point));
  point.role = decision.role;
  // In a search by rate: bursts that the window happened to see, or not, are none of the engine's.
  const bool grew = point.saturated;
  point.engine = SummarizeReadings(engine.readings());
  const auto alone = warm_up_.empty() ? std::nullopt : std::optional(warm_up_.front().ttft.mean);
  JudgeHeld(point_spec, recorder.records(), progress, took, alone, point);
  point.standing_queue = alone && measurement::QueueStands(point, *alone);
  std::string beyond;
  // Both are of the server.
  if (decision.precision.bounds > 0 && point.held == 0) {
    const std::span<const Point> before(result_.points.begin() + static_cast<std::ptrdiff_t>(first_of_scenario_),
                                        result_.points.end() - 1);
    const double places = measurement::MaxRunningRequests(warm_up_, before);
    ShowLongRun(spec_.slo, {recorder.records(), spec_.arrival, load.value, places}, point);
    beyond = HoldToCapacity(recorder.records(), progress.window_start, point);
  }
  if (point.requests_per_second > 0) {
    // By Little's law: requests that were cut off at the end have a length, too.
    const double e2e = point.mean_concurrency / point.requests_per_second;
    seen_e2e_.Add(point.mean_concurrency, nanoseconds(std::llround(e2e * 1e9)));
  }
  if (point.engine.accepted_draft_tokens && !spec_.dataset) {
    Warn("the engine uses speculative decoding, which predicts random tokens badly: use a dataset");
  }
  WarnOfPrefixCache(point);
  WarnOfLockstep(point, measurement::InLockstep(static_cast<int>(load.value), recorder.records(), progress.window_start,
                                                progress.window_end));
  // What a server that limits its clients lets through is no pace of its own, and refused places wait longer each time.
  const bool limited = report.rate_limited > 0 && point.errors > 0;
  if (!limited) WarnOfDrift(point, recorder.records(), progress);
  if (const auto seconds = measurement::Stall(recorder.records(), progress.window_start, progress.window_end)) {
    const std::string kind = "the server stalled: ";
    Warn(kind + Format("no token came for %.1f s at %s", *seconds, load.ToString().c_str()), kind);
  }
  // After the long run, whose numbers the verdict is of.
  SayPoint(point, measurement::Why(spec_.slo, point, took), recorder.ReceiveLagP99());
  if (!beyond.empty()) hooks_.say("  " + beyond);
  if (grew && !point.saturated) {
    hooks_.say("  the queue grew in the window because of a burst: in a long run it does not");
  }
  for (const measurement::WindowValue& seen : point.in_window) {
    hooks_.say(Format("  %s %s of the window is %.1f ms, that of a long run %.1f ms",
                      std::string(MetricName(seen.metric)).c_str(), std::string(StatisticName(seen.statistic)).c_str(),
                      seen.milliseconds, point.Get(seen.metric).Get(seen.statistic)));
  }
  if (point.errors > 0) hooks_.say("  first error: " + report.first_error);
  hooks_.point(point, point.errors > 0 ? report.first_error : "");
  WarnOfTokensPerEvent(recorder.records());
  WarnOfHeld(point);
  if (limited) {
    Warn("the server limits requests (HTTP 429): results show this limit, not its speed");
  }
  return CheckStreams(recorder.records());
}

// Where such a loop is a limit, the rate that it stands for is measured after it.
void LimitSearch::WarnOfLockstep(const Point& point, bool in_lockstep) {
  const bool searched = spec_.load.mode == measurement::LoadMode::kAutoConcurrency && !spec_.slo.bounds.empty();
  if (!in_lockstep || searched || point.load.kind != measurement::LoadKind::kConcurrency) return;
  const std::string kind = "the requests ran in lockstep at ";
  Warn(kind + point.load.ToString() + ", as requests that arrive by themselves do not: measure a rate", kind);
}

void LimitSearch::WarnOfErrors(std::span<const Point> points, std::size_t best) {
  const auto pooled = measurement::ErrorsAtEveryLoad(spec_.slo, points, best);
  if (!pooled) return;
  const Point& point = points[best];
  Warn(Format(
      "%.2g %% of the requests failed, whatever the load: %lld of %lld, where slo.errorRate allows %.4g %%. That "
      "only %lld of %lld failed at %s is chance",
      100 * pooled->Share(), static_cast<long long>(pooled->errors), static_cast<long long>(pooled->ended),
      100 * spec_.slo.max_error_rate, static_cast<long long>(point.errors),
      static_cast<long long>(point.requests + point.errors), point.load.ToString().c_str()));
}

// A rate that is kept up with is answered as it comes: only a loop's throughput shows it.
void LimitSearch::WarnOfDrift(const Point& point, std::span<const measurement::RequestRecord> records,
                              const measurement::Progress& progress) {
  if (point.load.kind != measurement::LoadKind::kConcurrency) return;
  const auto drift = measurement::ThroughputDrift(records, progress.window_start, progress.window_end);
  if (!drift) return;
  const std::string kind = "the throughput was not steady: ";
  Warn(kind +
           Format("at %s it %s by %.0f %% within the window. ", point.load.ToString().c_str(),
                  *drift < 0 ? "fell" : "rose", 100 * std::abs(*drift)) +
           (*drift < 0 ? "A longer run may give less" : "The server was not warm: a longer warm-up (--warmup)"),
       kind);
}

// A search's rate with a capacity that its own closed loops do not have, in a window too short to show it: the numbers
// become those of the window, and the rate counts as not kept up with. Returns why, "" for other points.
std::string LimitSearch::HoldToCapacity(std::span<const measurement::RequestRecord> records, nanoseconds begin,
                                        Point& point) {
  if (point.saturated || measurement::IsInvalid(point) || !(point.window_seconds > 0)) return "";
  const nanoseconds end = begin + nanoseconds(std::llround(point.window_seconds * 1e9));
  const auto ended = static_cast<double>(std::count_if(records.begin(), records.end(), [&](const auto& record) {
    return record.outcome == measurement::RequestOutcome::kOk && record.end >= begin && record.end < end;
  }));
  const double answered = ended / point.window_seconds;
  // Closed loops of the search got more done than a warm-up whose requests started together.
  double capacity = capacity_;
  for (std::size_t i = first_of_scenario_; capacity > 0 && i < result_.points.size(); ++i) {
    const Point& loop = result_.points[i];
    if (loop.load.kind != measurement::LoadKind::kConcurrency || measurement::IsInvalid(loop)) continue;
    capacity = std::max(capacity, loop.requests_per_second);
  }
  if (!measurement::IsBeyondCapacity(point, capacity, answered)) return "";
  point.saturated = true;
  if (point.verdict == measurement::Verdict::kMet) point.verdict = measurement::Verdict::kUndecided;
  const double each =
      point.requests > 0 ? static_cast<double>(point.output_tokens) / static_cast<double>(point.requests) : 0;
  point.requests_per_second = answered;
  point.output_tokens_per_second = answered * each;
  std::string why = Format(
      "%.4g requests/s in flight %d at a time is the most that the warm-up got answered, and the window is too "
      "short to show more: counts as missed",
      capacity, spec_.load.max);
  Warn(
      "rates above what the warm-up got answered count as missed where the window is too short to show more; use a "
      "longer duration");
  return why;
}

void LimitSearch::Warn(const std::string& warning, std::string_view kind) {
  if (std::find(result_.warnings.begin(), result_.warnings.end(), warning) != result_.warnings.end()) return;
  const auto before = std::find_if(result_.warnings.begin(), result_.warnings.end(),
                                   [&](const std::string& one) { return !kind.empty() && one.starts_with(kind); });
  if (before != result_.warnings.end()) {
    *before = warning;
    return;
  }
  hooks_.say("warning: " + warning);
  result_.warnings.push_back(warning);
}

void LimitSearch::SayPoint(const Point& point, const std::string& why, double receive_lag) {
  std::string latencies = Format("E2E p50 %.0f ms p99 %.0f ms", point.e2e.p50, point.e2e.p99);
  if (point.ttft.p99 > 0) latencies = Format("TTFT p50 %.0f ms p99 %.0f ms", point.ttft.p50, point.ttft.p99);
  if (point.tpot.p50 > 0) latencies += Format(", TPOT p50 %.2f ms", point.tpot.p50);
  if (point.itl.p99 > 0) latencies += Format(", ITL p99 %.2f ms", point.itl.p99);
  const bool judged = HasLimits(spec_.slo) || point.verdict != measurement::Verdict::kMet;
  const std::string verdict(judged ? VerdictName(point.verdict) : "no SLO");
  hooks_.say(
      Format("%s at %s: %s: %.1f +- %.1f output tokens/s, %.2f requests/s, %s; %lld requests, %lld errors, %lld "
             "unfinished in %.1f s; client: send lag p99 %.2f ms, receive lag p99 %.2f ms",
             point.scenario.c_str(), point.load.ToString().c_str(), verdict.c_str(), point.output_tokens_per_second,
             point.output_tokens_per_second_ci, point.requests_per_second, latencies.c_str(),
             static_cast<long long>(point.requests), static_cast<long long>(point.errors),
             static_cast<long long>(point.censored), point.window_seconds, point.client_lag_p99, receive_lag));
  if (!why.empty()) hooks_.say("  " + why);
}

}  // namespace autotune::bench
