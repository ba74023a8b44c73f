#include "bench/recorder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "measurement/statistics.h"

namespace autotune::bench {
namespace {

using measurement::RequestOutcome;
using measurement::RequestRecord;

double Milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

void AppendMs(std::string& out, double ms) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3f", ms);
  out += buffer;
}

}  // namespace

std::size_t Recorder::Start(SteadyTime due, SteadyTime start, const Request& request) {
  const std::size_t number = Wait(start);
  records_[number].lag = std::max<std::chrono::nanoseconds>(start - due, std::chrono::nanoseconds(0));
  Send(number, request, start);
  return number;
}

std::size_t Recorder::Wait(SteadyTime due) {
  RequestRecord record;
  record.start = due - origin_;
  records_.push_back(std::move(record));
  return records_.size() - 1;
}

std::size_t Recorder::Hold(SteadyTime due) {
  const std::size_t number = Wait(due);
  records_[number].held = measurement::kNotSent;
  return number;
}

void Recorder::Send(std::size_t waiting, const Request& request, SteadyTime now) {
  RequestRecord& record = records_[waiting];
  if (record.held == measurement::kNotSent) record.held = now - origin_ - record.start;
  record.input_tokens = request.input_tokens;
  record.asked_tokens = request.asked_tokens;
  record.events.reserve(static_cast<std::size_t>(request.asked_tokens));
}

void Recorder::Output(std::size_t request, int events, SteadyTime arrived, SteadyTime seen) {
  RequestRecord& record = records_[request];
  const auto after = std::chrono::duration_cast<std::chrono::microseconds>(arrived - origin_ - record.start).count();
  const auto limited = std::clamp<std::int64_t>(after, record.events.empty() ? 0 : record.events.back(),
                                                std::numeric_limits<std::uint32_t>::max());
  record.events.insert(record.events.end(), static_cast<std::size_t>(events), static_cast<std::uint32_t>(limited));
  if (outputs_++ % 16 == 0) receive_lag_.push_back(static_cast<float>(Milliseconds(seen - arrived)));
}

void Recorder::End(std::size_t request, RequestOutcome outcome, SteadyTime now,
                   const std::optional<CompletionStream::Usage>& usage) {
  RequestRecord& record = records_[request];
  record.outcome = outcome;
  record.end = now - origin_;
  if (outcome == RequestOutcome::kOk && !record.events.empty()) {
    record.end = record.start + std::chrono::microseconds(record.events.back());
  }
  if (usage) {
    record.input_tokens = static_cast<std::int32_t>(usage->input_tokens);
    record.output_tokens = static_cast<std::int32_t>(usage->output_tokens);
  }
  ++ended_;
  if (outcome == RequestOutcome::kOk) ++succeeded_;
}

double Recorder::ReceiveLagP99() const {
  std::vector<double> sorted(receive_lag_.begin(), receive_lag_.end());
  std::sort(sorted.begin(), sorted.end());
  return measurement::Quantile(sorted, 0.99);
}

base::Status AppendRecords(const std::string& path, const std::string& scenario, const measurement::Load& load,
                           std::span<const RequestRecord> records) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "ae"), &std::fclose);
  if (!file) return base::Invalid("records: " + path + ": " + std::strerror(errno));
  const std::string head =
      "{\"scenario\":" + nlohmann::json(scenario).dump() +
      (load.kind == measurement::LoadKind::kConcurrency ? ",\"concurrency\":" : ",\"requestRate\":") +
      nlohmann::json(load.value).dump() + ",\"startMs\":";
  std::string line;
  bool written = true;
  for (const RequestRecord& record : records) {
    line = head;
    AppendMs(line, Milliseconds(record.start));
    line += ",\"lagMs\":";
    AppendMs(line, Milliseconds(record.lag));
    if (record.held > std::chrono::nanoseconds(0) && record.held != measurement::kNotSent) {
      line += ",\"heldMs\":";
      AppendMs(line, Milliseconds(record.held));
    }
    line += ",\"outcome\":\"" + std::string(RequestOutcomeName(record.outcome)) +
            "\",\"inputTokens\":" + std::to_string(record.input_tokens) +
            ",\"askedTokens\":" + std::to_string(record.asked_tokens) +
            ",\"outputTokens\":" + std::to_string(record.output_tokens);
    if (!record.events.empty()) {
      line += ",\"ttftMs\":";
      AppendMs(line, record.events.front() / 1e3);
      line += ",\"e2eMs\":";
      AppendMs(line, record.events.back() / 1e3);
    }
    line += ",\"eventsMs\":[";
    for (std::size_t i = 0; i < record.events.size(); ++i) {
      if (i > 0) line += ',';
      AppendMs(line, record.events[i] / 1e3);
    }
    line += "]}\n";
    written = written && std::fwrite(line.data(), 1, line.size(), file.get()) == line.size();
  }
  if (!written || std::fflush(file.get()) != 0) return base::Invalid("records: " + path + ": " + std::strerror(errno));
  return {};
}

}  // namespace autotune::bench
