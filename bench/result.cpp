#include "bench/result.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>

#include "bench/clean_text.h"
#include "bench/corpus.h"
#include "measurement/quality.h"

namespace autotune::bench {
namespace {

using measurement::LoadKind;
using measurement::Metric;
using measurement::Point;
using measurement::PointRole;
using measurement::Quality;
using measurement::Statistic;
using nlohmann::json;

constexpr std::string_view kMagic = "AT1 ";
// "AT1 2900 01234567 ": the longest frame.
constexpr std::size_t kFrameBytes = kMagic.size() + 5 + 9;
constexpr std::size_t kMaxPayload = kMaxBytes - kFrameBytes;
constexpr std::size_t kMaxMessage = 1024;  // of a failure; more would not fit into the task's status either

constexpr std::pair<FailureReason, std::string_view> kReasons[] = {
    {FailureReason::kEngineRejectedArguments, "EngineRejectedArguments"},
    {FailureReason::kEngineRejectedConfiguration, "EngineRejectedConfiguration"},
    {FailureReason::kOutOfMemory, "OutOfMemory"},
    {FailureReason::kStartupTimeout, "StartupTimeout"},
    {FailureReason::kExperimentTimeout, "ExperimentTimeout"},
    {FailureReason::kEngineCrashed, "EngineCrashed"},
    {FailureReason::kBenchmarkFailed, "BenchmarkFailed"},
    {FailureReason::kClientBound, "ClientBound"},
    {FailureReason::kBrokenOutput, "BrokenOutput"},
    {FailureReason::kModelUnreadable, "ModelUnreadable"},
    {FailureReason::kImagePullFailed, "ImagePullFailed"},
    {FailureReason::kInvalidPodConfiguration, "InvalidPodConfiguration"},
    {FailureReason::kUnschedulable, "Unschedulable"},
    {FailureReason::kStorageLimitExceeded, "StorageLimitExceeded"},
    {FailureReason::kEvicted, "Evicted"},
    {FailureReason::kNodeRefused, "NodeRefused"},
    {FailureReason::kNodeLost, "NodeLost"},
};

// CRC-32 of IEEE 802.3, as zlib's crc32().
std::uint32_t Crc32(std::string_view data) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0xEDB88320u : 0u);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = ~0u;
  for (const char c : data) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::string Frame(const std::string& payload) {
  char head[kFrameBytes + 1];
  const int size = std::snprintf(head, sizeof head, "AT1 %zu %08x ", payload.size(), Crc32(payload));
  return std::string(head, static_cast<std::size_t>(size)) + payload;
}

base::Result<json> Unframe(std::string_view message, std::string_view kind) {
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
  if (!message.starts_with(kMagic)) {
    return base::Invalid("not a result document: \"" + CleanText(message, 120) + "\"");
  }
  std::string_view rest = message.substr(kMagic.size());
  std::size_t size = 0;
  std::uint32_t crc = 0;
  const auto number = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  rest.remove_prefix(static_cast<std::size_t>(number.ptr - rest.data()));
  const bool has_size = number.ec == std::errc() && rest.starts_with(" ");
  if (has_size) rest.remove_prefix(1);
  const auto checksum = std::from_chars(rest.data(), rest.data() + std::min<std::size_t>(rest.size(), 8), crc, 16);
  if (!has_size || checksum.ec != std::errc() || checksum.ptr != rest.data() + 8 || rest.size() < 9 || rest[8] != ' ') {
    return base::Invalid("result document truncated in its frame");
  }
  rest.remove_prefix(9);
  if (rest.size() < size) {
    return base::Invalid("result document truncated: " + std::to_string(rest.size()) + " of " + std::to_string(size) +
                         " bytes");
  }
  if (rest.size() > size || Crc32(rest) != crc)
    return base::Invalid("result document damaged: wrong length or checksum");
  json document = json::parse(rest, nullptr, false);
  if (!document.is_object()) return base::Invalid("result document damaged: not a JSON object");
  if (document.value("kind", json()) != kind) {
    return base::Invalid("not a result of `autotune-bench " + std::string(kind) + "`");
  }
  return document;
}

// How much of a point is written.
struct Detail {
  int digits;  // significant ones of measured numbers
  // Which points have what explains them.
  enum class Explained { kAll, kBest, kNone } explained;
};
// Tried in this order until the document fits. Real results fit with the first or the second; where absurd numbers do
// not fit with the last one either, points are left out.
constexpr Detail kDetails[] = {{6, Detail::Explained::kAll},
                               {4, Detail::Explained::kAll},
                               {4, Detail::Explained::kBest},
                               {3, Detail::Explained::kBest},
                               {3, Detail::Explained::kNone}};

// Milliseconds, seconds, rates or shares. JSON knows no infinity: not-a-number and what is below a millionth (or below
// zero, which no measurement is) become 0, and 1e99 is the ceiling.
void AppendNumber(std::string& out, double value, int digits) {
  value = value >= 1e-6 ? std::min(value, 1e99) : 0.0;
  char buffer[40];
  if (value >= std::pow(10, digits) && value < 1e9) {
    std::snprintf(buffer, sizeof buffer, "%.0f", value);  // "1234": exact, and shorter than "1.23e+03"
  } else {
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
  }
  for (const char* c = buffer; *c != '\0'; ++c) {
    if (*c != '+') out += *c;
  }
}

void AppendOptional(std::string& out, const std::optional<double>& value, int digits) {
  if (value) {
    AppendNumber(out, *value, digits);
  } else {
    out += "null";
  }
}

// Nothing that is counted comes near 2^53, up to which every reader of JSON is exact.
void AppendCount(std::string& out, std::int64_t value) {
  out += std::to_string(std::clamp<std::int64_t>(value, 0, 1LL << 53));
}

std::string Quoted(const std::string& clean) { return json(clean).dump(); }

// `text`, cleaned, so that its JSON form without the quotes has at most `max` bytes.
std::string ShortQuoted(std::string_view text, std::size_t max) {
  std::string clean = CleanText(text, std::max<std::size_t>(max, 4));
  std::string quoted = Quoted(clean);
  while (quoted.size() - 2 > max && clean.size() > 4) {
    // Escapes (quotes, backslashes) made it longer: give back what is too much. Each step removes at least a byte.
    const std::size_t excess = quoted.size() - 2 - max;
    clean = CleanText(clean, clean.size() > excess / 2 + 5 ? clean.size() - (excess + 1) / 2 - 1 : 4);
    quoted = Quoted(clean);
  }
  return quoted;
}

// A latency's place in the list of all of them.
std::size_t PlaceOf(Metric metric, Statistic statistic) {
  return static_cast<std::size_t>(metric) * measurement::kStatistics.size() + static_cast<std::size_t>(statistic);
}

// Bits of a point's flags.
constexpr int kSaturated = 1, kStandingQueue = 2;

// [[what it was and gave], [mean, p50, p90, p95, p99 of ttft, tpot, itl, e2e], [what explains it], [place in that list
// and value of each latency of the window that a long run replaces]]; the last only where there are some. What explains
// it begins with the prompt tokens; they end the first list where that is left out, because prices need them.
void AppendPoint(std::string& out, const Point& point, std::size_t scenario, int digits, bool explained) {
  out += "[[" + std::to_string(scenario) + (point.load.kind == LoadKind::kConcurrency ? ",0," : ",1,");
  AppendNumber(out, point.load.value, 6);
  out += ',';
  AppendNumber(out, point.window_seconds, digits);
  for (const std::int64_t count : {point.requests, point.errors, point.censored, point.output_tokens}) {
    out += ',';
    AppendCount(out, count);
  }
  for (const double value :
       {point.output_tokens_per_second, point.output_tokens_per_second_ci, point.requests_per_second}) {
    out += ',';
    AppendNumber(out, value, digits);
  }
  const int flags = (point.saturated ? kSaturated : 0) | (point.standing_queue ? kStandingQueue : 0);
  out += ',' + std::to_string(flags) + ',' + std::to_string(point.lower_bounds.bits()) + ',';
  AppendOptional(out, point.attainment, digits);
  out += ",\"" + std::string(VerdictName(point.verdict)) + '"';
  if (point.role != PointRole::kSearch) out += ",\"" + std::string(PointRoleName(point.role)) + '"';
  if (!explained && point.input_tokens > 0) {
    out += ',';
    AppendCount(out, point.input_tokens);
  }
  out += "],[";
  bool first = true;
  for (const Metric metric : measurement::kMetrics) {
    for (const Statistic statistic : measurement::kStatistics) {
      if (!first) out += ',';
      first = false;
      AppendNumber(out, point.Get(metric).Get(statistic), digits);
    }
  }
  out += ']';
  if (explained) {
    out += ",[";
    AppendCount(out, point.input_tokens);
    out += ',';
    AppendNumber(out, point.mean_concurrency, digits);
    out += ',';
    AppendNumber(out, point.client_lag_p99, digits);
    for (const double value : point.relative_ci) {
      out += ',';
      AppendNumber(out, value, std::min(digits, 3));
    }
    const auto& engine = point.engine;
    for (const auto* value : {&engine.running, &engine.waiting, &engine.kv_cache_use, &engine.preemptions,
                              &engine.prefix_hit_rate, &engine.accepted_draft_tokens}) {
      out += ',';
      AppendOptional(out, *value, std::min(digits, 4));
    }
    if (point.errors > 0) {
      for (const std::int64_t count : point.errors_by_kind) {
        out += ',';
        AppendCount(out, count);
      }
    }
    out += ']';
    if (!point.in_window.empty()) {
      out += ",[";
      for (const measurement::WindowValue& value : point.in_window) {
        if (out.back() != '[') out += ',';
        out += std::to_string(PlaceOf(value.metric, value.statistic)) + ',';
        AppendNumber(out, value.milliseconds, digits);
      }
      out += ']';
    }
  }
  out += ']';
}

// Appends `,"failure":{...}` within `room` bytes.
void AppendFailure(std::string& out, const Failure& failure, std::size_t room) {
  std::string tail = ",\"exit\":" + std::to_string(failure.exit_code) +
                     ",\"http\":" + std::to_string(failure.http_status) + (failure.machine ? ",\"machine\":true" : "");
  const std::string head =
      ",\"failure\":{\"reason\":\"" + std::string(FailureReasonName(failure.reason)) + "\"" + tail + ",\"message\":";
  const std::size_t used = head.size() + 2 + 1;
  out += head + ShortQuoted(failure.message, room > used + 4 ? std::min(room - used, kMaxMessage) : 4) + '}';
}

constexpr std::size_t kMaxQualityProblem = 160;
constexpr std::size_t kMaxWarnings = 3, kMaxWarning = 160;

// Never with fewer digits: a difference of precision is in the fourth.
void AppendQuality(std::string& out, const RunResult& result) {
  if (const auto& quality = result.quality) {
    const std::span blocks(quality->blocks.data(), std::min(quality->blocks.size(), measurement::kQualityBlocks));
    const std::span answers(quality->answers.data(), std::min(quality->answers.size(), measurement::kGreedyPrompts));
    out += ",\"quality\":{\"text\":" + ShortQuoted(quality->text, 24) + ",\"blocks\":\"" +
           measurement::EncodeBlocks(blocks) + "\",\"answers\":\"" + measurement::EncodeAnswers(answers) + '"';
    if (const std::string tokens = measurement::EncodeTokens(blocks); !tokens.empty()) {
      out += ",\"tokens\":\"" + tokens + '"';
    }
    if (quality->passes && quality->passes->passed.size() <= measurement::kMostQuestions) {
      out += ",\"dataset\":" + ShortQuoted(quality->passes->dataset, 48) + ",\"passed\":\"" +
             measurement::EncodePassed(quality->passes->passed) + '"';
    }
    out += '}';
  }
  if (!result.quality_problem.empty()) {
    out += ",\"qualityProblem\":" + ShortQuoted(result.quality_problem, kMaxQualityProblem);
  }
}

// The points that are written, as indices, in the order of measuring.
std::vector<std::size_t> AllPoints(const RunResult& result) {
  std::vector<std::size_t> out(result.points.size());
  std::iota(out.begin(), out.end(), 0);
  return out;
}

// What the answer is made of: a scenario's limit, by rate and by concurrency, and what was measured for a comparison.
bool Decides(const RunResult& result, std::size_t point) {
  if (result.points[point].role != PointRole::kSearch) return true;
  return std::any_of(result.outcomes.begin(), result.outcomes.end(),
                     [&](const ScenarioOutcome& outcome) { return outcome.best == point || outcome.limit == point; });
}

// Leaves one point out: the oldest that decides nothing; where all do, the oldest.
void DropOne(const RunResult& result, std::vector<std::size_t>& kept) {
  const auto drop = std::find_if(kept.begin(), kept.end(), [&](std::size_t i) { return !Decides(result, i); });
  kept.erase(drop == kept.end() ? kept.begin() : drop);
}

std::string RunPayload(const RunResult& result, const std::vector<std::size_t>& kept, Detail detail) {
  std::string out = "{\"kind\":\"run\",\"simulated\":";
  out += result.simulated ? "true" : "false";
  out += ",\"engine\":" + ShortQuoted(result.engine_version, 40);
  out += ",\"gpu\":" + ShortQuoted(result.gpu_product, 48);
  if (!result.driver.empty()) out += ",\"driver\":" + ShortQuoted(result.driver, 24);
  out += ",\"start\":";
  AppendNumber(out, result.start_seconds, detail.digits);
  out += ",\"measure\":";
  AppendNumber(out, result.measure_seconds, detail.digits);
  std::vector<std::string> scenarios;
  std::string points;
  for (const std::size_t i : kept) {
    const Point& point = result.points[i];
    auto at = std::find(scenarios.begin(), scenarios.end(), point.scenario);
    if (at == scenarios.end()) at = scenarios.insert(at, point.scenario);
    if (!points.empty()) points += ',';
    AppendPoint(points, point, static_cast<std::size_t>(at - scenarios.begin()), detail.digits,
                detail.explained == Detail::Explained::kAll ||
                    (detail.explained == Detail::Explained::kBest && Decides(result, i)));
  }
  out += ",\"scenarios\":[";
  for (std::size_t i = 0; i < scenarios.size(); ++i) out += (i > 0 ? "," : "") + ShortQuoted(scenarios[i], 48);
  out += "],\"points\":[" + points + "],\"outcomes\":[";
  for (std::size_t i = 0; i < std::min(result.outcomes.size(), kMaxPoints); ++i) {
    const ScenarioOutcome& outcome = result.outcomes[i];
    out += (i > 0 ? ",[\"" : "[\"") + std::string(StopReasonName(outcome.reason)) + '"';
    const auto at = outcome.best ? std::find(kept.begin(), kept.end(), *outcome.best) : kept.end();
    if (at != kept.end()) out += ',' + std::to_string(at - kept.begin());
    out += ']';
  }
  out += ']';
  if (!result.warnings.empty()) {
    out += ",\"warnings\":[";
    for (std::size_t i = 0; i < std::min(result.warnings.size(), kMaxWarnings); ++i) {
      out += (i > 0 ? "," : "") + ShortQuoted(result.warnings[i], kMaxWarning);
    }
    out += ']';
  }
  AppendQuality(out, result);
  return out;
}

// Cuts every text of the facts to `max` bytes.
void ShortenTexts(checkpoint::ModelFacts& facts, std::size_t max) {
  for (std::string* text : {&facts.architecture, &facts.model_type, &facts.dtype, &facts.quantization, &facts.family,
                            &facts.linear_format, &facts.expert_format, &facts.activations, &facts.kv_cache}) {
    *text = CleanText(*text, std::min<std::size_t>(max, 100));
  }
  for (std::string& module : facts.ignored_modules) module = CleanText(module, std::min<std::size_t>(max, 80));
  for (std::string& note : facts.notes) note = CleanText(note, max);
}

// A number as T; out of T's range is an error and not undefined behaviour.
template <typename T>
bool ReadNumber(const json& value, T& out) {
  if (!value.is_number()) return false;
  if constexpr (std::is_integral_v<T>) {
    const double wide = value.get<double>();
    if (!(wide >= -0x1p63 && wide < 0x1p63)) return false;
    const auto number = value.get<std::int64_t>();
    if (!std::in_range<T>(number)) return false;
    out = static_cast<T>(number);
  } else {
    out = value.get<T>();
  }
  return true;
}

// Typed access to a decoded document. A checksum guards against damage, not against another version's schema.
struct Fields {
  const json& object;
  bool ok = true;

