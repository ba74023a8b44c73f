#include "bench/log_digest.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/ascii_case.h"
#include "bench/clean_text.h"
#include "bench/engine_sign.h"
#include "bench/log_line.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kMaxPartial = 16 * 1024;
constexpr std::size_t kFirstErrors = 30;
constexpr std::size_t kMaxWriters = 32;
constexpr std::size_t kMaxGenerating = 64;
constexpr std::size_t kMaxQuotedText = 2000;
constexpr std::string_view kTraceback = "Traceback (most recent call last):";

bool IsNameCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The length of "torch.OutOfMemoryError" in "torch.OutOfMemoryError: ...": an exception's name, followed by ": " or by
// nothing. Right after the frames of a traceback any name is one ("triton.runtime.errors.OutOfResources",
// "socket.gaierror"); elsewhere only what ends as Python's exceptions do. 0 = no such line.
std::size_t ExceptionNameLength(std::string_view text, bool after_frames) {
  std::size_t end = 0;
  while (end < text.size()) {
    if (IsNameCharacter(text[end]) || text[end] == '.') {
      ++end;
    } else if (text.substr(end).starts_with("::")) {  // "c10::AcceleratorError"
      end += 2;
    } else {
      break;
    }
  }
  if (end == 0 || (text[0] >= '0' && text[0] <= '9') || text[0] == '.') return 0;
  const std::string_view name = text.substr(0, end);
  // Triton's, of what it caught: ValueError("type fp8e4nv not supported in this architecture. ...")
  const std::string_view behind = text.substr(end);
  const bool quoted = behind.size() > 3 && behind[0] == '(' && (behind[1] == '"' || behind[1] == '\'');
  if (quoted && behind.ends_with(')') && (name.ends_with("Error") || name.ends_with("Exception"))) return end;
  // Ray: "ray.exceptions.RayTaskError(ValueError): ...".
  if (end < text.size() && text[end] == '(') {
    const std::size_t close = text.find(')', end);
    if (close == std::string_view::npos || close - end > 60 || close == end + 1) return 0;
    end = close + 1;
  }
  if (end < text.size() && !text.substr(end).starts_with(": ") && text.substr(end) != ":") return 0;
  if (after_frames) return end;
  for (const std::string_view suffix : {"Error", "Exception", "Interrupt", "Exit", "Timeout", "Expired"}) {
    if (name.ends_with(suffix)) return end;
  }
  return 0;
}

// "- ImportError: libnvrtc.so.12: cannot open shared object file" is an item of a list in the text of an exception: of
// what was tried and why it failed. "" = no exception stands behind the bullet.
std::string_view ListedException(std::string_view text) {
  std::size_t bullet = 0;
  for (const std::string_view one : {"- ", "* ", "\u2022 "}) {
    if (text.starts_with(one)) bullet = one.size();
  }
  // "1. ", "2) ", "(3) "
  if (bullet == 0) {
    const std::size_t digits = text.starts_with('(') ? 1 : 0;
    const std::size_t end = text.find_first_not_of("0123456789", digits);
    constexpr std::size_t kMaxDigits = 2;
    if (end == std::string_view::npos || end == digits || end - digits > kMaxDigits) return {};
    if (const std::string_view rest = text.substr(end);
        rest.starts_with(") ") || (digits == 0 && rest.starts_with(". ")))
      bullet = end + 2;
  }
  if (bullet == 0) return {};
  const std::string_view item = text.substr(bullet);
  const std::size_t name = ExceptionNameLength(item, false);
  return name > 0 && name + 2 < item.size() ? item : std::string_view();
}

