#include "simulator/click_options.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace autotune::simulator {
namespace {

// Declared with is_flag (from the frozen CLI contract of TensorRT-LLM, not recorded).
constexpr std::array<std::string_view, 8> kSwitches = {"trust_remote_code",
                                                       "enable_chunked_prefill",
                                                       "enable_attention_dp",
                                                       "fail_fast_on_attention_window_too_large",
                                                       "grpc",
                                                       "telemetry",
                                                       "allow_request_chat_template",
                                                       "enable_visual_gen"};
// The two names that are declared with a dash.
constexpr std::array<std::string_view, 2> kDashed = {"generation-config", "no-telemetry"};

ClickError Refuse(const std::string& message) {
  return {"Usage: trtllm-serve serve [OPTIONS] MODEL\nTry 'trtllm-serve serve --help' for help.\n\nError: " + message +
              "\n",
          2};
}

template <std::size_t N>
bool Contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::variant<ParsedArguments, ClickError> ParseTrtllmArguments(const std::vector<std::string>& arguments) {
  ParsedArguments parsed;
  std::vector<std::string> positional;
  bool options_ended = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (i == 0 && word == "serve") continue;
    if (options_ended || !word.starts_with("-") || word == "-") {
      positional.push_back(word);
      continue;
    }
    if (word == "--") {
      options_ended = true;
      continue;
    }
    if (word == "--help") return ClickError{"Usage: trtllm-serve serve [OPTIONS] MODEL\n", 0};
    const std::size_t equals = word.find('=');
    const std::string flag = word.substr(0, equals);
    if (!word.starts_with("--")) return Refuse("No such option: " + flag.substr(0, 2));
    const std::string name = flag.substr(2);
    if (name.find('-') != std::string::npos && !Contains(kDashed, name)) return Refuse("No such option: " + flag);
    GivenArgument given{flag, {}, true};
    if (name == "no-telemetry") {
      parsed.given["telemetry"] = GivenArgument{flag, {}, false};
      continue;
    }
    if (Contains(kSwitches, name)) {
      if (equals != std::string::npos) return Refuse("Option '" + flag + "' does not take a value.");
    } else if (equals != std::string::npos) {
      given.values.push_back(word.substr(equals + 1));
    } else {
      if (i + 1 >= arguments.size()) return Refuse("Option '" + flag + "' requires an argument.");
      given.values.push_back(arguments[++i]);
    }
    parsed.given[name] = std::move(given);
  }
  if (positional.empty()) return Refuse("Missing argument 'MODEL'.");
  if (positional.size() > 1) {
    std::string extra;
    for (std::size_t i = 1; i < positional.size(); ++i) extra += (extra.empty() ? "" : " ") + positional[i];
    return Refuse(std::string("Got unexpected extra argument") + (positional.size() > 2 ? "s" : "") + " (" + extra +
                  ")");
  }
  parsed.given["model"] = GivenArgument{"", {positional.front()}, true};
  return parsed;
}

}  // namespace autotune::simulator
