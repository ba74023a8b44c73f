#include "base/ascii_case.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(AsciiCase, ChangesLettersOnly) {
  EXPECT_EQ(AsciiLower("AZaz09@[`{_-"), "azaz09@[`{_-");
  EXPECT_EQ(AsciiUpper("AZaz09@[`{_-"), "AZAZ09@[`{_-");
  EXPECT_EQ(AsciiLower(""), "");
}

TEST(AsciiCase, LeavesTheBytesOfOtherLettersAlone) {
  EXPECT_EQ(AsciiLower("\xC3\x84RGER"), "\xC3\x84rger");
  EXPECT_EQ(AsciiUpper("\xC3\xA4rger"), "\xC3\xA4RGER");
}

TEST(AsciiCase, EqualTextsDifferInCaseOnly) {
  EXPECT_TRUE(EqualIgnoringCase("Retry-After", "retry-aFTER"));
  EXPECT_FALSE(EqualIgnoringCase("Retry-After", "Retry-Afte"));
  EXPECT_FALSE(EqualIgnoringCase("a@", "a`")) << "not letters, though they differ in the same bit";
}

}  // namespace
}  // namespace base
