#include "bench/inspect.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "bench/bench_run.h"
#include "bench/clean_text.h"
#include "bench/hub_client.h"

namespace autotune::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kMaxConfig = 4u << 20;
constexpr std::size_t kMaxIndex = 64u << 20;  // one line per tensor: 8 MB for models with 256 experts
constexpr int kAttempts = 3;
constexpr const char* kIndexFiles[] = {"model.safetensors.index.json", "pytorch_model.bin.index.json"};
constexpr const char* kWeightFiles[] = {"model.safetensors", "pytorch_model.bin"};

InspectOutcome Unreadable(const std::string& message, int http_status, int exit_code = kExitConfigurationFailed) {
  InspectOutcome outcome;
  outcome.result.failure = Failure{FailureReason::kModelUnreadable, message, 0, http_status};
  outcome.exit_code = exit_code;
  return outcome;
}

// metadata.total_size of a weight index, 0 when it does not say.
std::int64_t TotalSize(const std::string& text) {
  const json index = json::parse(text, nullptr, false);
  if (!index.is_object() || !index.contains("metadata") || !index["metadata"].is_object()) return 0;
  const json& metadata = index["metadata"];
  // Some tools write it as 1.6e10.
  if (!metadata.contains("total_size") || !metadata["total_size"].is_number()) return 0;
  const double size = metadata["total_size"].get<double>();
  return size > 0 && size < 9e18 ? static_cast<std::int64_t>(size) : 0;
}

// Both sources end here. `where` names the model in messages.
InspectOutcome FromFiles(const std::string& where, const std::string& config_text,
                         const std::optional<std::string>& hf_quant_text, bool has_gguf, std::int64_t weight_bytes) {
  const json config = json::parse(config_text, nullptr, false);
  if (!config.is_object()) {
    return Unreadable(
        where + ": config.json is not a JSON object; it begins with \"" + CleanText(config_text, 60) + "\"", 0);
  }
  json hf_quant;
  if (hf_quant_text) {
    hf_quant = json::parse(*hf_quant_text, nullptr, false);
    if (!hf_quant.is_object()) return Unreadable(where + ": hf_quant_config.json is not a JSON object", 0);
  }
  quant::CheckpointFiles files;
  files.config = &config;
  files.hf_quant_config = hf_quant_text ? &hf_quant : nullptr;
  files.has_gguf_file = has_gguf;
  files.weight_bytes = weight_bytes;
  auto facts = quant::ReadModelFacts(files);
  if (!facts) return Unreadable(where + ": " + facts.error().message, 0);
  InspectOutcome outcome;
  outcome.result.model = *std::move(facts);
  if (weight_bytes == 0) outcome.result.model.notes.push_back("the size of the weights is not known");
  return outcome;
}

std::optional<std::string> ReadSmallFile(const fs::path& path, std::size_t max_bytes) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file || size > max_bytes) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

InspectOutcome InspectDirectory(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return Unreadable(directory + " is not a directory: check spec.model.idOrPath and what spec.model.volume mounts",
                      0);
  }
  std::int64_t safetensors = 0, pytorch = 0, gguf = 0;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code size_error;
    const auto size = static_cast<std::int64_t>(fs::file_size(entry->path(), size_error));
    if (size_error) continue;
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".safetensors")) safetensors += size;
    if (name.ends_with(".gguf")) gguf += size;
    if (name.starts_with("pytorch_model") && name.ends_with(".bin")) pytorch += size;
  }
  if (error) return Unreadable(directory + ": " + error.message(), 0);
  const fs::path root(directory);
  if (!fs::exists(root / "config.json", error)) {
    return Unreadable(directory + " has no config.json" +
                          (gguf > 0 ? ": for a GGUF file alone give its config in spec.model.facts"
                                    : ": it is not a model directory; check spec.model.idOrPath"),
                      0);
  }
  const auto config = ReadSmallFile(root / "config.json", kMaxConfig);
  if (!config) return Unreadable(directory + "/config.json cannot be read: check its permissions", 0);
  std::optional<std::string> hf_quant;
  if (fs::exists(root / "hf_quant_config.json", error)) {
    hf_quant = ReadSmallFile(root / "hf_quant_config.json", kMaxConfig);
    if (!hf_quant) return Unreadable(directory + "/hf_quant_config.json cannot be read: check its permissions", 0);
  }
  std::int64_t bytes = 0;
  for (const char* name : kIndexFiles) {
    if (bytes == 0) bytes = TotalSize(ReadSmallFile(root / name, kMaxIndex).value_or(""));
  }
  for (const std::int64_t sum : {safetensors, pytorch, gguf}) {
    if (bytes == 0) bytes = sum;
  }
  return FromFiles(directory, *config, hf_quant, gguf > 0 && safetensors == 0 && pytorch == 0, bytes);
}

