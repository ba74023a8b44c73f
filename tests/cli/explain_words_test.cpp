#include "cli/explain_words.h"

#include <gmock/gmock.h>

namespace autotune::cli {
namespace {

using ::testing::ElementsAreArray;
using List = std::vector<std::string>;

std::optional<int> Own(std::string_view name) {
  if (name == "--model" || name == "--gpu" || name == "--rules" || name == "-o" || name == "-f") return 1;
  if (name == "--help") return 0;
  return std::nullopt;
}

TEST(ExplainWords, TakesFlagsAsEnginesHaveThem) {
  const struct {
    List words, expected;
  } kCases[] = {
      {{"explain", "--max-num-seqs=64"}, {"explain", "max-num-seqs=64"}},
      {{"explain", "--max-num-seqs", "64"}, {"explain", "max-num-seqs=64"}},
      {{"explain", "--tp", "8", "--dp", "2"}, {"explain", "tp=8", "dp=2"}},
      {{"explain", "-tp", "8"}, {"explain", "tp=8"}},
      {{"explain", "-O3", "--tp", "2"}, {"explain", "O=3", "tp=2"}},
      {{"explain", "--enforce-eager", "--tp", "2"}, {"explain", "enforce-eager=true", "tp=2"}},
      {{"explain", "--enforce-eager", "gemmDtype=fp8"}, {"explain", "enforce-eager=true", "gemmDtype=fp8"}},
      {{"explain", "--chunked-prefill-size", "-1"}, {"explain", "chunked-prefill-size=-1"}},
      {{"explain", "--cuda-graph-bs", "1", "2", "4"}, {"explain", "cuda-graph-bs=[1,2,4]"}},
      {{"explain", "--speculative-config", R"({"method":"x=y"})"},
       {"explain", R"(speculative-config={"method":"x=y"})"}},
      {{"explain", "--gpu", "h100", "--tp", "2"}, {"explain", "--gpu", "h100", "tp=2"}},
      {{"explain", "--gpu=h100", "preset=default"}, {"explain", "--gpu=h100", "preset=default"}},
      {{"--rules", "dir", "explain", "--tp", "2"}, {"--rules", "dir", "explain", "tp=2"}},
  };
  for (const auto& row : kCases) EXPECT_THAT(ExplainWords(row.words, Own), ElementsAreArray(row.expected));
}

TEST(ExplainWords, TakesAWholeCommandOut) {
  const struct {
    List words, left, command;
  } kCases[] = {
      {{"explain", "--", "vllm", "serve", "m", "--host", "0.0.0.0"},
       {"explain"},
       {"vllm", "serve", "m", "--host", "0.0.0.0"}},
      {{"explain", "--gpu", "h100", "vllm", "serve", "m", "--model", "x"},
       {"explain", "--gpu", "h100"},
       {"vllm", "serve", "m", "--model", "x"}},
      {{"explain", "preset=default", "vllm serve m --port 8000"},
       {"explain", "preset=default"},
       {"vllm serve m --port 8000"}},
      {{"explain", "python3", "-m", "sglang.launch_server"}, {"explain"}, {"python3", "-m", "sglang.launch_server"}},
      {{"explain", "tp=2", "HF_HOME=/m", "vllm", "serve", "m"},
       {"explain", "tp=2"},
       {"HF_HOME=/m", "vllm", "serve", "m"}},
      {{"explain", "sudo docker run x"}, {"explain"}, {"sudo docker run x"}},
      {{"explain", "CUDA_VISIBLE_DEVICES=1 vllm serve m"}, {"explain"}, {"CUDA_VISIBLE_DEVICES=1 vllm serve m"}},
      {{"explain", "cd /srv && vllm serve m"}, {"explain"}, {"cd /srv && vllm serve m"}},
      {{"explain", "# as it runs\nexport A=1\nvllm serve m"}, {"explain"}, {"# as it runs\nexport A=1\nvllm serve m"}},
      {{"explain", "bash", "-c", "vllm serve m"}, {"explain"}, {"bash", "-c", "vllm serve m"}},
      {{"explain", "hf-overrides={a: vllm serve}"}, {"explain", "hf-overrides={a: vllm serve}"}, {}},
      {{"explain", "--tokenizer", "vllm", "gemmDtype=fp8"}, {"explain", "--tokenizer", "vllm", "gemmDtype=fp8"}, {}},
      {{"explain", "--max-num-seqs=64"}, {"explain", "--max-num-seqs=64"}, {}},
      {{"plan", "--", "vllm", "serve"}, {"plan", "--", "vllm", "serve"}, {}},
  };
  for (const auto& row : kCases) {
    List words = row.words;
    EXPECT_THAT(TakeCommand(words, Own), ElementsAreArray(row.command));
    EXPECT_THAT(words, ElementsAreArray(row.left));
  }
}

TEST(ExplainWords, LeavesOtherCommandsAlone) {
  for (const List& words : {List{"plan", "-f", "explain", "--gpu", "h100"}, List{"--rules", "explain", "plan", "--x"},
                            List{"run", "explain", "--x", "1"}, List{}}) {
    EXPECT_THAT(ExplainWords(words, Own), ElementsAreArray(words));
  }
  EXPECT_THAT(ExplainWords({"explain", "--model", "explain", "--tp", "2"}, Own),
              ElementsAreArray(List{"explain", "--model", "explain", "tp=2"}));
}

}  // namespace
}  // namespace autotune::cli
