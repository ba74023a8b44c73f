#include "cli/verbs.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../report/finished_task.h"
#include "cli/completion.h"
#include "tests/quant/built_in_rules.h"
#include "tests/temporary_directory.h"
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

TEST(Apply, SaysWhyAnotherExperimentIsNotTheBest) {
  Terminal terminal(report::Finished());
  EXPECT_EQ(ApplyBest({}, {"Command", "e1", false}, Rules(), terminal.streams), 0);
  EXPECT_THAT(terminal.err.str(), StartsWith("note: e1-aaaaaa is not the best: "));
  Terminal best(report::Finished());
  EXPECT_EQ(ApplyBest({}, {"Command", "e2", false}, Rules(), best.streams), 0);
  EXPECT_EQ(best.err.str(), "");
}

TEST(Apply, SaysInOneLineWhyItDoesNot) {
  api::AutotuneTask running = report::Finished();
  running.status.best.reset();
  running.status.state = "Searching";
  running.status.conditions.clear();
  Terminal unfinished(running);
  EXPECT_EQ(ApplyBest({}, {}, Rules(), unfinished.streams), 1);
  EXPECT_EQ(unfinished.err.str(),
            "autotune: AutotuneTask llama has no best configuration yet (Searching 3/3): nothing has been measured\n");
  EXPECT_EQ(unfinished.out.str(), "");

  Terminal unknown(report::Finished());
  EXPECT_EQ(ApplyBest({}, {"Helm", "", false}, Rules(), unknown.streams), 2);
  EXPECT_THAT(unknown.err.str(), StartsWith("autotune: --target: \"Helm\" is not one of Deployment, "));

  Terminal missing(report::Finished());
  EXPECT_EQ(ApplyBest({}, {"Deployment", "e9", false}, Rules(), missing.streams), 4);
  EXPECT_EQ(missing.err.str(),
            "autotune: AutotuneTask llama has no experiment \"e9\"; it has e1-aaaaaa e2-bbbbbb e3-cccccc\n");
}

TEST(Diff, ComparesWithADeploymentOfAFile) {
  const TemporaryDirectory directory;
  const std::string file = directory.File("running.yaml");
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
            "autotune: AutotuneTask llama has no Deployment to compare with: set --deployment NAME or "
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

// Two tasks, as `kubectl get att -o yaml` prints them.
api::AutotuneTask Named(const std::string& name) {
  api::AutotuneTask task = report::Finished();
  task.metadata.name = name;
  return task;
}

class SeveralTasks : public ::testing::Test {
 protected:
  SeveralTasks() : in_(text::ToYaml(api::ToJson(Named("one"))) + "---\n" + text::ToYaml(api::ToJson(Named("two")))) {}
  std::istringstream in_;
  std::ostringstream out_, err_;
  Streams streams_{in_, out_, err_};
};

TEST_F(SeveralTasks, AreNamedWhereOneIsMeant) {
  EXPECT_EQ(ShowResults({}, "table", Rules(), streams_), 2);
  EXPECT_EQ(err_.str(), "autotune: there are 2 AutotuneTasks (one, two): name one (NAME -f FILE)\n");
}

TEST_F(SeveralTasks, TheNamedOneIsTaken) {
  EXPECT_EQ(ApplyBest({"two", "-", {}}, {"Deployment", "", true}, Rules(), streams_), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("autotuner.io/task: two"));
  EXPECT_THAT(out_.str(), ::testing::Not(HasSubstr("autotuner.io/task: one")));
}

TEST_F(SeveralTasks, ANameThatIsNotThereIsAnError) {
  EXPECT_EQ(ShowResults({"three", "-", {}}, "table", Rules(), streams_), 4);
  EXPECT_EQ(err_.str(), "autotune: standard input: has no AutotuneTask \"three\" but one, two\n");
}

TEST(Status, SaysWhatToReadWhereNothingIsGiven) {
  std::istringstream in("\n");
  std::ostringstream out, err;
  Streams streams{in, out, err};
  EXPECT_EQ(ShowStatus({}, false, Rules(), streams), 2);
  EXPECT_EQ(err.str(), "autotune: nothing to read: name a task of the cluster or a file, or pipe a task in\n");
}

TEST(Report, OfTwoTasksOfOneNameOverwritesNothing) {
  std::ostringstream out;
  const auto written = WriteReports({Named("twice-at-once"), Named("twice-at-once")}, {}, Rules(), out);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().message,
            "report: several tasks would be written to autotune-twice-at-once.html; nothing was written");
  EXPECT_FALSE(std::ifstream("autotune-twice-at-once.html").good());
}

TEST(Completion, OffersWhatThereIs) {
  const std::string script = BashCompletion({{"status", "", {"--watch", "-f"}, true}, {"rules", "", {}, false}});
  EXPECT_THAT(script, HasSubstr("compgen -W 'status rules'"));
  EXPECT_THAT(script, HasSubstr("status) options='--watch -f' tasks=yes ;;"));
  EXPECT_THAT(ZshCompletion({}), StartsWith("#compdef autotune"));
}

}  // namespace
}  // namespace autotune::cli
