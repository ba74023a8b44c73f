#include "operator/deploy/difference.h"

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "measured.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;
using quant::testing::Rules;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What runs is what was measured, unless `change` changes it.
json Running(const ServerSpec& server, const std::function<void(json& container, json& pod)>& change = {}) {
  json pod = server.pod;
  if (change) change(pod["containers"][0], pod);
  return {{"kind", "Deployment"}, {"metadata", {{"name", "chat"}}}, {"spec", {{"template", {{"spec", pod}}}}}};
}

// "field: running -> recommended".
std::vector<std::string> Lines(const api::Difference& difference) {
  std::vector<std::string> lines;
  for (const auto& line : difference.lines) {
    lines.push_back(line.field + ": " + line.running.value_or("(not there)") + " -> " +
                    line.recommended.value_or("(not there)"));
  }
  return lines;
}

std::vector<std::string> LinesOf(const ServerSpec& server,
                                 const std::function<void(json& container, json& pod)>& change) {
  const api::Difference difference = DifferenceFrom(Running(server, change), "", server, Rules());
  EXPECT_TRUE(difference.compared()) << difference.message;
  return Lines(difference);
}

// A server that is started with these arguments.
ServerSpec StartedWith(const std::vector<std::string>& argv) {
  ServerSpec server = Measured();
  server.argv = argv;
  server.pod["containers"][0]["command"] = argv;
  return server;
}

std::vector<std::string> ArgumentLines(const std::vector<std::string>& running,
                                       const std::vector<std::string>& recommended) {
  return LinesOf(StartedWith(recommended), [&](json& container, json&) { container["command"] = running; });
}

TEST(Difference, OfWhatWasMeasuredIsNothing) {
  const ServerSpec server = Measured();
  const api::Difference difference = DifferenceFrom(Running(server), "", server, Rules());
  EXPECT_THAT(Lines(difference), IsEmpty());
  EXPECT_EQ(difference.message, "");
  EXPECT_EQ(difference.container, "engine");
  EXPECT_EQ(difference.experiment, "e2-bbbbbb");
  EXPECT_GT(difference.same, 8);
}

TEST(Difference, ArgumentsAreComparedFlagByFlagNotByPosition) {
  const std::vector<std::string> best = {"vllm", "serve", "org/m", "--max-num-seqs", "64", "--dtype", "bfloat16"};
  const std::vector<std::vector<std::string>> the_same = {
      {"vllm", "serve", "org/m", "--dtype", "bfloat16", "--max-num-seqs", "64"},
      {"vllm", "serve", "org/m", "--dtype=bfloat16", "--max_num_seqs=64"},
      {"vllm", "serve", "--dtype", "bfloat16", "org/m", "--max-num-seqs", "64"},
      {"/usr/local/bin/vllm", "serve", "--model", "org/m", "--dtype", "bfloat16", "--max-num-seqs", "64"},
      {"--model=org/m", "--dtype", "half", "--dtype", "bfloat16", "--max-num-seqs", "64"},
      {"bash", "-c", "exec vllm serve org/m --dtype bfloat16 \\\n  --max-num-seqs 64"},
      {"/bin/sh", "-ec",
       "cd /models\nexport A=1; A=2 exec vllm serve 'org/m' --dtype \"bfloat16\" --max-num-seqs 64 # best"},
      {"sh", "-c", "exec vllm serve org/m \"$@\"", "start", "--dtype", "bfloat16", "--max-num-seqs", "64"}};
  for (const auto& running : the_same) EXPECT_THAT(ArgumentLines(running, best), IsEmpty()) << json(running).dump();

  EXPECT_THAT(ArgumentLines({"vllm", "serve", "org/m", "--enforce-eager", "--max-num-seqs", "256"}, best),
              ElementsAre("dtype: (not there) -> --dtype bfloat16", "enforce-eager: --enforce-eager -> (not there)",
                          "max-num-seqs: --max-num-seqs 256 -> --max-num-seqs 64"));
  EXPECT_THAT(
      ArgumentLines({"python3", "-m", "vllm.entrypoints.openai.api_server", "--model", "/models/m", "--dtype",
                     "bfloat16", "--max-num-seqs", "64"},
                    best),
      ElementsAre("program: python3 -m vllm.entrypoints.openai.api_server -> vllm serve", "model: /models/m -> org/m"));
}

TEST(Difference, OneFlagUnderTwoNamesIsOne) {
  const auto lines = [](std::vector<std::string> running, std::vector<std::string> recommended) {
    for (auto* argv : {&running, &recommended}) argv->insert(argv->begin(), {"vllm", "serve", "org/m"});
    return ArgumentLines(running, recommended);
  };
  EXPECT_THAT(lines({"-tp", "2"}, {"--tensor-parallel-size", "2"}), IsEmpty());
  EXPECT_THAT(lines({"--enable-prefix-caching"}, {"--no-enable-prefix-caching"}),
              ElementsAre("enable-prefix-caching: --enable-prefix-caching -> --no-enable-prefix-caching"));
  EXPECT_THAT(
      lines({"--compilation-config", R"({"mode":3,"x":1})"}, {"--compilation-config", R"({"x": 1, "mode": 3})"}),
      IsEmpty());
  EXPECT_THAT(lines({"--gpu-memory-utilization", "0.90"}, {"--gpu-memory-utilization", "0.9"}), IsEmpty());
}

TEST(Difference, SecretsAreNotShown) {
  const auto lines =
      ArgumentLines({"vllm", "serve", "org/m", "--api-key", "sk-1234", "--hf-token=hf_1"}, {"vllm", "serve", "org/m"});
  EXPECT_THAT(lines, ElementsAre("api-key: --api-key *** -> (not there)", "hf-token: --hf-token *** -> (not there)"));
}

