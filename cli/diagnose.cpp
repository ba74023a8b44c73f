#include "cli/diagnose.h"

#include <nlohmann/json.hpp>

#include "bench/engine_state.h"
#include "bench/log_digest.h"
#include "bench/root_cause.h"

namespace autotune::cli {
namespace {

// Where the engine began to serve: past the last such line, or 0. SGLang's web server is up before its model answers.
std::size_t ServingFrom(std::string_view log) {
  constexpr std::string_view kSglang = "The server is fired up and ready to roll!";
  constexpr std::string_view kUvicorn = "Application startup complete.";
  const bool is_sglang = log.find("sglang") != std::string_view::npos || log.find(kSglang) != std::string_view::npos;
  const std::string_view line = is_sglang ? kSglang : kUvicorn;
  const std::size_t at = log.rfind(line);
  return at == std::string_view::npos ? 0 : at + line.size();
}

}  // namespace

Diagnosis Diagnose(std::string_view log, int exit_code) {
  const std::size_t serving = ServingFrom(log);
  bench::LogDigest digest;
  digest.Append(log.substr(0, serving));
  if (serving > 0) digest.ForgetErrors();
  digest.Append(log.substr(serving));
  digest.Finish();
  bench::EngineState state;
  state.phase = bench::EngineState::Phase::kExited;
  state.exit_code = exit_code;
  state.signal = exit_code > 128 ? exit_code - 128 : 0;
  state.was_ready = serving > 0;
  state.error_lines = digest.error_lines();
  state.last_lines = digest.last_lines();
  Diagnosis diagnosis{bench::Classify(state), state.was_ready, bench::RootCause(state.error_lines).has_value(), false};
  diagnosis.retried = diagnosis.failure.machine || bench::IsRetryable(diagnosis.failure.reason);
  return diagnosis;
}

std::string DiagnosisText(const Diagnosis& diagnosis) {
  const bench::Failure& failure = diagnosis.failure;
  std::string text = "Reason:   " + std::string(bench::FailureReasonName(failure.reason)) +
                     (diagnosis.was_ready ? ", while serving" : ", before the engine was ready") + "\n" +
                     "Message:  " + failure.message + "\n";
  if (!diagnosis.certain) text += "No line of the log names an error: the reason is not certain. Is the log whole?\n";
  text += failure.machine
              ? "The GPU, its driver, the network, the hub or the disk failed, not the configuration. "
                "An experiment is retried once, on another node if possible.\n"
              : "An experiment with this end is " + std::string(diagnosis.retried ? "" : "not ") + "retried.\n";
  return text + "Remedies: docs/failures.md\n";
}

nlohmann::json DiagnosisJson(const Diagnosis& diagnosis) {
  return {{"reason", bench::FailureReasonName(diagnosis.failure.reason)},
          {"message", diagnosis.failure.message},
          {"machine", diagnosis.failure.machine},
          {"retried", diagnosis.retried},
          {"wasReady", diagnosis.was_ready},
          {"certain", diagnosis.certain}};
}

}  // namespace autotune::cli
