// Reading an AutotuneTask from a file or standard input, as `kubectl get -o yaml` and people write it.
//
// The file may hold other documents and Lists; exactly one AutotuneTask counts. Errors name the file, and the line or
// the field.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::cli {

// The whole file; "-" is `in`. Bounded: no manifest is larger than 8 MiB.
base::Result<std::string> ReadFileOrStdin(const std::string& path, std::istream& in);

// The AutotuneTasks among the documents of a text, at least one.
base::Result<std::vector<api::AutotuneTask>> TasksFromText(const std::string& text, const std::string& name);

// What people wrote, in files, directories (their .yaml, .yml and .json by name) and standard input: checked against
// the schema first, every problem a line of the error.
base::Result<std::vector<api::AutotuneTask>> LoadTasks(const std::vector<std::string>& paths, std::istream& in);
// Exactly one.
base::Result<api::AutotuneTask> LoadTask(const std::vector<std::string>& paths, std::istream& in);

}  // namespace autotune::cli
