#include "quant/condition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "quant/flag_value.h"

namespace autotune::quant {
namespace {

constexpr std::array kSubjects = {
    std::pair<std::string_view, Subject>{"gemmDtype", Subject::kGemm},
    std::pair<std::string_view, Subject>{"kvcacheDtype", Subject::kKvCache},
    std::pair<std::string_view, Subject>{"attentionDtype", Subject::kAttention},
    std::pair<std::string_view, Subject>{"moeDtype", Subject::kMoe},
    std::pair<std::string_view, Subject>{"checkpoint", Subject::kCheckpoint},
    std::pair<std::string_view, Subject>{"formats", Subject::kFormats},
    std::pair<std::string_view, Subject>{"method", Subject::kMethod},
    std::pair<std::string_view, Subject>{"checkpointKv", Subject::kCheckpointKv},
    std::pair<std::string_view, Subject>{"declaredKv", Subject::kDeclaredKv},
    std::pair<std::string_view, Subject>{"kvForm", Subject::kKvForm},
    std::pair<std::string_view, Subject>{"linearFormat", Subject::kLinearFormat},
    std::pair<std::string_view, Subject>{"expertFormat", Subject::kExpertFormat},
    std::pair<std::string_view, Subject>{"experts", Subject::kExperts},
    std::pair<std::string_view, Subject>{"modelDtype", Subject::kModelDtype},
    std::pair<std::string_view, Subject>{"dtype", Subject::kDtype},
    std::pair<std::string_view, Subject>{"architecture", Subject::kArchitecture},
    std::pair<std::string_view, Subject>{"languageClass", Subject::kLanguageClass},
    std::pair<std::string_view, Subject>{"classVersion", Subject::kClassVersion},
    std::pair<std::string_view, Subject>{"nativeConfig", Subject::kNativeConfig},
    std::pair<std::string_view, Subject>{"oneFile", Subject::kOneFile},
    std::pair<std::string_view, Subject>{"pooling", Subject::kPooling},
    std::pair<std::string_view, Subject>{"ignored", Subject::kIgnored},
    std::pair<std::string_view, Subject>{"methodInConfig", Subject::kMethodInConfig},
    std::pair<std::string_view, Subject>{"methodKnown", Subject::kMethodKnown},
    std::pair<std::string_view, Subject>{"latentAttention", Subject::kLatentAttention},
    std::pair<std::string_view, Subject>{"sparseAttention", Subject::kSparseAttention},
    std::pair<std::string_view, Subject>{"qkvParts", Subject::kQkvParts},
    std::pair<std::string_view, Subject>{"attentionGpus", Subject::kAttentionGpus},
    std::pair<std::string_view, Subject>{"windowKvHeads", Subject::kWindowKvHeads},
    std::pair<std::string_view, Subject>{"mambaHeads", Subject::kMambaHeads},
    std::pair<std::string_view, Subject>{"mambaGroups", Subject::kMambaGroups},
    std::pair<std::string_view, Subject>{"prompts", Subject::kPrompts},
    std::pair<std::string_view, Subject>{"hiddenSize", Subject::kHiddenSize},
    std::pair<std::string_view, Subject>{"moeIntermediateSize", Subject::kExpertSize},
    std::pair<std::string_view, Subject>{"maxPosition", Subject::kMaxPosition},
    std::pair<std::string_view, Subject>{"headDim", Subject::kHeadDim},
    std::pair<std::string_view, Subject>{"weightBlock", Subject::kWeightBlock},
    std::pair<std::string_view, Subject>{"part", Subject::kPart},
    std::pair<std::string_view, Subject>{"weights", Subject::kWeights},
    std::pair<std::string_view, Subject>{"inputs", Subject::kInputs},
    std::pair<std::string_view, Subject>{"packing", Subject::kPacking},
    std::pair<std::string_view, Subject>{"tensor", Subject::kTensor},
    std::pair<std::string_view, Subject>{"gpu", Subject::kGpu},
    std::pair<std::string_view, Subject>{"mapped", Subject::kMapped},
};

struct GpuPattern {
  enum class Kind { kUnknown, kAmd, kBelow, kAtLeast, kMajor, kExact } kind = Kind::kUnknown;
  ComputeCapability capability;
  std::string_view architecture;  // kAmd: what it starts with
};

std::optional<GpuPattern> ParseGpuPattern(std::string_view text) {
  using Kind = GpuPattern::Kind;
  if (text == "unknown") return GpuPattern{Kind::kUnknown, {}, {}};
  if (text == "amd") return GpuPattern{Kind::kAmd, {}, {}};
  if (text.starts_with("gfx")) return GpuPattern{Kind::kAmd, {}, text.substr(0, text.find('*'))};
  Kind kind = Kind::kExact;
  std::string number(text);
  if (text.starts_with("<")) {
    kind = Kind::kBelow;
    number.erase(0, 1);
  } else if (text.starts_with(">=")) {
    kind = Kind::kAtLeast;
    number.erase(0, 2);
  } else if (text.ends_with(".x")) {
    kind = Kind::kMajor;
    number.back() = '0';
  }
  const std::optional<ComputeCapability> capability = ComputeCapability::Parse(number);
  if (!capability) return std::nullopt;
  return GpuPattern{kind, *capability, {}};
}

bool MatchesGpu(std::string_view text, const FactSource& facts) {
  using Kind = GpuPattern::Kind;
  const std::optional<GpuPattern> pattern = ParseGpuPattern(text);
  if (!pattern) return false;
  const std::string& amd = facts.AmdArchitecture();
  if (!amd.empty()) return pattern->kind == Kind::kAmd && amd.starts_with(pattern->architecture);
  const std::optional<ComputeCapability> gpu = facts.Gpu();
  if (!gpu) return pattern->kind == Kind::kUnknown;
  switch (pattern->kind) {
    case Kind::kUnknown:
    case Kind::kAmd:
      return false;
    case Kind::kBelow:
      return *gpu < pattern->capability;
    case Kind::kAtLeast:
      return *gpu >= pattern->capability;
    case Kind::kMajor:
      return gpu->major == pattern->capability.major;
    case Kind::kExact:
      return *gpu == pattern->capability;
  }
  return false;
}

std::optional<std::int64_t> WholeNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool IsMultiple(std::string_view text, std::string_view of) {
  const std::optional<std::int64_t> number = WholeNumber(text);
  const std::optional<std::int64_t> divisor = WholeNumber(of);
  return number && divisor && *divisor > 0 && *number % *divisor == 0;
}

// Whether a pattern compares numbers: with a number, or with the value of another subject.
bool Compares(std::string_view pattern) {
  return pattern.starts_with('%') || pattern.starts_with('<') || pattern.starts_with('>');
}

bool ComparesNumbers(char how, std::string_view text, std::string_view with) {
  if (how == '%') return IsMultiple(text, with);
  const auto number = [](std::string_view of) {
    const std::optional<std::int64_t> whole = WholeNumber(of);
    return whole ? whole : FlagValue::Tokens(of);
  };
  const std::optional<std::int64_t> left = number(text);
  const std::optional<std::int64_t> right = number(with);
  return left && right && (how == '<' ? *left < *right : *left > *right);
}

// Every * stands for any text. Takes the earliest place of each piece, which leaves the most for the others.
bool MatchesStars(std::string_view pattern, std::string_view text) {
  const std::size_t first = pattern.find('*');
  if (!text.starts_with(pattern.substr(0, first))) return false;
  text.remove_prefix(first);
  pattern.remove_prefix(first + 1);
  for (std::size_t star = pattern.find('*'); star != std::string_view::npos; star = pattern.find('*')) {
    const std::size_t at = text.find(pattern.substr(0, star));
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + star);
    pattern.remove_prefix(star + 1);
  }
  return text.ends_with(pattern);
}

bool MatchesText(std::string_view pattern, const std::optional<std::string>& value, const FactSource& facts) {
  if (pattern == "(unset)") return !value.has_value();
  if (!value) return false;
  if (pattern == "(set)") return true;
  if (Compares(pattern)) return ComparesNumbers(pattern.front(), *value, FillIn(pattern.substr(1), facts));
  if (pattern.find('*') != std::string_view::npos) return MatchesStars(pattern, *value);
  if (pattern.starts_with('{')) return FillIn(pattern, facts) == *value;
  return pattern == *value;
}

template <typename Holds>
bool AnyWord(std::string_view text, Holds holds) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0 && holds(std::string(text.substr(0, end)))) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

