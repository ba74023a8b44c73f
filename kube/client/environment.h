// Environment: access to environment variables and files, for loading configuration and credentials.
//
// Immutable; the functions are safe to call from any thread. Tests supply maps.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace kube {

struct Environment {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // kNotFound if there is no such file; files above 1 MiB are rejected.
  std::function<base::Result<std::string>(const std::string& path)> read_file;

  // The process's own environment and file system.
  static Environment Real();
};

}  // namespace kube
