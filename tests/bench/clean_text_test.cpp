#include "bench/clean_text.h"

#include <gtest/gtest.h>

#include <random>

namespace autotune::bench {
namespace {

TEST(CleanText, KeepsWhatPeopleReadAndDropsTheRest) {
  const struct {
    std::string_view text, expected;
  } kCases[] = {
      {"plain", "plain"},
      {"  both ends \r\n", "both ends"},
      {"a\tb\r\nc", "a b c"},
      {"\x1b[0;36m(EngineCore pid=7)\x1b[0;0m red", "(EngineCore pid=7) red"},
      {"\x1b]0;title\a text", "text"},
      {"Größe 数 😀", "Größe 数 😀"},
      {"broken \xff byte", "broken \xEF\xBF\xBD byte"},
      {"overlong \xc0\xaf", "overlong \xEF\xBF\xBD\xEF\xBF\xBD"},
      {"surrogate \xed\xa0\x80", "surrogate \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"next line \xc2\x85 control", "next line  control"},
      {std::string_view("nul\0byte", 8), "nul byte"},
      {"cut \xe6\x95", "cut \xEF\xBF\xBD\xEF\xBF\xBD"},
      {"", ""},
  };
  for (const auto& row : kCases) EXPECT_EQ(CleanText(row.text, 200), row.expected);
}

TEST(CleanText, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ(CleanText("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(CleanText("abcdefghi", 8), "abcde…");
  EXPECT_EQ(CleanText("数数数数", 10), "数数…");  // 3 bytes each: a third one would leave no room for the mark
}

// Applied twice it changes nothing: the property that makes every later stage (launcher, bench, operator) agree.
TEST(CleanText, IsIdempotentOnArbitraryBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::size_t max = 3 + random() % 50;
    const std::string once = CleanText(bytes, max);
    ASSERT_LE(once.size(), max);
    ASSERT_EQ(CleanText(once, max), once);
  }
}

}  // namespace
}  // namespace autotune::bench
