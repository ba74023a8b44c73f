#include "measurement/written_answer.h"

#include <gmock/gmock.h>

namespace autotune::measurement {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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
  for (const char* text : {"4\\pi",     "x^2+7x",      "p - q",    "(3,4]",    "3<m<4",          "2\u221A3",
                           "\u03C0",    "x \u2264 3",  "\u00B12",  "m\u00B2",  "10-4 n",         "292i",
                           "-i",        "a-b",         "x-4",      "n(n-1)",   "MR=SRMC",        "22.1cm^{2}",
                           "2RC+R+C",   "R + C + 2RC", "2RC(R+1)", "-2ab + c", "2ab - c",        "np.arcsin(10/13)",
                           "5*sqrt(3)", "sin 30",      "2pi",      "pi/4",     "x**2",           "20!",
                           "n/2",       "2/n",         "|x|",      "3/4/5x",   "center $(1,2)$", "$2$ cans"}) {
    EXPECT_TRUE(HasFormula(text)) << text;
  }
  for (const char* text : {"Ann",
                           "Lima",
                           "\u00e9t\u00e9",
                           "\u5317\u4eac",
                           "25 \u00B0C",
                           "1:9",
                           "11 p.m.",
                           "B12",
                           "3D",
                           "A-B",
                           "AC/DC",
                           "-1",
                           "km\u00B2",
                           "3/4/2021",
                           "A+",
                           "C++",
                           "salt + water",
                           "vitamin B + C",
                           "Na+Cl",
                           "mid-1990s",
                           "km/h",
                           "F-16",
                           "x-ray",
                           "pi",
                           "No!",
                           "$5 to $10",
                           "$5-$10",
                           "the original sin (2001)",
                           "log cabin",
                           "24 kg"}) {
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
  EXPECT_THAT(ListedIn("1\uFF0C2"), ElementsAre("1", "2"));
  EXPECT_THAT(ListedIn("\u2460\u2462"), ElementsAre("\u2460", "\u2462"));
  EXPECT_THAT(ListedIn("\u5317\u4eac\u3001\u4e0a\u6d77"), ElementsAre("\u5317\u4eac", "\u4e0a\u6d77"));
  EXPECT_THAT(ListedIn("\u957f\u6c5f\uFF0C\u9ec4\u6cb3"), ElementsAre("\u957f\u6c5f", "\u9ec4\u6cb3"));
  EXPECT_THAT(ListedIn("\u585e\u7fc1\u5931\u9a6c\uFF0C\u7109\u77e5\u975e\u798f"), IsEmpty()) << "a saying";
  EXPECT_THAT(ListedIn("\u5f31\u304f\u306a\u308a\u3001\u5317\u4e0a"), IsEmpty()) << "a clause in Japanese";
  EXPECT_THAT(ListedIn("I, II and IV"), ElementsAre("I", "II", "IV"));
  for (const char* text : {"", "A", "42", "Paris, France", "Washington, D.C.", "May 4, 2020", "red and blue", "R&B",
                           "3 apples, 4 pears", "AC", "1:9"}) {
    EXPECT_THAT(ListedIn(text), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace autotune::measurement
