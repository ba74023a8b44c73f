#include "operator/local/container_spec.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace autotune::local {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ExpandVariables, FollowsTheKubelet) {
  const Environment variables = {{"A", "1"}, {"DIR", "/tmp/x y"}, {"EMPTY", ""}};
  struct Case {
    const char* text;
    const char* expected;
  };
  const Case cases[] = {
      {"$(A)", "1"},
      {"--port=$(A)0", "--port=10"},
      {"$(DIR)/engine.json", "/tmp/x y/engine.json"},
      {"$(EMPTY)", ""},
      {"$(NOPE)", "$(NOPE)"},
      {"$$(A)", "$(A)"},
      {"$$$(A)", "$1"},
      {"$A", "$A"},
      {"$(A", "$(A"},
      {"$", "$"},
      {"a$", "a$"},
      {"$()", "$()"},
      {"$(A)$(A)", "11"},
      {"$($(A))", "$(1)"},
      {"", ""},
      {"costs 5$ (A)", "costs 5$ (A)"},
  };
  for (const Case& test : cases) EXPECT_EQ(ExpandVariables(test.text, variables), test.expected) << test.text;
}

json Pod() {
  return {{"metadata",
           {{"name", "p"},
            {"namespace", "ns"},
            {"uid", "u"},
            {"annotations", {{"autotuner.io/engine-options", "a: 1\n"}}}}},
          {"spec", json::object()}};
}

TEST(ResolveContainer, PutsCommandAndArgumentsTogetherAndExpandsThem) {
  const json container = {{"name", "engine"},
                          {"command", {"$(AUTOTUNE_POD_DIR)/launch", "run"}},
                          {"args", {"--port", "$(AUTOTUNE_PORT)", "$(HOME)"}}};
  const auto command =
      ResolveContainer(Pod(), container, {{"HOME", "/root"}}, {{"AUTOTUNE_POD_DIR", "/d"}, {"AUTOTUNE_PORT", "81"}});
  ASSERT_TRUE(command.ok());
  // Only what the pod defines can be referred to: HOME is inherited but not expanded.
  EXPECT_THAT(command->argv, ElementsAre("/d/launch", "run", "--port", "81", "$(HOME)"));
}

TEST(ResolveContainer, PutsTheContainersEnvironmentOnTopOfTheParents) {
  const json container = {
      {"name", "c"},
      {"command", {"x"}},
      {"env", json::array({{{"name", "PATH"}, {"value", "/opt"}},
                           {{"name", "LIST"}, {"value", "$(PATH):$(LATER)"}},
                           {{"name", "LATER"}, {"value", "z"}},
                           {{"name", "AUTOTUNE_PORT"}, {"value", "1"}},
                           {{"name", "POD"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}}})}};
  const auto command =
      ResolveContainer(Pod(), container, {{"PATH", "/bin"}, {"HOME", "/root"}}, {{"AUTOTUNE_PORT", "81"}});
  ASSERT_TRUE(command.ok());
  EXPECT_THAT(command->environment, ElementsAre(Pair("AUTOTUNE_PORT", "81"), Pair("HOME", "/root"), Pair("LATER", "z"),
                                                Pair("LIST", "/opt:$(LATER)"), Pair("PATH", "/opt"), Pair("POD", "p")));
}

TEST(ResolveContainer, TakesSecretsFromTheEnvironmentAndSaysWhichIsMissing) {
  json container = {{"name", "c"}, {"command", {"x"}}, {"env", json::array()}};
  container["env"].push_back(
      {{"name", "HF_TOKEN"}, {"valueFrom", {{"secretKeyRef", {{"name", "hf"}, {"key", "token"}}}}}});
  const auto with = ResolveContainer(Pod(), container, {{"HF_TOKEN", "hf_x"}}, {});
  ASSERT_TRUE(with.ok());
  EXPECT_EQ(with->environment.at("HF_TOKEN"), "hf_x");

  const auto without = ResolveContainer(Pod(), container, {}, {});
  ASSERT_FALSE(without.ok());
  EXPECT_THAT(without.error().message, HasSubstr("secret \"hf\""));
  EXPECT_THAT(without.error().message, HasSubstr("HF_TOKEN"));

  container["env"][0]["valueFrom"]["secretKeyRef"]["optional"] = true;
  EXPECT_TRUE(ResolveContainer(Pod(), container, {}, {}).ok());
}

TEST(ResolveContainer, RefusesWhatOnlyAClusterKnows) {
  const json no_command = {{"name", "c"}, {"image", "x"}};
  EXPECT_THAT(ResolveContainer(Pod(), no_command, {}, {}).error().message, HasSubstr("container c has no command"));
  const json resource = {
      {"name", "c"},
      {"command", {"x"}},
      {"env", json::array({{{"name", "CPU"}, {"valueFrom", {{"resourceFieldRef", {{"resource", "limits.cpu"}}}}}}})}};
  EXPECT_THAT(ResolveContainer(Pod(), resource, {}, {}).error().message, HasSubstr("env CPU"));
}

TEST(RequestedGpus, AreTheExtendedResourcesOfAnyContainer) {
  json pod = Pod();
  EXPECT_EQ(RequestedGpus(pod), 0);
  EXPECT_EQ(RequestedGpuResource(pod), "");
  pod["spec"]["containers"] = json::array({{{"name", "bench"}, {"resources", {{"limits", {{"memory", "1Gi"}}}}}}});
  EXPECT_EQ(RequestedGpus(pod), 0);
  pod["spec"]["initContainers"] =
      json::array({{{"name", "engine"}, {"resources", {{"limits", {{"memory", "1Gi"}, {"nvidia.com/gpu", "2"}}}}}}});
  EXPECT_EQ(RequestedGpus(pod), 2);
  EXPECT_EQ(RequestedGpuResource(pod), "nvidia.com/gpu");
  pod["spec"]["initContainers"][0]["resources"]["limits"]["nvidia.com/gpu"] = 4;
  EXPECT_EQ(RequestedGpus(pod), 4);
}

TEST(ProjectedFiles, AreTheAnnotationsThatADownwardVolumeShows) {
  json pod = Pod();
  pod["spec"]["volumes"] = json::array(
      {{{"name", "autotune"}, {"emptyDir", json::object()}},
       {{"name", "options"},
        {"downwardAPI",
         {{"items",
           json::array({{{"path", "options.yaml"},
                         {"fieldRef", {{"fieldPath", "metadata.annotations['autotuner.io/engine-options']"}}}}})}}}}});
  EXPECT_THAT(ProjectedFiles(pod, {}), IsEmpty());
  pod["spec"]["initContainers"] = json::array(
      {{{"name", "engine"},
        {"volumeMounts", json::array({{{"name", "autotune"}, {"mountPath", "/x"}},
                                      {{"name", "options"}, {"mountPath", "$(AUTOTUNE_POD_DIR)/options"}}})}}});
  const auto files = ProjectedFiles(pod, {{"AUTOTUNE_POD_DIR", "/d"}});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, "/d/options/options.yaml");
  EXPECT_EQ(files[0].content, "a: 1\n");
}

}  // namespace
}  // namespace autotune::local
