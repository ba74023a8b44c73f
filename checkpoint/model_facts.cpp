#include "checkpoint/model_facts.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "checkpoint/json_keys.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

// Notes travel in a termination message of limited size.
constexpr std::size_t kMaxNotes = 8;
constexpr std::size_t kMaxNoteLength = 200;

struct TextField {
  const char* key;
  std::string ModelFacts::*field;
};
// The parts are like the whole unless they say otherwise.
std::string LikeTheWhole(const ModelFacts& facts, const std::string ModelFacts::*field) {
  if (field == &ModelFacts::linear_format) return facts.family;
  if (field == &ModelFacts::expert_format) return facts.experts == 0 ? "none" : facts.family;
  return facts.quantized() ? "" : "none";
}
constexpr std::array kParts = {
    TextField{"linearFormat", &ModelFacts::linear_format},
    TextField{"expertFormat", &ModelFacts::expert_format},
    TextField{"activations", &ModelFacts::activations},
};

constexpr std::array kTexts = {
    TextField{"architecture", &ModelFacts::architecture},
    TextField{"modelType", &ModelFacts::model_type},
    TextField{"languageClass", &ModelFacts::language_class},
    TextField{"classVersion", &ModelFacts::class_version},
    TextField{"dtype", &ModelFacts::dtype},
    TextField{"verifier", &ModelFacts::verifier},
    TextField{"draftMethod", &ModelFacts::draft_method},
    TextField{"commit", &ModelFacts::commit},
    TextField{"quantization", &ModelFacts::quantization},
    TextField{"family", &ModelFacts::family},
    TextField{"kvCache", &ModelFacts::kv_cache},
    TextField{"kvForm", &ModelFacts::kv_form},
};

struct SizeField {
  const char* key;
  Size ModelFacts::*field;
};
constexpr std::array kSizes = {
    SizeField{"draftTokens", &ModelFacts::draft_tokens},
    SizeField{"layers", &ModelFacts::layers},
    SizeField{"hiddenSize", &ModelFacts::hidden_size},
    SizeField{"intermediateSize", &ModelFacts::intermediate_size},
    SizeField{"mlpMatrices", &ModelFacts::mlp_matrices},
    SizeField{"mambaWidth", &ModelFacts::mamba_width},
    SizeField{"mambaHeads", &ModelFacts::mamba_heads},
    SizeField{"mambaGroups", &ModelFacts::mamba_groups},
    SizeField{"attentionHeads", &ModelFacts::attention_heads},
    SizeField{"queryHeadsDivisor", &ModelFacts::query_heads_divisor},
    SizeField{"queryHeadsTotal", &ModelFacts::query_heads_total},
    SizeField{"kvHeads", &ModelFacts::kv_heads},
    SizeField{"headDim", &ModelFacts::head_dim},
    SizeField{"vHeadDim", &ModelFacts::v_head_dim},
    SizeField{"linearValueHeads", &ModelFacts::linear_value_heads},
    SizeField{"qkvParts", &ModelFacts::qkv_parts},
    SizeField{"vocabSize", &ModelFacts::vocab_size},
    SizeField{"maxPosition", &ModelFacts::max_position},
    SizeField{"weightBytes", &ModelFacts::weight_bytes},
    SizeField{"draftBytes", &ModelFacts::draft_bytes},
    SizeField{"visionHiddenSize", &ModelFacts::vision_hidden_size},
    SizeField{"visionIntermediateSize", &ModelFacts::vision_intermediate_size},
    SizeField{"experts", &ModelFacts::experts},
    SizeField{"expertsPerToken", &ModelFacts::experts_per_token},
    SizeField{"sharedExperts", &ModelFacts::shared_experts},
    SizeField{"moeIntermediateSize", &ModelFacts::moe_intermediate_size},
    SizeField{"moeLatentSize", &ModelFacts::moe_latent_size},
    SizeField{"sharedIntermediateSize", &ModelFacts::shared_intermediate_size},
    SizeField{"moeLayers", &ModelFacts::moe_layers},
    SizeField{"denseLayers", &ModelFacts::dense_layers},
    SizeField{"qLoraRank", &ModelFacts::q_lora_rank},
    SizeField{"kvLoraRank", &ModelFacts::kv_lora_rank},
    SizeField{"qkRopeHeadDim", &ModelFacts::qk_rope_head_dim},
    SizeField{"qkNopeHeadDim", &ModelFacts::qk_nope_head_dim},
    SizeField{"indexTopK", &ModelFacts::index_top_k},
    SizeField{"fullAttentionLayers", &ModelFacts::full_attention_layers},
    SizeField{"slidingAttentionLayers", &ModelFacts::sliding_attention_layers},
    SizeField{"linearAttentionLayers", &ModelFacts::linear_attention_layers},
    SizeField{"mambaLayers", &ModelFacts::mamba_layers},
    SizeField{"slidingWindow", &ModelFacts::sliding_window},
};

