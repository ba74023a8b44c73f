#include "quant/model_table.h"

#include <algorithm>
#include <cstddef>

namespace autotune::quant {
namespace {

bool Has(const ModelTable::Names& names, std::string_view name, std::size_t release) {
  const auto found = names.find(name);
  return found != names.end() && found->second[release];
}

}  // namespace

std::string ModelTable::ClassOf(std::string_view architecture, std::size_t release) const {
  if (Has(own, architecture, release)) return std::string(architecture);
  const auto ending =
      std::ranges::find_if(endings, [&](const std::string& one) { return architecture.ends_with(one); });
  if (ending == endings.end()) return "";
  const std::string_view stem = architecture.substr(0, architecture.size() - ending->size());
  for (const std::string& other : endings) {
    std::string name = std::string(stem).append(other);
    if (Has(own, name, release)) return name;
  }
  return "";
}

ModelTable::Answer ModelTable::AnswerFor(const Version& release, const std::string& title,
                                         const checkpoint::ModelFacts& model, bool trusts_code) const {
  using Kind = Answer::Kind;
  const auto place = std::ranges::lower_bound(releases, release);
  if (place == releases.end() || *place != release || model.quantization == "gguf") return {};
  const auto at = static_cast<std::size_t>(place - releases.begin());
  if (model.config_type.empty()) return AnswerWithoutType(at, title, model, trusts_code);
  const bool type_known = types.empty() || Has(types, model.config_type, at);
  if (!type_known && !model.remote_code)
    return {Kind::kReject, "ArchitectureNotSupported",
            title + " cannot read a configuration of model type \"" + model.config_type +
                "\": neither the engine nor its transformers library supports it, and the checkpoint contains no code "
                "for it"};
  if (!type_known && !trusts_code)
    return {Kind::kReject, "RemoteCodeNotTrusted",
            title + " reads model type \"" + model.config_type +
                "\" only with the checkpoint's own code, which requires a flag"};
  const std::string& name = model.architecture;
  // Without a list of architectures the facts have the model type in its place.
  if (name.empty() || name == model.config_type) return {};
  if (Has(own, name, at)) return AnswerForLanguageModel(at, title, model);
  const std::string none = title + " has no class for " + name;
  if (Has(backend, name, at))
    return {Kind::kWarn, "ArchitectureNotCertain",
            none + " and uses the class of the transformers library: whether it runs with these settings is not known"};
  if (const std::string other = ClassOf(name, at); !other.empty()) {
    // The class of a multimodal model reads its whole configuration, and this one is of the language model alone.
    const bool alone = model.config_type == model.model_type && text.contains(model.config_type);
    if (!alone || name.ends_with("ForConditionalGeneration") || !other.ends_with("ForConditionalGeneration")) return {};
    return {Kind::kReject, "ArchitectureNotSupported",
            none + ": it takes " + other + ", which requires the configuration of the whole multimodal model, and \"" +
                model.config_type + "\" is that of the language model alone"};
  }
  const auto gone = left.find(name);
  const std::string more = gone == left.end() ? none : none + "; " + gone->second + " was the last release with it";
  if (model.remote_code)
    return {Kind::kWarn, "ArchitectureNotCertain",
            more + ": whether the checkpoint's own code runs in it is not known"};
  if (gone != left.end()) return {Kind::kReject, "ArchitectureNotSupported", more};
  return {Kind::kReject, "ArchitectureNotSupported",
          none + ", and does not run it with a class of the transformers library"};
}

// Only code beside a configuration without "model_type" can read it; facts by hand have neither of the two.
ModelTable::Answer ModelTable::AnswerWithoutType(std::size_t release, const std::string& title,
                                                 const checkpoint::ModelFacts& model, bool trusts_code) const {
  using Kind = Answer::Kind;
  const std::string& name = model.architecture;
  if (name.empty() || model.native_config) return {};
  if (model.remote_code && !trusts_code)
    return {Kind::kReject, "RemoteCodeNotTrusted",
            title +
                " reads a configuration without a model type only with the checkpoint's own code, which requires a "
                "flag"};
  if (!ClassOf(name, release).empty()) return {};
  return {Kind::kWarn, "ArchitectureNotCertain",
          title + " has no class for " + name + ": whether " +
              (model.remote_code ? "the checkpoint's own code runs in it" : "it runs, without a model type,") +
              " is not known"};
}

ModelTable::Answer ModelTable::AnswerForLanguageModel(std::size_t release, const std::string& title,
                                                      const checkpoint::ModelFacts& model) const {
  using Kind = Answer::Kind;
  const std::string& type = model.model_type;
  if (type.empty() || type == model.config_type || model.remote_code) return {};
  // Other classes have one language model, whatever its type is called: Qwen2.5-Omni's is known to no release.
  if (!Has(nested, model.architecture, release)) return {};
  const std::string inner = "the language model in " + model.architecture + " is of model type \"" + type + "\", ";
  // Of two files of one model an engine may read the other one.
  const std::string reason = model.native_config ? "ArchitectureNotCertain" : "ArchitectureNotSupported";
  const Kind kind = model.native_config ? Kind::kWarn : Kind::kReject;
  const std::string other = model.native_config ? "; whether it reads params.json instead is not known" : "";
  if (!types.empty() && !Has(types, type, release))
    return {kind, reason,
            inner + "which " + title + " does not know: neither the engine nor its transformers library can read it" +
                other};
  const auto of_type = text.find(type);
  const std::string name = !model.language_class.empty() ? model.language_class
                           : of_type != text.end()       ? of_type->second
                                                         : "";
  const auto serves = [&](const std::string& one) { return !ClassOf(one, release).empty(); };
  if (name.empty())
    return {Kind::kWarn, "ArchitectureNotCertain",
            inner +
                "for which neither config.json nor the transformers library names a class that generates text: "
                "whether " +
                title + " finds one is not known" + other};
  // SGLang follows the type, vLLM the class that the file names.
  if (serves(name) || (of_type != text.end() && serves(of_type->second))) return {};
  const std::string none = inner + "and " + title + " has no class for " + name;
  if (Has(backend, name, release))
    return {Kind::kWarn, "ArchitectureNotCertain",
            none + " and uses the class of the transformers library: whether it runs with these settings is not known" +
                other};
  return {kind, reason, none + ", and does not run it with a class of the transformers library" + other};
}

}  // namespace autotune::quant
