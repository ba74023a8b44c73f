#include "operator/deploy/engine_arguments.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "operator/deploy/container_command.h"
#include "quant/engine_table.h"
#include "quant/flag_value.h"
#include "text/shell_words.h"
#include "text/table.h"

namespace autotune::deploy {
namespace {

using Words = std::vector<std::string>;

bool IsFlag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && !quant::FlagValue::IsNumber(word) && word != "--";
}

bool IsTruth(const std::string& word) {
  static constexpr std::array<std::string_view, 4> kTruths = {"true", "false", "True", "False"};
  return std::find(kTruths.begin(), kTruths.end(), word) != kTruths.end();
}

bool IsProgram(const std::string& word, const quant::RuleSet& rules) {
  const std::string name = ProgramName(word);
  if (name.starts_with("python")) return true;
  const std::vector<std::string> engines = rules.engines();
  return std::any_of(engines.begin(), engines.end(), [&](const std::string& engine) {
    const quant::EngineTable* table = rules.Find(engine);
    return table != nullptr && !table->traits().command.empty() && table->traits().command.front() == name;
  });
}

// The command that a shell is given, where it starts an engine; the words themselves where there is no shell.
Words WithoutShell(const Words& words, const quant::RuleSet& rules) {
  static constexpr std::array<std::string_view, 4> kShells = {"sh", "bash", "dash", "ash"};
  if (words.size() < 3 || std::find(kShells.begin(), kShells.end(), ProgramName(words[0])) == kShells.end())
    return words;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (!words[i].starts_with('-') || words[i].find('c') == std::string::npos) continue;
    for (Words& plain : text::ReadShell(words[i + 1]).commands) {
      plain.erase(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(PrefixWords(plain)));
      if (plain.empty() || !IsProgram(plain.front(), rules)) continue;
      // exec vllm serve "$@": what follows the script are its arguments, after the script's own name.
      if (plain.back() == "$@" || plain.back() == "$*") {
        plain.pop_back();
        if (i + 3 < words.size())
          plain.insert(plain.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 3, words.end());
      }
      return plain;
    }
  }
  return words;
}

// How many words name the program: "vllm serve", "python3 -m sglang.launch_server", "/start.sh"; none where the image's
// entrypoint does.
std::size_t ProgramWords(const Words& words, const quant::RuleSet& rules) {
  for (std::size_t i = 0; i < words.size() && (!IsFlag(words[i]) || words[i] == "-m"); ++i) {
    if (words[i] == "-m" && i + 1 < words.size()) return i + 2;
    if (words[i] == "serve") return i + 1;
  }
  if (words.empty() || IsFlag(words[0])) return 0;
  return IsProgram(words[0], rules) || words[0].starts_with('/') || words[0].ends_with(".sh") ? 1 : 0;
}

std::string CanonicalValue(const std::string& text) {
  if (text.starts_with('{') || text.starts_with('[')) {
    const nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
    if (!value.is_discarded()) return value.dump();
  }
  return quant::FlagValue::Text(text).ToString();
}

class Reader {
 public:
  Reader(const quant::EngineRelease& release, const quant::RuleSet& rules)
      : table_(rules.Find(release.engine)), version_(release.version), unknown_(release.unknown) {}

  EngineArguments Read(const Words& given) {
    const Words words = WithLevels(given);
    named_ = std::ranges::any_of(words, [](const std::string& word) {
      const std::string name = word.substr(0, word.find('='));
      return name == "--model" || name == "--model-path";
    });
    bool behind_switch = false;
    for (std::size_t i = 0; i < words.size();) {
      if (IsFlag(words[i])) {
        const auto use = UseOf(words[i]);
        behind_switch = use && use->shape != nullptr && use->shape->type == quant::ValueType::kSwitch && !InFile(*use);
        i = TakeFlag(words, i);
        continue;
      }
      if (behind_switch && IsTruth(words[i])) {
        out_.problems.push_back(words[i - 1] + " takes no value, and \"" + words[i] + "\" follows it");
      } else {
        out_.rest.push_back(words[i]);
      }
      behind_switch = false;
      ++i;
    }
    // The model is a word of its own, or has a flag.
    for (const char* name : {"model", "model-path"}) {
      const auto flag = out_.flags.find(name);
      if (flag == out_.flags.end()) continue;
      out_.model = flag->second.value;
      out_.flags.erase(flag);
    }
    if (out_.model.empty() && !out_.rest.empty()) {
      out_.model = out_.rest.front();
      out_.rest.erase(out_.rest.begin());
    }
    return std::move(out_);
  }

