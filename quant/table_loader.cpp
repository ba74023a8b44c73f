// Reads compatibility tables: YAML in, EngineTable out, every mistake with file, line and reason.

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "quant/engine_table.h"

namespace autotune::quant {
namespace {

// Thrown while a table is read and caught in Load: it never leaves this file.
struct TableError {
  std::string message;
};

// A YAML node that knows its file, so that every complaint names the place.
class Node {
 public:
  Node(const std::string* file, const YAML::Node& node) : file_(file), node_(node) {}

  [[noreturn]] void Fail(const std::string& reason) const {
    throw TableError{*file_ + ":" + std::to_string(node_.Mark().line + 1) + ": " + reason};
  }

  [[nodiscard]] bool IsList() const { return node_.IsSequence(); }
  [[nodiscard]] bool IsScalar() const { return node_.IsScalar(); }
  [[nodiscard]] bool IsMap() const { return node_.IsMap(); }

  [[nodiscard]] std::string Text() const {
    if (!node_.IsScalar()) Fail("must be a string");
    return node_.Scalar();
  }
  [[nodiscard]] bool Truth() const {
    if (node_.IsScalar() && node_.Scalar() == "true") return true;
    if (node_.IsScalar() && node_.Scalar() == "false") return false;
    Fail("must be true or false");
  }
  [[nodiscard]] double Number() const {
    double value = 0;
    const std::string text = Text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) Fail("\"" + text + "\" is not a number");
    return value;
  }
  [[nodiscard]] Version Release() const {
    const std::string text = Text();
    const std::optional<Version> version = Version::Parse(text);
    if (!version) Fail("\"" + text + "\" is not a release number");
    return *version;
  }
  [[nodiscard]] ComputeCapability Capability() const {
    const std::string text = Text();
    const std::optional<ComputeCapability> capability = ComputeCapability::Parse(text);
    if (!capability) Fail("\"" + text + "\" is not a compute capability such as \"8.9\"");
    return *capability;
  }
  // One text or a list of texts.
  [[nodiscard]] std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    if (node_.IsScalar()) return {Text()};
    if (!node_.IsSequence()) Fail("must be a string or a list of strings");
    for (const Node& item : Items()) texts.push_back(item.Text());
    return texts;
  }
  [[nodiscard]] std::vector<Node> Items() const {
    if (!node_.IsSequence()) Fail("must be a list");
    std::vector<Node> items;
    for (const YAML::Node& item : node_) items.emplace_back(file_, item);
    return items;
  }
  // Members in the order of the file. Keys are checked for being unique.
  [[nodiscard]] std::vector<std::pair<std::string, Node>> Members() const {
    if (!node_.IsMap()) Fail("must be a map");
    std::vector<std::pair<std::string, Node>> members;
    std::set<std::string> seen;
    for (const auto& entry : node_) {
      const Node key(file_, entry.first);
      const std::string name = key.Text();
      if (!seen.insert(name).second) key.Fail("\"" + name + "\" is listed twice");
      members.emplace_back(name, Node(file_, entry.second));
    }
    return members;
  }
  // The member, or nothing. Members that are not in `allowed` are mistakes.
  void Expect(std::initializer_list<std::string_view> allowed) const {
    if (!node_.IsMap()) Fail("must be a map");
    for (const auto& entry : node_) {
      const Node key(file_, entry.first);
      const std::string name = key.Text();
      if (std::ranges::find(allowed, name) != allowed.end()) continue;
      std::string list;
      for (const std::string_view one : allowed) list += (list.empty() ? "" : ", ") + std::string(one);
      key.Fail("\"" + name + "\" is not one of " + list);
    }
  }
  [[nodiscard]] std::optional<Node> Get(const std::string& name) const {
    if (!node_.IsMap()) Fail("must be a map");
    const YAML::Node found = node_[name];
    if (!found.IsDefined() || found.IsNull()) return std::nullopt;
    return Node(file_, found);
  }
  [[nodiscard]] Node Need(const std::string& name) const {
    std::optional<Node> found = Get(name);
    if (!found) Fail("\"" + name + "\" is missing");
    return *std::move(found);
  }
  [[nodiscard]] std::string TextOr(const std::string& name, const std::string& otherwise) const {
    const std::optional<Node> found = Get(name);
    return found ? found->Text() : otherwise;
  }

  // The value of a flag: what is quoted stays text.
  [[nodiscard]] nlohmann::json Json() const {
    if (node_.IsMap()) {
      nlohmann::json object = nlohmann::json::object();
      for (const auto& [name, member] : Members()) object[name] = member.Json();
      return object;
    }
    if (node_.IsSequence()) {
      nlohmann::json list = nlohmann::json::array();
      for (const Node& item : Items()) list.push_back(item.Json());
      return list;
    }
    const std::string text = Text();
    const bool quoted = node_.Tag() == "!";
    if (!quoted && text == "true") return true;
    if (!quoted && text == "false") return false;
    if (!quoted && FlagValue::IsNumber(text)) return nlohmann::json::parse(FlagValue::CanonicalNumber(text));
    return text;
  }

 private:
  const std::string* file_;
  YAML::Node node_;
};

std::optional<Field> FieldOf(std::string_view name) {
  for (const Field field : kFields) {
    if (FieldName(field) == name) return field;
  }
  return std::nullopt;
}

VersionRange ReadRange(const Node& node) {
  VersionRange range;
  if (const auto since = node.Get("since")) range.since = since->Release();
  if (const auto until = node.Get("until")) range.until = until->Release();
  if (range.since && range.until && !(*range.since < *range.until)) node.Fail("since is not before until");
  return range;
}

Condition ReadCondition(const std::string& name, const Node& node) {
  const std::optional<Subject> subject = ParseSubject(name);
  if (!subject) node.Fail("\"" + name + "\" is not a key of a condition");
  Condition condition;
  condition.subject = *subject;
  if (*subject == Subject::kFlag) condition.flag = name.substr(2);
  condition.patterns = node.Texts();
  if (condition.patterns.empty()) node.Fail("a condition requires at least one value");
  for (const std::string& pattern : condition.patterns) {
    if (!ValidPattern(*subject, pattern)) node.Fail("\"" + pattern + "\" is not a pattern for " + name);
  }
  return condition;
}

