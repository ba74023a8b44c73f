#include "bench/datasets.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "bench/arrival.h"
#include "bench/workload.h"

namespace autotune::bench {
namespace {

base::Result<std::string> ReadFile(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return base::Invalid(path + ": is a directory, not a file");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file) return base::Invalid(path + ": cannot be read: " + std::strerror(errno));
  if (file.peek() == std::ifstream::traits_type::eof()) return base::Invalid(path + ": is empty");
  if (!(text << file.rdbuf())) return base::Invalid(path + ": cannot be read: " + std::strerror(errno));
  return std::move(text).str();
}

}  // namespace

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

base::Result<std::vector<measurement::DatasetEntry>> ReadDatasetOf(const BenchSpec& spec) {
  const std::string& path = spec.dataset->path;
  auto bytes = ReadFile(path);
  if (!bytes) return base::Invalid("dataset: " + bytes.error().message);
  return DatasetOfText(spec, *bytes, FileName(path));
}

base::Result<std::vector<measurement::DatasetEntry>> DatasetOfText(const BenchSpec& spec, std::string_view bytes,
                                                                   const std::string& name) {
  auto entries = measurement::ReadDataset(bytes, spec.dataset->format, name);
  if (!entries) return base::Invalid("dataset: " + entries.error().message);
  const auto workload = Workload::OfDataset(spec, *entries);
  if (!workload) return workload.error();
  if (spec.arrival.process == measurement::ArrivalProcess::kTrace) {
    if (auto status = CheckTrace(workload->timestamps()); !status) {
      return base::Invalid("dataset: " + name + ": " + status.error().message);
    }
  }
  return entries;
}

base::Result<measurement::QuestionSet> ReadQuestionsOf(const BenchSpec& spec) {
  if (!spec.quality.questions) return measurement::QuestionSet();
  const std::string& path = spec.quality.questions->path;
  auto bytes = ReadFile(path);
  if (!bytes) return base::Invalid("quality.dataset: " + bytes.error().message);
  return QuestionsOfText(spec, *bytes, FileName(path));
}

base::Result<measurement::QuestionSet> QuestionsOfText(const BenchSpec& spec, std::string_view bytes,
                                                       const std::string& name) {
  auto questions = measurement::ReadQuestions(bytes, name, spec.max_model_len, spec.quality.questions->answer_tokens);
  if (!questions) return base::Invalid("quality.dataset: " + questions.error().message);
  return questions;
}

std::string QuestionsText(const BenchSpec& spec, const measurement::QuestionSet& questions) {
  return FileName(spec.quality.questions->path) + ": " + measurement::Summary(questions);
}

}  // namespace autotune::bench