TEST(Difference, OfAnImageIsItsTagOrDigest) {
  const ServerSpec server = Measured();
  EXPECT_THAT(LinesOf(server, [](json& container, json&) { container["image"] = "vllm/vllm-openai:v0.22.0"; }),
              ElementsAre(HasSubstr("image: vllm/vllm-openai:v0.22.0 -> vllm/vllm-openai:v0.24.0@sha256:aaa")));
  EXPECT_THAT(LinesOf(server, [](json& container,
                                 json&) { container["image"] = "docker.io/" + container["image"].get<std::string>(); }),
              IsEmpty());
}

TEST(Difference, ResourcesAreComparedAsQuantities) {
  ServerSpec server = Measured();
  server.pod["containers"][0]["resources"] = {{"limits", {{"nvidia.com/gpu", "2"}, {"memory", "16Gi"}}},
                                              {"requests", {{"cpu", "8"}}}};
  EXPECT_THAT(LinesOf(server,
                      [](json& container, json&) {
                        container["resources"] = {{"limits", {{"nvidia.com/gpu", 2}, {"memory", "16384Mi"}}},
                                                  {"requests", {{"cpu", "8000m"}, {"memory", "17179869184"}}}};
                      }),
              IsEmpty());
  EXPECT_THAT(LinesOf(server,
                      [](json& container, json&) {
                        container["resources"] = {
                            {"limits", {{"nvidia.com/gpu", "4"}, {"memory", "32Gi"}, {"cpu", "9"}}},
                            {"requests", {{"cpu", "8"}, {"memory", "16Gi"}}}};
                      }),
              ElementsAre("cpu: request 8, limit 9 -> request 8", "memory: request 16Gi, limit 32Gi -> 16Gi",
                          "nvidia.com/gpu: 4 -> 2"));
}

TEST(Difference, NodeSelectionIsComparedByLabelTolerationAndTerm) {
  ServerSpec server = Measured();
  const auto affinity = [](const json& values) {
    return json{{"nodeAffinity",
                 {{"requiredDuringSchedulingIgnoredDuringExecution",
                   {{"nodeSelectorTerms",
                     {{{"matchExpressions", {{{"key", "gpu"}, {"operator", "In"}, {"values", values}}}}}}}}}}}};
  };
  server.pod["affinity"] = affinity({"H100", "A100"});
  server.pod["nodeSelector"] = {{"pool", "gpu"}};
  server.pod["tolerations"] = json::array({{{"key", "gpu"}, {"operator", "Exists"}, {"effect", "NoSchedule"}}});
  EXPECT_THAT(LinesOf(server,
                      [&](json&, json& pod) {
                        pod["affinity"] = affinity({"A100", "H100"});
                        pod["schedulerName"] = "default-scheduler";
                      }),
              IsEmpty());
  EXPECT_THAT(LinesOf(server,
                      [&](json&, json& pod) {
                        pod["affinity"] = affinity({"L4"});
                        pod["nodeSelector"] = {{"pool", "old"}, {"zone", "a"}};
                        pod["tolerations"] = json::array();
                      }),
              ElementsAre("node affinity: gpu In L4 -> gpu In A100, H100", "nodeSelector pool: old -> gpu",
                          "nodeSelector zone: a -> (not there)", "toleration gpu: (not there) -> Exists, NoSchedule"));
}

TEST(Difference, OfTheEnvironmentIsWhatTheConfigurationSets) {
  const ServerSpec server = Measured();
  EXPECT_THAT(LinesOf(server,
                      [](json& container, json&) {
                        container["env"] = json::array(
                            {{{"name", "HF_TOKEN"}, {"value", "hf_secret"}}, {{"name", "VLLM_USE_X"}, {"value", "0"}}});
                      }),
              ElementsAre("VLLM_USE_X: 0 -> 1 2"));
}

TEST(Difference, TakesTheContainerThatServesTheModel) {
  const ServerSpec server = Measured();
  const json sidecar = {{"name", "proxy"}, {"image", "envoy:1"}};
  const auto compared = [&](const json& containers, const std::string& name) {
    return DifferenceFrom(Running(server, [&](json&, json& pod) { pod["containers"] = containers; }), name, server,
                          Rules());
  };
  const json engine = server.Engine();
  EXPECT_EQ(compared({sidecar, engine}, "").container, "engine");
  json without_gpu = engine;
  without_gpu.erase("resources");
  EXPECT_EQ(compared({sidecar, without_gpu}, "").container, "engine");
  EXPECT_EQ(compared({sidecar, engine}, "proxy").container, "proxy");

  const api::Difference unknown = compared({sidecar, engine}, "vllm");
  EXPECT_FALSE(unknown.compared());
  EXPECT_EQ(unknown.message, "Deployment chat has no container \"vllm\"; it has proxy, engine");
  json other = engine;
  other["name"] = "second";
  EXPECT_THAT(compared({engine, other}, "").message,
              HasSubstr("has several containers (engine, second): set diffAgainst.container"));
  EXPECT_THAT(DifferenceFrom({{"kind", "Service"}, {"metadata", {{"name", "chat"}}}}, "", server, Rules()).message,
              HasSubstr("chat is not a Deployment"));
}

TEST(Difference, AnOptionsFileIsShownWhole) {
  ServerSpec server = Measured();
  server.options_yaml = "kv_cache_config:\n  dtype: fp8\n";
  EXPECT_THAT(LinesOf(server, [](json&, json&) {}),
              ElementsAre("options file: (not there) -> kv_cache_config:\n  dtype: fp8\n"));
}

}  // namespace
}  // namespace autotune::deploy