std::vector<Condition> ReadConditions(const Node& node) {
  std::vector<Condition> conditions;
  for (const auto& [name, member] : node.Members()) conditions.push_back(ReadCondition(name, member));
  return conditions;
}

bool DependsOn(const Guard& guard, std::initializer_list<Subject> subjects) {
  const auto has = [&](const Condition& condition) {
    return std::ranges::find(subjects, condition.subject) != subjects.end();
  };
  return std::ranges::any_of(guard.when, has) ||
         std::ranges::any_of(guard.unless, [&](const auto& group) { return std::ranges::any_of(group, has); });
}

Guard ReadGuard(const Node& node) {
  Guard guard;
  if (const auto when = node.Get("when")) guard.when = ReadConditions(*when);
  if (const auto unless = node.Get("unless")) {
    if (unless->IsList()) {
      for (const Node& group : unless->Items()) guard.unless.push_back(ReadConditions(group));
    } else {
      guard.unless.push_back(ReadConditions(*unless));
    }
  }
  return guard;
}

std::vector<std::pair<std::string, FlagValue>> ReadSettings(const Node& node) {
  std::vector<std::pair<std::string, FlagValue>> settings;
  for (const auto& [name, member] : node.Members()) {
    base::Result<FlagValue> value = FlagValue::FromJson(member.Json(), name);
    if (!value.ok()) member.Fail(value.error().message);
    settings.emplace_back(name, *std::move(value));
  }
  return settings;
}

// Reasons are counted and compared by people and programs: CamelCase, as the reasons of Kubernetes conditions.
std::string ReadReason(const Node& node) {
  const std::string text = node.Text();
  const bool camel =
      !text.empty() && text.front() >= 'A' && text.front() <= 'Z' && std::ranges::all_of(text, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      });
  if (!camel) node.Fail("reason \"" + text + "\" is not CamelCase");
  return text;
}

Alternative ReadAlternative(const Node& node) {
  node.Expect({"since", "until", "certain", "when", "unless", "verdict", "satisfied", "reason", "message", "source",
               "set", "env", "gpu", "warn"});
  Alternative alternative;
  alternative.range = ReadRange(node);
  if (const auto certain = node.Get("certain")) alternative.certain = certain->Release();
  alternative.guard = ReadGuard(node);
  const Node verdict = node.Need("verdict");
  const std::string name = verdict.Text();
  bool known = false;
  for (const VerdictKind kind : {VerdictKind::kMap, VerdictKind::kAlreadySo, VerdictKind::kWarn,
                                 VerdictKind::kNeedsCheckpoint, VerdictKind::kReject}) {
    if (VerdictKindName(kind) != name) continue;
    alternative.verdict = kind;
    known = true;
  }
  if (!known) verdict.Fail("\"" + name + "\" is not one of map, already-so, warn, needs-checkpoint, reject");
  if (const auto satisfied = node.Get("satisfied")) alternative.satisfied = satisfied->Truth();
  alternative.reason = ReadReason(node.Need("reason"));
  alternative.message = node.Need("message").Text();
  alternative.source = node.Need("source").Text();
  if (const auto set = node.Get("set")) alternative.set = ReadSettings(*set);
  if (const auto env = node.Get("env")) {
    for (const auto& [key, value] : env->Members()) alternative.env[key] = value.Text();
  }
  if (const auto gpu = node.Get("gpu")) alternative.gpu = gpu->Capability();
  if (const auto warn = node.Get("warn")) {
    warn->Expect({"reason", "message"});
    alternative.warn_reason = ReadReason(warn->Need("reason"));
    alternative.warn_message = warn->Need("message").Text();
  }
  const bool sets = !alternative.set.empty() || !alternative.env.empty();
  if (alternative.verdict == VerdictKind::kMap && !sets) node.Fail("verdict map sets nothing");
  if (alternative.verdict != VerdictKind::kMap && sets) node.Fail("only verdict map may set something");
  if (alternative.satisfied && alternative.verdict != VerdictKind::kNeedsCheckpoint)
    node.Fail("satisfied belongs to verdict needs-checkpoint");
  return alternative;
}

Rule ReadRule(const Node& node) {
  node.Expect(
      {"since", "until", "certain", "when", "unless", "then", "blame", "reason", "message", "source", "set", "gpu"});
  Rule rule;
  rule.range = ReadRange(node);
  if (const auto certain = node.Get("certain")) {
    rule.certain = certain->Release();
    if (!rule.range.until || *rule.certain <= *rule.range.until) certain->Fail("certain is not after until");
  }
  rule.guard = ReadGuard(node);
  if (rule.guard.when.empty()) node.Fail("a rule requires a condition under when");
  const Node action = node.Need("then");
  const std::string name = action.Text();
  if (name == "adjust") {
    rule.action = Action::kAdjust;
    rule.set = ReadSettings(node.Need("set"));
  } else if (name == "reject") {
    rule.action = Action::kReject;
  } else if (name == "warn") {
    rule.action = Action::kWarn;
  } else if (name == "require") {
    rule.action = Action::kRequire;
    rule.gpu = node.Need("gpu").Capability();
  } else if (name == "accept") {
    rule.action = Action::kAccept;
    rule.source = node.Need("source").Text();
    return rule;
  } else {
    action.Fail("\"" + name + "\" is not one of adjust, reject, warn, require, accept");
  }
  const Node blame = node.Need("blame");
  rule.blame = blame.Texts();
  if (rule.blame.empty()) blame.Fail("a rule must blame something");
  rule.reason = ReadReason(node.Need("reason"));
  rule.message = node.Need("message").Text();
  rule.source = node.Need("source").Text();
  return rule;
}

// On a thread of its own, to which glibc gives a heap of its own unless that is forbidden: a document takes many times
// its text, and the table that is made of it would else lie scattered in the room that the document leaves behind.
YAML::Node Parse(const std::string& text) {
  return std::async(std::launch::async, [&text] { return YAML::Load(text); }).get();
}

}  // namespace

