#include "operator/experiment/tool_resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/experiment/pod_builder.h"
#include "sample_task.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(ParseResources, TakesAContainersResources) {
  const std::string text = R"({"requests":{"cpu":"500m"},"limits":{"cpu":1,"memory":"1.5Gi","example.com/x":"2k"}})";
  const auto resources = ParseResources(text, "--install-resources");
  ASSERT_TRUE(resources) << resources.error().message;
  EXPECT_EQ(*resources, json::parse(text));
  EXPECT_TRUE(ParseResources("{}", "--install-resources"));
}

TEST(ParseResources, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"cpu=1", "--x: is not JSON"},
      {"[]", "--x: is not JSON"},
      {R"({"limit":{}})", "--x: \"limit\" is not one of requests, limits"},
      {R"({"limits":1})", "--x.limits: is not an object"},
      {R"({"limits":{"cpu":"much"}})", "--x.limits.cpu: \"much\" is not a quantity"},
      {R"({"limits":{"cpu":"1.2.3"}})", "--x.limits.cpu: "},
      {R"({"limits":{"cpu":-1}})", "--x.limits.cpu: "},
  };
  for (const auto& [text, message] : rows) {
    SCOPED_TRACE(text);
    const auto resources = ParseResources(text, "--x");
    ASSERT_FALSE(resources);
    EXPECT_THAT(resources.error().message, HasSubstr(message));
  }
}

TEST(ToolResources, ReachTheContainersOfOurImage) {
  PodEnvironment environment = SampleEnvironment();
  const auto cpu = [](const char* amount) { return json{{"limits", {{"cpu", amount}}}}; };
  environment.tool_resources = {cpu("1"), cpu("2"), cpu("3")};
  const api::AutotuneTask task = SampleTask("{}");
  const json pod = BuildExperimentPod(task, SampleExperiment(task, 1), {}, environment)["spec"];
  EXPECT_EQ(pod["initContainers"][0]["resources"], cpu("1"));
  EXPECT_EQ(pod["containers"][0]["resources"], cpu("2"));
  EXPECT_EQ(BuildInspectPod(task, 0, 1, environment)["spec"]["containers"][0]["resources"], cpu("3"));

  const api::AutotuneTask own = SampleTask(R"({"benchmark": {"resources": {"limits": {"cpu": "8"}}}})");
  EXPECT_EQ(BuildExperimentPod(own, SampleExperiment(own, 1), {}, environment)["spec"]["containers"][0]["resources"],
            cpu("8"))
      << "the task's own win";
}

}  // namespace
}  // namespace autotune::experiment
