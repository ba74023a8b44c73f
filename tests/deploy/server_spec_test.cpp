#include "operator/deploy/server_spec.h"

#include <gmock/gmock.h>

#include "measured.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

TEST(PinnedImage, AddsTheDigestOfARegistry) {
  EXPECT_EQ(PinnedImage("a/b:v1", "docker.io/a/b@sha256:12"), "a/b:v1@sha256:12");
  EXPECT_EQ(PinnedImage("a/b:v1", "docker-pullable://a/b@sha256:12"), "a/b:v1@sha256:12");
  EXPECT_EQ(PinnedImage("a/b@sha256:34", "a/b@sha256:34"), "a/b@sha256:34");
  EXPECT_EQ(PinnedImage("a/b:v1", "sha256:12"), "a/b:v1") << "no registry serves it";
  EXPECT_EQ(PinnedImage("a/b:v1", ""), "a/b:v1");
}

TEST(ServerSpec, IsTheMeasuredPodWithoutWhatMeasuredIt) {
  const ServerSpec server = Measured();
  EXPECT_EQ(server.name, "llama-best");
  EXPECT_FALSE(server.pod.contains("initContainers"));
  EXPECT_FALSE(server.pod.contains("activeDeadlineSeconds"));
  ASSERT_EQ(server.pod["containers"].size(), 1U);
  const json& engine = server.Engine();
  EXPECT_EQ(engine["image"], "vllm/vllm-openai:v0.24.0@sha256:" + std::string(64, 'a'));
  EXPECT_EQ(engine["command"], json(server.argv));
  EXPECT_FALSE(engine.contains("args"));
  EXPECT_EQ(engine["resources"]["limits"]["nvidia.com/gpu"], "2");
  for (const json& mount : engine["volumeMounts"]) EXPECT_NE(mount["mountPath"], "/autotune");
  for (const json& volume : server.pod["volumes"]) EXPECT_NE(volume["name"], "autotune");
  EXPECT_EQ(server.tensor, 2);
  EXPECT_EQ(server.pipeline, 1);
  EXPECT_THAT(std::vector<std::string>(server.argv.begin(), server.argv.begin() + 3),
              ElementsAre("vllm", "serve", "org/model"));
  EXPECT_EQ(server.annotations["autotuner.io/objective"], "MaximizeThroughput");
  EXPECT_EQ(server.annotations["autotuner.io/score"], "1413 (output tokens/s per GPU)");
}

TEST(ServerSpec, IsPinnedToTheCommitThatWasMeasured) {
  api::AutotuneTask task = TaskOf({{"idOrPath", "org/model"}});
  task.status.models.front().facts.emplace().commit = std::string(40, 'c');
  api::ExperimentStatus status;
  status.driver = "570.86.15";
  experiment::Experiment experiment;
  experiment.traits.command = {"serve", "{model}"};
  experiment.traits.revision_args = {"--revision", "{revision}"};
  const ServerSpec server = ServerSpecOf(task, status, experiment, {}, {});
  EXPECT_EQ(server.revision, std::string(40, 'c'));
  EXPECT_THAT(server.argv, ElementsAre("serve", "org/model", "--revision", std::string(40, 'c')));
  EXPECT_EQ(server.annotations["autotuner.io/model-commit"], std::string(40, 'c'));
  EXPECT_EQ(server.annotations["autotuner.io/driver"], "570.86.15");
}

}  // namespace
}  // namespace autotune::deploy
