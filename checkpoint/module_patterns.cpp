#include "checkpoint/module_patterns.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "base/ascii_case.h"
#include "checkpoint/json_keys.h"

namespace autotune::checkpoint {
namespace {

// "model.layers.17.mlp" -> "model.layers.*.mlp".
std::string WithoutNumbers(std::string_view pattern) {
  std::string general;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(pattern[i])) != 0;
    const bool starts_word = i == 0 || pattern[i - 1] == '.';
    if (!digit || !starts_word) {
      general += pattern[i];
      continue;
    }
    std::size_t end = i;
    while (end < pattern.size() && std::isdigit(static_cast<unsigned char>(pattern[end])) != 0) ++end;
    const bool whole = end == pattern.size() || pattern[end] == '.' || pattern[end] == '*';
    general += whole ? "*" : pattern.substr(i, end - i);
    i = end - 1;
  }
  return general;
}

// Whether a pattern picks layers by a choice of numbers: "layers.(0|1)", "layers.[0-9]", "layers.1.*".
bool NamesSomeLayers(std::string_view pattern) {
  for (const std::string_view word : {"layers.", ".h.", "blocks."}) {
    const std::size_t at = pattern.find(word);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = pattern.substr(at + word.size());
    const std::size_t start = rest.find_first_not_of("([?:");
    if (start != std::string_view::npos && std::isdigit(static_cast<unsigned char>(rest[start])) != 0) return true;
  }
  return false;
}

// "mlp.shared_expert", Step's "share_expert", Hunyuan's "shared_mlp".
bool NamesSharedExperts(std::string_view lower) {
  return Contains(lower, "shared_expert") || Contains(lower, "share_expert") || Contains(lower, "shared_mlp");
}

// What remains of a pattern behind `word`, without a regular expression's signs; nullopt if the word is not in it.
std::optional<std::string> Behind(const std::string& name, std::string_view word) {
  const std::size_t at = name.rfind(word);
  if (at == std::string::npos) return std::nullopt;
  std::string rest;
  for (const char c : name.substr(at + word.size())) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') rest += c;
  }
  return rest;
}
// `fused`: the projections of `group` that engines compute together; `other`: the rest of them.
void AddUnlisted(const std::vector<std::string>& listed, std::string_view group, std::string_view fused,
                 std::string_view other, Unlisted& out) {
  std::vector<std::string> names;
  for (const std::string& name : listed) {
    if (Contains(name, group)) names.push_back(name);
  }
  if (names.empty()) {
    out.modules.emplace_back(group);
    return;
  }
  const auto words = [](std::string_view text) {
    std::vector<std::string> list;
    for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
      end = std::min(text.find(' '), text.size());
      list.emplace_back(text.substr(0, end));
    }
    return list;
  };
  const std::vector<std::string> first = words(fused), rest = words(other);
  const auto last_word = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
  const auto among = [](const std::vector<std::string>& list, const std::string& word) {
    return std::ranges::find(list, word) != list.end();
  };
  std::set<std::string> present;
  for (const std::string& name : names) {
    // The whole group, or projections of other names.
    if (!among(first, last_word(name)) && !among(rest, last_word(name))) return;
    present.insert(last_word(name));
  }
  std::size_t of_fused = 0;
  for (const std::string& word : first) {
    if (present.contains(word)) ++of_fused;
    if (!present.contains(word)) out.modules.push_back(std::string(group) + "." + word);
  }
  for (const std::string& word : rest) {
    if (!present.contains(word)) out.modules.push_back(std::string(group) + "." + word);
  }
  if (of_fused > 0 && of_fused < first.size()) out.part_of_fused = true;
}

}  // namespace

ModelPart ModelPartOf(std::string_view pattern) {
  const std::string name = base::AsciiLower(pattern);
  // "re:.*mlp.*(gate|up|down)_proj" matches experts' projections and those of other MLPs.
  for (const std::string_view word : {"mlp.*", "ffn.*", "feed_forward.*", "moe.*"}) {
    const std::size_t at = name.find(word);
    const bool layer = at != std::string::npos && name.find("shared", at) == std::string::npos;
    if (layer && name.find("proj", at) != std::string::npos) return ModelPart::kBoth;
  }
  if (NamesSharedExperts(name)) return ModelPart::kLinear;
  if (Contains(name, "expert") || Contains(name, "moe.down") || Contains(name, "moe.up")) return ModelPart::kExperts;
  for (const std::string_view word : {"attn", "attention", "_proj", "lm_head", "embed", "mixer", "mamba", "dense"}) {
    if (Contains(name, word)) return ModelPart::kLinear;
  }
  return ModelPart::kBoth;
}

std::string WithoutEscapes(std::string_view pattern) {
  std::string name;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size() || std::isalnum(static_cast<unsigned char>(pattern[i + 1])) != 0)
      name += pattern[i];
  }
  return name;
}

bool IsEmbedding(const std::string& target) {
  const std::string name = base::AsciiLower(target);
  return name == "embedding" || name == "vocabparallelembedding" || Contains(name, "embed_tokens") ||
         Contains(name, "word_embeddings") || Contains(name, "lm_head");
}

