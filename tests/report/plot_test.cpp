#include "report/plot.h"

#include <gmock/gmock.h>

#include <cmath>

#include "report/strip.h"

namespace autotune::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Plot OneSeries(std::vector<PlotPoint> points) {
  Plot plot;
  plot.x_text = plot.y_text = [](double value) { return std::to_string(static_cast<int>(value)); };
  plot.series = {{"a", 0, PlotSeries::Line::kStraight, std::move(points)}};
  return plot;
}

TEST(RoundTicks, CoverTheRangeWithRoundValues) {
  EXPECT_THAT(RoundTicks(0, 97, 5), ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(RoundTicks(0, 5, 5), ElementsAre(0, 1, 2, 3, 4, 5));
  for (const double high : {1e-6, 0.3, 7.0, 99.9, 1234.0, 5e9}) {
    const auto ticks = RoundTicks(0, high, 5);
    EXPECT_GE(ticks.back(), high * (1 - 1e-9)) << high;
    EXPECT_LE(ticks.size(), 7U) << high;
    EXPECT_EQ(ticks.front(), 0) << high;
  }
}

TEST(LogTicks, AreWithinTheRange) {
  EXPECT_THAT(LogTicks(9, 110, 7), ElementsAre(10, 20, 50, 100));
  for (const double high : {1.3, 20.0, 1e6}) {
    for (const double tick : LogTicks(1.1, high, 7)) {
      EXPECT_GE(tick, 1.1);
      EXPECT_LE(tick, high);
    }
  }
}

TEST(Draw, PutsEveryMarkInsideThePicture) {
  Plot plot = OneSeries({{1, 10, 5, 50, false, "low"}, {1000, 2e6, 5e3, 1e9, true, "high"}});
  plot.rules = {{500, "SLO"}};
  for (const bool log : {false, true}) {
    plot.y_log = log;
    const std::string svg = Draw(plot).str();
    EXPECT_THAT(svg, HasSubstr("<title>low</title>"));
    EXPECT_THAT(svg, HasSubstr(">SLO</text>"));
    EXPECT_THAT(svg, Not(HasSubstr("=\"-")));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, HasSubstr("hollow"));
  }
}

TEST(Draw, LeavesOutWhatIsNoNumber) {
  EXPECT_TRUE(Draw(OneSeries({})).empty());
  EXPECT_TRUE(Draw(OneSeries({{NAN, NAN, 0, 0, false, ""}})).empty());
  const std::string svg = Draw(OneSeries({{1, 2, 0, 0, false, "kept"}, {2, HUGE_VAL, 0, 0, false, "gone"}})).str();
  EXPECT_THAT(svg, HasSubstr("kept"));
  EXPECT_THAT(svg, Not(HasSubstr("gone")));
}

TEST(Strip, CutsItsPartsToTheScale) {
  const std::string svg =
      Strip({{StripPart::Kind::kBar, -5, 50, "bar"}, {StripPart::Kind::kTick, 99, 0, ""}}, 0, 10, "x").str();
  EXPECT_THAT(svg, HasSubstr("x=\"0\" y=\"4\" width=\"1000\""));
  EXPECT_THAT(svg, HasSubstr("x1=\"1000\""));
}

}  // namespace
}  // namespace autotune::report
