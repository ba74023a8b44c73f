// RuleSource: the active compatibility tables: built in, or from a mounted directory that may change while the operator
// runs.
//
// Thread-safe. Level-triggered, without a thread: Current() checks the directory at most every ten seconds and loads
// changed files. An invalid directory is logged once, and the built-in tables are used; RuleSet::refusal() has the
// reason for the tasks' warnings and the metrics. The active tables depend only on the directory's current contents, so
// a restart changes nothing.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "quant/rules.h"

namespace autotune::controller {

class RuleSource {
 public:
  // Empty `directory`: always the built-in tables. Fails only if these are defective. The clock is borrowed.
  static base::Result<std::unique_ptr<RuleSource>> Open(std::filesystem::path directory, base::Clock& clock);

  // Never null; stays valid as long as the caller keeps it.
  [[nodiscard]] std::shared_ptr<const quant::RuleSet> Current();

 private:
  RuleSource(std::filesystem::path directory, base::Clock& clock) : directory_(std::move(directory)), clock_(clock) {}
  base::Status Start();
  base::Status Load() REQUIRES(mutex_);

  const std::filesystem::path directory_;
  base::Clock& clock_;
  base::Mutex mutex_;
  std::shared_ptr<const quant::RuleSet> rules_ GUARDED_BY(mutex_);
  std::string seen_ GUARDED_BY(mutex_);  // names and contents of the files that rules_ was loaded from
  base::TimePoint looked_at_ GUARDED_BY(mutex_){};
};

}  // namespace autotune::controller
