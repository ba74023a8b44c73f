#include "quant/engine_table.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "base/ascii_case.h"

namespace autotune::quant {
namespace {

// Edits that turn one word into the other; for hints only.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

bool Lists(const FlagShape& shape, const std::string& value) {
  return !shape.restricted || std::ranges::find(shape.choices, value) != shape.choices.end();
}

bool Extends(const FlagShape& shape, const std::string& value) {
  switch (shape.extension) {
    case Extension::kNone:
      return false;
    case Extension::kAny:
      return true;
    case Extension::kPath:
      return value.find('.', 1) < value.size() - 1;
  }
  return false;
}

const std::string kEmpty;

// The parts of a name: "gpu-utilization" has two.
std::set<std::string> Parts(const std::string& name) {
  std::set<std::string> parts;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("-_", start), name.size());
    if (end > start) parts.insert(base::AsciiLower(name.substr(start, end - start)));
    start = end + 1;
  }
  return parts;
}

// The only name that has all parts of a word and one more, for words of several parts: gpu-memory-utilization for
// gpu-utilization. "" = none, or several.
std::string NameWithAll(const std::string& word, const std::vector<std::string>& known) {
  const std::set<std::string> wanted = Parts(word);
  std::string found;
  for (const std::string& name : known) {
    const std::set<std::string> parts = Parts(name);
    if (wanted.size() < 2 || parts.size() != wanted.size() + 1) continue;
    if (!std::ranges::includes(parts, wanted)) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

// The flags that a replacement names: "--cuda-graph-backend-{decode,prefill}=disabled" are two.
std::vector<std::string> FlagsIn(const std::string& replacement) {
  const std::size_t end = replacement.find_first_of(" =");
  const std::string name = replacement.substr(0, end);
  const std::size_t open = name.find('{'), close = name.find('}');
  if (!name.starts_with("--")) return {};
  if (open == std::string::npos || close == std::string::npos || close < open) return {name};
  std::vector<std::string> names;
  for (std::size_t at = open + 1; at <= close;) {
    const std::size_t comma = std::min(name.find(',', at), close);
    names.push_back(name.substr(0, open) + name.substr(at, comma - at) + name.substr(close + 1));
    at = comma + 1;
  }
  return names;
}

}  // namespace

std::string Nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::string wanted = base::AsciiLower(word);
  std::size_t best = std::numeric_limits<std::size_t>::max();
  std::string nearest;
  for (const std::string& name : known) {
    const std::size_t distance = Distance(wanted, base::AsciiLower(name));
    if (distance > best || (distance == best && name > nearest)) continue;
    best = distance;
    nearest = name;
  }
  // A word that shares less than two thirds with the nearest one was not meant to be it.
  if (!nearest.empty() && best * 3 <= word.size()) return nearest;
  return NameWithAll(wanted, known);
}

std::vector<std::string> FlagUse::Choices() const {
  std::vector<std::string> choices = shape->choices;
  if (other == nullptr) return choices;
  for (const std::string& choice : other->choices) {
    if (std::ranges::find(choices, choice) == choices.end()) choices.push_back(choice);
  }
  return choices;
}

std::string FlagUse::Spelled(const std::string& value) const {
  for (const FlagShape* listing : {shape, other}) {
    if (listing == nullptr || !listing->any_case) continue;
    for (const std::string& choice : listing->choices) {
      if (base::AsciiLower(choice) == base::AsciiLower(value)) return choice;
    }
  }
  return value;
}

const std::vector<std::string>* EngineTable::MembersOf(const std::string& flag, const Version& version) const {
  const auto found = members_.find(flag);
  if (found == members_.end()) return nullptr;
  const auto of = std::ranges::find_if(found->second, [&](const auto& one) { return one.first.Contains(version); });
  return of == found->second.end() ? nullptr : &of->second;
}

std::string EngineTable::Normalise(std::string_view spelling) {
  while (spelling.starts_with('-')) spelling.remove_prefix(1);
  std::string normal(spelling);
  for (char& c : normal) {
    if (c == '.') break;
    if (c == '_') c = '-';
  }
  return normal;
}

EngineTable::Neighbours EngineTable::NeighboursOf(const Version& version) const {
  const auto after = std::ranges::lower_bound(releases_, version);
  if (after == releases_.end()) return {releases_.size() - 1, releases_.size() - 1};
  const auto at = static_cast<std::size_t>(after - releases_.begin());
  if (*after == version || at == 0) return {at, at};
  return {at - 1, at};
}

