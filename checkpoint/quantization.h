// How a checkpoint's weights, activations and KV cache are stored, per part, from all of its files' declarations.
//
// Pure, thread-safe. Sources: the quantization registries and loaders of vLLM, SGLang and TensorRT-LLM, and what the
// quantization tools write (llm-compressor, ModelOpt, AutoRound, Quark, torchao, GPTQModel). A format that no engine
// here loads is "foreign", a method or a detail that is not known is "other": neither is treated as unquantized.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "checkpoint/model_facts.h"

namespace autotune::checkpoint {

// Where declarations are looked for; null = there is none.
struct QuantizationFiles {
  const nlohmann::json* config = nullptr;           // config.json
  const nlohmann::json* language = nullptr;         // the language model's part of it, where it is nested
  const nlohmann::json* hf_quant_config = nullptr;  // ModelOpt's own file
  const nlohmann::json* params = nullptr;           // Mistral's params.json
  const nlohmann::json* legacy = nullptr;           // quantize_config.json of AutoGPTQ, quant_config.json of AutoAWQ
  std::string legacy_name;
  bool only_gguf = false;  // the weights are GGUF
  bool whole = false;      // a file that is not here is not in the checkpoint either
  std::string modelslim;   // a file by which ModelSlim describes its weights; "" = there is none
  std::string name;        // hub id or path: only for a note, a name never decides how weights are read
};

// Fills in the quantization of `facts`, whose sizes have been read. kInvalid names the file and the key.
base::Status ReadQuantization(const QuantizationFiles& files, ModelFacts& facts);

// Compares what the files declare with the tensors that they hold (`facts.tensors`). Where weights are fp8 that are
// declared as integers or as unquantized, the tensors decide: the format of the part changes, a note says so, and a
// scheme "undeclared" names the format. `complete`: the tensors of all files are known.
void CompareWithTensors(bool complete, ModelFacts& facts);

// Applies spec.model.quantization, which overrides the detected method. kInvalid for an unknown method, with the known
// ones listed.
base::Status OverrideQuantization(ModelFacts& facts, const std::string& method);

}  // namespace autotune::checkpoint
