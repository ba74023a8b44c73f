#include "kube/client/environment.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace kube {

namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

base::Result<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(kLargestFile + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file && !file.eof()) {
    const int reason = errno;
    base::Error error = base::Invalid(path + ": " + std::strerror(reason));
    if (reason == ENOENT || reason == ENOTDIR) error.code = base::Code::kNotFound;
    return error;
  }
  if (text.size() > kLargestFile) return base::Invalid(path + ": larger than 1 MiB");
  return text;
}

}  // namespace

Environment Environment::Real() {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (value == nullptr) return std::nullopt;
            return value;
          },
          &ReadFile};
}

}  // namespace kube