bool AllHold(const std::vector<Condition>& conditions, const FactSource& facts) {
  return std::ranges::all_of(conditions, [&](const Condition& condition) { return condition.Holds(facts); });
}

}  // namespace

std::optional<Subject> ParseSubject(std::string_view name) {
  if (name.starts_with("--")) return Subject::kFlag;
  const auto found = std::ranges::find(kSubjects, name, [](const auto& entry) { return entry.first; });
  if (found == kSubjects.end()) return std::nullopt;
  return found->second;
}

bool ValidPattern(Subject subject, std::string_view pattern) {
  if (subject == Subject::kGpu) return ParseGpuPattern(pattern).has_value();
  if (!Compares(pattern)) return !pattern.empty();
  const std::int64_t least = pattern.front() == '%' ? 1 : 0;
  pattern.remove_prefix(1);
  if (!pattern.starts_with('{')) return WholeNumber(pattern).value_or(-1) >= least;
  return pattern.ends_with('}') && ParseSubject(pattern.substr(1, pattern.size() - 2)).has_value();
}

bool Condition::Holds(const FactSource& facts) const {
  if (subject == Subject::kGpu)
    return std::ranges::any_of(patterns, [&](const std::string& text) { return MatchesGpu(text, facts); });
  if (subject == Subject::kMapped)
    return std::ranges::all_of(patterns, [&](const std::string& name) { return facts.Mapped(name); });
  const std::optional<std::string> value = facts.Text(subject, flag);
  if (subject == Subject::kFormats) {
    return AnyWord(value.value_or(""), [&](const std::string& word) {
      return std::ranges::any_of(patterns, [&](const std::string& text) { return MatchesText(text, word, facts); });
    });
  }
  return std::ranges::any_of(patterns, [&](const std::string& text) { return MatchesText(text, value, facts); });
}