  const json* Find(const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) ok = false;
    return found == object.end() ? nullptr : &*found;
  }
  template <typename T>
  void Number(const char* key, T& out) {
    const json* value = Find(key);
    if (value == nullptr || !ReadNumber(*value, out)) ok = false;
  }
  void Text(const char* key, std::string& out) {
    const json* value = Find(key);
    if (value != nullptr && value->is_string()) {
      out = value->get<std::string>();
    } else {
      ok = false;
    }
  }
};

// A number, or null for nothing.
bool ReadOptional(const json& value, std::optional<double>& out) {
  if (value.is_null()) return true;
  return ReadNumber(value, out.emplace());
}

bool ReadCore(const json& value, const std::vector<std::string>& scenarios, Point& out) {
  constexpr std::size_t kWithoutRole = 15;
  if (!value.is_array() || value.size() < kWithoutRole || value.size() > kWithoutRole + 2) return false;
  std::size_t scenario = 0;
  int kind = 0, flags = 0;
  std::uint32_t bounds = 0;
  if (!ReadNumber(value[0], scenario) || scenario >= scenarios.size() || !ReadNumber(value[1], kind) ||
      (kind != 0 && kind != 1) || !value[14].is_string()) {
    return false;
  }
  out.scenario = scenarios[scenario];
  out.load.kind = kind == 0 ? LoadKind::kConcurrency : LoadKind::kRequestRate;
  const auto verdict = measurement::VerdictFromName(value[14].get<std::string>());
  if (!verdict) return false;
  out.verdict = *verdict;
  std::size_t at = kWithoutRole;
  if (at < value.size() && value[at].is_string()) {
    const auto role = measurement::PointRoleFromName(value[at++].get<std::string>());
    if (!role) return false;
    out.role = *role;
  }
  if (at < value.size() && !ReadNumber(value[at++], out.input_tokens)) return false;
  if (at < value.size()) return false;
  const bool ok =
      ReadNumber(value[2], out.load.value) && ReadNumber(value[3], out.window_seconds) &&
      ReadNumber(value[4], out.requests) && ReadNumber(value[5], out.errors) && ReadNumber(value[6], out.censored) &&
      ReadNumber(value[7], out.output_tokens) && ReadNumber(value[8], out.output_tokens_per_second) &&
      ReadNumber(value[9], out.output_tokens_per_second_ci) && ReadNumber(value[10], out.requests_per_second) &&
      ReadNumber(value[11], flags) && ReadNumber(value[12], bounds) && ReadOptional(value[13], out.attainment);
  out.saturated = (flags & kSaturated) != 0;
  out.standing_queue = (flags & kStandingQueue) != 0;
  out.lower_bounds = measurement::LowerBounds::FromBits(bounds);
  return ok;
}

