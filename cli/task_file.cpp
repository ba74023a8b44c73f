#include "cli/task_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <utility>

#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using text::ParseYaml;

constexpr std::size_t kMaxBytes = 8 * 1024 * 1024;

void Collect(const json& document, std::vector<const json*>& tasks, std::string& other_kinds) {
  if (!document.is_object()) return;
  const std::string kind =
      document.value("/kind"_json_pointer, json()).is_string() ? document["kind"].get<std::string>() : "";
  const auto items = document.find("items");
  if (items != document.end() && items->is_array() && kind.ends_with("List")) {
    for (const json& item : *items) Collect(item, tasks, other_kinds);
  } else if (kind == api::kKind) {
    tasks.push_back(&document);
  } else {
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
    if (text.size() > kMaxBytes) return base::Invalid(path + ": is larger than 8 MiB; a manifest is not");
  }
  return text;
}

base::Result<std::vector<api::AutotuneTask>> TasksFromText(const std::string& text, const std::string& name) {
  const auto documents = ParseYaml(text, name);
  if (!documents) return documents.error();
  std::vector<const json*> found;
  std::string other_kinds;
  for (const json& document : *documents) Collect(document, found, other_kinds);
  if (found.empty()) {
    return base::Invalid(name + ": has no AutotuneTask" + (other_kinds.empty() ? "" : " (found " + other_kinds + ")"));
  }
  std::vector<api::AutotuneTask> tasks;
  for (const json* object : found) {
    auto task = api::TaskFromJson(*object);
    if (!task) return base::Invalid(name + ": " + task.error().message);
    tasks.push_back(*std::move(task));
  }
  return tasks;
}

base::Result<api::AutotuneTask> LoadTask(const std::string& path, std::istream& in) {
  const std::string name = path == "-" ? "standard input" : path;
  const auto text = ReadFileOrStdin(path, in);
  if (!text) return text.error();
  auto tasks = TasksFromText(*text, name);
  if (!tasks) return std::move(tasks).error();
  if (tasks->size() > 1) {
    std::string names;
    for (const api::AutotuneTask& task : *tasks) names += (names.empty() ? "" : ", ") + task.metadata.name;
    return base::Invalid(name + ": has " + std::to_string(tasks->size()) + " AutotuneTasks (" + names + "); give one");
  }
  return std::move(tasks->front());
}

}  // namespace autotune::cli
