#include "quant/rules.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/sha256.h"
#include "quant/built_in_tables.h"
#include "quant/engine_table.h"

namespace autotune::quant {
namespace {

constexpr std::string_view kRulesSuffix = ".yaml";
constexpr std::string_view kFlagsSuffix = ".flags.yaml";
constexpr std::string_view kModelsSuffix = ".models.yaml";
constexpr std::string_view kVariablesSuffix = ".variables.yaml";

using Sources = std::map<std::string, EngineTable::Source>;  // by file name

Sources BuiltInSources() {
  Sources sources;
  for (const BuiltInTable& table : BuiltInTables()) {
    sources[std::string(table.name)] = {"quant/engines/" + std::string(table.name), std::string(table.text)};
  }
  return sources;
}

// The last part of an image's name: "registry:5000/vllm/vllm-openai:v0.24.0" -> "vllm-openai", a mirror's too.
std::string RepositoryOf(const std::string& image) {
  const std::string name = image.substr(0, image.find('@'));
  const std::string last = name.substr(name.rfind('/') + 1);
  return last.substr(0, last.find(':'));
}

// The tag of an image reference, or "": registry:5000/org/name:tag@sha256:...
std::string TagOf(const std::string& image) {
  const std::string name = image.substr(0, image.find('@'));
  const std::size_t colon = name.rfind(':');
  const std::size_t slash = name.rfind('/');
  if (colon == std::string::npos || (slash != std::string::npos && colon < slash)) return "";
  return name.substr(colon + 1);
}

// Images of other projects with an engine in them, whose tags are numbers of the project: Dynamo's, llm-d's, LMCache's,
// KServe's.
bool HasNumbersOfItsOwn(std::string_view image) {
  constexpr std::string_view kProjects[] = {"ai-dynamo/", "llm-d", "lmcache", "kserve", "huggingfaceserver"};
  return std::ranges::any_of(kProjects, [&](std::string_view project) { return image.find(project) != image.npos; });
}

// "v0.11.0", or behind the engine's name: "rocm6.4.1_vllm_0.10.1", "dynamo-1.4.1-vllm0.26.0". An image that is not the
// project's own (`stock`) may have a tag of its own ("0.1.3", "25.09-py3"): it counts if the image has the engine's
// name, or if the table may have such a release.
std::optional<Version> ReleaseOf(const std::string& image, const EngineTable& table, bool stock) {
  const std::string tag = TagOf(image);
  if (const auto version = Version::Parse(tag)) {
    if (!stock && HasNumbersOfItsOwn(image.substr(0, image.size() - tag.size()))) return std::nullopt;
    const bool named = RepositoryOf(image) == table.traits().engine || table.oldest() <= *version;
    return stock || (named && version->major <= table.newest().major) ? version : std::nullopt;
  }
  const std::string& engine = table.traits().engine;
  const std::size_t name = tag.find(engine);
  if (name == std::string::npos) return std::nullopt;
  const std::size_t number = tag.find_first_not_of("-_v", name + engine.size());
  return number == std::string::npos ? std::nullopt : Version::Parse(tag.substr(number));
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined;
}

}  // namespace

namespace {

struct Loaded {
  std::map<std::string, std::shared_ptr<const EngineTable>, std::less<>> tables;
  std::string version;
};

base::Result<Loaded> LoadAll(const Sources& sources) {
  Loaded loaded;
  std::string date;
  std::string contents;
  for (const auto& [name, source] : sources) {
    contents += source.text;
    if (name.ends_with(kFlagsSuffix) || name.ends_with(kModelsSuffix) || name.ends_with(kVariablesSuffix)) continue;
    const std::string engine = name.substr(0, name.size() - kRulesSuffix.size());
    const auto flags = sources.find(engine + std::string(kFlagsSuffix));
    if (flags == sources.end())
      return base::Invalid(source.file + ":1: " + engine + std::string(kFlagsSuffix) +
                           " is missing in the same directory");
    const auto optional = [&](std::string_view suffix) {
      const auto found = sources.find(engine + std::string(suffix));
      return found == sources.end() ? nullptr : &found->second;
    };
    base::Result<std::shared_ptr<const EngineTable>> table =
        EngineTable::Load(source, flags->second, optional(kModelsSuffix), optional(kVariablesSuffix));
    if (!table.ok()) return table.error();
    if ((*table)->traits().engine != engine)
      return base::Invalid(source.file + ":1: the file name is " + engine + ", but its engine is " +
                           (*table)->traits().engine);
    date = std::max(date, (*table)->date());
    loaded.tables[engine] = *std::move(table);
  }
  loaded.version = date + "+" + base::Sha256Hex(contents).substr(0, 8);
  return loaded;
}

}  // namespace

base::Result<RuleSet> RuleSet::BuiltIn() {
  base::Result<Loaded> loaded = LoadAll(BuiltInSources());
  if (!loaded.ok()) return loaded.error();
  RuleSet rules;
  rules.tables_ = std::move(loaded->tables);
  rules.version_ = std::move(loaded->version);
  return rules;
}

base::Result<RuleSet> RuleSet::FromDirectory(const std::filesystem::path& directory) {
  Sources sources = BuiltInSources();
  std::error_code error;
  std::filesystem::directory_iterator files(directory, error);
  if (error) return base::Invalid(directory.string() + ": " + error.message());
  for (const std::filesystem::directory_entry& entry : files) {
    const std::string name = entry.path().filename().string();
    // A mounted ConfigMap also holds ..data and ..timestamp.
    if (name.starts_with(".") || !name.ends_with(kRulesSuffix)) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) return base::Invalid(entry.path().string() + ": cannot be read");
    sources[name] = {entry.path().string(), std::move(text)};
  }
  base::Result<Loaded> loaded = LoadAll(sources);
  if (!loaded.ok()) return loaded.error();
  RuleSet rules;
  rules.tables_ = std::move(loaded->tables);
  rules.version_ = std::move(loaded->version);
  return rules;
}

