// Whatever a user sets reaches the command line, in whatever words, order and mapping; seeds make failures repeatable.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

struct Knob {
  std::vector<std::string> spellings;  // without dashes; the first is canonical
  std::vector<std::string> values;
};

const std::vector<Knob>& Knobs(const std::string& engine) {
  static const std::vector<Knob> kVllm = {
      {{"kv-cache-dtype"}, {"auto", "fp8", "fp8_e4m3", "bfloat16"}},
      {{"quantization", "q"}, {"fp8_per_tensor", "fp8_per_channel", "mxfp8"}},
      {{"dtype"}, {"auto", "bfloat16", "float16"}},
      {{"tensor-parallel-size", "tp"}, {"1", "2", "4"}},
      {{"pipeline-parallel-size", "pp"}, {"1", "2"}},
      {{"max-num-seqs"}, {"16", "64"}},
      {{"gpu-memory-utilization"}, {"0.85", "0.9"}},
      {{"block-size"}, {"16", "32"}},
  };
  static const std::vector<Knob> kSglang = {
      {{"kv-cache-dtype"}, {"auto", "fp8_e4m3", "fp8_e5m2"}},
      {{"quantization"}, {"fp8", "auto-round-int8"}},
      {{"dtype"}, {"auto", "bfloat16", "float16"}},
      {{"tp-size", "tensor-parallel-size", "tp"}, {"1", "2", "4"}},
      {{"pp-size", "pipeline-parallel-size", "pp"}, {"1", "2"}},
      {{"max-running-requests"}, {"16", "64"}},
      {{"mem-fraction-static", "mem-frac"}, {"0.85", "0.9"}},
  };
  return engine == "vllm" ? kVllm : kSglang;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t Below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(engine_); }
  bool Coin() { return Below(2) == 0; }
  template <typename List>
  const auto& Of(const List& list) {
    return list[Below(list.size())];
  }
  std::string Spell(std::string name) {
    if (Coin()) std::ranges::replace(name, '-', '_');
    return std::string(Below(3), '-') + name;
  }
  QuantConfig Quant() {
    QuantConfig quant;
    for (const Field field : kFields) quant.Set(field, std::string(Of(AllowedValues(field))));
    return quant;
  }

 private:
  std::mt19937 engine_;
};

class Merge : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(Merge, GivesTheUserTheLastWordUnderEverySpelling) {
  const auto& [engine, version] = GetParam();
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    LaunchRequest request = Request(engine, version, random.Coin() ? Dense() : Moe());
    request.quant = random.Quant();
    std::map<std::string, std::string> asked;  // canonical -> value, "" = unset
    for (const Knob& knob : Knobs(engine)) {
      if (random.Coin()) continue;
      const std::string spelling = random.Spell(random.Of(knob.spellings));
      if (random.Below(5) == 0) {
        request.parameters[spelling] = FlagValue::Unset();
        asked[knob.spellings.front()] = "";
      } else {
        const std::string value = random.Of(knob.values);
        request.parameters[spelling] = FlagValue::Text(value);
        asked[knob.spellings.front()] = value;
      }
    }
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    for (const auto& [name, value] : asked) {
      const auto count = std::ranges::count(plan.args, "--" + name);
      if (value.empty()) {
        EXPECT_EQ(count, 0) << name << " in " << Line(plan);
        continue;
      }
      ASSERT_EQ(count, 1) << name << " in " << Line(plan);
      const auto flag = std::ranges::find(plan.args, "--" + name);
      EXPECT_EQ(*(flag + 1), value) << name << " in " << Line(plan);
    }
    // What was replaced is recorded, and only that.
    for (const Override& replaced : plan.overrides) {
      ASSERT_TRUE(asked.contains(replaced.flag)) << replaced.flag;
      EXPECT_EQ(replaced.user, asked[replaced.flag].empty() ? "(unset)" : asked[replaced.flag]);
      EXPECT_NE(replaced.mapped, replaced.user);
    }
  }
}

TEST_P(Merge, GivesEqualSettingsEqualArguments) {
  const auto& [engine, version] = GetParam();
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    LaunchRequest one = Request(engine, version, Moe());
    one.quant = random.Quant();
    LaunchRequest other = one;
    for (const Knob& knob : Knobs(engine)) {
      if (random.Coin()) continue;
      const FlagValue value = FlagValue::Text(random.Of(knob.values));
      one.parameters[random.Spell(random.Of(knob.spellings))] = value;
      other.parameters[random.Spell(random.Of(knob.spellings))] = value;
    }
    EXPECT_EQ(Line(PlanLaunch(Rules(), one)), Line(PlanLaunch(Rules(), other)));
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Merge,
                         testing::Values(std::pair("vllm", "0.24.0"), std::pair("vllm", "0.33.0"),
                                         std::pair("sglang", "0.5.15"), std::pair("sglang", "0.5.23")),
                         [](const auto& parameter) {
                           std::string name = parameter.param.first + "_" + parameter.param.second;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace autotune::quant