bool ReadLatencies(const json& value, Point& out) {
  if (!value.is_array() || value.size() != measurement::kMetrics.size() * measurement::kStatistics.size()) return false;
  std::size_t i = 0;
  for (const Metric metric : measurement::kMetrics) {
    for (const Statistic statistic : measurement::kStatistics) {
      double milliseconds = 0;
      if (!ReadNumber(value[i++], milliseconds)) return false;
      out.Get(metric).Set(statistic, milliseconds);
    }
  }
  return true;
}

bool ReadExplanation(const json& value, Point& out) {
  constexpr std::size_t kWithoutErrors = 13;
  if (!value.is_array() ||
      (value.size() != kWithoutErrors && value.size() != kWithoutErrors + out.errors_by_kind.size())) {
    return false;
  }
  bool ok = ReadNumber(value[0], out.input_tokens) && ReadNumber(value[1], out.mean_concurrency) &&
            ReadNumber(value[2], out.client_lag_p99);
  for (std::size_t i = 0; i < out.relative_ci.size(); ++i) ok = ok && ReadNumber(value[3 + i], out.relative_ci[i]);
  auto& engine = out.engine;
  std::size_t at = 7;
  for (auto* counter : {&engine.running, &engine.waiting, &engine.kv_cache_use, &engine.preemptions,
                        &engine.prefix_hit_rate, &engine.accepted_draft_tokens}) {
    ok = ok && ReadOptional(value[at++], *counter);
  }
  for (std::size_t i = 0; at < value.size(); ++at, ++i) ok = ok && ReadNumber(value[at], out.errors_by_kind[i]);
  return ok;
}

