#include "cli/task_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <utility>

#include "cli/schema_check.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using text::ParseYaml;

constexpr std::size_t kMaxBytes = 8 * 1024 * 1024;

// Of a ConfigMap.
void CollectTexts(const json& config_map, ConfigMapTexts& texts) {
  const json metadata = config_map.value("metadata", json()), data = config_map.value("data", json());
  if (!metadata.is_object() || !metadata.contains("name") || !metadata["name"].is_string() || !data.is_object()) return;
  for (const auto& [key, value] : data.items()) {
    if (value.is_string()) texts[{metadata["name"].get<std::string>(), key}] = value.get<std::string>();
  }
}

void Collect(json& document, std::vector<json*>& tasks, std::string& other_kinds, ConfigMapTexts& config_maps) {
  if (!document.is_object()) return;
  const std::string kind =
      document.value("/kind"_json_pointer, json()).is_string() ? document["kind"].get<std::string>() : "";
  const auto items = document.find("items");
  if (items != document.end() && items->is_array() && kind.ends_with("List")) {
    for (json& item : *items) Collect(item, tasks, other_kinds, config_maps);
  } else if (kind == api::kKind) {
    tasks.push_back(&document);
  } else {
    if (kind == "ConfigMap") CollectTexts(document, config_maps);
    other_kinds += (other_kinds.empty() ? "" : ", ") + (kind.empty() ? "a document without kind" : kind);
  }
}

}  // namespace

base::Result<std::string> ReadFileOrStdin(const std::string& path, std::istream& in) {
  std::ifstream file;
  if (path != "-") {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return base::Invalid(path + ": is a directory");
    file.open(path, std::ios::binary);
    if (!file) return base::Invalid(path + ": cannot be read: " + std::strerror(errno));
  }
  std::istream& source = path == "-" ? in : file;
  std::string text;
  char buffer[64 * 1024];
  while (source.read(buffer, sizeof buffer) || source.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(source.gcount()));
    if (text.size() > kMaxBytes) return base::Invalid(path + ": is larger than 8 MiB, the maximum");
  }
  return text;
}

namespace {

enum class Schema { kTrusted, kChecked };

// A line for everything that is wrong with the object; empty where nothing is. `read`: what reading it says. That knows
// a better word for a value than the schema's pattern.
std::string ProblemsOf(const json& object, const std::string& name, const std::string& read) {
  std::string text;
  for (const std::string& problem : SchemaProblems(object)) {
    const std::string path = problem.substr(0, problem.find(": ") + 1);
    const bool same = problem.find(" does not have the form ") != std::string::npos && read.starts_with(path + " ");
    const std::size_t correction = problem.rfind(": write ");
    text += (text.empty() ? "" : "\n") + name + ": " +
            (same ? read + (correction == std::string::npos ? "" : problem.substr(correction)) : problem);
  }
  return text;
}

base::Result<std::vector<api::AutotuneTask>> ReadTasks(const std::string& text, const std::string& name, Schema schema,
                                                       std::vector<std::string>* notes,
                                                       ConfigMapTexts* config_maps = nullptr) {
  auto documents = ParseYaml(text, name, text::Dialect::kKubectl);
  if (!documents) {
    base::Error error = documents.error();
    if (text.find("{{") != std::string::npos) {
      error.message += "; the file contains \"{{\": render the template first (helm template)";
    }
    return error;
  }
  std::vector<json*> found;
  std::string other_kinds;
  ConfigMapTexts texts;
  for (json& document : *documents) Collect(document, found, other_kinds, texts);
  if (config_maps != nullptr) config_maps->merge(texts);
  if (found.empty()) {
    return base::Invalid(name + ": has no AutotuneTask" + (other_kinds.empty() ? "" : " (found " + other_kinds + ")"));
  }
  std::vector<api::AutotuneTask> tasks;
  std::string problems;
  for (json* object : found) {
    for (const std::string& path :
         schema == Schema::kChecked ? ReadAsTheApiServer(*object) : std::vector<std::string>()) {
      if (notes != nullptr)
        notes->push_back(name + ": " + path + ": has no value and is left out, as the API server does");
    }
    auto task = api::TaskFromJson(*object);
    std::string wrong = schema == Schema::kChecked ? ProblemsOf(*object, name, task ? "" : task.error().message) : "";
    // What the schema cannot say: its CEL rules, and values that it passes through.
    if (!task && wrong.empty()) wrong = name + ": " + task.error().message;
    if (!wrong.empty()) {
      problems += (problems.empty() ? "" : "\n") + wrong;
    } else {
      tasks.push_back(*std::move(task));
    }
  }
  if (!problems.empty()) return base::Invalid(problems);
  return tasks;
}

base::Result<std::vector<std::string>> FilesOf(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (path == "-" || !fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string extension = entry.path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json") files.push_back(entry.path());
  }
  if (files.empty()) return base::Invalid(path + ": is a directory without a .yaml, .yml or .json file");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

base::Result<std::vector<api::AutotuneTask>> TasksFromText(const std::string& text, const std::string& name) {
  return ReadTasks(text, name, Schema::kTrusted, nullptr);
}

base::Result<std::vector<api::AutotuneTask>> LoadTasks(const std::vector<std::string>& paths, std::istream& in,
                                                       std::vector<std::string>* notes, ConfigMapTexts* config_maps) {
  std::vector<api::AutotuneTask> all;
  std::string problems;
  for (const std::string& path : paths) {
    const auto wrong = [&](const base::Error& error) { problems += (problems.empty() ? "" : "\n") + error.message; };
    const auto files = FilesOf(path);
    if (!files) {
      wrong(files.error());
      continue;
    }
    for (const std::string& file : *files) {
      const auto text = ReadFileOrStdin(file, in);
      if (!text) {
        wrong(text.error());
        continue;
      }
      auto tasks = ReadTasks(*text, file == "-" ? "standard input" : file, Schema::kChecked, notes, config_maps);
      if (!tasks) {
        wrong(tasks.error());
        continue;
      }
      for (api::AutotuneTask& task : *tasks) all.push_back(std::move(task));
    }
  }
  if (!problems.empty()) return base::Invalid(problems);
  return all;
}

base::Result<api::AutotuneTask> LoadTask(const std::vector<std::string>& paths, std::istream& in,
                                         std::vector<std::string>* notes) {
  auto tasks = LoadTasks(paths, in, notes);
  if (!tasks) return std::move(tasks).error();
  if (tasks->size() != 1) {
    std::string names;
    for (const api::AutotuneTask& task : *tasks) names += (names.empty() ? "" : ", ") + task.metadata.name;
    const std::string where = paths.size() > 1       ? "the files have "
                              : paths.front() == "-" ? "standard input: has "
                                                     : paths.front() + ": has ";
    return base::Invalid(where + std::to_string(tasks->size()) + " AutotuneTasks (" + names + "); expected one");
  }
  return std::move(tasks->front());
}

}  // namespace autotune::cli