bool Guard::Holds(const FactSource& facts) const {
  return AllHold(when, facts) && std::ranges::none_of(unless, [&](const auto& group) { return AllHold(group, facts); });
}

std::string GuardText(const Guard& guard) {
  const auto all = [](const std::vector<Condition>& conditions) {
    std::string text;
    for (const Condition& condition : conditions) {
      const auto known =
          std::ranges::find(kSubjects, condition.subject, [](const auto& entry) { return entry.second; });
      text += text.empty() ? "" : ", ";
      text += known == kSubjects.end() ? "--" + condition.flag : std::string(known->first);
      std::string patterns;
      for (const std::string& pattern : condition.patterns) patterns += (patterns.empty() ? "" : ", ") + pattern;
      text += ": " + (condition.patterns.size() == 1 ? patterns : "[" + patterns + "]");
    }
    return text;
  };
  std::string text = all(guard.when);
  for (const auto& group : guard.unless) text += (text.empty() ? "unless {" : "; unless {") + all(group) + "}";
  return text;
}

std::string FillIn(std::string_view message, const FactSource& facts) {
  std::string filled;
  while (!message.empty()) {
    const std::size_t open = message.find('{');
    const std::size_t close = open == std::string_view::npos ? open : message.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view name = message.substr(open + 1, close - open - 1);
    const std::optional<Subject> subject = ParseSubject(name);
    filled += message.substr(0, open);
    if (!subject || *subject == Subject::kMapped) {
      filled += message.substr(open, close - open + 1);
    } else {
      const std::string flag = *subject == Subject::kFlag ? std::string(name.substr(2)) : "";
      filled += facts.Text(*subject, flag).value_or("(not set)");
    }
    message.remove_prefix(close + 1);
  }
  return filled.append(message);
}

}  // namespace autotune::quant
