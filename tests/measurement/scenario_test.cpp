#include "measurement/scenario.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace autotune::measurement {
namespace {

using ::testing::HasSubstr;

TEST(Scenario, ReadsFixedLengths) {
  const auto scenario = Scenario::Parse("D(512,128)");
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  EXPECT_EQ(*scenario, Scenario::Fixed(512, 128));
  EXPECT_EQ(scenario->ToString(), "D(512,128)");
}

TEST(Scenario, ReadsDistributions) {
  for (const char* text : {"N(480,240)/(300,150)", "N(480,0)/(300,0)", "U(100,500)/(50,50)", "E(512)/(128)"}) {
    const auto scenario = Scenario::Parse(text);
    ASSERT_TRUE(scenario.ok()) << scenario.error().message;
    EXPECT_EQ(scenario->ToString(), text);
  }
  const auto normal = Scenario::Parse("N(480,240)/(300,150)");
  EXPECT_EQ(normal->input, (Lengths{Lengths::Kind::kNormal, 480, 240}));
  EXPECT_EQ(normal->output, (Lengths{Lengths::Kind::kNormal, 300, 150}));
}

TEST(Scenario, RefusesEverythingElseByName) {
  for (const char* text : {"",
                           "D",
                           "D()",
                           "D(512)",
                           "D(512,)",
                           "D(,128)",
                           "D(0,128)",
                           "D(512,0)",
                           "D(-1,128)",
                           "D(512, 128)",
                           "D(512,128) ",
                           "D(512,128,3)",
                           "D(99999999999,1)",
                           "d(512,128)",
                           "D(5.5,1)",
                           "D(512)/(128)",
                           "N(480,240)",
                           "N(480)/(300)",
                           "N(480,-1)/(300,150)",
                           "N(480,240)/(300,150)x",
                           "U(500,100)/(1,2)",
                           "U(0,5)/(1,2)",
                           "E(512,1)/(128,1)",
                           "E(512)",
                           "X(1)/(1)"}) {
    const auto scenario = Scenario::Parse(text);
    ASSERT_FALSE(scenario.ok()) << text;
    EXPECT_EQ(scenario.error().code, base::Code::kInvalid);
    EXPECT_THAT(scenario.error().message, HasSubstr(std::string("\"") + text + "\" is not a scenario"));
  }
}

TEST(Lengths, DrawWhatTheySay) {
  constexpr int kDraws = 20000;
  for (const char* text : {"D(512,1)", "N(480,240)/(30,150)", "U(100,500)/(1,3)", "E(512)/(3)"}) {
    const Scenario scenario = *Scenario::Parse(text);
    for (const Lengths& lengths : {scenario.input, scenario.output}) {
      KeyedRandom random(7, 1);
      double sum = 0, squares = 0;
      int lowest = 1 << 30, highest = 0;
      for (int i = 0; i < kDraws; ++i) {
        const int length = lengths.Draw(random);
        sum += length;
        squares += static_cast<double>(length) * length;
        lowest = std::min(lowest, length);
        highest = std::max(highest, length);
      }
      const double mean = sum / kDraws;
      const double error = std::sqrt(std::max(squares / kDraws - mean * mean, 0.0) / kDraws);
      // Half a token for rounding near 1, where it is not even.
      EXPECT_NEAR(mean, lengths.Mean(), 4 * error + 0.1) << text;
      EXPECT_GE(lowest, 1) << text;
      EXPECT_LE(highest, lengths.Max()) << text;
    }
  }
}

TEST(Lengths, CutTheirTails) {
  EXPECT_EQ((Lengths{Lengths::Kind::kNormal, 480, 240}.Max()), 1440);
  EXPECT_EQ((Lengths{Lengths::Kind::kExponential, 512, 0}.Max()), 2560);
  EXPECT_EQ((Lengths{Lengths::Kind::kUniform, 100, 500}.Max()), 500);
}

}  // namespace
}  // namespace autotune::measurement
