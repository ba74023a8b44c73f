#include "failure_corpus.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "bench/log_digest.h"

namespace autotune::bench {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void ReadReason(std::string_view line, FailureCase& out) {
  constexpr std::string_view kMachine = " machine";
  out.machine = line.ends_with(kMachine);
  if (out.machine) line.remove_suffix(kMachine.size());
  out.reason = line;
  if (!FailureReasonFromName(out.reason)) throw std::runtime_error(out.source + ": no reason \"" + out.reason + "\"");
}

void ReadEnding(std::string_view line, FailureCase& out) {
  constexpr std::string_view kServing = " serving";
  out.serving = line.ends_with(kServing);
  if (out.serving) line.remove_suffix(kServing.size());
  if (TakePrefix(line, "exit ")) {
    out.exit_code = std::atoi(std::string(line).c_str());
  } else if (TakePrefix(line, "signal ")) {
    out.signal = std::atoi(std::string(line).c_str());
  } else {
    throw std::runtime_error(out.source + ": no ending \"" + std::string(line) + "\"");
  }
}

std::vector<FailureCase> Read(const std::filesystem::path& file, bool with_log) {
  std::vector<FailureCase> cases;
  bool in_log = false;
  for (const std::string& line : Lines(ReadFile(file))) {
    std::string_view text = line;
    if (TakePrefix(text, "=== ")) {
      cases.emplace_back().source = text;
      in_log = false;
    } else if (cases.empty()) {
      throw std::runtime_error(file.string() + ": does not start with ===");
    } else if (in_log) {
      cases.back().log += line + "\n";
    } else if (line == "---") {
      in_log = true;
    } else if (TakePrefix(text, "| ")) {
      cases.back().messages.emplace_back(text);
    } else if (with_log && cases.back().exit_code == 0 && cases.back().signal == 0 && !cases.back().serving) {
      ReadEnding(line, cases.back());
    } else {
      ReadReason(line, cases.back());
    }
  }
  for (const FailureCase& one : cases) {
    if (one.reason.empty() || one.messages.empty() || (with_log && one.log.empty()))
      throw std::runtime_error(file.string() + ": " + one.source + " is not complete");
  }
  return cases;
}

}  // namespace

std::vector<FailureCase> ReadReports(const std::filesystem::path& file) { return Read(file, true); }

std::vector<FailureCase> ReadRecordings(const std::filesystem::path& folder) {
  const auto index = nlohmann::json::parse(ReadFile(folder / "index.json"));
  std::vector<FailureCase> cases = Read(folder / "expected.txt", false);
  for (FailureCase& one : cases) {
    const std::size_t slash = one.source.find('/');
    const std::string outcome = index.at(one.source.substr(0, slash)).at(one.source.substr(slash + 1)).at("outcome");
    // SGLang "up, but the first request failed" ends itself, its own warm-up request being the first.
    const int code = outcome.starts_with("exit ") ? std::stoi(outcome.substr(5)) : -9;
    (code < 0 ? one.signal : one.exit_code) = std::abs(code);
    one.serving = outcome.ends_with("while serving");
    one.log = ReadFile(folder / (one.source + ".log"));
  }
  return cases;
}

EngineState StateAfter(const std::string& log) {
  LogDigest digest;
  // In odd pieces, as a pipe delivers them.
  for (std::size_t at = 0; at < log.size(); at += 977) digest.Append(std::string_view(log).substr(at, 977));
  digest.Finish();
  EngineState state;
  state.phase = EngineState::Phase::kExited;
  state.error_lines = digest.error_lines();
  state.last_lines = digest.last_lines();
  state.start_seconds = 24.2;
  return state;
}

EngineState StateOf(const FailureCase& failure_case) {
  EngineState state = StateAfter(failure_case.log);
  state.exit_code = failure_case.exit_code;
  state.signal = failure_case.signal;
  state.was_ready = failure_case.serving;
  return state;
}

bool HasMessage(const FailureCase& failure_case, std::string_view message) {
  return std::ranges::any_of(failure_case.messages,
                             [&](const std::string& start) { return message.starts_with(start); });
}

}  // namespace autotune::bench
