// Settings of experiments by name: how they are read, named and shown. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::report {

// Values by name. Settings without an entry are not set.
using Settings = std::map<std::string, std::string>;
// Returns "" if the setting is not set.
std::string ValueOf(const Settings& settings, const std::string& name);

// The engine of one experiment, with its release and GPU. If the spec no longer has the runtime, its flags are not
// interpreted.
class EngineSettings {
 public:
  // REQUIRES: the arguments outlive this object.
  EngineSettings(const api::AutotuneTask& task, const api::ExperimentStatus& experiment, const quant::RuleSet& rules);

  // Every setting of the experiment: flags by the release's names, values of options by their path, environment
  // variables, checkpoint, type and number of GPUs, runtime, preset.
  [[nodiscard]] Settings All() const;
  // The server's environment, in display order: image, release of the engine, CPU and memory of its container.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Surroundings() const;
  // Name in All() for a task's parameter: "max-num-seqs" for "max_num_seqs".
  [[nodiscard]] std::string NameOf(const std::string& parameter) const;
  // The value, or the engine's own value for an unset flag; "" = not known. `setting`: a name from All().
  [[nodiscard]] std::string Used(const std::string& setting, const std::string& value) const;
  // The value for people. For an unset flag "engine's default: 1024", or "engine's default" if it is not known; for
  // other unset settings "(not set)".
  [[nodiscard]] std::string Shown(const std::string& setting, const std::string& value) const;
  // The arguments without flags whose value equals the engine's default.
  [[nodiscard]] std::vector<std::string> WithoutDefaults(const std::vector<std::string>& arguments) const;
  // True for the flag that limits the requests of a batch.
  [[nodiscard]] bool LimitsBatch(const std::string& setting) const;

 private:
  const api::ExperimentStatus& experiment_;
  const quant::RuleSet& rules_;
  std::optional<quant::EngineRelease> release_;
  const quant::EngineTable* table_ = nullptr;
  std::string product_;
  std::int64_t memory_bytes_ = 0;
  std::string image_;
  nlohmann::json resources_;  // RuntimeSpec::resources
};

}  // namespace autotune::report
