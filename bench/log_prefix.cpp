#include "bench/log_prefix.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <map>
#include <vector>

#include "bench/engine_sign.h"
#include "bench/log_line.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kLongest = 120;  // of a prefix, in bytes
constexpr std::size_t kSeen = 2000;    // lines that decide

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Each number is one '9': "2026-06-09 14:01:54" is "9-9-9 9:9:9".
std::string ShapeOf(std::string_view text) {
  std::string shape;
  for (const char c : text) {
    if (!IsDigit(c)) shape += c;
    if (IsDigit(c) && (shape.empty() || shape.back() != '9')) shape += '9';
  }
  return shape;
}

// How many bytes of the line have the shape; npos = it begins otherwise. A blank at the end may be missing: the line
// that was passed on is empty.
std::size_t LengthLike(std::string_view line, std::string_view shape) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '9') {
      if (at >= line.size() || !IsDigit(line[at])) return std::string_view::npos;
      while (at < line.size() && IsDigit(line[at])) ++at;
    } else if (at == line.size() && shape.find_first_not_of(' ', i) == std::string_view::npos) {
      return at;
    } else if (at >= line.size() || line[at++] != shape[i]) {
      return std::string_view::npos;
    }
  }
  return at;
}

// A frame of a traceback, or its header.
bool TracebackBegins(std::string_view text) {
  return text.starts_with("  File \"") || text.starts_with("Traceback (most recent call last):");
}

// What stands before an engine's own prefix, or before a traceback; "" = nothing does, or the line has none.
std::string_view BeforeTheEngine(std::string_view line) {
  if (EngineBegins(line) || TracebackBegins(line)) return {};
  for (std::size_t at = 1; at < std::min(line.size(), kLongest); ++at) {
    const auto before = static_cast<unsigned char>(line[at - 1]);
    if (std::isalnum(before) != 0 || before == '(' || before == '[') continue;
    if (EngineBegins(line.substr(at)) || (before != ' ' && TracebackBegins(line.substr(at)))) return line.substr(0, at);
  }
  return {};
}

// "[36m" and "[0m", where a report lost the character before them.
std::string WithoutLostColours(std::string_view log) {
  std::string out;
  for (std::size_t i = 0; i < log.size();) {
    std::size_t end = i + 1;
    if (log[i] == '[') {
      while (end < log.size() && (IsDigit(log[end]) || log[end] == ';')) ++end;
    }
    const bool colour = end > i + 1 && end < log.size() && log[end] == 'm' && (i == 0 || log[i - 1] != '\x1b') &&
                        (end + 1 == log.size() || log[end + 1] != ']');
    if (colour) {
      i = end + 1;
    } else {
      out += log[i++];
    }
  }
  return out;
}

// The lines without the marks of a quotation in Markdown or mail: "> ValueError: ...".
std::string WithoutQuoteMarks(std::string_view log) {
  std::string out;
  bool begins = true;
  for (std::size_t i = 0; i < log.size(); ++i) {
    while (begins && i < log.size() && log[i] == '>') {
      ++i;
      if (i < log.size() && log[i] == ' ') ++i;
    }
    if (i == log.size()) break;
    out += log[i];
    begins = log[i] == '\n';
  }
  return out;
}

std::vector<std::string_view> LinesOf(std::string_view log) {
  std::vector<std::string_view> lines;
  while (!log.empty()) {
    const std::size_t size = std::min(log.find('\n'), log.size() - 1) + 1;
    lines.push_back(log.substr(0, size));
    log.remove_prefix(size);
  }
  return lines;
}

std::string_view WithoutEnd(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

// The frame of a box, with the blanks that fill it.
std::string_view WithoutFrame(std::string_view line, std::string_view prefix) {
  for (const std::string_view frame : {"\u2502", "|"}) {
    if (!prefix.starts_with(frame) || !line.ends_with(frame)) continue;
    line.remove_suffix(frame.size());
    while (line.ends_with(' ')) line.remove_suffix(1);
  }
  return line;
}

// "vllm-1  | ": the service's name; "" = the line has none.
std::string_view ServiceName(std::string_view line) {
  constexpr std::size_t kLongestName = 60;
  std::size_t end = 0;
  while (end < line.size() && (std::isalnum(static_cast<unsigned char>(line[end])) != 0 || line[end] == '-' ||
                               line[end] == '_' || line[end] == '.'))
    ++end;
  if (end == 0 || end > kLongestName) return {};
  const std::size_t bar = line.find_first_not_of(' ', end);
  return bar != end && bar != std::string_view::npos && line[bar] == '|' ? line.substr(0, end) : std::string_view();
}

// The service's name with its bar and one blank, "vllm_server  | "; "" = the line has none.
std::string_view ServicePrefix(std::string_view line) {
  if (ServiceName(line).empty()) return {};
  const std::size_t bar = line.find('|');
  return line.substr(0, bar + 1 < line.size() && line[bar + 1] == ' ' ? bar + 2 : bar + 1);
}

// The shape that most lines have, the first of several; "" = none has `least` of them.
std::string MostCommon(const std::map<std::string, std::size_t>& shapes, std::size_t least) {
  const auto most = std::ranges::max_element(shapes, {}, [](const auto& shape) { return shape.second; });
  return most == shapes.end() || most->second < least ? std::string() : most->first;
}

// "2025-04-07T19:13:52.541718006Z" near the beginning of a line, "" = there is none.
std::string_view TimeOf(std::string_view line) {
  constexpr std::string_view kShape = "9999-99-99T99:99:99";
  constexpr std::size_t kFarthest = 40;
  for (std::size_t at = 0; at < kFarthest && at + kShape.size() <= line.size(); ++at) {
    bool fits = at == 0 || !IsDigit(line[at - 1]);
    for (std::size_t i = 0; fits && i < kShape.size(); ++i) {
      const char c = line[at + i];
      fits = kShape[i] == '9' ? IsDigit(c) : kShape[i] == 'T' ? c == 'T' || c == ' ' : c == kShape[i];
    }
    if (!fits) continue;
    std::size_t end = at + kShape.size();
    while (end < line.size() && (IsDigit(line[end]) || line[end] == '.' || line[end] == ',')) ++end;
    return line.substr(at, end - at);
  }
  return {};
}

bool IsOfAServer(std::string_view line) {
  const EngineSign sign = SignOf(line, false);
  return sign == EngineSign::kNewProcess || sign == EngineSign::kBegins || sign == EngineSign::kFailed;
}

}  // namespace

