#include "cli/whole_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace autotune::cli {

base::Status WriteWholeFile(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path temporary = path.string() + ".new";
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) return base::Invalid(path.string() + ": cannot be written: " + std::strerror(errno));
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) return base::Invalid(path.string() + ": cannot be written: " + error.message());
  return {};
}

}  // namespace autotune::cli
