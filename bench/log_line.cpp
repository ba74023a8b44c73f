#include "bench/log_line.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/ascii_case.h"
#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

using Level = LogLine::Level;

constexpr std::size_t kMaxText = 2000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// True if `text` starts with `pattern`, in which '9' stands for any digit.
bool StartsLike(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '9' ? !IsDigit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

void TakeSpaces(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(' '), text.size())); }

bool Take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

constexpr std::pair<std::string_view, Level> kLevels[] = {
    {"DEBUG", Level::kInfo},   {"TRACE", Level::kInfo},  {"INFO", Level::kInfo},      {"WARNING", Level::kWarning},
    {"WARN", Level::kWarning}, {"ERROR", Level::kError}, {"CRITICAL", Level::kError}, {"FATAL", Level::kError},
};

std::optional<Level> LevelOfWord(std::string_view word) {
  for (const auto& [name, level] : kLevels) {
    if (word == name) return level;
  }
  return std::nullopt;
}

// glog's letter.
std::optional<Level> LevelOfLetter(char letter) {
  switch (letter) {
    case 'D':
    case 'I':
      return Level::kInfo;
    case 'W':
      return Level::kWarning;
    case 'E':
    case 'F':
      return Level::kError;
    default:
      return std::nullopt;
  }
}

// "[core.py:1231] ", "[__main__.py:<module>():254] ", "engine.py:389] ", "worker.py:1654 -- ": a place in a source.
bool TakePlace(std::string_view& text) {
  const bool bracket = text.starts_with('[');
  const std::size_t end = bracket ? text.find(']') : text.find_first_of(" ]");
  if (end == std::string_view::npos || end > 100) return false;
  const std::string_view place = text.substr(bracket ? 1 : 0, end - (bracket ? 1 : 0));
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos || colon + 1 >= place.size() || !IsDigit(place[colon + 1])) return false;
  if (place.find('.') == std::string_view::npos) return false;
  if (!bracket && text[end] == ' ' && !text.substr(end).starts_with(" -- ")) return false;
  text.remove_prefix(end + 1);
  Take(text, "-- ");
  Take(text, " ");
  return true;
}

// "multiproc_executor.worker_main: ", "dynamo_runtime::worker: ". Exceptions' names end in a capitalized word.
bool TakeTarget(std::string_view& text) {
  std::size_t end = 0, last = 0;
  bool compound = false;
  while (end < text.size()) {
    if (IsWord(text[end])) {
      ++end;
      continue;
    }
    const std::size_t separator = text[end] == '.' ? 1 : text.substr(end).starts_with("::") ? 2 : 0;
    if (separator == 0) break;
    compound = true;
    end += separator;
    last = end;
  }
  if (!compound || last >= end || IsUpper(text[last]) || !text.substr(end).starts_with(": ")) return false;
  text.remove_prefix(end + 2);
  return true;
}

// Removes "[...]" whose content satisfies `accept`, and one space after it.
template <typename Accept>
bool TakeBracket(std::string_view& text, Accept accept) {
  if (!text.starts_with('[')) return false;
  const std::size_t end = text.find(']');
  if (end == std::string_view::npos || end > 100 || !accept(text.substr(1, end - 1))) return false;
  text.remove_prefix(end + 1);
  Take(text, " ");
  return true;
}

// TensorRT-LLM 1.3 names its loggers: "[executor][RANK 3] text", "[_torch][RANK 0] text".
bool TakeLogger(std::string_view& text) {
  if (text.size() < 2 || text[0] != '[') return false;
  const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.", 1);
  if (end == std::string_view::npos || end == 1 || !text.substr(end).starts_with("][RANK ")) return false;
  text.remove_prefix(end + 1);
  return true;
}

// What stands in brackets before a text: levels, times with levels and ranks, processes.
struct Brackets {
  std::string& tag;
  Level& level;

