// `autotune diagnose`: the root cause of an engine's end from its log, with the code of the experiments. Pure.
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
  std::optional<bool> was_ready;  // the engine served before its end; nullopt: no line of the log shows it
  std::optional<bench::FailureReason> reason_if_ready;  // if was_ready is not known and changes the reason
  std::string also;                                     // the next best error line; "" = none with another content
  bool certain = false;                                 // false: no line of the log is an error
  bool retried = false;                                 // an experiment with this failure is retried
  bool earlier = false;                // of an earlier run in the log: the last one became ready, and did not fail
  std::vector<std::string> engines;    // engines that the log names
  std::string service;                 // service of these lines if the log has several; else ""
  std::vector<std::string> together;   // other services of the log
  std::optional<double> kv_cache_gib;  // from the log: memory for the KV cache per GPU, if it is <= 0
  bool of_draft = false;               // the traceback of the cause contains code of the draft model
  bool while_loading = false;          // GPU memory was too small while weights were loaded
  bool fixed_kv_cache = false;         // the KV cache was too small, and the log sets vLLM's kv_cache_memory_bytes
  bool on_wsl = false;                 // lines of Windows' WSL2
  bool nccl_lines = false;             // the log has lines of NCCL_DEBUG
  std::string shared_gpu;              // RanksOnOneGpu (cli/nccl_ranks.h), if the failure is NCCL's
  bool waited = false;  // the cause is that a process waited for the one on another GPU: that one, or the network
};

// `log`: an engine's log as the engine, `kubectl logs` or `docker logs` prints it, or a part of it. `exit_code`: of the
// process or the container, 0-255 (128 + N = killed by signal N); nullopt = not known.
Diagnosis Diagnose(std::string_view log, std::optional<int> exit_code);

std::string DiagnosisText(const Diagnosis& diagnosis);
// {reason, message, remedy, machine, waitedForAnotherGpu, retried, wasReady (null = not known), certain}; if present
// also: also, meaning, kvCacheGib, reasonIfReady, earlierRun (true), service, otherServices, sharedGpu.
nlohmann::json DiagnosisJson(const Diagnosis& diagnosis);

}  // namespace autotune::cli
