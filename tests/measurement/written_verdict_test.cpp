#include "measurement/written_verdict.h"

#include <gmock/gmock.h>

namespace autotune::measurement {
namespace {

using testing::Contains;
using testing::IsEmpty;

TEST(VerdictIn, KnowsYesAndNoOfManyLanguages) {
  const struct {
    const char* text;
    const char* no;
    const char* yes;
    bool is_yes;
  } kCases[] = {
      {"yes", "no", "yes", true},         {"No.", "No", "Yes", false},
      {"True", "False", "True", true},    {"Ja", "Nein", "Ja", true},
      {"nein", "nein", "ja", false},      {"Oui", "Non", "Oui", true},
      {"S\u00ed", "No", "S\u00ed", true}, {"n\u00e3o", "n\u00e3o", "sim", false},
      {"はい。", "いいえ", "はい", true}, {"예", "아니요", "예", true},
      {"Да", "Нет", "Да", true},          {"لا", "لا", "نعم", false},
      {"否", "否", "是", false},          {"नहीं", "नहीं", "हाँ", false},
  };
  for (const auto& row : kCases) {
    const auto verdict = VerdictIn(row.text);
    ASSERT_TRUE(verdict) << row.text;
    EXPECT_EQ(verdict->no, row.no) << row.text;
    EXPECT_EQ(verdict->yes, row.yes) << row.text;
    EXPECT_EQ(verdict->is_yes, row.is_yes) << row.text;
  }
  for (const char* text : {"", ".", "none", "Jan", "no one", "はいく", "oui-dire"})
    EXPECT_FALSE(VerdictIn(text)) << text;
}

TEST(OppositesOf, HasThoseOfAllLanguages) {
  EXPECT_THAT(OppositesOf("Ja"), testing::ElementsAre("Nein", "Nee", "Nej", "Nei"));
  EXPECT_THAT(OppositesOf("no"), Contains("s\u00ed"));
  EXPECT_THAT(OppositesOf("Ann"), IsEmpty());
}

TEST(ExplainedVerdict, NeedsMoreThanTheVerdict) {
  const struct {
    const char* text;
    const char* verdict;
  } kCases[] = {
      {"yes, it is", "yes"},
      {"No. It fell", "No"},
      {"True: both are", "True"},
      {"No; 3 were", "No"},
      {"Yes - it is", "Yes"},
      {"No, 16% were", "No"},
      {"Ja, weil es fiel", "Ja"},
      {"Nein. Es fiel im Jahr davor", "Nein"},
      {"Oui, car il est tomb\u00e9", "Oui"},
      {"S\u00ed, porque cay\u00f3", "S\u00ed"},
      {"No, porque subi\u00f3", "No"},
      {"はい、減りました", "はい"},
      {"いいえ。増えました", "いいえ"},
      {"네, 줄었습니다", "네"},
      {"Да, потому что", "Да"},
      {"Нет. Она выросла", "Нет"},
      {"نعم، لأنه", "نعم"},
      {"是，因为下降了", "是"},
  };
  for (const auto& row : kCases) EXPECT_EQ(ExplainedVerdict(row.text), row.verdict) << row.text;
  for (const char* text : {"yes", "No.", "No. 10", "Yesterday, it was", "No, No, Nanette", "no one came",
                           "None, it was", "Yes, Minister", "Januar", "はい。", "是非", ""})
    EXPECT_EQ(ExplainedVerdict(text), "") << text;
}

TEST(WrittenVerdict, AsksInTheLanguageOfTheQuestion) {
  const struct {
    const char* asked;
    const char* language;
    const char* yes;
  } kRows[] = {
      {"is ice cold", "", "yes"},
      {"Ist Eis kalt?", "", "ja"},
      {"Est-ce que la glace est froide ?", "", "oui"},
      {"\u00bfEs el hielo fr\u00edo?", "", "s\u00ed"},
      {"Czy l\u00f3d jest zimny?", "", "tak"},
      {"Лёд холодный?", "", "да"},
      {"Чи є лід холодним?", "", "так"},
      {"氷は冷たいですか？", "", "はい"},
      {"冰是冷的吗？", "", "是"},
      {"얼음은 차가운가?", "", "예"},
      {"هل الجليد بارد؟", "", "نعم"},
      {"آیا یخ سرد است؟", "", "بله"},
      {"Is the Chinese word 冰 for ice?", "", "yes"},
      {"Ice?", "", "yes"},
      {"Ice?", "de", "ja"},
      {"Ice?", "pt-BR", "sim"},
      {"Ice?", "German", "ja"},
      {"Ice?", "xx", "yes"},
  };
  for (const auto& row : kRows) EXPECT_EQ(VerdictOf(true, row.asked, row.language).yes, row.yes) << row.asked;
  EXPECT_EQ(VerdictOf(false, "Ist Eis kalt?", "").no, "nein");
}

}  // namespace
}  // namespace autotune::measurement
