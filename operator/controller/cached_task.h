// CachedTask: a task in the cache. A finished task takes about a kilobyte, regardless of its measurements.
//
// Immutable, safe to share. A finished task changes only with its spec, and then the watch delivers the whole object
// again. Until then the operator only deletes its pods or the task, and counts it in the metrics.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/packed_texts.h"
#include "base/result.h"
#include "operator/reconcile/observed_task.h"

namespace autotune::controller {

class CachedTask {
 public:
  // Fails under the same conditions as reconcile::ObserveTask.
  static base::Result<CachedTask> FromJson(const nlohmann::json& object);
  // The same from JSON text. Measurements of a finished task are not parsed, so a task of a newer operator counts as
  // finished even if they could not be read. Throws nlohmann's exceptions.
  static base::Result<CachedTask> FromText(std::string_view object);

  // True if the task has ended for its current spec, and nothing remains to be written.
  [[nodiscard]] bool settled() const { return whole_ == nullptr; }
  // status.state of a settled task.
  [[nodiscard]] std::string state() const { return Text(kState); }
  // Fields for a list of tasks.
  struct Summary {
    std::string progress, best, score, gain, gpu_hours;
  };
  [[nodiscard]] Summary summary() const;
  // The task. If settled(): only metadata, state, and the fields that decide how long the task and its pods are kept;
  // its status must not be written.
  [[nodiscard]] std::shared_ptr<const reconcile::ObservedTask> Observed() const;

 private:
  // Fields of an experiment that decide whether its pod is kept.
  struct Experiment {
    std::uint32_t hash_high = 0, hash_low = 0;  // two numbers, because the alignment of one would take more memory
    std::uint16_t attempts = 0;
    std::uint8_t state = 0;  // an api::ExperimentState
  };
  enum TextOf {
    kName,
    kNamespace,
    kUid,
    kVersion,
    kCreated,
    kState,
    kFinished,
    kProgress,
    kBest,
    kScore,
    kGain,
    kGpuHours,
    kTexts
  };
  [[nodiscard]] std::string Text(TextOf text) const { return std::string(texts_[text]); }

  std::shared_ptr<const reconcile::ObservedTask> whole_;  // null = settled
  base::PackedTexts<kTexts> texts_;
  std::int64_t generation_ = 0;
  api::KeepPods keep_pods_ = api::KeepPods::kOnFailure;
  api::RetentionSpec retention_;
  std::vector<Experiment> experiments_;
};

}  // namespace autotune::controller
