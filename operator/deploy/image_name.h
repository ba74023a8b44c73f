// Names of container images. Pure.
#pragma once

#include <string_view>

namespace autotune::deploy {

// "docker.io/vllm/vllm-openai" is "vllm/vllm-openai". A part of `image`.
std::string_view WithoutHub(std::string_view image);
// "vllm/vllm-openai" of "docker.io/vllm/vllm-openai:v0.24.0@sha256:...". A part of `image`.
std::string_view RepositoryOf(std::string_view image);

}  // namespace autotune::deploy