json GroupJson(const KvCacheGroup& group) {
  json value = {{"layers", group.layers}, {"kvHeads", group.kv_heads}, {"elements", group.elements}};
  if (group.window != 0) value["window"] = group.window;
  if (group.tokens != 1) value["tokens"] = group.tokens;
  if (group.bits != 0) value["bits"] = group.bits;
  return value;
}

std::optional<std::vector<KvCacheGroup>> GroupsFrom(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<KvCacheGroup> groups;
  for (const json& group : value) {
    const auto number = [&](const char* key) { return IntegerOf(&group, key).value_or(-1); };
    const auto or_else = [&](const char* key, std::int64_t otherwise) {
      return Find(&group, key) == nullptr ? otherwise : number(key);
    };
    const KvCacheGroup read{number("layers"),     number("kvHeads"),    number("elements"),
                            or_else("window", 0), or_else("tokens", 1), or_else("bits", 0)};
    if (read.layers < 0 || read.kv_heads < 0 || read.elements < 0 || read.window < 0 || read.tokens < 1 ||
        read.bits < 0)
      return std::nullopt;
    groups.push_back(read);
  }
  return groups;
}

std::optional<WeightBlock> BlockFromText(std::string_view text) {
  const std::size_t x = text.find('x');
  if (x == std::string_view::npos) return std::nullopt;
  const json rows = json::parse(text.substr(0, x), nullptr, false);
  const json columns = json::parse(text.substr(x + 1), nullptr, false);
  const auto one = WholeNumber(rows), other = WholeNumber(columns);
  constexpr std::int64_t kLargestSide = 1 << 20;
  if (!one || !other || *one < 1 || *other < 1 || *one > kLargestSide || *other > kLargestSide) return std::nullopt;
  return WeightBlock{*one, *other};
}

// Words in the names of modules, by what they are a part of.
struct PartWords {
  std::string_view part;
  std::vector<std::string_view> words;
};
const PartWords kPartWords[] = {{"attention", {"attn", "q_proj", "k_proj", "v_proj", "o_proj", "qkv", "attention"}},
                                {"firstLayer", {"layers.0"}},
                                {"mlp", {"mlp", "up_proj", "gate_proj", "down_proj", "feed_forward", "ffn"}},
                                {"mlpOutput", {"mlp", "down_proj", "ffn"}},
                                {"vision", {}},
                                {"linearGates", {"in_proj", "linear_a", ".*attn", "*attn"}}};

// No quantization changes these, so that a list which names them says nothing about the layers beside them.
bool IsNorm(std::string_view module) {
  module = module.substr(0, module.find(" and "));
  return module.substr(module.rfind('.') + 1).find("norm") != std::string_view::npos;
}

std::vector<std::string> EveryIgnoredPart() {
  std::vector<std::string> parts;
  for (const PartWords& row : kPartWords) parts.emplace_back(row.part);
  return parts;
}

}  // namespace

std::string WeightBlock::ToString() const { return std::to_string(rows) + "x" + std::to_string(columns); }

void AddNote(ModelFacts& facts, std::string note) {
  if (facts.notes.size() >= kMaxNotes) return;
  for (const std::string& other : facts.notes) {
    if (other == note) return;
  }
  if (note.size() > kMaxNoteLength) {
    std::size_t end = kMaxNoteLength;
    while (end > 0 && (static_cast<unsigned char>(note[end]) & 0xC0) == 0x80) --end;  // not within a character
    note.resize(end);
  }
  facts.notes.push_back(std::move(note));
}

