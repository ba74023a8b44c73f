// Reads the properties of a checkpoint from its files, in a directory or on a hub, behind one interface.
//
// Single-threaded. Readers fetch bytes; their interpretation is pure (config_reader, quantization, weight_files,
// gguf_header, safetensors_header). A model that cannot be read is an error, never "unquantized".
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/model_facts.h"
#include "checkpoint/weight_files.h"

namespace autotune::checkpoint {

// The files in a checkpoint's top folder.
class CheckpointFiles {
 public:
  virtual ~CheckpointFiles() = default;

  // For messages: "/models/llama", "org/model at https://huggingface.co".
  [[nodiscard]] virtual const std::string& where() const = 0;
  // Message for a checkpoint without configuration, with a remedy.
  [[nodiscard]] virtual std::string NoConfigHint() const = 0;
  [[nodiscard]] virtual base::Result<std::vector<FileEntry>> List() = 0;
  // The whole file; nullopt if there is no file of this name. kInvalid: it is longer than `max_bytes`.
  [[nodiscard]] virtual base::Result<std::optional<std::string>> Read(const std::string& name,
                                                                      std::size_t max_bytes) = 0;
  // True if the model is one file of weights, as given to an engine; see ModelFacts::one_file.
  [[nodiscard]] virtual bool OneFile() const { return false; }
  // Commit of the files read so far; see ModelFacts::commit.
  [[nodiscard]] virtual std::string Commit() const { return ""; }
  // At most the first `bytes` bytes; nullopt if there is no file of this name.
  [[nodiscard]] virtual base::Result<std::optional<std::string>> ReadStart(const std::string& name,
                                                                           std::size_t bytes) = 0;
};

// Note of facts without weight_bytes, read from a whole checkpoint.
inline constexpr std::string_view kWeightsNotKnown =
    "the size of the weights is not known; only what its dimensions require at least is checked";

// kInvalid names file, line and key; kRetry: the hub is busy or unreachable; Error::http_status is the hub's.
base::Result<ModelFacts> ReadCheckpoint(CheckpointFiles& files);

// Facts of a config.json alone, such as spec.model.facts. `name`: its name in messages.
base::Result<ModelFacts> FactsOfConfig(const nlohmann::json& config, const std::string& name = "config.json");

// Facts from all parts of a checkpoint; null = the part is missing. Pure: ReadCheckpoint without reading files.
struct CheckpointParts {
  const nlohmann::json* config = nullptr;                       // config.json
  const nlohmann::json* hf_quant_config = nullptr;              // hf_quant_config.json
  const nlohmann::json* params = nullptr;                       // params.json
  const nlohmann::json* legacy = nullptr;                       // quantize_config.json or quant_config.json
  std::string legacy_name;                                      // its name
  const nlohmann::json* gguf = nullptr;                         // ConfigOfGguf
  std::string config_name = "config.json";                      // name of the file of `config` or `gguf`, for messages
  std::map<std::string, std::string, std::less<>> config_keys;  // GgufKeys
  bool only_gguf = false;                                       // there are no other weights
  bool whole = false;                                           // missing parts are not in the checkpoint
  std::string modelslim;                                        // file in which ModelSlim describes its weights
  std::string name;                                             // hub id or path, for a note
};
base::Result<ModelFacts> FactsOf(const CheckpointParts& parts);

}  // namespace autotune::checkpoint
