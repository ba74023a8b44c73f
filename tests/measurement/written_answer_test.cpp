#include "measurement/written_answer.h"

#include <gmock/gmock.h>

namespace autotune::measurement {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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
      {"10/2 = 5", 5},
  };
  for (const auto& number : kNumbers) {
    const auto read = LastNumber(number.text);
    ASSERT_TRUE(read) << number.text;
    EXPECT_DOUBLE_EQ(*read, number.value) << number.text;
  }
  for (const char* text : {"", "none", "2\\pi", "\\frac{\\pi}{2}", "3\\sqrt{2}", "3\u221A2", "1/0", "2^n"}) {
    EXPECT_EQ(LastNumber(text), std::nullopt) << text;
  }
}

TEST(OneNumber, IsTheWholeText) {
  for (const char* text : {"42",        "42.", "-2.5", "- 1",       "\u22121", "1 000",       "1,234", "1{,}234",
                           "1,000.5",   "$12", "$ 12", "12 \u20AC", "\u00A35", "12%",         "12 %",  "45\u00B0",
                           "90^\\circ", ".5",  "1e5",  "3/4",       "2 1/2",   "\\frac{1}{3}"}) {
    EXPECT_TRUE(OneNumber(text)) << text;
  }
  for (const char* text : {"", "$", "1,2", "1,23", "1, 2", "1,00,000", "2,4,3", "12 cm", "1:9", "2020-05-04",
                           "3 apples", "1 2", "x", "5/6/2020", "\\pi", "2\\pi", "1/0", "2^n", "4\u00D73"}) {
    EXPECT_EQ(OneNumber(text), std::nullopt) << text;
  }
}

TEST(WithoutTex, LeavesWhatIsSaid) {
  const struct {
    const char* text;
    const char* bare;
  } kTexts[] = {
      {"$12$", "12"},
      {"$12", "$12"},
      {"$$ 12 $$", "12"},
      {"\\(12\\)", "12"},
      {"\\boxed{12}", "12"},
      {"$\\boxed{\\text{Ann}}$", "Ann"},
      {"\\text{(C)}", "(C)"},
      {"12 \\mathrm{~cm}^2", "12"},
      {"12\\,\\text{kg}\\,\\text{m}^{-2}", "12\\,"},
      {"12 \\text{ or } 13", "12 \\text{ or } 13"},
      {"x = 12", "12"},
      {"$x=\\frac{1}{2}$", "\\frac{1}{2}"},
      {"y = 2x", "y = 2x"},
      {"$5$;$10$", "$5$;$10$"},
      {"\\frac{1}{2}", "\\frac{1}{2}"},
      {"Ann", "Ann"},
  };
  for (const auto& text : kTexts) EXPECT_EQ(WithoutTex(text.text), text.bare);
}

TEST(Boxed, IsTheResultOfASolution) {
  EXPECT_EQ(Boxed("So it is $\\boxed{\\frac{1}{2}}$."), "\\frac{1}{2}");
  EXPECT_EQ(Boxed("$\\boxed{3}$, that is \\boxed {3}"), "3");
  for (const char* text : {"", "\\boxed{3} and \\boxed{4}", "\\boxed{3", "\\boxed 3", "\\boxed{}"}) {
    EXPECT_EQ(Boxed(text), std::nullopt) << text;
  }
}

TEST(HasFormula, IsNoText) {
  for (const char* text : {"4\\pi", "x^2+7x", "p - q", "(3,4]", "3<m<4", "2\u221A3", "\u03C0", "x \u2264 3", "\u00B12",
                           "m\u00B2", "10-4 n", "292i", "-i", "a-b", "x-4", "n(n-1)", "MR=SRMC", "22.1cm^{2}"}) {
    EXPECT_TRUE(HasFormula(text)) << text;
  }
  for (const char* text : {"Ann", "Lima", "\u00e9t\u00e9", "\u5317\u4eac", "25 \u00B0C", "1:9", "11 p.m.", "B12", "3D",
                           "A-B", "AC/DC", "-1", "km\u00B2"}) {
    EXPECT_FALSE(HasFormula(text)) << text;
  }
}

TEST(ListedIn, FindsNumbersOrLabels) {
  EXPECT_THAT(ListedIn("2,4,3"), ElementsAre("2", "4", "3"));
  EXPECT_THAT(ListedIn("[1, 3]"), ElementsAre("1", "3"));
  EXPECT_THAT(ListedIn("(3, -4)"), ElementsAre("3", "-4"));
  EXPECT_THAT(ListedIn("$5$;$10$"), ElementsAre("5", "10"));
  EXPECT_THAT(ListedIn("1 and 3"), ElementsAre("1", "3"));
  EXPECT_THAT(ListedIn("1,5"), ElementsAre("1", "5")) << "or a decimal comma";
  EXPECT_THAT(ListedIn("\\frac{1}{2}, 3"), ElementsAre("\\frac{1}{2}", "3"));
  EXPECT_THAT(ListedIn("A, C"), ElementsAre("A", "C"));
  EXPECT_THAT(ListedIn("['A', 'C']"), ElementsAre("A", "C"));
  EXPECT_THAT(ListedIn("(1)(3)"), ElementsAre("(1)", "(3)"));
  EXPECT_THAT(ListedIn("(A), (B), and (D)"), ElementsAre("(A)", "(B)", "(D)"));
  EXPECT_THAT(ListedIn("A\u3001C"), ElementsAre("A", "C"));
  EXPECT_THAT(ListedIn("I, II and IV"), ElementsAre("I", "II", "IV"));
  for (const char* text : {"", "A", "42", "Paris, France", "Washington, D.C.", "May 4, 2020", "red and blue", "R&B",
                           "3 apples, 4 pears", "AC", "1:9"}) {
    EXPECT_THAT(ListedIn(text), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace autotune::measurement
