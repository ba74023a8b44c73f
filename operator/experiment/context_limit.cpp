#include "operator/experiment/context_limit.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "quant/flag_value.h"

namespace autotune::experiment {
namespace {

constexpr std::int64_t kMost = 1'000'000'000;
constexpr std::array<std::string_view, 3> kLengths = {"max-model-len", "context-length", "max-seq-len"};
// What replaces parts of the model's configuration, or has more flags in it.
constexpr std::array<std::string_view, 6> kOpen = {"hf-overrides",   "json-model-override-args", "rope-scaling",
                                                   "hf-config-path", "extra-llm-api-options",    "config"};

bool IsIn(std::string_view name, const auto& names) { return std::ranges::find(names, name) != names.end(); }

// "--hf_overrides.rope_scaling=x" is "hf-overrides".
std::string NameOf(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
  std::string name(word.substr(0, word.find_first_of("=.")));
  std::ranges::replace(name, '_', '-');
  return name;
}

class ContextReader {
 public:
  explicit ContextReader(const api::TaskSpec& spec) : spec_(spec) {}

  ContextLimit Read() {
    bool set = false, open = false;
    for (const auto& [flag, values] : spec_.parameters) {
      open = open || IsIn(NameOf(flag), kOpen);
      if (!IsIn(NameOf(flag), kLengths)) continue;
      set = true;
      for (const quant::FlagValue& value : values) {
        Take(value.kind == quant::FlagValue::Kind::kUnset ? "auto" : value.ToString());
      }
    }
    if (spec_.runtimes.empty()) {
      if (!set) OfModel(open);
      return limit_;
    }
    for (const api::RuntimeSpec& runtime : spec_.runtimes) {
      bool own = set, own_open = open;
      ReadWords(WordsOf(runtime), own, own_open);
      if (!own) OfModel(own_open);
    }
    return limit_;
  }

 private:
  // A command may be a line for a shell.
  static std::vector<std::string> WordsOf(const api::RuntimeSpec& runtime) {
    std::vector<std::string> words;
    for (const auto* list : {&runtime.command, &runtime.args}) {
      for (const std::string& text : *list) {
        std::istringstream stream(text);
        for (std::string word; stream >> word;) words.push_back(word);
      }
    }
    return words;
  }

  void ReadWords(const std::vector<std::string>& words, bool& set, bool& open) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!words[i].starts_with('-')) continue;
      const std::string name = NameOf(words[i]);
      open = open || IsIn(name, kOpen);
      if (!IsIn(name, kLengths)) continue;
      set = true;
      const std::size_t equals = words[i].find('=');
      Take(equals != std::string::npos ? words[i].substr(equals + 1) : i + 1 < words.size() ? words[i + 1] : "");
    }
  }

  void Take(const std::string& value) {
    if (value == "auto" || value.starts_with('-')) return OfModel(false);  // the engine chooses within the model's
    const auto tokens = quant::FlagValue::Tokens(value);
    if (!tokens) limit_.known = false;
    limit_.asked = std::max(limit_.asked, static_cast<int>(std::min(tokens.value_or(0), kMost)));
  }

  void OfModel(bool open) {
    limit_.of_model = true;
    if (open) limit_.known = false;
  }

  const api::TaskSpec& spec_;
  ContextLimit limit_;
};

}  // namespace

int ContextLimit::With(const checkpoint::ModelFacts& facts) const {
  if (!known) return 0;
  if (!of_model) return asked;
  return facts.max_position ? std::max(asked, static_cast<int>(std::min(*facts.max_position, kMost))) : 0;
}

ContextLimit ContextLimitOf(const api::TaskSpec& spec) { return ContextReader(spec).Read(); }

}  // namespace autotune::experiment
