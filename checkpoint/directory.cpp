#include "checkpoint/directory.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <utility>

#include "base/ascii_case.h"
#include "checkpoint/json_keys.h"

namespace autotune::checkpoint {
namespace {

namespace fs = std::filesystem;

class Directory : public CheckpointFiles {
 public:
  // `config` stands for config.json, `only_gguf` is the one GGUF file that counts; both "" where it is a directory.
  Directory(fs::path directory, std::string config, std::string only_gguf, std::string where)
      : directory_(std::move(directory)),
        config_(std::move(config)),
        only_gguf_(std::move(only_gguf)),
        where_(std::move(where)) {}

  [[nodiscard]] const std::string& where() const override { return where_; }

  [[nodiscard]] bool OneFile() const override { return !only_gguf_.empty(); }

  [[nodiscard]] std::string NoConfigHint() const override {
    return " has no config.json: it is not a model directory; check spec.model.idOrPath";
  }

  base::Result<std::vector<FileEntry>> List() override {
    std::vector<FileEntry> files;
    std::error_code error;
    for (fs::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code no_size;
      const std::string name = entry->path().filename().string();
      const bool other_gguf = !only_gguf_.empty() && name != only_gguf_ && IsWeights(name);
      const std::uintmax_t size = fs::file_size(entry->path(), no_size);
      if (no_size || other_gguf) continue;
      files.push_back({name, static_cast<std::int64_t>(size)});
    }
    if (error) return base::Invalid(directory_.string() + ": " + error.message());
    std::ranges::sort(files, {}, &FileEntry::name);
    return files;
  }

  base::Result<std::optional<std::string>> Read(const std::string& name, std::size_t max_bytes) override {
    const fs::path path = PathOf(name);
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (!error && size > max_bytes)
      return base::Invalid(path.string() + ": has " + std::to_string(size) + " bytes, at most " +
                           std::to_string(max_bytes) + " are read");
    return ReadStart(name, max_bytes);
  }

  base::Result<std::optional<std::string>> ReadStart(const std::string& name, std::size_t bytes) override {
    const fs::path path = PathOf(name);
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
      const fs::path target = fs::read_symlink(path, error);
      if (error) return std::optional<std::string>();
      return base::Invalid(path.string() + ": is a link to " + target.string() +
                           ", which does not exist: a hub cache's snapshots need its blobs");
    }
    if (fs::is_directory(status)) return base::Invalid(path.string() + ": is a directory, not a file");
    std::ifstream file(path, std::ios::binary);
    std::string text;
    constexpr std::size_t kChunk = 64u << 10;
    while (file && text.size() < bytes) {
      const std::size_t before = text.size();
      text.resize(before + std::min(kChunk, bytes - before));
      file.read(text.data() + before, static_cast<std::streamsize>(text.size() - before));
      text.resize(before + static_cast<std::size_t>(file.gcount()));
    }
    if (file.bad() || !file.is_open()) return base::Invalid(path.string() + ": cannot be read: check its permissions");
    return std::optional(std::move(text));
  }

 private:
  static bool IsWeights(const std::string& name) {
    const std::string lower = base::AsciiLower(name);
    return lower.ends_with(".gguf") || lower.ends_with(".safetensors") || lower.ends_with(".bin");
  }
  [[nodiscard]] fs::path PathOf(const std::string& name) const {
    return directory_ / (name == "config.json" && !config_.empty() ? config_ : name);
  }

  fs::path directory_;
  std::string config_, only_gguf_, where_;
};

}  // namespace

base::Result<std::unique_ptr<CheckpointFiles>> OpenDirectory(const fs::path& path) {
  std::error_code error;
  std::unique_ptr<CheckpointFiles> files;
  if (fs::is_directory(path, error)) {
    files = std::make_unique<Directory>(path, "", "", path.string());
  } else if (!fs::is_regular_file(path, error)) {
    return base::Invalid(path.string() +
                         " is not a directory: check spec.model.idOrPath and what spec.model.volume mounts");
  } else {
    const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const std::string name = path.filename().string();
    const bool gguf = base::AsciiLower(name).ends_with(".gguf");
    files = std::make_unique<Directory>(directory, gguf ? "" : name, gguf ? name : "", path.string());
  }
  return files;
}

}  // namespace autotune::checkpoint
