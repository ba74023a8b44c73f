// Reads AutotuneTasks from files or standard input, as `kubectl get -o yaml` or people write them. Blocks; one thread.
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

// Reads a whole file; "-" is `in`. kInvalid above 8 MiB.
base::Result<std::string> ReadFileOrStdin(const std::string& path, std::istream& in);

// The AutotuneTasks in a text. kInvalid if there is none.
base::Result<std::vector<api::AutotuneTask>> TasksFromText(const std::string& text, const std::string& name);

// Tasks in files, directories (.yaml, .yml and .json, by name) and standard input, checked against the schema. kInvalid
// has one line per problem. `notes`: receives one line per field without a value, which is left out. `config_maps`:
// receives the contents of the ConfigMaps in these files.
base::Result<std::vector<api::AutotuneTask>> LoadTasks(const std::vector<std::string>& paths, std::istream& in,
                                                       std::vector<std::string>* notes = nullptr,
                                                       ConfigMapTexts* config_maps = nullptr);
// The same for exactly one task.
base::Result<api::AutotuneTask> LoadTask(const std::vector<std::string>& paths, std::istream& in,
                                         std::vector<std::string>* notes = nullptr);

}  // namespace autotune::cli
