#include "operator/controller/json_log.h"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace autotune::controller {
namespace {

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto time = std::chrono::time_point_cast<std::chrono::milliseconds>(message.time);
    nlohmann::ordered_json entry;
    entry["ts"] = base::FormatRfc3339(time);
    const auto level = spdlog::level::to_string_view(message.level);
    entry["level"] = std::string(level.data(), level.size());
    entry["msg"] = std::string(message.payload.data(), message.payload.size());
    const std::string text = entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    line.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

}  // namespace

base::Status InitializeLogging(const std::string& level) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off) {
    return base::Invalid("--log-level: \"" + level + "\" is not one of trace, debug, info, warning, error");
  }
  auto logger = spdlog::stderr_logger_mt("operator");
  logger->set_formatter(std::make_unique<JsonFormatter>());
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace autotune::controller