bool ReadInWindow(const json& value, Point& out) {
  if (!value.is_array() || value.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < value.size(); i += 2) {
    std::size_t place = 0;
    constexpr std::size_t kStatistics = measurement::kStatistics.size();
    measurement::WindowValue& seen = out.in_window.emplace_back();
    if (!ReadNumber(value[i], place) || place >= measurement::kMetrics.size() * kStatistics ||
        !ReadNumber(value[i + 1], seen.milliseconds)) {
      return false;
    }
    seen.metric = measurement::kMetrics[place / kStatistics];
    seen.statistic = measurement::kStatistics[place % kStatistics];
  }
  return true;
}

bool ReadTexts(const json& value, std::vector<std::string>& out) {
  if (!value.is_array()) return false;
  for (const json& text : value) {
    if (!text.is_string()) return false;
    out.push_back(text.get<std::string>());
  }
  return true;
}

// The member that cannot be read, "" = all could.
std::string ReadPoints(const json& document, RunResult& out) {
  std::vector<std::string> scenarios;
  if (!document.contains("scenarios") || !ReadTexts(document["scenarios"], scenarios)) return "scenarios";
  if (!document.contains("points") || !document["points"].is_array()) return "points";
  for (const json& row : document["points"]) {
    Point& point = out.points.emplace_back();
    if (!row.is_array() || row.size() < 2 || row.size() > 4 || !ReadCore(row[0], scenarios, point) ||
        !ReadLatencies(row[1], point) || (row.size() > 2 && !ReadExplanation(row[2], point)) ||
        (row.size() > 3 && !ReadInWindow(row[3], point))) {
      return "points[" + std::to_string(out.points.size() - 1) + "]";
    }
  }
  if (!document.contains("outcomes") || !document["outcomes"].is_array()) return "outcomes";
  for (const json& row : document["outcomes"]) {
    ScenarioOutcome& outcome = out.outcomes.emplace_back();
    if (!row.is_array() || row.empty() || row.size() > 2 || !row[0].is_string()) return "outcomes";
    const auto reason = measurement::StopReasonFromName(row[0].get<std::string>());
    if (!reason) return "outcomes";
    outcome.reason = *reason;
    if (row.size() == 2 && (!ReadNumber(row[1], outcome.best.emplace()) || *outcome.best >= out.points.size())) {
      return "outcomes";
    }
  }
  return !document.contains("warnings") || ReadTexts(document["warnings"], out.warnings) ? "" : "warnings";
}

