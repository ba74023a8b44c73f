#include "bench/log_digest.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kMaxPartial = 16 * 1024;
constexpr std::size_t kFirstErrors = 30;
constexpr std::size_t kMaxWriters = 32;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// True if `text` starts with `pattern`, in which '9' stands for any digit.
bool StartsLike(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '9' ? !IsDigit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

bool ContainsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
           return static_cast<char>(std::tolower(static_cast<unsigned char>(a))) == b;
         }) != text.end();
}

// Removes "[...]" whose content satisfies `accept`, and one space after it.
template <typename Accept>
bool TakeBracket(std::string_view& text, Accept accept) {
  if (!text.starts_with('[')) return false;
  const std::size_t end = text.find(']');
  if (end == std::string_view::npos || end > 100 || !accept(text.substr(1, end - 1))) return false;
  text.remove_prefix(end + 1);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

constexpr std::pair<std::string_view, LogLine::Level> kLevels[] = {
    {"DEBUG", LogLine::Level::kInfo},   {"INFO", LogLine::Level::kInfo},   {"WARNING", LogLine::Level::kWarning},
    {"WARN", LogLine::Level::kWarning}, {"ERROR", LogLine::Level::kError}, {"CRITICAL", LogLine::Level::kError},
    {"FATAL", LogLine::Level::kError},  {"E", LogLine::Level::kError},     {"W", LogLine::Level::kWarning},
    {"I", LogLine::Level::kInfo},       {"F", LogLine::Level::kError},
};

// "ERROR 11-22 15:53:02 [core.py:1231] text" (vLLM), "INFO:     text" (uvicorn).
bool TakeLevel(std::string_view& text, LogLine::Level& level) {
  for (const auto& [name, value] : kLevels) {
    if (name.size() < 2 || !text.starts_with(name)) continue;
    std::string_view rest = text.substr(name.size());
    if (rest.starts_with(":") && value != LogLine::Level::kError) {
      rest.remove_prefix(1);
    } else if (StartsLike(rest, " 99-99 99:99:99")) {
      rest.remove_prefix(std::string_view(" 99-99 99:99:99").size());
    } else {
      continue;
    }
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    level = value;
    text = rest;
    TakeBracket(text, [](std::string_view inside) { return inside.find(':') != std::string_view::npos; });
    return true;
  }
  return false;
}

// "[TRT-LLM] [E] text", "[TensorRT-LLM][ERROR] text", glog's "[W1122 16:43:35.102817488 file.cpp:1575] text".
bool TakeBracketLevel(std::string_view& text, LogLine::Level& level) {
  return TakeBracket(text, [&](std::string_view inside) {
    for (const auto& [name, value] : kLevels) {
      if (inside == name ||
          (name.size() == 1 && inside.starts_with(name) && StartsLike(inside.substr(1), "9999 99:"))) {
        level = value;
        return true;
      }
    }
    return inside == "TRT-LLM" || inside == "TensorRT-LLM";
  });
}

bool TakeTime(std::string_view& text) {
  if (TakeBracket(text, [](std::string_view inside) {
        return StartsLike(inside, "9999-99-99 99:99:99") || StartsLike(inside, "99/99/9999-99:99:99") ||
               StartsLike(inside, "9999-99-99T99:99:99");
      })) {
    return true;
  }
  if (!StartsLike(text, "9999-99-99 99:99:99") && !StartsLike(text, "9999-99-99T99:99:99")) return false;
  text.remove_prefix(19);
  while (!text.empty() && (IsDigit(text[0]) || text[0] == ',' || text[0] == '.' || text[0] == 'Z'))
    text.remove_prefix(1);
  if (text.starts_with(" - ")) {
    text.remove_prefix(3);
  } else if (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  return true;
}

// "(EngineCore pid=7859) ", "(Worker_TP0 pid=12) ", Ray's "(RayWorkerWrapper pid=123, ip=10.0.0.1) ".
bool TakeProcess(std::string_view& text, std::string& tag) {
  if (!text.starts_with('(')) return false;
  const std::size_t end = text.find(')');
  if (end == std::string_view::npos || end > 100) return false;
  const std::string_view inside = text.substr(1, end - 1);
  const std::size_t pid = inside.find("pid=");
  if (pid == std::string_view::npos || pid + 4 >= inside.size() || !IsDigit(inside[pid + 4])) return false;
  tag = inside;
  text.remove_prefix(end + 1);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

// torch's "[rank0]: text" and "[rank0]:[W1122 ...] text".
bool TakeRank(std::string_view& text, std::string& tag) {
  if (!text.starts_with("[rank")) return false;
  const std::size_t end = text.find("]:");
  if (end == std::string_view::npos || end > 12) return false;
  tag = text.substr(1, end - 1);
  text.remove_prefix(end + 2);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

// The length of "torch.OutOfMemoryError" in "torch.OutOfMemoryError: ...": a dotted name that ends as Python's
// exceptions do, followed by ": " or by nothing. 0 = no such line.
std::size_t ExceptionNameLength(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && (IsWord(text[end]) || text[end] == '.')) ++end;
  if (end == 0 || IsDigit(text[0]) || text[0] == '.') return 0;
  if (end < text.size() && !text.substr(end).starts_with(": ") && text.substr(end) != ":") return 0;
  const std::string_view name = text.substr(0, end);
  for (const std::string_view suffix : {"Error", "Exception", "Interrupt", "Exit", "Timeout", "Expired"}) {
    if (name.ends_with(suffix)) return end;
  }
  return 0;
}

// "main.py serve: error: unrecognized arguments: --x" (argparse), "Error: No such option: --x" (click).
bool IsUsageError(std::string_view text) {
  if (text.starts_with("Error: ") || text.starts_with("error: ")) return true;
  const std::size_t at = text.find(": error: ");
  return at != std::string_view::npos && at < 80;
}

// What native code, shells and the interpreter itself say when it is over.
bool IsFatalText(std::string_view text) {
  for (const std::string_view start : {"Fatal Python error:", "Segmentation fault", "Bus error", "Aborted",
                                       "Illegal instruction", "terminate called after throwing", "what():", "Killed"}) {
    if (text.starts_with(start)) return true;
  }
  for (const std::string_view part : {"error while loading shared libraries:", ": command not found",
                                      ": cannot execute", "can't open file", ": not found", ": Permission denied"}) {
    if (text.find(part) != std::string_view::npos && text.size() < 300) return true;
  }
  // "/usr/bin/python3: No module named sglang": the interpreter's own complaint; inside other messages it is one of
  // many optional imports.
  const std::size_t at = text.find(": No module named ");
  return at != std::string_view::npos && text.substr(0, at).find(' ') == std::string_view::npos &&
         text.substr(0, at).find("python") != std::string_view::npos;
}

// "Subprocess scheduler_0 (pid=29389) crashed with exit code -9. ...": SGLang's parent, at level INFO. When a process
// was killed from outside, nothing else tells which.
bool IsCrashNotice(std::string_view text) { return text.find(" crashed with exit code ") != std::string_view::npos; }

// pydantic appends the type and the whole input: nobody reads that.
std::string WithoutPydanticTail(std::string text) {
  const std::size_t at = text.rfind(" [type=");
  if (at != std::string::npos) text.resize(at);
  return text;
}

}  // namespace

LogLine ParseLogLine(std::string_view raw) {
  LogLine line;
  const std::string clean = CleanText(raw, 4 * LogDigest::kMaxLineBytes);
  std::string_view text = clean;
  bool took = false;
  for (bool again = true; again;) {
    again = TakeProcess(text, line.tag) || TakeRank(text, line.tag) || TakeTime(text) ||
            TakeBracketLevel(text, line.level) || TakeLevel(text, line.level);
    took = took || again;
  }
  // "ERROR - text" after a time, as logging.basicConfig users write it.
  for (const auto& [name, level] : kLevels) {
    if (took && name.size() > 1 && text.starts_with(name) && text.substr(name.size()).starts_with(" - ")) {
      line.level = level;
      text.remove_prefix(name.size() + 3);
    }
  }
  const std::size_t spaces = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(spaces);
  line.indent = spaces;
  if (!took) line.indent = std::min(raw.find_first_not_of(' '), raw.size());
  line.text = text;
  return line;
}

void LogDigest::Append(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (after_return_) {
      after_return_ = false;
      EndLine(bytes[at] != '\n');
      if (bytes[at] == '\n') {
        ++at;
        continue;
      }
    }
    const std::size_t end = std::min(bytes.find_first_of("\r\n", at), bytes.size());
    const std::string_view piece = bytes.substr(at, end - at);
    if (partial_.size() < kMaxPartial) partial_ += piece.substr(0, kMaxPartial - partial_.size());
    if (end == bytes.size()) return;
    if (bytes[end] == '\n') {
      EndLine(false);
    } else {
      after_return_ = true;
    }
    at = end + 1;
  }
}

void LogDigest::Finish() {
  after_return_ = false;
  EndLine(false);
}

void LogDigest::ForgetErrors() {
  first_errors_.clear();
  later_errors_.clear();
  writers_.clear();
}

std::vector<std::string> LogDigest::error_lines() const {
  std::vector<std::string> all = first_errors_;
  all.insert(all.end(), later_errors_.begin(), later_errors_.end());
  return all;
}

void LogDigest::EndLine(bool rewritten) {
  const LogLine line = ParseLogLine(partial_);
  partial_.clear();
  if (line.text.empty()) return;
  if (last_is_progress_ && !last_.empty()) last_.pop_back();
  last_.push_back(CleanText(line.text, kMaxLineBytes));
  if (last_.size() > kMaxLastLines) last_.pop_front();
  last_is_progress_ = rewritten;
  if (!rewritten) Inspect(line);
}

LogDigest::Writer& LogDigest::WriterOf(const std::string& tag) {
  for (Writer& writer : writers_) {
    if (writer.tag == tag) return writer;
  }
  if (writers_.size() == kMaxWriters) writers_.pop_front();
  writers_.emplace_back().tag = tag;
  return writers_.back();
}

void LogDigest::AddError(std::string text) {
  text = CleanText(text, kMaxLineBytes);
  for (const std::string& known : first_errors_) {
    if (known == text) return;
  }
  if (std::find(later_errors_.begin(), later_errors_.end(), text) != later_errors_.end()) return;
  if (first_errors_.size() < kFirstErrors) {
    first_errors_.push_back(std::move(text));
    return;
  }
  later_errors_.push_back(std::move(text));
  if (later_errors_.size() > kMaxErrorLines - kFirstErrors) later_errors_.pop_front();
}

void LogDigest::Inspect(const LogLine& line) {
  const std::string& text = line.text;
  Writer& writer = WriterOf(line.tag);
  const bool may_be_error = line.level == LogLine::Level::kNone || line.level == LogLine::Level::kError;

  // pydantic: "N validation errors for X", then per error a field (not indented, absent for the model as a whole) and
  // an indented text. The text is the cause; the first line says nothing.
  if (writer.in_validation) {
    if (text.starts_with("For further information visit")) return;
    if (line.indent > 0) {
      AddError(writer.field.empty() ? WithoutPydanticTail(text) : writer.field + ": " + WithoutPydanticTail(text));
      return;
    }
    if (text.find(' ') == std::string::npos && ExceptionNameLength(text) == 0) {
      writer.field = text;
      return;
    }
    writer.in_validation = false;
  }

  const std::size_t name = ExceptionNameLength(text);
  if (name > 0 && may_be_error && line.indent == 0) {
    const bool validation =
        text.find(" validation error") != std::string::npos && text.substr(0, name).ends_with("ValidationError");
    const bool bare = name + 2 >= text.size();
    if (validation) {
      writer.in_validation = true;
      writer.field.clear();
    }
    // A bare "AssertionError" says nothing, the assertion above it does.
    if (bare && !writer.code.empty()) {
      AddError(text.substr(0, name) + ": " + writer.code);
    } else {
      AddError(text);
    }
    writer.code.clear();
    return;
  }
  // A traceback's source line; the line of carets below it is none.
  if (line.indent >= 4 && may_be_error) {
    if (text.find_first_not_of("^~ ") != std::string::npos) writer.code = text;
    return;
  }
  if (!may_be_error) return;
  if (IsUsageError(text) || IsFatalText(text) || IsCrashNotice(text) || line.level == LogLine::Level::kError ||
      ContainsIgnoringCase(text, "out of memory")) {
    if (!text.starts_with("Traceback (most recent") && !text.starts_with("File \"")) AddError(text);
  }
}

}  // namespace autotune::bench
