#include "simulator/model_shape.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/ascii_case.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/directory.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

struct MlpWidths {
  int dense = 0;
  int expert = 0;
};

void CountParameters(ModelShape* shape, const MlpWidths& widths, bool tied_embeddings) {
  const double hidden = shape->hidden;
  const double attention = hidden * shape->heads * shape->head_dim * 2 + hidden * shape->kv_heads * shape->head_dim * 2;
  shape->dense_parameters = shape->layers * attention;
  if (shape->is_moe()) {
    shape->expert_parameters = static_cast<double>(shape->layers) * shape->experts * 3 * hidden * widths.expert;
    shape->dense_parameters += static_cast<double>(shape->layers) * shape->experts * hidden;  // the router
  } else {
    shape->dense_parameters += static_cast<double>(shape->layers) * 3 * hidden * widths.dense;
  }
  shape->head_parameters = hidden * shape->vocabulary;
  shape->embedding_parameters = tied_embeddings ? 0 : shape->head_parameters;
}

// Dimensions of well-known models, by total parameters: a name's size takes the nearest row.
struct KnownShape {
  double billions;
  int layers, hidden, heads, kv_heads, head_dim, mlp, vocabulary;
  int experts, experts_per_token, expert_mlp;
  bool tied;
  const char* architecture;
};
constexpr std::array<KnownShape, 7> kDense = {{
    {0.5, 24, 896, 14, 2, 64, 4864, 151936, 0, 0, 0, true, "Qwen2ForCausalLM"},
    {1.24, 16, 2048, 32, 8, 64, 8192, 128256, 0, 0, 0, true, "LlamaForCausalLM"},
    {3.2, 28, 3072, 24, 8, 128, 8192, 128256, 0, 0, 0, true, "LlamaForCausalLM"},
    // The model of the recorded speed runs (vocabulary 32000).
    {7.5, 32, 4096, 32, 8, 128, 14336, 32000, 0, 0, 0, false, "LlamaForCausalLM"},
    {14.8, 48, 5120, 40, 8, 128, 13824, 152064, 0, 0, 0, false, "Qwen2ForCausalLM"},
    {32.8, 64, 5120, 40, 8, 128, 27648, 152064, 0, 0, 0, false, "Qwen2ForCausalLM"},
    {70.6, 80, 8192, 64, 8, 128, 28672, 128256, 0, 0, 0, false, "LlamaForCausalLM"},
}};
constexpr std::array<KnownShape, 4> kMoe = {{
    {20.9, 24, 2880, 64, 8, 64, 0, 201088, 32, 4, 2880, false, "GptOssForCausalLM"},
    {30.5, 48, 2048, 32, 4, 128, 0, 151936, 128, 8, 768, false, "Qwen3MoeForCausalLM"},
    {46.7, 32, 4096, 32, 8, 128, 0, 32000, 8, 2, 14336, false, "MixtralForCausalLM"},
    {235, 94, 4096, 64, 4, 128, 0, 151936, 128, 8, 1536, false, "Qwen3MoeForCausalLM"},
}};

ModelShape FromKnown(const KnownShape& known) {
  ModelShape shape;
  shape.architecture = known.architecture;
  shape.layers = known.layers;
  shape.hidden = known.hidden;
  shape.heads = known.heads;
  shape.kv_heads = known.kv_heads;
  shape.head_dim = known.head_dim;
  shape.vocabulary = known.vocabulary;
  shape.experts = known.experts;
  shape.experts_per_token = known.experts_per_token;
  shape.max_positions = 131072;
  CountParameters(&shape, {known.mlp, known.expert_mlp}, known.tied);
  return shape;
}

template <std::size_t N>
const KnownShape& Nearest(const std::array<KnownShape, N>& shapes, double billions) {
  const KnownShape* best = &shapes.front();
  for (const KnownShape& shape : shapes) {
    // Sizes are compared as ratios: 1B is nearer to 1.24B than to 0.5B.
    if (std::abs(std::log(shape.billions / billions)) < std::abs(std::log(best->billions / billions))) best = &shape;
  }
  return *best;
}

struct NamedSize {
  double billions = 0;
  bool moe = false;
};