// Absent in documents of a bench that did not measure it.
bool ReadQuality(const json& document, RunResult& out) {
  const auto problem = document.find("qualityProblem");
  if (problem != document.end()) {
    if (!problem->is_string()) return false;
    out.quality_problem = problem->get<std::string>();
  }
  const auto found = document.find("quality");
  if (found == document.end()) return true;
  if (!found->is_object()) return false;
  // One of before the corpus: of passages that nothing is measured with any more.
  if (found->contains("passages")) return true;
  Quality quality;
  Fields fields{*found};
  std::string blocks, answers;
  fields.Text("text", quality.text);
  // Of a bench before this one, whose blocks are written otherwise and compared with nothing.
  if (fields.ok && !quality.text.empty() && quality.text != kCorpusName) return true;
  fields.Text("blocks", blocks);
  fields.Text("answers", answers);
  auto read_blocks = measurement::DecodeBlocks(blocks);
  auto read_answers = measurement::DecodeAnswers(answers);
  if (!fields.ok || !read_blocks || !read_answers) return false;
  std::string tokens;
  if (found->contains("tokens")) fields.Text("tokens", tokens);
  if (!fields.ok || !measurement::DecodeTokens(tokens, *read_blocks)) return false;
  quality.blocks = *std::move(read_blocks);
  quality.answers = *std::move(read_answers);
  if (found->contains("dataset")) {
    measurement::QuestionResults passes;
    std::string passed;
    fields.Text("dataset", passes.dataset);
    fields.Text("passed", passed);
    auto read = measurement::DecodePassed(passed);
    if (!fields.ok || !read) return false;
    passes.passed = *std::move(read);
    quality.passes = std::move(passes);
  }
  out.quality = std::move(quality);
  return true;
}