// What native code, compilers, shells and the interpreter itself say when it is over.
bool IsFatalText(std::string_view text) {
  constexpr std::size_t kLongest = 400;  // longer lines quote such texts
  for (const std::string_view start : {"Fatal Python error:",
                                       "Segmentation fault",
                                       "Bus error",
                                       "Aborted",
                                       "Illegal instruction",
                                       "Killed",
                                       "terminate called after throwing",
                                       "what():",
                                       "double free or corruption",
                                       "corrupted size vs. prev_size",
                                       "corrupted double-linked list",
                                       "malloc(): ",
                                       "realloc(): ",
                                       "malloc_consolidate(): ",
                                       "free(): ",
                                       "munmap_chunk",
                                       "Failed: ",
                                       "LLVM ERROR",
                                       "thread '",
                                       "called `Result::unwrap()`",
                                       "Caught signal",
                                       "*** SIG",
                                       "!!!!!!! Segfault",
                                       "mpirun noticed",
                                       "MPI_ABORT was invoked",
                                       "nvcc fatal",
                                       "ptxas fatal",
                                       "ptxas-blackwell fatal",
                                       "ptxas error",
                                       "NVSHMEM ",
                                       "UNAVAILABLE: ",
                                       "FAILED: ",
                                       "Error: ",
                                       "error: ",
                                       "CUDA error",
                                       "Cuda error",
                                       "Cuda failure",
                                       "OpenBLAS blas_thread_init: ",
                                       "CCL_ERROR| ",
                                       "Watchdog timeout (",
                                       "HSA_STATUS_ERROR",
                                       "E: "}) {
    if (text.starts_with(start)) return true;
  }
  // argparse lists every choice.
  const std::size_t usage = text.find(": error: ");
  if (usage != std::string_view::npos && usage < 80) return true;
  // ROCm's runtime writes these without a line end before them, behind whatever stands there.
  for (const std::string_view part :
       {"Memory access fault by GPU ", "HW Exception by GPU ", "Memory critical error by agent "}) {
    if (text.find(part) != std::string_view::npos) return true;
  }
  if (text.size() > kLongest) return false;
  // SGLang's, which names the process that hangs: "Scheduler watchdog timeout (self.watchdog_timeout=300,
  // self.soft=False)". A soft one ends nothing.
  if (text.find(" watchdog timeout (self.") != std::string_view::npos)
    return text.find("self.soft=True") == std::string_view::npos;
  for (const std::string_view part : {"error while loading shared libraries:",
                                      ": command not found",
                                      ": cannot execute",
                                      "can't open file",
                                      ": not found",
                                      ": Permission denied",
                                      ": error: ",
                                      ": fatal error: ",
                                      "ld: cannot find",
                                      "): error",
                                      "Assertion `",
                                      " Assertion failed",
                                      "non-zero status: ",
                                      "init failed for transport",
                                      "Unable to initialize any transports",
                                      "No space left on device",
                                      "UNAVAILABLE: ",
                                      "internal compiler error",
                                      " returned an error = ",
                                      "aborting with error : HSA_STATUS",
                                      "errors detected in the compilation of",
                                      "error detected in the compilation of",
                                      "Error while creating shared memory",
                                      "with exception KVTransferError(",
                                      "died or was killed while executing"}) {
    if (text.find(part) != std::string_view::npos) return true;
  }
  // "/usr/bin/python3: No module named sglang": the interpreter's own complaint; inside other messages it is one of
  // many optional imports.
  const std::size_t at = text.find(": No module named ");
  return at != std::string_view::npos && text.substr(0, at).find(' ') == std::string_view::npos &&
         text.substr(0, at).find("python") != std::string_view::npos;
}

// What engines print at level INFO or WARNING of a failure that follows from it: vLLM without its own code or without a
// GPU, and Ray with too small a /dev/shm.
bool IsEvidence(std::string_view text) {
  if (text.starts_with("Failed to import from vllm._C")) return true;
  return text.find("No platform detected, vLLM is running on UnspecifiedPlatform") != std::string_view::npos ||
         text.find(" 0 active driver(s) found ") != std::string_view::npos ||
         text.find("exceeds memory available in /dev/shm. The request is for ") != std::string_view::npos;
}