class TableLoader {
 public:
  static void LoadFlags(const Node& root, EngineTable& table) {
    root.Expect({"engine", "releases", "flags"});
    table.traits_.engine = root.Need("engine").Text();
    const Node releases = root.Need("releases");
    for (const Node& item : releases.Items()) table.releases_.push_back(item.Release());
    if (table.releases_.empty()) releases.Fail("no release");
    if (!std::ranges::is_sorted(table.releases_)) releases.Fail("releases are not in ascending order");
    for (const auto& [name, rows] : root.Need("flags").Members()) {
      auto flag = std::make_unique<Flag>();
      flag->name = name;
      flag->shapes.resize(table.releases_.size(), nullptr);
      for (const Node& row : rows.Items()) AddShape(row, *flag, table);
      table.flags_.push_back(std::move(flag));
    }
  }

  static void LoadRules(const Node& root, EngineTable& table) {
    root.Expect(
        {"engine",    "title",        "date",        "start",   "completesFlags", "aliases",   "hints",
         "forbidden", "order",        "bounds",      "limits",  "values",         "autoDtype", "followsDeclaredKv",
         "flags",     "parallel",     "gpus",        "memory",  "scheduler",      "fields",    "rules",
         "models",    "expertBlocks", "leastGpu",    "schemes", "tensors",        "between",   "defaults",
         "tiles",     "overwrites",   "environment", "chooses", "sharedExperts",  "members",   "tornKeys"});
    const Node engine = root.Need("engine");
    if (engine.Text() != table.traits_.engine)
      engine.Fail("\"" + engine.Text() + "\" is not the flag catalogue's engine, \"" + table.traits_.engine + "\"");
    table.traits_.title = root.Need("title").Text();
    table.date_ = root.Need("date").Text();
    LoadNames(root, table);
    LoadStart(root.Need("start"), table);
    LoadBounds(root, table);
    LoadParallel(root, table);
    LoadScheduler(root, table);
    LoadDefaults(root, table);
    LoadMemory(root, table);
    if (const auto floors = root.Get("leastGpu")) {
      for (const Node& item : floors->Items()) {
        item.Expect({"since", "until", "gpu"});
        table.gpu_floors_.push_back({ReadRange(item), item.Need("gpu").Capability()});
      }
    }
    if (const auto blocks = root.Get("expertBlocks")) {
      blocks->Expect({"since", "until", "method", "least"});
      table.expert_blocks_.range = ReadRange(*blocks);
      table.expert_blocks_.methods = blocks->Need("method").Texts();
      table.expert_blocks_.least = static_cast<std::int64_t>(blocks->Need("least").Number());
    }
    if (const auto overwrites = root.Get("overwrites")) {
      for (const Node& item : overwrites->Items()) table.overwrites_.push_back(ReadOverwriteRule(item, table));
    }
    if (const auto choices = root.Get("chooses")) {
      for (const Node& item : choices->Items()) table.choices_.push_back(ReadChoiceRule(item, table));
    }
    if (const auto shared = root.Get("sharedExperts")) {
      for (const Node& item : shared->Items()) table.shared_experts_.push_back(ReadSharedExpertRule(item, table));
    }
    if (const auto torn = root.Get("tornKeys")) {
      for (const Node& item : torn->Items()) table.torn_keys_.push_back(ReadGuardedRule(item, "tornKeys", table));
    }
    if (const auto tiles = root.Get("tiles")) {
      for (const Node& item : tiles->Items()) table.tiles_.push_back(ReadTileRule(item, table));
    }
    if (const auto models = root.Get("models")) {
      models->Expect({"trust", "unless", "tokenizer", "types", "documented", "drafts"});
      for (const auto& [key, into] :
           {std::pair{"documented", &table.model_rule_.documented}, std::pair{"drafts", &table.model_rule_.drafts}}) {
        const auto lists = models->Get(key);
        if (!lists) continue;
        for (const Node& list : lists->Items()) {
          list.Expect({"since", "names"});
          for (const std::string& name : list.Need("names").Texts()) (*into)[name] = ReadRange(list).since;
        }
      }
      if (const auto types = models->Get("types")) table.model_rule_.types = types->Texts();
      table.model_rule_.trust = NeedFlag(*models, models->Need("trust").Text(), table).name;
      for (const Node& item : models->Need("unless").Items())
        table.model_rule_.unless.push_back(NeedFlag(item, item.Text(), table).name);
      for (const Node& item : models->Need("tokenizer").Items())
        table.model_rule_.tokenizer.push_back(NeedFlag(item, item.Text(), table).name);
    }
    LoadCells(root.Need("fields"), table);
    for (const auto& [key, rules] : {std::pair{"rules", &table.rules_}, std::pair{"schemes", &table.schemes_},
                                     std::pair{"tensors", &table.tensors_}}) {
      if (const auto list = root.Get(key)) LoadRuleList(*list, table, *rules);
    }
  }

  // What every rule with conditions has. `list`: for the message about one without.
  static void ReadGuarded(const Node& item, const std::string& list, GuardedRule& rule, EngineTable& table) {
    rule.guard = ReadGuard(item);
    if (rule.guard.unconditional()) item.Fail("an entry of " + list + " requires a condition under when");
    CheckGuard(item, rule.guard, table);
    rule.range = ReadRange(item);
    rule.source = item.Need("source").Text();
  }

  static GuardedRule ReadGuardedRule(const Node& item, const std::string& list, EngineTable& table) {
    item.Expect({"when", "unless", "since", "until", "source"});
    GuardedRule rule;
    ReadGuarded(item, list, rule, table);
    return rule;
  }

  static OverwriteRule ReadOverwriteRule(const Node& item, EngineTable& table) {
    item.Expect({"when", "unless", "since", "until", "flag", "of", "plus", "is", "keeps", "message", "source"});
    OverwriteRule rule;
    ReadGuarded(item, "overwrites", rule, table);
    rule.flag = item.Need("flag").Text();
    NeedFlag(item, rule.flag, table);
    rule.of = item.TextOr("of", "");
    rule.is = item.TextOr("is", "");
    if (!rule.of.empty()) NeedFlag(item, rule.of, table);
    if (!rule.of.empty() && !rule.is.empty()) item.Fail("of and is exclude each other");
    if (const auto plus = item.Get("plus")) rule.plus = static_cast<std::int64_t>(plus->Number());
    if (const auto keeps = item.Get("keeps")) rule.keeps = keeps->Texts();
    rule.message = item.Need("message").Text();
    return rule;
  }

