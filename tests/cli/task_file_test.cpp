#include "cli/task_file.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "tests/temporary_directory.h"

namespace autotune::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* kTask =
    "apiVersion: autotuner.io/v1alpha1\nkind: AutotuneTask\nmetadata: {name: one}\n"
    "spec: {baseRuntime: vllm, model: {idOrPath: org/model}}\n";

TEST(LoadTask, ReadsStandardInput) {
  std::istringstream in(kTask);
  const auto task = LoadTask({"-"}, in);
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->metadata.name, "one");
  EXPECT_EQ(task->spec.base_runtime, "vllm");
}

TEST(LoadTask, FindsTheTaskAmongOtherDocuments) {
  std::istringstream in(std::string("kind: ConfigMap\n---\n") + kTask + "---\nkind: Secret\n");
  EXPECT_TRUE(LoadTask({"-"}, in).ok());
}

TEST(LoadTasks, CollectsTheTextsOfConfigMapsBesideTheTask) {
  std::istringstream in(std::string(kTask) +
                        "---\nkind: ConfigMap\nmetadata: {name: exam}\ndata:\n  a.jsonl: |\n    {}\n  b: {}\n"
                        "---\nkind: ConfigMap\nmetadata: [exam]\ndata: {c: d}\n---\nkind: ConfigMap\n");
  ConfigMapTexts texts;
  ASSERT_TRUE(LoadTasks({"-"}, in, nullptr, &texts).ok());
  EXPECT_EQ(texts, (ConfigMapTexts{{{"exam", "a.jsonl"}, "{}\n"}}));
}

TEST(TasksFromText, OpensListsAsKubectlWritesThem) {
  const std::string item =
      "- apiVersion: autotuner.io/v1alpha1\n  kind: AutotuneTask\n  metadata: {name: NAME}\n"
      "  spec: {baseRuntime: vllm, model: {idOrPath: org/model}}\n";
  std::string text = "apiVersion: v1\nkind: List\nitems:\n";
  for (const char* name : {"a", "b"}) {
    std::string one = item;
    one.replace(one.find("NAME"), 4, name);
    text += one;
  }
  const auto tasks = TasksFromText(text, "t");
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  EXPECT_THAT(*tasks, SizeIs(2));
  std::istringstream in(text);
  EXPECT_THAT(LoadTask({"-"}, in).error().message, HasSubstr("2 AutotuneTasks (a, b); expected one"));
}

TEST(LoadTask, NamesFileAndField) {
  struct Case {
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"", "standard input: has no AutotuneTask"},
      {"kind: Pod\n", "has no AutotuneTask (found Pod)"},
      {"a: 1\n", "has no AutotuneTask (found a document without kind)"},
      {"kind: [x]\n", "has no AutotuneTask"},
      {"just text", "has no AutotuneTask"},
      {"a: [1\n", "standard input:"},
      {"a: {{ .Values.a }}\n", "the file contains \"{{\": render the template first (helm template)"},
      {std::string(kTask) + "---\n" + kTask, "2 AutotuneTasks"},
      {"apiVersion: autotuner.io/v1alpha1\nkind: AutotuneTask\nmetadata: {name: x}\nspec: {baseRuntime: vllm, model: "
       "{idOrPath: m}, parallelism: two}\n",
       "spec.parallelism"},
      {"apiVersion: autotuner.io/v1alpha1\nkind: AutotuneTask\nmetadata: {name: x}\n", "spec"},
  };
  for (const Case& test : cases) {
    std::istringstream in(test.text);
    const auto task = LoadTask({"-"}, in);
    ASSERT_FALSE(task.ok()) << test.text;
    EXPECT_EQ(task.error().code, base::Code::kInvalid);
    EXPECT_THAT(task.error().message, HasSubstr(test.message)) << test.text;
    EXPECT_EQ(task.error().message.find('\n'), std::string::npos) << "one line";
  }
}

TEST(LoadTask, LeavesOutFieldsWithoutAValueAndSaysSo) {
  std::istringstream in(
      "apiVersion: autotuner.io/v1alpha1\nkind: AutotuneTask\nmetadata: {name: t}\n"
      "spec:\n  model: {idOrPath: a/b}\n  baseRuntime: vllm\n  slo:\n  parameters:\n    max-num-seqs:\n");
  std::vector<std::string> notes;
  const auto task = LoadTask({"-"}, in, &notes);
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_TRUE(task->spec.parameters.empty());
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[0],
            "standard input: spec.parameters.max-num-seqs: has no value and is left out, as the API server does");
}

TEST(LoadTask, SaysWhyAFileCannotBeRead) {
  std::istringstream in;
  EXPECT_THAT(LoadTask({"/no/such/file.yaml"}, in).error().message,
              HasSubstr("/no/such/file.yaml: cannot be read: No such file"));
  const TemporaryDirectory empty;
  EXPECT_THAT(LoadTask({empty.path().string()}, in).error().message, HasSubstr("is a directory without"));
}

TEST(ReadFileOrStdin, RefusesWhatIsTooLargeForAManifest) {
  std::istringstream in(std::string(9 * 1024 * 1024, ' '));
  EXPECT_THAT(ReadFileOrStdin("-", in).error().message, HasSubstr("larger than 8 MiB"));
}

// Every example is a task that a plan can be made of: what a user copies works.
TEST(LoadTask, ReadsEveryExample) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TESTDATA_DIR "/../examples")) {
    if (entry.path().extension() != ".yaml") continue;
    std::istringstream in;
    const auto task = LoadTask({entry.path().string()}, in);
    EXPECT_TRUE(task.ok()) << task.error().message;
    ++count;
  }
  EXPECT_GT(count, 5);
}

}  // namespace
}  // namespace autotune::cli
