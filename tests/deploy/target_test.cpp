#include "operator/deploy/target.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdio>

#include "measured.h"
#include "operator/deploy/container_command.h"
#include "text/yaml_json.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

std::vector<json> Written(const char* target, const ServerSpec& server) {
  const auto text = FindTarget(target)->write(server);
  EXPECT_TRUE(text.ok()) << target << ": " << (text ? "" : text.error().message);
  if (!text) return {json::object()};
  const auto documents = text::ParseYaml(*text, target);
  EXPECT_TRUE(documents.ok()) << (documents ? "" : documents.error().message) << *text;
  return documents ? *documents : std::vector<json>{json::object()};
}

// What a shell makes of a script: it prints words, each followed by a zero byte.
Words ShellWords(const std::string& script) {
  FILE* pipe = popen(("sh -c " + ShellWord(script)).c_str(), "r");
  Words words;
  std::string word;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) {
    if (c != 0) {
      word += static_cast<char>(c);
    } else {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  EXPECT_EQ(pclose(pipe), 0) << script;
  return words;
}

Words ArgvOf(const json& container) {
  Words argv = container.value("command", Words());
  const Words args = container.value("args", Words());
  argv.insert(argv.end(), args.begin(), args.end());
  return argv;
}

TEST(Targets, AreThoseOfTheApi) {
  ASSERT_EQ(Targets().size(), api::kRecommendationTargets.size());
  for (std::size_t i = 0; i < Targets().size(); ++i) EXPECT_EQ(Targets()[i].name, api::kRecommendationTargets[i]);
  EXPECT_EQ(FindTarget("llminferenceservice"), &Targets()[1]);
  EXPECT_EQ(FindTarget("nothing"), nullptr);
}

TEST(Deployment, RunsTheMeasuredCommandBehindAService) {
  const ServerSpec server = Measured();
  const auto documents = Written("Deployment", server);
  ASSERT_EQ(documents.size(), 2U);
  EXPECT_EQ(ArgvOf(documents[0]["spec"]["template"]["spec"]["containers"][0]), server.argv);
  EXPECT_EQ(documents[1]["kind"], "Service");
  EXPECT_EQ(documents[1]["spec"]["selector"], documents[0]["spec"]["selector"]["matchLabels"]);
  for (const json& document : documents) EXPECT_EQ(document["metadata"]["annotations"]["autotuner.io/task"], "llama");
}

TEST(InferenceService, RunsTheMeasuredCommand) {
  const ServerSpec server = Measured();
  const json service = Written("InferenceService", server)[0];
  EXPECT_EQ(service["apiVersion"], "serving.kserve.io/v1beta1");
  EXPECT_EQ(ArgvOf(service["spec"]["predictor"]["containers"][0]), server.argv);
}

TEST(LeaderWorkerSet, RunsTheMeasuredCommand) {
  const ServerSpec server = Measured();
  const json set = Written("LeaderWorkerSet", server)[0];
  EXPECT_EQ(ArgvOf(set["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["containers"][0]), server.argv);
}

TEST(LLMInferenceService, ItsTemplatesEvalGivesTheMeasuredArguments) {
  const json service = Written("LLMInferenceService", Measured())[0];
  const json& container = service["spec"]["template"]["containers"][0];
  EXPECT_FALSE(container.contains("command")) << "the template's";
  // As KServe's template does it, after the kubelet.
  std::string script = "set --";
  for (const std::string& word : WithoutKubelet(container["args"].get<Words>())) script += " " + ShellWord(word);
  EXPECT_EQ(ShellWords(script + "; eval \"printf '%s\\\\0' $@\""), WithoutKubelet(kTuned));
  EXPECT_EQ(service["spec"]["parallelism"]["tensor"], 2);
  EXPECT_EQ(service["spec"]["model"]["uri"], "hf://org/model");
}

TEST(LLMInferenceService, TakesTheModelFromWhereItIs) {
  const auto uri = [](const json& model) {
    return Written("LLMInferenceService", Measured(model))[0]["spec"]["model"]["uri"].get<std::string>();
  };
  EXPECT_EQ(uri({{"idOrPath", "org/m"}, {"revision", "abc"}}), "hf://org/m:abc");
  EXPECT_EQ(uri({{"idOrPath", "/a"}, {"volume", {{"persistentVolumeClaim", {{"claimName", "c"}, {"subPath", "s"}}}}}}),
            "pvc://c/s/a");
  const json service =
      Written("LLMInferenceService",
              Measured({{"idOrPath", "/a"}, {"volume", {{"persistentVolumeClaim", {{"claimName", "c"}}}}}}))[0];
  for (const json& volume : service["spec"]["template"]["volumes"]) EXPECT_NE(volume["name"], "model");
}

TEST(LLMD, ItsPatchRunsTheMeasuredCommand) {
  const ServerSpec server = Measured();
  const json overlay = Written("LLMD", server)[0];
  const auto patch = text::ParseYaml(overlay["patches"][0]["patch"], "patch");
  ASSERT_TRUE(patch.ok());
  const json& container = patch->front()["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(container["name"], "modelserver");
  EXPECT_EQ(ArgvOf(container), server.argv);
  EXPECT_EQ(overlay["labels"][0]["pairs"]["llm-d.ai/model"], "model");
}

TEST(DynamoGraphDeployment, ItsWorkerGetsTheMeasuredArguments) {
  const json graph = Written("DynamoGraphDeployment", Measured())[0];
  const json& worker = graph["spec"]["components"][1]["podTemplate"]["spec"]["containers"][0];
  EXPECT_EQ(worker["name"], "main");
  Words expected = {"python3", "-m", "dynamo.vllm", "--model", "org/model"};
  expected.insert(expected.end(), kTuned.begin(), kTuned.end());
  EXPECT_EQ(ArgvOf(worker), expected);
}

TEST(Command, IsReadBackByAShell) {
  const ServerSpec server = Measured();
  std::string line = *WriteServeCommand(server);
  const std::string setting = "VLLM_USE_X='1 2' ";
  ASSERT_TRUE(line.starts_with(setting)) << line;
  EXPECT_EQ(ShellWords("printf '%s\\0' " + line.substr(setting.size())), WithoutKubelet(server.argv));
}

TEST(DockerCompose, RunsTheMeasuredCommand) {
  const ServerSpec server = Measured();
  const json engine = Written("DockerCompose", server)[0]["services"]["engine"];
  Words read;
  for (const std::string& word : engine["command"].get<Words>()) {
    std::string plain;  // as docker compose reads it: $$ is $, and nothing else is a variable
    for (std::size_t i = 0; i < word.size(); ++i) {
      plain += word[i];
      if (word[i] == '$') {
        ASSERT_EQ(word.at(++i), '$') << word;
      }
    }
    read.push_back(plain);
  }
  EXPECT_EQ(read, WithoutKubelet(server.argv));
  EXPECT_EQ(engine["deploy"]["resources"]["reservations"]["devices"][0]["count"], 2);
  EXPECT_EQ(engine["environment"]["VLLM_USE_X"], "1 2");
}

TEST(Targets, SayInOneLineWhatTheyCannotRun) {
  const json on_claim = {{"idOrPath", "/a"}, {"volume", {{"persistentVolumeClaim", {{"claimName", "c"}}}}}};
  const json on_host = {{"idOrPath", "/a"}, {"volume", {{"hostPath", {{"path", "/models"}}}}}};
  const std::vector<std::tuple<const char*, ServerSpec, const char*>> cases = {
      {"LLMInferenceService", Measured({{"idOrPath", "org/m"}}, "sglang"), "start vLLM"},
      {"LLMInferenceService", Measured(on_host), "hostPath"},
      {"DynamoGraphDeployment", Measured({{"idOrPath", "org/m"}}, "tensorrt-llm"), "options file"},
      {"DockerCompose", Measured(on_claim), "volume of the cluster"},
  };
  for (const auto& [target, server, why] : cases) {
    const auto text = FindTarget(target)->write(server);
    ASSERT_FALSE(text.ok()) << target;
    EXPECT_THAT(text.error().message, HasSubstr(why));
    EXPECT_EQ(text.error().message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace autotune::deploy
