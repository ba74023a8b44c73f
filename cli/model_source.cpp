#include "cli/model_source.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/directory.h"
#include "checkpoint/python_json.h"
#include "checkpoint/quantization.h"

namespace autotune::cli {
namespace {

using checkpoint::ModelFacts;
using nlohmann::json;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Facts that a person wrote: a method without its family is understood, and a key that is no fact is noted.
base::Result<ModelFacts> FactsFromJson(const json& value) {
  auto facts = checkpoint::ModelFactsFromJson(value);
  if (!facts) return facts;
  if (!value.contains("family") && facts->quantization != "none") {
    const std::string method = std::exchange(facts->quantization, "none");
    if (const auto known = checkpoint::OverrideQuantization(*facts, method); !known) return known.error();
  }
  const json understood = checkpoint::ToJson(*facts);
  for (const auto& [key, member] : value.items()) {
    const bool nothing = member.is_null() || member.empty() || member == 0 || member == "0" || member == "none";
    if (!nothing && !understood.contains(key))
      facts->notes.push_back("\"" + key + "\" is not a known field of a model");
  }
  return facts;
}

// One or two names of letters, digits, ".", "_" and "-".
bool IsHubId(const std::string& text) {
  const auto valid = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-' || c == '/';
  };
  return !text.empty() && text.front() != '/' && text.front() != '.' && text.back() != '/' &&
         std::ranges::count(text, '/') == 1 && std::ranges::all_of(text, valid) && !text.ends_with(".json");
}

// Keys and values of one layer, as every attention of these models has them.
std::vector<checkpoint::KvCacheGroup> Caches(std::int64_t layers, std::int64_t kv_heads, std::int64_t head_dim) {
  return {{layers, kv_heads, 2 * kv_heads * head_dim, 0}};
}

}  // namespace

HubAccess HubAccess::FromEnvironment() {
  HubAccess access;
  access.token = Environment("HF_TOKEN");
  if (access.token.empty()) access.token = Environment("HUGGING_FACE_HUB_TOKEN");
  access.endpoint = Environment("HF_ENDPOINT");
  const std::string offline = Environment("HF_HUB_OFFLINE");
  access.offline = offline == "1" || offline == "ON" || offline == "YES" || offline == "TRUE" || offline == "true";
  return access;
}

base::Result<ModelFacts> ReadModelDirectory(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return base::Invalid(path.string() + ": no such file or directory");
  auto files = checkpoint::OpenDirectory(path);
  if (!files) return files.error();
  return checkpoint::ReadCheckpoint(**files);
}

base::Result<ModelFacts> ReadModelFromHub(const std::string& id, const std::string& revision, const HubAccess& access,
                                          const std::string& instead) {
  if (access.offline) return base::Invalid("the config.json of \"" + id + "\" is not available offline: " + instead);
  checkpoint::HubOptions options;
  options.model = id;
  if (!revision.empty()) options.revision = revision;
  if (!access.endpoint.empty()) options.endpoint = access.endpoint;
  options.token = access.token;
  options.how_to_give_token = "set HF_TOKEN to a token";
  options.name_of_token = "the token in HF_TOKEN";
  options.retry_delay = access.retry_delay;
  auto facts = checkpoint::ReadCheckpoint(*checkpoint::OpenHub(options));
  if (!facts) return base::Invalid(facts.error().message + " (" + instead + ")");
  return facts;
}

ModelFacts DenseModel() {
  ModelFacts model;
  model.architecture = "LlamaForCausalLM";
  model.model_type = "llama";
  model.dtype = "bfloat16";
  model.layers = model.full_attention_layers = model.dense_layers = 32;
  model.hidden_size = 4096;
  model.intermediate_size = 14336;
  model.attention_heads = 32;
  model.kv_heads = 8;
  model.head_dim = 128;
  model.experts = 0;
  model.vocab_size = 128256;
  model.max_position = 131072;
  model.weight_bytes = 16'060'522'496;
  model.caches = Caches(32, 8, 128);
  return model;
}

ModelFacts ExpertModel() {
  ModelFacts model;
  model.architecture = "Qwen3MoeForCausalLM";
  model.model_type = "qwen3_moe";
  model.dtype = "bfloat16";
  model.layers = model.full_attention_layers = model.moe_layers = 48;
  model.hidden_size = 2048;
  model.intermediate_size = 6144;
  model.attention_heads = 32;
  model.kv_heads = 4;
  model.head_dim = 128;
  model.experts = 128;
  model.experts_per_token = 8;
  model.moe_intermediate_size = 768;
  model.dense_layers = 0;
  model.vocab_size = 151936;
  model.max_position = 40960;
  model.weight_bytes = 61'064'245'248;
  model.caches = Caches(48, 4, 128);
  return model;
}

base::Result<ModelFacts> ReadModel(const std::string& text, const HubAccess& access, const std::string& instead) {
  std::error_code error;
  if (!std::filesystem::exists(text, error) && IsHubId(text)) return ReadModelFromHub(text, "", access, instead);
  if (std::filesystem::is_regular_file(text, error) && text.ends_with(".json")) {
    std::ifstream file(text, std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    const auto value = checkpoint::ParseObject(content, text);
    if (!value) return value.error();
    // Facts as `status.model` has them; a config.json has a list of architectures instead.
    if (value->contains("architecture")) {
      auto facts = FactsFromJson(*value);
      if (!facts) return base::Invalid(text + ": " + facts.error().message);
      return facts;
    }
  }
  if (!std::filesystem::exists(text, error)) {
    return base::Invalid("\"" + text + "\" is neither a file or directory here nor a hub id (OWNER/NAME)");
  }
  return ReadModelDirectory(text);
}

}  // namespace autotune::cli
