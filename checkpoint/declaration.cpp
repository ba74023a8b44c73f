#include "checkpoint/declaration.h"

#include <nlohmann/json.hpp>

#include "base/ascii_case.h"

namespace autotune::checkpoint {

using nlohmann::json;

namespace {

// The names of methods that checkpoints carry, by the format that the name alone means. nullptr = details decide.
struct Methods {
  const char* family;
  const char* activations;
  std::string_view names;  // separated by spaces
};

constexpr std::array kMethods = {
    Methods{nullptr, nullptr,
            "auto-round compressed-tensors fp_quant humming inc modelopt modelopt_mixed quark torchao"},
    Methods{"bnb", "none", "bitsandbytes"},
    Methods{"fp8", "fp8", "deepseek_v4_fp8 fbgemm_fp8 fp8 modelopt_fp8 w8a8_fp8"},
    Methods{"gguf", "none", "gguf"},
    Methods{"int4-wna16", "none", "auto_awq auto_gptq awq awq_marlin bitblas gptq gptq_marlin marlin moe_wna16"},
    Methods{"int8-w8a16", "none", "eetq"},
    Methods{"int8-w8a8", "int8", "blockwise_int8 w8a8_int8"},
    Methods{"mxfp4", "none", "gpt_oss_mxfp4 mxfp4"},
    Methods{"mxfp8", "mxfp8", "modelopt_mxfp8 mxfp8"},
    Methods{"nvfp4", "nvfp4", "modelopt_fp4 nvfp4"},
    Methods{"nvfp4", "none", "petit_nvfp4"},
    Methods{"other", "", "aqlm bitnet"},
    Methods{"other", "none", "hqq squeezellm"},
    Methods{"w4a8", "fp8", "w4afp8"},
};

// Calls `each` with every name of `methods` until it returns true.
template <typename Each>
bool AnyName(const Methods& methods, Each each) {
  for (std::string_view rest = methods.names; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (each(rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

const Methods* FindMethod(std::string_view name) {
  const auto found = std::ranges::find_if(kMethods, [&](const Methods& methods) {
    return AnyName(methods, [&](std::string_view one) { return one == name; });
  });
  return found == kMethods.end() ? nullptr : &*found;
}

// Formats of other runtimes, which no engine here loads on a GPU.
constexpr std::array<std::string_view, 10> kForeign = {"mlx",      "exl2",   "exl3",   "ascend", "modelslim",
                                                       "openvino", "neuron", "coreml", "onnx",   "ggml"};

void ReadBlock(const json& config, Declaration& declaration) {
  const json* size = Find(&config, "weight_block_size");
  declaration.block = BlockOf(size);
  if (size != nullptr && !declaration.block && !(size->is_array() && size->empty())) {
    declaration.notes.push_back(declaration.where +
                                ".weight_block_size is not a pair of numbers; the block is not known");
  }
}

std::string MethodOf(const json& config) {
  std::string method = base::AsciiLower(TextOf(&config, "quant_method"));
  if (method.empty()) method = base::AsciiLower(TextOf(&config, "quantization_method"));
  if (method == "auto_round" || method == "autoround" || method == "intel/auto-round") method = "auto-round";
  if (method == "compressed_tensors") method = "compressed-tensors";
  if (method == "bitsandbytes_4bit" || method == "bitsandbytes_8bit" || method == "bnb") method = "bitsandbytes";
  if (!method.empty()) return method;
  if (TrueAt(&config, "load_in_4bit") || TrueAt(&config, "load_in_8bit")) return "bitsandbytes";
  // Older exports of ModelOpt have groups as compressed-tensors writes them.
  if (Find(&config, "quant_algo") != nullptr || NamesModelOpt(&config)) return "modelopt";
  if (Find(&config, "config_groups") != nullptr) return "compressed-tensors";
  // mlx-lm writes neither a method nor anything else than the numbers, and "mode" in newer versions.
  const bool numbers = IntegerOf(&config, "bits").has_value() && IntegerOf(&config, "group_size").has_value();
  const bool integer_tools = Find(&config, "zero_point") != nullptr || Find(&config, "desc_act") != nullptr ||
                             Find(&config, "sym") != nullptr || Find(&config, "version") != nullptr;
  return numbers && !integer_tools ? "mlx" : "";
}

}  // namespace

bool NamesModelOpt(const json* config) {
  return base::AsciiLower(TextOf(FindObject(config, "producer"), "name")) == "modelopt";
}

Declaration ReadDeclaration(const json& config, const std::string& where) {
  Declaration declaration;
  declaration.where = where;
  declaration.method = MethodOf(config);
  const std::string& method = declaration.method;
  if (method.empty()) {
    declaration.method = "unknown";
    declaration.foreign = true;
    declaration.notes.push_back(where + " contains no quant_method: how its weights are quantized is not known");
    return declaration;
  }
  if (std::ranges::find(kForeign, method) != kForeign.end()) {
    declaration.foreign = true;
    return declaration;
  }
  const Methods* known = FindMethod(method);
  if (known == nullptr) {
    declaration.Both(kOther);
    declaration.notes.push_back(where + ".quant_method \"" + method + "\" is not a method this version knows");
    return declaration;
  }
  if (known->family != nullptr) declaration.Both({known->family, known->activations});
  for (const char* key :
       {"modules_to_not_convert", "ignored_layers", "llm_int8_skip_modules", "ignore", "exclude_modules"}) {
    for (const std::string& module : TextsOf(&config, key)) declaration.ignored.push_back(module);
  }
  declaration.kv_cache = KvScheme(Find(&config, "kv_cache_scheme"));
  declaration.kv_form = KvSchemeForm(Find(&config, "kv_cache_scheme"));
  if (method == "modelopt" || method == "modelopt_mixed") {
    // Newer exports put what hf_quant_config.json says into config.json, with or without the "quantization" level.
    const json* inner = FindObject(&config, "quantization");
    const json& quantization = inner != nullptr ? *inner : config;
    declaration.ignored.clear();
    if (inner == nullptr && TextOf(&config, "quant_algo").empty() && Find(&config, "config_groups") != nullptr) {
      ReadCompressedTensors(config, declaration);
    } else {
      ReadModelOpt(quantization, inner != nullptr, declaration);
      if (inner == nullptr && TextOf(&config, "quant_algo").empty()) declaration.Both(kOther);
    }
  } else if (method == "compressed-tensors") {
    declaration.ignored.clear();
    ReadCompressedTensors(config, declaration);
  } else if (method == "quark") {
    ReadQuark(config, declaration);
  } else if (method == "torchao") {
    declaration.ignored.clear();
    ReadTorchAo(config, declaration);
  } else if (method == "auto-round" || method == "inc") {
    ReadAutoRound(config, declaration);
  } else if (method == "fp_quant") {
    const std::string forward = base::AsciiLower(TextOf(&config, "forward_dtype"));
    declaration.Both(forward == "mxfp4" || forward == "nvfp4" ? StoredFormat{forward, forward} : kOther);
  } else if (method == "humming") {
    ReadHumming(config, declaration);
  } else if (method == "hqq") {
    const json* weights = FindObject(FindObject(&config, "quant_config"), "weight_quant_params");
    if (IntegerOf(weights, "nbits") == 4) declaration.block = GroupOf(IntegerOf(weights, "group_size"));
  } else if (known->family != nullptr && std::string_view(known->family) == "int4-wna16") {
    ReadIntegerWeights(config, declaration);
  }
  if (method == "fp8" || method == "deepseek_v4_fp8" || method == "blockwise_int8" || method == "mxfp8")
    ReadBlock(config, declaration);
  if (method == "fp8" || method == "deepseek_v4_fp8") {
    const std::string activations = base::AsciiLower(TextOf(&config, "activation_scheme"));
    declaration.AddScheme(ModelPart::kBoth,
                          declaration.block ? "fp8-block" + declaration.block->ToString() : "fp8-tensor",
                          activations.empty() ? "-" : "fp8-" + activations);
  } else if (method == "bitsandbytes") {
    const std::string type = TextOf(&config, "bnb_4bit_quant_type");
    const bool eight = TrueAt(&config, "load_in_8bit");
    const std::string storage = TextOf(&config, "bnb_4bit_quant_storage");
    declaration.AddScheme(ModelPart::kBoth,
                          eight          ? "int8"
                          : type.empty() ? "fp4"
                                         : type,
                          "-", storage.empty() || storage == "uint8" ? "-" : "storage-" + storage);
  }
  // These leave everything but experts alone, or experts are the part that the name speaks of.
  if (method == "mxfp4" || method == "gpt_oss_mxfp4") declaration.linear = StoredFormat{};
  if (method == "w4afp8") declaration.linear = StoredFormat{"fp8", "fp8"};
  ReadExpertsOfTheirOwn(config, declaration);
  return declaration;
}

Declaration ReadMistral(const json& quantization) {
  Declaration declaration;
  declaration.where = "params.json: quantization";
  const std::string weights = base::AsciiLower(TextOf(&quantization, "qformat_weight"));
  if (weights.starts_with("fp8")) {
    declaration.method = "fp8";
    declaration.Both({"fp8", "fp8"});
  } else {
    declaration = ReadDeclaration(quantization, declaration.where);
  }
  return declaration;
}

std::optional<Declaration> ReadLegacy(const json& file, const std::string& name) {
  json named = file;
  if (TextOf(&file, "quant_method").empty()) {
    const bool awq = Find(&file, "w_bit") != nullptr || Find(&file, "q_group_size") != nullptr;
    if (!awq && !IntegerOf(&file, "bits")) return std::nullopt;
    named["quant_method"] = awq ? "awq" : "gptq";
  }
  Declaration declaration = ReadDeclaration(named, name);
  std::string weights = "-";
  if (!declaration.schemes.empty()) {
    const std::string& text = declaration.schemes.begin()->second;
    weights = text.substr(0, text.find(' '));
  }
  declaration.AddSpecialScheme("declared", name, weights);
  declaration.notes.push_back(name + " declares " + declaration.method +
                              ", config.json does not: engines read the file only if they are told the method");
  return declaration;
}

std::optional<MethodMeaning> MeaningOfMethod(std::string_view name) {
  const Methods* known = FindMethod(name);
  if (known == nullptr) return std::nullopt;
  return MethodMeaning{known->family == nullptr ? "" : known->family,
                       known->activations == nullptr ? "" : known->activations};
}

std::string MethodNames() {
  std::set<std::string_view> names;
  for (const Methods& methods : kMethods) {
    AnyName(methods, [&](std::string_view one) { return !names.insert(one).second; });
  }
  std::string text;
  for (const std::string_view one : names) text += (text.empty() ? "" : ", ") + std::string(one);
  return text;
}

std::string KvAlgorithm(std::string_view algorithm) {
  std::string lower = base::AsciiLower(algorithm);
  if (lower.empty() || lower == "none" || lower == "null" || lower == "auto") return "none";
  if (Contains(lower, "fp4")) return "nvfp4";
  if (Contains(lower, "fp8") || Contains(lower, "float8")) return "fp8";
  if (Contains(lower, "int8")) return "int8";
  return lower;
}

std::string KvScheme(const json* scheme) {
  if (scheme == nullptr) return "none";
  if (scheme->is_string()) return KvAlgorithm(scheme->get_ref<const std::string&>());
  if (!scheme->is_object() || scheme->empty()) return "none";
  const std::optional<std::int64_t> bits = IntegerOf(scheme, "num_bits");
  if (!bits) return "unknown";
  const bool is_float = TextOf(scheme, "type") != "int";
  if (is_float) return *bits == 4 ? "nvfp4" : *bits == 8 ? "fp8" : "fp" + std::to_string(*bits);
  return "int" + std::to_string(*bits);
}

std::string KvSchemeForm(const json* scheme) {
  if (KvScheme(scheme) == "none") return "";
  return scheme->is_string() ? "text" : "scheme";
}

std::optional<WeightBlock> BlockOf(const json* shape) {
  if (shape != nullptr && shape->is_string()) {
    const std::string& text = shape->get_ref<const std::string&>();
    const std::size_t x = text.find('x');
    const json pair = x == std::string::npos ? json()
                                             : json::array({json::parse(text.substr(0, x), nullptr, false),
                                                            json::parse(text.substr(x + 1), nullptr, false)});
    return pair.is_array() ? BlockOf(&pair) : std::nullopt;
  }
  const auto sizes = IntegersOf(shape);
  const auto valid = [](std::int64_t size) { return size >= 1 && size <= kLargestBlock; };
  if (!sizes || sizes->size() != 2 || !valid((*sizes)[0]) || !valid((*sizes)[1])) return std::nullopt;
  return WeightBlock{(*sizes)[0], (*sizes)[1]};
}

std::optional<WeightBlock> GroupOf(std::optional<std::int64_t> size) {
  if (!size || *size < 1 || *size > kLargestBlock) return std::nullopt;
  return WeightBlock{1, *size};
}

}  // namespace autotune::checkpoint
