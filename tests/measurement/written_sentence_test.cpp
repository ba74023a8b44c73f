#include "measurement/written_sentence.h"

#include <gmock/gmock.h>

#include <string>

namespace autotune::measurement {
namespace {

TEST(IsSentence, KnowsClausesAndLongPhrases) {
  for (const char* text : {
           "Yes. It decreased",
           "No, there was one customer",
           "Sales grew because costs fell",
           "The quick ratio was 0.96",
           "It decreased by 3",
           "They are the same",
           "Acme's EBITDA was $2,018mn in FY 2023",
           "Online subscription revenue from higher average prices of all paying members in Europe",
           "It was Ann who came home late.",
           "Sales rose in Europe.",
           "\u6536\u5165\u5728\u53bb\u5e74\u4e0b\u964d\u4e86\u3002",
       }) {
    EXPECT_TRUE(IsSentence(text)) << text;
  }
  EXPECT_TRUE(IsSentence(std::string(201, 'x')));
}

TEST(IsSentence, LeavesNamesTitlesAndWhatMayBeCopied) {
  for (const char* text : {
           "Ann",
           "the United States Department of Homeland Security",
           "The Man Who Would Be King",
           "What We Do in the Shadows",
           "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb",
           "An apple a day keeps the doctor away",
           "Walt Disney Animation Studios Inc.",
           "No. 10 Downing Street",
           "Yes, Minister",
           "3 apples",
           "1,577 million dollars",
           "[1, 2, 3]",
           "\u5317\u4eac\u5e02",
           "] > ) } ] > ) } ] > ) }",
           "",
       }) {
    EXPECT_FALSE(IsSentence(text)) << text;
  }
  EXPECT_FALSE(IsSentence("the ox that was lost", "Who found the ox that was lost?"));
  EXPECT_FALSE(IsSentence("are boats cats is", "Sort: cats boats is are"));
  EXPECT_TRUE(IsSentence("the ox that was lost", "Who found it?"));
}

TEST(IsSentence, KnowsThoseOfOtherLanguages) {
  for (const char* text : {
           "Der Umsatz stieg, weil die Kosten fielen",
           "Les ventes ont augmenté en Europe",
           "Las ventas crecieron porque cayeron los costes",
           "I ricavi sono cresciuti in Europa",
           "As vendas foram maiores em 2019",
           "De omzet steeg omdat de kosten daalden",
           "Продажи выросли, потому что упали цены",
           "Выручка выросла в Европе.",
           "売上は前年より減少しました",
           "매출이 작년보다 감소했습니다",
           "زادت المبيعات لأن التكاليف انخفضت",
           "लागत गिरने से बिक्री बढ़ी है",
           "Ja, weil es fiel",
       }) {
    EXPECT_TRUE(IsSentence(text)) << text;
  }
  for (const char* text : {"Das Leben der Anderen", "La vida es sueño", "Cien años de soledad", "La vita è bella",
                           "Лев Николаевич Толстой", "Преступление и наказание", "東京都千代田区", "서울특별시",
                           "القاهرة", "नई दिल्ली", "Les Misérables", "the war of the worlds", "Ψ"}) {
    EXPECT_FALSE(IsSentence(text)) << text;
  }
}

TEST(IsWordedNumber, HasOneNumberAndAWordOfADifference) {
  for (const char* text : {"$400,000,000 increase.", "Increase of 5%", "grew by 3.2 %", "5% higher", "Up 12 points",
                           "8.7 million dollars decrease"})
    EXPECT_TRUE(IsWordedNumber(text)) << text;
  for (const char* text : {"3 apples", "12 cm", "$400,000,000", "5 to 7 more", "increase", "Route 66", "Apollo 11", ""})
    EXPECT_FALSE(IsWordedNumber(text)) << text;
  EXPECT_FALSE(IsWordedNumber("3 more", "Are there 3 more?")) << "may be copied";
}

TEST(IsEnumeration, HasThreeItemsOrSemicolons) {
  for (const char* text : {"Ann, Bo and Cy", "Ann, Bo, and Cy", "red, green, or blue", "the first; the last"})
    EXPECT_TRUE(IsEnumeration(text)) << text;
  for (const char* text :
       {"Ann and Bo", "Paris, France", "Springfield, Illinois, USA", "The Good, the Bad and the Ugly",
        "The Lion, the Witch and the Wardrobe", "Crosby, Stills, Nash & Young", "1, 2 and 3", ""}) {
    EXPECT_FALSE(IsEnumeration(text)) << text;
  }
  EXPECT_FALSE(IsEnumeration("Ann, Bo and Cy", "Ann, Bo and Cy came.")) << "may be copied";
}

}  // namespace
}  // namespace autotune::measurement
