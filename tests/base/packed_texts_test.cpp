#include "base/packed_texts.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(PackedTexts, GivesBackEachText) {
  const std::string with_nul("a\0b", 3);
  const PackedTexts<5> packed({"", "name", with_nul, "", std::string(300, 'x')});
  EXPECT_EQ(packed[0], "");
  EXPECT_EQ(packed[1], "name");
  EXPECT_EQ(packed[2], with_nul);
  EXPECT_EQ(packed[3], "");
  EXPECT_EQ(packed[4], std::string(300, 'x'));
  EXPECT_EQ(PackedTexts<2>()[1], "");
}

}  // namespace
}  // namespace base
