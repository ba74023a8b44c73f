// The model to plan for without a cluster: a checkpoint in a directory or on the hub (checkpoint/), facts from a file,
// or a default model. Blocks; one thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "checkpoint/hub.h"
#include "checkpoint/model_facts.h"

namespace autotune::cli {

// Access to the hub from the command line. Facts that are not local are read from the hub, unless offline.
struct HubAccess {
  bool offline = false;
  std::string token{};
  std::string endpoint{};  // "" = https://huggingface.co
  std::chrono::milliseconds retry_delay{500};

  // HF_TOKEN or HUGGING_FACE_HUB_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE: as in Hugging Face's own tools.
  static HubAccess FromEnvironment();
};

// `path` is the directory, its config.json or a GGUF file. kInvalid names the file that is missing or wrong.
base::Result<checkpoint::ModelFacts> ReadModelDirectory(const std::filesystem::path& path);
// `instead`: what the user can do without the hub, in the words of the command: "set --model to a directory with its
// config.json". kInvalid ends with it.
base::Result<checkpoint::ModelFacts> ReadModelFromHub(const std::string& id, const std::string& revision,
                                                      const HubAccess& access, const std::string& instead);

// A directory, a file (a file may also hold facts as `status.model` has them), or a hub id where there is no such path.
base::Result<checkpoint::ModelFacts> ReadModel(const std::string& text, const HubAccess& access,
                                               const std::string& instead);

// An unquantized Llama-3.1-8B in bfloat16: the default model.
checkpoint::ModelFacts DenseModel();
// An unquantized Qwen3-30B-A3B in bfloat16: the same with experts.
checkpoint::ModelFacts ExpertModel();

}  // namespace autotune::cli
