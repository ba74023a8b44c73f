#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/experiment/pod_builder.h"
#include "sample_task.h"

namespace autotune::experiment {
namespace {

using testing::StartsWith;

std::string Runtime(const std::string& fields) {
  return R"({"baseRuntime": null, "runtimes": [{"name": "v", "engine": "vllm", "image": "v:0.20.1", )" + fields + "}]}";
}

struct Row {
  std::string spec;
  const char* error;  // how the message begins; "" = accepted
};

const Row kRows[] = {
    {"{}", ""},
    {R"({"model": {"idOrPath": "/llama"}})",
     "spec.model.idOrPath: \"/llama\" is a path, which requires spec.model.volume"},
    {R"({"model": {"idOrPath": "/llama", "volume": {"hostPath": {"path": "/data"}}}})",
     "spec.model.volume.hostPath: this operator does not allow directories of nodes"},
    {Runtime(R"("args": ["--max-model-len", "8192"])"), ""},
    {Runtime(R"("args": ["--seed", "1", "--host=::"])"),
     "spec.runtimes[0].args[2]: \"--host=::\" sets host, which the operator sets itself"},
    {Runtime(R"("args": ["--port", "9000"])"), "spec.runtimes[0].args[0]: \"--port\" sets port"},
    {Runtime(R"("args": ["--por=9000"])"), "spec.runtimes[0].args[0]: \"--por=9000\" sets port"},
    {Runtime(R"("args": ["--served_model_name", "x"])"),
     "spec.runtimes[0].args[0]: \"--served_model_name\" sets served-model-name, which the operator sets itself; see "
     "spec.model"},
    // A value that looks like nothing, a negative number and a flag that only begins like a reserved one.
    {Runtime(R"("args": ["--x", "host", "-1", "--portable"])"), ""},
    {R"({"parameters": {"port": 9000}})", "spec.parameters.port: sets port"},
    {R"({"parameters": {"revision": "main"}})",
     "spec.parameters.revision: sets revision, which the operator sets itself; see spec.model.revision"},
    {R"({"parameters": {"max-num-seqs": [64, 128]}})", ""},
    {Runtime(R"("command": ["/start.sh", "{model}"])"), "spec.runtimes[0].command: does not contain {port}"},
    {Runtime(R"("command": ["/start.sh", "--listen={host}:{port}"])"), ""},
    {Runtime(R"("env": [{"name": "A", "value": "1"}, {"name": "AUTOTUNE_PORT", "value": "1"}])"),
     "spec.runtimes[0].env[1].name: \"AUTOTUNE_PORT\""},
    {Runtime(R"("env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])"),
     "spec.runtimes[0].env[1].name: \"A\" is listed twice"},
    {Runtime(R"("env": [{"name": "HF_TOKEN", "value": "x"}])"), ""},
    {R"({"model": {"huggingFace": {"tokenSecretRef": {"name": "hf", "key": "t"}}}, "baseRuntime": null, "runtimes":
        [{"name": "v", "engine": "vllm", "image": "v:0.20.1", "env": [{"name": "HF_TOKEN", "value": "x"}]}]})",
     "spec.runtimes[0].env[0].name: \"HF_TOKEN\" is set by spec.model.huggingFace.tokenSecretRef"},
    {Runtime(R"("resources": {"limits": {"rdma/hca": "1", "memory": "64Gi"}})"), ""},
    {R"({"gpu": {"resourceName": "habana.ai/gaudi", "minMemory": "90Gi"}})",
     "spec.gpu.minMemory: nodes with habana.ai/gaudi have no label for it"},
    {R"({"gpu": {"resourceName": "habana.ai/gaudi"}})", ""},
    {R"({"gpu": {"resourceName": "amd.com/gpu", "minComputeCapability": "9.0"}})",
     "spec.gpu.minComputeCapability: exists only for NVIDIA GPUs"},
    {R"({"podTemplate": {"labels": {"kueue.x-k8s.io/queue-name": "q"}}})",
     "spec.podTemplate.labels[\"kueue.x-k8s.io/queue-name\"]: use spec.gpu.queueName"},
    {R"({"podTemplate": {"volumes": [{"name": "ok", "emptyDir": {}}, {"name": "dshm", "emptyDir": {}}]}})",
     "spec.podTemplate.volumes[1].name: \"dshm\" is the name of a volume of the operator"},
    {R"({"podTemplate": {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}})",
     "spec.podTemplate.volumes[0].hostPath: this operator does not allow directories of nodes"},
    {R"({"podTemplate": {"volumes": [{"name": "a", "emptyDir": {}}], "volumeMounts": [{"name": "a", "mountPath": "/autotune/x"}]}})",
     "spec.podTemplate.volumeMounts[0].mountPath: \"/autotune/x\" is inside /autotune, which the operator mounts"},
    {R"({"podTemplate": {"volumes": [{"name": "a", "emptyDir": {}}], "volumeMounts": [{"name": "a", "mountPath": "/autotune-x"}]}})",
     ""},
};

