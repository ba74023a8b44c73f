// Live progress of a task: changes between two statuses, as lines for people.
//
// ProgressLines, LiveLines and StillText are pure. ProgressView prints them: on a terminal the lines scroll above a few
// live lines; elsewhere there is one line per event, and one after 30 s without an event.
#pragma once

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "operator/api/autotune_task.h"

namespace autotune::cli {

// One line per change between two statuses of the task.
std::vector<std::string> ProgressLines(const api::TaskStatus& before, const api::AutotuneTask& now);

// Expected remaining time. `at_most`: upper end of the search's 80 % interval; otherwise the average duration of
// finished experiments times the number of the remaining ones.
struct TimeLeft {
  double seconds = 0;
  bool at_most = false;
};
// Returns nullopt before the first experiment has ended, and after the task has ended.
std::optional<TimeLeft> TimeLeftOf(const api::AutotuneTask& task, base::WallTime time);

// "3 of 5-9 experiments, 4m12s, at most 11m left, 0.21 GPU-hours".
std::string HowFar(const api::AutotuneTask& task, base::WallTime started, base::WallTime time);
// "best so far: e2-bbbbbb default 1560.2 tok/s per GPU (+41.3%)"; "" without a best experiment.
std::string LeaderText(const api::AutotuneTask& task);

// For a log in which nothing has happened for a while: "still: e1-aaaaaa measuring 1m30s; 0 of 3 experiments, 1m35s".
std::string StillText(const api::AutotuneTask& task, base::WallTime started, base::WallTime time);

// The running experiments and the progress of the task, in lines of at most `width` characters. `started`: start of the
// task, if the status has none.
std::vector<std::string> LiveLines(const api::AutotuneTask& now, base::WallTime started, base::WallTime time,
                                   std::size_t width);

class ProgressView {
 public:
  // `terminal`: live lines are drawn with escape sequences.
  ProgressView(std::FILE* out, bool terminal, std::size_t width, base::Clock& clock);
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void Show(const api::AutotuneTask& task);
  // Call after some seconds: redraws the live lines, or prints what is running.
  void Tick();
  // Removes the live lines and stops drawing.
  void Finish();
  // Prints a line about something else than the task: "stopping ...".
  void Say(const std::string& line);

 private:
  void Clear() REQUIRES(mutex_);
  void Print(const std::vector<std::string>& lines) REQUIRES(mutex_);
  void Draw() REQUIRES(mutex_);

  std::FILE* const out_;
  const bool terminal_;
  const std::size_t width_;
  base::Clock& clock_;
  const base::WallTime started_;
  base::Mutex mutex_;
  api::AutotuneTask last_ GUARDED_BY(mutex_);
  base::WallTime printed_ GUARDED_BY(mutex_);
  bool live_ GUARDED_BY(mutex_) = false;
  std::size_t drawn_ GUARDED_BY(mutex_) = 0;
};

}  // namespace autotune::cli