std::optional<FlagUse> EngineTable::Use(const Flag* flag, const Version& version, const Neighbours& near) const {
  const FlagShape* before = flag->shapes[near.before];
  const FlagShape* after = flag->shapes[near.after];
  FlagUse use{flag, before != nullptr ? before : after, nullptr, false, before != nullptr && after != nullptr};
  if (before != nullptr && after != nullptr && before != after) use.other = after;
  for (const Bound& bound : flag->bounds) {
    if (!bound.value.empty()) continue;
    if (!bound.range.Contains(version)) return std::nullopt;
    use.certain = !bound.certain || *bound.certain <= version;
  }
  if (use.shape == nullptr) {
    // Exactly known to exist although neither neighbour was recorded with it cannot happen in a checked table.
    return std::nullopt;
  }
  return use;
}

std::optional<FlagUse> EngineTable::Find(std::string_view spelling, const Version& version) const {
  std::string key = Normalise(spelling);
  const auto alias = aliases_.find(key);
  const Neighbours near = NeighboursOf(version);
  const auto look = [&](const std::string& name) -> std::optional<FlagUse> {
    const auto found = spellings_.find(name);
    if (found == spellings_.end()) return std::nullopt;
    // A spelling may have belonged to another flag in another release: the release before decides, then the one after.
    for (const std::size_t release : {near.before, near.after}) {
      for (const Spelling& candidate : found->second) {
        if (candidate.release != release) continue;
        std::optional<FlagUse> use = Use(candidate.flag, version, near);
        if (!use) continue;
        use->negated = candidate.off;
        return use;
      }
    }
    return std::nullopt;
  };
  if (std::optional<FlagUse> use = look(key)) return use;
  if (alias != aliases_.end()) return look(alias->second);
  // "no-enable-x" is understood wherever enable-x has an off form, however the release spells it.
  if (key.starts_with("no-")) {
    std::optional<FlagUse> use = look(key.substr(3));
    if (use && use->shape->type == ValueType::kSwitch && !use->shape->off.empty()) {
      use->negated = !use->negated;
      use->respelled = true;
      return use;
    }
  }
  return std::nullopt;
}

std::string EngineTable::Deprecation(const FlagUse& use, const Version& version) const {
  const Neighbours near = NeighboursOf(version);
  const auto deprecated = [&](std::size_t release) {
    const FlagShape* shape = use.flag->shapes[release];
    return shape != nullptr && shape->state == FlagState::kDeprecated;
  };
  const bool before = deprecated(near.before), after = deprecated(near.after);
  if (!before && !after) return "";
  std::string replacement;
  for (const std::size_t release : {near.before, near.after}) {
    const FlagShape* shape = use.flag->shapes[release];
    if (shape != nullptr && !shape->replacement.empty()) replacement = shape->replacement;
  }
  // What a release does not have yet is no replacement there, and the flag is not deprecated before it.
  bool exists = true, certain = true;
  for (const std::string& name : FlagsIn(replacement)) {
    const std::optional<FlagUse> other = Find(name, version);
    exists = exists && other.has_value();
    certain = certain && other && other->certain;
  }
  if (!exists && !before) return "";
  const std::string use_instead =
      replacement.empty() || !exists ? "" : "; use " + replacement + (certain ? "" : " if the release has it");
  const std::string first = releases_[near.before].ToString(), second = releases_[near.after].ToString();
  if (near.before != near.after) {
    if (before && after) return "is deprecated in " + first + " and in " + second + use_instead;
    return "is deprecated in " + (before ? first : second) + "; whether it is in " + version.ToString() +
           " is not recorded" + use_instead;
  }
  if (releases_[near.before] == version) return "is deprecated in " + first + use_instead;
  return "is deprecated in " + first + ", the nearest release that is recorded" + use_instead;
}

std::optional<FlagUse> EngineTable::FindCompleted(std::string_view spelling, const Version& version) const {
  if (auto use = Find(spelling, version)) return use;
  const std::vector<std::string> completions = CompletionsOf(spelling, version);
  return completions.size() == 1 ? Find(completions.front(), version) : std::nullopt;
}

