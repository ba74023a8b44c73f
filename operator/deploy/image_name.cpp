#include "operator/deploy/image_name.h"

#include <set>

#include "base/ascii_case.h"
#include "quant/engine_table.h"

namespace autotune::deploy {
namespace {

// "TensorRT-LLM" and "tensorrt_llm" are "tensorrtllm".
std::string Plain(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '-' && c != '_') plain += base::AsciiLower(c);
  }
  return plain;
}

}  // namespace

std::string_view WithoutHub(std::string_view image) {
  constexpr std::string_view kHub = "docker.io/";
  if (image.starts_with(kHub)) image.remove_prefix(kHub.size());
  return image;
}

std::string_view RepositoryOf(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  const std::size_t tag = image.find(':', slash == std::string_view::npos ? 0 : slash);
  return WithoutHub(image.substr(0, tag));
}

std::string EngineOfImage(const std::string& image, const quant::RuleSet& rules) {
  std::set<std::string> named;
  // A registry's host and a digest say nothing.
  std::string_view path = WithoutHub(std::string_view(image).substr(0, image.find('@')));
  const std::size_t slash = path.find('/');
  if (slash != std::string_view::npos && path.substr(0, slash).find_first_of(".:") != std::string_view::npos)
    path.remove_prefix(slash + 1);
  for (const std::string& engine : rules.engines()) {
    const quant::EngineTraits& traits = rules.Find(engine)->traits();
    for (const std::string& known : {traits.default_image, traits.rocm_image}) {
      if (!known.empty() && RepositoryOf(known) == RepositoryOf(image)) return engine;
    }
    // "tensorrt-llm", and "trtllm" of trtllm-serve.
    const std::string& program = traits.command.front();
    const bool has_program = !program.starts_with("python") &&
                             Plain(path).find(Plain(program.substr(0, program.find('-')))) != std::string::npos;
    if (has_program || Plain(path).find(Plain(engine)) != std::string::npos) named.insert(engine);
  }
  return named.size() == 1 ? *named.begin() : "";
}

}  // namespace autotune::deploy
