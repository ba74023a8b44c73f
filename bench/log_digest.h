// Digest of an engine's log in bounded memory: the lines that may be the root cause, and the last lines.
//
// Engines print the cause of their end hundreds of lines before the last one, several processes write at once, and a
// start can log megabytes. Recognises error lines (Python, argparse, click, native code); root_cause.h interprets them.
// Not thread-safe; owned by the launcher. Uses only the C++ library.
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
  // Call when the engine is ready: earlier errors were not fatal.
  void ForgetErrors();

  // In order of appearance, without repetitions: the first 30 and the last 10, then those that ended single threads if
  // there is room. Errors before the latest generated tokens are removed: they were not fatal.
  [[nodiscard]] std::vector<std::string> error_lines() const;
  // A progress bar that rewrites its line counts as one line.
  [[nodiscard]] std::vector<std::string> last_lines() const { return {last_.begin(), last_.end()}; }

 private:
  // State of one process' output for messages of several lines.
  struct Writer {
    std::string tag;
    std::string code;            // the last source line of a traceback, of its last frame
    std::string place;           // that frame: File "x.py", line 7, in f
    bool in_frames = false;      // the last line was one of a traceback's frames
    bool at_code = false;        // the same without indentation (a log forwarder removed it): its source line is next
    bool in_group = false;       // inside of an exception group, which is drawn as a tree
    bool in_validation = false;  // inside pydantic's "N validation errors for X"
    std::string field;           // its current field
    std::string error;           // the last error line
    bool announces = false;      // that line ends with a colon: the next line completes it
    std::size_t wrapped = 0;     // length of that error's last line, if it was the previous line; else 0
    bool in_causes = false;      // inside Rust's "Caused by:"
    bool in_thread = false;      // the next exception ended only a thread, not the process
    std::string cause;           // the deepest cause so far
  };

  void EndLine(bool rewritten);
  void Inspect(const LogLine& line);
  void InspectText(const LogLine& line);
  void AddError(Writer& writer, std::string text);
  // Lines that complete the last error of a process; true if the line is one.
  bool CompletesError(Writer& writer, const LogLine& line);
  // `last`: length of the previous line if it held the text of an exception; else 0.
  bool GoesOn(Writer& writer, const LogLine& line, std::size_t last);
  void EndCauses(Writer& writer);
  void ReplaceError(Writer& writer, std::string text);
  void NoteTokens(const LogLine& line);
  Writer& WriterOf(const std::string& tag);

  std::string partial_;
  bool after_return_ = false;      // the last byte was '\r'; followed by '\n' it is an ordinary line end
  bool last_is_progress_ = false;  // the last entry of last_ may be replaced
  std::deque<std::string> last_;
  std::vector<std::string> first_errors_;
  std::deque<std::string> later_errors_;
  std::vector<std::string> thread_errors_;  // errors that ended only a thread; listed after all others
  std::deque<Writer> writers_;
  // Processes that reported generated tokens since the last error line. The second report of one drops the errors.
  std::deque<std::string> generating_;
};

}  // namespace autotune::bench
