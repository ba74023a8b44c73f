// Selects a checkpoint's weight files: one set, as engines do.
//
// Pure, thread-safe. An index decides. Without one, Hugging Face's names take precedence over Mistral's consolidated
// files, safetensors over PyTorch's pickles, and GGUF is used if there is nothing else. Other copies are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/model_facts.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

struct FileEntry {
  std::string name;
  Size bytes;  // unset = not known
};

// A *.index.json: the files of the tensors, and metadata.total_size.
struct WeightIndex {
  std::string name = "the weight index";  // for messages
  std::set<std::string, std::less<>> files;
  Size total_size;
  TensorKinds kinds;
  std::map<std::int64_t, std::set<std::string, std::less<>>> layer_files;  // by LayerOf() of their tensors
};
base::Result<WeightIndex> ReadWeightIndex(std::string_view text, const std::string& file);

// The index to read before ChooseWeights; nullopt if no index decides.
std::optional<std::string> IndexOf(const std::vector<FileEntry>& files);

enum class WeightFormat { kNone, kSafetensors, kConsolidated, kPytorch, kGguf };

struct WeightFiles {
  WeightFormat format = WeightFormat::kNone;
  std::vector<std::string> files;  // in order of their names
  Size bytes;
  TensorKinds kinds;                                                       // from the index; empty without one
  std::map<std::int64_t, std::set<std::string, std::less<>>> layer_files;  // the same
  std::vector<std::string> notes;
};
// `index`: the parsed file that IndexOf names; null if there is none, or if it cannot be read.
WeightFiles ChooseWeights(const std::vector<FileEntry>& files, const WeightIndex* index);

}  // namespace autotune::checkpoint