// Triton's table of models: "| tensorrt_llm | 1 | UNAVAILABLE: Internal: ... |".
std::string WithoutTable(std::string text) {
  constexpr std::string_view kState = "UNAVAILABLE: ";
  const std::size_t at = text.find(kState);
  if (!text.starts_with('|') || at == std::string::npos) return text;
  text.erase(0, at);
  while (text.ends_with('|') || text.ends_with(' ')) text.pop_back();
  return text;
}

// "./entrypoint.sh: line 48:    27 Killed     python3 -m ...": a shell's, of what it started.
bool IsShellNotice(std::string_view text) {
  constexpr std::string_view kLine = ": line ";
  std::size_t at = text.find(kLine);
  constexpr std::size_t kFarthest = 120;
  if (at == std::string_view::npos || at > kFarthest) return false;
  at = text.find_first_not_of("0123456789: ", at + kLine.size());
  if (at == std::string_view::npos) return false;
  const std::string_view word = text.substr(at);
  return word.starts_with("Killed ") || word.starts_with("Aborted ") || word.starts_with("Segmentation fault ");
}

// "Subprocess scheduler_0 (pid=29389) crashed with exit code -9. ...": SGLang's parent, at level INFO. When a process
// was killed from outside, nothing else tells which.
bool IsCrashNotice(std::string_view text) {
  return text.find(" crashed with exit code ") != std::string_view::npos ||
         text.find(" scheduler is dead.") != std::string_view::npos || IsShellNotice(text);
}

// The string literal of a line of JSON in which `at` stands, without its quotes.
std::string_view JsonStringAround(std::string_view raw, std::size_t at) {
  for (std::size_t open = raw.find('"'); open < at;) {
    std::size_t close = open + 1;
    while (close < raw.size() && raw[close] != '"') close += raw[close] == '\\' ? 2 : 1;
    close = std::min(close, raw.size());
    if (at < close) return raw.substr(open + 1, close - open - 1);
    open = raw.find('"', std::min(close + 1, raw.size()));
  }
  return raw;
}

// Where the line ends begin that a line of a log holds as two characters each, "\n", and how they are written: the more
// quotations around them, the more backslashes. npos = the line quotes no traceback.
struct QuotedLines {
  std::size_t at = std::string_view::npos;
  std::string end_of_line;
};

QuotedLines FindQuotedLines(std::string_view raw) {
  // Ray's begins without a header.
  for (const std::string_view mark : {kTraceback, std::string_view("n  File ")}) {
    const std::size_t found = raw.find(mark);
    if (found == std::string_view::npos) continue;
    const bool header = mark == kTraceback;
    const std::size_t n = header ? raw.find_first_not_of('\\', found + mark.size()) : found;
    if (n == std::string_view::npos || raw[n] != 'n') continue;
    std::size_t begin = n;
    while (begin > 0 && raw[begin - 1] == '\\') --begin;
    constexpr std::size_t kMostSlashes = 8;
    if (begin == n || n - begin > kMostSlashes) continue;
    return {header ? found : begin, std::string(raw.substr(begin, n - begin + 1))};
  }
  return {};
}

// Without what closes the quotation around it: "ValueError: 'x''}" has an odd quote.
void CloseQuotation(std::string& line) {
  std::size_t end = line.size();
  while (end > 0 && (line[end - 1] == '}' || line[end - 1] == ']' || line[end - 1] == ')' || line[end - 1] == ' '))
    --end;
  if (end == 0 || (line[end - 1] != '\'' && line[end - 1] != '"')) return;
  if (std::ranges::count(line, line[end - 1]) % 2 == 1) line.resize(end - 1);
}

