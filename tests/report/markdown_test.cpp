#include "report/markdown.h"

#include <gmock/gmock.h>

#include "finished_task.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::report {
namespace {

using quant::testing::Rules;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MarkdownReport, HasAnswerTableLoadsAndWhatFailed) {
  const std::string text = MarkdownReport(Finished(), Rules());
  for (const char* part :
       {"# llama\n", "Which KV cache?", "## Result", "```sh\nvllm serve org/model", "| EXPERIMENT |",
        "## Best configuration under load", "SLO: TTFT p99 &lt;= 500 ms", "| Undecided (met) |",
        "## Candidates without an experiment\n\n- 1 pruned, NoSuchThing: vllm + mine: cannot\n- 1 duplicate",
        "## Failed", "CUDA out of memory"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(MarkdownReport, SaysThatNumbersAreSimulated) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(MarkdownReport(task, Rules()), Not(HasSubstr("Simulated")));
  task.status.experiments[1].simulated = true;
  EXPECT_THAT(MarkdownReport(task, Rules()), HasSubstr("> **Simulated: "));
}

TEST(MarkdownReport, ShowsTextOfTheTaskAsItIs) {
  api::AutotuneTask task = Finished();
  task.spec.description = "<img src=x> | `code` [link](x)\n# heading";
  task.status.experiments[2].message = "a|b <script>";
  task.status.experiments[1].args = {"--chat-template", "```\n<b>"};
  const std::string text = MarkdownReport(task, Rules());
  EXPECT_THAT(text, HasSubstr("&lt;img src=x&gt; \\| \\`code\\` \\[link\\](x) \\# heading"));
  EXPECT_THAT(text, HasSubstr("a\\|b &lt;script&gt;"));
  EXPECT_THAT(text, HasSubstr("````sh\n")) << "a fence within is no end of the block";
}

}  // namespace
}  // namespace autotune::report
