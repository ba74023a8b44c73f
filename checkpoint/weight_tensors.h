// Which kinds of tensors a checkpoint's weight files hold: "linear.weight_packed", "head.input_scale:F32".
//
// Pure, single-threaded. A kind is the part of the model and the tensor's last name, with its type where a header was
// read. Only what tells how weights are stored is kept: what belongs to a quantization, and the types of plain weights.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::checkpoint {

class TensorKinds {
 public:
  // `type` as safetensors names it: "BF16", "F8_E4M3"; "" = not known.
  void Add(std::string_view name, std::string_view type);
  void Add(const TensorKinds& other);

  // Whether a tensor is there that only quantized weights have, or weights of 8 bits and less.
  [[nodiscard]] bool quantized() const { return quantized_; }
  [[nodiscard]] bool empty() const { return types_.empty(); }
  // Sorted: each kind with each of its types. At most 20.
  [[nodiscard]] std::vector<std::string> List() const;

 private:
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> types_;
  bool quantized_ = false;
};

}  // namespace autotune::checkpoint
