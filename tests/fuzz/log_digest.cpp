// Engines' logs are bytes from anywhere: no input may crash the digest or the classifier, or break their bounds.
#include "bench/log_digest.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/clean_text.h"
#include "bench/root_cause.h"

namespace {

using autotune::bench::EngineState;
using autotune::bench::LogDigest;

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckLines(const std::vector<std::string>& lines, std::size_t most) {
  Require(lines.size() <= most);
  for (const std::string& line : lines) {
    Require(line.size() <= LogDigest::kMaxLineBytes);
    Require(autotune::bench::CleanText(line, LogDigest::kMaxLineBytes) == line);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view log(reinterpret_cast<const char*>(data) + 2, size - 2);
  LogDigest digest;
  const std::size_t piece = 1 + data[0];
  for (std::size_t at = 0; at < log.size(); at += piece) digest.Append(log.substr(at, piece));
  digest.Finish();
  EngineState state;
  state.phase = EngineState::Phase::kExited;
  state.exit_code = data[1] & 3;
  state.signal = (data[1] & 4) != 0 ? 9 : 0;
  state.was_ready = (data[1] & 8) != 0;
  state.error_lines = digest.error_lines();
  state.last_lines = digest.last_lines();
  CheckLines(state.error_lines, LogDigest::kMaxErrorLines);
  CheckLines(state.last_lines, LogDigest::kMaxLastLines);
  const auto failure = autotune::bench::Classify(state);
  Require(!failure.message.empty());
  return 0;
}