std::string PercentEncoded(const std::string& text, std::string_view keep) {
  std::string out;
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        keep.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

class HubInspection {
 public:
  explicit HubInspection(const InspectOptions& options)
      : options_(options), hub_(options.token, options.timeout), where_(options.model + " at " + options.endpoint) {
    std::string endpoint = options.endpoint;
    while (endpoint.ends_with('/')) endpoint.pop_back();
    base_ = endpoint + "/" + PercentEncoded(options.model, "/-._~") + "/resolve/" +
            PercentEncoded(options.revision.empty() ? "main" : options.revision, "-._~") + "/";
  }

  InspectOutcome Run() {
    const auto config = Ask(base_ + "config.json", kMaxConfig);
    if (!config) return Unreachable(config.error());
    if (config->status != 200) return Refused(*config);
    const auto hf_quant = Ask(base_ + "hf_quant_config.json", kMaxConfig);
    if (!hf_quant) return Unreachable(hf_quant.error());
    if (hf_quant->status != 200 && hf_quant->status != 404) return Refused(*hf_quant);
    std::int64_t bytes = 0;
    for (const char* name : kIndexFiles) {
      if (bytes > 0) break;
      const auto index = Ask(base_ + name, kMaxIndex);
      if (!index) return Unreachable(index.error());
      if (index->status == 200) bytes = TotalSize(index->body);
    }
    for (const char* name : kWeightFiles) {
      if (bytes > 0) break;
      const auto head = Ask(base_ + name, std::nullopt);
      if (!head) return Unreachable(head.error());
      if (head->status == 200) bytes = head->linked_size.value_or(head->length.value_or(0));
    }
    return FromFiles(where_, config->body, hf_quant->status == 200 ? std::optional(hf_quant->body) : std::nullopt,
                     false, bytes);
  }

 private:
  // GET, or HEAD without a limit; a hub that is busy or not there for a moment is asked again.
  base::Result<HubAnswer> Ask(const std::string& url, std::optional<std::size_t> max_bytes) {
    auto delay = options_.retry_delay;
    for (int attempt = 1;; ++attempt) {
      auto answer = max_bytes ? hub_.Get(url, *max_bytes) : hub_.Head(url);
      const bool again =
          answer ? answer->status == 429 || answer->status >= 500 : answer.error().code == base::Code::kRetry;
      if (!again || attempt == kAttempts || options_.told_to_end()) return answer;
      clock_.SleepFor(delay, {});
      delay *= 2;
    }
  }

  static InspectOutcome Unreachable(const base::Error& error) {
    // Nothing that was asked for is wrong, as far as anybody knows: infrastructure.
    return Unreadable("the hub cannot be read: " + error.message, 0,
                      error.code == base::Code::kRetry ? kExitInfrastructure : kExitConfigurationFailed);
  }

  InspectOutcome Refused(const HubAnswer& answer) const {
    const std::string status = " (HTTP " + std::to_string(answer.status) + ")";
    const std::string token_hint = options_.token.empty()
                                       ? "name a secret with a token in spec.model.huggingFace.tokenSecretRef"
                                       : "the token in spec.model.huggingFace.tokenSecretRef has no access";
    const bool gated = answer.error_code == "GatedRepo" || answer.status == 403;
    if (gated) {
      return Unreadable(where_ + " is gated" + status + ": accept its conditions on the hub, and " + token_hint,
                        answer.status);
    }
    if (answer.status == 401) {
      // The hub does not tell strangers whether a private model exists.
      return Unreadable(
          where_ + " does not exist or is private" + status + ": check spec.model.idOrPath, or " + token_hint,
          answer.status);
    }
    if (answer.status == 404 && answer.error_code == "RevisionNotFound") {
      return Unreadable(
          where_ + " has no revision \"" + options_.revision + "\"" + status + ": check spec.model.revision",
          answer.status);
    }
    if (answer.status == 404 && answer.error_code == "EntryNotFound") {
      return Unreadable(where_ + " has no config.json" + status + ": give the model's config in spec.model.facts",
                        answer.status);
    }
    if (answer.status == 404) {
      return Unreadable(where_ + " does not exist" + status + ": check spec.model.idOrPath and spec.model.revision",
                        answer.status);
    }
    const bool busy = answer.status == 429 || answer.status >= 500;
    return Unreadable(where_ + " cannot be read" + status +
                          (answer.error_message.empty() ? "" : ": " + CleanText(answer.error_message, 200)),
                      answer.status, busy ? kExitInfrastructure : kExitConfigurationFailed);
  }

  const InspectOptions& options_;
  HubClient hub_;
  std::string where_, base_;
  base::RealClock clock_;
};

}  // namespace

InspectOutcome Inspect(const InspectOptions& options) {
  return options.model.starts_with('/') ? InspectDirectory(options.model) : HubInspection(options).Run();
}

}  // namespace autotune::bench
