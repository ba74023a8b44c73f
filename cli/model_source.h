// The model to plan for without a cluster: a checkpoint in a directory or on the hub (checkpoint/), facts from a file,
// or a default model. Blocks; one thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "checkpoint/hub.h"
#include "checkpoint/model_facts.h"

namespace autotune::cli {

// Access to the hub from the command line. Facts of models that are not local are read from the hub, unless offline.
struct HubAccess {
  bool offline = false;
  std::string token{};
  std::string endpoint{};  // "" = https://huggingface.co
  std::chrono::milliseconds retry_delay{500};

  // HF_TOKEN or HUGGING_FACE_HUB_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE: as in Hugging Face's own tools.
  static HubAccess FromEnvironment();
};

// `path`: a directory, its config.json or a GGUF file. kInvalid names the missing or invalid file.
base::Result<checkpoint::ModelFacts> ReadModelDirectory(const std::filesystem::path& path);
// `instead`: what to do without the hub, in terms of the command, "set --model to a directory with its config.json";
// the message of kInvalid ends with it.
base::Result<checkpoint::ModelFacts> ReadModelFromHub(const std::string& id, const std::string& revision,
                                                      const HubAccess& access, const std::string& instead);

// `text`: a directory, a file (which may also hold facts as in status.model), or a hub id if no such path exists.
base::Result<checkpoint::ModelFacts> ReadModel(const std::string& text, const HubAccess& access,
                                               const std::string& instead);

// An unquantized Llama-3.1-8B in bfloat16: the default model.
checkpoint::ModelFacts DenseModel();
// The same for an MoE model: an unquantized Qwen3-30B-A3B in bfloat16.
checkpoint::ModelFacts ExpertModel();

}  // namespace autotune::cli
