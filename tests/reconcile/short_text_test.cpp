#include "operator/reconcile/short_text.h"

#include <gtest/gtest.h>

namespace autotune::reconcile {
namespace {

TEST(Short, KeepsATextThatFits) {
  EXPECT_EQ(Short("", 0), "");
  EXPECT_EQ(Short("abcd", 4), "abcd");
  EXPECT_EQ(Short("ab", 2), "ab");
}

TEST(Short, ReplacesTheEnd) {
  EXPECT_EQ(Short("abcdef", 5), "ab...");
  EXPECT_EQ(Short("abcdef", 3), "...");
}

TEST(Short, HasNoEllipsisWithoutRoomForIt) {
  EXPECT_EQ(Short("abcdef", 2), "ab");
  EXPECT_EQ(Short("abcdef", 0), "");
}

TEST(Short, NeverCutsACharacter) {
  EXPECT_EQ(Short("a\u00e9cdef", 5), "a...");
  EXPECT_EQ(Short("\u00e9\u00e9\u00e9", 1), "");
  EXPECT_EQ(Short("\u00e9\u00e9\u00e9", 2), "\u00e9");
}

}  // namespace
}  // namespace autotune::reconcile
