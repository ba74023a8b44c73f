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

// Values by name. What has no entry is not set.
using Settings = std::map<std::string, std::string>;
// "" = not set.
std::string ValueOf(const Settings& settings, const std::string& name);

// The engine of one experiment, with its release and GPU. If the spec no longer has the runtime, nothing is known of
// its flags.
class EngineSettings {
 public:
  // The arguments must outlive it.
  EngineSettings(const api::AutotuneTask& task, const api::ExperimentStatus& experiment, const quant::RuleSet& rules);

  // Every setting of the experiment: flags by the release's names, values of options by their path, environment
  // variables, checkpoint, type and number of GPUs, runtime, preset.
  [[nodiscard]] Settings All() const;
  // What its server runs in, in the order for people: image, release of the engine, CPU and memory of its container.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Surroundings() const;
  // A task's parameter by the name that All() has for it: "max-num-seqs" for "max_num_seqs".
  [[nodiscard]] std::string NameOf(const std::string& parameter) const;
  // The value, or what the engine uses for a flag that is not set; "" = not known. `setting`: a name of All().
  [[nodiscard]] std::string Used(const std::string& setting, const std::string& value) const;
  // The value. Of a flag that is not set "engine's default: 1024", or "engine's default" if it is not known; of
  // anything else "(not set)".
  [[nodiscard]] std::string Shown(const std::string& setting, const std::string& value) const;
  // The arguments without flags that are set to what the engine uses anyway.
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
