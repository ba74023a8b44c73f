#include "operator/deploy/running_server.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "operator/deploy/image_name.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string ErrorOf(const std::string& line) {
  const auto server = ReadPastedCommand(line);
  return server ? "" : server.error().message;
}

TEST(EngineStartOf, KnowsHowEnginesAreStarted) {
  const std::pair<std::vector<std::string>, std::pair<const char*, std::size_t>> rows[] = {
      {{"vllm", "serve", "M"}, {"vllm", 2}},
      {{"/opt/bin/vllm", "serve"}, {"vllm", 2}},
      {{"python3.12", "-m", "vllm.entrypoints.openai.api_server", "--model", "M"}, {"vllm", 3}},
      {{"python3", "-m", "sglang.launch_server"}, {"sglang", 3}},
      {{"sglang", "serve"}, {"sglang", 2}},
      {{"trtllm-serve", "M"}, {"tensorrt-llm", 1}},
      {{"trtllm-serve", "serve", "M"}, {"tensorrt-llm", 2}},
      {{"python3", "-m", "dynamo.vllm", "--model", "M"}, {"vllm", 3}},
      {{"python3", "-m", "dynamo.sglang"}, {"sglang", 3}},
      {{"python3", "-m", "dynamo.trtllm"}, {"tensorrt-llm", 3}},
      {{"python3", "-m", "dynamo.frontend"}, {"", 0}},
      {{"vllm", "bench"}, {"", 0}},
      {{"python3", "-m", "http.server"}, {"", 0}},
      {{"--model", "M"}, {"", 0}},
      {{}, {"", 0}},
  };
  for (const auto& [words, start] : rows) {
    EXPECT_EQ(EngineStartOf(words).engine, start.first);
    EXPECT_EQ(EngineStartOf(words).words, start.second);
    EXPECT_EQ(EngineStartOf(words).dynamo, words.size() > 2 && words[2].starts_with("dynamo.") && start.second > 0);
  }
}

// A pod's cache is empty, and its interfaces have names of their own.
TEST(ReadPastedCommand, LeavesOutWhereFilesComeFromAndWhichInterfacesThereAre) {
  const auto server = ReadPastedCommand(
      "HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_USE_MODELSCOPE=true NCCL_SOCKET_IFNAME=eth0 vllm serve M");
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_TRUE(server->env.empty());
  EXPECT_THAT(server->left_out,
              ElementsAre("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_USE_MODELSCOPE", "NCCL_SOCKET_IFNAME"));
}

TEST(ReadPastedCommand, TakesVariablesBeforeTheProgramAndLeavesOutThoseOfThePod) {
  const auto server = ReadPastedCommand(
      "VLLM_USE_FLASHINFER_SAMPLER=1 HF_TOKEN=hf_x CUDA_VISIBLE_DEVICES=0,1 TOKENIZERS_PARALLELISM=false env \\\n"
      "  vllm serve M --max-num-seqs 128");
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_THAT(server->env,
              ElementsAre(Pair("TOKENIZERS_PARALLELISM", "false"), Pair("VLLM_USE_FLASHINFER_SAMPLER", "1")));
  EXPECT_THAT(server->left_out, ElementsAre("HF_TOKEN", "CUDA_VISIBLE_DEVICES"));
  EXPECT_THAT(server->words, ElementsAre("vllm", "serve", "M", "--max-num-seqs", "128"));
  EXPECT_EQ(server->image, "");
}

