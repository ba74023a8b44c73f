// metav1.Condition and rules for setting it (kstatus: Ready always; Reconciling and Stalled only while true). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::api {

struct Condition {
  std::string type;
  std::string status;  // "True" "False" "Unknown"
  std::string reason;  // CamelCase, never empty
  std::string message;
  std::int64_t observed_generation = 0;
  std::string last_transition_time;
  bool operator==(const Condition&) const = default;
};

// Returns null if there is no condition of this type.
const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type);
// Adds the condition or replaces the one of its type. last_transition_time becomes `now` only if the status changes.
void SetCondition(std::vector<Condition>& conditions, Condition condition, const std::string& now);
void RemoveCondition(std::vector<Condition>& conditions, std::string_view type);

}  // namespace autotune::api
