// Reads AutotuneTasks from files or standard input, as `kubectl get -o yaml` and people write them. Blocks; one thread.
//
// A file may contain other documents and Lists. Errors name the file, and the line or the field.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/dataset_files.h"
#include "operator/api/autotune_task.h"

namespace autotune::cli {

// The whole file; "-" is `in`. kInvalid above 8 MiB.
base::Result<std::string> ReadFileOrStdin(const std::string& path, std::istream& in);

// The AutotuneTasks among the documents of a text, at least one.
base::Result<std::vector<api::AutotuneTask>> TasksFromText(const std::string& text, const std::string& name);

// Tasks in files, directories (.yaml, .yml and .json, by name) and standard input, checked against the schema. kInvalid
// has one line per problem. `notes`: one line for each field without a value, which is left out.
// `config_maps`: the texts of the ConfigMaps that are in these files, too.
base::Result<std::vector<api::AutotuneTask>> LoadTasks(const std::vector<std::string>& paths, std::istream& in,
                                                       std::vector<std::string>* notes = nullptr,
                                                       ConfigMapTexts* config_maps = nullptr);
// Exactly one.
base::Result<api::AutotuneTask> LoadTask(const std::vector<std::string>& paths, std::istream& in,
                                         std::vector<std::string>* notes = nullptr);

}  // namespace autotune::cli
