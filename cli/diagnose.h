// `autotune diagnose`: the root cause of an engine's end from its log, by the code that an experiment uses. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "bench/result.h"

namespace autotune::cli {

struct Diagnosis {
  bench::Failure failure;
  bool was_ready = false;  // the log has the line that the engine prints when it begins to serve
  bool certain = false;    // false: no line of the log is an error
  bool retried = false;    // an experiment that ends so runs again
};

// `log`: an engine's log as the engine, `kubectl logs` or `docker logs` prints it; a part is enough. `exit_code`: of
// the process or the container, 0-255; 128 + N = killed by signal N.
Diagnosis Diagnose(std::string_view log, int exit_code);

std::string DiagnosisText(const Diagnosis& diagnosis);
// {reason, message, machine, retried, wasReady, certain}
nlohmann::json DiagnosisJson(const Diagnosis& diagnosis);

}  // namespace autotune::cli
