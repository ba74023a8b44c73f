#include "simulator/engine_release.h"

#include <array>
#include <cctype>
#include <charconv>

namespace autotune::simulator {
namespace {

std::vector<int> Numbers(std::string_view version) {
  std::vector<int> numbers;
  for (std::size_t i = 0; i < version.size();) {
    if (std::isdigit(static_cast<unsigned char>(version[i])) == 0) {
      ++i;
      continue;
    }
    int value = 0;
    const auto [end, error] = std::from_chars(version.data() + i, version.data() + version.size(), value);
    numbers.push_back(error == std::errc() ? value : 0);
    i = static_cast<std::size_t>(end - version.data());
  }
  return numbers;
}

}  // namespace

std::string_view EngineTitle(Engine engine) {
  switch (engine) {
    case Engine::kVllm:
      return "vLLM";
    case Engine::kSglang:
      return "SGLang";
    case Engine::kTensorRtLlm:
      return "TensorRT-LLM";
  }
  return "";
}

std::string_view EngineKey(Engine engine) {
  switch (engine) {
    case Engine::kVllm:
      return "vllm";
    case Engine::kSglang:
      return "sglang";
    case Engine::kTensorRtLlm:
      return "tensorrt-llm";
  }
  return "";
}

std::strong_ordering CompareVersions(std::string_view a, std::string_view b) { return Numbers(a) <=> Numbers(b); }

bool EngineRelease::Within(std::string_view from, std::string_view before) const {
  return (from.empty() || CompareVersions(version, from) >= 0) &&
         (before.empty() || CompareVersions(version, before) < 0);
}

EngineRelease DefaultRelease(Engine engine) {
  switch (engine) {
    case Engine::kVllm:
      return {engine, "0.24.0"};
    case Engine::kSglang:
      return {engine, "0.5.15"};
    case Engine::kTensorRtLlm:
      return {engine, "1.2.0"};
  }
  return {};
}

base::Result<EngineRelease> ReleaseFromText(Engine engine, std::string_view text) {
  EngineRelease release = DefaultRelease(engine);
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos || colon + 1 == entry.size()) {
      return base::Invalid("AUTOTUNE_SIM_RELEASE: \"" + std::string(entry) +
                           "\" is not ENGINE:VERSION, for example vllm:0.24.0");
    }
    const std::string_view key = entry.substr(0, colon);
    bool known = false;
    for (const Engine candidate : {Engine::kVllm, Engine::kSglang, Engine::kTensorRtLlm}) {
      known = known || key == EngineKey(candidate);
    }
    if (!known) {
      return base::Invalid("AUTOTUNE_SIM_RELEASE: \"" + std::string(key) +
                           "\" is not an engine; vllm, sglang and tensorrt-llm are");
    }
    if (key == EngineKey(engine)) release.version = std::string(entry.substr(colon + 1));
  }
  return release;
}

}  // namespace autotune::simulator
