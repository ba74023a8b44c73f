#include "simulator/model_shape.h"

#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

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
    const bool word_start = i == 0 || std::isalnum(static_cast<unsigned char>(name[i - 1])) == 0 ||
                            std::tolower(static_cast<unsigned char>(name[i - 1])) == 'a';
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
    const char unit = static_cast<char>(std::tolower(static_cast<unsigned char>(*end)));
    const bool ends = unit != '\0' && std::isalnum(static_cast<unsigned char>(end[1])) == 0;
    if ((unit != 'b' && unit != 'm') || !ends || value <= 0) continue;
    const double billions = value * (unit == 'm' ? 1e-3 : 1.0);
    const bool active = i > 0 && std::tolower(static_cast<unsigned char>(name[i - 1])) == 'a' &&
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

std::string Lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Checkpoints that are quantized say so in their names by convention; without their config.json this is all there is.
void QuantizationFromName(std::string_view name, ModelShape* shape) {
  const std::string lower = Lower(name);
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
  } else if (has("-fp8")) {
    shape->checkpoint_quantization = "fp8";
    shape->checkpoint_bits = 8;
  } else if (has("gpt-oss")) {
    shape->checkpoint_quantization = "mxfp4";
    shape->checkpoint_bits = 4.25;
  }
}

void QuantizationFromConfig(const json& config, const json& quant_config, ModelShape* shape) {
  json quantization = config.value("quantization_config", json());
  if (!quantization.is_object()) quantization = config.value("compression_config", json());
  if (quantization.is_object()) {
    shape->checkpoint_quantization = quantization.value("quant_method", "");
    double bits = shape->checkpoint_quantization == "fp8" ? 8 : 4.25;
    if (quantization.contains("bits") && quantization["bits"].is_number()) bits = quantization["bits"].get<double>();
    if (shape->checkpoint_quantization == "compressed-tensors") bits = 8;
    shape->checkpoint_bits = bits;
    shape->checkpoint_fp8_kv = quantization.value("kv_cache_scheme", json()).is_object();
    return;
  }
  if (!quant_config.is_object()) return;
  const json inner = quant_config.value("quantization", json::object());
  const std::string algorithm = inner.value("quant_algo", "");
  if (algorithm.empty()) return;
  const bool four_bits = algorithm.find("FP4") != std::string::npos || algorithm.find("W4") != std::string::npos;
  shape->checkpoint_quantization = algorithm == "NVFP4" ? "modelopt_fp4" : "modelopt";
  shape->checkpoint_bits = four_bits ? 4.5 : 8;
  const json kv = inner.value("kv_cache_quant_algo", json());
  shape->checkpoint_fp8_kv = kv.is_string() && kv.get<std::string>() == "FP8";
}

}  // namespace

base::Result<ModelShape> ShapeFromConfig(const json& config, const json& quant_config) {
  const json& text = config.contains("text_config") ? config["text_config"] : config;
  const auto integer = [&](const char* name, int fallback) {
    const auto found = text.find(name);
    return found != text.end() && found->is_number() ? found->get<int>() : fallback;
  };
  ModelShape shape;
  shape.from_config = true;
  if (config.contains("architectures") && config["architectures"].is_array() && !config["architectures"].empty()) {
    shape.architecture = config["architectures"][0].get<std::string>();
  }
  shape.layers = integer("num_hidden_layers", integer("n_layer", 0));
  shape.hidden = integer("hidden_size", integer("n_embd", 0));
  shape.heads = integer("num_attention_heads", integer("n_head", 0));
  if (shape.layers <= 0) return base::Invalid("config.json: num_hidden_layers is missing");
  if (shape.hidden <= 0) return base::Invalid("config.json: hidden_size is missing");
  if (shape.heads <= 0) return base::Invalid("config.json: num_attention_heads is missing");
  shape.kv_heads = integer("num_key_value_heads", shape.heads);
  shape.head_dim = integer("head_dim", shape.hidden / shape.heads);
  shape.vocabulary = integer("vocab_size", 32000);
  shape.max_positions = integer("max_position_embeddings", 131072);
  for (const char* name : {"num_experts", "num_local_experts", "n_routed_experts"}) {
    if (shape.experts == 0) shape.experts = integer(name, 0);
  }
  shape.experts_per_token = integer("num_experts_per_tok", shape.experts > 0 ? 2 : 0);
  const int mlp = integer("intermediate_size", 4 * shape.hidden);
  std::string dtype = "bfloat16";
  for (const char* name : {"torch_dtype", "dtype"}) {
    const auto found = text.find(name);
    if (found != text.end() && found->is_string()) dtype = found->get<std::string>();
  }
  shape.dtype = dtype;
  CountParameters(&shape, {mlp, integer("moe_intermediate_size", mlp)},
                  config.value("tie_word_embeddings", text.value("tie_word_embeddings", false)));
  QuantizationFromConfig(config, quant_config, &shape);
  return shape;
}

ModelShape ShapeFromName(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const std::string_view base = slash == std::string_view::npos ? name : name.substr(slash + 1);
  NamedSize size = SizeInName(base).value_or(NamedSize{8, false});
  const std::string lower = Lower(base);
  if (lower.find("moe") != std::string::npos || lower.find("mixtral") != std::string::npos ||
      lower.find("gpt-oss") != std::string::npos) {
    size.moe = true;
  }
  ModelShape shape = FromKnown(size.moe ? Nearest(kMoe, size.billions) : Nearest(kDense, size.billions));
  QuantizationFromName(base, &shape);
  return shape;
}

base::Result<ModelShape> LoadModelShape(const std::string& id_or_path) {
  if (!id_or_path.starts_with("/") && !id_or_path.starts_with(".")) return ShapeFromName(id_or_path);
  const std::filesystem::path directory(id_or_path);
  std::ifstream file(directory / "config.json");
  if (!file) {
    return base::Error{base::Code::kNotFound,
                       "OSError: " + id_or_path +
                           " does not appear to have a file named config.json. Checkout 'https://huggingface.co/" +
                           id_or_path + "/tree/main' for available files.",
                       std::nullopt, 0};
  }
  const json config = json::parse(file, nullptr, false);
  if (!config.is_object()) return base::Invalid("OSError: " + id_or_path + "/config.json is not a valid JSON file.");
  json quant_config;
  std::ifstream quant_file(directory / "hf_quant_config.json");
  if (quant_file) quant_config = json::parse(quant_file, nullptr, false);
  return ShapeFromConfig(config, quant_config);
}

}  // namespace autotune::simulator
