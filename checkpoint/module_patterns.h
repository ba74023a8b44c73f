// Names of modules and patterns over them: which part of the model they match. Internal to checkpoint/.
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

// The part that a pattern matches: "re:.*mlp.experts.*", "model.layers.3.self_attn.q_proj", "Linear".
ModelPart ModelPartOf(std::string_view pattern);
// True if a target is the embedding or the output layer: "Embedding", "re:.*embed_tokens$", "lm_head".
bool IsEmbedding(const std::string& target);
// True if a module is the output layer: "lm_head".
bool IsHead(std::string_view module);
// Removes the escapes of a regular expression: "model\\.layers" becomes "model.layers".
std::string WithoutEscapes(std::string_view pattern);
bool IsOfRoutedExperts(const std::string& module);
// True if a target, or a part of a name, may match the gates of linear attention: "Linear", "linear_attn.in_proj_b",
// "re:.*layers.*".
bool CanMeanLinearGates(std::string_view pattern);

// A list of modules that stay unquantized, and the parts of the model that it covers completely.
class IgnoredModules {
 public:
  IgnoredModules(const std::vector<std::string>& patterns, const ModelFacts& facts);

  // The list in the form of ModelFacts::ignored_modules, not cut.
  [[nodiscard]] std::vector<std::string> patterns() const;
  [[nodiscard]] bool attention() const;
  [[nodiscard]] bool dense() const { return dense_ || (projections_.contains("up") && projections_.contains("down")); }
  [[nodiscard]] bool experts() const { return experts_; }
  [[nodiscard]] bool shared() const { return shared_parts_.size() == 2; }

 private:
  void Cover(const std::string& name);
  void CoverShared(const std::string& name);

  std::map<std::string, std::int64_t> counts_;   // number of modules, by name without the number of the layer
  std::map<std::string, std::string> examples_;  // the first full name of each
  std::set<std::string> everywhere_;             // names that all layers have
  std::set<std::string> projections_;            // "up", "down", ... of dense MLPs
  std::set<std::string> shared_parts_;           // "up", "down"
  bool attention_ = false, dense_ = false, experts_ = false;
};
// Modules that a list of quantized modules excludes. Recognizes only the usual names.
struct Unlisted {
  std::vector<std::string> modules;  // "self_attn", "mlp.experts", "self_attn.o_proj"
  bool part_of_fused = false;        // excludes some, but not all projections of a fused layer, such as q, k and v
};

// `listed`: names of the quantized modules; empty = no list: nothing is excluded.
Unlisted UnlistedModules(const std::vector<std::string>& listed, const ModelFacts& facts);

// Kinds of entries in a list of unquantized modules, besides full names of linear layers such as
// "model.layers.0.self_attn.q_proj". Embeddings, norms and routers are ignored.
struct ListedNames {
  bool patterns = false;       // a regular expression, or a *
  bool parts = false;          // a module that contains linear layers: "self_attn", "model.visual", "model.layers.0"
  bool part_of_fused = false;  // some, but not all projections of a fused layer
  bool fused = false;          // the name of a fused layer: "model.layers.0.self_attn.qkv_proj"
};

// `has_tower`: true if the model has a tower for images or sound, so that entries may name its modules.
ListedNames NamesOfLinearLayers(const std::vector<std::string>& modules, bool has_tower);

}  // namespace autotune::checkpoint
