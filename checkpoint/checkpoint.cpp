#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "checkpoint/config_reader.h"
#include "checkpoint/gguf_header.h"
#include "checkpoint/json_keys.h"
#include "checkpoint/python_json.h"
#include "checkpoint/quantization.h"
#include "checkpoint/safetensors_header.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

constexpr const char* kNoDtype = "no file declares the dtype of the weights; bfloat16 is assumed";
constexpr std::size_t kMaxConfig = 32u << 20;   // ModelOpt lists every quantized module: 2.4 MB for 128 experts
constexpr std::size_t kMaxIndex = 64u << 20;    // one line per tensor: 8 MB for models with 256 experts
constexpr std::size_t kGgufStart = 256u << 10;  // the model's numbers come before the vocabulary
constexpr std::size_t kGgufHeader = 32u << 20;  // vocabulary and descriptions of the tensors
constexpr std::size_t kMaxGgufTypes = 12;

class Reader {
 public:
  explicit Reader(CheckpointFiles& files) : files_(files) {}

  base::Result<ModelFacts> Read() {
    // First, because a hub reports most clearly here that a model is gated or missing.
    auto config = Object("config.json");
    if (!config) return config.error();
    auto listed = files_.List();
    if (!listed) return listed.error();
    list_ = *std::move(listed);
    auto hf_quant = ObjectIfListed("hf_quant_config.json");
    if (!hf_quant) return hf_quant.error();
    auto params = ObjectIfListed("params.json");
    if (!params) return params.error();
    WeightFiles weights = Weights();
    ForgetPointers(weights);

    CheckpointParts parts;
    std::optional<json> legacy;
    // AutoGPTQ's and AutoAWQ's own files, from before config.json said it.
    for (const char* name : {"quantize_config.json", "quant_config.json"}) {
      if (*hf_quant || !*config || Find(&**config, "quantization_config") != nullptr || legacy) break;
      auto file = ObjectIfListed(name);
      if (!file) {
        notes_.push_back(file.error().message);
        continue;
      }
      legacy = *std::move(file);
      parts.legacy_name = name;
    }
    std::optional<json> gguf;
    if (!*config && !*params) {
      if (weights.format != WeightFormat::kGguf)
        return base::Invalid(files_.where() + AdapterHint().value_or(files_.NoConfigHint()));
      const auto header = Gguf(weights.files.front());
      if (!header) return header.error();
      gguf = ConfigOfGguf(*header);
      gguf_ = *header;
      if (gguf->empty())
        notes_.push_back(weights.files.front() + ": general.architecture is missing, or the file is truncated");
      parts.config_name = weights.files.front();
      parts.config_keys = GgufKeys(*header);
    }
    const auto pointer = [](const std::optional<json>& value) { return value ? &*value : nullptr; };
    parts.config = pointer(*config);
    parts.hf_quant_config = pointer(*hf_quant);
    parts.params = pointer(*params);
    parts.legacy = pointer(legacy);
    parts.gguf = pointer(gguf);
    parts.only_gguf = weights.format == WeightFormat::kGguf;
    parts.whole = true;
    parts.modelslim = ModelSlimsFile();
    parts.name = files_.where();
    auto facts = FactsOf(parts);
    if (!facts) return base::Invalid(files_.where() + ": " + facts.error().message);
    // Written by sentence-transformers: what becomes of the last layer.
    if (std::ranges::find(list_, "modules.json", &FileEntry::name) != list_.end()) facts->pooling = true;
    if (const auto tokenizer = ObjectIfListed("tokenizer_config.json"); !tokenizer) {
      AddNote(*facts, tokenizer.error().message);
    } else if (*tokenizer) {
      const json* code = FindObject(&**tokenizer, "auto_map");
      facts->remote_tokenizer = code != nullptr && Find(code, "AutoTokenizer") != nullptr;
    }
    // Weights of the wrapper alone would be taken for those of the whole.
    const bool elsewhere = *config && !LanguageModelElsewhere(**config).empty();
    if (!elsewhere) facts->weight_bytes = weights.bytes;
    for (const std::string& note : weights.notes) AddNote(*facts, note);
    for (const std::string& note : notes_) AddNote(*facts, note);
    if (!facts->weight_bytes) AddNote(*facts, std::string(kWeightsNotKnown));
    ReadTensors(weights, elsewhere, *facts);
    ReadDraftLayers(weights, *facts);
    ReadGgufTypes(weights, *facts);
    facts->one_file = files_.OneFile();
    if (facts->dtype.empty()) AddNote(*facts, kNoDtype);
    return facts;
  }