// The lines of a traceback that is written in one line: in a member of JSON, in the output of a process that Python
// quotes, in a message of another exception. Empty = the line holds none.
std::vector<std::string> QuotedTraceback(std::string_view raw) {
  constexpr std::size_t kMaxLines = 200;
  std::vector<std::string> lines;
  const auto [at, end_of_line] = FindQuotedLines(raw);
  if (at == std::string_view::npos) return lines;
  std::string_view text = raw.substr(at);
  if (raw.starts_with('{')) {
    const std::string_view literal = JsonStringAround(raw, at);
    text = literal.substr(static_cast<std::size_t>(raw.data() + at - literal.data()));
  } else if (const char quote = at > 0 ? raw[at - 1] : ' '; quote == '\'' || quote == '"') {
    for (std::size_t i = 0; i < text.size(); i += text[i] == '\\' ? 2 : 1) {
      // Inside stand pairs of the same quotes.
      if (text[i] != quote || (i + 1 < text.size() && (text[i + 1] == '\\' || IsNameCharacter(text[i + 1])))) continue;
      text = text.substr(0, i);
      break;
    }
  }
  while (!text.empty() && lines.size() < kMaxLines) {
    const std::size_t end = std::min(text.find(end_of_line), text.size());
    std::string& line = lines.emplace_back();
    for (const char c : text.substr(0, end)) {
      if (c != '\\') line += c;  // of a quote
    }
    text.remove_prefix(std::min(end + end_of_line.size(), text.size()));
  }
  if (!lines.empty()) CloseQuotation(lines.back());
  return lines;
}

// "raised in f (scheduler.py, line 1893)" of a frame, File "/srt/scheduler.py", line 1893, in f; "" = another text.
std::string RaisedIn(std::string_view frame) {
  constexpr std::string_view kFile = "File \"", kLine = "\", line ", kFunction = ", in ";
  const std::size_t line = frame.find(kLine);
  const std::size_t function = frame.find(kFunction, line == std::string_view::npos ? line : line + kLine.size());
  if (!frame.starts_with(kFile) || function == std::string_view::npos) return "";
  std::string_view file = frame.substr(kFile.size(), line - kFile.size());
  file.remove_prefix(file.rfind('/') + 1);
  const std::size_t number = line + kLine.size();
  return "raised in " + std::string(frame.substr(function + kFunction.size())) + " (" + std::string(file) + ", line " +
         std::string(frame.substr(number, function - number)) + ")";
}

// pydantic appends the type and the whole input: nobody reads that.
std::string WithoutPydanticTail(std::string text) {
  const std::size_t at = text.rfind(" [type=");
  if (at != std::string::npos) text.resize(at);
  return text;
}

}  // namespace

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
  for (Writer& writer : writers_) EndCauses(writer);
}

void LogDigest::ForgetErrors() {
  first_errors_.clear();
  later_errors_.clear();
  thread_errors_.clear();
  writers_.clear();
  generating_.clear();
}

// Twice by one engine: the first report may count tokens from before the error, and other engines of a data-parallel
// group go on for a while when one has failed.
void LogDigest::NoteTokens(const LogLine& line) {
  if (first_errors_.empty() && thread_errors_.empty()) return;
  if (SignOf(line.text, false) != EngineSign::kGenerating) return;
  std::string who = line.tag;
  if (line.text.starts_with("Engine ")) who += line.text.substr(0, line.text.find(':'));
  if (std::find(generating_.begin(), generating_.end(), who) != generating_.end()) {
    first_errors_.clear();
    later_errors_.clear();
    thread_errors_.clear();
    generating_.clear();
    return;
  }
  generating_.push_back(std::move(who));
  if (generating_.size() > kMaxGenerating) generating_.pop_front();
}

std::vector<std::string> LogDigest::error_lines() const {
  std::vector<std::string> all = first_errors_;
  all.insert(all.end(), later_errors_.begin(), later_errors_.end());
  for (const std::string& error : thread_errors_) {
    if (all.size() < kMaxErrorLines) all.push_back(error);
  }
  return all;
}

