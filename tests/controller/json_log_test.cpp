#include "operator/controller/json_log.h"

#include <gmock/gmock.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "kube/runtime/log_field.h"
#include "tests/temporary_directory.h"

namespace autotune::controller {
namespace {

using nlohmann::json;

TEST(LogLine, CarriesTheFieldsOfItsThreadWhileTheyLive) {
  EXPECT_EQ(LogLine("now", "info", "a \"b\""), "{\"ts\":\"now\",\"level\":\"info\",\"msg\":\"a \\\"b\\\"\"}\n");
  {
    const kube::runtime::LogField task("task", "ml/llama");
    {
      const kube::runtime::LogField reconcile("reconcile", "7");
      const json line = json::parse(LogLine("now", "warning", "x\xff"));
      EXPECT_EQ(line["task"], "ml/llama");
      EXPECT_EQ(line["reconcile"], "7");
    }
    EXPECT_FALSE(json::parse(LogLine("now", "info", "x")).contains("reconcile"));
    std::string other;
    std::jthread([&] { other = LogLine("now", "info", "x"); }).join();
    EXPECT_FALSE(json::parse(other).contains("task")) << "of another thread";
  }
  EXPECT_FALSE(json::parse(LogLine("now", "info", "x")).contains("task"));
}

TEST(LogLevelFile, HoldsWhileItSaysALevel) {
  const auto before = spdlog::get_level();
  const TemporaryDirectory directory;
  const std::string path = directory.File("log-level");
  const auto says = [&](const std::string& text) { directory.Write("log-level", text); };
  LogLevelFile file(path, "warning");
  says("debug\n");
  file.Look();
  EXPECT_EQ(spdlog::get_level(), spdlog::level::debug);
  says("error");
  file.Look();
  EXPECT_EQ(spdlog::get_level(), spdlog::level::err);
  says("loud");
  file.Look();
  EXPECT_EQ(spdlog::get_level(), spdlog::level::warn) << "the level of the flags";
  says("info");
  file.Look();
  EXPECT_EQ(spdlog::get_level(), spdlog::level::info);
  std::remove(path.c_str());
  file.Look();
  EXPECT_EQ(spdlog::get_level(), spdlog::level::warn);
  spdlog::set_level(before);
}

}  // namespace
}  // namespace autotune::controller
