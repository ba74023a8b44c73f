// Engines' logs with what a person concludes from them: our own recordings (tests/engines/logs) and public reports
// (tests/engines/reports). For the tests and the benchmark of the classifier.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine_state.h"
#include "bench/result.h"

namespace autotune::bench {

struct FailureCase {
  std::string source;  // "vllm-project/vllm#21661", "vllm-0.24.0/kv_f16"
  int exit_code = 0;
  int signal = 0;
  bool serving = false;
  std::string reason;
  bool machine = false;
  std::vector<std::string> messages;  // the right message starts with one of these
  std::string log;
};

// Throws std::runtime_error, naming the file and the row, for what is not of the form in the folders' README.md.
std::vector<FailureCase> ReadReports(const std::filesystem::path& file);
std::vector<FailureCase> ReadRecordings(const std::filesystem::path& folder);

// What the launcher would have written.
EngineState StateAfter(const std::string& log);
EngineState StateOf(const FailureCase& failure_case);

bool HasMessage(const FailureCase& failure_case, std::string_view message);

}  // namespace autotune::bench