  bool operator()(std::string_view inside) const {
    while (inside.ends_with(' ')) inside.remove_suffix(1);
    if (inside.empty()) return false;
    if (inside == "TRT-LLM" || inside == "TensorRT-LLM") return true;
    if (const auto word = LevelOfWord(inside)) {
      // "ERROR 05-30 22:22:26 [x.py:153] [DEBUG] text": the text's own bracket.
      return (level == Level::kError && inside == "DEBUG") || Set(*word);
    }
    // Launchers' ranks: torchx's "[0] [0] ", vLLM-Omni's "[Stage-0] ".
    constexpr std::string_view kStage = "Stage-";
    const std::string_view number = inside.starts_with(kStage) ? inside.substr(kStage.size()) : inside;
    if (!number.empty() && number.size() <= 3 && number.find_first_not_of("0123456789") == std::string_view::npos)
      return true;
    if (inside.size() == 1) return SetLetter(inside[0]);
    // glog: "W1122 16:43:35.102817488 file.cpp:1575", "E626 05:06:30 ...", "E file.cpp:563".
    if (const auto letter = LevelOfLetter(inside[0])) {
      const std::string_view rest = inside.substr(1);
      if (StartsLike(rest, "9999 99:") || StartsLike(rest, "999 99:")) return Set(*letter);
      if (rest.starts_with(' ') && rest.find(".c") != std::string_view::npos) return Set(*letter);
    }
    if (StartsLike(inside, "9999-99-99 99:99:99") || StartsLike(inside, "9999-99-99T99:99:99")) {
      // Ray: "2026-03-12 15:02:38,361 D 301 301".
      const std::size_t space = inside.find(' ', 12);
      if (space != std::string_view::npos && space + 2 < inside.size() && inside[space + 2] == ' ')
        SetLetter(inside[space + 1]);
      return true;
    }
    if (StartsLike(inside, "99/99/9999-99:99:99")) return true;
    if (inside.starts_with("RANK ") || inside.starts_with("Rank ") || inside.starts_with("rank ")) {
      tag = inside;
      return inside.size() > 5 && IsDigit(inside[5]);
    }
    // UCX: seconds since the epoch, and "host:pid:thread"; MPI's "1,0".
    if (inside.find_first_not_of("0123456789.") == std::string_view::npos && inside.find('.') != std::string_view::npos)
      return inside.size() > 12;
    const std::size_t colon = inside.find(':');
    return colon != std::string_view::npos && colon + 1 < inside.size() && IsDigit(inside[colon + 1]) &&
           inside.find(':', colon + 1) != std::string_view::npos &&
           inside.substr(colon).find_first_not_of("0123456789: ") == std::string_view::npos;
  }

 private:
  [[nodiscard]] bool Set(Level value) const {
    level = value;
    return true;
  }
  bool SetLetter(char letter) const {
    const auto found = LevelOfLetter(letter);
    if (found) level = *found;
    return found.has_value();
  }
};

// "ERROR 11-22 15:53:02 [core.py:1231] text" (vLLM), "ERROR [core.py:1330] text", "INFO:     text" (uvicorn).
bool TakeLevel(std::string_view& text, Level& level) {
  for (const auto& [name, value] : kLevels) {
    if (!text.starts_with(name)) continue;
    std::string_view rest = text.substr(name.size());
    if (rest.starts_with(": ")) {
      rest.remove_prefix(1);
      TakeSpaces(rest);
    } else if (StartsLike(rest, " 99-99 99:99:99")) {
      rest.remove_prefix(std::string_view(" 99-99 99:99:99").size());
      Take(rest, " ");
      TakePlace(rest);
    } else if (StartsLike(rest, " 9999-99-99 99:99:99") || StartsLike(rest, " 9999-99-99T99:99:99")) {
      rest.remove_prefix(std::string_view(" 9999-99-99 99:99:99").size());
      rest.remove_prefix(std::min(rest.find(' '), rest.size()));
      Take(rest, " ");
      TakePlace(rest);
    } else {
      if (!Take(rest, " ") || !TakePlace(rest)) continue;
    }
    // A console of a cluster calls everything on stderr an error: "ERROR 2025-04-07T19:13:52.541718006Z text".
    level = StartsLike(text.substr(name.size()), " 9999-99-99T99") ? Level::kNone : value;
    text = rest;
    return true;
  }
  // glog without brackets: "E1008 10:13:07.989955   452   452 gcs.cc:389] text".
  if (const auto letter = text.empty() ? std::nullopt : LevelOfLetter(text[0])) {
    const std::size_t end = text.find("] ");
    if (StartsLike(text.substr(1), "9999 99:99:99") && end != std::string_view::npos && end < 100) {
      level = *letter;
      text.remove_prefix(end + 2);
      return true;
    }
  }
  return false;
}

// After a time: " - ERROR - text", "1 kserve ERROR [place] text", "ERROR module.function: text", "| ERROR | stderr |
// text".
bool TakeLevelAfterTime(std::string_view& text, Level& level) {
  std::string_view rest = text;
  if (rest.starts_with("stderr ") || rest.starts_with("stdout ")) return false;  // a container runtime's time
  for (int words = 0; words < 4; ++words) {
    TakeSpaces(rest);
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    const auto found = LevelOfWord(word);
    if (!found) {
      if (word.find_first_of(":([\"'") != std::string_view::npos) return false;
      rest.remove_prefix(end);
      continue;
    }
    rest.remove_prefix(end);
    Take(rest, " ");
    Take(rest, "- ");
    if (Take(rest, "| ")) Take(rest, "stderr | ") || Take(rest, "stdout | ");
    TakePlace(rest) || TakeTarget(rest);
    level = *found;
    text = rest;
    return true;
  }
  return false;
}

