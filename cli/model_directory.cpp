#include "cli/model_directory.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace autotune::cli {
namespace {

using nlohmann::json;

base::Result<std::optional<json>> ReadJson(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::optional<json>();
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return base::Invalid(path.string() + ": is not JSON");
  return std::optional(std::move(value));
}

bool IsWeightFile(const std::filesystem::path& path) {
  const std::string extension = path.extension();
  return extension == ".safetensors" || extension == ".gguf" ||
         (extension == ".bin" && path.filename() != "training_args.bin");
}

// Facts that a person wrote: a method without its family is understood, and a key that is no fact is noted.
base::Result<quant::ModelFacts> FactsFromJson(const json& value) {
  auto facts = quant::ModelFactsFromJson(value);
  if (!facts) return facts;
  if (!value.contains("family") && facts->quantization != "none") {
    const std::string method = std::exchange(facts->quantization, "none");
    if (const auto known = quant::OverrideQuantization(*facts, method); !known) return known.error();
  }
  const json understood = quant::ToJson(*facts);
  for (const auto& [key, member] : value.items()) {
    const bool nothing = member.is_null() || member.empty() || member == 0 || member == "0";
    if (!nothing && !understood.contains(key)) facts->notes.push_back("\"" + key + "\" is no fact of a model");
  }
  return facts;
}

}  // namespace

base::Result<quant::ModelFacts> ReadModelDirectory(const std::filesystem::path& path) {
  std::error_code error;
  const bool is_directory = std::filesystem::is_directory(path, error);
  const std::filesystem::path directory = is_directory ? path : path.parent_path();
  const std::filesystem::path config_path = is_directory ? path / "config.json" : path;
  const auto config = ReadJson(config_path);
  if (!config) return config.error();
  if (!*config)
    return base::Invalid(config_path.string() + ": cannot be read; a checkpoint directory has a config.json");
  if (!(*config)->is_object()) return base::Invalid(config_path.string() + ": is not a JSON object");
  const auto hf_quant = ReadJson(directory / "hf_quant_config.json");
  if (!hf_quant) return hf_quant.error();

  quant::CheckpointFiles files;
  files.config = &**config;
  if (*hf_quant) files.hf_quant_config = &**hf_quant;
  for (const auto& entry : std::filesystem::directory_iterator(is_directory ? directory : "", error)) {
    if (entry.path().extension() == ".gguf") files.has_gguf_file = true;
    std::error_code no_size;
    const auto size = IsWeightFile(entry.path()) ? std::filesystem::file_size(entry.path(), no_size) : 0;
    if (!no_size) files.weight_bytes += static_cast<std::int64_t>(size);
  }
  auto facts = quant::ReadModelFacts(files);
  if (!facts) return base::Invalid(config_path.string() + ": " + facts.error().message);
  return facts;
}

quant::ModelFacts DenseModel() {
  quant::ModelFacts model;
  model.architecture = "LlamaForCausalLM";
  model.layers = 32;
  model.hidden_size = 4096;
  model.intermediate_size = 14336;
  model.attention_heads = 32;
  model.kv_heads = 8;
  model.head_dim = 128;
  model.vocab_size = 128256;
  model.max_position = 131072;
  model.weight_bytes = 16'060'522'496;
  return model;
}

quant::ModelFacts ExpertModel() {
  quant::ModelFacts model;
  model.architecture = "Qwen3MoeForCausalLM";
  model.layers = 48;
  model.hidden_size = 2048;
  model.intermediate_size = 6144;
  model.attention_heads = 32;
  model.kv_heads = 4;
  model.head_dim = 128;
  model.experts = 128;
  model.experts_per_token = 8;
  model.moe_intermediate_size = 768;
  model.vocab_size = 151936;
  model.max_position = 40960;
  model.weight_bytes = 61'064'245'248;
  return model;
}

base::Result<quant::ModelFacts> ReadModel(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    const auto value = ReadJson(path);
    if (!value) return value.error();
    // Facts as `status.model` has them; a config.json has a list of architectures instead.
    if (*value && (*value)->is_object() && (*value)->contains("architecture")) {
      auto facts = FactsFromJson(**value);
      if (!facts) return base::Invalid(path.string() + ": " + facts.error().message);
      return facts;
    }
  }
  return ReadModelDirectory(path);
}

}  // namespace autotune::cli
