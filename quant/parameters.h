// A user's engine parameters in the form of the release: one canonical name per flag and one canonical form per value.
//
// Pure. Accepts every form that the release accepts (aliases, "_" for "-", leading dashes, "no-x", dotted keys); what
// the release would reject is a rejection here, before any pod exists. Internal to quant/.
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
  std::string member;    // not empty: the value belongs to this member of the flag's JSON map ("mode", "a.b")
  FlagValue value;       // checked, canonical; kUnset removes the flag
  std::string spelling;  // as the user wrote it
};

struct Parameters {
  std::vector<Parameter> list;  // each name and member once
  std::vector<Warning> warnings;
  std::optional<Rejection> rejection;
};

Parameters ReadParameters(const EngineTable& table, const EngineRelease& release,
                          const std::map<std::string, FlagValue>& parameters);

// "vLLM 0.24.0", as messages name a release.
std::string Title(const EngineTable& table, const EngineRelease& release);

}  // namespace autotune::quant
