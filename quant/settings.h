// The flags of one launch while it is planned, and the resulting command line. Internal to quant/.
//
// The origin of each flag is recorded: user settings take precedence over mapped ones, and every mapped value they
// replace is recorded as an Override. Owned by one PlanLaunch call; not shared between threads.
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
  std::optional<Field> field;  // set by the mapping of this field
  std::string spelling;        // set by the user, in these words; empty = by the mapping or by parallel sizes

  [[nodiscard]] bool by_user() const { return !spelling.empty(); }
};

class Settings {
 public:
  Settings(const EngineTable& table, const Version& version) : table_(table), version_(version) {}

  // The user's parameters come first, so conditions of the mapping see the final values.
  void AddUser(const Parameters& parameters);
  // Sets a flag unless the user did; then the difference is recorded. False when the release does not have the flag.
  bool Map(const std::string& name, const FlagValue& value, std::optional<Field> field);
  // Members that the user put into maps ("compilation-config.mode"), once the mapping's own maps are there.
  void AddUserMembers(const Parameters& parameters);

  // Null when not set or unset by the user.
  [[nodiscard]] const Setting* Find(const std::string& name) const;
  // The text of a flag or of a member of its map ("quantization-config.moe"); nullopt if not set.
  [[nodiscard]] std::optional<std::string> Text(const std::string& name) const;
  [[nodiscard]] const std::vector<Override>& overrides() const { return overrides_; }

  // Gives the flag this value, whoever set it.
  void Replace(const std::string& name, const FlagValue& value);
  void Remove(const std::string& name);
  [[nodiscard]] Settings Without(const std::vector<std::string>& names) const;

  // In the table's order, then by name: equal settings give equal arguments.
  [[nodiscard]] std::vector<std::string> Arguments() const;
  // The options file; empty when no option is set.
  [[nodiscard]] std::string OptionsYaml() const;

 private:
  [[nodiscard]] std::vector<const std::pair<const std::string, Setting>*> Ordered() const;

  const EngineTable& table_;
  Version version_;
  std::map<std::string, Setting> settings_;
  std::vector<Override> overrides_;
};

}  // namespace autotune::quant