 private:
  base::Result<std::optional<json>> Object(const std::string& name) {
    auto text = files_.Read(name, kMaxConfig);
    if (!text) return text.error();
    if (!*text) return std::optional<json>();
    auto object = ParseObject(**text, name);
    if (!object) return base::Invalid(files_.where() + ": " + object.error().message);
    return std::optional(*std::move(object));
  }

  // PEFT writes adapter_config.json beside the adapter's weights, and no config.json.
  std::optional<std::string> AdapterHint() {
    const auto adapter = ObjectIfListed("adapter_config.json");
    if (!adapter || !*adapter) return std::nullopt;
    const json* base = Find(&**adapter, "base_model_name_or_path");
    const std::string name = base != nullptr && base->is_string() ? base->get<std::string>() : "";
    return " is an adapter (adapter_config.json, no config.json), not a model: give its model" +
           (name.empty() ? "" : ", " + name + " (base_model_name_or_path),") +
           " or a checkpoint that it was merged into";
  }

  base::Result<std::optional<json>> ObjectIfListed(const std::string& name) {
    if (std::ranges::find(list_, name, &FileEntry::name) == list_.end()) return std::optional<json>();
    return Object(name);
  }

  WeightFiles Weights() {
    const std::optional<std::string> name = IndexOf(list_);
    if (!name) return ChooseWeights(list_, nullptr);
    // An index that cannot be read leaves the names of the files, which decide then.
    const auto text = files_.Read(*name, kMaxIndex);
    if (!text || !*text) return ChooseWeights(list_, nullptr);
    const auto index = ReadWeightIndex(**text, *name);
    WeightFiles weights = ChooseWeights(list_, index ? &*index : nullptr);
    if (!index) weights.notes.push_back(index.error().message);
    return weights;
  }

  // Ascend's ModelSlim leaves config.json as it was: its own file names the format of each tensor.
  [[nodiscard]] std::string ModelSlimsFile() const {
    const auto found = std::ranges::find_if(list_, [](const FileEntry& file) {
      return file.name.starts_with("quant_model_description") && file.name.ends_with(".json");
    });
    return found == list_.end() ? "" : found->name;
  }

  // What a clone without git-lfs leaves in place of weights: a few lines of text each.
  void ForgetPointers(WeightFiles& weights) {
    constexpr std::int64_t kLongestPointer = 1024;
    const auto files = static_cast<std::int64_t>(weights.files.size());
    if (files == 0 || !weights.bytes || *weights.bytes / files > kLongestPointer) return;
    const auto start = files_.ReadStart(weights.files.front(), static_cast<std::size_t>(kLongestPointer));
    if (!start || !*start || !(*start)->starts_with("version https://git-lfs")) return;
    weights.bytes.reset();
    weights.notes.push_back(weights.files.front() +
                            ": is a git-lfs pointer, not the weights: the repository was cloned without git-lfs");
  }

  base::Result<GgufHeader> Gguf(const std::string& name) {
    const auto start = files_.ReadStart(name, kGgufStart);
    if (!start) return start.error();
    auto header = ReadGgufHeader(start->value_or(""));
    if (!header) return base::Invalid(files_.where() + ": " + name + ": " + header.error().message);
    if (!header->complete && start->value_or("").size() < kGgufStart)
      notes_.push_back(name + ": ends within its header, or has more entries than are read");
    return header;
  }