bool ReadFailure(const json& document, std::optional<Failure>& out) {
  const auto found = document.find("failure");
  if (found == document.end()) return true;
  if (!found->is_object()) return false;
  Failure failure;
  std::string reason;
  Fields fields{*found};
  fields.Text("reason", reason);
  fields.Text("message", failure.message);
  fields.Number("exit", failure.exit_code);
  fields.Number("http", failure.http_status);
  if (const auto machine = found->find("machine"); machine != found->end()) {
    if (!machine->is_boolean()) return false;
    failure.machine = machine->get<bool>();
  }
  const std::optional<FailureReason> known = FailureReasonFromName(reason);
  if (!fields.ok || !known) return false;
  failure.reason = *known;
  out = std::move(failure);
  return true;
}

}  // namespace

std::string_view FailureReasonName(FailureReason reason) {
  for (const auto& [value, name] : kReasons) {
    if (value == reason) return name;
  }
  return "BenchmarkFailed";
}

std::optional<FailureReason> FailureReasonFromName(std::string_view name) {
  for (const auto& [value, known] : kReasons) {
    if (known == name) return value;
  }
  return std::nullopt;
}

bool IsRetryable(FailureReason reason) {
  switch (reason) {
    case FailureReason::kClientBound:
    case FailureReason::kEvicted:
    case FailureReason::kNodeRefused:
    case FailureReason::kNodeLost:
      return true;
    // Deterministic, as far as anybody can tell. Scheduling and image pull have waited for their whole deadline, with
    // the kubelet's own retries, before they are called failed.
    case FailureReason::kEngineRejectedArguments:
    case FailureReason::kEngineRejectedConfiguration:
    case FailureReason::kOutOfMemory:
    case FailureReason::kStartupTimeout:
    case FailureReason::kExperimentTimeout:
    case FailureReason::kEngineCrashed:
    case FailureReason::kBenchmarkFailed:
    case FailureReason::kBrokenOutput:
    case FailureReason::kModelUnreadable:
    case FailureReason::kImagePullFailed:
    case FailureReason::kInvalidPodConfiguration:
    case FailureReason::kUnschedulable:
    case FailureReason::kStorageLimitExceeded:
      return false;
  }
  return false;
}