TEST(ReadPastedCommand, KeepsSwitchesWhoseNamesEndLikeDirectoriesAndSecrets) {
  const auto server = ReadPastedCommand(
      "VLLM_DISABLE_COMPILE_CACHE=1 TORCHINDUCTOR_FX_GRAPH_CACHE=off SGLANG_USE_AITER_FP8_PER_TOKEN=True "
      "HF_HUB_CACHE=/data VLLM_CACHE_ROOT=0 VLLM_API_KEY=1 MY_TOKEN=abc vllm serve M");
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_THAT(server->env,
              ElementsAre(Pair("SGLANG_USE_AITER_FP8_PER_TOKEN", "True"), Pair("TORCHINDUCTOR_FX_GRAPH_CACHE", "off"),
                          Pair("VLLM_DISABLE_COMPILE_CACHE", "1")));
  EXPECT_THAT(server->left_out, ElementsAre("HF_HUB_CACHE", "VLLM_CACHE_ROOT", "VLLM_API_KEY", "MY_TOKEN"));
}

TEST(ReadPastedCommand, LeavesOutWhatOnlyStartsTheEngine) {
  const std::pair<const char*, std::vector<std::string>> rows[] = {
      {"uv run --python 3.12 --with vllm vllm serve M --max-num-seqs 8", {"vllm", "serve", "M", "--max-num-seqs", "8"}},
      {"uvx vllm serve M", {"vllm", "serve", "M"}},
      {"mpirun -n 1 --oversubscribe --allow-run-as-root trtllm-serve M --tp_size 2",
       {"trtllm-serve", "M", "--tp_size", "2"}},
      {"nsys profile -o out --trace cuda vllm serve M", {"vllm", "serve", "M"}},
      {"taskset -c 0-15 vllm serve M", {"vllm", "serve", "M"}},
      {"entrypoint.sh vllm serve M", {"vllm", "serve", "M"}},
      {"numactl --cpunodebind=0 python3 -m sglang.launch_server --model-path M",
       {"python3", "-m", "sglang.launch_server", "--model-path", "M"}}};
  for (const auto& [line, words] : rows) {
    const auto server = ReadPastedCommand(line);
    ASSERT_TRUE(server.ok()) << server.error().message;
    EXPECT_EQ(server->words, words);
    EXPECT_EQ(server->left_out, std::vector<std::string>{std::string(line).substr(0, std::string(line).find(' '))});
  }
  // Of one that starts something else nothing is left out: the whole says what it is.
  EXPECT_THAT(ReadPastedCommand("uv run server.py")->words, ElementsAre("uv", "run", "server.py"));
}

TEST(ReadPastedCommand, ReadsADockerRunLine) {
  // What is left out may be filled in by a shell.
  const auto plain = ReadPastedCommand(
      R"(sudo docker run --rm -it --gpus '"device=0"' -p8000:8000 -v ~/.cache/huggingface:/root/.cache/huggingface \
         -e VLLM_X=1 --env "HF_TOKEN=$HF_TOKEN" -e UNSET --ipc=host --shm-size 8g vllm/vllm-openai:v0.24.0 \
         --model M --max-num-seqs 128)");
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ(plain->image, "vllm/vllm-openai:v0.24.0");
  EXPECT_THAT(plain->words, ElementsAre("--model", "M", "--max-num-seqs", "128"));
  EXPECT_THAT(plain->env, ElementsAre(Pair("VLLM_X", "1")));
  EXPECT_THAT(plain->left_out, ElementsAre("--gpus", "-p", "-v", "HF_TOKEN", "UNSET", "--ipc", "--shm-size"));
  EXPECT_THAT(ReadPastedCommand("podman run --entrypoint vllm image serve M")->words,
              ElementsAre("vllm", "serve", "M"));
}