bool IsHead(std::string_view module) { return module == "lm_head" || module.ends_with(".lm_head"); }

bool IsOfRoutedExperts(const std::string& module) {
  const std::string name = base::AsciiLower(module);
  return Contains(name, "experts") && !NamesSharedExperts(name);
}

bool CanMeanLinearGates(std::string_view pattern) {
  const std::string name = base::AsciiLower(WithoutEscapes(pattern));
  if (Contains(name, "linear") || Contains(name, "in_proj")) return true;
  for (const std::string_view other : {"mlp", "expert", "self_attn", "_proj", "lm_head", "embed", "mtp"}) {
    if (Contains(name, other)) return false;
  }
  return true;
}

IgnoredModules::IgnoredModules(const std::vector<std::string>& patterns, const ModelFacts& facts) {
  const std::int64_t layers = facts.layers.value_or(0);
  std::set<std::string> of_all_layers;
  for (const std::string& listed : patterns) {
    const std::string pattern = WithoutEscapes(listed);
    const std::string general = WithoutNumbers(pattern);
    ++counts_[general];
    examples_.emplace(general, listed);
    // "model.layers.0.mlp" is of one layer and "(0|1)" of some; "model.layers.*.mlp" and ".*mlp.*" are of all.
    if (general == pattern && !NamesSomeLayers(pattern)) of_all_layers.insert(general);
  }
  // "model.layers.0*" and "model.layers.0.*" leave a whole layer alone.
  std::int64_t whole_layers = 0;
  for (const auto& [general, count] : counts_) {
    const std::size_t end = general.find_last_not_of("*.");
    if (end != std::string::npos && general.substr(0, end + 1).ends_with("layers") && !of_all_layers.contains(general))
      whole_layers += count;
  }
  dense_ = facts.dense_layers && whole_layers >= *facts.dense_layers;
  for (const auto& [general, count] : counts_) {
    // The dense layers beside those with experts, of which there are few.
    const bool all_dense =
        facts.experts > 0 && facts.dense_layers > 0 && Contains(general, "mlp.") && count >= *facts.dense_layers;
    const bool everywhere =
        of_all_layers.contains(general) || all_dense || (layers > 0 && count + whole_layers >= layers);
    if (!everywhere) continue;
    // Named by those layers where it is no more of them.
    if (!all_dense || of_all_layers.contains(general) || count > *facts.dense_layers) everywhere_.insert(general);
    Cover(base::AsciiLower(general));
  }
}

std::vector<std::string> IgnoredModules::patterns() const {
  std::vector<std::string> list;
  for (const auto& [general, count] : counts_) {
    const std::string& example = examples_.at(general);
    // Modules of a few layers are not those of all.
    const bool numbered = WithoutEscapes(example) != general;
    const bool some = numbered && !everywhere_.contains(general);
    std::string name = (some || !numbered ? example : general).substr(0, 80);
    if (some && count > 1) name += " and " + std::to_string(count - 1) + (count == 2 ? " more layer" : " more layers");
    list.push_back(std::move(name));
  }
  return list;
}

bool IgnoredModules::attention() const {
  return attention_ || std::ranges::all_of(std::array{"q", "k", "v", "o"},
                                           [&](const char* projection) { return projections_.contains(projection); });
}

void IgnoredModules::Cover(const std::string& name) {
  const bool shared = NamesSharedExperts(name);
  if (shared) CoverShared(name);
  for (const std::string_view word : {"self_attn", "self_attention", "attn", "attention"}) {
    if (const auto rest = Behind(name, word)) {
      attention_ = attention_ || rest->empty();
      break;
    }
  }
  if (const auto rest = Behind(name, "experts"); rest && rest->empty() && !shared) experts_ = true;
  if (const auto rest = Behind(name, "mlp"); rest && rest->empty() && !shared) dense_ = true;
  if (Contains(name, "expert")) return;
  for (const char* projection : {"q", "k", "v", "o", "up", "down"}) {
    if (Contains(name, std::string(projection) + "_proj")) projections_.insert(projection);
  }
  // "mlp\.(gate|up|gate_up|down)_proj"
  if (Contains(name, "|up|") || Contains(name, "(up|")) projections_.insert("up");
  if (Contains(name, "|down)") || Contains(name, "|down|")) projections_.insert("down");
  if (Contains(name, "qkv_proj")) projections_.insert({"q", "k", "v"});
  if (Contains(name, "gate_up_proj") || Contains(name, "gate_up|")) projections_.insert("up");
}

// The gate of a shared expert is a layer of its own beside it: "mlp.shared_expert_gate".
void IgnoredModules::CoverShared(const std::string& name) {
  std::optional<std::string> rest = Behind(name, "shared_expert");
  if (!rest) rest = Behind(name, "share_expert");
  if (!rest) rest = Behind(name, "shared_mlp");
  if (rest->starts_with('s')) rest->erase(0, 1);
  if (rest->starts_with("_gate")) return;
  const bool all = rest->empty() || *rest == "proj" || *rest == "_proj";
  for (const char* part : {"up", "down"}) {
    if (all || Contains(*rest, part)) shared_parts_.insert(part);
  }
}

