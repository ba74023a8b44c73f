// A user's engine parameters in the release's form: one canonical name per flag and one canonical form per value.
//
// Pure. Accepts all forms that the release accepts (aliases, "_" for "-", leading dashes, "no-x", dotted keys). What
// the release would reject is a rejection here, before a pod exists. Internal to quant/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quant/engine_table.h"

namespace autotune::quant {

struct Parameter {
  FlagUse use;
  std::string name;      // canonical; a dotted path for options of the options file
  std::string member;    // not empty: the value is for this member of the flag's JSON map ("mode", "a.b")
  FlagValue value;       // checked, canonical; kUnset removes the flag
  std::string spelling;  // as the user wrote it
};

struct Parameters {
  std::vector<Parameter> list;  // each name and member occurs once
  std::vector<Warning> warnings;
  std::optional<Rejection> rejection;
};

Parameters ReadParameters(const EngineTable& table, const EngineRelease& release,
                          const std::map<std::string, FlagValue>& parameters);

// Name of a release in messages: "vLLM 0.24.0".
std::string Title(const EngineTable& table, const EngineRelease& release);

}  // namespace autotune::quant