TEST(ReadPastedCommand, ReadsTheOneCommandOfAScript) {
  const std::vector<std::string> serve = {"vllm", "serve", "M", "--max-num-seqs", "8"};
  for (const char* line :
       {"cd /srv && vllm serve M --max-num-seqs 8", "set -euo pipefail; exec vllm serve M --max-num-seqs 8",
        "source venv/bin/activate\nvllm serve M --max-num-seqs 8 &", "bash -c \"exec vllm serve M --max-num-seqs 8\"",
        "sh -c 'cd /srv; vllm serve \"$@\"' sh M --max-num-seqs 8",
        "bash -euo pipefail -c 'MODEL=M; N=8; vllm serve $MODEL --max-num-seqs ${N}'",
        "docker pull image && docker run image bash -lc 'vllm serve M --max-num-seqs ${SEQS:-8}'",
        "docker run --entrypoint /bin/bash image -c 'exec vllm serve M --max-num-seqs 8'",
        "$ docker container stop x; docker container rm x\n$ docker run image vllm serve M --max-num-seqs 8",
        "sudo -E docker run -v $(pwd):/x -v ~/.cache:/c image vllm serve M --max-num-seqs 8",
        "export A=M B=8\nnohup vllm serve $A --max-num-seqs $B", "vllm serve M \\ \n --max-num-seqs 8",
        "vllm serve M \\ --max-num-seqs 8 \\ "}) {
    const auto server = ReadPastedCommand(line);
    ASSERT_TRUE(server.ok()) << line << ": " << server.error().message;
    EXPECT_EQ(server->words, serve) << line;
  }
  const auto exports = ReadPastedCommand(
      "export VLLM_X=1 HF_TOKEN=t OTHER; VLLM_Y=2; unset VLLM_Z && source venv/bin/activate && VLLM_Z=3 vllm serve M");
  ASSERT_TRUE(exports.ok()) << exports.error().message;
  EXPECT_THAT(exports->env, ElementsAre(Pair("VLLM_X", "1"), Pair("VLLM_Z", "3"))) << "VLLM_Y is the shell's own";
  EXPECT_THAT(exports->left_out, ElementsAre("HF_TOKEN", "OTHER", "source"));
  EXPECT_THAT(ReadPastedCommand("docker run -e SEQS=8 image sh -c 'vllm serve M --max-num-seqs $SEQS'")->words,
              ElementsAre("vllm", "serve", "M", "--max-num-seqs", "8"));
  const auto passed = ReadPastedCommand("export VLLM_X=1 VLLM_Y=2; docker run -e VLLM_X -e VLLM_Z image");
  EXPECT_THAT(passed->env, ElementsAre(Pair("VLLM_X", "1"))) << "VLLM_Y is not passed on";
  EXPECT_THAT(passed->left_out, ElementsAre("VLLM_Z"));
  EXPECT_EQ(ErrorOf("pip install -U vllm && vllm serve M"),
            "contains another command, \"pip install -U vllm\": it is read without a shell");
  EXPECT_EQ(ErrorOf("bash -c 'vllm serve M; curl localhost'"),
            "contains another command, \"curl localhost\": it is read without a shell");
}

TEST(ReadPastedCommand, KnowsWhereTheFilesOfAContainerAre) {
  const auto server = ReadPastedCommand(
      "docker run -v /data/models:/models:ro --mount type=bind,source=/data/loras,target=/loras -v cache:/models/c "
      "image");
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_EQ(SourceOf(*server, "/models/llama"), "/data/models/llama");
  EXPECT_EQ(SourceOf(*server, "/models"), "/data/models");
  EXPECT_EQ(SourceOf(*server, "/models/c/x"), "cache/x");
  EXPECT_EQ(SourceOf(*server, "/loras/sql"), "/data/loras/sql");
  EXPECT_EQ(SourceOf(*server, "/modelsx"), "");
}