 private:
  // vLLM's "-O3" and "-O=3": the level, under the name that the release has for it. No flag of another engine begins
  // so.
  [[nodiscard]] Words WithLevels(Words words) const {
    const bool levels = table_ != nullptr && table_->Find("--compilation-config", version_).has_value();
    for (std::string& word : words) {
      if (!levels || !word.starts_with("-O") || word.size() < 3 || word[2] == '.') continue;
      const bool own = table_->Find("--optimization-level", version_).has_value();
      word = (own ? "--optimization-level=" : "--compilation-config.level=") + word.substr(word[2] == '=' ? 3 : 2);
    }
    return words;
  }

  [[nodiscard]] std::optional<quant::FlagUse> UseOf(const std::string& spelling) const {
    if (table_ == nullptr) return std::nullopt;
    std::optional<quant::FlagUse> use = table_->FindCompleted(spelling, version_);
    if (unknown_ && use && use->respelled) use.reset();
    // What an image of an unknown release has is not that of its stand-in alone: how many values a flag takes.
    for (auto other = table_->releases().rbegin(); unknown_ && !use && other != table_->releases().rend(); ++other) {
      use = table_->Find(spelling, *other);
      if (use && use->respelled) use.reset();
    }
    return use;
  }

  // A key of a file of options is no flag of any parser: here it is written like one, and true or false is its value.
  static bool InFile(const quant::FlagUse& use) { return use.flag->option; }

  // How many of the words after a flag are its own. Those up to the next flag where nobody knows it, except for the
  // model.
  [[nodiscard]] std::size_t ValuesOf(const std::optional<quant::FlagUse>& use, std::size_t there,
                                     const std::string& next) const {
    if (!use || use->shape == nullptr) return named_ || !out_.rest.empty() ? there : std::min<std::size_t>(there, 1);
    if (use->shape->type == quant::ValueType::kSwitch) return InFile(*use) && there > 0 && IsTruth(next) ? 1 : 0;
    switch (use->shape->arity) {
      case quant::Arity::kOne:
      case quant::Arity::kOptional:
      case quant::Arity::kRepeated:
        return std::min<std::size_t>(there, 1);
      case quant::Arity::kSome:
      case quant::Arity::kAny:
        return there;
    }
    return there;
  }

  // What the parser says of a word that spec.parameters may have: there a switch is true or false, and 1e3 is 1000.
  void CheckAsWritten(const std::string& spelling, const quant::FlagUse& use, const Words& values, bool attached) {
    if (use.shape == nullptr) return;
    if (use.respelled && !InFile(use)) {
      out_.problems.push_back(table_->traits().title + " " + version_.ToString() + " has no flag " + spelling +
                              ": write " + (use.negated ? use.shape->off : use.shape->spelling));
      return;
    }
    if (use.shape->type == quant::ValueType::kSwitch) {
      if (InFile(use)) {
        if (attached) out_.problems.push_back(spelling + " is true or false, not \"" + values.front() + "\"");
        return;
      }
      const std::string off = use.shape->off.empty() ? "leave it out" : "write " + use.shape->off;
      if (attached)
        out_.problems.push_back(spelling + " takes no value, and the command gives it \"" + values.front() +
                                "\"; to set it to false, " + off);
      return;
    }
    const bool whole = use.shape->type == quant::ValueType::kInteger || use.shape->type == quant::ValueType::kSize ||
                       use.shape->type == quant::ValueType::kSizeOrAuto;
    for (const std::string& value : values) {
      const std::size_t digits = value.starts_with('-') || value.starts_with('+') ? 1 : 0;
      if (whole && quant::FlagValue::IsNumber(value) &&
          value.find_first_not_of("0123456789", digits) != std::string::npos) {
        out_.problems.push_back(spelling + " takes an integer, and the parser does not read \"" + value + "\" as one");
      }
    }
  }

