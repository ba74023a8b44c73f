#include "text/table.h"

#include <gmock/gmock.h>

#include <limits>

namespace autotune::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Table, AlignsColumnsAndLeavesEmptyOnesOut) {
  Table table;
  table.AddColumn("NAME");
  table.AddColumn("NOTHING");
  table.AddColumn("SCORE", Table::Align::kRight);
  table.AddColumn("");
  table.AddRow({"a", "", "9.5", "best"});
  table.AddRow({"longer", "", "1560.2"});
  EXPECT_EQ(table.Text(),
            "NAME     SCORE\n"
            "a          9.5  best\n"
            "longer  1560.2\n");
  EXPECT_EQ(table.Text("  ").substr(0, 6), "  NAME");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table;
  table.AddColumn("N");
  table.AddColumn("V");
  table.AddRow({"ü", "1"});
  table.AddRow({"ab", "2"});
  EXPECT_EQ(table.Text(), "N   V\nü   1\nab  2\n");
}

TEST(Table, WrapsItsWidestCellsWhereLinesWouldBeTooLong) {
  Table table;
  table.AddColumn("NAME");
  table.AddColumn("WHY");
  table.AddRow({"a", "one two three four five six seven eight nine ten"});
  table.AddRow({"b", "aWordThatIsLongerThanItsWholeColumnCanBe"});
  EXPECT_EQ(table.Text("", 28),
            "NAME  WHY\n"
            "a     one two three four\n"
            "      five six seven eight\n"
            "      nine ten\n"
            "b     aWordThatIsLongerThanI\n"
            "      tsWholeColumnCanBe\n");
  EXPECT_EQ(table.Text("", 200), table.Text());
}

TEST(Table, EscapesPipesInMarkdown) {
  Table table;
  table.AddColumn("A");
  table.AddColumn("B", Table::Align::kRight);
  table.AddRow({"x|y\nz", "1"});
  EXPECT_EQ(table.Markdown(Table::Cells::kMarkdown), "| A | B |\n|---|---:|\n| x\\|y z | 1 |\n");
}

TEST(ShellQuoted, QuotesOnlyWhatAShellWouldChange) {
  EXPECT_EQ(ShellQuoted("--max-num-seqs"), "--max-num-seqs");
  EXPECT_EQ(ShellQuoted("meta-llama/Llama-3.1-8B"), "meta-llama/Llama-3.1-8B");
  EXPECT_EQ(ShellQuoted(""), "''");
  EXPECT_EQ(ShellQuoted("a b"), "'a b'");
  EXPECT_EQ(ShellQuoted("{\"a\": 1}"), "'{\"a\": 1}'");
  EXPECT_EQ(ShellQuoted("it's"), "'it'\\''s'");
}

TEST(CommandLine, BreaksAtFlagsWhereItIsTooLong) {
  const std::vector<std::string> argv = {"vllm", "serve", "m", "--port", "8000", "--max-num-seqs", "64"};
  EXPECT_EQ(CommandLine(argv, 80), "vllm serve m --port 8000 --max-num-seqs 64");
  EXPECT_EQ(CommandLine(argv, 20), "vllm serve m \\\n    --port 8000 \\\n    --max-num-seqs 64");
}

TEST(CompareArguments, SeparatesWhatAllHaveFromWhatDiffers) {
  const auto differences = CompareArguments({{"--port", "8000", "--enable-x", "--seqs", "64"},
                                             {"--port", "8000", "--seqs", "128"},
                                             {"--seqs", "64", "--port", "8000", "--offset", "-1"}});
  EXPECT_THAT(differences.common, ElementsAre("--port", "8000"));
  EXPECT_THAT(differences.own[0], ElementsAre("--enable-x", "--seqs", "64"));
  EXPECT_THAT(differences.own[1], ElementsAre("--seqs", "128"));
  EXPECT_THAT(differences.own[2], ElementsAre("--seqs", "64", "--offset", "-1"));
}

TEST(CompareArguments, ShowsEverythingOfASingleList) {
  const auto differences = CompareArguments({{"--port", "8000"}});
  EXPECT_THAT(differences.common, IsEmpty());
  EXPECT_THAT(differences.own[0], ElementsAre("--port", "8000"));
  EXPECT_THAT(CompareArguments({}).own, IsEmpty());
}

TEST(Shortened, CutsCharactersAndMakesOneLine) {
  EXPECT_EQ(Shortened("short", 10), "short");
  EXPECT_EQ(Shortened("a longer text", 8), "a lon...");
  EXPECT_EQ(Shortened("two\nlines", 20), "two lines");
  EXPECT_EQ(Shortened("äöüäöüäöü", 6), "äöü...");
  EXPECT_EQ(Shortened("abcdef", 2), "...");
}

TEST(Milliseconds, HasThreeDigits) {
  EXPECT_EQ(Milliseconds(7.24), "7.2 ms");
  EXPECT_EQ(Milliseconds(310.4), "310 ms");
  EXPECT_EQ(Milliseconds(1520), "1.52 s");
  EXPECT_EQ(Milliseconds(61200), "61.2 s");
  EXPECT_EQ(Milliseconds(std::numeric_limits<double>::infinity()), "");
}

TEST(Elapsed, ReadsAsAWatch) {
  EXPECT_EQ(Elapsed(0), "0s");
  EXPECT_EQ(Elapsed(42.9), "42s");
  EXPECT_EQ(Elapsed(187), "3m07s");
  EXPECT_EQ(Elapsed(3720), "1h02m");
  EXPECT_EQ(Elapsed(-5), "0s");
}

}  // namespace
}  // namespace autotune::text