TEST(EngineOfImage, IsToldByItsRepositoryOrItsName) {
  const auto rules = quant::RuleSet::BuiltIn();
  ASSERT_TRUE(rules.ok());
  const std::pair<const char*, const char*> rows[] = {
      {"vllm/vllm-openai:v0.11.0", "vllm"},
      {"docker.io/vllm/vllm-openai@sha256:abc", "vllm"},
      {"registry.corp:5000/llm/vllm-openai:nightly", "vllm"},
      {"123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm:v0.11.0", "vllm"},
      {"rocm/vllm-dev:nightly", "vllm"},
      {"lmsysorg/sglang:latest", "sglang"},
      {"harbor.corp/mirror/lmsysorg/sglang@sha256:abc", "sglang"},
      {"registry.corp/llm-server:sglang-0.5.9", "sglang"},
      {"nvcr.io/nvidia/tensorrt-llm/release:1.2.0", "tensorrt-llm"},
      {"registry.corp/TRTLLM-serve:1", "tensorrt-llm"},
      {"vllm.corp.example/llm:1", ""},
      {"registry.corp/llm:prod", ""},
      {"nginx", ""},
      {"corp/vllm-vs-sglang:1", ""},
  };
  for (const auto& [image, engine] : rows) EXPECT_EQ(EngineOfImage(image, *rules), engine) << image;
}

TEST(ReadPastedCommand, RefusesByNameWhatItCannotRead) {
  EXPECT_EQ(ErrorOf(""), "names no program");
  EXPECT_EQ(ErrorOf("VLLM_X=1"), "names no program");
  EXPECT_THAT(ErrorOf("vllm serve M | grep x"), HasSubstr("contains a pipe (|) at \"| grep x\""));
  EXPECT_EQ(ErrorOf("VLLM_X=$X vllm serve M"),
            "has $X for VLLM_X, but the command is parsed without a shell: write the value");
  EXPECT_EQ(ErrorOf("docker run $IMAGE"),
            "has $IMAGE for the image, but the command is parsed without a shell: write the value");
  EXPECT_EQ(ErrorOf("docker compose up"), "begins with \"docker\", and only docker run starts a server");
  EXPECT_EQ(ErrorOf("docker run --rm"), "names no image");
  EXPECT_EQ(ErrorOf("docker run --gpus"), "--gpus of docker run has no value");
  for (const char* program :
       {"vllm serve M", "python3 -m vllm.entrypoints.openai.api_server --model M", "bash -c 'vllm serve M'"}) {
    for (const char* image :
         {"vllm/vllm-openai:v0.24.0", "vllm/vllm-openai", "docker.io/vllm/vllm-openai-rocm@sha256:0"}) {
      EXPECT_THAT(ErrorOf("docker run --gpus all " + std::string(image) + " " + program),
                  HasSubstr("which already starts the server"));
    }
    EXPECT_EQ(ErrorOf("docker run lmsysorg/sglang:v0.5.15 " + std::string(program)), "");
    EXPECT_EQ(ErrorOf("docker run corp/vllm-openai:1 " + std::string(program)), "");
  }
  EXPECT_EQ(ErrorOf("docker run --entrypoint vllm vllm/vllm-openai:v0.24.0 serve M"), "");
  EXPECT_EQ(ErrorOf("docker run vllm/vllm-openai:v0.24.0 --model M"), "");
}

json Workload(json containers) {
  return {{"spec", {{"template", {{"spec", {{"containers", std::move(containers)}}}}}}}};
}

base::Result<RunningContainer> Read(const json& workload, const api::WorkloadRef& ref) {
  return ReadWorkloadContainer(workload, ref, "nvidia.com/gpu");
}

TEST(ReadWorkloadContainer, TakesTheOneThatHasGpus) {
  const json proxy = {{"name", "proxy"}, {"image", "envoy"}};
  const json server = {{"name", "server"},
                       {"image", "vllm/vllm-openai:v0.23.0"},
                       {"command", {"vllm", "serve"}},
                       {"args", {"$(MODEL)", "--max-num-seqs", "$(SEQS)", "--api-key", "sk-1", "--x", "$$(Y)"}},
                       {"env",
                        {{{"name", "MODEL"}, {"value", "M"}},
                         {{"name", "SEQS"}, {"value", "128"}},
                         {{"name", "KEY"}, {"valueFrom", {{"secretKeyRef", {{"name", "s"}}}}}}}},
                       {"resources", {{"limits", {{"nvidia.com/gpu", "1"}}}}}};
  const auto read = Read(Workload({proxy, server}), {"Deployment", "chat", ""});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->container, "server");
  EXPECT_EQ(read->server.image, "vllm/vllm-openai:v0.23.0");
  EXPECT_THAT(read->server.words,
              ElementsAre("vllm", "serve", "M", "--max-num-seqs", "128", "--api-key", "***", "--x", "$(Y)"));
  EXPECT_THAT(read->server.left_out, ElementsAre("KEY", "container proxy"));
  EXPECT_EQ(Read(Workload({proxy, server}), {"Deployment", "chat", "proxy"})->container, "proxy");
}

