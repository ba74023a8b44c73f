#include "operator/controller/rule_source.h"

#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

namespace autotune::controller {
namespace {

// The kubelet brings a changed ConfigMap within about a minute: looking much more often gains nothing.
constexpr base::Duration kLookInterval = std::chrono::seconds(10);

// What the directory holds, as one text. A few files of some kilobytes: comparing them is surer than their times.
std::string ContentOf(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] = std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::string content = error.message();
  for (const auto& [name, text] : files) content.append(1, '\0').append(name).append(1, '\0').append(text);
  return content;
}

}  // namespace

base::Result<std::unique_ptr<RuleSource>> RuleSource::Open(std::filesystem::path directory, base::Clock& clock) {
  std::unique_ptr<RuleSource> source(new RuleSource(std::move(directory), clock));
  if (auto loaded = source->Start(); !loaded) return loaded.error();
  return source;
}

base::Status RuleSource::Start() {
  const base::MutexLock lock(mutex_);
  return Load();
}

base::Status RuleSource::Load() {
  looked_at_ = clock_.Now();
  // Read before the tables are: what changes in between is seen the next time.
  if (!directory_.empty()) seen_ = ContentOf(directory_);
  auto rules = directory_.empty() ? quant::RuleSet::BuiltIn() : quant::RuleSet::FromDirectoryOrBuiltIn(directory_);
  if (!rules) return rules.error();
  rules_ = std::make_shared<const quant::RuleSet>(*std::move(rules));
  if (!rules_->refusal().empty()) {
    spdlog::error("Compatibility tables in {} are invalid, the built-in tables are used: {}", directory_.string(),
                  rules_->refusal());
  } else if (!directory_.empty()) {
    spdlog::info("Loaded compatibility tables from {}: {}", directory_.string(), rules_->version());
  }
  return {};
}

std::shared_ptr<const quant::RuleSet> RuleSource::Current() {
  const base::MutexLock lock(mutex_);
  if (directory_.empty() || clock_.Now() - looked_at_ < kLookInterval) return rules_;
  looked_at_ = clock_.Now();
  if (ContentOf(directory_) == seen_) return rules_;
  // The built-in tables loaded once, so they load again: this cannot fail, and if it did, what is in force would stay.
  if (const auto loaded = Load(); !loaded) spdlog::error("Compatibility tables: {}", loaded.error().message);
  return rules_;
}

}  // namespace autotune::controller
