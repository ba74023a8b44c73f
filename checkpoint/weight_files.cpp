#include "checkpoint/weight_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "checkpoint/json_keys.h"
#include "checkpoint/python_json.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kPytorchIndex = "pytorch_model.bin.index.json";
constexpr const char* kConsolidatedIndex = "consolidated.safetensors.index.json";

bool Has(const std::vector<FileEntry>& files, std::string_view name) {
  return std::ranges::find(files, name, &FileEntry::name) != files.end();
}

bool IsConsolidated(std::string_view name) {
  return name.starts_with("consolidated") && name.ends_with(".safetensors");
}

// Not the weights of a model: adapters.
bool IsSafetensors(std::string_view name) {
  return name.ends_with(".safetensors") && !IsConsolidated(name) && !name.starts_with("adapter_");
}

bool IsPytorch(std::string_view name) { return name.starts_with("pytorch_model") && name.ends_with(".bin"); }

// "model-00002-of-00005": nothing for a name that is no part of a set.
std::string SetName(std::string_view name) {
  const std::size_t of = name.rfind("-of-");
  if (of == std::string_view::npos) return "";
  const std::string_view before = name.substr(0, of);
  const std::size_t dash = before.find_last_not_of("0123456789");
  if (dash == std::string_view::npos || dash + 1 == before.size() || before[dash] != '-') return "";
  return std::string(before.substr(0, dash)) + std::string(name.substr(of));
}

WeightFiles Chosen(WeightFormat format, const std::vector<FileEntry>& files,
                   const std::function<bool(const std::string&)>& belongs) {
  WeightFiles weights;
  weights.format = format;
  std::int64_t sum = 0;
  bool known = true;
  for (const FileEntry& file : files) {
    if (!belongs(file.name)) continue;
    weights.files.push_back(file.name);
    known = known && file.bytes && !__builtin_add_overflow(sum, *file.bytes, &sum);
  }
  std::ranges::sort(weights.files);
  if (weights.files.empty()) return {};
  if (known && sum > 0) weights.bytes = sum;
  return weights;
}

WeightFiles OfIndex(WeightFormat format, const std::vector<FileEntry>& files, const WeightIndex& index) {
  WeightFiles weights = Chosen(format, files, [&](const std::string& name) { return index.files.contains(name); });
  weights.format = format;
  const std::size_t missing = index.files.size() - weights.files.size();
  // The files hold their headers too, which no GPU holds.
  constexpr std::int64_t kLeastShare = 50;
  const bool fits = index.total_size && weights.bytes && *index.total_size <= *weights.bytes &&
                    *weights.bytes - *index.total_size <= *weights.bytes / kLeastShare;
  if (missing > 0 || !weights.bytes || fits) weights.bytes = index.total_size;
  weights.kinds = index.kinds;
  weights.layer_files = index.layer_files;
  if (missing > 0 && (!weights.files.empty() || !weights.bytes)) {
    const auto first = std::ranges::find_if(index.files, [&](const std::string& name) { return !Has(files, name); });
    weights.notes.push_back(index.name + ": " + std::to_string(missing) + " of the " +
                            std::to_string(index.files.size()) + " files that it names are missing, the first is " +
                            (first == index.files.end() ? "not known" : *first));
  }
  return weights;
}

}  // namespace

base::Result<WeightIndex> ReadWeightIndex(std::string_view text, const std::string& file) {
  const auto object = ParseObject(text, file);
  if (!object) return object.error();
  WeightIndex index;
  index.name = file;
  if (const json* map = Find(&*object, "weight_map"); map != nullptr && !map->is_object())
    return base::Invalid(file + ": weight_map: must be an object");
  if (const json* map = FindObject(&*object, "weight_map")) {
    for (const auto& [tensor, name] : map->items()) {
      if (!name.is_string()) return base::Invalid(file + ": weight_map." + tensor + ": must be the name of a file");
      index.files.insert(name.get<std::string>());
      index.kinds.Add(tensor, "");
      if (const auto layer = LayerOf(tensor)) index.layer_files[*layer].insert(name.get<std::string>());
    }
  }
  // Some tools write it as 1.6e10.
  if (const std::optional<std::int64_t> total = IntegerOf(FindObject(&*object, "metadata"), "total_size");
      total && *total > 0)
    index.total_size = total;
  return index;
}

std::optional<std::string> IndexOf(const std::vector<FileEntry>& files) {
  const auto any = [&](bool (*is)(std::string_view)) {
    return std::ranges::any_of(files, [&](const FileEntry& file) { return is(file.name); });
  };
  if (Has(files, kIndex)) return kIndex;
  if (any(IsSafetensors)) return std::nullopt;
  if (Has(files, kConsolidatedIndex)) return kConsolidatedIndex;
  if (any(IsConsolidated)) return std::nullopt;
  if (Has(files, kPytorchIndex)) return kPytorchIndex;
  return std::nullopt;
}

WeightFiles ChooseWeights(const std::vector<FileEntry>& files, const WeightIndex* index) {
  if (index != nullptr && (!index->files.empty() || index->total_size)) {
    const std::string name = IndexOf(files).value_or(kIndex);
    return OfIndex(name == kIndex               ? WeightFormat::kSafetensors
                   : name == kConsolidatedIndex ? WeightFormat::kConsolidated
                                                : WeightFormat::kPytorch,
                   files, *index);
  }
  // transformers' order: the whole file, then shards; files of other names only where both are missing.
  if (Has(files, "model.safetensors"))
    return Chosen(WeightFormat::kSafetensors, files,
                  [](const std::string& name) { return name == "model.safetensors"; });
  const auto is_shard = [](const std::string& name) {
    return IsSafetensors(name) && name.starts_with("model-") && !SetName(name).empty();
  };
  for (const auto& belongs :
       {std::function<bool(const std::string&)>(is_shard),
        std::function<bool(const std::string&)>([](const std::string& name) { return IsSafetensors(name); })}) {
    WeightFiles weights = Chosen(WeightFormat::kSafetensors, files, belongs);
    if (!weights.files.empty()) return weights;
  }
  if (Has(files, "consolidated.safetensors")) {
    return Chosen(WeightFormat::kConsolidated, files,
                  [](const std::string& name) { return name == "consolidated.safetensors"; });
  }
  WeightFiles consolidated =
      Chosen(WeightFormat::kConsolidated, files, [](const std::string& name) { return IsConsolidated(name); });
  if (!consolidated.files.empty()) return consolidated;
  if (Has(files, "pytorch_model.bin"))
    return Chosen(WeightFormat::kPytorch, files, [](const std::string& name) { return name == "pytorch_model.bin"; });
  WeightFiles pytorch = Chosen(WeightFormat::kPytorch, files, [](const std::string& name) { return IsPytorch(name); });
  if (!pytorch.files.empty()) return pytorch;

  const auto is_gguf = [](const std::string& name) {
    return base::AsciiLower(name).ends_with(".gguf") && !base::AsciiLower(name).starts_with("mmproj");
  };
  WeightFiles gguf = Chosen(WeightFormat::kGguf, files, is_gguf);
  if (gguf.files.size() > 1) {
    // Parts of one file have one name; others are the same weights in several precisions.
    const std::string set = SetName(gguf.files.front());
    const bool one =
        !set.empty() && std::ranges::all_of(gguf.files, [&](const std::string& name) { return SetName(name) == set; });
    if (!one) {
      gguf.bytes.reset();
      gguf.notes.push_back("there are " + std::to_string(gguf.files.size()) +
                           " GGUF files; which one is loaded, and so its size, is not known");
    }
  }
  return gguf;
}

}  // namespace autotune::checkpoint