  static ChoiceRule ReadChoiceRule(const Node& item, EngineTable& table) {
    item.Expect({"when", "unless", "since", "until", "flag", "is", "message", "source"});
    ChoiceRule rule;
    ReadGuarded(item, "chooses", rule, table);
    rule.flag = NeedFlag(item, item.Need("flag").Text(), table).name;
    rule.is = item.Need("is").Text();
    rule.message = item.Need("message").Text();
    return rule;
  }

  static SharedExpertRule ReadSharedExpertRule(const Node& item, EngineTable& table) {
    item.Expect({"when", "unless", "since", "until", "are", "source"});
    SharedExpertRule rule;
    ReadGuarded(item, "sharedExperts", rule, table);
    const Node are = item.Need("are");
    if (are.Text() != "whole" && are.Text() != "routed" && are.Text() != "padded")
      are.Fail("\"" + are.Text() + "\" is not whole, routed or padded");
    rule.routed = are.Text() == "routed";
    rule.padded = are.Text() == "padded";
    return rule;
  }

  static TileRule ReadTileRule(const Node& item, EngineTable& table) {
    item.Expect({"when", "unless", "since", "until", "part", "gates", "fallsBack", "kernel", "tiles", "source"});
    TileRule rule;
    ReadGuarded(item, "tiles", rule, table);
    const Node part = item.Need("part");
    constexpr std::array<std::pair<std::string_view, TileRule::Part>, 3> kParts = {
        {{"linear", TileRule::Part::kLinear},
         {"experts", TileRule::Part::kExperts},
         {"vision", TileRule::Part::kVision}}};
    const auto named = std::ranges::find(kParts, part.Text(), [](const auto& entry) { return entry.first; });
    if (named == kParts.end()) part.Fail("\"" + part.Text() + "\" is not linear, experts or vision");
    rule.part = named->second;
    if (const auto gates = item.Get("gates")) {
      const std::string text = gates->Text();
      if (rule.part != TileRule::Part::kLinear || (text != "split" && text != "whole"))
        gates->Fail("\"" + text + "\" is not split or whole, of linear layers");
      rule.gates = text == "split" ? TileRule::Gates::kSplit : TileRule::Gates::kWhole;
    }
    if (const auto falls_back = item.Get("fallsBack")) rule.falls_back = falls_back->Truth();
    rule.kernel = item.Need("kernel").Text();
    const Node tiles = item.Need("tiles");
    for (const std::string& text : tiles.Texts()) rule.tiles.push_back(ReadTile(tiles, text));
    if (rule.tiles.empty()) tiles.Fail("must not be empty");
    return rule;
  }

