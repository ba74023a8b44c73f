// The rules that ship, read once a program: what a test plans with is what a task gets.
#pragma once

#include <gtest/gtest.h>

#include "base/result.h"
#include "quant/rules.h"

namespace autotune::quant::testing {

inline const RuleSet& Rules() {
  static const base::Result<RuleSet> rules = RuleSet::BuiltIn();
  EXPECT_TRUE(rules.ok()) << rules.error().message;
  return *rules;
}

}  // namespace autotune::quant::testing