void LogDigest::EndLine(bool rewritten) {
  const std::string raw = std::exchange(partial_, {});
  const LogLine line = ParseLogLine(raw);
  if (line.text.empty()) return;
  if (last_is_progress_ && !last_.empty()) last_.pop_back();
  last_.push_back(CleanText(line.text, kMaxLineBytes));
  if (last_.size() > kMaxLastLines) last_.pop_front();
  last_is_progress_ = rewritten;
  if (rewritten) return;
  const std::vector<std::string> quoted = QuotedTraceback(raw);
  // What quotes a traceback says less than its end; but it may be a member of its own beside the message.
  const bool beside = raw.starts_with('{') && line.text.find(kTraceback) == std::string::npos &&
                      line.text.find("  File ") == std::string::npos;
  if (quoted.empty() || beside) Inspect(line);
  for (const std::string& one : quoted) {
    LogLine part{line.tag, line.level, std::min(one.find_first_not_of(' '), one.size()),
                 CleanText(one, kMaxQuotedText)};
    if (const std::size_t spaces = part.text.find_first_not_of(' '); spaces != std::string::npos)
      part.text.erase(0, spaces);
    if (!part.text.empty()) Inspect(part);
  }
}

// Python draws the exceptions of a group as a tree: "  | ValueError: x", "  +-+---- 1 ----", "    | Traceback (...".
void LogDigest::Inspect(const LogLine& line) {
  Writer& writer = WriterOf(line.tag);
  if (line.text.find("Exception Group " + std::string(kTraceback)) != std::string::npos) {
    writer.in_group = true;
    writer.in_frames = false;
    return;
  }
  if (writer.in_group && line.text.starts_with('+')) return;
  if (!writer.in_group || !line.text.starts_with('|')) {
    writer.in_group = false;
    return InspectText(line);
  }
  LogLine inner = line;
  inner.text.erase(0, 1);
  const std::size_t spaces = std::min(inner.text.find_first_not_of(' '), inner.text.size());
  inner.indent = spaces > 0 ? spaces - 1 : 0;
  inner.text.erase(0, spaces);
  if (!inner.text.empty()) InspectText(inner);
}

LogDigest::Writer& LogDigest::WriterOf(const std::string& tag) {
  for (Writer& writer : writers_) {
    if (writer.tag == tag) return writer;
  }
  if (writers_.size() == kMaxWriters) writers_.pop_front();
  writers_.emplace_back().tag = tag;
  return writers_.back();
}

// "Caused by:" of Rust's anyhow, with "    0: creating primary lease" below it, the deepest cause last; and the line
// behind one that ends with a colon ("Error(s) in loading state_dict for Llama:").
bool LogDigest::CompletesError(Writer& writer, const LogLine& line) {
  // Other lines that belong to the error end its wrapped text.
  const std::size_t wrapped = std::exchange(writer.wrapped, 0);
  // TensorRT-LLM, below "insufficient GPU memory.", without the prefix of that line.
  constexpr std::string_view kComponent = "The following component could not be created: ";
  if (line.text.starts_with(kComponent)) {
    for (Writer& other : writers_) {
      if (other.error.ends_with("insufficient GPU memory.")) ReplaceError(other, other.error + " " + line.text);
    }
    return true;
  }
  // Below it: how much of the GPU was free then.
  for (const std::string_view start :
       {"Total GPU memory (GiB): ", "Free GPU memory before component creation attempt (GiB): "}) {
    if (!line.text.starts_with(start)) continue;
    for (Writer& other : writers_) {
      if (other.error.find(kComponent) != std::string::npos && other.error.find(start) == std::string::npos)
        ReplaceError(other, other.error + "; " + line.text);
    }
    return true;
  }
  if (GoesOn(writer, line, wrapped)) return true;
  if (writer.in_causes) {
    if (line.indent > 0) {
      const std::size_t digits = line.text.find_first_not_of("0123456789");
      const bool numbered = digits != 0 && digits != std::string::npos && line.text.compare(digits, 2, ": ") == 0;
      writer.cause = line.text.substr(numbered ? digits + 2 : 0);
      return true;
    }
    EndCauses(writer);
  }
  if (line.text == "Caused by:" && !writer.error.empty()) {
    writer.in_causes = true;
    return true;
  }
  if (!writer.announces) return false;
  writer.announces = false;
  const bool may_be = line.level == LogLine::Level::kNone || line.level == LogLine::Level::kError;
  if (!may_be || line.text.starts_with("Traceback") || line.text.starts_with("File \"") ||
      ExceptionNameLength(line.text, false) > 0)
    return false;
  ReplaceError(writer, writer.error + " " + line.text);
  return true;
}

