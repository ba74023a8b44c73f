#include "cli/dataset_files.h"

#include <filesystem>
#include <system_error>

#include "bench/datasets.h"
#include "measurement/questions.h"
#include "operator/experiment/context_limit.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::cli {
namespace {

// What benches are told, with the shortest context of the checkpoints.
base::Result<bench::BenchSpec> SpecForFiles(const api::TaskSpec& task, const KnownModels& models) {
  auto spec = experiment::BenchSpecOf(task);
  if (!spec) return spec.error();
  const experiment::ContextLimit limit = experiment::ContextLimitOf(task);
  for (const auto& model : models) {
    const int context = limit.With(model.value_or(checkpoint::ModelFacts()));
    if (context > 0 && (spec->max_model_len == 0 || context < spec->max_model_len)) spec->max_model_len = context;
  }
  return spec;
}

}  // namespace

base::Result<QuestionsRead> ReadQuestionsFile(const api::TaskSpec& spec, const KnownModels& models,
                                              const std::string& path) {
  auto bench_spec = SpecForFiles(spec, models);
  if (!bench_spec) return bench_spec.error();
  bench_spec->quality.questions->path = path;
  const auto questions = bench::ReadQuestionsOf(*bench_spec);
  if (!questions) return questions.error();
  return QuestionsRead{bench::QuestionsText(*bench_spec, *questions), measurement::QuestionsByChoices(*questions)};
}

base::Result<std::size_t> ReadRequestsFile(const api::TaskSpec& spec, const KnownModels& models,
                                           const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return base::Invalid("--dataset: no file " + path);
  auto bench_spec = SpecForFiles(spec, models);
  if (!bench_spec) return bench_spec.error();
  bench_spec->dataset->path = path;
  const auto entries = bench::ReadDatasetOf(*bench_spec);
  if (!entries) return entries.error();
  return entries->size();
}

}  // namespace autotune::cli
