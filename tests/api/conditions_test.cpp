#include "operator/api/conditions.h"

#include <gtest/gtest.h>

namespace autotune::api {
namespace {

constexpr const char* kNoon = "2026-11-22T12:00:00Z";
constexpr const char* kOne = "2026-11-22T13:00:00Z";

TEST(Conditions, TheTransitionTimeChangesOnlyWhenTheStatusFlips) {
  std::vector<Condition> conditions;
  SetCondition(conditions, {"Ready", "Unknown", "Accepted", "waiting", 1, ""}, kNoon);
  SetCondition(conditions, {"Ready", "Unknown", "Progressing", "1/4", 1, ""}, kOne);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].reason, "Progressing");
  EXPECT_EQ(conditions[0].last_transition_time, kNoon);

  SetCondition(conditions, {"Ready", "True", "Succeeded", "done", 1, ""}, kOne);
  EXPECT_EQ(conditions[0].last_transition_time, kOne);
}

TEST(Conditions, RemovingOneKeepsTheOthers) {
  std::vector<Condition> conditions;
  SetCondition(conditions, {"Ready", "Unknown", "Accepted", "", 1, ""}, kNoon);
  SetCondition(conditions, {"Reconciling", "True", "Accepted", "", 1, ""}, kNoon);
  RemoveCondition(conditions, "Reconciling");
  EXPECT_EQ(FindCondition(conditions, "Reconciling"), nullptr);
  ASSERT_NE(FindCondition(conditions, "Ready"), nullptr);
  RemoveCondition(conditions, "Stalled");
  EXPECT_EQ(conditions.size(), 1U);
}

}  // namespace
}  // namespace autotune::api
