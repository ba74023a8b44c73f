#include "cli/inspect.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "text/table.h"

namespace autotune::cli {
namespace {

using checkpoint::ModelFacts;
using checkpoint::Size;

std::string Known(const std::string& value) { return value.empty() ? "not known" : value; }
std::string Known(const Size& value) { return value ? std::to_string(*value) : "not known"; }

// "8 linear attention", "" for none or not known.
void AddCount(std::vector<std::string>& parts, const Size& count, const char* what) {
  if (count > 0) parts.push_back(std::to_string(*count) + " " + what);
}

// Of parts whose inputs differ, in the words of their schemes: "fp8-token-dynamic or not quantized in linear layers".
// "" = not known.
std::string InputsByPart(const ModelFacts& facts) {
  std::string text;
  for (const auto& [part, name] :
       {std::pair<std::string, std::string>{"linear ", "linear layers"}, {"experts ", "experts"}}) {
    std::vector<std::string> inputs;
    for (const std::string& scheme : facts.schemes) {
      if (!scheme.starts_with(part)) continue;
      const std::string rest = scheme.substr(scheme.find(' ', part.size()) + 1);
      const std::string word = rest.substr(0, rest.find(' '));
      if (word == "-") return "";
      const std::string shown = word == "none" ? "not quantized" : word;
      if (std::ranges::find(inputs, shown) == inputs.end()) inputs.push_back(shown);
    }
    if (!inputs.empty()) text += (text.empty() ? "" : ", ") + text::Joined(inputs, " or ") + " in " + name;
  }
  return text;
}

std::string Quantization(const ModelFacts& facts) {
  if (!facts.quantized()) return "none";
  const auto part = [](const std::string& format) { return format == "none" ? "not quantized" : Known(format); };
  std::string text = facts.quantization + " (" + facts.family + "): linear layers " + part(facts.linear_format);
  if (facts.experts.value_or(0) > 0) text += ", experts " + part(facts.expert_format);
  const std::string by_part = facts.activations.empty() ? InputsByPart(facts) : "";
  text += ", inputs " + (by_part.empty() ? part(facts.activations) : by_part);
  if (facts.weight_block) text += ", blocks of " + facts.weight_block->ToString();
  return text;
}

// "16 or 4" of layers that differ, by their caches; the one number of all others.
std::string KvHeads(const ModelFacts& facts) {
  if (facts.kv_heads || !facts.caches) return Known(facts.kv_heads);
  std::vector<std::string> heads;
  for (const checkpoint::KvCacheGroup& group : *facts.caches) {
    const std::string one = std::to_string(group.kv_heads);
    if (group.kv_heads > 0 && std::ranges::find(heads, one) == heads.end()) heads.push_back(one);
  }
  return heads.empty() ? Known(facts.kv_heads) : text::Joined(heads, " or ");
}

std::string Attention(const ModelFacts& facts) {
  std::vector<std::string> parts;
  if (facts.latent_attention()) {
    parts.push_back("MLA with kv_lora_rank " + std::to_string(*facts.kv_lora_rank));
    if (facts.sparse_attention())
      parts.push_back("sparse, " + std::to_string(*facts.index_top_k) + " tokens per query");
  }
  parts.push_back(Known(facts.attention_heads) + " query heads");
  if (!facts.latent_attention()) parts.push_back(KvHeads(facts) + " KV heads");
  parts.push_back("head size " + Known(facts.head_dim));
  return text::Joined(parts, ", ");
}

std::string Layers(const ModelFacts& facts) {
  std::vector<std::string> parts;
  // Queries of sparse attention see a part of the cache; the cache is one of the whole context all the same.
  const bool sparse = facts.sparse_attention() || !facts.index_caches.empty();
  AddCount(parts, facts.full_attention_layers,
           sparse ? "attention with a cache of the whole context, sparse in some layers or all" : "full attention");
  AddCount(parts, facts.sliding_attention_layers, "attention to a window or chunk");
  AddCount(parts, facts.linear_attention_layers, "linear attention or convolution");
  AddCount(parts, facts.mamba_layers, "Mamba");
  return Known(facts.layers) + (parts.empty() ? "" : ": " + text::Joined(parts, ", "));
}

std::string Experts(const ModelFacts& facts) {
  std::string text = Known(facts.experts) + ", " + Known(facts.experts_per_token) + " per token";
  if (facts.moe_intermediate_size) text += ", width " + std::to_string(*facts.moe_intermediate_size);
  // Qwen's files hold the width of the shared experts and not their number; others the number, or both.
  if (facts.shared_experts > 0) text += "; " + std::to_string(*facts.shared_experts) + " shared";
  if (facts.shared_experts != 0 && facts.shared_intermediate_size > 0) {
    text += facts.shared_experts ? ", together of width " : "; shared experts together of width ";
    text += std::to_string(*facts.shared_intermediate_size);
  }
  if (facts.moe_layers) text += "; in " + std::to_string(*facts.moe_layers) + " layers";
  return text;
}

std::string Weights(const ModelFacts& facts) {
  if (!facts.weight_bytes) return "size not known";
  std::string text = text::Bytes(static_cast<double>(*facts.weight_bytes));
  if (facts.draft_bytes)
    text += ", of which " + text::Bytes(static_cast<double>(*facts.draft_bytes)) +
            " of layers that are loaded for speculative decoding alone";
  return text;
}

// Elements of an entry, by kind of layer. Bytes depend on the data type of the cache, unless the model sets it.
std::string Groups(const std::vector<checkpoint::KvCacheGroup>& groups) {
  std::string text;
  for (const checkpoint::KvCacheGroup& group : groups) {
    text += (text.empty() ? "" : "; ") + std::to_string(group.layers) + " layers with " +
            std::to_string(group.elements) + " elements per " +
            (group.tokens > 1 ? std::to_string(group.tokens) + " tokens" : "token");
    if (group.bits > 0) text += " of at least " + std::to_string(group.bits) + " bits";
    if (group.window > 0) text += ", at most " + std::to_string(group.window) + " tokens";
  }
  return text.empty() ? "none" : text;
}

std::string NotQuantized(const ModelFacts& facts) {
  const std::string listed = text::Joined(facts.ignored_modules, ", ");
  if (facts.ignored_left_out == 0) return listed;
  return listed + (listed.empty() ? "" : ", and ") + std::to_string(facts.ignored_left_out) + " more";
}

// "" where every engine that reads the file reads it there.
std::string FormOfKv(const std::string& form) {
  if (form == "text") return ", as a text (kv_cache_scheme)";
  if (form == "algorithm") return " (kv_cache_quant_algo next to quant_algo)";
  if (form == "beside") return ", only in hf_quant_config.json";
  return "";
}

// Tensors that only a quantized layer has, in files of which none declares a quantization.
std::string UndeclaredTensors(const ModelFacts& facts) {
  std::string listed;
  for (const std::string& tensor : facts.tensors) {
    const bool plain = tensor.starts_with("attention.") || tensor.ends_with(".weight") ||
                       tensor.ends_with(".weight:BF16") || tensor.ends_with(".weight:F16") ||
                       tensor.ends_with(".weight:F32");
    if (!facts.quantized() && !plain) listed += (listed.empty() ? "" : ", ") + tensor;
  }
  return listed;
}

}  // namespace

std::string ModelFactsText(const ModelFacts& facts) {
  std::vector<std::pair<std::string, std::string>> rows;
  rows.emplace_back("Architecture",
                    Known(facts.architecture) + (facts.model_type.empty() ? "" : ", model type " + facts.model_type));
  if (!facts.verifier.empty())
    rows.emplace_back("Draft", Known(facts.draft_method) + " for " + facts.verifier + ", " + Known(facts.draft_tokens) +
                                   " tokens at a time: vLLM starts that model, and no other engine the draft");
  rows.emplace_back("Data type", Known(facts.dtype));
  rows.emplace_back("Quantization", Quantization(facts));
  if (const std::string tensors = UndeclaredTensors(facts); !tensors.empty())
    rows.emplace_back("Not declared", "the weight files hold tensors of quantized layers: " + tensors);
  if (!facts.schemes.empty()) rows.emplace_back("Schemes", text::Joined(facts.schemes, "; "));
  if (!facts.ignored_modules.empty() || facts.ignored_left_out > 0)
    rows.emplace_back("Not quantized", NotQuantized(facts));
  rows.emplace_back("KV cache declared", facts.kv_cache == "none" ? "none: the engine's default"
                                                                  : Known(facts.kv_cache) + FormOfKv(facts.kv_form));
  rows.emplace_back("Weights", Weights(facts));
  if (!facts.gguf_types.empty()) rows.emplace_back("Tensor types", text::Joined(facts.gguf_types, ", "));
  rows.emplace_back("Layers", Layers(facts));
  rows.emplace_back("Attention", Attention(facts));
  if (facts.experts != 0) rows.emplace_back("Experts", Experts(facts));
  rows.emplace_back("KV cache", facts.caches ? Groups(*facts.caches) : "not known");
  if (!facts.index_caches.empty()) rows.emplace_back("Index cache", Groups(facts.index_caches));
  rows.emplace_back("Hidden size", Known(facts.hidden_size));
  rows.emplace_back("Vocabulary", Known(facts.vocab_size));
  rows.emplace_back("Context length", Known(facts.max_position));
  if (facts.pooling) rows.emplace_back("Kind", "embeddings: the model does not generate text");
  if (facts.remote_code || facts.remote_tokenizer)
    rows.emplace_back("Remote code", std::string("the checkpoint names code of its own (auto_map) for the ") +
                                         (!facts.remote_code       ? "tokenizer"
                                          : facts.remote_tokenizer ? "model and the tokenizer"
                                                                   : "model"));
  if (!facts.commit.empty()) rows.emplace_back("Commit", facts.commit);
  for (const std::string& note : facts.notes) rows.emplace_back("Note", note);
  std::size_t width = 0;
  for (const auto& [name, value] : rows) width = std::max(width, name.size() + 3);
  std::string out;
  for (const auto& [name, value] : rows) out += name + ":" + std::string(width - name.size() - 1, ' ') + value + "\n";
  return out;
}

}  // namespace autotune::cli
