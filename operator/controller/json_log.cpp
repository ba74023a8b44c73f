#include "operator/controller/json_log.h"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "kube/runtime/log_field.h"

namespace autotune::controller {
namespace {

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto time = std::chrono::time_point_cast<std::chrono::milliseconds>(message.time);
    const auto level = spdlog::level::to_string_view(message.level);
    // Lines are formatted on the thread that writes them, whose fields they carry.
    const std::string text = LogLine(base::FormatRfc3339(time), {level.data(), level.size()},
                                     {message.payload.data(), message.payload.size()});
    line.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

// Returns nullopt if the text names no level.
std::optional<spdlog::level::level_enum> LevelOf(const std::string& text) {
  const auto level = spdlog::level::from_str(text);
  return level == spdlog::level::off ? std::nullopt : std::optional(level);
}

std::string WordOf(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string word;
  in >> word;
  return word;
}

constexpr std::chrono::seconds kLevelInterval{5};

}  // namespace

std::string LogLine(std::string_view time, std::string_view level, std::string_view message) {
  nlohmann::ordered_json entry;
  entry["ts"] = time;
  entry["level"] = level;
  entry["msg"] = message;
  for (const auto& [name, value] : kube::runtime::LogField::All()) entry[name] = value;
  return entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void LogLevelFile::Look() {
  const std::string word = WordOf(file_);
  if (looked_ && word == seen_) return;
  looked_ = true;
  seen_ = word;
  const auto level = LevelOf(word);
  spdlog::set_level(level.value_or(LevelOf(usual_).value_or(spdlog::level::info)));
  if (level) {
    spdlog::info("The log level is {}", word);
  } else {
    spdlog::warn("{} contains \"{}\", which is not one of trace, debug, info, warning, error: the log level is {}",
                 file_.string(), word, usual_);
  }
}

void LogLevelFile::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      Look();
      never_.wait_for(lock, stop, kLevelInterval, [] { return false; });
    }
  });
}

base::Status InitializeLogging(const std::string& level) {
  const auto parsed = LevelOf(level);
  if (!parsed) {
    return base::Invalid("--log-level: \"" + level + "\" is not one of trace, debug, info, warning, error");
  }
  auto logger = spdlog::stderr_logger_mt("operator");
  logger->set_formatter(std::make_unique<JsonFormatter>());
  logger->set_level(*parsed);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace autotune::controller
