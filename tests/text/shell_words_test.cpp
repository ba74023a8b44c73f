#include "text/shell_words.h"

#include <gmock/gmock.h>

#include "text/table.h"

namespace autotune::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Words = std::vector<std::string>;

TEST(ShellWords, AreWhatAShellMakesOfTheLine) {
  const struct {
    const char* line;
    Words words;
  } rows[] = {
      {"", {}},
      {"  a\tb  ", {"a", "b"}},
      {"a\n", {"a"}},
      {"a \\\n  b", {"a", "b"}},
      {"a \\\r\n  b", {"a", "b"}},
      {"ab\\\ncd", {"abcd"}},
      {R"(--x '{"a": "b c"}')", {"--x", R"({"a": "b c"})"}},
      {R"(--x "{\"a\": 1}")", {"--x", R"({"a": 1})"}},
      {R"(a'b'"c"d)", {"abcd"}},
      {R"(a '' "")", {"a", "", ""}},
      {R"('$HOME | x' "a;b")", {"$HOME | x", "a;b"}},
      {R"(a\ b \$x)", {"a b", "$x"}},
      // A blank behind the backslash at the end of a line; two lines that YAML made one.
      {"a 128\\  \n  b", {"a", "128", "b"}},
      {"a \\ \r\n b", {"a", "b"}},
      {"a \\ --b \\\t--c \\ ", {"a", "--b", "--c"}},
      {"a $(nproc --all) b", {"a", "$(nproc --all)", "b"}},
      {"a \"x $(dirname \"$0\") y\"", {"a", "x $(dirname \"$0\") y"}},
      {"a `date +%s`", {"a", "`date +%s`"}},
      {"a ${X:-1,2} ${Y:-a b}", {"a", "${X:-1,2}", "${Y:-a b}"}},
      {"a b &", {"a", "b"}},
      {"a#b c~d", {"a#b", "c~d"}},
      {"a b # as it was started\n", {"a", "b"}},
      {R"(a {"x":1})", {"a", "{x:1}"}},
      {"a [1,2]", {"a", "[1,2]"}},
  };
  for (const auto& row : rows) {
    const auto words = ShellWords(row.line);
    ASSERT_TRUE(words.ok()) << row.line << ": " << words.error().message;
    EXPECT_EQ(*words, row.words) << row.line;
  }
}

TEST(ShellWords, RefusesWhatOnlyAShellUnderstandsByNameAndPlace) {
  const struct {
    const char* line;
    const char* message;
  } rows[] = {
      {"a $(nproc b", R"(an expansion that does not end at "$(nproc b")"},
      {"a `date", "an expansion that does not end"},
      {"a | grep x", R"(a pipe (|) at "| grep x")"},
      {"a | tee log | grep x", R"(a pipe (|) at "| grep x")"},
      {"a | teeth", "a pipe (|)"},
      {"a || b", "a command for the case of a failure (||)"},
      {"a & b", "a background job (&)"},
      {"a > log & b", "a background job (&)"},
      {"a | tee log; b", "a second command (;)"},
      {"a && b", R"(a second command (&&) at "&& b")"},
      {"a; b", "a second command (;)"},
      {"a\nb", R"(a second command (the line before it does not end in \) at "b")"},
      {"a < file", "a redirection of its input (<)"},
      {"a << END", "a redirection of its input (<)"},
      {"a >", R"(a redirection without a file at ">")"},
      {"a > ; b", "a redirection without a file"},
      {"a > >(cat)", "a redirection without a file"},
      {"a > $(nproc", "an expansion that does not end"},
      {"(a)", "a subshell (parentheses)"},
      {"a *.json", "a pattern for file names (* or ?)"},
      {"a {8,16}", "a brace expansion ({a,b})"},
      {"a 'b", R"(a quote that does not end at "'b")"},
      {"a \"b", "a quote that does not end"},
      {"a \\", "a backslash without anything behind it"},
  };
  for (const auto& row : rows) {
    const auto words = ShellWords(row.line);
    ASSERT_FALSE(words.ok()) << row.line;
    EXPECT_THAT(words.error().message, HasSubstr(row.message)) << row.line;
  }
}

TEST(ShellWords, LeaveOutWhereTheOutputGoes) {
  for (const char* line : {"a b > log", "a b >log", "a >log b", "a b >> log 2>&1", "a b 2>&1 | tee log",
                           "a b 2> /dev/null", "a b &> log", "a b &>> log &", "a b >| log", "a b >&2",
                           "a b |& tee -a log", "a b | tee", "a b > \"my log\" 2>&1 &\n", "a b | tee log > /dev/null",
                           "> log a b", "a b 1>x\n", "a b > $LOG", "a b | tee -a $DIR/log", "a > l\\\nog b"}) {
    const ShellScript script = ReadShell(line);
    EXPECT_EQ(script.beyond, "") << line;
    EXPECT_EQ(script.several, "") << line;
    EXPECT_EQ(script.filled_in, "") << line;
    EXPECT_THAT(script.commands, ElementsAre(Words{"a", "b"})) << line;
  }
  EXPECT_THAT(ReadShell("a b2> log c").commands, ElementsAre(Words{"a", "b2", "c"}));
  EXPECT_THAT(ReadShell("a \"\"> log b").commands, ElementsAre(Words{"a", "", "b"}));  // an empty word is no number
  EXPECT_THAT(ReadShell("a > log; b | tee $X; c 2>&1").commands, ElementsAre(Words{"a"}, Words{"b"}, Words{"c"}));
  EXPECT_THAT(ReadShell("a $X > $Y").filled_in, HasSubstr("$X"));
}

TEST(ShellWords, KeepWhatAShellFillsIn) {
  const auto words = ShellWords("~/bin/a $MODEL \"x ${SIZE}\" '$no' b~");
  ASSERT_TRUE(words.ok()) << words.error().message;
  EXPECT_EQ(*words, (Words{"~/bin/a", "$MODEL", "x ${SIZE}", "$no", "b~"}));
  EXPECT_EQ(FilledIn((*words)[0]), "~");
  EXPECT_EQ(FilledIn((*words)[1]), "$MODEL");
  EXPECT_EQ(FilledIn((*words)[2]), "${SIZE}");
  EXPECT_EQ(FilledIn((*words)[4]), "");
  EXPECT_EQ(FilledIn("cost: 5$"), "");
  EXPECT_EQ(ReadShell("a \"$X\" ~").filled_in, R"(a variable ($) at "$X" ~")");
  EXPECT_EQ(ReadShell("a '$X' b~").filled_in, "");
  EXPECT_EQ(FilledIn("x$(nproc)y"), "$(nproc)");
  EXPECT_EQ(FilledIn("`nproc`"), "`nproc`");
  EXPECT_EQ(ReadShell("a --b $(ADDRESS):20000").filled_in,
            R"(a variable of a pod or a command substitution ($(NAME)) at "$(ADDRESS):20000")");
}

TEST(WithValues, FillsInWhatIsKnown) {
  const std::map<std::string, std::string> values = {{"MODEL", "org/m"}, {"TP", "2"}, {"NONE", ""}};
  const struct {
    const char* word;
    const char* filled;
  } rows[] = {
      {"$MODEL", "org/m"},  {"x-${MODEL}:$TP$", "x-org/m:2$"},
      {"${TP:-8}", "2"},    {"${SEQS:-64}", "64"},
      {"${SEQS-64}", "64"}, {"${NONE:-64}", "64"},
      {"${NONE-64}", ""},   {"$SEQS ${SEQS} $(nproc) `x`", "$SEQS ${SEQS} $(nproc) `x`"},
      {"$TPX", "$TPX"},     {"$@", "$@"},
  };
  for (const auto& row : rows) EXPECT_EQ(WithValues(row.word, values, true), row.filled) << row.word;
  EXPECT_EQ(WithValues("${SEQS:-64}", values, false), "${SEQS:-64}");
}

TEST(ReadShell, KeepsTheCommandsOfAScriptWithWhatOnlyAShellUnderstandsAsItIsWritten) {
  const ShellScript script =
      ReadShell("# starts it\nset -e; export X=1\nexec vllm serve \"$MODEL\" --port 80 \"$@\"\n");
  EXPECT_THAT(script.commands, ElementsAre(Words{"set", "-e"}, Words{"export", "X=1"},
                                           Words{"exec", "vllm", "serve", "$MODEL", "--port", "80", "$@"}));
  EXPECT_EQ(script.beyond, "");
  EXPECT_THAT(script.several, HasSubstr("a second command (;) at \"; export X=1")) << "the first one";
}

TEST(ShellWords, ReadBackEveryWordThatIsQuotedForAShell) {
  for (const std::string word :
       {"a", "", "a b", "it's", "$x", "a\"b", "\\", "a\nb", "*", "#", "~", "{\"a\": [1, 'b']}"}) {
    const auto words = ShellWords("x " + ShellQuoted(word) + " y");
    ASSERT_TRUE(words.ok()) << word << ": " << words.error().message;
    EXPECT_EQ(*words, (Words{"x", word, "y"}));
  }
}

}  // namespace
}  // namespace autotune::text