std::vector<std::string> EngineTable::CompletionsOf(std::string_view spelling, const Version& version) const {
  const std::string key = Normalise(spelling);
  std::vector<std::string> names;
  // A member of a map ("a.b") is none of the parser's flags; one letter is a short option.
  if (!completes_ || key.size() < 2 || key.find('.') != std::string::npos) return names;
  const Neighbours near = NeighboursOf(version);
  for (const auto& [name, places] : spellings_) {
    if (!name.starts_with(key)) continue;
    const bool here = std::ranges::any_of(places, [&](const Spelling& known) {
      return (known.release == near.before || known.release == near.after) && Use(known.flag, version, near);
    });
    if (here) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> EngineTable::ChoicesOf(const FlagUse& use, const Version& version) const {
  std::vector<std::string> choices = use.Choices();
  std::erase_if(choices,
                [&](const std::string& choice) { return StandingOf(use, choice, version) == Standing::kRefused; });
  return choices;
}

Standing EngineTable::StandingOf(const FlagUse& use, const std::string& value, const Version& version) const {
  for (const Bound& bound : use.flag->bounds) {
    if (bound.value != value) continue;
    if (!bound.range.Contains(version)) {
      const bool open = Extends(*use.shape, value) || (use.other != nullptr && Extends(*use.other, value));
      return open ? Standing::kPlugin : Standing::kRefused;
    }
    return bound.certain && version < *bound.certain ? Standing::kUncertain : Standing::kKnown;
  }
  const FlagShape& before = *use.shape;
  const FlagShape& after = use.other == nullptr ? before : *use.other;
  if (Lists(before, value) && Lists(after, value)) return Standing::kKnown;
  if (Lists(before, value) || Lists(after, value)) return Standing::kUncertain;
  return Extends(before, value) || Extends(after, value) ? Standing::kPlugin : Standing::kRefused;
}

std::string EngineTable::Hint(std::string_view spelling, const Version& version) const {
  const std::string key = Normalise(spelling);
  if (const auto hint = hints_.find(key); hint != hints_.end()) return hint->second;
  if (const auto found = spellings_.find(key); found != spellings_.end()) {
    std::size_t first = releases_.size();
    std::size_t last = 0;
    std::string replacement;
    for (const Spelling& known : found->second) {
      first = std::min(first, known.release);
      last = std::max(last, known.release);
      const FlagShape* shape = known.flag->shapes[known.release];
      if (shape != nullptr && !shape->replacement.empty() && releases_[known.release] < version)
        replacement = "its replacement is " + shape->replacement + "; ";
    }
    // What lies between recorded releases is not known, so the sentence is about these.
    for (const Bound& bound : found->second.front().flag->bounds) {
      if (bound.value.empty() && bound.range.since && version < *bound.range.since)
        return bound.certain ? "it is confirmed from " + bound.certain->ToString() + " on"
                             : "it exists from " + bound.range.since->ToString() + " on";
    }
    if (first == last) return replacement + "of the recorded releases only " + releases_[first].ToString() + " has it";
    if (version < releases_[first])
      return "of the recorded releases " + releases_[first].ToString() + " is the first that has it";
    return replacement + "of the recorded releases " + releases_[last].ToString() + " is the last that has it";
  }
  const Neighbours near = NeighboursOf(version);
  std::vector<std::string> names;
  for (const auto& [name, places] : spellings_) {
    const bool here = std::ranges::any_of(
        places, [&](const Spelling& known) { return known.release == near.before || known.release == near.after; });
    if (here) names.push_back(name);
  }
  const std::string nearest = Nearest(key, names);
  return nearest.empty() ? "" : "did you mean " + nearest + "?";
}

std::optional<ComputeCapability> EngineTable::LeastGpu(const Version& version) const {
  const auto found = std::ranges::find_if(gpu_floors_, [&](const GpuFloor& f) { return f.range.Contains(version); });
  return found == gpu_floors_.end() ? std::nullopt : std::optional(found->gpu);
}

std::string EngineTable::DefaultOf(const std::string& flag, const Version& version, std::string_view product,
                                   std::int64_t memory_bytes) const {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  const auto rules = defaults_.find(flag);
  if (rules == defaults_.end()) return "";
  for (const DefaultRule& rule : rules->second) {
    if (!rule.range.Contains(version)) continue;
    const bool of_gpu = rule.least_gib > 0 || !rule.except_gpu.empty();
    if (of_gpu && (memory_bytes == 0 || product.empty())) return "";
    if (static_cast<double>(memory_bytes) < rule.least_gib * kGib) continue;
    if (!rule.except_gpu.empty() &&
        base::AsciiLower(product).find(base::AsciiLower(rule.except_gpu)) != std::string::npos) {
      continue;
    }
    return rule.value;
  }
  return "";
}

std::int64_t EngineTable::ExpertBlock(const Version& version, const std::string& method, std::int64_t block,
                                      std::int64_t part, std::int64_t hidden) const {
  const BlockRule& rule = expert_blocks_;
  if (rule.least == 0 || !rule.range.Contains(version) || std::ranges::find(rule.methods, method) == rule.methods.end())
    return block;
  const std::int64_t finer = std::gcd(std::gcd(block, part), hidden);
  return finer < rule.least ? block : finer;
}

const std::vector<Alternative>& EngineTable::Cell(Field field, const std::string& value) const {
  static const std::vector<Alternative> kNone;
  const auto column = cells_.find(field);
  if (column == cells_.end()) return kNone;
  const auto cell = column->second.find(value);
  return cell == column->second.end() ? kNone : cell->second;
}

const ParallelRule* EngineTable::Parallel(std::string_view size) const {
  const auto found = parallel_.find(size);
  return found == parallel_.end() ? nullptr : &found->second;
}

bool EngineTable::FollowsDeclaredKv(const std::string& method, const std::string& kv_cache, bool plain,
                                    const Version& version, const FactSource& facts) const {
  const auto matches = [](const std::vector<std::string>& patterns, const std::string& text) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) {
      return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1)) : text == pattern;
    });
  };
  return std::ranges::any_of(declared_kv_, [&](const DeclaredKv& declared) {
    return declared.range.Contains(version) && (plain || !declared.plain) && matches(declared.methods, method) &&
           (declared.values.empty() || matches(declared.values, kv_cache)) && declared.guard.Holds(facts);
  });
}

