// Measures one server for one spec: identification, warm-up, then points until measurement/load_search has found the
// highest load of every scenario.
//
// Blocking, single-threaded. Used by experiment pods (bench/bench_run.h) and by `autotune bench URL`. The spec and the
// Server must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"
#include "bench/event_loop.h"
#include "bench/exchange.h"
#include "bench/load_run.h"
#include "bench/recorder.h"
#include "bench/result.h"
#include "bench/server.h"
#include "bench/workload.h"
#include "measurement/batches.h"
#include "measurement/measured_latencies.h"
#include "measurement/window.h"

namespace autotune::bench {

// Begins the warning that prompts are words, so that a vocabulary size has no effect.
inline constexpr std::string_view kRejectsTokenIds = "the server rejects token ids";

struct LimitSearchHooks {
  // Checked every 50 ms; true stops the search at once.
  std::function<bool()> interrupted = [] { return false; };
  std::function<void(const std::string&)> say = [](const std::string&) {};  // a line for people
  // A line that explains a wait, such as a request that is retried.
  std::function<void(const std::string&)> wait = [](const std::string&) {};
  // A completed point, and the first error of its requests ("" = none).
  std::function<void(const measurement::Point&, const std::string&)> point = [](const auto&, const auto&) {};
  // Called about twice a second while a point is measured.
  std::function<void(const measurement::PointSpec&, const measurement::Progress&)> progress = [](const auto&,
                                                                                                 const auto&) {};
  double client_lag_ms = measurement::PointSpec().client_lag_ms;  // limit of the send lag; tests raise it
  std::chrono::milliseconds retry_pause{1000};                    // before the first retry; later ones wait longer
  // Remaining time for further points; nullopt = no limit.
  std::function<std::optional<std::chrono::nanoseconds>()> time_left = [] { return std::nullopt; };
};

class LimitSearch {
 public:
  LimitSearch(const BenchSpec& spec, Server& server, LimitSearchHooks hooks);

  // Checks before the first request: the dataset's entries, enough file descriptors, a writable records file.
  base::Status Prepare();
  // Reads the model's name, the engine's version and whether it is simulated. The name is the first of /v1/models, or
  // `model`, which need not be listed. kCancelled: interrupted.
  base::Status Identify(const std::string& model = "");
  // Measures all scenarios and fills result(). kCancelled: interrupted. kInvalid, with the reason: no request was
  // answered, or no point is valid.
  base::Status Run();
  // After a failed Run(): true if the load generator always sent late, so another attempt may succeed.
  [[nodiscard]] bool client_bound() const { return client_bound_; }

  [[nodiscard]] const RunResult& result() const { return result_; }
  [[nodiscard]] const std::string& model() const { return model_; }
  // For additional requests to the server.
  base::Result<Answer> Ask(std::string_view method, std::string_view path, std::string_view body,
                           std::chrono::milliseconds timeout);
  std::vector<base::Result<Answer>> AskAll(std::string_view path, std::span<const std::string> bodies,
                                           std::size_t in_flight, std::chrono::milliseconds timeout);
  // Timeout of measured requests: the spec's, or derived from the warm-up.
  [[nodiscard]] std::chrono::milliseconds request_timeout() const;

 private:
  base::Status WarmUp(Workload& workload);
  base::Status FirstRequest(Workload& workload);
  struct Attempt {
    std::vector<measurement::RequestRecord> records;
    LoadRunReport report;
  };
  // Two requests in sequence; with `patient`, retried while the server is overloaded or not ready. kCancelled.
  base::Result<Attempt> TryFirst(Workload& workload, bool patient);
  void Accept(Workload& workload, const Attempt& attempt);
  // Error if the SLO limits the time between tokens and that time cannot be measured.
  base::Status CheckBatches(const measurement::Batches& batches);
  [[nodiscard]] base::Status CheckStreams(std::span<const measurement::RequestRecord> records);
  // kInvalid: the server no longer answers. kCancelled.
  base::Status CheckAlive(const std::string& error);
  void WarnOfTokensPerEvent(std::span<const measurement::RequestRecord> records);
  // Remedy for HTTP 401 and 403; "" for other statuses.
  [[nodiscard]] std::string TokenHint(int status) const;
  std::string HoldToCapacity(std::span<const measurement::RequestRecord> records, std::chrono::nanoseconds begin,
                             measurement::Point& point);
  void WarnOfHeld(const measurement::Point& point);
  // Warns of errors that occur at every load, of which the best point had few by chance.
  void WarnOfErrors(std::span<const measurement::Point> points, std::size_t best);
  void WarnOfDrift(const measurement::Point& point, std::span<const measurement::RequestRecord> records,
                   const measurement::Progress& progress);
  void WarnOfPrefixCache(const measurement::Point& point);
  void WarnOfLockstep(const measurement::Point& point, bool in_lockstep);
  bool Pause(std::chrono::milliseconds time);  // false: interrupted
  base::Status SearchScenario(std::size_t scenario);
  // Error of a search that ended without a valid point.
  base::Status NothingValid(const Workload& workload, const measurement::Point& last);
  // REQUIRES: decision.next.
  base::Status MeasurePoint(const Workload& workload, const measurement::LoadDecision& decision);
  base::Result<Workload> MakeWorkload(std::size_t scenario);
  [[nodiscard]] int HighestConcurrency(std::size_t scenario) const;
  // `kind`: the beginning of a warning that this one replaces.
  void Warn(const std::string& warning, std::string_view kind = "");
  void SayPoint(const measurement::Point& point, const std::string& why, double receive_lag);

  const BenchSpec& spec_;
  Server& server_;
  LimitSearchHooks hooks_;
  EventLoop loop_;
  std::vector<measurement::DatasetEntry> dataset_;
  double prefix_hits_ = 0;            // highest prefix hit rate of all points
  std::size_t distinct_prompts_ = 0;  // of the dataset; 0 = prompts do not repeat
  std::string model_;
  std::string other_models_;  // models that the server lists, if model_ is not among them
  std::string metrics_path_;  // "" = the engine has none
  std::optional<PromptStyle> style_;
  std::optional<std::chrono::nanoseconds> first_e2e_;
  // State of the current scenario.
  std::size_t first_of_scenario_ = 0;  // index of its first point
  measurement::MeasuredLatencies seen_e2e_;
  std::vector<measurement::Point> warm_up_;
  double capacity_ = 0;  // requests/s of its warm-up with as many requests in flight as a rate may use; 0 = not known
  std::uint64_t next_conversation_ = 0;
  std::uint64_t next_stream_ = 1;
  std::string last_error_;
  bool client_bound_ = false;
  RunResult result_;
};

}  // namespace autotune::bench