std::string Encode(const RunResult& result) {
  constexpr std::size_t kMinFailure = 260;  // reason, codes and about 150 bytes of message
  const std::size_t room = kMaxPayload - 1 - (result.failure ? kMinFailure : 0);
  std::vector<std::size_t> kept = AllPoints(result);
  while (kept.size() > kMaxPoints) DropOne(result, kept);
  std::string out;
  for (const Detail detail : kDetails) {
    out = RunPayload(result, kept, detail);
    if (out.size() <= room) break;
  }
  while (out.size() > room && !kept.empty()) {
    DropOne(result, kept);
    out = RunPayload(result, kept, kDetails[std::size(kDetails) - 1]);
  }
  if (result.failure) AppendFailure(out, *result.failure, kMaxPayload - 1 - out.size());
  return Frame(out + '}');
}

constexpr std::size_t kMaxDatasetProblem = 2500, kMaxDatasetsRead = 300;

std::string Encode(const InspectResult& result) {
  std::string out = "{\"kind\":\"inspect\"";
  if (result.failure) {
    AppendFailure(out, *result.failure, kMaxPayload - 1 - out.size());
  } else if (!result.dataset_problem.empty()) {
    constexpr std::string_view kKey = ",\"dataset\":";
    std::string problem;
    std::size_t max = kMaxDatasetProblem;
    do {
      problem = json(CleanText(result.dataset_problem, max)).dump();
      max -= max / 10;
    } while (out.size() + kKey.size() + problem.size() + 1 > kMaxPayload);
    out += std::string(kKey) + problem;
  } else {
    if (!result.datasets_read.empty()) {
      out += ",\"read\":" + json(CleanText(result.datasets_read, kMaxDatasetsRead)).dump();
      out += ",\"choices\":" + std::to_string(result.choice_questions);
    }
    checkpoint::ModelFacts facts = result.model;
    std::string model;
    std::size_t max = 240;
    do {
      ShortenTexts(facts, max);
      model = checkpoint::ToJson(facts).dump();
      if (max > 60) {
        max /= 2;
      } else if (!facts.notes.empty()) {
        facts.notes.pop_back();
      } else if (!facts.ignored_modules.empty()) {
        facts.ignored_modules.pop_back();
        ++facts.ignored_left_out;
      } else {
        facts.caches.reset();  // what remains is bounded by its fields
      }
    } while (out.size() + 9 + model.size() + 1 > kMaxPayload);
    out += ",\"model\":" + model;
  }
  return Frame(out + '}');
}

