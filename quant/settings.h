// The flags of one launch during planning, and the resulting command line. Internal to quant/.
//
// The origin of each flag is recorded: user settings take precedence over generated ones, and each replaced value is
// recorded as an Override. Owned by one PlanLaunch call; not shared between threads.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quant/engine_table.h"
#include "quant/parameters.h"

namespace autotune::quant {

struct Setting {
  FlagUse use;
  FlagValue value;
  std::optional<Field> field;  // field that generated it
  std::string spelling;        // name as the user wrote it; empty = generated, or from parallel sizes

  [[nodiscard]] bool by_user() const { return !spelling.empty(); }
};

class Settings {
 public:
  Settings(const EngineTable& table, const Version& version) : table_(table), version_(version) {}

  // Call first, so that conditions of generated flags see the final values.
  void AddUser(const Parameters& parameters);
  // Sets a flag unless the user did, and records the difference. False if the release does not have the flag.
  bool Map(const std::string& name, const FlagValue& value, std::optional<Field> field);
  // Adds members that the user set in maps ("compilation-config.mode"), after the generated maps.
  void AddUserMembers(const Parameters& parameters);

  // Null if the flag is not set, or unset by the user.
  [[nodiscard]] const Setting* Find(const std::string& name) const;
  // The text of a flag or of a member of its map ("quantization-config.moe"); nullopt if not set.
  [[nodiscard]] std::optional<std::string> Text(const std::string& name) const;
  [[nodiscard]] const std::vector<Override>& overrides() const { return overrides_; }

  // Sets the flag to this value, even if the user set it.
  void Replace(const std::string& name, const FlagValue& value);
  void Remove(const std::string& name);
  [[nodiscard]] Settings Without(const std::vector<std::string>& names) const;

  // In the table's order, then by name: equal settings give equal arguments.
  [[nodiscard]] std::vector<std::string> Arguments() const;
  // Contents of the options file; empty if no option is set.
  [[nodiscard]] std::string OptionsYaml() const;

 private:
  [[nodiscard]] std::vector<const std::pair<const std::string, Setting>*> Ordered() const;

  const EngineTable& table_;
  Version version_;
  std::map<std::string, Setting> settings_;
  std::vector<Override> overrides_;
};

}  // namespace autotune::quant
