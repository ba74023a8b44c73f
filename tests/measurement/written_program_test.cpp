#include "measurement/written_program.h"

#include <gmock/gmock.h>

namespace autotune::measurement {
namespace {

TEST(ProgramIn, KnowsQueriesCommandsAndPrograms) {
  for (const char* text : {"SELECT COUNT(*) FROM head WHERE age > 56", "SELECT 1", "select name from head",
                           "select t1.name from t as t1 where t1.age = 3", "(SELECT a FROM b) UNION (SELECT c FROM d)",
                           "WITH x AS (SELECT a FROM b) SELECT a FROM x", "INSERT INTO t (a) VALUES (1)",
                           "UPDATE t SET a = 1", "DELETE FROM t WHERE a = 1", "SELECT ?x WHERE { ?x wdt:P31 wd:Q5 }",
                           "MATCH (n:Person) RETURN n.name", "SELECT\n  a\nFROM\n  b"}) {
    EXPECT_EQ(ProgramIn(text), "a query") << text;
  }
  for (const char* text :
       {"find . -name core", "ls -l", "cat a.txt | wc -l", "rm *.log", "git commit --amend", "$ tar -xf a.tar"}) {
    EXPECT_EQ(ProgramIn(text), "a command") << text;
  }
  for (const char* text :
       {"def f(x): return x", "lambda x: x + 1", "df.groupby('a').sum()", "d['a']", "[x for x in y if x]",
        "print(x + 1)", "for i in range(3):\n    print(i)", "#include <cstdio>", "int a;\nint b;",
        "const f = (x) => x;", "```python\nx\n```", "import os\nos.getcwd()", "from a import b"}) {
    EXPECT_EQ(ProgramIn(text), "a program") << text;
  }
}

TEST(ProgramIn, LeavesWordsKeywordsAndFormulas) {
  for (const char* text : {"Ann",
                           "SELECT",
                           "SELECT DISTINCT",
                           "INSERT INTO",
                           "print()",
                           "str.upper()",
                           "find it",
                           "head of state",
                           "select a card from the deck",
                           "sort of red",
                           "Update the set of keys",
                           "from Paris to Rome",
                           "let it be",
                           "return of the king",
                           "U.S. (west)",
                           "np.arcsin(10/13)",
                           "x = 3",
                           "f(x)",
                           "git",
                           "cat",
                           "the cut -- a film",
                           "for this: one",
                           "Dr. Who (1996)",
                           "example.com",
                           "",
                           "public (school)",
                           "class A: good"}) {
    EXPECT_EQ(ProgramIn(text), "") << text;
  }
}

}  // namespace
}  // namespace autotune::measurement