// Finds "8B", "0.5B", "8x7B", "30B-A3B", "500M" as whole words of the name.
std::optional<NamedSize> SizeInName(std::string_view name) {
  std::optional<NamedSize> size;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool word_start =
        i == 0 || std::isalnum(static_cast<unsigned char>(name[i - 1])) == 0 || base::AsciiLower(name[i - 1]) == 'a';
    if (!word_start || std::isdigit(static_cast<unsigned char>(name[i])) == 0) continue;
    // A decimal point belongs to the number before it.
    if (i > 0 && name[i - 1] == '.') continue;
    const std::string rest(name.substr(i));
    char* end = nullptr;
    double value = std::strtod(rest.c_str(), &end);
    double experts = 1;
    if (*end == 'x' && std::isdigit(static_cast<unsigned char>(end[1])) != 0) {
      experts = value;
      value = std::strtod(end + 1, &end);
    }
    const char unit = base::AsciiLower(*end);
    const bool ends = unit != '\0' && std::isalnum(static_cast<unsigned char>(end[1])) == 0;
    if ((unit != 'b' && unit != 'm') || !ends || value <= 0) continue;
    const double billions = value * (unit == 'm' ? 1e-3 : 1.0);
    const bool active = i > 0 && base::AsciiLower(name[i - 1]) == 'a' &&
                        (i < 2 || std::isalnum(static_cast<unsigned char>(name[i - 2])) == 0);
    if (active) {
      if (size) size->moe = true;
      continue;
    }
    if (i > 0 && std::isalnum(static_cast<unsigned char>(name[i - 1])) != 0) continue;
    // 8x7B has shared attention: about 0.83 of the product.
    if (!size) size = NamedSize{experts > 1 ? experts * billions * 0.834 : billions, experts > 1};
  }
  return size;
}

// Checkpoints that are quantized say so in their names by convention; without their config.json this is all there is.
void QuantizationFromName(std::string_view name, ModelShape* shape) {
  const std::string lower = base::AsciiLower(name);
  const auto has = [&](std::string_view word) { return lower.find(word) != std::string::npos; };
  if (has("-awq")) {
    shape->checkpoint_quantization = "awq";
    shape->checkpoint_bits = 4.25;
  } else if (has("-gptq")) {
    shape->checkpoint_quantization = "gptq";
    shape->checkpoint_bits = 4.25;
  } else if (has("w4afp8")) {
    shape->checkpoint_quantization = "w4afp8";
    shape->checkpoint_bits = 4.25;
  } else if (has("nvfp4")) {
    shape->checkpoint_quantization = "modelopt_fp4";
    shape->checkpoint_bits = 4.5;
  } else if (has("-fp8")) {
    shape->checkpoint_quantization = "fp8";
    shape->checkpoint_bits = 8;
  } else if (has("gpt-oss")) {
    shape->checkpoint_quantization = "mxfp4";
    shape->checkpoint_bits = 4.25;
  }
}

// Bits of a quantized weight with its share of the scales; of the experts where they have a format of their own, as
// they are most of the weights.
double BitsOf(const checkpoint::ModelFacts& facts) {
  const std::string& format =
      facts.experts > 0 && facts.expert_format != "none" ? facts.expert_format : facts.linear_format;
  if (format == "int4-wna16" || format == "w4a8" || format == "mxfp4" || format == "bnb") return 4.25;
  if (format == "nvfp4" || format == "gguf") return 4.5;
  return format == "none" ? 16 : 8;
}

void QuantizationOf(const checkpoint::ModelFacts& facts, ModelShape* shape) {
  if (!facts.quantized()) return;
  const bool modelopt_fp4 = facts.quantization == "modelopt" && facts.family == "nvfp4";
  shape->checkpoint_quantization = modelopt_fp4 ? "modelopt_fp4" : facts.quantization;
  shape->checkpoint_bits = BitsOf(facts);
  shape->linear_format = facts.linear_format;
  shape->expert_format = facts.expert_format;
  shape->activations = facts.activations;
  // Loaders of other methods do not hand a declared cache on, and that of ModelOpt hands on static scales alone.
  const bool is_static =
      std::ranges::none_of(facts.schemes, [](const std::string& scheme) { return scheme.starts_with("kv "); });
  const bool handed_on =
      facts.quantization == "compressed-tensors" || (facts.quantization.starts_with("modelopt") && is_static);
  shape->checkpoint_fp8_kv = facts.kv_cache == "fp8" && handed_on;
}

int Number(const checkpoint::Size& size, int otherwise) {
  return size ? static_cast<int>(std::min<std::int64_t>(*size, std::numeric_limits<int>::max())) : otherwise;
}

