#include "quant/parameters.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/ascii_case.h"

namespace autotune::quant {
namespace {

using Kind = FlagValue::Kind;

bool IsInteger(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "8192", "8k", "1.5m", "8K": the engines' own reading of large integers. A binary unit takes no decimals.
bool IsSize(std::string_view text) {
  if (text.empty() || IsInteger(text)) return !text.empty();
  const bool decimal = std::string_view("kmgt").find(text.back()) != std::string_view::npos;
  const bool binary = std::string_view("KMGT").find(text.back()) != std::string_view::npos;
  text.remove_suffix(1);
  const bool digits = text.find_first_not_of("0123456789.") == std::string_view::npos;
  return digits && ((decimal && FlagValue::IsNumber(text)) || (binary && IsInteger(text)));
}

std::string Joined(const std::vector<std::string>& items) {
  std::string joined;
  for (const std::string& item : items) joined += (joined.empty() ? "" : ", ") + item;
  return joined;
}

class Reader {
 public:
  Reader(const EngineTable& table, const EngineRelease& release, Parameters& result)
      : table_(table), release_(release), result_(result) {}

  void Read(const std::string& spelling, const FlagValue& value) {
    spelling_ = spelling;
    const std::string key = EngineTable::Normalise(spelling);
    if (const std::string& why = table_.Forbidden(key); !why.empty()) return Reject("UnknownFlag", why);
    std::optional<FlagUse> use = table_.Find(key, release_.version);
    if (use) return Add(*use, use->flag->name, "", value);
    const std::size_t dot = key.find('.');
    if (dot != std::string::npos && dot + 1 < key.size()) {
      use = table_.Find(key.substr(0, dot), release_.version);
      const std::string member = key.substr(dot + 1);
      if (use && use->flag->option && use->shape->type == ValueType::kJson)
        return Add(*use, use->flag->name + "." + member, "", value);
      if (use && TakesJson(*use->shape)) {
        if (const std::optional<FlagUse> alias = AliasOfMember(*use, member))
          return Add(*alias, alias->flag->name, "", value);
        return Add(*use, use->flag->name, member, value);
      }
      if (use)
        return Reject("UnknownFlag",
                      use->shape->spelling + " of " + Name() + " is not a map: it has no member " + member);
    }
    const std::vector<std::string> completions = table_.CompletionsOf(spelling, release_.version);
    if (const std::optional<FlagUse> completed = Completed(completions)) {
      return Add(*completed, completed->flag->name, "", value);
    }
    if (release_.unknown && TakeFromAnotherRelease(key, value)) return;
    const std::string hint = table_.Hint(spelling, release_.version);
    if (completions.size() > 1) {
      constexpr std::ptrdiff_t kShown = 5;
      const std::ptrdiff_t shown = std::min(kShown, std::ssize(completions));
      return Reject("UnknownFlag", "\"" + spelling + "\" is an ambiguous prefix of flags of " + Name() + ": " +
                                       Joined({completions.begin(), completions.begin() + shown}) +
                                       (std::ssize(completions) > shown ? ", ..." : "") +
                                       (hint.empty() ? "" : "; " + hint));
    }
    const bool newer = release_.unknown || release_.version > table_.newest();
    Reject("UnknownFlag", Name() + " has no flag \"" + spelling + "\"" + (hint.empty() ? "" : "; " + hint) +
                              (newer ? "; whether the release in this image has it is not known: runtimes[].args "
                                       "are passed on as they are"
                                     : ""));
  }

 private:
  [[nodiscard]] std::string Name() const { return Title(table_, release_); }
  [[nodiscard]] std::string Field() const { return "parameters." + spelling_; }

  // The one flag that these are spellings of; nullopt if they are several flags, or a flag and its opposite.
  [[nodiscard]] std::optional<FlagUse> Completed(const std::vector<std::string>& spellings) const {
    std::optional<FlagUse> use;
    for (const std::string& spelling : spellings) {
      const std::optional<FlagUse> one = table_.Find(spelling, release_.version);
      if (!one || (use && (one->flag != use->flag || one->negated != use->negated))) return std::nullopt;
      use = one;
    }
    return use;
  }

  // A flag that the stand-in for an unknown release lacks, and that a recorded one has.
  bool TakeFromAnotherRelease(const std::string& key, const FlagValue& value) {
    for (auto release = table_.releases().rbegin(); release != table_.releases().rend(); ++release) {
      const std::optional<FlagUse> use = table_.Find(key, *release);
      if (!use || use->shape->state == FlagState::kRemoved) continue;
      Warn("FlagNotCertain", Name() + " has no flag \"" + spelling_ + "\", " + table_.traits().title + " " +
                                 release->ToString() + " has: whether the release in this image has it is not known");
      FlagUse other = *use;
      other.certain = true;  // this warning says it
      Add(other, other.flag->name, "", value);
      return true;
    }
    return false;
  }

  // All that a user has to correct is told at once, in the order of the spellings; the first gives field and reason.
  void Reject(std::string reason, const std::string& message) {
    if (!result_.rejection) {
      result_.rejection = {Field(), std::move(reason), message};
    } else if (result_.rejection->message.find(message) == std::string::npos) {
      result_.rejection->message += ". Also " + Field() + ": " + message;
    }
  }
  void Warn(std::string reason, std::string message) {
    result_.warnings.push_back({Field(), std::move(reason), std::move(message)});
  }

  static bool TakesJson(const FlagShape& shape) {
    return shape.type == ValueType::kJson ||
           (shape.type == ValueType::kText && !shape.restricted && shape.arity == Arity::kOne);
  }

  static bool TakesSeveral(const FlagShape& shape) {
    return shape.arity == Arity::kSome || shape.arity == Arity::kAny || shape.arity == Arity::kRepeated;
  }

  void Add(const FlagUse& use, const std::string& name, const std::string& member, const FlagValue& value) {
    if (table_.Reserved(use.flag->name))
      return Reject("ReservedFlag",
                    use.shape->spelling + " cannot be a parameter: " + table_.WhyReserved(use.flag->name));
    if (use.shape->state == FlagState::kRemoved)
      return Reject("UnknownFlag", use.shape->spelling + " was removed from " + Name());
    if (const std::string deprecation = table_.Deprecation(use, release_.version); !deprecation.empty())
      Warn("DeprecatedFlag", use.shape->spelling + " of " + table_.traits().title + " " + deprecation);
    if (!use.certain)
      Warn("FlagNotCertain", use.shape->spelling + " exists only in one of the recorded releases next to " + Name() +
                                 "; whether this release has it is not recorded");
    if (use.flag->option && value.kind == Kind::kMap) return AddMembers(use, name, value);
    FlagValue canonical = value;
    // Below a map there is nothing that the parser checks.
    const bool inside = !member.empty() || name != use.flag->name;
    if (!inside && !Canonicalise(use, canonical)) return;
    if (!inside && !use.flag->option && canonical.kind == Kind::kMap && !TakeAliases(use, canonical)) return;
    if (!TakesMembers(use, member, canonical)) return;
    for (const Parameter& known : result_.list) {
      if (known.name != name || known.member != member) continue;
      if (known.value == canonical) return;
      return Reject("DuplicateParameter", known.spelling + " and " + spelling_ + " are the same flag of " + Name() +
                                              ", " + use.shape->spelling + ", and have different values");
    }
    result_.list.push_back({use, name, member, std::move(canonical), spelling_});
  }

  // Rejects members that the flag's own parser refuses. `member`: of "flag.member", with what may follow; else `value`
  // may be a map.
  bool TakesMembers(const FlagUse& use, const std::string& member, const FlagValue& value) {
    const std::vector<std::string>* known = table_.MembersOf(use.flag->name, release_.version);
    if (known == nullptr) return true;
    std::vector<std::string> given;
    if (!member.empty()) {
      given.push_back(member.substr(0, member.find('.')));
      std::ranges::replace(given.back(), '-', '_');
    } else if (value.kind == Kind::kMap) {
      const nlohmann::json map = nlohmann::json::parse(value.text, nullptr, false);
      for (const auto& [key, element] : map.items()) given.push_back(key);
    }
    bool all = true;
    for (const std::string& one : given) {
      if (std::ranges::find(*known, one) != known->end()) continue;
      const std::string nearest = Nearest(one, *known);
      Reject("UnknownMember", use.shape->spelling + " of " + Name() + " has no member " + one +
                                  (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
      all = false;
    }
    return all;
  }

  // A member of a JSON flag that another flag says as well: attention-config.backend is attention-backend.
  [[nodiscard]] std::optional<FlagUse> AliasOfMember(const FlagUse& use, const std::string& member) const {
    const std::string alias = table_.AliasOf(use.flag->name + "." + member);
    return alias.empty() ? std::nullopt : table_.Find(alias, release_.version);
  }

  // Makes such members of a map flags of their own; false when nothing else was in it.
  bool TakeAliases(const FlagUse& use, FlagValue& map) {
    nlohmann::json members = nlohmann::json::parse(map.text, nullptr, false);
    const nlohmann::json all = members;
    for (const auto& [key, element] : all.items()) {
      const std::optional<FlagUse> alias = AliasOfMember(use, key);
      const base::Result<FlagValue> value = FlagValue::FromJson(element, key);
      if (!alias || !value.ok()) continue;
      members.erase(key);
      Add(*alias, alias->flag->name, "", *value);
    }
    if (members.size() == all.size()) return true;
    map.text = members.dump();
    return !members.empty();
  }

  // A map under a key of the options file is its members, so that the mapping's members and the user's meet.
  void AddMembers(const FlagUse& use, const std::string& name, const FlagValue& value) {
    const nlohmann::json map = nlohmann::json::parse(value.text, nullptr, false);
    for (const auto& [key, element] : map.items()) {
      base::Result<FlagValue> member = FlagValue::FromJson(element, key);
      if (!member.ok()) return Reject("InvalidFlagValue", name + ": " + member.error().message);
      const std::string path = name + "." + key;
      if (const std::optional<FlagUse> exact = table_.Find(path, release_.version)) {
        Add(*exact, exact->flag->name, "", *member);
      } else {
        Add(use, path, "", *member);
      }
    }
  }

  void RejectValue(const FlagUse& use, const std::string& value, const std::string& wanted) {
    const std::string nearest = Nearest(value, Choices(use));
    const std::string takes =
        use.certain ? " takes " : ", which may not have this flag (see the warning) and refuses it then, takes ";
    Reject("InvalidFlagValue", use.shape->spelling + " of " + Name() + takes + wanted + ", not \"" + value + "\"" +
                                   (nearest.empty() || nearest == value ? "" : "; did you mean " + nearest + "?"));
  }

  // False when the value was rejected.
  bool Canonicalise(const FlagUse& use, FlagValue& value) {
    if (value.kind == Kind::kUnset) return true;
    if (use.shape->type == ValueType::kSwitch) return CanonicaliseSwitch(use, value);
    switch (value.kind) {
      case Kind::kUnset:
        return true;
      case Kind::kBool:
        if (use.flag->option && !use.shape->restricted) return true;
        RejectValue(use, value.ToString(), "a value");
        return false;
      case Kind::kMap:
        if (TakesJson(*use.shape) || (use.flag->option && !use.shape->restricted)) return true;
        // One element of a list of texts: --lora-modules '{"name": "a", "path": "b"}'.
        if (TakesSeveral(*use.shape) && use.shape->type == ValueType::kText && !use.shape->restricted) {
          value = {Kind::kList, false, "", {value.text}};
          return true;
        }
        RejectValue(use, value.text, Wanted(use));
        return false;
      case Kind::kList: {
        const bool several = TakesSeveral(*use.shape);
        if (use.shape->type == ValueType::kJson || (use.flag->option && !use.shape->restricted)) return true;
        if (!several || (value.items.empty() && use.shape->arity != Arity::kAny)) {
          RejectValue(use, value.ToString(), several ? "at least one value" : "one value");
          return false;
        }
        return std::ranges::all_of(value.items, [&](std::string& item) { return CanonicaliseScalar(use, item); });
      }
      case Kind::kNumber:
      case Kind::kString: {
        std::string text = value.text;
        if (!CanonicaliseScalar(use, text)) return false;
        // A map written as text is the map: '{"a": 1}' and {a: 1} are one setting.
        if (TakesJson(*use.shape) && text.starts_with('{')) {
          const nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
          base::Result<FlagValue> map = FlagValue::FromJson(parsed, spelling_);
          if (parsed.is_object() && map.ok() && map->kind == Kind::kMap) {
            value = *std::move(map);
            return true;
          }
        }
        value.text = std::move(text);
        return true;
      }
    }
    return true;
  }

  bool CanonicaliseSwitch(const FlagUse& use, FlagValue& value) {
    if (value.kind == Kind::kString && (value.text == "true" || value.text == "false"))
      value = FlagValue::Bool(value.text == "true");
    if (value.kind != Kind::kBool) {
      RejectValue(use, value.ToString(), "true or false");
      return false;
    }
    if (use.negated) value.boolean = !value.boolean;
    return true;
  }

  // What may have been meant: the nearest choice, else all of them.
  [[nodiscard]] std::string Suggestion(const FlagUse& use, const std::string& value) const {
    const std::string nearest = Nearest(value, Choices(use));
    return nearest.empty() ? "its own values are " + Joined(Choices(use)) : "did you mean " + nearest + "?";
  }

  [[nodiscard]] std::vector<std::string> Choices(const FlagUse& use) const {
    return table_.ChoicesOf(use, release_.version);
  }

  [[nodiscard]] std::string Wanted(const FlagUse& use) const {
    if (use.shape->restricted) return "one of " + Joined(Choices(use));
    const LateValues& late = use.flag->late;
    if (!late.patterns.empty()) return "one of " + Joined(late.patterns);
    switch (use.shape->type == ValueType::kText && late.type ? *late.type : use.shape->type) {
      case ValueType::kSwitch:
        return "no value";
      case ValueType::kInteger:
        return "an integer";
      case ValueType::kDecimal:
        return "a number";
      case ValueType::kSize:
        return "an integer such as 8192 or 8k";
      case ValueType::kSizeOrAuto:
        return "auto or an integer such as 8192 or 8k";
      case ValueType::kJson:
        return "JSON";
      case ValueType::kText:
      case ValueType::kFolded:
        return "a text";
    }
    return "a value";
  }

  static bool FitsType(ValueType type, std::string& text) {
    switch (type) {
      case ValueType::kSwitch:
      case ValueType::kText:
        return true;
      case ValueType::kInteger:
        return IsInteger(text);
      case ValueType::kDecimal:
        return FlagValue::IsNumber(text);
      case ValueType::kSize:
        return IsSize(text);
      case ValueType::kSizeOrAuto:
        return text == "auto" || IsSize(text);
      case ValueType::kJson:
        return nlohmann::json::accept(text);
      case ValueType::kFolded:
        for (char& c : text) c = c == '-' ? '_' : base::AsciiLower(c);
        return true;
    }
    return true;
  }

  bool CanonicaliseScalar(const FlagUse& use, std::string& text) {
    const LateValues& late = use.flag->late;
    text = use.Spelled(text);
    const bool fits =
        FitsType(use.shape->type, text) && (!late.type || FitsType(*late.type, text)) && FitsLate(late, text);
    switch (fits ? table_.StandingOf(use, text, release_.version) : Standing::kRefused) {
      case Standing::kRefused:
        RejectValue(use, text, Wanted(use));
        return false;
      case Standing::kPlugin:
        Warn("ValueNotBuiltIn", "\"" + text + "\" is not a built-in value of " + use.shape->spelling + " in " + Name() +
                                    ": it requires a plug-in; " + Suggestion(use, text));
        break;
      case Standing::kUncertain:
        Warn("ValueNotCertain", use.shape->spelling + " " + text + " is known in a release next to " + Name() +
                                    "; whether this release accepts it is not recorded");
        break;
      case Standing::kKnown:
        break;
    }
    return WithinLimit(use, text);
  }

  // What the engine rejects only once its parser is done.
  static bool FitsLate(const LateValues& late, std::string& text) {
    if (late.patterns.empty()) return true;
    const auto known = [&](const std::string& value) {
      return std::ranges::any_of(late.patterns, [&](std::string_view pattern) {
        if (pattern.ends_with('*')) return value.starts_with(pattern.substr(0, pattern.size() - 1));
        if (pattern.starts_with('*')) return value.ends_with(pattern.substr(1));
        return value == pattern;
      });
    };
    if (known(text)) return true;
    std::string upper = base::AsciiUpper(text);
    if (!late.upper_case || !known(upper)) return false;
    text = std::move(upper);
    return true;
  }

  bool WithinLimit(const FlagUse& use, const std::string& text) {
    const Limit& limit = use.flag->limit;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return true;
    // The unit of "8k" is left out: no limit but that of the sign is near it.
    if (end != text.data() + text.size() && !IsSize(text)) return true;
    const auto shown = [](double bound) { return FlagValue::CanonicalNumber(nlohmann::json(bound).dump()); };
    std::string wanted;
    if (limit.above && number <= *limit.above) wanted = "a number above " + shown(*limit.above);
    if (limit.min && number < *limit.min) wanted = "a number of at least " + shown(*limit.min);
    if (limit.max && number > *limit.max) wanted = "a number of at most " + shown(*limit.max);
    if (limit.below && number >= *limit.below) wanted = "a number below " + shown(*limit.below);
    if (wanted.empty()) return true;
    RejectValue(use, text, wanted);
    return false;
  }

  const EngineTable& table_;
  const EngineRelease& release_;
  Parameters& result_;
  std::string spelling_;
};

}  // namespace

std::string Title(const EngineTable& table, const EngineRelease& release) {
  return table.traits().title + " " + release.version.ToString();
}

Parameters ReadParameters(const EngineTable& table, const EngineRelease& release,
                          const std::map<std::string, FlagValue>& parameters) {
  Parameters result;
  Reader reader(table, release, result);
  for (const auto& [spelling, value] : parameters) reader.Read(spelling, value);
  return result;
}

}  // namespace autotune::quant
