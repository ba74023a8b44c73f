// What is left of a finished task goes when spec.retention, or the operator's default, says so, and not before.
#include "operator/reconcile/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

// Leaves a failed pod behind for its logs, and the task complete.
void FailOne(FakeCluster& cluster, json& pod) {
  const auto argv = EngineArgv(pod);
  if (std::find(argv.begin(), argv.end(), "--kv-cache-dtype") != argv.end()) {
    cluster.Finish(pod, FailureMessage(bench::FailureReason::kEngineRejectedConfiguration, "ValueError: no"), 10);
  } else {
    cluster.Finish(pod, ResultMessage(1000, 7), 0);
  }
}

class RetentionTest : public ::testing::Test {
 protected:
  // Finished, as it is just then.
  FakeCluster& Finished(const json& retention) {
    json task = SmallTask();
    if (!retention.is_null()) task["spec"]["retention"] = retention;
    cluster_ = std::make_unique<FakeCluster>(task);
    EXPECT_TRUE(cluster_->RunUntilQuiet(FailOne));
    EXPECT_EQ(cluster_->Task().status.state, "Complete");
    EXPECT_EQ(cluster_->pods.size(), 1U);
    return *cluster_;
  }
  void Later(base::Duration time) {
    cluster_->clock.Advance(time);
    EXPECT_TRUE(cluster_->RunUntilQuiet(FailOne));
  }
  std::unique_ptr<FakeCluster> cluster_;
};

TEST_F(RetentionTest, NothingGoesWhereNothingIsSaid) {
  FakeCluster& cluster = Finished(nullptr);
  EXPECT_FALSE(cluster.wake_at);
  Later(24h * 365);
  EXPECT_EQ(cluster.pods.size(), 1U);
  EXPECT_EQ(cluster.task_deletes, 0);
}

TEST_F(RetentionTest, KeptPodsGoWhenTheirTimeIsOverAndTheTaskStays) {
  FakeCluster& cluster = Finished({{"pods", "24h"}});
  ASSERT_TRUE(cluster.wake_at);
  EXPECT_EQ(*cluster.wake_at, base::ParseRfc3339(cluster.Task().status.finished_at) + 24h);
  Later(24h - 1s);
  EXPECT_EQ(cluster.pods.size(), 1U);
  const json status = cluster.task["status"];
  Later(1s);
  EXPECT_TRUE(cluster.pods.empty());
  EXPECT_EQ(cluster.task["status"], status);
  EXPECT_EQ(cluster.task_deletes, 0);
  EXPECT_FALSE(cluster.wake_at) << "nothing is left to do";
}

TEST_F(RetentionTest, TheTaskGoesWhenItsTimeIsOver) {
  FakeCluster& cluster = Finished({{"task", "1h"}});
  Later(1h - 1s);
  EXPECT_EQ(cluster.task_deletes, 0);
  cluster.clock.Advance(1s);
  EXPECT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.task_deletes, 1);
  EXPECT_EQ(cluster.events.back().reason, "Expired");
  EXPECT_EQ(cluster.pods.size(), 1U) << "the garbage collector's";
}

TEST_F(RetentionTest, AFailedTaskIsFinishedToo) {
  json task = SmallTask();
  task["spec"]["retention"] = {{"task", "1h"}};
  task["spec"]["gpu"]["minMemory"] = "no quantity";
  FakeCluster cluster(task);
  ASSERT_TRUE(cluster.RunUntilQuiet(FailOne));
  ASSERT_EQ(cluster.Task().status.state, "Failed");
  cluster.clock.Advance(1h);
  EXPECT_TRUE(cluster.Reconcile().ok());
  // A spec that cannot be read says nothing about its retention either.
  EXPECT_EQ(cluster.task_deletes, 0);
  cluster.settings.retention.task = 1h;
  EXPECT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.task_deletes, 1);
}

TEST_F(RetentionTest, ASuspendedTaskIsNotFinished) {
  json task = SmallTask();
  task["spec"]["retention"] = {{"pods", "0s"}, {"task", "1s"}};
  task["spec"]["suspend"] = true;
  FakeCluster cluster(task);
  ASSERT_TRUE(cluster.RunUntilQuiet(FailOne));
  cluster.clock.Advance(24h);
  ASSERT_TRUE(cluster.RunUntilQuiet(FailOne));
  EXPECT_EQ(cluster.task_deletes, 0);
}

TEST_F(RetentionTest, AnEditedTaskIsNotFinishedAndItsTimeBeginsAnew) {
  FakeCluster& cluster = Finished({{"task", "1h"}});
  cluster.clock.Advance(2h);
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["presets"] = {"default"}; });
  EXPECT_TRUE(cluster.RunUntilQuiet(FailOne));
  EXPECT_EQ(cluster.task_deletes, 0);
  cluster.clock.Advance(1h);
  EXPECT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.task_deletes, 1);
}

TEST_F(RetentionTest, TheTasksOwnTimeTakesThePlaceOfTheOperators) {
  FakeCluster& cluster = Finished({{"task", "2h"}});
  cluster.settings.retention = {10min, 1h};
  Later(1h);
  EXPECT_TRUE(cluster.pods.empty()) << "the operator's, for what the task says nothing of";
  EXPECT_EQ(cluster.task_deletes, 0);
  cluster.clock.Advance(1h);
  EXPECT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.task_deletes, 1);
}

TEST_F(RetentionTest, ARefusedDeletionIsToldAndTriedAgain) {
  FakeCluster& cluster = Finished({{"task", "1h"}});
  cluster.clock.Advance(1h);
  cluster.refuse_deletes = base::Error{base::Code::kRetry, "autotunetasks is forbidden", std::nullopt, 403};
  EXPECT_FALSE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.events.back().reason, "TaskNotDeleted");
  EXPECT_THAT(cluster.events.back().note, HasSubstr("is forbidden"));
  cluster.refuse_deletes.reset();
  EXPECT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.task_deletes, 1);
}

}  // namespace
}  // namespace autotune::reconcile