bool TakeTime(std::string_view& text) {
  if (!StartsLike(text, "9999-99-99 99:99:99") && !StartsLike(text, "9999-99-99T99:99:99")) return false;
  text.remove_prefix(19);
  while (!text.empty() && (IsDigit(text[0]) || text[0] == ',' || text[0] == '.' || text[0] == 'Z'))
    text.remove_prefix(1);
  if (StartsLike(text, "+99:99")) text.remove_prefix(6);
  if (!Take(text, " - ")) Take(text, " ");
  return true;
}

// "(EngineCore pid=7859) ", "(Worker_TP0 pid=12) ", Ray's "(RayWorkerWrapper pid=123, ip=10.0.0.1) ", "(raylet) ".
bool TakeProcess(std::string_view& text, std::string& tag) {
  if (!text.starts_with('(')) return false;
  const std::size_t end = text.find(')');
  if (end == std::string_view::npos || end > 120) return false;
  const std::string_view inside = text.substr(1, end - 1);
  const std::size_t pid = inside.find("pid=");
  bool numbered = pid != std::string_view::npos && pid + 4 < inside.size() && IsDigit(inside[pid + 4]);
  // Reports leave numbers out: "(Worker_PP1) ERROR text".
  for (const std::string_view name : {"Worker_", "EngineCore", "APIServer", "VllmWorker"}) {
    if (inside.starts_with(name) && inside.find(' ') == std::string_view::npos) numbered = true;
  }
  if (!numbered && !inside.starts_with("raylet") && !inside.starts_with("gcs_server")) return false;
  tag = inside;
  text.remove_prefix(end + 1);
  Take(text, " ");
  return true;
}

// A level without a time or a place, behind the name of a process.
bool TakeBareLevel(std::string_view& text, Level& level) {
  for (const auto& [name, value] : kLevels) {
    if (!text.starts_with(name) || !text.substr(name.size()).starts_with(' ')) continue;
    level = value;
    text.remove_prefix(name.size() + 1);
    return true;
  }
  return false;
}

// torch's "[rank0]: text" and "[rank0]:[W1122 ...] text", "[default6]:", MPI's "[1,0]<stderr>:".
bool TakeRank(std::string_view& text, std::string& tag) {
  const std::size_t end = text.find("]:");
  if (text.starts_with("[rank") || text.starts_with("[default")) {
    if (end == std::string_view::npos || end > 14) return false;
    tag = text.substr(1, end - 1);
    text.remove_prefix(end + 2);
    Take(text, " ");
    return true;
  }
  if (!StartsLike(text, "[9,9")) return false;
  for (const std::string_view stream : {"]<stderr>:", "]<stdout>:"}) {
    const std::size_t at = text.find(stream);
    if (at == std::string_view::npos || at > 10) continue;
    tag = text.substr(1, at - 1);
    text.remove_prefix(at + stream.size());
    return true;
  }
  return false;
}

// Who passes the line on: rsyslog's escapes, "container-1  | ", a container runtime's "time stderr F ",
// "Aug 19 18:34:27 host unit[8727]: ", TorchServe's "W-9000-model_1.0-stdout MODEL_LOG - ".
bool TakeForwarder(std::string_view& text) {
  if (StartsLike(text, "#999[")) {
    const std::size_t end = text.find('m');
    if (end == std::string_view::npos || end > 16) return false;
    text.remove_prefix(end + 1);
    Take(text, " ");
    return true;
  }
  for (const std::string_view stream : {"stderr F ", "stdout F "}) {
    if (Take(text, stream)) return true;
  }
  constexpr std::string_view kTorchServe = " MODEL_LOG - ";
  if (text.starts_with("W-")) {
    const std::size_t at = text.find(kTorchServe);
    if (at == std::string_view::npos || at > 80) return false;
    text.remove_prefix(at + kTorchServe.size());
    return true;
  }
  if (text.size() > 16 && IsUpper(text[0]) && text[3] == ' ' && StartsLike(text.substr(6), " 99:99:99 ")) {
    const std::size_t end = text.find("]: ");
    if (end == std::string_view::npos || end > 100) return false;
    text.remove_prefix(end + 3);
    return true;
  }
  std::size_t name = 0;
  while (name < text.size() && (IsWord(text[name]) || text[name] == '-' || text[name] == '.')) ++name;
  const std::size_t bar = text.find_first_not_of(' ', name);
  if (name < 3 || bar == std::string_view::npos || bar == name || bar > 60 || !text.substr(bar).starts_with("| ") ||
      text.substr(0, name).find('-') == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(bar + 2);
  return true;
}

// "host:3663:4044 [0] misc/shmutils.cc:129 NCCL WARN text": one library's lines among others'.
bool TakeLibrary(std::string_view& text, Level& level) {
  constexpr std::pair<std::string_view, Level> kMarks[] = {
      {"NCCL WARN ", Level::kError},  {"NCCL INFO ", Level::kInfo},     {"NCCL TRACE ", Level::kInfo},
      {"UCX  ERROR ", Level::kError}, {"UCX  WARN  ", Level::kWarning}, {"UCX  INFO  ", Level::kInfo},
  };
  constexpr std::size_t kFarthest = 160;
  for (const auto& [mark, value] : kMarks) {
    const std::size_t at = text.substr(0, kFarthest).find(mark);
    if (at == std::string_view::npos) continue;
    level = value;
    text.remove_prefix(at);
    return true;
  }
  return false;
}

// The value of a string member in a JSON line, "" = not there. Escapes are undone as far as texts need it.
std::string JsonMember(std::string_view text, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\"";
  std::size_t at = text.find(key);
  if (at == std::string_view::npos) return "";
  at = text.find_first_not_of(" :", at + key.size());
  if (at == std::string_view::npos || text[at] != '"') return "";
  std::string value;
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      const char escaped = text[++at];
      value += escaped == 'n' || escaped == 't' || escaped == 'r' ? ' ' : escaped;
    } else {
      value += text[at];
    }
  }
  return value;
}