TEST(CheckPodInputs, RefusesWhatNoPodMayBeBuiltFromWithTheFieldsPath) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.spec);
    const auto checked = CheckPodInputs(SampleTask(row.spec).spec, {SampleTraits("vllm")}, SampleEnvironment());
    if (*row.error == '\0') {
      EXPECT_TRUE(checked.ok()) << checked.error().message;
    } else if (checked.ok()) {
      ADD_FAILURE() << "accepted";
    } else {
      EXPECT_EQ(checked.error().code, base::Code::kInvalid);
      EXPECT_THAT(checked.error().message, StartsWith(row.error));
    }
  }
}

TEST(CheckPodInputs, TakesDirectoriesOfNodesWhereTheOperatorAllowsThem) {
  PodEnvironment environment = SampleEnvironment();
  environment.policy.host_path = true;
  const auto spec = SampleTask(R"({"model": {"idOrPath": "/llama", "volume": {"hostPath": {"path": "/data"}}}})").spec;
  EXPECT_TRUE(CheckPodInputs(spec, {SampleTraits("vllm")}, environment).ok());
}

// The schema or api refuse these too; local mode and an older CRD have nobody else to ask.
TEST(CheckPodInputs, ChecksWhatTheSchemaMayHaveLetThrough) {
  const auto error = [](auto change) {
    api::TaskSpec spec = SampleTask().spec;
    change(spec);
    const auto checked = CheckPodInputs(spec, {SampleTraits("vllm")}, SampleEnvironment());
    return checked.ok() ? "accepted" : checked.error().message;
  };
  EXPECT_THAT(error([](api::TaskSpec& s) {
                s.benchmark.scenarios = {"D(512,128)", "E(1)"};
              }),
              StartsWith("spec.benchmark.scenarios[1]: \"E(1)\" is not a scenario"));
  EXPECT_THAT(error([](api::TaskSpec& s) {
                s.benchmark.scenarios = {"D(1,2)", "D(1,2)"};
              }),
              StartsWith("spec.benchmark.scenarios[1]: D(1,2) is listed twice"));
  EXPECT_THAT(error([](api::TaskSpec& s) { s.benchmark.arrival.process = measurement::ArrivalProcess::kTrace; }),
              StartsWith("spec.benchmark.arrival: "));
  EXPECT_THAT(error([](api::TaskSpec& s) { s.gpus.front().min_memory = "much"; }), StartsWith("spec.gpu.minMemory: "));
  EXPECT_THAT(error([](api::TaskSpec& s) { s.gpus.front().min_compute_capability = "hopper"; }),
              StartsWith("spec.gpu.minComputeCapability: \"hopper\""));
  EXPECT_THAT(error([](api::TaskSpec& s) {
                s.models.front().volume = {{"nfs", {{"path", "/"}}}};
              }),
              StartsWith("spec.model.volume.nfs: is not one of"));
  EXPECT_THAT(error([](api::TaskSpec& s) {
                s.pod_template.volumes = {{{"emptyDir", nlohmann::json::object()}}};
              }),
              StartsWith("spec.podTemplate.volumes[0]: has no name"));
  EXPECT_THAT(error([](api::TaskSpec& s) {
                s.runtimes = {api::RuntimeSpec{}};
                s.runtimes[0].resources = {{"limits", {{"nvidia.com/gpu", "2"}}}};
              }),
              StartsWith("spec.runtimes[0].resources.limits[\"nvidia.com/gpu\"]: the number of GPUs is derived"));
  EXPECT_THAT(error([](api::TaskSpec& s) { s.pod_template.labels["autotuner.io/task"] = "x"; }),
              StartsWith("spec.podTemplate.labels[\"autotuner.io/task\"]: is set by the operator"));
  EXPECT_THAT(error([](api::TaskSpec& s) { s.pod_template.annotations[kOptionsAnnotation] = "x"; }),
              StartsWith("spec.podTemplate.annotations[\"autotuner.io/engine-options\"]: is set by the operator"));
}

}  // namespace
}  // namespace autotune::experiment
