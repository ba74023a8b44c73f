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

// Exactly one.
base::Result<api::AutotuneTask> LoadTask(const std::string& path, std::istream& in);

}  // namespace autotune::cli
