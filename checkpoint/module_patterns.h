// What names of modules, and patterns over them, say about a model's parts. Internal to checkpoint/.
//
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_facts.h"

namespace autotune::checkpoint {

enum class ModelPart { kLinear, kExperts, kBoth };

// What a pattern over module names speaks of: "re:.*mlp.experts.*", "model.layers.3.self_attn.q_proj", "Linear".
ModelPart ModelPartOf(std::string_view pattern);
// Whether a group's target is the embedding or the output layer: "Embedding", "re:.*embed_tokens$", "lm_head".
bool IsEmbedding(const std::string& target);
bool IsHead(std::string_view module);
// A regular expression's "model\\.layers" as a name: "model.layers".
std::string WithoutEscapes(std::string_view pattern);
bool IsOfRoutedExperts(const std::string& module);
// Whether a target or a part of a name can mean the gates of linear attention: "Linear", "linear_attn.in_proj_b",
// "re:.*layers.*".
bool CanMeanLinearGates(std::string_view pattern);

// Which parts a list of modules that stay unquantized covers wholly.
class IgnoredModules {
 public:
  IgnoredModules(const std::vector<std::string>& patterns, const ModelFacts& facts);

  // All of them, as facts name them.
  [[nodiscard]] std::vector<std::string> patterns() const;
  [[nodiscard]] bool attention() const;
  [[nodiscard]] bool dense() const { return dense_ || (projections_.contains("up") && projections_.contains("down")); }
  [[nodiscard]] bool experts() const { return experts_; }
  [[nodiscard]] bool shared() const { return shared_parts_.size() == 2; }

 private:
  void Cover(const std::string& name);
  void CoverShared(const std::string& name);

  std::map<std::string, std::int64_t> counts_;
  std::map<std::string, std::string> examples_;  // the first name of each
  std::set<std::string> everywhere_;             // those of all layers
  std::set<std::string> projections_;
  std::set<std::string> shared_parts_;  // "up", "down"
  bool attention_ = false, dense_ = false, experts_ = false;
};
// What a list of quantized modules leaves out, as far as its names are the usual ones.
struct Unlisted {
  std::vector<std::string> modules;  // "self_attn", "mlp.experts", "self_attn.o_proj"
  bool part_of_fused = false;        // one of the projections that engines compute together, not all
};

// `listed`: the names of the modules that are quantized; empty = no list, and nothing is left out.
Unlisted UnlistedModules(const std::vector<std::string>& listed, const ModelFacts& facts);

// What a list of unquantized modules has beside whole names of linear layers ("model.layers.0.self_attn.q_proj").
// Embeddings, norms and routers count for nothing.
struct ListedNames {
  bool patterns = false;       // a regular expression, or a *
  bool parts = false;          // "self_attn", "model.visual", "model.layers.0": modules that contain linear layers
  bool part_of_fused = false;  // one of the projections of a layer that engines compute together, not all
  bool fused = false;          // the name of such a group: "model.layers.0.self_attn.qkv_proj"
};

// `has_tower`: names of a tower for images or sound mean modules of this model.
ListedNames NamesOfLinearLayers(const std::vector<std::string>& modules, bool has_tower);

}  // namespace autotune::checkpoint
