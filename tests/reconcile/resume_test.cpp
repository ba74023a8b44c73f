// The operator may be killed at any write: the next one goes on, repeats no finished measurement and leaves no pod.
#include <gtest/gtest.h>

#include <map>

#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;

// Four combinations and the baseline, which has the flag unset.
json FiveExperiments() {
  json task = SmallTask();
  task["spec"]["parameters"] = {{"max-num-seqs", {64, 128}}};
  task["spec"]["parallelism"] = 2;
  return task;
}

// A deterministic machine: the same pod always measures the same.
void Measure(FakeCluster& cluster, json& pod) {
  double speed = 1000;
  for (const std::string& word : EngineArgv(pod)) speed += word == "fp8" ? 400 : word == "128" ? 100 : 0;
  cluster.Finish(pod, ResultMessage(speed, 10'000 / speed), 0);
}

struct Answer {
  std::string best, score;
  std::map<std::string, std::string> scores;
  bool operator==(const Answer&) const = default;
};

Answer AnswerOf(const FakeCluster& cluster) {
  const api::TaskStatus status = cluster.Task().status;
  Answer answer;
  if (status.best) {
    answer.best = status.best->experiment;
    answer.score = status.best->score;
  }
  for (const api::ExperimentStatus& entry : status.experiments) answer.scores[entry.hash] = entry.score;
  return answer;
}

TEST(Resume, KilledAtAnyWriteTheAnswerIsTheSameAndNothingIsMeasuredTwice) {
  FakeCluster undisturbed(FiveExperiments());
  int writes = 0;
  undisturbed.crash = [&](const std::string&) { return ++writes < 0; };
  undisturbed.RunToEnd(Measure);
  const Answer expected = AnswerOf(undisturbed);
  ASSERT_EQ(expected.scores.size(), 5U);
  ASSERT_NE(expected.best, "");
  ASSERT_GT(writes, 10);

  for (int at = 1; at <= writes; ++at) {
    SCOPED_TRACE("killed at write " + std::to_string(at) + " of " + std::to_string(writes));
    FakeCluster cluster(FiveExperiments());
    int count = 0;
    cluster.crash = [&](const std::string&) { return ++count == at; };
    cluster.RunToEnd(Measure);
    EXPECT_EQ(AnswerOf(cluster), expected);
    EXPECT_EQ(cluster.created.size(), 5U);
    EXPECT_TRUE(cluster.pods.empty());
    EXPECT_TRUE(cluster.config_maps.contains("llama-best"));
  }
}

TEST(Resume, AConflictingWriteLosesNoResult) {
  FakeCluster cluster(FiveExperiments());
  int patches = 0;
  cluster.crash = [&](const std::string& what) {
    // Every second status write meets somebody else's write, as an annotation set by a user would be.
    if (what == "status" && ++patches % 2 == 0) {
      cluster.task["metadata"]["resourceVersion"] =
          std::to_string(std::stoi(cluster.task["metadata"]["resourceVersion"].get<std::string>()) + 1);
    }
    return false;
  };
  cluster.RunToEnd(Measure);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 5U);
}

}  // namespace
}  // namespace autotune::reconcile