  // What the files' own headers say of their tensors. One of several files is read; the index names the tensors of all.
  void ReadTensors(const WeightFiles& weights, bool elsewhere, ModelFacts& facts) {
    TensorKinds kinds = weights.kinds;
    if (const auto header = FirstHeader(weights, facts)) {
      if (facts.dtype.empty()) facts.dtype = FloatDtype(header->header);
      kinds.Add(header->header.kinds);
      if (weights.files.size() == 1 && weights.kinds.empty() && facts.weight_bytes > header->end && !elsewhere)
        *facts.weight_bytes -= header->end;
    }
    if (!facts.quantized() && !kinds.quantized()) return;
    facts.tensors = kinds.List();
    const bool all_known = !weights.kinds.empty() || weights.files.size() == 1;
    if (all_known && !kinds.empty() && !kinds.quantized()) facts.tensors.insert(facts.tensors.begin(), "plain");
    CompareWithTensors(all_known, facts);
  }

  struct FileHeader {
    SafetensorsHeader header;
    std::int64_t end = 0;  // bytes of the file before its tensors
  };
  std::optional<FileHeader> FirstHeader(const WeightFiles& weights, ModelFacts& facts) {
    const bool safetensors =
        weights.format == WeightFormat::kSafetensors || weights.format == WeightFormat::kConsolidated;
    if (!safetensors || weights.files.empty()) return std::nullopt;
    return HeaderOf(weights.files.front(), facts);
  }

  // What engines load for speculative decoding alone: layers behind the last one. The headers of the files that hold
  // them have their sizes.
  void ReadDraftLayers(const WeightFiles& weights, ModelFacts& facts) {
    const bool safetensors =
        weights.format == WeightFormat::kSafetensors || weights.format == WeightFormat::kConsolidated;
    if (!safetensors || !facts.layers || !facts.weight_bytes) return;
    std::set<std::string, std::less<>> names;
    // Many more layers than config.json says are no drafts.
    constexpr std::int64_t kMostDrafts = 8;
    const auto behind = [&](const auto& layers) {
      const auto first = layers.lower_bound(*facts.layers);
      return first != layers.end() && std::distance(first, layers.end()) <= kMostDrafts ? first : layers.end();
    };
    for (auto layer = behind(weights.layer_files); layer != weights.layer_files.end(); ++layer)
      names.insert(layer->second.begin(), layer->second.end());
    if (weights.files.size() == 1) names = {weights.files.front()};
    constexpr std::size_t kMostFiles = 16;
    if (names.size() > kMostFiles) return;
    std::int64_t bytes = 0;
    for (const std::string& name : names) {
      const auto header = HeaderOf(name, facts);
      if (!header) return;
      const auto& layers = header->header.bytes_by_layer;
      for (auto layer = behind(layers); layer != layers.end(); ++layer) {
        if (__builtin_add_overflow(bytes, layer->second, &bytes)) return;
      }
    }
    if (bytes > 0 && bytes < *facts.weight_bytes) facts.draft_bytes = bytes;
  }

  void ReadGgufTypes(const WeightFiles& weights, ModelFacts& facts) {
    if (weights.format != WeightFormat::kGguf || !weights.bytes) return;
    if (!gguf_ || !gguf_->all_tensors) {
      const auto start = files_.ReadStart(weights.files.front(), kGgufHeader);
      if (!start || !*start) return;
      auto header = ReadGgufHeader(**start);
      if (!header || !header->all_tensors) return;
      gguf_ = *std::move(header);
    }
    std::vector<std::pair<std::string, std::int64_t>> types(gguf_->tensor_types.begin(), gguf_->tensor_types.end());
    std::ranges::stable_sort(types, std::greater(), &std::pair<std::string, std::int64_t>::second);
    if (types.size() > kMaxGgufTypes) types.resize(kMaxGgufTypes);
    for (const auto& [type, count] : types) facts.gguf_types.push_back(type + " " + std::to_string(count));
  }