TEST(ReadWorkloadContainer, TakesResourcesAndNamesWhatAnExperimentHasNot) {
  const json server = R"({"name": "server", "image": "corp/vllm:v0.23.0", "args": ["--model", "M"],
      "env": [{"name": "VLLM_X", "value": "1"}, {"name": "DB", "value": "postgres://u:p@db"}],
      "resources": {"limits": {"cpu": 8, "memory": "64Gi", "nvidia.com/gpu": 1}, "requests": {"cpu": "4"}},
      "volumeMounts": [{"name": "dshm", "mountPath": "/dev/shm"}], "securityContext": {}})"_json;
  json workload = Workload({{{"name", "proxy"}}, server});
  json& pod = workload["spec"]["template"]["spec"];
  pod.update(R"({"imagePullSecrets": [{"name": "registry"}], "hostNetwork": false, "hostIPC": true, "tolerations": [],
                 "nodeSelector": {"pool": "old"}})"_json);
  const auto read = Read(workload, {"Deployment", "chat", ""});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(read->server.limits, ElementsAre(Pair("cpu", "8"), Pair("memory", "64Gi"), Pair("nvidia.com/gpu", "1")));
  EXPECT_THAT(read->server.requests, ElementsAre(Pair("cpu", "4")));
  EXPECT_THAT(read->server.pull_secrets, ElementsAre("registry"));
  EXPECT_THAT(read->server.env, ElementsAre(Pair("VLLM_X", "1"))) << "no address with a password";
  EXPECT_THAT(read->server.left_out, ElementsAre("DB", "volumeMounts", "nodeSelector", "hostIPC", "container proxy"));
}

TEST(ReadWorkloadContainer, SaysWhatItCannotRead) {
  const json gpu = {{"limits", {{"nvidia.com/gpu", 1}}}};
  const json a = {{"name", "a"}, {"resources", gpu}}, b = {{"name", "b"}, {"resources", gpu}};
  const api::WorkloadRef ref{"Deployment", "chat", ""};
  EXPECT_EQ(Read(Workload({a, b}), ref).error().message,
            "has several containers that may serve the model (a, b): deploymentRef.container says which");
  EXPECT_EQ(Read(Workload({a, b}), {"Deployment", "chat", "c"}).error().message, "has no container \"c\"; it has a, b");
  EXPECT_EQ(Read(Workload(json::array()), ref).error().message, "has no containers");
  const auto of = [&](json container) { return Read(Workload({std::move(container)}), ref); };
  EXPECT_THAT(of({{"name", "a"}, {"command", {"sh", "-c", "pip install x; vllm serve M"}}}).error().message,
              HasSubstr("its command is a shell script with another command, \"pip install x\""));
  EXPECT_THAT(of({{"name", "a"}, {"command", {"sh", "-c", "vllm serve ${M:-x}"}}}).error().message,
              HasSubstr("its command is a shell script with a variable ($)"))
      << "the image may set it";
  EXPECT_EQ(of({{"name", "a"},
                {"args", {"$(KEY)"}},
                {"env", {{{"name", "KEY"}, {"valueFrom", {{"fieldRef", json::object()}}}}}}})
                .error()
                .message,
            "the variable KEY in its command has its value from elsewhere");
}

