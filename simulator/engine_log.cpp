#include "simulator/engine_log.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace autotune::simulator {
namespace {

std::string TimeText(base::WallTime now, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> buffer{};
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &parts)};
}

std::string_view LevelName(LogEntry::Level level) {
  switch (level) {
    case LogEntry::Level::kRaw:
      return "";
    case LogEntry::Level::kInfo:
      return "INFO";
    case LogEntry::Level::kWarning:
      return "WARNING";
    case LogEntry::Level::kError:
      return "ERROR";
  }
  return "";
}

}  // namespace

LogEntry Info(LogEntry::Process process, std::string source, std::string text) {
  return {process, LogEntry::Level::kInfo, std::move(source), std::move(text)};
}
LogEntry Warning(LogEntry::Process process, std::string source, std::string text) {
  return {process, LogEntry::Level::kWarning, std::move(source), std::move(text)};
}
LogEntry Raw(LogEntry::Process process, std::string text) {
  return {process, LogEntry::Level::kRaw, "", std::move(text)};
}

std::string LogFormat::Format(const LogEntry& entry, base::WallTime now) const {
  std::string prefix;
  switch (release_.engine) {
    case Engine::kVllm:
      if (entry.process == LogEntry::Process::kFrontEnd) prefix = "(APIServer pid=" + std::to_string(pid_) + ") ";
      if (entry.process == LogEntry::Process::kEngineCore) {
        prefix = "(EngineCore pid=" + std::to_string(pid_ + 1) + ") ";
      }
      if (entry.level != LogEntry::Level::kRaw) {
        prefix += std::string(LevelName(entry.level)) + TimeText(now, " %m-%d %H:%M:%S ") + "[" + entry.source + "] ";
      }
      break;
    case Engine::kSglang:
      if (entry.level != LogEntry::Level::kRaw) prefix = TimeText(now, "[%Y-%m-%d %H:%M:%S] ");
      break;
    case Engine::kTensorRtLlm:
      if (entry.level != LogEntry::Level::kRaw) {
        prefix =
            TimeText(now, "[%m/%d/%Y-%H:%M:%S] [TRT-LLM] [") + std::string(LevelName(entry.level).substr(0, 1)) + "] ";
      }
      break;
  }
  std::string out;
  std::string_view rest = entry.text;
  while (true) {
    const std::size_t end = rest.find('\n');
    out += prefix + std::string(rest.substr(0, end)) + "\n";
    if (end == std::string_view::npos) return out;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace autotune::simulator
