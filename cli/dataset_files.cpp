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

// nullptr = it is not there.
template <typename Dataset>
const std::string* TextOf(const Dataset& dataset, const ConfigMapTexts& config_maps) {
  const auto found = config_maps.find({dataset.config_map, dataset.file});
  return dataset.config_map.empty() || found == config_maps.end() ? nullptr : &found->second;
}

}  // namespace

base::Result<std::optional<QuestionsRead>> ReadQuestions(const api::TaskSpec& spec, const KnownModels& models,
                                                         const std::string& file, const ConfigMapTexts& config_maps) {
  const std::string* text = TextOf(*spec.quality.dataset, config_maps);
  if (file.empty() && text == nullptr) return std::optional<QuestionsRead>();
  auto bench_spec = SpecForFiles(spec, models);
  if (!bench_spec) return bench_spec.error();
  bench_spec->quality.questions->path = file.empty() ? spec.quality.dataset->file : file;
  const auto questions = file.empty() ? bench::QuestionsOfText(*bench_spec, *text, spec.quality.dataset->file)
                                      : bench::ReadQuestionsOf(*bench_spec);
  if (!questions) return questions.error();
  return std::optional(
      QuestionsRead{bench::QuestionsText(*bench_spec, *questions), measurement::QuestionsByChoices(*questions)});
}

base::Result<std::optional<std::size_t>> CountRequests(const api::TaskSpec& spec, const KnownModels& models,
                                                       const std::string& file, const ConfigMapTexts& config_maps) {
  const std::string* text = TextOf(*spec.benchmark.dataset, config_maps);
  if (file.empty() && text == nullptr) return std::optional<std::size_t>();
  std::error_code error;
  if (!file.empty() && !std::filesystem::is_regular_file(file, error))
    return base::Invalid("--dataset: no file " + file);
  auto bench_spec = SpecForFiles(spec, models);
  if (!bench_spec) return bench_spec.error();
  bench_spec->dataset->path = file;
  const auto entries = file.empty() ? bench::DatasetOfText(*bench_spec, *text, spec.benchmark.dataset->file)
                                    : bench::ReadDatasetOf(*bench_spec);
  if (!entries) return entries.error();
  return std::optional(entries->size());
}

}  // namespace autotune::cli
