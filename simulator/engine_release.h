// The simulated engine and its release.
//
// Pure values, thread-safe.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::simulator {

enum class Engine { kVllm, kSglang, kTensorRtLlm };

// As people write it in logs: "vLLM", "SGLang", "TensorRT-LLM".
std::string_view EngineTitle(Engine engine);
// As environment variables and file names write it: "vllm", "sglang", "tensorrt-llm".
std::string_view EngineKey(Engine engine);

// Orders "0.5.6.post2" between "0.5.6" and "0.5.7": runs of digits compare as numbers, everything else is skipped.
std::strong_ordering CompareVersions(std::string_view a, std::string_view b);

struct EngineRelease {
  Engine engine = Engine::kVllm;
  std::string version;
  // True when `from` <= version < `before`; an empty bound is open.
  [[nodiscard]] bool Within(std::string_view from, std::string_view before) const;
};

// The release that is simulated by default.
EngineRelease DefaultRelease(Engine engine);

// Parses AUTOTUNE_SIM_RELEASE: comma-separated entries "vllm:0.24.0", of which that of `engine` counts. Empty text: the
// default release. kInvalid: another format.
base::Result<EngineRelease> ReleaseFromText(Engine engine, std::string_view text);

}  // namespace autotune::simulator
