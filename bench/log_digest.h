// Digest of an engine's log in bounded memory: the lines that may be the root cause, and the last lines.
//
// Engines print the cause of their end hundreds of lines before the last one, several processes write at once, and a
// start can log megabytes. Recognises error lines (Python, argparse, click, native code); their meaning is in
// root_cause.h. Not thread-safe; owned by the launcher. Needs nothing but the C++ library.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/log_line.h"

namespace autotune::bench {

class LogDigest {
 public:
  static constexpr std::size_t kMaxErrorLines = 40;
  static constexpr std::size_t kMaxLastLines = 20;
  static constexpr std::size_t kMaxLineBytes = 500;

  // Takes the log in pieces of any size.
  void Append(std::string_view bytes);
  // Ends an unfinished last line.
  void Finish();
  // The engine is ready: earlier errors were not fatal.
  void ForgetErrors();

  // In order of appearance, each once: the first thirty and the last ten, then those of single threads if there is
  // room. Errors before the latest generated tokens are removed: they were not fatal.
  [[nodiscard]] std::vector<std::string> error_lines() const;
  // A progress bar that rewrites its line counts as one line.
  [[nodiscard]] std::vector<std::string> last_lines() const { return {last_.begin(), last_.end()}; }

 private:
  // State of one process' output for messages of several lines.
  struct Writer {
    std::string tag;
    std::string code;            // the last source line of a traceback
    bool in_frames = false;      // the last line was one of a traceback's frames
    bool at_code = false;        // ... that a forwarder took the indentation from: its source line is next
    bool in_group = false;       // inside of an exception group, which is drawn as a tree
    bool in_validation = false;  // inside pydantic's "N validation errors for X"
    std::string field;           // its current field
    std::string error;           // the last error line
    bool announces = false;      // ... which ends with a colon: the next line is what it announces
    std::size_t wrapped = 0;     // the length of the last line of that error, if the line before was it; else 0
    bool in_causes = false;      // inside of Rust's "Caused by:"
    bool in_thread = false;      // the next exception ended a thread of its own, not the process
    std::string cause;           // the deepest so far
  };

  void EndLine(bool rewritten);
  void Inspect(const LogLine& line);
  void InspectText(const LogLine& line);
  void AddError(Writer& writer, std::string text);
  // Lines that complete the last error of a process; true if the line is one.
  bool CompletesError(Writer& writer, const LogLine& line);
  // `last`: the length of the line before, if the text of an exception stood there; else 0.
  bool GoesOn(Writer& writer, const LogLine& line, std::size_t last);
  void EndCauses(Writer& writer);
  void ReplaceError(Writer& writer, std::string text);
  void NoteTokens(const LogLine& line);
  Writer& WriterOf(const std::string& tag);

  std::string partial_;
  bool after_return_ = false;      // a '\r' was seen: with a '\n' next it is an ordinary line end
  bool last_is_progress_ = false;  // the newest of last_ may be replaced
  std::deque<std::string> last_;
  std::vector<std::string> first_errors_;
  std::deque<std::string> later_errors_;
  std::vector<std::string> thread_errors_;  // what ended a single thread: after all others, whenever it came
  std::deque<Writer> writers_;
  // Who reported generated tokens since the last error line; a second report of one of them ends what was before.
  std::deque<std::string> generating_;
};

}  // namespace autotune::bench
