#include "measurement/written_number.h"

#include <gmock/gmock.h>

namespace autotune::measurement {
namespace {

TEST(LastNumber, IsWrittenInManyWays) {
  const struct {
    const char* text;
    double value;
  } kNumbers[] = {
      {"so $1,234.50!", 1234.5},
      {"it is -7.", -7},
      {"10-7", 7},  // a minus behind a number is none of its sign
      {"3 - 5", 5},
      {"1, 2", 2},
      {"1,2", 2},
      {"- 1", -1},
      {"x = - 1", -1},
      {"it is\n- 1", 1},  // an item of a list
      {"x = \u22125", -5},
      {"\uFF0D\uFF11\uFF12", -12},
      {"-$5", -5},
      {"about 1 000 of them", 1000},
      {"1\u202F234\u202F567", 1234567},
      {"in 1990 200 came", 200},
      {"1.234.567", 1234567},
      {"12,34,567", 1234567},
      {"1,000.5", 1000.5},
      {"1\\,000", 1000},
      {"1,\\!000", 1000},
      {"it is .5", 0.5},
      {"12 %", 12},
      {"1.5e-3", 0.0015},
      {"3.2 \\times 10^{5}", 320000},
      {"3.2 \u00D7 10\u2075", 320000},
      {"2 x 10^-3 m", 0.002},
      {"2^{10}", 1024},
      {"36 cm^2", 36},
      {"36 cm\u00B2", 36},
      {"log_2 of x_1 is 7, so x_1", 7},
      {"3/4", 0.75},
      {"\\boxed{-\\frac{3}{4}}.", -0.75},
      {"\\dfrac12", 0.5},
      {"2 1/2 hours", 2.5},
      {"2\u00BD", 2.5},
      {"2\\frac{1}{4}", 2.25},
      {"on 12/25/2020", 2020},
      {"on 3/4/21", 21},
      {"1\u20442", 0.5},
      {"3 / 4", 0.75},
      {"1(5/6)", 11.0 / 6},
      {"(3/5)", 0.6},
      {"10/2 = 5", 5},
  };
  for (const auto& number : kNumbers) {
    const auto read = LastNumber(number.text);
    ASSERT_TRUE(read) << number.text;
    EXPECT_DOUBLE_EQ(read->value, number.value) << number.text;
  }
  for (const char* text : {"", "none", "2\\pi", "\\frac{\\pi}{2}", "3\\sqrt{2}", "3\u221A2", "1/0", "2^n"}) {
    EXPECT_FALSE(LastNumber(text)) << text;
  }
}

TEST(LastNumber, KnowsPercentages) {
  for (const char* text : {"20%", "20 %", "20\\%", "$20\\%$", "$20$%", "20 percent of it", "\uFF12\uFF10\uFF05"}) {
    EXPECT_TRUE(LastNumber(text)->percent) << text;
  }
  for (const char* text : {"20", "20% of 30", "20 apples, % unknown"}) EXPECT_FALSE(LastNumber(text)->percent) << text;
}

TEST(ArithmeticValue, IsOfWhatCanBeNothingElse) {
  const struct {
    const char* text;
    double value;
  } kTexts[] = {{"-1./3", -1.0 / 3}, {"(3/5)", 0.6},     {"1(5/6)", 11.0 / 6},       {"(2/3)/(4/5)", 5.0 / 6},
                {"5+5", 10},         {"3*4-1", 11},      {"(7-1)/4", 1.5},           {"-1./(4)", -0.25},
                {"1-(1/4)", 0.75},   {"8\u00D73+1", 25}, {"( 1 * 2 + 1 / 2 )", 2.5}, {"120/(1+20%)", 100},
                {"7\u00F7(2)", 3.5}, {"(2+3)*(4-1)", 15}};
  for (const auto& text : kTexts) {
    const auto value = ArithmeticValue(text.text);
    ASSERT_TRUE(value) << text.text;
    EXPECT_DOUBLE_EQ(*value, text.value) << text.text;
  }
  for (const char* text :
       {"",       "5",     "(5)",    "3-2", "10-20",    "3/4/2021", "(555)-1234",           "1/3-1/4",
        "2(3+4)", "(1/0)", "3+",     "4x3", "8\u00D73", "3*2",      "12\\times18\\times11", "5+n",
        "1+1=2",  "(3,4)", "((1/2)", "5++"}) {
    EXPECT_FALSE(ArithmeticValue(text)) << text;
  }
  EXPECT_EQ(ArithmeticValue("100-15", true), 85);
  EXPECT_EQ(ArithmeticValue("12/3/2", true), 2);
  EXPECT_FALSE(ArithmeticValue("x", true));
  EXPECT_FALSE(ArithmeticValue(std::string(5000, '('), true));
}

TEST(IsDate, HasThreeParts) {
  EXPECT_TRUE(IsDate("3/4/2021"));
  EXPECT_TRUE(IsDate("2021/3/4"));
  for (const char* text : {"3/4", "3//4", "/3/4", "3/4/x", ""}) EXPECT_FALSE(IsDate(text)) << text;
}

TEST(EndOfBraces, IsBehindTheirEnd) {
  EXPECT_EQ(EndOfBraces("{a{b}c}d", 0), 7U);
  EXPECT_EQ(EndOfBraces("{a{b}", 0), std::string_view::npos);
}

TEST(OneNumber, IsTheWholeText) {
  for (const char* text : {"42",        "42.", "-2.5", "- 1",       "\u22121", "1 000",       "1,234", "1{,}234",
                           "1,000.5",   "$12", "$ 12", "12 \u20AC", "\u00A35", "12%",         "12 %",  "45\u00B0",
                           "90^\\circ", ".5",  "1e5",  "3/4",       "2 1/2",   "\\frac{1}{3}"}) {
    EXPECT_TRUE(OneNumber(text)) << text;
  }
  EXPECT_EQ(OneNumber("20 \\%"), "20%");
  for (const char* text : {"", "$", "1,2", "1,23", "1, 2", "1,00,000", "2,4,3", "12 cm", "1:9", "2020-05-04",
                           "3 apples", "1 2", "x", "5/6/2020", "\\pi", "2\\pi", "1/0", "2^n", "4\u00D73"}) {
    EXPECT_EQ(OneNumber(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace autotune::measurement
