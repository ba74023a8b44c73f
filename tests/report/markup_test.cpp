#include "report/markup.h"

#include <gtest/gtest.h>

namespace autotune::report {
namespace {

TEST(Markup, EscapesTextAndAttributeValues) {
  EXPECT_EQ(Text("<b a='1'>\"&").str(), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;");
  EXPECT_EQ(Element("p", {{"title", "\"><script>"}}, "x").str(), "<p title=\"&quot;&gt;&lt;script&gt;\">x</p>");
}

TEST(Markup, LeavesOutEmptyAttributesAndEndTagsOfVoidElements) {
  EXPECT_EQ(Element("td", {{"class", ""}}, "x").str(), "<td>x</td>");
  EXPECT_EQ(Element("meta", {{"charset", "utf-8"}}, Markup()).str(), "<meta charset=\"utf-8\">");
}

TEST(Markup, ReplacesWhatIsNoText) {
  EXPECT_EQ(Text("a\x01z\xff\xc3\xa9\xc3").str(), "a\uFFFDz\uFFFD\u00e9\uFFFD");
  EXPECT_EQ(Text("\xed\xa0\x80").str(), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
}

TEST(Number, IsShortAndFinite) {
  EXPECT_EQ(Number(1), "1");
  EXPECT_EQ(Number(1.256), "1.26");
  EXPECT_EQ(Number(-0.001), "0");
  EXPECT_EQ(Number(1.0 / 0.0), "0");
}

}  // namespace
}  // namespace autotune::report