Unlisted UnlistedModules(const std::vector<std::string>& listed, const ModelFacts& facts) {
  Unlisted out;
  if (listed.empty()) return out;
  std::vector<std::string> attention, experts, shared, dense;
  for (const std::string& name : listed) {
    const std::string lower = base::AsciiLower(name);
    if (NamesSharedExperts(lower)) {
      shared.push_back(name);
    } else if (Contains(lower, "expert") || Contains(lower, "moe.")) {
      experts.push_back(name);
    } else if (Contains(lower, "linear_attn")) {
      continue;
    } else if (Contains(lower, "attn") || Contains(lower, "attention")) {
      attention.push_back(Contains(lower, "self_attn.") ? name : "self_attn");
    } else {
      // "mlp." alone is every MLP.
      dense.push_back(Contains(lower, "mlp.") ? name : "mlp");
      if (lower == "mlp." || lower == "mlp") {
        experts.push_back(name);
        shared.push_back(name);
      }
    }
  }
  AddUnlisted(attention, "self_attn", "q_proj k_proj v_proj", "o_proj", out);
  const bool has_shared = facts.shared_experts > 0 || facts.shared_intermediate_size > 0;
  if (facts.experts > 0 && experts.empty()) out.modules.emplace_back("mlp.experts");
  if (has_shared && shared.empty()) out.modules.emplace_back("mlp.shared_expert");
  if (facts.experts == 0 || facts.dense_layers > 0) AddUnlisted(dense, "mlp", "gate_proj up_proj", "down_proj", out);
  return out;
}

namespace {

bool HasSigns(std::string_view pattern) {
  return pattern.starts_with("re:") || pattern.find_first_of("*^$|([\\") != std::string_view::npos;
}

bool IsNumber(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

// Of an image's or a sound's tower, or what joins it to the language model.
bool IsOfTower(std::string_view lower) {
  constexpr std::array kWords = {"vis",    "vit.",      "vpm",     "audio",    "projector",
                                 "merger", "resampler", "aligner", "connector"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return Contains(lower, word); });
}

}  // namespace

ListedNames NamesOfLinearLayers(const std::vector<std::string>& modules, bool has_tower) {
  ListedNames found;
  std::map<std::string, std::set<std::string>> projections;  // by the module around them
  for (const std::string& module : modules) {
    const std::string lower = base::AsciiLower(module.substr(0, module.find_last_not_of('.') + 1));
    const std::size_t dot = lower.rfind('.');
    const std::string last = dot == std::string::npos ? lower : lower.substr(dot + 1);
    const bool of_tower = IsOfTower(lower);
    const bool other = IsEmbedding(lower) || Contains(lower, "embed") || Contains(last, "norm") ||
                       Contains(last, "router") || last == "gate" || last == "e_score_correction_bias" ||
                       last.ends_with("expert_gate") || last.starts_with("conv") || Contains(lower, "mtp");
    if (other || (of_tower && !has_tower)) continue;
    if (HasSigns(lower)) {
      found.patterns = true;
      continue;
    }
    bool numbered = false;
    for (std::size_t start = 0; start <= lower.size();) {
      const std::size_t end = std::min(lower.find('.', start), lower.size());
      numbered = numbered || IsNumber(std::string_view(lower).substr(start, end - start));
      start = end + 1;
    }
    constexpr std::array<std::string_view, 20> kParents = {"self_attn",
                                                           "attn",
                                                           "attention",
                                                           "mlp",
                                                           "linear_attn",
                                                           "shared_expert",
                                                           "shared_experts",
                                                           "feed_forward",
                                                           "ffn",
                                                           "mixer",
                                                           "visual",
                                                           "vision_tower",
                                                           "vision_model",
                                                           "vision_encoder",
                                                           "audio_tower",
                                                           "audio_encoder",
                                                           "mm_projector",
                                                           "aligner",
                                                           "vpm",
                                                           "multi_modal_projector"};
    const bool parent = std::ranges::find(kParents, last) != kParents.end() || IsNumber(last);
    const bool of_a_layer = Contains(lower, "attn") || Contains(lower, "mlp") || last.ends_with("_proj");
    if (parent || (!numbered && !of_tower && of_a_layer)) found.parts = true;
    if (!numbered || dot == std::string::npos || Contains(lower, "expert")) continue;
    found.fused = found.fused || (!of_tower && (last == "qkv_proj" || last == "gate_up_proj"));
    projections[lower.substr(0, dot)].insert(last);
  }
  const auto some_of = [](const std::set<std::string>& present, std::initializer_list<const char*> group) {
    const auto count = std::ranges::count_if(group, [&](const char* name) { return present.contains(name); });
    return count > 0 && static_cast<std::size_t>(count) < group.size();
  };
  for (const auto& [around, present] : projections) {
    if (present.contains("qkv_proj") || present.contains("gate_up_proj")) continue;
    if (some_of(present, {"q_proj", "k_proj", "v_proj"}) || some_of(present, {"gate_proj", "up_proj"}))
      found.part_of_fused = true;
  }
  return found;
}

}  // namespace autotune::checkpoint