  std::optional<FileHeader> HeaderOf(const std::string& file, ModelFacts& facts) {
    constexpr std::size_t kGuess = 64u << 10;  // holds most headers of one shard
    auto start = files_.ReadStart(file, kGuess);
    if (!start || !*start) return std::nullopt;
    const auto end = SafetensorsHeaderEnd(**start);
    if (end && static_cast<std::size_t>(*end) > (*start)->size()) {
      start = files_.ReadStart(file, static_cast<std::size_t>(*end));
      if (!start || !*start) return std::nullopt;
    }
    auto header = ReadSafetensorsHeader(**start, file);
    if (!header && facts.dtype.empty()) AddNote(facts, header.error().message);
    if (!header) return std::nullopt;
    return FileHeader{*std::move(header), *end};
  }

  CheckpointFiles& files_;
  std::vector<FileEntry> list_;
  std::vector<std::string> notes_;
  std::optional<GgufHeader> gguf_;  // as far as it was read
};

using Keys = std::map<std::string, std::string, std::less<>>;

// "config.json: num_hidden_layers is ..." in the words of the file that was read: "params.json: n_layers is ...".
std::string InItsWords(const std::string& message, const std::string& file, const Keys& keys) {
  constexpr std::string_view kUsual = "config.json: ";
  if (!message.starts_with(kUsual)) return message;
  const std::string rest = message.substr(kUsual.size());
  const std::size_t end = std::min(rest.find_first_of(" :.,;"), rest.size());
  const auto key = keys.find(rest.substr(0, end));
  return file + ": " + (key == keys.end() ? rest : key->second + rest.substr(end));
}

}  // namespace

base::Result<ModelFacts> FactsOf(const CheckpointParts& parts) {
  json adapted;
  const json* config = parts.config;
  std::string source = parts.config_name;
  Keys keys = parts.config_keys;
  if (config == nullptr && parts.params != nullptr) {
    adapted = ConfigOfParams(*parts.params);
    config = &adapted;
    source = "params.json";
    keys = ParamsKeys();
  }
  if (config == nullptr) config = parts.gguf;
  if (config == nullptr) return base::Invalid("config.json: the checkpoint has none");
  if (!config->is_object()) return base::Invalid(source + ": must be an object");
  ModelFacts facts;
  ReadConfig(*config, facts);
  facts.native_only = parts.config == nullptr && parts.params != nullptr;
  facts.native_config = parts.config != nullptr && parts.params != nullptr;
  if (parts.config != nullptr && facts.architecture.empty())
    AddNote(facts, "config.json: architectures and model_type are missing; engines cannot tell which model it is");
  QuantizationFiles files;
  files.config = config;
  files.language = LanguageConfig(*config);
  files.hf_quant_config = parts.hf_quant_config;
  files.params = parts.params;
  files.legacy = parts.legacy;
  files.legacy_name = parts.legacy_name;
  files.only_gguf = parts.only_gguf;
  files.whole = parts.whole;
  files.modelslim = parts.modelslim;
  files.name = parts.name;
  if (const auto read = ReadQuantization(files, facts); !read)
    return base::Invalid(InItsWords(read.error().message, source, keys));
  for (std::string& note : facts.notes) note = InItsWords(note, source, keys);
  return facts;
}

base::Result<ModelFacts> FactsOfConfig(const json& config, const std::string& name) {
  CheckpointParts parts;
  parts.config = &config;
  parts.config_name = name;
  auto facts = FactsOf(parts);
  if (facts && facts->dtype.empty()) AddNote(*facts, kNoDtype);
  return facts;
}

base::Result<ModelFacts> ReadCheckpoint(CheckpointFiles& files) {
  auto facts = Reader(files).Read();
  // An engine takes a revision for that of the model which a draft names.
  if (facts && facts->verifier.empty()) facts->commit = files.Commit();
  return facts;
}

}  // namespace autotune::checkpoint