TEST(ReadWorkloadContainer, ReadsACommandThatAShellIsGiven) {
  const auto of = [](json command, json args) {
    const auto read = Read(Workload({{{"name", "a"}, {"command", std::move(command)}, {"args", std::move(args)}}}),
                           {"Deployment", "chat", ""});
    EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
    return read ? read->server : api::DeployedServer{};
  };
  EXPECT_THAT(of({"/bin/sh", "-c"}, {"exec vllm serve M \\\n --max-num-seqs 8"}).words,
              ElementsAre("vllm", "serve", "M", "--max-num-seqs", "8"));
  EXPECT_THAT(of({"bash", "-c", "VLLM_X=1 vllm serve M \"$@\"", "bash"}, {"--max-num-seqs", "8"}).words,
              ElementsAre("vllm", "serve", "M", "--max-num-seqs", "8"));
  EXPECT_THAT(of({"bash", "-c", "VLLM_X=1 vllm serve M"}, json::array()).env, ElementsAre(Pair("VLLM_X", "1")));
  const json script = {{"name", "a"},
                       {"command", {"sh", "-c", "exec vllm serve \"$MODEL\" --max-num-seqs ${SEQS}"}},
                       {"env", {{{"name", "MODEL"}, {"value", "M"}}, {{"name", "SEQS"}, {"value", "8"}}}}};
  EXPECT_THAT(Read(Workload({script}), {"Deployment", "chat", ""})->server.words,
              ElementsAre("vllm", "serve", "M", "--max-num-seqs", "8"));
  json unknown = script;
  unknown["env"].erase(1);
  EXPECT_THAT(Read(Workload({unknown}), {"Deployment", "chat", ""}).error().message,
              HasSubstr("its command is a shell script with a variable ($) at "));
}

TEST(ReadWorkloadContainer, ReadsTheLeaderOfALeaderWorkerSetOnOneNode) {
  const auto set = [](int size, const char* part) {
    return json{{"spec",
                 {{"leaderWorkerTemplate",
                   {{"size", size},
                    {part, {{"spec", {{"containers", {{{"name", "engine"}, {"args", {"--model", "M"}}}}}}}}}}}}}};
  };
  const api::WorkloadRef ref{"LeaderWorkerSet", "chat", ""};
  EXPECT_THAT(Read(set(1, "workerTemplate"), ref)->server.words, ElementsAre("--model", "M"));
  EXPECT_THAT(Read(set(1, "leaderTemplate"), ref)->server.words, ElementsAre("--model", "M"));
  EXPECT_EQ(Read(set(2, "leaderTemplate"), ref).error().message, "serves on 2 nodes, and experiments on one");
}

TEST(ReadWorkloadContainer, ReadsWhatKServeStarts) {
  const json service = {{"spec",
                         {{"model", {{"uri", "hf://org/M:v2"}, {"name", "chat"}}},
                          {"parallelism", {{"tensor", 2}}},
                          {"template",
                           {{"containers",
                             {{{"name", "main"},
                               {"args", {"'--max-num-seqs'", "'128'"}},
                               {"env", {{{"name", "VLLM_ADDITIONAL_ARGS"}, {"value", "--block-size 32"}}}}}}}}}}}};
  const api::WorkloadRef ref{"LLMInferenceService", "chat", ""};
  EXPECT_THAT(Read(service, ref)->server.words,
              ElementsAre("vllm", "serve", "org/M", "--revision", "v2", "--served-model-name", "chat",
                          "--tensor-parallel-size", "2", "--block-size", "32", "--max-num-seqs", "128"));
  EXPECT_THAT(Read(service, ref)->server.env, IsEmpty());
  json bare = service;
  bare["spec"].erase("template");
  bare["spec"]["model"] = {{"uri", "pvc://claim/llama"}};
  EXPECT_THAT(Read(bare, ref)->server.words, ElementsAre("vllm", "serve", "/llama", "--tensor-parallel-size", "2"));
}

}  // namespace
}  // namespace autotune::deploy
