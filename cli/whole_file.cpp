#include "cli/whole_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

namespace autotune::cli {
namespace {

base::Error CannotWrite(const std::filesystem::path& path, std::string_view why) {
  return base::Invalid(path.string() + ": cannot be written: " + std::string(why));
}

// Errors of an open or a write; "" where there is none.
std::string WriteTo(const std::filesystem::path& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  return file.flush() ? "" : std::strerror(errno);
}

// /dev/null, /dev/stdout, a named pipe: renaming a file over one would take it away from everybody.
bool IsDevice(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
         !std::filesystem::is_directory(status);
}

}  // namespace

base::Status WriteWholeFile(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return CannotWrite(path, "it is a directory");
  const bool device = IsDevice(path);
  const std::filesystem::path written = device ? path : std::filesystem::path(path.string() + ".new");
  std::string why = WriteTo(written, text);
  if (device) return why.empty() ? base::Status() : CannotWrite(path, why);
  if (why.empty()) {
    std::filesystem::rename(written, path, error);
    if (!error) return {};
    why = error.message();
  }
  std::filesystem::remove(written, error);
  return CannotWrite(path, why);
}

base::Status CheckWritable(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return CannotWrite(path, "it is a directory");
  if (IsDevice(path)) return {};
  const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (access(directory.c_str(), W_OK | X_OK) != 0) return CannotWrite(path, std::strerror(errno));
  return {};
}

}  // namespace autotune::cli