  std::size_t TakeFlag(const Words& words, std::size_t at) {
    const std::size_t equals = words[at].find('=');
    const std::string spelling = words[at].substr(0, equals);
    const std::optional<quant::FlagUse> use = UseOf(spelling);
    std::size_t end = at + 1;
    while (end < words.size() && !IsFlag(words[end])) ++end;
    end = at + 1 +
          (equals == std::string::npos ? ValuesOf(use, end - at - 1, at + 1 < words.size() ? words[at + 1] : "") : 0);
    const std::string name = use ? use->flag->name : quant::EngineTable::Normalise(spelling);
    EngineArguments::Flag flag;
    std::string written;
    if (equals != std::string::npos) {
      written = words[at].substr(equals + 1);
      flag.value = CanonicalValue(written);
      flag.values.push_back(written);
    }
    for (std::size_t i = at + 1; i < end; ++i) {
      written += (i == at + 1 ? "" : " ") + ShellWord(words[i]);
      flag.value += (i == at + 1 ? "" : " ") + CanonicalValue(words[i]);
      flag.values.push_back(words[i]);
    }
    if (use && InFile(*use) && use->shape != nullptr && use->shape->type == quant::ValueType::kSwitch &&
        flag.values.size() == 1 && IsTruth(flag.values.front())) {
      const bool on = flag.values.front() == "true" || flag.values.front() == "True";
      flag.value = on == !use->negated ? "true" : "false";
      flag.values.clear();
    } else if (use) {
      CheckAsWritten(spelling, *use, flag.values, equals != std::string::npos);
    }
    const bool valued = equals != std::string::npos || end > at + 1;
    if (!valued) flag.value = use && use->negated ? "false" : "true";
    flag.text = spelling + (valued ? " " + (IsSecretFlag(name) ? "***" : written) : "");
    auto& kept = out_.flags[name];
    // Of a flag that is there twice, the last one holds, except where each one adds to the others.
    const bool adds = use && use->shape != nullptr && use->shape->arity == quant::Arity::kRepeated;
    if (adds && !kept.text.empty()) {
      flag.text = kept.text + " " + flag.text;
      flag.value = kept.value + " " + flag.value;
      flag.values.insert(flag.values.begin(), kept.values.begin(), kept.values.end());
    }
    kept = std::move(flag);
    return end;
  }

  const quant::EngineTable* table_;
  const quant::Version version_;
  const bool unknown_;
  bool named_ = false;  // a flag has the model
  EngineArguments out_;
};

quant::FlagValue ScalarOf(const std::string& text) {
  if (text.starts_with('{') || text.starts_with('[')) {
    const nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
    if (!value.is_discarded()) {
      if (auto read = quant::FlagValue::FromJson(value, "")) return *std::move(read);
    }
  }
  return quant::FlagValue::Text(text);
}

// A member of a JSON flag: vLLM reads it as JSON, else as a number with a suffix, else as text
// (FlexibleArgumentParser).
quant::FlagValue MemberOf(const std::string& text) {
  const nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  if (!value.is_discarded()) {
    if (auto read = quant::FlagValue::FromJson(value, "")) return *std::move(read);
  }
  const bool suffix = !text.empty() && std::string_view("kKmMgGtT").find(text.back()) != std::string_view::npos;
  if (suffix && quant::FlagValue::IsNumber(text.substr(0, text.size() - 1))) {
    if (const auto number = quant::FlagValue::Tokens(text)) return quant::FlagValue::Number(std::to_string(*number));
  }
  return quant::FlagValue::Text(text);
}

