// `autotune diagnose`: the root cause of an engine's end from its log, by the code that an experiment uses. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/result.h"

namespace autotune::cli {

struct Diagnosis {
  bench::Failure failure;
  std::optional<bool> was_ready;  // whether the engine served before its end; nothing: no line of the log says so
  std::optional<bench::FailureReason> reason_if_ready;  // where that is not known and decides
  std::string also;                                     // the next best error line, "" = none that says something else
  bool certain = false;                                 // false: no line of the log is an error
  bool retried = false;                                 // an experiment that ends so runs again
  bool earlier = false;                // of an earlier run in the log: the latest one got ready, and nothing ended it
  std::vector<std::string> engines;    // that the log names
  std::string service;                 // whose lines they are, where the log is that of several; else ""
  std::vector<std::string> together;   // the other services of the log
  std::optional<double> kv_cache_gib;  // what the log says is left for the KV cache on a GPU, where it is none: <= 0
  bool of_draft = false;               // the traceback of the cause runs through the code of the draft model
  bool waited = false;  // the cause is that a process waited for the one on another GPU: that one, or the network
};

// `log`: an engine's log as the engine, `kubectl logs` or `docker logs` prints it; a part is enough. `exit_code`: of
// the process or the container, 0-255; 128 + N = killed by signal N; nothing = not known.
Diagnosis Diagnose(std::string_view log, std::optional<int> exit_code);

std::string DiagnosisText(const Diagnosis& diagnosis);
// {reason, message, remedy, machine, waitedForAnotherGpu, retried, wasReady (null = not known), certain}, and where
// there are: also, meaning, kvCacheGib, reasonIfReady, earlierRun (true), service, otherServices.
nlohmann::json DiagnosisJson(const Diagnosis& diagnosis);

}  // namespace autotune::cli