  // "64x128"
  static checkpoint::WeightBlock ReadTile(const Node& node, const std::string& text) {
    const std::size_t cross = text.find('x');
    const auto number = [&](const std::string& digits) -> std::int64_t {
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc() || end != digits.data() + digits.size() || value < 1)
        node.Fail("\"" + text + "\" is not outputs x inputs such as 64x128");
      return value;
    };
    if (cross == std::string::npos) node.Fail("\"" + text + "\" is not outputs x inputs such as 64x128");
    return {number(text.substr(0, cross)), number(text.substr(cross + 1))};
  }

  static void LoadRuleList(const Node& list, EngineTable& table, std::vector<Rule>& rules) {
    for (const Node& item : list.Items()) {
      Rule rule = ReadRule(item);
      if (rule.action == Action::kAccept && &rules == &table.rules_)
        item.Fail("accept belongs to the lists of schemes and tensors");
      CheckSettings(item, rule.set, table);
      CheckGuard(item, rule.guard, table);
      for (const std::string& blamed : rule.blame) {
        if (blamed != "model" && blamed != "gpu") NeedFlag(item, blamed, table);
      }
      rules.push_back(std::move(rule));
    }
  }

  static void LoadModels(const Node& root, EngineTable& table) {
    root.Expect({"engine", "releases", "endings", "own", "backend", "nested", "types", "text", "left"});
    ModelTable& models = table.models_;
    models.releases = ReadReleases(root, table);
    models.endings = root.Need("endings").Texts();
    models.own = ReadNames(root.Need("own"), models.releases.size());
    models.backend = ReadNames(root.Need("backend"), models.releases.size());
    models.nested = ReadNames(root.Need("nested"), models.releases.size());
    models.types = ReadNames(root.Need("types"), models.releases.size());
    for (const auto& [type, name] : root.Need("text").Members()) models.text[type] = name.Text();
    for (const auto& [name, last] : root.Need("left").Members()) models.left[name] = last.Text();
  }

  static void LoadVariables(const Node& root, EngineTable& table) {
    root.Expect({"engine", "releases", "read"});
    table.variable_releases_ = ReadReleases(root, table);
    table.variables_ = ReadNames(root.Need("read"), table.variable_releases_.size());
  }

 private:
  // Of a document that was read from an engine's releases.
  static std::vector<Version> ReadReleases(const Node& root, const EngineTable& table) {
    const Node engine = root.Need("engine");
    if (engine.Text() != table.traits_.engine)
      engine.Fail("\"" + engine.Text() + "\" is not the flag catalogue's engine, \"" + table.traits_.engine + "\"");
    const Node list = root.Need("releases");
    std::vector<Version> releases;
    for (const Node& item : list.Items()) releases.push_back(item.Release());
    if (!std::ranges::is_sorted(releases)) list.Fail("releases are not in ascending order");
    return releases;
  }

  // {"0-2,5": [a, b]}: which of `count` releases have a name.
  static ModelTable::Names ReadNames(const Node& lists, std::size_t count) {
    ModelTable::Names names;
    for (const auto& [where, list] : lists.Members()) {
      const std::vector<std::size_t> positions = ReadIndices(list, where, count);
      for (const Node& item : list.Items()) {
        ModelTable::Releases& having = names[item.Text()];
        having.resize(count);
        for (const std::size_t position : positions) having[position] = true;
      }
    }
    return names;
  }

  static std::vector<std::size_t> ReadIndices(const Node& node, const std::string& text, std::size_t count) {
    std::vector<std::size_t> indices;
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    while (at < end) {
      std::size_t first = 0;
      auto result = std::from_chars(at, end, first);
      std::size_t last = first;
      if (result.ec == std::errc() && result.ptr < end && *result.ptr == '-')
        result = std::from_chars(result.ptr + 1, end, last);
      if (result.ec != std::errc() || last < first || last >= count)
        node.Fail("\"" + text + "\" is not a list of positions in releases");
      for (std::size_t index = first; index <= last; ++index) indices.push_back(index);
      at = result.ptr;
      if (at < end && *at == ',') ++at;
    }
    return indices;
  }

  static ValueType ReadType(const Node& type) {
    static const std::map<std::string, ValueType, std::less<>> kTypes = {
        {"switch", ValueType::kSwitch}, {"text", ValueType::kText},    {"int", ValueType::kInteger},
        {"float", ValueType::kDecimal}, {"size", ValueType::kSize},    {"size-or-auto", ValueType::kSizeOrAuto},
        {"json", ValueType::kJson},     {"folded", ValueType::kFolded}};
    const auto known = kTypes.find(type.Text());
    if (known == kTypes.end()) type.Fail("\"" + type.Text() + "\" is not a kind of value");
    return known->second;
  }

  static void AddShape(const Node& row, Flag& flag, EngineTable& table) {
    row.Expect(
        {"in", "is", "takes", "of", "case", "open", "off", "hidden", "as", "alias", "state", "option", "typed", "new"});
    auto shape = std::make_unique<FlagShape>();
    if (const auto option = row.Get("option")) flag.option = option->Truth();
    shape->spelling = row.TextOr("as", flag.option ? flag.name : "--" + flag.name);
    shape->type = ReadType(row.Need("is"));
    if (const auto takes = row.Get("takes")) {
      static const std::map<std::string, Arity, std::less<>> kArities = {
          {"optional", Arity::kOptional}, {"some", Arity::kSome}, {"any", Arity::kAny}, {"repeated", Arity::kRepeated}};
      const auto known = kArities.find(takes->Text());
      if (known == kArities.end()) takes->Fail("\"" + takes->Text() + "\" is not a number of values");
      shape->arity = known->second;
    }
    if (const auto choices = row.Get("of")) {
      shape->restricted = true;
      shape->choices = choices->Texts();
    }
    if (const auto letters = row.Get("case")) {
      if (letters->Text() != "any") letters->Fail("\"" + letters->Text() + "\" is not any");
      shape->any_case = true;
    }
    if (const auto open = row.Get("open")) {
      static const std::map<std::string, Extension, std::less<>> kExtensions = {{"any", Extension::kAny},
                                                                                {"path", Extension::kPath}};
      const auto known = kExtensions.find(open->Text());
      if (known == kExtensions.end()) open->Fail("\"" + open->Text() + "\" is not one of any, path");
      shape->extension = known->second;
    }
    shape->off = row.TextOr("off", "");
    const std::string hidden = row.TextOr("hidden", "");  // a second off form
    shape->replacement = row.TextOr("new", "");
    if (const auto state = row.Get("state")) {
      if (state->Text() == "deprecated") {
        shape->state = FlagState::kDeprecated;
      } else if (state->Text() == "removed") {
        shape->state = FlagState::kRemoved;
      } else {
        state->Fail("\"" + state->Text() + "\" is not one of deprecated, removed");
      }
    }
    std::set<std::string> spellings = {EngineTable::Normalise(flag.name), EngineTable::Normalise(shape->spelling)};
    if (const auto alias = row.Get("alias")) {
      for (const std::string& text : alias->Texts()) spellings.insert(EngineTable::Normalise(text));
    }
    if (const auto typed = row.Get("typed")) {
      if (!flag.option) typed->Fail("only an option of the options file can be an option of the command line too");
      for (const std::string& text : typed->Texts()) {
        shape->typed.push_back(EngineTable::Normalise(text));
        spellings.insert(shape->typed.back());
      }
    }
    shape->spellings.assign(spellings.begin(), spellings.end());
    const Node in = row.Need("in");
    for (const std::size_t release : ReadIndices(in, in.Text(), table.releases_.size())) {
      if (flag.shapes[release] != nullptr) row.Fail("two rows of one flag in one release");
      flag.shapes[release] = shape.get();
      for (const std::string& spelling : spellings) table.spellings_[spelling].push_back({&flag, release, false});
      for (const std::string& off : {shape->off, hidden}) {
        if (!off.empty()) table.spellings_[EngineTable::Normalise(off)].push_back({&flag, release, true});
      }
    }
    table.shapes_.push_back(std::move(shape));
  }

  // The flag of a canonical name. Names in compatibility tables are checked: a typing error there would never fire.
  static Flag& NeedFlag(const Node& node, const std::string& name, EngineTable& table) {
    const auto found = std::ranges::find_if(table.flags_, [&](const auto& flag) { return flag->name == name; });
    if (found != table.flags_.end()) return **found;
    const std::size_t dot = name.find('.');
    if (dot != std::string::npos) return NeedFlag(node, name.substr(0, dot), table);
    node.Fail("\"" + name + "\" is not the canonical name of a flag");
  }

  static void CheckSettings(const Node& node, const std::vector<std::pair<std::string, FlagValue>>& settings,
                            EngineTable& table) {
    for (const auto& [name, value] : settings) NeedFlag(node, name, table);
  }

  static void CheckGuard(const Node& node, const Guard& guard, EngineTable& table) {
    const auto check = [&](const std::vector<Condition>& conditions) {
      for (const Condition& condition : conditions) {
        if (condition.subject == Subject::kFlag) NeedFlag(node, condition.flag, table);
        for (const std::string& pattern : condition.patterns) {
          if (condition.subject == Subject::kMapped) NeedFlag(node, pattern, table);
          // "<{--max-num-seqs}"
          const std::size_t quoted = pattern.find("{--");
          if (quoted != std::string::npos)
            NeedFlag(node, pattern.substr(quoted + 3, pattern.size() - quoted - 4), table);
        }
      }
    };
    check(guard.when);
    for (const auto& group : guard.unless) check(group);
  }

  static void LoadNames(const Node& root, EngineTable& table) {
    if (const auto completes = root.Get("completesFlags")) table.completes_ = completes->Truth();
    if (const auto aliases = root.Get("aliases")) {
      for (const auto& [name, target] : aliases->Members())
        table.aliases_[EngineTable::Normalise(name)] = EngineTable::Normalise(target.Text());
    }
    if (const auto hints = root.Get("hints")) {
      for (const auto& [name, text] : hints->Members()) table.hints_[EngineTable::Normalise(name)] = text.Text();
    }
    if (const auto forbidden = root.Get("forbidden")) {
      for (const auto& [name, text] : forbidden->Members())
        table.forbidden_[EngineTable::Normalise(name)] = text.Text();
    }
    if (const auto environment = root.Get("environment")) {
      for (const auto& [name, node] : environment->Members()) {
        node.Expect({"until", "use"});
        const std::string use = node.TextOr("use", "");
        if (!use.empty()) NeedFlag(node, use, table);
        table.removed_variables_[name] = {node.Need("until").Release(), use};
      }
    }
    if (const auto members = root.Get("members")) {
      for (const auto& [name, lists] : members->Members()) {
        auto& of_flag = table.members_[NeedFlag(lists, name, table).name];
        for (const Node& item : lists.Items()) {
          item.Expect({"since", "until", "names"});
          of_flag.emplace_back(ReadRange(item), item.Need("names").Texts());
        }
      }
    }
    if (const auto order = root.Get("order")) {
      for (const Node& item : order->Items()) {
        const std::size_t position = table.order_.size();
        table.order_[NeedFlag(item, item.Text(), table).name] = position;
      }
    }
    if (const auto dtypes = root.Get("autoDtype")) {
      for (const Node& item : dtypes->Items()) {
        item.Expect({"model", "gpu", "when", "unless", "dtype"});
        AutoDtype rule{item.Need("model").Text(), std::nullopt, ReadGuard(item), item.Need("dtype").Text()};
        // What the dtype is would depend on itself, or on what is mapped because of it.
        if (DependsOn(rule.guard, {Subject::kDtype, Subject::kFlag, Subject::kMapped}))
          item.Fail("autoDtype cannot depend on flags or on dtype");
        if (const auto gpu = item.Get("gpu")) rule.gpu = ReadCondition("gpu", *gpu);
        table.auto_dtypes_.push_back(std::move(rule));
      }
    }
    if (const auto declared = root.Get("followsDeclaredKv")) {
      for (const Node& item : declared->Items()) {
        item.Expect({"method", "kvCache", "plain", "since", "until", "when", "unless"});
        EngineTable::DeclaredKv rule{item.Need("method").Texts(), {}, false, ReadRange(item), ReadGuard(item)};
        // What "auto" means would depend on itself.
        if (DependsOn(rule.guard, {Subject::kCheckpointKv, Subject::kFlag}))
          item.Fail("followsDeclaredKv cannot depend on flags or on checkpointKv");
        if (const auto values = item.Get("kvCache")) rule.values = values->Texts();
        if (const auto plain = item.Get("plain")) rule.plain = plain->Truth();
        table.declared_kv_.push_back(std::move(rule));
      }
    }
    const Node flags = root.Need("flags");
    flags.Expect(
        {"dtype", "quantization", "tensor", "pipeline", "data", "attentionData", "attentionDataSize", "cache"});
    const auto name = [&](const char* key, std::string& target) {
      if (const auto node = flags.Get(key)) target = NeedFlag(*node, node->Text(), table).name;
    };
    name("dtype", table.dtype_flag_);
    name("quantization", table.quantization_flag_);
    name("tensor", table.tensor_flag_);
    name("pipeline", table.pipeline_flag_);
    name("data", table.data_flag_);
    name("attentionData", table.attention_data_switch_);
    name("attentionDataSize", table.attention_data_flag_);
    if (const auto cache = flags.Get("cache")) {
      for (const Node& item : cache->Items()) table.cache_flags_.push_back(NeedFlag(item, item.Text(), table).name);
    }
    if (table.dtype_flag_.empty()) flags.Fail("\"dtype\" is missing");
    if (table.tensor_flag_.empty()) flags.Fail("\"tensor\" is missing");
  }

  static void LoadStart(const Node& start, EngineTable& table) {
    start.Expect(
        {"image", "rocmImage", "health", "command", "revision", "optionsFile", "reserved", "env", "promptLogprobs"});
    EngineTraits& traits = table.traits_;
    traits.default_image = start.Need("image").Text();
    if (const auto rocm = start.Get("rocmImage")) traits.rocm_image = rocm->Text();
    traits.health_path = start.Need("health").Text();
    traits.command = start.Need("command").Texts();
    if (const auto revision = start.Get("revision")) {
      if (revision->IsMap()) {
        revision->Expect({"since", "until", "args"});
        table.revision_range_ = ReadRange(*revision);
        traits.revision_args = revision->Need("args").Texts();
      } else {
        traits.revision_args = revision->Texts();
      }
    }
    if (const auto options = start.Get("optionsFile")) traits.options_file_args = options->Texts();
    if (const auto env = start.Get("env")) {
      for (const auto& [key, value] : env->Members()) traits.env[key] = value.Text();
    }
    if (const auto logprobs = start.Get("promptLogprobs")) traits.prompt_logprobs = logprobs->Truth();
    const auto reserve = [&](const Node& list, const std::string& why) {
      for (const Node& item : list.Items()) {
        const std::string name = NeedFlag(item, item.Text(), table).name;
        traits.reserved_flags.push_back(name);
        table.reserved_[name] = why;
      }
    };
    const Node reserved = start.Need("reserved");
    if (reserved.IsMap()) {
      for (const auto& [why, list] : reserved.Members()) reserve(list, why);
    } else {
      reserve(reserved, "the operator sets it itself");
    }
  }

  // "0.13.0-0.30.0": the first release with and the first without; one of them may be missing.
  static void AddBetween(const Node& node, const std::string& name, const std::string& value, EngineTable& table) {
    const std::string text = node.Text();
    const std::size_t dash = text.find('-');
    if (dash == std::string::npos) node.Fail("\"" + text + "\" is no range such as 0.13.0-0.30.0");
    const auto release = [&](const std::string& of) -> std::optional<Version> {
      if (of.empty()) return std::nullopt;
      const std::optional<Version> version = Version::Parse(of);
      if (!version) node.Fail("\"" + of + "\" is no release");
      return version;
    };
    Flag& flag = NeedFlag(node, name, table);
    Bound bound;
    bound.value = value;
    bound.range = {release(text.substr(0, dash)), release(text.substr(dash + 1))};
    CheckBound(node, bound, flag, table);
    flag.bounds.push_back(std::move(bound));
  }

  static void LoadBounds(const Node& root, EngineTable& table) {
    if (const auto bounds = root.Get("bounds")) {
      for (const Node& item : bounds->Items()) {
        item.Expect({"flag", "value", "since", "until", "certain", "source"});
        Flag& flag = NeedFlag(item, item.Need("flag").Text(), table);
        Bound bound;
        bound.value = item.TextOr("value", "");
        bound.range = ReadRange(item);
        if (const auto certain = item.Get("certain")) bound.certain = certain->Release();
        CheckBound(item, bound, flag, table);
        flag.bounds.push_back(std::move(bound));
      }
    }
    if (const auto between = root.Get("between")) {
      between->Expect({"flags", "values"});
      for (const auto& [name, range] : between->Need("flags").Members()) AddBetween(range, name, "", table);
      for (const auto& [name, values] : between->Need("values").Members()) {
        for (const auto& [value, range] : values.Members()) AddBetween(range, name, value, table);
      }
    }
    if (const auto limits = root.Get("limits")) {
      for (const auto& [name, node] : limits->Members()) {
        node.Expect({"above", "min", "max", "below"});
        Limit& limit = NeedFlag(node, name, table).limit;
        if (const auto above = node.Get("above")) limit.above = above->Number();
        if (const auto min = node.Get("min")) limit.min = min->Number();
        if (const auto max = node.Get("max")) limit.max = max->Number();
        if (const auto below = node.Get("below")) limit.below = below->Number();
      }
    }
    if (const auto values = root.Get("values")) {
      for (const auto& [name, node] : values->Members()) {
        node.Expect({"is", "case", "of"});
        LateValues& late = NeedFlag(node, name, table).late;
        if (const auto type = node.Get("is")) late.type = ReadType(*type);
        if (const auto letters = node.Get("case")) {
          if (letters->Text() != "upper") letters->Fail("\"" + letters->Text() + "\" is not upper");
          late.upper_case = true;
        }
        if (const auto of = node.Get("of")) late.patterns = of->Texts();
      }
    }
  }

  // A bound may only fill the gaps between recordings: it must agree with every recorded release.
  static void CheckBound(const Node& node, const Bound& bound, const Flag& flag, const EngineTable& table) {
    for (std::size_t i = 0; i < table.releases_.size(); ++i) {
      const FlagShape* shape = flag.shapes[i];
      bool recorded = shape != nullptr;
      if (!bound.value.empty()) {
        if (!recorded) continue;
        recorded = !shape->restricted || std::ranges::find(shape->choices, bound.value) != shape->choices.end();
      }
      if (recorded == bound.range.Contains(table.releases_[i])) continue;
      node.Fail("the bound of " + flag.name + (bound.value.empty() ? "" : " " + bound.value) + " contradicts release " +
                table.releases_[i].ToString() + ", which " + (recorded ? "has it" : "does not have it"));
    }
  }

  static void LoadParallel(const Node& root, EngineTable& table) {
    if (const auto parallel = root.Get("parallel")) {
      parallel->Expect({"tensor", "pipeline", "data", "expert"});
      for (const auto& [size, node] : parallel->Members()) {
        node.Expect({"flag", "switch", "equals", "divides", "dividesExperts"});
        ParallelRule rule;
        rule.flag = NeedFlag(node, node.Need("flag").Text(), table).name;
        if (const auto as_switch = node.Get("switch")) rule.as_switch = as_switch->Truth();
        if (const auto equals = node.Get("equals")) rule.equals = equals->Texts();
        if (const auto divides = node.Get("divides")) rule.divides = divides->Texts();
        if (const auto experts = node.Get("dividesExperts")) rule.divides_experts = experts->Truth();
        for (const auto& list : {rule.equals, rule.divides}) {
          for (const std::string& name : list) NeedFlag(node, name, table);
        }
        table.parallel_[size] = std::move(rule);
      }
    }
    for (const Node& item : root.Need("gpus").Items()) {
      item.Expect({"flag", "unless"});
      GpuFactor factor;
      factor.flag = NeedFlag(item, item.Need("flag").Text(), table).name;
      if (const auto unless = item.Get("unless")) factor.unless = NeedFlag(*unless, unless->Text(), table).name;
      table.gpu_factors_.push_back(std::move(factor));
    }
  }

  static void LoadMemory(const Node& root, EngineTable& table) {
    const auto memory = root.Get("memory");
    if (!memory) return;
    memory->Expect({"fraction", "default", "context", "wholeSequence", "kvCache", "batch", "smallestBatch",
                    "activationsInShare", "expertsOverData", "sharesContext", "bits", "unless", "indexCache",
                    "loadedWhole"});
    MemoryRule& rule = table.memory_;
    const auto flag = [&](const char* key, std::string& target) {
      if (const auto node = memory->Get(key)) target = NeedFlag(*node, node->Text(), table).name;
    };
    const auto flags = [&](const char* key, std::vector<std::string>& target) {
      if (const auto list = memory->Get(key)) {
        for (const Node& item : list->Items()) target.push_back(NeedFlag(item, item.Text(), table).name);
      }
    };
    flag("fraction", rule.fraction);
    flag("context", rule.context);
    flag("kvCache", rule.kv_cache);
    flag("batch", rule.batch);
    flags("sharesContext", rule.shares_context);
    // Members of an option of its own, no flags of the catalogue.
    if (const auto list = memory->Get("indexCache")) rule.index_cache = list->Texts();
    flags("unless", rule.unless);
    if (const auto whole = memory->Get("loadedWhole")) {
      for (const Node& item : whole->Items()) rule.loaded_whole.push_back(ReadGuardedRule(item, "loadedWhole", table));
    }
    if (const auto shares = memory->Get("default")) {
      for (const Node& item : shares->Items()) {
        item.Expect({"since", "until", "share"});
        const Node share = item.Need("share");
        rule.shares.push_back({ReadRange(item), share.Number()});
        if (rule.shares.back().value <= 0 || rule.shares.back().value > 1) share.Fail("is not above 0 and at most 1");
      }
    }
    if (const auto whole = memory->Get("wholeSequence")) rule.whole_sequence = whole->Truth();
    if (const auto inside = memory->Get("activationsInShare")) rule.activations_in_share = inside->Truth();
    if (const auto over = memory->Get("expertsOverData")) rule.experts_over_data = over->Truth();
    if (const auto batch = memory->Get("smallestBatch"))
      rule.smallest_batch = static_cast<std::int64_t>(batch->Number());
    if (const auto bits = memory->Get("bits")) {
      for (const auto& [method, node] : bits->Members()) {
        const double number = node.Number();
        if (number < 1 || number > 32) node.Fail("is not a number of bits");
        rule.bits[method] = static_cast<int>(number);
      }
    }
  }

  static void LoadScheduler(const Node& root, EngineTable& table) {
    const auto scheduler = root.Get("scheduler");
    if (!scheduler) return;
    scheduler->Expect({"sequences", "eager", "draft"});
    const auto flag = [&](const char* key, std::string& target) {
      if (const auto node = scheduler->Get(key)) target = NeedFlag(*node, node->Text(), table).name;
    };
    flag("sequences", table.scheduler_.sequences);
    flag("eager", table.scheduler_.eager);
    // A member of an option of its own, such as speculative-config.num_speculative_tokens, is no flag of the catalogue.
    if (const auto node = scheduler->Get("draft")) table.scheduler_.draft = node->Text();
  }

  static void LoadDefaults(const Node& root, EngineTable& table) {
    const auto defaults = root.Get("defaults");
    if (!defaults) return;
    for (const auto& [name, rows] : defaults->Members()) {
      std::vector<DefaultRule>& rules = table.defaults_[NeedFlag(rows, name, table).name];
      for (const Node& row : rows.Items()) {
        row.Expect({"since", "until", "leastGib", "exceptGpu", "value"});
        DefaultRule rule{ReadRange(row), 0, "", row.Need("value").Text()};
        if (const auto memory = row.Get("leastGib")) rule.least_gib = memory->Number();
        if (const auto product = row.Get("exceptGpu")) rule.except_gpu = product->Text();
        rules.push_back(std::move(rule));
      }
    }
  }

  static void LoadCells(const Node& fields, EngineTable& table) {
    for (const auto& [name, column] : fields.Members()) {
      const std::optional<Field> field = FieldOf(name);
      if (!field) column.Fail("\"" + name + "\" is not a field of quantConfig");
      for (const auto& [values, cell] : column.Members()) {
        // "fp8, fp8_e4m3" is one cell for both.
        std::vector<Alternative> alternatives;
        for (const Node& item : cell.Items()) {
          alternatives.push_back(ReadAlternative(item));
          CheckSettings(item, alternatives.back().set, table);
          CheckGuard(item, alternatives.back().guard, table);
        }
        if (alternatives.empty()) cell.Fail("a cell requires at least one alternative");
        const Alternative& last = alternatives.back();
        if (!last.guard.unconditional() || last.range.since || last.range.until)
          cell.Fail("the last alternative of " + name + " " + values + " must hold always");
        std::size_t start = 0;
        while (start <= values.size()) {
          const std::size_t comma = std::min(values.find(", ", start), values.size());
          const std::string value = values.substr(start, comma - start);
          const std::span<const std::string_view> allowed = AllowedValues(*field);
          if (std::ranges::find(allowed, value) == allowed.end())
            cell.Fail("\"" + value + "\" is not a value of " + name);
          if (!table.cells_[*field].emplace(value, alternatives).second)
            cell.Fail(name + " " + value + " is listed twice");
          start = comma + 2;
        }
      }
      for (const std::string_view value : AllowedValues(*field)) {
        if (!table.cells_[*field].contains(std::string(value)))
          column.Fail(name + " " + std::string(value) + " has no verdict");
      }
    }
    for (const Field field : kFields) {
      if (!table.cells_.contains(field)) fields.Fail(std::string(FieldName(field)) + " has no verdicts");
    }
  }
};

base::Result<std::shared_ptr<const EngineTable>> EngineTable::Load(const Source& rules, const Source& flags,
                                                                   const Source* models, const Source* variables) {
  const Source* current = &flags;
  try {
    auto table = std::make_shared<EngineTable>();
    TableLoader::LoadFlags(Node(&flags.file, Parse(flags.text)), *table);
    current = &rules;
    TableLoader::LoadRules(Node(&rules.file, Parse(rules.text)), *table);
    if (models != nullptr) {
      current = models;
      TableLoader::LoadModels(Node(&models->file, Parse(models->text)), *table);
    }
    if (variables != nullptr) {
      current = variables;
      TableLoader::LoadVariables(Node(&variables->file, Parse(variables->text)), *table);
    }
    return std::shared_ptr<const EngineTable>(std::move(table));
  } catch (const TableError& error) {
    return base::Invalid(error.message);
  } catch (const YAML::Exception& error) {
    return base::Invalid(current->file + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

}  // namespace autotune::quant