quant::FlagValue ListOf(const std::string& commas) {
  quant::FlagValue list;
  list.kind = quant::FlagValue::Kind::kList;
  for (std::size_t start = 0; start <= commas.size();) {
    const std::size_t end = std::min(commas.find(',', start), commas.size());
    list.items.push_back(quant::FlagValue::Text(commas.substr(start, end - start)).text);
    start = end + 1;
  }
  return list;
}

}  // namespace

std::string ProgramName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Reports are shown to others and kept.
bool IsSecretFlag(const std::string& name) {
  static constexpr std::array<std::string_view, 5> kEnds = {"api-key", "token", "password", "secret", "api-keys"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return name.ends_with(end); });
}

bool IsServerFlag(const std::string& name) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "host",        "port",      "served-model-name", "api-key",       "admin-api-key",
      "uds",         "root-path", "fastapi-root-path", "chat-template", "tool-parser-plugin",
      "download-dir"};
  const bool logs = name.starts_with("log-") || name.ends_with("-log") || name.find("-log-") != std::string::npos;
  return logs || std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.starts_with("ssl-") ||
         IsSecretFlag(name);
}

// components/src/dynamo/common/configuration and the workers' own arguments.
bool IsDynamoFlag(const std::string& name) {
  static constexpr std::array<std::string_view, 18> kNames = {
      "namespace",         "endpoint",          "endpoint-types",    "discovery-backend",
      "store-kv",          "request-plane",     "event-plane",       "connector",
      "migration-limit",   "is-decode-worker",  "is-prefill-worker", "durable-kv-events",
      "use-kv-events",     "publish-kv-events", "kv-block-size",     "publish-events-and-metrics",
      "output-modalities", "dump-config-to"};
  const std::string_view on = std::string_view(name).substr(name.starts_with("no-") ? 3 : 0);
  return on.starts_with("dyn-") || std::find(kNames.begin(), kNames.end(), on) != kNames.end();
}

bool ChangesNothing(const std::string& name, const std::string& value) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSame = {
      {{"nnodes", "1"}, {"node-rank", "0"}, {"backend", "pytorch"}, {"base-gpu-id", "0"}}};
  return std::find(kSame.begin(), kSame.end(), std::pair<std::string_view, std::string_view>(name, value)) !=
         kSame.end();
}

std::string PathIn(const EngineArguments::Flag& flag) {
  for (const std::string& value : flag.values) {
    for (const std::string_view before : {"", "=", "\"", "@"}) {
      const std::size_t at =
          before.empty() ? (value.starts_with('/') ? 0 : std::string::npos) : value.find(std::string(before) + "/");
      if (at == std::string::npos) continue;
      const std::size_t start = at + before.size();
      std::string path = value.substr(start, value.find_first_of("\",", start) - start);
      if (path.size() > 1) return path;
    }
  }
  return "";
}

quant::FlagValue ValueOf(const std::string& name, const EngineArguments::Flag& flag) {
  if (flag.values.empty()) return quant::FlagValue::Bool(flag.value != "false");
  if (flag.values.size() == 1 && name.find('.') != std::string::npos) {
    return name.ends_with('+') ? ListOf(flag.values.front()) : MemberOf(flag.values.front());
  }
  if (flag.values.size() == 1) return ScalarOf(flag.values.front());
  quant::FlagValue list;
  list.kind = quant::FlagValue::Kind::kList;
  for (const std::string& item : flag.values) list.items.push_back(quant::FlagValue::Text(item).text);
  return list;
}

std::string AssignedName(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0 || std::isdigit(static_cast<unsigned char>(word[0])) != 0) return "";
  const std::string name = word.substr(0, equals);
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  return plain ? name : "";
}

