#include "cli/verbs.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../report/finished_task.h"
#include "cli/completion.h"
#include "tests/quant/built_in_rules.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using quant::testing::Rules;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Terminal {
  explicit Terminal(const api::AutotuneTask& task) : in(text::ToYaml(api::ToJson(task))) {}
  std::istringstream in;
  std::ostringstream out, err;
  Streams streams{in, out, err};
};

TEST(Apply, PrintsTheManifestOfAFile) {
  Terminal terminal(report::Finished());
  EXPECT_EQ(ApplyBest({}, {}, Rules(), terminal.streams), 0) << terminal.err.str();
  EXPECT_THAT(terminal.out.str(), HasSubstr("kind: Deployment"));
  EXPECT_THAT(terminal.out.str(), HasSubstr("kind: Service"));
  EXPECT_THAT(terminal.out.str(), HasSubstr("--kv-cache-dtype"));
}

TEST(Apply, TakesAnotherExperiment) {
  Terminal terminal(report::Finished());
  ApplyOptions options{"Command", "e1", false};
  EXPECT_EQ(ApplyBest({}, options, Rules(), terminal.streams), 0) << terminal.err.str();
  EXPECT_EQ(terminal.out.str(), "vllm serve org/model --host 0.0.0.0 --port 8000 --max-num-seqs 64\n");
}

TEST(Apply, SaysInOneLineWhyItDoesNot) {
  api::AutotuneTask running = report::Finished();
  running.status.best.reset();
  running.status.state = "Searching";
  running.status.conditions.clear();
  Terminal unfinished(running);
  EXPECT_EQ(ApplyBest({}, {}, Rules(), unfinished.streams), 1);
  EXPECT_EQ(unfinished.err.str(),
            "autotune: AutotuneTask llama has no best configuration yet (Searching 3/3): nothing is measured\n");
  EXPECT_EQ(unfinished.out.str(), "");

  Terminal unknown(report::Finished());
  EXPECT_EQ(ApplyBest({}, {"Helm", "", false}, Rules(), unknown.streams), 2);
  EXPECT_THAT(unknown.err.str(), StartsWith("autotune: --target: \"Helm\" is none of Deployment, "));

  Terminal missing(report::Finished());
  EXPECT_EQ(ApplyBest({}, {"Deployment", "e9", false}, Rules(), missing.streams), 4);
}

TEST(Diff, ComparesWithADeploymentOfAFile) {
  const std::string file = testing::TempDir() + "/running.yaml";
  std::ofstream(file)
      << "kind: Service\nmetadata: {name: chat}\n---\nkind: Deployment\nmetadata: {name: chat}\nspec: "
         "{template: {spec: {containers: [{name: main, image: 'vllm/vllm-openai:v0.24.0', args: [serve, "
         "org/model, --port, '8000', --host, 0.0.0.0, --max-num-seqs, '9']}]}}}\n";
  Terminal terminal(report::Finished());
  EXPECT_EQ(ShowDifference({}, {file, "", "e1", "text"}, Rules(), terminal.streams), 0) << terminal.err.str();
  EXPECT_THAT(terminal.out.str(), StartsWith("--- Deployment chat, container main\n+++ e1-"));
  EXPECT_THAT(terminal.out.str(), HasSubstr(" arguments\n-  --max-num-seqs 9\n+  --max-num-seqs 64\n"));
  Terminal values(report::Finished());
  EXPECT_EQ(ShowDifference({}, {file, "", "", "json"}, Rules(), values.streams), 0) << values.err.str();
  EXPECT_EQ(nlohmann::json::parse(values.out.str())["container"], "main");

  Terminal wrong(report::Finished());
  EXPECT_EQ(ShowDifference({}, {file, "engine", "", "text"}, Rules(), wrong.streams), 2);
  EXPECT_EQ(wrong.err.str(), "autotune: Deployment chat has no container \"engine\"; it has main\n");
  Terminal unnamed(report::Finished());
  EXPECT_EQ(ShowDifference({}, {}, Rules(), unnamed.streams), 2);
  EXPECT_EQ(unnamed.err.str(),
            "autotune: AutotuneTask llama names no Deployment: --deployment NAME, or "
            "spec.recommendation.diffAgainst.deployment\n");
  std::ofstream(file) << "kind: Service\n";
  Terminal none(report::Finished());
  EXPECT_EQ(ShowDifference({}, {file, "", "", "text"}, Rules(), none.streams), 2);
  EXPECT_THAT(none.err.str(), HasSubstr("running.yaml: has no Deployment\n"));
}

TEST(Results, AreATableOrJson) {
  Terminal table(report::Finished());
  EXPECT_EQ(ShowResults({}, "table", Rules(), table.streams), 0);
  EXPECT_THAT(table.out.str(), StartsWith("EXPERIMENT"));
  Terminal values(report::Finished());
  EXPECT_EQ(ShowResults({}, "json", Rules(), values.streams), 0);
  EXPECT_EQ(nlohmann::json::parse(values.out.str())["answer"]["experiment"], "e2-bbbbbb");
}

TEST(Completion, OffersWhatThereIs) {
  const std::string script = BashCompletion({{"status", "", {"--watch", "-f"}, true}, {"rules", "", {}, false}});
  EXPECT_THAT(script, HasSubstr("compgen -W 'status rules'"));
  EXPECT_THAT(script, HasSubstr("status) options='--watch -f' tasks=yes ;;"));
  EXPECT_THAT(ZshCompletion({}), StartsWith("#compdef autotune"));
}

}  // namespace
}  // namespace autotune::cli