// {"time": "...", "level": "ERROR", "message": "..."}: loggers for machines (Dynamo, KServe).
bool FromJson(std::string_view text, LogLine& line) {
  if (!text.starts_with('{') || text.find("\"level\"") == std::string_view::npos) return false;
  const std::string level = base::AsciiUpper(JsonMember(text, "level"));
  const auto known = LevelOfWord(level);
  std::string message = JsonMember(text, "message");
  if (message.empty()) message = JsonMember(text, "msg");
  if (!known || message.empty()) return false;
  line.level = *known;
  line.text = std::move(message);
  return true;
}

// Ray's "[repeated 2x across cluster]", with its hint behind it the first time.
std::string_view WithoutRepetition(std::string_view text) {
  constexpr std::string_view kRepeated = " [repeated ", kEnd = "x across cluster]";
  const std::size_t at = text.rfind(kRepeated);
  if (at == std::string_view::npos || at == 0) return text;
  std::size_t end = at + kRepeated.size();
  while (end < text.size() && IsDigit(text[end])) ++end;
  return text.substr(end).starts_with(kEnd) ? text.substr(0, at) : text;
}

// Whether a writer's own prefix stands here: a process, a time, or a level with its time.
bool WriterBegins(std::string_view text) {
  std::string tag;
  Level level = Level::kNone;
  return TakeProcess(text, tag) || TakeTime(text) || TakeLevel(text, level) || StartsLike(text, "[9999-99-99 99:99:99");
}

}  // namespace

bool EngineBegins(std::string_view text) {
  std::string tag;
  Level level = Level::kNone;
  return TakeProcess(text, tag) || StartsLike(text, "[9999-99-99 99:99:99") ||
         StartsLike(text, "[99/99/9999-99:99:99]") || (!text.empty() && IsUpper(text[0]) && TakeLevel(text, level));
}

LogLine ParseLogLine(std::string_view raw) {
  LogLine line;
  const std::string clean = CleanText(raw, kMaxText);
  std::string_view text = clean;
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view end : {" ", "#015", "\\n"}) {
      if (!text.ends_with(end)) continue;
      text.remove_suffix(end.size());
      again = true;
    }
  }
  text = WithoutRepetition(text);
  // A line that a report prints in bold.
  if (text.starts_with("**(") || text.starts_with("**[")) {
    text.remove_prefix(2);
    if (text.ends_with("**")) text.remove_suffix(2);
  }
  if (FromJson(text, line)) return line;
  // Indented text is that of a traceback, unless a writer's prefix follows: pasted logs may be indented as a whole.
  std::string_view inner = text;
  TakeSpaces(inner);
  const bool indented = raw.starts_with(' ') && !WriterBegins(inner);
  bool took = false;
  if (!indented) {
    text = inner;
    const Brackets brackets{line.tag, line.level};
    for (bool again = true; again;) {
      const bool time = TakeTime(text);
      if (time) TakeLevelAfterTime(text, line.level);
      again = time || TakeForwarder(text) || TakeRank(text, line.tag) || TakeLogger(text) ||
              TakeBracket(text, brackets) || TakeLevel(text, line.level);
      if (!again && TakeProcess(text, line.tag)) {
        again = true;
        if (!TakeLevel(text, line.level)) TakeBareLevel(text, line.level);
      }
      took = took || again;
    }
  }
  took = TakeLibrary(text, line.level) || took;
  const std::size_t spaces = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(spaces);
  line.indent = spaces;
  if (!took) line.indent = std::min(raw.find_first_not_of(' '), raw.size());
  line.text = text;
  return line;
}

}  // namespace autotune::bench