base::Result<ModelShape> ShapeFromFacts(const checkpoint::ModelFacts& facts) {
  ModelShape shape;
  shape.from_config = true;
  if (!facts.architecture.empty()) shape.architecture = facts.architecture;
  if (!facts.layers) return base::Invalid("config.json: num_hidden_layers is missing");
  if (!facts.hidden_size) return base::Invalid("config.json: hidden_size is missing");
  const bool attends = facts.caches != std::vector<checkpoint::KvCacheGroup>();
  if (!facts.attention_heads && attends) return base::Invalid("config.json: num_attention_heads is missing");
  shape.layers = Number(facts.layers, 0);
  shape.hidden = Number(facts.hidden_size, 0);
  // What the file leaves out is guessed here, as everything is about a model that is known by its name alone.
  shape.heads = Number(facts.attention_heads, 1);
  shape.kv_heads = Number(facts.kv_heads, shape.heads);
  shape.latent_attention = facts.latent_attention();
  shape.head_dim = Number(facts.head_dim, std::max(1, shape.hidden / shape.heads));
  shape.vocabulary = Number(facts.vocab_size, 32000);
  shape.max_positions = Number(facts.max_position, 131072);
  shape.experts = Number(facts.experts, 0);
  shape.experts_per_token = Number(facts.experts_per_token, shape.experts > 0 ? 2 : 0);
  if (!facts.dtype.empty()) shape.dtype = facts.dtype;
  const int mlp = Number(facts.intermediate_size, 4 * shape.hidden);
  CountParameters(&shape, {mlp, Number(facts.moe_intermediate_size, mlp)}, facts.tied_embeddings.value_or(false));
  if (facts.caches) {
    double elements = 0;
    for (const checkpoint::KvCacheGroup& group : *facts.caches)
      elements +=
          static_cast<double>(group.layers) * static_cast<double>(group.elements) / static_cast<double>(group.tokens);
    shape.cached_elements = elements;
  }
  QuantizationOf(facts, &shape);
  return shape;
}

}  // namespace

base::Result<ModelShape> ShapeFromConfig(const json& config, const json& quant_config) {
  checkpoint::CheckpointParts parts;
  parts.config = &config;
  if (quant_config.is_object()) parts.hf_quant_config = &quant_config;
  const auto facts = checkpoint::FactsOf(parts);
  if (!facts) return facts.error();
  return ShapeFromFacts(*facts);
}

ModelShape ShapeFromName(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const std::string_view base = slash == std::string_view::npos ? name : name.substr(slash + 1);
  NamedSize size = SizeInName(base).value_or(NamedSize{8, false});
  const std::string lower = base::AsciiLower(base);
  if (lower.find("moe") != std::string::npos || lower.find("mixtral") != std::string::npos ||
      lower.find("gpt-oss") != std::string::npos) {
    size.moe = true;
  }
  ModelShape shape = FromKnown(size.moe ? Nearest(kMoe, size.billions) : Nearest(kDense, size.billions));
  QuantizationFromName(base, &shape);
  return shape;
}

base::Result<KnownModels> KnownModelsFromText(const std::string& text) {
  KnownModels known;
  if (text.empty()) return known;
  const json models = json::parse(text, nullptr, false);
  if (!models.is_object()) return base::Invalid("is not a JSON object of facts by model");
  for (const auto& [name, value] : models.items()) {
    auto facts = checkpoint::ModelFactsFromJson(value);
    if (!facts) return base::Invalid(name + ": " + facts.error().message);
    known.emplace(name, *std::move(facts));
  }
  return known;
}

base::Result<ModelShape> LoadModelShape(const std::string& id_or_path, const KnownModels& known) {
  if (!id_or_path.starts_with("/") && !id_or_path.starts_with(".")) {
    const auto found = known.find(id_or_path);
    // Facts without dimensions are as good as none.
    if (found != known.end() && found->second.layers && found->second.hidden_size) {
      if (auto shape = ShapeFromFacts(found->second)) return shape;
    }
    return ShapeFromName(id_or_path);
  }
  const auto files = checkpoint::OpenDirectory(id_or_path);
  std::error_code error;
  const bool has_config = std::filesystem::exists(std::filesystem::path(id_or_path) / "config.json", error);
  if (!files || !has_config) {
    return base::Error{base::Code::kNotFound,
                       "OSError: " + id_or_path +
                           " does not appear to have a file named config.json. Checkout 'https://huggingface.co/" +
                           id_or_path + "/tree/main' for available files.",
                       std::nullopt, 0};
  }
  const auto facts = checkpoint::ReadCheckpoint(**files);
  if (!facts) return base::Invalid("OSError: " + id_or_path + "/config.json is not a valid JSON file.");
  return ShapeFromFacts(*facts);
}

}  // namespace autotune::simulator