base::Result<RunResult> DecodeRun(std::string_view message) {
  auto document = Unframe(message, "run");
  if (!document) return document.error();
  RunResult result;
  Fields fields{*document};
  fields.Text("engine", result.engine_version);
  fields.Text("gpu", result.gpu_product);
  if (document->contains("driver")) fields.Text("driver", result.driver);
  fields.Number("start", result.start_seconds);
  fields.Number("measure", result.measure_seconds);
  const json* simulated = fields.Find("simulated");
  std::string problem;
  if (!fields.ok || !simulated->is_boolean()) {
    problem = "its head";
  } else if (problem = ReadPoints(*document, result); problem.empty()) {
    if (!ReadQuality(*document, result)) problem = "quality";
    if (!ReadFailure(*document, result.failure)) problem = "failure";
  }
  if (!problem.empty()) {
    return base::Invalid("result document of another version of autotune-bench: " + problem +
                         " is missing or of another type");
  }
  result.simulated = simulated->get<bool>();
  return result;
}

base::Result<InspectResult> DecodeInspect(std::string_view message) {
  auto document = Unframe(message, "inspect");
  if (!document) return document.error();
  InspectResult result;
  if (!ReadFailure(*document, result.failure)) {
    return base::Invalid("result document damaged: members are missing or of another type");
  }
  if (result.failure) return result;
  if (const auto problem = document->find("dataset"); problem != document->end()) {
    if (!problem->is_string()) return base::Invalid("result document damaged: dataset is no text");
    result.dataset_problem = problem->get<std::string>();
    return result;
  }
  const auto model = document->find("model");
  if (model == document->end()) return base::Invalid("result document damaged: neither model nor failure");
  auto facts = checkpoint::ModelFactsFromJson(*model);
  if (!facts) return base::Invalid("result document damaged: " + facts.error().message);
  result.model = *std::move(facts);
  if (const auto read = document->find("read"); read != document->end() && read->is_string()) {
    result.datasets_read = read->get<std::string>();
  }
  if (const auto choices = document->find("choices"); choices != document->end()) {
    if (!choices->is_number_unsigned() || choices->get<std::size_t>() > measurement::kMostQuestions)
      return base::Invalid("result document damaged: choices is no number of questions");
    result.choice_questions = choices->get<int>();
  }
  return result;
}

}  // namespace autotune::bench