bool IsCommit(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::vector<std::string> IgnoredPartsOf(const std::vector<std::string>& modules) {
  std::vector<std::string> parts;
  for (const PartWords& row : kPartWords) {
    const bool some = std::ranges::any_of(modules, [&](const std::string& module) {
      const auto has = [&](std::string_view word) { return module.find(word) != std::string::npos; };
      const bool router = has("gate") && !has("gate_proj") && !has("gate_up");
      const bool vision = has("visual") || has("vision");
      if (row.part == "vision") return vision;
      return !router && !vision && !IsNorm(module) && !has("audio") && std::ranges::any_of(row.words, has);
    });
    if (some) parts.emplace_back(row.part);
  }
  return parts;
}

json ToJson(const ModelFacts& facts) {
  json value = json::object();
  for (const TextField& text : kTexts) {
    if (!(facts.*text.field).empty()) value[text.key] = facts.*text.field;
  }
  for (const TextField& part : kParts) {
    if (facts.*part.field != LikeTheWhole(facts, part.field)) value[part.key] = facts.*part.field;
  }
  for (const SizeField& size : kSizes) {
    if (const Size& number = facts.*size.field) value[size.key] = *number;
  }
  if (facts.config_type != facts.model_type) value["configType"] = facts.config_type;
  if (facts.remote_code) value["remoteCode"] = true;
  if (facts.remote_tokenizer) value["remoteTokenizer"] = true;
  if (facts.pooling) value["pooling"] = true;
  if (facts.one_file) value["oneFile"] = true;
  if (facts.native_config) value["nativeConfig"] = true;
  if (facts.native_only) value["nativeOnly"] = true;
  if (facts.method_in_config) value["methodInConfig"] = true;
  if (facts.plain_shared_experts) value["plainSharedExperts"] = true;
  // Text, because it exceeds what a JSON reader that uses doubles can hold for the largest checkpoints.
  if (facts.weight_bytes) value["weightBytes"] = std::to_string(*facts.weight_bytes);
  if (facts.draft_bytes) value["draftBytes"] = std::to_string(*facts.draft_bytes);
  if (facts.tied_embeddings) value["tiedEmbeddings"] = *facts.tied_embeddings;
  if (facts.weight_block) value["weightBlock"] = facts.weight_block->ToString();
  if (!facts.ignored_modules.empty()) value["ignoredModules"] = facts.ignored_modules;
  if (facts.ignored_left_out > 0) value["ignoredModulesLeftOut"] = facts.ignored_left_out;
  // A list that is whole says the same; names may be left out or cut.
  if (facts.ignored_left_out > 0 || facts.ignored_parts != IgnoredPartsOf(facts.ignored_modules)) {
    value["ignoredParts"] = facts.ignored_parts;
  }
  if (!facts.schemes.empty()) value["schemes"] = facts.schemes;
  if (!facts.tensors.empty()) value["tensors"] = facts.tensors;
  if (!facts.gguf_types.empty()) value["ggufTypes"] = facts.gguf_types;
  if (facts.caches) {
    json& groups = value["kvCacheGroups"] = json::array();
    for (const KvCacheGroup& group : *facts.caches) groups.push_back(GroupJson(group));
  }
  for (const KvCacheGroup& group : facts.index_caches) value["indexCacheGroups"].push_back(GroupJson(group));
  if (!facts.notes.empty()) value["notes"] = facts.notes;
  return value;
}

base::Result<ModelFacts> ModelFactsFromJson(const json& value) {
  if (!value.is_object()) return base::Invalid("model facts: must be an object");
  ModelFacts facts;
  const auto wrong = [](const std::string& key, const char* what) {
    return base::Invalid("model facts: " + key + ": must be " + what);
  };
  for (const TextField& text : kTexts) {
    const json* found = Find(&value, text.key);
    if (found == nullptr) continue;
    if (!found->is_string()) return wrong(text.key, "a string");
    facts.*text.field = found->get<std::string>();
  }
  facts.config_type = facts.model_type;
  if (const json* whole = Find(&value, "configType")) {
    if (!whole->is_string()) return wrong("configType", "a string");
    facts.config_type = whole->get<std::string>();
  }
  for (const auto& [key, field] :
       {std::pair{"remoteCode", &ModelFacts::remote_code}, std::pair{"pooling", &ModelFacts::pooling},
        std::pair{"oneFile", &ModelFacts::one_file}, std::pair{"nativeOnly", &ModelFacts::native_only},
        std::pair{"nativeConfig", &ModelFacts::native_config},
        std::pair{"remoteTokenizer", &ModelFacts::remote_tokenizer},
        std::pair{"methodInConfig", &ModelFacts::method_in_config},
        std::pair{"plainSharedExperts", &ModelFacts::plain_shared_experts}}) {
    const json* said = Find(&value, key);
    if (said == nullptr) continue;
    if (!said->is_boolean()) return wrong(key, "true or false");
    facts.*field = said->get<bool>();
  }
  if (!facts.commit.empty() && !IsCommit(facts.commit)) return wrong("commit", "40 hexadecimal digits");
  for (const SizeField& size : kSizes) {
    const json* found = Find(&value, size.key);
    if (found == nullptr) continue;
    Size number = WholeNumber(*found);
    if (found->is_string()) {
      const json parsed = json::parse(found->get_ref<const std::string&>(), nullptr, false);
      number = parsed.is_discarded() ? Size() : WholeNumber(parsed);
    }
    if (!number || *number < 0) return wrong(size.key, "a non-negative integer");
    facts.*size.field = number;
  }
  for (const TextField& part : kParts) {
    const json* found = Find(&value, part.key);
    if (found != nullptr && !found->is_string()) return wrong(part.key, "a string");
    facts.*part.field = found == nullptr ? LikeTheWhole(facts, part.field) : found->get<std::string>();
  }
  if (const json* tied = Find(&value, "tiedEmbeddings")) {
    if (!tied->is_boolean()) return wrong("tiedEmbeddings", "true or false");
    facts.tied_embeddings = tied->get<bool>();
  }
  if (const json* block = Find(&value, "weightBlock")) {
    if (!block->is_string()) return wrong("weightBlock", "a string such as 128x128");
    if (*block != "none") {
      facts.weight_block = BlockFromText(block->get_ref<const std::string&>());
      if (!facts.weight_block) return wrong("weightBlock", "a string such as 128x128");
    }
  }
  const auto texts = [&](const char* key, std::vector<std::string>& target) {
    const json* list = Find(&value, key);
    if (list == nullptr) return true;
    if (!list->is_array()) return false;
    for (const json& text : *list) {
      if (!text.is_string()) return false;
      target.push_back(text.get<std::string>());
    }
    return true;
  };
  if (const json* more = Find(&value, "ignoredModulesLeftOut")) {
    const auto count = WholeNumber(*more);
    if (!count || *count < 0) return wrong("ignoredModulesLeftOut", "a whole number of at least 0");
    facts.ignored_left_out = *count;
  }
  if (!texts("ignoredModules", facts.ignored_modules)) return wrong("ignoredModules", "a list of strings");
  if (!texts("ignoredParts", facts.ignored_parts)) return wrong("ignoredParts", "a list of strings");
  // A list that is cut may have named every part, and what is not known is not checked.
  if (Find(&value, "ignoredParts") == nullptr)
    facts.ignored_parts = facts.ignored_left_out > 0 ? EveryIgnoredPart() : IgnoredPartsOf(facts.ignored_modules);
  if (!texts("schemes", facts.schemes)) return wrong("schemes", "a list of strings");
  if (!texts("tensors", facts.tensors)) return wrong("tensors", "a list of strings");
  if (!texts("ggufTypes", facts.gguf_types)) return wrong("ggufTypes", "a list of strings");
  std::vector<std::string> notes;
  if (!texts("notes", notes)) return wrong("notes", "a list of strings");
  for (std::string& note : notes) AddNote(facts, std::move(note));
  constexpr const char* kGroup = "a list of objects with layers, kvHeads and elements";
  if (const json* groups = Find(&value, "kvCacheGroups")) {
    facts.caches = GroupsFrom(*groups);
    if (!facts.caches) return wrong("kvCacheGroups", kGroup);
  }
  if (const json* groups = Find(&value, "indexCacheGroups")) {
    auto read = GroupsFrom(*groups);
    if (!read) return wrong("indexCacheGroups", kGroup);
    facts.index_caches = *std::move(read);
  }
  return facts;
}

}  // namespace autotune::checkpoint