// The text of an exception as forums and terminals wrap it: the next lines have no prefix, and go on after a comma or
// in the middle of a sentence.
bool LogDigest::GoesOn(Writer& writer, const LogLine& line, std::size_t last) {
  const std::string& error = writer.error;
  if (last == 0 || error.empty() || !line.tag.empty() || line.level != LogLine::Level::kNone || line.indent > 0)
    return false;
  const auto is = [](char c, auto kind) { return kind(static_cast<unsigned char>(c)) != 0; };
  const bool comma = error.back() == ',';
  constexpr std::size_t kNarrowest = 55, kWidest = 130;
  const bool full = last >= kNarrowest && last <= kWidest && is(error.back(), [](int c) { return std::isalnum(c); });
  const bool small = is(line.text[0], [](int c) { return std::islower(c); });
  const bool other = ExceptionNameLength(line.text, false) > 0 || IsFatalText(line.text) || IsCrashNotice(line.text);
  if ((!comma && !full) || !small || other || line.text.size() > kWidest || line.text.starts_with("File \""))
    return false;
  const std::size_t room = kMaxLineBytes - std::min(error.size() + 1, kMaxLineBytes);
  if (room < line.text.size()) return false;
  ReplaceError(writer, error + " " + line.text);
  writer.wrapped = line.text.size();
  return true;
}

void LogDigest::EndCauses(Writer& writer) {
  constexpr std::size_t kHead = 240;  // the rest of a line is the cause's
  if (writer.in_causes && !writer.cause.empty())
    ReplaceError(writer, CleanText(writer.error, kHead) + "; caused by: " + writer.cause);
  writer.in_causes = false;
  writer.cause.clear();
}

void LogDigest::ReplaceError(Writer& writer, std::string text) {
  text = CleanText(text, kMaxLineBytes);
  const bool known = std::ranges::find(first_errors_, text) != first_errors_.end() ||
                     std::ranges::find(later_errors_, text) != later_errors_.end();
  if (known) {
    std::erase(first_errors_, writer.error);
    std::erase(later_errors_, writer.error);
  } else {
    std::ranges::replace(first_errors_, writer.error, text);
    std::ranges::replace(later_errors_, writer.error, text);
  }
  writer.error = std::move(text);
}