std::size_t PrefixWords(const Words& words) {
  static constexpr std::array<std::string_view, 6> kBefore = {"exec", "env", "/usr/bin/env", "sudo", "nohup", "time"};
  bool sudo = false;
  std::size_t at = 0;
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (sudo && word.starts_with('-')) {
      if (word == "-u" || word == "-g") ++at;  // sudo -u root
      continue;
    }
    const bool before = std::find(kBefore.begin(), kBefore.end(), word) != kBefore.end();
    if (!before && AssignedName(word).empty()) break;
    sudo = word == "sudo";
  }
  return std::min(at, words.size());
}

EngineArguments ReadFlags(const Words& words, const quant::EngineRelease& release, const quant::RuleSet& rules) {
  return Reader(release, rules).Read(words);
}

Words NotOfTheParser(const EngineArguments& arguments, const quant::EngineRelease& release,
                     const quant::RuleSet& rules) {
  const quant::EngineTable* table = rules.Find(release.engine);
  Words problems;
  if (table == nullptr || release.unknown) return problems;
  const quant::EngineTraits& traits = table->traits();
  const bool has_file = !traits.options_file_args.empty();
  Words keys, none;
  std::string hints;
  for (const auto& [name, flag] : arguments.flags) {
    const std::string plain = quant::EngineTable::Normalise(name);
    const std::string written = flag.text.substr(0, flag.text.find(' '));
    if (const auto use = table->FindCompleted(name, release.version)) {
      const std::string spelling = quant::EngineTable::Normalise(written.substr(0, written.find('=')));
      const bool typed = std::ranges::find(use->shape->typed, spelling) != use->shape->typed.end();
      if (use->flag->option && !typed) keys.push_back(written);
      continue;
    }
    // What a release after or before the recorded ones has for its server is not known.
    const bool server = IsServerFlag(plain) && release.assumption.empty();
    if (!server && (!has_file || IsServerFlag(plain) || !table->Forbidden(plain).empty())) continue;
    none.push_back(written);
    const std::string hint = table->Hint(name, release.version);
    const std::size_t meant = hint.find("did you mean ");
    const std::string nearest = meant == 0 ? hint.substr(13, hint.size() - 14) : "";
    const auto near = nearest.empty() ? std::nullopt : table->Find(nearest, release.version);
    if (hint.empty() || (meant == 0 && (!near || near->flag->option))) continue;
    hints += "; " + written + ": " + (near ? "did you mean " + near->shape->spelling + "?" : hint);
  }
  const std::string program = traits.command.empty() ? traits.title : traits.command.front();
  const auto no_options = [&](const Words& names) {
    return "has " + text::Joined(names, ", ") + ", and " + program + " " + release.version.ToString() +
           " has no such " + (names.size() == 1 ? "option" : "options");
  };
  if (!keys.empty()) {
    std::string file = has_file ? traits.options_file_args.front() : "";
    const auto use = table->Find(file, release.version);
    for (const char* other : {"--config"}) {
      const auto alias = table->Find(other, release.version);
      if (use && alias && alias->flag == use->flag) file += std::string(" (") + other + ")";
    }
    problems.push_back(no_options(keys) + ": " + (keys.size() == 1 ? "it belongs" : "they belong") +
                       " into the file of " + file);
  }
  if (!none.empty()) problems.push_back(no_options(none) + hints);
  return problems;
}

EngineArguments ReadEngineArguments(const Words& words, const quant::EngineRelease& release,
                                    const quant::RuleSet& rules) {
  const Words plain = WithoutShell(WithoutKubelet(words), rules);
  const std::size_t program = ProgramWords(plain, rules);
  EngineArguments out = ReadFlags({plain.begin() + static_cast<std::ptrdiff_t>(program), plain.end()}, release, rules);
  for (std::size_t i = 0; i < program; ++i) out.program += (i == 0 ? ProgramName(plain[i]) : " " + plain[i]);
  return out;
}

}  // namespace autotune::deploy
