// Measures one server for one spec: identification, warm-up, then points until measurement/load_search has found the
// highest load of every scenario.
//
// Blocking, single-threaded. The same code runs in an experiment pod (bench/bench_run) and behind `autotune bench URL`.
// Server must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
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
#include "measurement/seen_latencies.h"
#include "measurement/window.h"

namespace autotune::bench {

struct LimitSearchHooks {
  // Checked every 50 ms; true stops everything at once.
  std::function<bool()> interrupted = [] { return false; };
  std::function<void(const std::string&)> say = [](const std::string&) {};  // a line for people
  // A line that tells why nothing happens: a request that is tried again.
  std::function<void(const std::string&)> wait = [](const std::string&) {};
  // A point that is complete, and the first error of its requests ("" = none).
  std::function<void(const measurement::Point&, const std::string&)> point = [](const auto&, const auto&) {};
  // While a point is measured, about twice a second.
  std::function<void(const measurement::PointSpec&, const measurement::Progress&)> progress = [](const auto&,
                                                                                                 const auto&) {};
  double client_lag_ms = measurement::PointSpec().client_lag_ms;  // a test's machine may be slower
  std::chrono::milliseconds retry_pause{1000};                    // before the first retry; later ones wait longer
  // Time for more points; nullopt = no limit.
  std::function<std::optional<std::chrono::nanoseconds>()> time_left = [] { return std::nullopt; };
};

class LimitSearch {
 public:
  LimitSearch(const BenchSpec& spec, Server& server, LimitSearchHooks hooks);

  // Checks before the first request: lines of the dataset, descriptors for all connections, the file of the records.
  base::Status Prepare();
  // The model's name (the first of /v1/models, unless `model` names one, which then need not be there), the engine's
  // version, whether it is simulated. kCancelled: interrupted.
  base::Status Identify(const std::string& model = "");
  // All scenarios; fills result(). kCancelled: interrupted. kInvalid, with the reason: no request is answered, or no
  // point is valid.
  base::Status Run();
  // After Run() failed: the load generator sent late each time, so another attempt may succeed.
  [[nodiscard]] bool client_bound() const { return client_bound_; }

  [[nodiscard]] const RunResult& result() const { return result_; }
  [[nodiscard]] const std::string& model() const { return model_; }
  // For additional requests to the server.
  base::Result<Answer> Ask(std::string_view method, std::string_view path, std::string_view body,
                           std::chrono::milliseconds timeout);
  std::vector<base::Result<Answer>> AskAll(std::string_view path, std::span<const std::string> bodies,
                                           std::size_t in_flight, std::chrono::milliseconds timeout);
  // Timeout of measured requests, known after the warm-up.
  [[nodiscard]] std::chrono::milliseconds request_timeout() const;

 private:
  base::Status WarmUp(Workload& workload);
  base::Status FirstRequest(Workload& workload);
  struct Attempt {
    std::vector<measurement::RequestRecord> records;
    LoadRunReport report;
  };
  // Two requests, one after the other; repeated while the server is overloaded or not ready, if `patient`. kCancelled.
  base::Result<Attempt> TryFirst(Workload& workload, bool patient);
  void Accept(Workload& workload, const Attempt& attempt);
  // Why no time between tokens is known although the SLO limits it; no error if it does not.
  base::Status CheckBatches(const measurement::Batches& batches);
  [[nodiscard]] base::Status CheckStreams(std::span<const measurement::RequestRecord> records);
  // kInvalid: the server no longer answers. kCancelled.
  base::Status CheckAlive(const std::string& error);
  void WarnOfTokensPerEvent(std::span<const measurement::RequestRecord> records);
  // What to do about HTTP 401 and 403; "" for others.
  [[nodiscard]] std::string TokenHint(int status) const;
  std::string HoldToCapacity(std::span<const measurement::RequestRecord> records, std::chrono::nanoseconds begin,
                             measurement::Point& point);
  void WarnOfHeld(const measurement::Point& point);
  // Errors that no load changes, of which the best point had fewer by chance.
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
  double prefix_hits_ = 0;            // the highest of all points
  std::size_t distinct_prompts_ = 0;  // of the dataset; 0 = its texts are new each time
  std::string model_;
  std::string other_models_;  // that the server has, if it does not list model_
  std::string metrics_path_;  // "" = the engine has none
  std::optional<PromptStyle> style_;
  std::optional<std::chrono::nanoseconds> first_e2e_;
  // In this scenario.
  std::size_t first_of_scenario_ = 0;  // its points' first index
  measurement::SeenLatencies seen_e2e_;
  std::vector<measurement::Point> warm_up_;
  double capacity_ = 0;  // requests/s of its warm-up with as many places as a rate may use; 0 = not known
  std::uint64_t next_conversation_ = 0;
  std::uint64_t next_stream_ = 1;
  std::string last_error_;
  bool client_bound_ = false;
  RunResult result_;
};

}  // namespace autotune::bench
