// A user's engine parameters as the release understands them: one canonical name a flag, one canonical form a value.
//
// Pure. Every spelling that the release accepts is understood (aliases, "_" for "-", dashes at the front, "no-x",
// dotted keys); what the release would refuse is a rejection here, before any pod exists. Internal to quant/.
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
