// How weights, activations and KV cache of each part are stored, from the declarations in all of a checkpoint's files.
//
// Pure, thread-safe. Sources: the quantization registries and loaders of vLLM, SGLang and TensorRT-LLM, and the output
// of quantization tools (llm-compressor, ModelOpt, AutoRound, Quark, torchao, GPTQModel). A format that no engine here
// loads is "foreign", an unknown method or detail is "other": neither is treated as unquantized.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "checkpoint/model_facts.h"

namespace autotune::checkpoint {

// Files with possible declarations; null = the file is missing.
struct QuantizationFiles {
  const nlohmann::json* config = nullptr;           // config.json
  const nlohmann::json* language = nullptr;         // the language model's part of it, if nested
  const nlohmann::json* hf_quant_config = nullptr;  // ModelOpt's own file
  const nlohmann::json* params = nullptr;           // Mistral's params.json
  const nlohmann::json* legacy = nullptr;           // quantize_config.json of AutoGPTQ, quant_config.json of AutoAWQ
  std::string legacy_name;
  bool only_gguf = false;  // the weights are GGUF
  bool whole = false;      // missing files are not in the checkpoint
  std::string modelslim;   // file in which ModelSlim describes its weights; "" = none
  std::string name;        // hub id or path, only for a note: a name never decides how weights are read
};

// Sets the quantization of `facts`. kInvalid names file and key. REQUIRES: the sizes in `facts` are set.
base::Status ReadQuantization(const QuantizationFiles& files, ModelFacts& facts);

// Compares the declarations with the actual tensors (`facts.tensors`). If weights are fp8 but declared as integers or
// unquantized, the tensors decide: the format of the part changes, with a note and a scheme "undeclared" that names the
// format. `complete`: the tensors of all files are known.
void CompareWithTensors(bool complete, ModelFacts& facts);

// Applies spec.model.quantization, which overrides the detected method. kInvalid for an unknown method; lists the known
// ones.
base::Status OverrideQuantization(ModelFacts& facts, const std::string& method);

}  // namespace autotune::checkpoint
