// Kinds of tensors in a checkpoint's weight files: "linear.weight_packed", "head.input_scale:F32".
//
// Pure, single-threaded. A kind is the model's part and the last component of the tensor's name, with its type if a
// header was read. Keeps only kinds that show how weights are stored: those of a quantization, and the types of
// unquantized weights.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::checkpoint {

// True if a module's weights belong to the language model's layers: not to images or sound, not to draft layers, and
// not to embeddings. Also for patterns over module names.
bool IsOfLanguageLayers(std::string_view module);

// Number of the language model's layer of a tensor; kDraftLayer for layers that are named as predicting further tokens
// ("mtp.fc.weight"). nullopt = of no layer, or of another part of the model.
inline constexpr std::int64_t kDraftLayer = INT64_MAX;
std::optional<std::int64_t> LayerOf(std::string_view tensor);

class TensorKinds {
 public:
  // `type`: as in safetensors, "BF16", "F8_E4M3"; "" = not known.
  void Add(std::string_view name, std::string_view type);
  void Add(const TensorKinds& other);

  // True if the files have a tensor that only quantized weights have, or weights of at most 8 bits.
  [[nodiscard]] bool quantized() const { return quantized_; }
  [[nodiscard]] bool empty() const { return types_.empty(); }
  // Returns each kind with each of its types, sorted; at most 20.
  [[nodiscard]] std::vector<std::string> List() const;

 private:
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> types_;
  bool quantized_ = false;
};

}  // namespace autotune::checkpoint
