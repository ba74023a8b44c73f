#include "measurement/written_date.h"

#include <gtest/gtest.h>

#include <string>

namespace autotune::measurement {
namespace {

std::string Read(const char* text) {
  const auto date = OneDate(text);
  if (!date) return "none";
  return std::to_string(date->year) + "-" + std::to_string(date->month) + "-" + std::to_string(date->day);
}

TEST(WrittenDate, ReadsTheFormsOfDates) {
  const struct {
    const char* text;
    const char* date;
  } kRows[] = {
      {"5 May 2010", "2010-5-5"},
      {"May 5, 2010", "2010-5-5"},
      {"May 5th, 2010.", "2010-5-5"},
      {"the 5th of May 2010", "2010-5-5"},
      {"Monday, 3 March 1999", "1999-3-3"},
      {"Sept. 9 1999", "1999-9-9"},
      {"June 2001", "2001-6-0"},
      {"June, 2001", "2001-6-0"},
      {"5 May", "0-5-5"},
      {"3. Oktober 1990", "1990-10-3"},
      {"1er ao\u00fbt 1291", "1291-8-1"},
      {"9 de julio de 1816", "1816-7-9"},
      {"2012-04-05", "2012-4-5"},
      {"2012/04/05", "2012-4-5"},
      {"5.4.2012", "2012-4-5"},
      {"25/12/2010", "2010-12-25"},
      {"12/25/2010", "2010-12-25"},
      {"2010\u5e745\u67086\u65e5", "2010-5-6"},
      {"5\u67086\u65e5", "0-5-6"},
      {"2010\ub144 5\uc6d4 6\uc77c", "2010-5-6"},
      // Nothing tells which is the month.
      {"5/6/2010", "none"},
      {"May", "none"},
      {"2010", "none"},
      {"5 apples", "none"},
      {"45 May 2010", "none"},
      {"13.13.2010", "none"},
      {"5 May 2010 and 6 May 2010", "none"},
      {"v1.2.2010 of it", "none"},
      {"", "none"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Read(row.text), row.date) << row.text;
}

TEST(WrittenDate, IsFoundInAnyOrder) {
  const WrittenDate day = *OneDate("5 May 2010");
  EXPECT_TRUE(HasDate("She was born on May 5, 2010, in Bern.", day));
  EXPECT_TRUE(HasDate("Born 2010-05-05.", day));
  EXPECT_TRUE(HasDate("Not 4 May 2010 but May 5 2010", day));
  EXPECT_FALSE(HasDate("She was born in May 2010.", day)) << "it says less";
  EXPECT_FALSE(HasDate("May 6, 2010", day));
  EXPECT_FALSE(HasDate("May 5, 2011", day));
  EXPECT_FALSE(HasDate("She may have 5 cows since 2010.", day));
  EXPECT_TRUE(HasDate("5 May 2010", *OneDate("May 2010"))) << "it says more";
  EXPECT_TRUE(HasDate("On 5 May 2010.", *OneDate("May 5")));
}

}  // namespace
}  // namespace autotune::measurement