base::Result<RuleSet> RuleSet::FromDirectoryOrBuiltIn(const std::filesystem::path& directory) {
  base::Result<RuleSet> mounted = FromDirectory(directory);
  if (mounted.ok()) return mounted;
  base::Result<RuleSet> built_in = BuiltIn();
  if (built_in.ok()) built_in->refusal_ = mounted.error().message;
  return built_in;
}

std::optional<std::string_view> RuleSet::BuiltInFile(std::string_view name) {
  for (const BuiltInTable& table : BuiltInTables()) {
    if (table.name == name) return table.text;
  }
  return std::nullopt;
}

std::vector<std::string> RuleSet::engines() const {
  std::vector<std::string> names;
  for (const auto& [name, table] : tables_) names.push_back(name);
  return names;
}

const EngineTable* RuleSet::Find(std::string_view engine) const {
  const auto found = tables_.find(engine);
  return found == tables_.end() ? nullptr : found->second.get();
}

base::Result<EngineTraits> RuleSet::Traits(std::string_view engine, const Version& version) const {
  const EngineTable* table = Find(engine);
  if (table == nullptr)
    return base::Invalid("engine \"" + std::string(engine) + "\" is not one of " + JoinNames(engines()));
  EngineTraits traits = table->traits();
  if (!table->TakesRevision(version)) traits.revision_args.clear();
  return traits;
}

base::Result<EngineRelease> RuleSet::Resolve(const std::string& engine, const std::string& image,
                                             const std::string& explicit_version) const {
  const EngineTable* table = Find(engine);
  if (table == nullptr) return base::Invalid("engine \"" + engine + "\" is not one of " + JoinNames(engines()));
  const std::string& title = table->traits().title;
  EngineRelease release;
  release.engine = engine;
  release.stock = image.empty() || RepositoryOf(image) == RepositoryOf(table->traits().default_image) ||
                  RepositoryOf(image) == RepositoryOf(table->traits().rocm_image);
  if (!explicit_version.empty()) {
    const std::optional<Version> version = Version::Parse(explicit_version);
    if (!version) return base::Invalid("version \"" + explicit_version + "\" is not a release number such as 0.24.0");
    release.version = *version;
  } else {
    const std::string& reference = image.empty() ? table->traits().default_image : image;
    const std::optional<Version> version = ReleaseOf(reference, *table, release.stock);
    if (!version) {
      release.version = table->latest();
      release.unknown = true;
      release.assumption = "the release of image " + reference + " is not known; the compatibility rules of " + title +
                           " " + release.version.ToString() + " are used; set version to use others";
      return release;
    }
    release.version = *version;
  }
  if (const Version latest = table->latest(); release.version > latest) {
    release.assumption = title + " " + release.version.ToString() +
                         " is newer than the compatibility table; the rules of " + latest.ToString() + " are used";
  } else if (release.version < table->oldest()) {
    release.assumption = title + " " + release.version.ToString() +
                         " is older than the compatibility table; the rules of " + table->oldest().ToString() +
                         " are used";
  }
  return release;
}

}  // namespace autotune::quant