std::string OldestFirst(std::string_view log) {
  constexpr std::size_t kLeast = 3, kOften = 5;
  const std::vector<std::string_view> lines = LinesOf(log);
  std::size_t back = 0, on = 0;
  std::string_view last;
  for (const std::string_view line : lines) {
    const std::string_view time = TimeOf(line);
    if (time.empty()) continue;
    if (!last.empty()) {
      back += time < last ? 1 : 0;
      on += time > last ? 1 : 0;
    }
    last = time;
  }
  if (back < kLeast || back < kOften * on) return std::string(log);
  std::string out;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    out += WithoutEnd(*line);
    out += '\n';
  }
  return out;
}

std::vector<ServiceLog> ServicesOf(std::string_view log) {
  constexpr std::size_t kMost = 32;
  std::vector<ServiceLog> services;
  std::vector<bool> serves;
  const auto place = [&](std::string_view name) {
    const auto found = std::ranges::find(services, name, &ServiceLog::name);
    return static_cast<std::size_t>(found - services.begin());
  };
  std::size_t at = 0;
  for (const std::string_view line : LinesOf(log)) {
    std::string_view text = line;
    if (const std::string_view name = ServiceName(WithoutEnd(line)); !name.empty()) {
      at = place(name);
      if (at == services.size()) {
        if (services.size() == kMost) return {};
        services.push_back({std::string(name), ""});
        serves.push_back(false);
      }
      text.remove_prefix(line.find('|') + 1);
      if (text.starts_with(' ')) text.remove_prefix(1);
    } else if (const std::size_t exit = line.find(" exited with code "); exit != std::string_view::npos) {
      if (const std::size_t of = place(line.substr(0, exit)); of < services.size()) at = of;
    }
    if (services.empty()) continue;
    services[at].log += text;
    serves[at] = serves[at] || IsOfAServer(text);
  }
  return std::ranges::count(serves, true) < 2 ? std::vector<ServiceLog>() : services;
}

std::string WithoutPrefix(std::string_view log) {
  const bool colours = log.find("[0m") != std::string_view::npos;
  std::string plain = colours ? WithoutLostColours(log) : std::string(log);
  if (plain.starts_with('>') || plain.find("\n>") != std::string::npos) plain = WithoutQuoteMarks(plain);
  const std::vector<std::string_view> lines = LinesOf(plain);
  std::map<std::string, std::size_t> shapes, services;
  std::size_t filled = 0;
  for (const std::string_view line : lines) {
    if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
    if (++filled > kSeen) break;
    if (const std::string_view before = BeforeTheEngine(WithoutEnd(line)); !before.empty()) ++shapes[ShapeOf(before)];
    if (const std::string_view name = ServicePrefix(WithoutEnd(line)); !name.empty()) ++services[ShapeOf(name)];
  }
  filled = std::min(filled, kSeen);
  std::string best = MostCommon(shapes, 2);
  // Docker Compose aligns the names of its services: no line of an engine repeats a word and a bar before all others.
  if (best.empty()) best = MostCommon(services, 3);
  if (best.empty()) return plain;
  std::size_t matching = 0, seen = 0;
  for (const std::string_view line : lines) {
    if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
    if (++seen > kSeen) break;
    matching += LengthLike(WithoutEnd(line), best) == std::string_view::npos ? 0 : 1;
  }
  if (5 * matching < 3 * filled) return plain;
  std::string out;
  for (const std::string_view line : lines) {
    const std::string_view text = WithoutEnd(line);
    const std::size_t length = LengthLike(text, best);
    out += length == std::string_view::npos ? text : WithoutFrame(text.substr(length), best);
    out += '\n';
  }
  return out;
}

}  // namespace autotune::bench
