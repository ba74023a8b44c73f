#include "checkpoint/model_classes.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/ascii_case.h"

namespace autotune::checkpoint {
namespace {

constexpr ModelClass Whole(std::string_view name) { return {name, true, true, std::nullopt, 1}; }
constexpr ModelClass Derived(std::string_view name) { return {name, false, true, std::nullopt, 1}; }
// Mixtures of experts of one width in every layer, or in some.
constexpr ModelClass Experts(ModelClass model, bool everywhere = true) {
  model.experts_have_mlp_width = true;
  model.experts_everywhere = everywhere;
  return model;
}

// Whole: KV heads and head_dim follow. Derived: only head_dim does (the class has a number of KV heads of its own, or
// spells it in another way).
constexpr std::array kClasses = {
    Derived("apertus"),
    Whole("aquila"),
    Derived("arcee"),
    Whole("arctic"),
    Whole("baichuan"),
    Derived("baichuanm1"),
    Derived("bailingmoe"),
    Derived("bailingmoev2"),
    Derived("bamba"),
    Whole("bloom"),
    Whole("codegen"),
    Whole("cohere"),
    Derived("cohere2"),
    Experts(Derived("dbrx")),
    Whole("deepseek"),
    Derived("dots1"),
    Derived("ernie45moe"),
    Derived("ernie45vlmoetext"),
    Derived("exaone"),
    Derived("exaone4"),
    Derived("exaone45text"),
    Derived("falcon"),
    Derived("falconh1"),
    ModelClass{"gemma", false, false, 256, 1},
    ModelClass{"gemma2", false, false, 256, 1},
    ModelClass{"gemma3text", false, false, 256, 1},
    Derived("glm4moe"),
    Derived("glm4vmoetext"),
    Derived("glm4vtext"),
    Derived("glmocrtext"),
    Whole("gpt2"),
    Derived("gptbigcode"),
    Whole("gptj"),
    Whole("gptneo"),
    Whole("gptneox"),
    Experts(ModelClass{"gptoss", false, false, 64, 1}),
    Whole("granite"),
    Experts(Whole("granitemoe")),
    Experts(Whole("granitemoehybrid"), false),
    Experts(Whole("granitemoeshared")),
    Derived("hunyuan"),
    Derived("hunyuanv1dense"),
    Derived("hunyuanv1moe"),
    Derived("hunyuanvltext"),
    Whole("internlm"),
    Derived("internlm2"),
    Derived("internlm3"),
    Whole("jais"),
    Derived("jetnemotron"),
    Experts(Derived("jamba"), false),
    Derived("lfm2"),
    Derived("lfm2moe"),
    Whole("llama"),
    Experts(ModelClass{"llama4text"}, false),
    Derived("mllamatextmodel"),
    Whole("minicpm"),
    Derived("minicpmo"),
    Derived("minicpmv"),
    Experts(ModelClass{"minimaxm2", false, false, 128, 1}),
    Experts(Derived("minimaxtext01")),
    Derived("ministral"),
    ModelClass{"ministral3", false, false, 128, 1},
    Derived("mistral"),
    Experts(Derived("mixtral")),
    ModelClass{"molmo", false, true, std::nullopt, 2},
    Whole("mpt"),
    Whole("nemotron"),
    Derived("nemotronnas"),
    Derived("decilm"),
    Whole("olmo"),
    Whole("olmo2"),
    Derived("olmo3"),
    Experts(Whole("olmoe")),
    Whole("opt"),
    Whole("orion"),
    Derived("panguembedded"),
    Whole("persimmon"),
    Whole("phi"),
    Whole("phi3"),
    Whole("phi3small"),
    Whole("phi3v"),
    Derived("phi4mm"),
    Derived("phi4multimodal"),
    Experts(Derived("phimoe")),
    ModelClass{"qwen", true, true, std::nullopt, 2},
    Derived("qwen2"),
    Derived("qwen25omnitext"),
    Derived("qwen25vl"),
    Derived("qwen25vltext"),
    Derived("qwen2moe"),
    Derived("qwen2vl"),
    Derived("qwen2vltext"),
    Derived("qwen3moe"),
    Derived("qwen3omnimoetext"),
    ModelClass{"qwen35moetext", false, false, 256, 1, false, true},
    ModelClass{"qwen3vlmoetext", false, false, std::nullopt, 1, false, true},
    Derived("smollm3"),
    Derived("solar"),
    Derived("stablelm"),
    Derived("stablelmepoch"),
    Derived("starcoder2"),
    Whole("telechat"),
    Whole("xglm"),
    Whole("xverse"),
};

// One matrix up and one down. Every other class of kClasses has a gate.
constexpr std::string_view kWithoutGate[] = {
    "apertus", "arcee",     "bloom",   "codegen",    "falcon",   "gpt2",      "gptbigcode",
    "gptj",    "gptneo",    "gptneox", "mpt",        "nemotron", "nemotronh", "nemotronhpuzzle",
    "opt",     "persimmon", "phi",     "starcoder2", "xglm",
};

}  // namespace

std::optional<std::int64_t> MlpMatrices(std::string_view class_name, std::string_view activation) {
  if (std::ranges::find(kWithoutGate, class_name) != std::end(kWithoutGate)) return 2;
  const bool listed = std::ranges::find(kClasses, class_name, &ModelClass::name) != kClasses.end();
  // No class of the engines has these without a gate.
  const bool gated = activation.starts_with("silu") || activation.starts_with("swi") || activation.starts_with("situ");
  return listed || gated || class_name.starts_with("gemma") ? std::optional<std::int64_t>(3) : std::nullopt;
}

std::optional<std::int64_t> MlpWidthFactor(std::string_view class_name) {
  constexpr std::array<std::string_view, 8> kFourTimes = {"bloom",      "codegen", "falcon", "gpt2",
                                                          "gptbigcode", "gptj",    "gptneo", "mpt"};
  if (std::ranges::find(kFourTimes, class_name) == kFourTimes.end()) return std::nullopt;
  return 4;
}

std::string ClassName(std::string_view model_type, std::string_view architecture) {
  std::string_view text = model_type;
  if (text.empty()) {
    text = architecture;
    for (const std::string_view suffix : {"ForCausalLM", "ForConditionalGeneration", "LMHeadModel", "Model"}) {
      if (text.ends_with(suffix)) {
        text.remove_suffix(suffix.size());
        break;
      }
    }
  }
  std::string name;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += base::AsciiLower(c);
  }
  return name;
}

const ModelClass* FindModelClass(std::string_view model_type, std::string_view architecture) {
  const std::string name = ClassName(model_type, architecture);
  const auto found = std::ranges::find(kClasses, name, &ModelClass::name);
  return found == kClasses.end() ? nullptr : &*found;
}

}  // namespace autotune::checkpoint
