// The compatibility tables: all knowledge about engines, by release. Data in quant/engines/*.yaml, compiled in.
//
// Immutable after loading and thread-safe. This file and its .cpp read tables and contain no knowledge about engines.
// Loading an invalid table fails with file, line and reason; nothing is partially loaded.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quant/version.h"

namespace autotune::quant {

// How an engine is started and reached; the same for every experiment of a release.
struct EngineTraits {
  std::string engine;         // "vllm", "sglang", "tensorrt-llm"
  std::string title;          // "vLLM"
  std::string default_image;  // used for spec.baseRuntime
  std::string rocm_image;     // the same release for AMD GPUs; "" = none is certain to fit every one of them
  std::string health_path;    // "/health"
  // argv up to the tuned arguments, with the placeholders {model} {host} {port}: [vllm, serve, "{model}", --host, ...].
  std::vector<std::string> command;
  std::vector<std::string> revision_args;      // [--revision, "{revision}"]; empty where the release has none
  std::vector<std::string> options_file_args;  // [--extra_llm_api_options, "{file}"]; empty where it has none
  // Flags (canonical) that the operator sets itself and rejects from users: host, port, model, ...
  std::vector<std::string> reserved_flags;
  std::map<std::string, std::string> env;  // always set in the engine container
  bool prompt_logprobs = true;             // /v1/completions gives the log-probabilities of an echoed prompt
};

struct EngineRelease {
  std::string engine;
  Version version;
  // Not empty when the version was not known exactly: the text of the warning (UnknownEngineVersion).
  std::string assumption;
  // Whether the image is one that the engine's project publishes. Another may have more in it, such as plug-ins.
  bool stock = true;
  // Whether the version is only a stand-in: nothing says what the image has in it.
  bool unknown = false;
};

class EngineTable;  // one engine's parsed table; quant/engine_table.h

class RuleSet {
 public:
  // The tables compiled into the program. Cannot fail in a tested build; a defect is reported as kInvalid.
  static base::Result<RuleSet> BuiltIn();
  // Tables from a directory (a mounted ConfigMap): files named <engine>.yaml replace the built-in ones of that engine.
  static base::Result<RuleSet> FromDirectory(const std::filesystem::path& directory);
  // The same; where the directory is rejected, the built-in tables with refusal() saying why.
  static base::Result<RuleSet> FromDirectoryOrBuiltIn(const std::filesystem::path& directory);
  // A built-in file, "vllm.yaml" or "vllm.flags.yaml", to start an override from. Returns nullopt if there is none.
  static std::optional<std::string_view> BuiltInFile(std::string_view name);

  // Identifies the rules in status.rulesVersion: date of the newest table plus a short content hash.
  [[nodiscard]] const std::string& version() const { return version_; }
  // Why the tables that should have replaced these are rejected, with file and line; empty when none are.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  [[nodiscard]] std::vector<std::string> engines() const;
  // Null for an unknown engine name.
  [[nodiscard]] const EngineTable* Find(std::string_view engine) const;
  // kInvalid for an unknown engine, listing the known ones.
  [[nodiscard]] base::Result<EngineTraits> Traits(std::string_view engine, const Version& version) const;

  // Which release runs: the explicit version if given, else the image's tag. For an unknown release, and one that
  // is newer than the table, the newest rules apply, and `assumption` is set.
  [[nodiscard]] base::Result<EngineRelease> Resolve(const std::string& engine, const std::string& image,
                                                    const std::string& explicit_version) const;

 private:
  std::map<std::string, std::shared_ptr<const EngineTable>, std::less<>> tables_;
  std::string version_, refusal_;
};

}  // namespace autotune::quant
