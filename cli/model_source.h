// The model to plan for without a cluster: a checkpoint in a directory or on the hub (checkpoint/), facts from a file,
// or a usual model where none is named.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "checkpoint/hub.h"
#include "checkpoint/model_facts.h"

namespace autotune::cli {

// How the hub is reached from a command line. Facts that are not at hand are asked for, unless offline.
struct HubAccess {
  bool offline = false;
  std::string token{};
  std::string endpoint{};  // "" = https://huggingface.co
  std::chrono::milliseconds retry_delay{500};

  // HF_TOKEN or HUGGING_FACE_HUB_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE: what Hugging Face's own tools read.
  static HubAccess FromEnvironment();
};

// `path` is the directory, its config.json or a GGUF file. kInvalid names the file that is missing or wrong.
base::Result<checkpoint::ModelFacts> ReadModelDirectory(const std::filesystem::path& path);
// kInvalid says what to do instead of asking the hub.
base::Result<checkpoint::ModelFacts> ReadModelFromHub(const std::string& id, const std::string& revision,
                                                      const HubAccess& access);

// A directory, a file (a file may also hold facts as `status.model` has them), or a hub id where there is no such path.
base::Result<checkpoint::ModelFacts> ReadModel(const std::string& text, const HubAccess& access);

// An unquantized Llama-3.1-8B in bfloat16: the model that most questions are about.
checkpoint::ModelFacts DenseModel();
// An unquantized Qwen3-30B-A3B in bfloat16: the same with experts.
checkpoint::ModelFacts ExpertModel();

}  // namespace autotune::cli