const std::string& EngineTable::UsualDtype() {
  static const std::string kUsual = "bfloat16";
  return kUsual;
}

const std::string& EngineTable::DtypeOf(const std::string& declared, const FactSource& facts) const {
  const std::string& usual = declared.empty() ? UsualDtype() : declared;
  for (const AutoDtype& rule : auto_dtypes_) {
    if (rule.model != usual && !(declared.empty() && rule.model == "none")) continue;
    if ((!rule.gpu || rule.gpu->Holds(facts)) && rule.guard.Holds(facts)) return rule.dtype;
  }
  return usual;
}

std::string EngineTable::AliasOf(const std::string& name) const {
  const auto alias = aliases_.find(name);
  return alias == aliases_.end() ? "" : alias->second;
}

std::vector<Version> EngineTable::Milestones() const {
  std::vector<Version> milestones = releases_;
  const auto add = [&](const VersionRange& range, const std::optional<Version>& certain) {
    for (const std::optional<Version>& at : {range.since, range.until, certain}) {
      if (at && *at > oldest()) milestones.push_back(*at);
    }
  };
  for (const auto& flag : flags_) {
    for (const Bound& bound : flag->bounds) add(bound.range, bound.certain);
  }
  for (const auto& [field, column] : cells_) {
    for (const auto& [value, alternatives] : column) {
      for (const Alternative& alternative : alternatives) add(alternative.range, alternative.certain);
    }
  }
  for (const std::vector<Rule>* rules : {&rules_, &schemes_, &tensors_}) {
    for (const Rule& rule : *rules) add(rule.range, rule.certain);
  }
  for (const SharedExpertRule& rule : shared_experts_) add(rule.range, std::nullopt);
  for (const std::vector<GuardedRule>* rules : {&torn_keys_, &memory_.loaded_whole}) {
    for (const GuardedRule& rule : *rules) add(rule.range, std::nullopt);
  }
  for (const TileRule& rule : tiles_) add(rule.range, std::nullopt);
  std::ranges::sort(milestones);
  milestones.erase(std::unique(milestones.begin(), milestones.end()), milestones.end());
  return milestones;
}

std::size_t EngineTable::Order(const std::string& flag) const {
  const auto found = order_.find(flag);
  return found == order_.end() ? order_.size() : found->second;
}

bool EngineTable::Reserved(const std::string& flag) const { return reserved_.contains(flag); }

std::string EngineTable::WhyReserved(const std::string& flag) const {
  const auto found = reserved_.find(flag);
  return found == reserved_.end() ? "" : found->second;
}

std::string EngineTable::WhyIgnored(const std::string& variable, const Version& version) const {
  const std::string not_read = traits_.title + " " + version.ToString() + " does not read " + variable;
  if (const auto found = removed_variables_.find(variable);
      found != removed_variables_.end() && !(version < found->second.until)) {
    const RemovedVariable& removed = found->second;
    return not_read + " (removed in " + removed.until.ToString() + ")" +
           (removed.use.empty() ? "" : "; --" + removed.use + " replaces it");
  }
  const auto recorded = variables_.find(variable);
  if (recorded == variables_.end()) return "";
  const std::vector<bool>& reads = recorded->second;
  // A release that is not recorded reads what one of its neighbours does.
  const auto place = std::ranges::lower_bound(variable_releases_, version);
  const auto at = static_cast<std::size_t>(place - variable_releases_.begin());
  const bool exact = at < reads.size() && *place == version;
  if (at < reads.size() && reads[at]) return "";
  if (!exact && (at == 0 || reads[at - 1])) return "";
  for (std::size_t before = at; before > 0; --before) {
    if (reads[before - 1]) return not_read + " (removed in " + variable_releases_[before].ToString() + ")";
  }
  for (std::size_t behind = at; behind < reads.size(); ++behind) {
    if (reads[behind]) return not_read + " (known from " + variable_releases_[behind].ToString() + ")";
  }
  return "";
}

const std::string& EngineTable::Forbidden(const std::string& normalised) const {
  const auto found = forbidden_.find(normalised);
  return found == forbidden_.end() ? kEmpty : found->second;
}

}  // namespace autotune::quant
