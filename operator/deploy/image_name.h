// Names of container images. Pure.
#pragma once

#include <string>
#include <string_view>

#include "quant/rules.h"

namespace autotune::deploy {

// Removes Docker Hub's host: "docker.io/vllm/vllm-openai" becomes "vllm/vllm-openai". A view into `image`.
std::string_view WithoutHub(std::string_view image);
// "vllm/vllm-openai" for "docker.io/vllm/vllm-openai:v0.24.0@sha256:...". A view into `image`.
std::string_view RepositoryOf(std::string_view image);
// The engine whose image this is, or the only engine whose name is in the image's name or tag:
// "registry.corp:5000/llm/vllm:prod", "rocm/vllm-dev". "" = not known.
std::string EngineOfImage(const std::string& image, const quant::RuleSet& rules);

}  // namespace autotune::deploy