void LogDigest::AddError(Writer& writer, std::string text) {
  text = CleanText(text, kMaxLineBytes);
  if (writer.in_thread) {
    // The process goes on without the thread: what ended it may be in a later line.
    constexpr std::size_t kMaxThreadErrors = 3;
    writer.in_thread = false;
    if (thread_errors_.size() < kMaxThreadErrors) thread_errors_.push_back(std::move(text));
    return;
  }
  generating_.clear();
  writer.error = text;
  writer.announces = text.ends_with(':');
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

void LogDigest::InspectText(const LogLine& line) {
  const std::string& text = line.text;
  Writer& writer = WriterOf(line.tag);
  const bool may_be_error = line.level == LogLine::Level::kNone || line.level == LogLine::Level::kError;

  // pydantic: "N validation errors for X", then per error a field (not indented, absent for the model as a whole) and
  // an indented text. The text is the cause; the first line says nothing.
  if (writer.in_validation) {
    if (text.starts_with("For further information visit")) return;
    if (line.indent > 0) {
      AddError(writer,
               writer.field.empty() ? WithoutPydanticTail(text) : writer.field + ": " + WithoutPydanticTail(text));
      return;
    }
    if (text.find(' ') == std::string::npos && ExceptionNameLength(text, false) == 0) {
      writer.field = text;
      return;
    }
    writer.in_validation = false;
  }

  // torch goes on without a GPU; what needs one then says only that there is none.
  if (const std::size_t at = text.find("CUDA initialization: "); at != std::string::npos && text.find("Warning") < at) {
    AddError(writer, text.substr(at));
    return;
  }

  if (IsEvidence(text)) {
    AddError(writer, text);
    return;
  }

  NoteTokens(line);
  if (CompletesError(writer, line) || !may_be_error) return;
  if (text.starts_with("Exception in thread ")) {
    writer.in_thread = true;
    return;
  }
  // A traceback: its first line, pairs of place and source line, and the exception. The text of another exception may
  // be one: "RuntimeError: Traceback (most recent call last):" says nothing, the end of the inner one does.
  const bool place = text.starts_with("File \"");
  if (place || text.find("Traceback (most recent call last)") != std::string::npos) {
    writer.in_frames = place;
    writer.at_code = place && line.indent == 0;
    // The source line of the frame before is not of this one, whose own may be missing.
    if (place) {
      writer.code.clear();
      writer.place = text;
    }
    if (place || text.starts_with("Traceback") || text.ends_with(kTraceback)) return;
  }
  // journald and others drop the indentation.
  if (writer.in_frames && line.indent == 0) {
    const bool at_code = std::exchange(writer.at_code, false) && ExceptionNameLength(text, false) == 0;
    if (at_code) writer.code = text;
    if (at_code || text.find_first_not_of("^~") == std::string::npos) return;
  }
  // Loggers that print a traceback line by line may indent all of it.
  const bool at_margin = line.indent == 0 || (line.indent < 4 && writer.in_frames);
  const std::size_t name = at_margin ? ExceptionNameLength(text, writer.in_frames) : 0;
  if (at_margin) writer.in_frames = false;
  if (name > 0) {
    const bool validation =
        text.find(" validation error") != std::string::npos && text.substr(0, name).ends_with("ValidationError");
    const bool bare = name + 2 >= text.size();
    if (validation) {
      writer.in_validation = true;
      writer.field.clear();
    }
    // A bare "AssertionError" says nothing, the assertion above it does. Python writes a colon where a text follows:
    // one that begins with a line end is in the next lines.
    if (bare && !writer.code.empty() && !(text.ends_with(':') && writer.code.starts_with("raise "))) {
      AddError(writer, text.substr(0, name) + ": " + writer.code);
    } else if (const std::string raised = RaisedIn(writer.place); bare && writer.code.empty() && !raised.empty()) {
      AddError(writer, text.substr(0, name) + ": " + raised);
    } else {
      AddError(writer, text);
      if (!writer.in_validation && line.tag.empty() && line.level == LogLine::Level::kNone)
        writer.wrapped = text.size();
    }
    writer.code.clear();
    writer.place.clear();
    return;
  }
  if (const std::string_view listed = ListedException(text); !listed.empty() && !writer.error.empty()) {
    AddError(writer, std::string(listed));
    return;
  }
  // A traceback's source line; the line of carets below it is none.
  if (line.indent >= 4 && text.find("NCCL WARN ") == std::string::npos) {
    // From Python 3.13 on a long statement takes several: "...<2 lines>...", and its closing bracket last.
    const bool says_something = text.find_first_not_of("^~ )]},") != std::string::npos && !text.starts_with("...<");
    if (says_something) writer.code = text;
    return;
  }
  if (IsFatalText(text) || IsCrashNotice(text) || line.level == LogLine::Level::kError ||
      base::ContainsIgnoringCase(text, "out of memory")) {
    AddError(writer, WithoutTable(text));
  }
}

}  // namespace autotune::bench
