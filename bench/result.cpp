#include "bench/result.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

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
    {FailureReason::kModelUnreadable, "ModelUnreadable"},
    {FailureReason::kImagePullFailed, "ImagePullFailed"},
    {FailureReason::kInvalidPodConfiguration, "InvalidPodConfiguration"},
    {FailureReason::kUnschedulable, "Unschedulable"},
    {FailureReason::kStorageLimitExceeded, "StorageLimitExceeded"},
    {FailureReason::kEvicted, "Evicted"},
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
    return base::Invalid("result document cut short in its frame");
  }
  rest.remove_prefix(9);
  if (rest.size() < size) {
    return base::Invalid("result document cut short: " + std::to_string(rest.size()) + " of " + std::to_string(size) +
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

// How many significant digits measured numbers keep: the first of these with which the document fits. Real results fit
// with six; the last is the guarantee that even twelve rows of absurd numbers fit.
constexpr int kDigits[] = {6, 4, 2};
constexpr int kFewestDigits = 2;

void AppendDigits(std::string& out, double value, int digits) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
  for (const char* c = buffer; *c != '\0'; ++c) {
    if (*c != '+') out += *c;
  }
}

// Milliseconds, seconds or rates. JSON knows no infinity: not-a-number and what is below a thousandth (or below zero,
// which no measurement is) become 0, and 1e99 is the ceiling. At most digits + 5 bytes.
void AppendNumber(std::string& out, double value, int digits) {
  AppendDigits(out, value >= 1e-3 ? std::min(value, 1e99) : 0.0, digits);
}

void AppendCount(std::string& out, std::int64_t value, int digits) {
  value = std::max<std::int64_t>(value, 0);
  if (digits > kFewestDigits || value < 1'000'000) {
    out += std::to_string(value);
  } else {
    AppendDigits(out, static_cast<double>(value), 3);
  }
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

void AppendLatency(std::string& out, const Latency& latency, int digits) {
  out += ",[";
  const double values[] = {latency.mean, latency.p50, latency.p90, latency.p95, latency.p99};
  for (std::size_t i = 0; i < std::size(values); ++i) {
    if (i > 0) out += ',';
    AppendNumber(out, values[i], digits);
  }
  out += ']';
}

void AppendLoad(std::string& out, const LoadMeasurement& load, int digits) {
  out += '[' + ShortQuoted(load.scenario, 24) + ',' + std::to_string(std::max(load.concurrency, 0)) + ',';
  AppendNumber(out, load.duration_seconds, digits);
  for (const std::int64_t count : {load.requests, load.errors, load.input_tokens, load.output_tokens}) {
    out += ',';
    AppendCount(out, count, digits);
  }
  out += ',';
  AppendNumber(out, load.output_tokens_per_second, digits);
  out += ',';
  AppendNumber(out, load.requests_per_second, digits);
  for (const Latency* latency : {&load.ttft, &load.tpot, &load.e2e}) AppendLatency(out, *latency, digits);
  out += ']';
}

// Appends `,"failure":{...}` within `room` bytes.
void AppendFailure(std::string& out, const Failure& failure, std::size_t room) {
  std::string tail =
      ",\"exit\":" + std::to_string(failure.exit_code) + ",\"http\":" + std::to_string(failure.http_status);
  const std::string head =
      ",\"failure\":{\"reason\":\"" + std::string(FailureReasonName(failure.reason)) + "\"" + tail + ",\"message\":";
  const std::size_t used = head.size() + 2 + 1;
  out += head + ShortQuoted(failure.message, room > used + 4 ? std::min(room - used, kMaxMessage) : 4) + '}';
}

constexpr std::size_t kMaxPassages = 16;
constexpr std::size_t kMaxQualityProblem = 160;

// Never with fewer digits: a difference of precision is in the fourth.
void AppendQuality(std::string& out, const RunResult& result) {
  if (result.quality) {
    out += ",\"quality\":{\"passages\":" + ShortQuoted(result.quality->passages, 24) + ",\"nll\":[";
    for (std::size_t i = 0; i < std::min(result.quality->nll.size(), kMaxPassages); ++i) {
      if (i > 0) out += ',';
      AppendDigits(out, std::clamp(result.quality->nll[i], 0.0, 9999.0), 6);
    }
    out += "]}";
  }
  if (!result.quality_problem.empty()) {
    out += ",\"qualityProblem\":" + ShortQuoted(result.quality_problem, kMaxQualityProblem);
  }
}

std::string RunPayload(const RunResult& result, int digits) {
  std::string out = "{\"kind\":\"run\",\"simulated\":";
  out += result.simulated ? "true" : "false";
  out += ",\"engine\":" + ShortQuoted(result.engine_version, 40);
  out += ",\"gpu\":" + ShortQuoted(result.gpu_product, 48);
  out += ",\"start\":";
  AppendNumber(out, result.start_seconds, digits);
  out += ",\"measure\":";
  AppendNumber(out, result.measure_seconds, digits);
  out += ",\"loads\":[";
  for (std::size_t i = 0; i < std::min(result.loads.size(), kMaxLoads); ++i) {
    if (i > 0) out += ',';
    AppendLoad(out, result.loads[i], digits);
  }
  out += ']';
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
    if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) return false;
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

bool ReadLatency(const json& value, Latency& out) {
  if (!value.is_array() || value.size() != 5) return false;
  double* fields[] = {&out.mean, &out.p50, &out.p90, &out.p95, &out.p99};
  for (std::size_t i = 0; i < 5; ++i) {
    if (!ReadNumber(value[i], *fields[i])) return false;
  }
  return true;
}

bool ReadLoad(const json& value, LoadMeasurement& out) {
  if (!value.is_array() || value.size() != 12 || !value[0].is_string()) return false;
  out.scenario = value[0].get<std::string>();
  return ReadNumber(value[1], out.concurrency) && ReadNumber(value[2], out.duration_seconds) &&
         ReadNumber(value[3], out.requests) && ReadNumber(value[4], out.errors) &&
         ReadNumber(value[5], out.input_tokens) && ReadNumber(value[6], out.output_tokens) &&
         ReadNumber(value[7], out.output_tokens_per_second) && ReadNumber(value[8], out.requests_per_second) &&
         ReadLatency(value[9], out.ttft) && ReadLatency(value[10], out.tpot) && ReadLatency(value[11], out.e2e);
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
  Quality quality;
  if (!found->is_object()) return false;
  Fields fields{*found};
  fields.Text("passages", quality.passages);
  const json* nll = fields.Find("nll");
  if (!fields.ok || !nll->is_array()) return false;
  for (const json& value : *nll) {
    if (!ReadNumber(value, quality.nll.emplace_back())) return false;
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
    case FailureReason::kEvicted:
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
  std::string out;
  for (const int digits : kDigits) {
    out = RunPayload(result, digits);
    if (out.size() + 1 + (result.failure ? kMinFailure : 0) <= kMaxPayload) break;
  }
  if (result.failure) AppendFailure(out, *result.failure, kMaxPayload - 1 - out.size());
  return Frame(out + '}');
}

std::string Encode(const InspectResult& result) {
  std::string out = "{\"kind\":\"inspect\"";
  if (result.failure) {
    AppendFailure(out, *result.failure, kMaxPayload - 1 - out.size());
  } else {
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
  fields.Number("start", result.start_seconds);
  fields.Number("measure", result.measure_seconds);
  const json* simulated = fields.Find("simulated");
  const json* loads = fields.Find("loads");
  bool ok = fields.ok && simulated->is_boolean() && loads->is_array() && ReadQuality(*document, result) &&
            ReadFailure(*document, result.failure);
  if (ok) {
    result.simulated = simulated->get<bool>();
    for (const json& load : *loads) ok = ok && ReadLoad(load, result.loads.emplace_back());
  }
  if (!ok) return base::Invalid("result document damaged: members are missing or of another type");
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
  const auto model = document->find("model");
  if (model == document->end()) return base::Invalid("result document damaged: neither model nor failure");
  auto facts = checkpoint::ModelFactsFromJson(*model);
  if (!facts) return base::Invalid("result document damaged: " + facts.error().message);
  result.model = *std::move(facts);
  return result;
}

}  // namespace autotune::bench
