// Models that each release of an engine can load: architectures with a class of its own, classes of the transformers
// library, and model types whose configuration it can read. Internal to quant/.
//
// Immutable after loading and thread-safe. Data: quant/engines/<engine>.models.yaml, generated from the released
// packages by tests/engines/read_models.py. Releases that are not listed are not checked.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_facts.h"
#include "quant/version.h"

namespace autotune::quant {

struct ModelTable {
  using Releases = std::vector<bool>;  // by position in `releases`
  using Names = std::map<std::string, Releases, std::less<>>;

  std::vector<Version> releases;  // ascending
  Names own;                      // architectures with a class of the engine's own
  Names backend;                  // architectures of the transformers library that an engine may run
  Names nested;                   // those of `own` that run their language model with the class of its model type
  Names types;                    // model types that can be read without code from the checkpoint; empty = not recorded
  std::map<std::string, std::string, std::less<>> text;  // class of the library for the model type of a language model
  std::map<std::string, std::string, std::less<>> left;  // removed architectures, with the last release that has them
  // Endings that the engine exchanges to find a class for an architecture, in its order. Empty: it accepts exact names
  // only.
  std::vector<std::string> endings;

  struct Answer {
    enum class Kind { kNothing, kWarn, kReject };
    Kind kind = Kind::kNothing;
    std::string reason, message;
  };
  // Whether the release supports the model's class. `title`: "vLLM 0.24.0". `trusts_code`: it may run the checkpoint's
  // own code. If two answers are possible, the answer is kWarn; kNothing if the files are not sufficient.
  [[nodiscard]] Answer AnswerFor(const Version& release, const std::string& title, const checkpoint::ModelFacts& model,
                                 bool trusts_code) const;

 private:
  // The engine's own class for an architecture, if necessary with another of `endings`; "" if there is none.
  [[nodiscard]] std::string ClassOf(std::string_view architecture, std::size_t release) const;
  // The same without a model type: it is not known what reads the configuration, or only the checkpoint's code can.
  [[nodiscard]] Answer AnswerWithoutType(std::size_t release, const std::string& title,
                                         const checkpoint::ModelFacts& model, bool trusts_code) const;
  // The same for the language model of a multimodal model whose class the release has.
  [[nodiscard]] Answer AnswerForLanguageModel(std::size_t release, const std::string& title,
                                              const checkpoint::ModelFacts& model) const;
};

}  // namespace autotune::quant
