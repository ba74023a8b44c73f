// The compatibility tables: all knowledge about engines, by release. Data in quant/engines/*.yaml, compiled in.
//
// Immutable after loading and thread-safe. Independent of engines: only reads tables. Loading an invalid table fails
// with file, line and reason; nothing is partially loaded.
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

// How an engine is started and reached; equal for all experiments of a release.
struct EngineTraits {
  std::string engine;         // "vllm", "sglang", "tensorrt-llm"
  std::string title;          // "vLLM"
  std::string default_image;  // used for spec.baseRuntime
  std::string rocm_image;     // the same release for AMD GPUs; "" = no image is certain to support all of them
  std::string health_path;    // "/health"
  // argv up to the tuned arguments, with the placeholders {model} {host} {port}: [vllm, serve, "{model}", --host, ...].
  std::vector<std::string> command;
  std::vector<std::string> revision_args;      // [--revision, "{revision}"]; empty if the release does not support it
  std::vector<std::string> options_file_args;  // [--extra_llm_api_options, "{file}"]; empty if it does not support it
  // Flags (canonical) that the operator sets itself and rejects from users: host, port, model, ...
  std::vector<std::string> reserved_flags;
  std::map<std::string, std::string> env;  // always set in the engine container
  bool prompt_logprobs = true;             // /v1/completions returns the log-probabilities of an echoed prompt
};

struct EngineRelease {
  std::string engine;
  Version version;
  // Text of the warning UnknownEngineVersion, if the version is not exactly known; else empty.
  std::string assumption;
  // True if the engine's project publishes the image. Other images may contain more, such as plug-ins.
  bool stock = true;
  // True if the version only stands in for an image of unknown content.
  bool unknown = false;
};

class EngineTable;  // one engine's parsed table; quant/engine_table.h

class RuleSet {
 public:
  // The tables compiled into the program. kInvalid only if they are defective, which tests exclude.
  static base::Result<RuleSet> BuiltIn();
  // Tables from a directory (a mounted ConfigMap): files named <engine>.yaml replace the built-in ones of that engine.
  static base::Result<RuleSet> FromDirectory(const std::filesystem::path& directory);
  // The same; if the directory is rejected, the built-in tables, with the reason in refusal().
  static base::Result<RuleSet> FromDirectoryOrBuiltIn(const std::filesystem::path& directory);
  // A built-in file to start an override from: "vllm.yaml" or "vllm.flags.yaml". nullopt if there is none.
  static std::optional<std::string_view> BuiltInFile(std::string_view name);

  // Identifies the rules in status.rulesVersion: date of the newest table plus a short content hash.
  [[nodiscard]] const std::string& version() const { return version_; }
  // Reason, with file and line, for which tables that should replace these are rejected; empty if none are.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  [[nodiscard]] std::vector<std::string> engines() const;
  // Null for an unknown engine name.
  [[nodiscard]] const EngineTable* Find(std::string_view engine) const;
  // kInvalid for an unknown engine, listing the known ones.
  [[nodiscard]] base::Result<EngineTraits> Traits(std::string_view engine, const Version& version) const;

  // The release that runs: the explicit version, else the one of the image's tag. For an unknown release, or one newer
  // than the table, the newest rules apply and `assumption` is set.
  [[nodiscard]] base::Result<EngineRelease> Resolve(const std::string& engine, const std::string& image,
                                                    const std::string& explicit_version) const;

 private:
  std::map<std::string, std::shared_ptr<const EngineTable>, std::less<>> tables_;
  std::string version_, refusal_;
};

}  // namespace autotune::quant
