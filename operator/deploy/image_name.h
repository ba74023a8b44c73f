// Names of container images. Pure.
#pragma once

#include <string>
#include <string_view>

#include "quant/rules.h"

namespace autotune::deploy {

// "docker.io/vllm/vllm-openai" is "vllm/vllm-openai". A part of `image`.
std::string_view WithoutHub(std::string_view image);
// "vllm/vllm-openai" of "docker.io/vllm/vllm-openai:v0.24.0@sha256:...". A part of `image`.
std::string_view RepositoryOf(std::string_view image);
// The engine whose image this is, else the only one that the name or tag has in it: "registry.corp:5000/llm/vllm:prod",
// "rocm/vllm-dev". "" = not known.
std::string EngineOfImage(const std::string& image, const quant::RuleSet& rules);

}  // namespace autotune::deploy
