// Whatever a user sets reaches the command line, in whatever words, order and mapping; seeds make failures repeatable.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
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
      {{"attention-backend", "attention-config.backend", "ac.backend"}, {"auto", "FLASHINFER", "TRITON_ATTN"}},
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
  // On the command line; what goes to the options file has a test of its own.
  static const std::vector<Knob> kTensorRt = {
      {{"tp_size", "tensor_parallel_size", "tp"}, {"1", "2", "4"}},
      {{"pp_size", "pipeline_parallel_size", "pp"}, {"1", "2"}},
      {{"ep_size", "moe_expert_parallel_size"}, {"1", "2"}},
      {{"max_batch_size"}, {"16", "64"}},
      {{"max_num_tokens"}, {"2048", "8192"}},
      {{"max_seq_len"}, {"4096"}},
  };
  return engine == "vllm" ? kVllm : engine == "sglang" ? kSglang : kTensorRt;
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
  // Dashes or underscores up to a dot, and any number of dashes before.
  std::string Spell(std::string name) {
    const char from = name.find('_') == std::string::npos ? '-' : '_';
    const auto end = name.begin() + static_cast<std::ptrdiff_t>(std::min(name.find('.'), name.size()));
    if (Coin()) std::replace(name.begin(), end, from, from == '-' ? '_' : '-');
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

class Merge : public testing::TestWithParam<std::pair<std::string, std::string>> {
 protected:
  // Whether the release knows the value at all.
  [[nodiscard]] static bool Takes(const std::string& flag, const std::string& value) {
    LaunchRequest request = Request(GetParam().first, GetParam().second);
    request.parameters = {{flag, FlagValue::Text(value)}};
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    return !plan.rejection || plan.rejection->reason != "InvalidFlagValue";
  }
};

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
        if (!Takes(knob.spellings.front(), value)) continue;
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
      if (!Takes(knob.spellings.front(), value.text)) continue;
      one.parameters[random.Spell(random.Of(knob.spellings))] = value;
      other.parameters[random.Spell(random.Of(knob.spellings))] = value;
    }
    EXPECT_EQ(Line(PlanLaunch(Rules(), one)), Line(PlanLaunch(Rules(), other)));
  }
}

// A switch has one meaning, whichever of its two forms says it and whatever the release calls the off form.
TEST_P(Merge, GivesSwitchesOneMeaningUnderEveryForm) {
  const auto& [engine, version] = GetParam();
  const std::vector<std::string> vllm = {"enable-chunked-prefill", "enable-prefix-caching", "async-scheduling"};
  const std::vector<std::string> sglang = {"enable-mixed-chunk", "disable-radix-cache"};
  const std::vector<std::string> tensorrt = {"enable_chunked_prefill", "trust_remote_code"};
  for (const std::string& name : engine == "vllm" ? vllm : engine == "sglang" ? sglang : tensorrt) {
    for (const bool on : {true, false}) {
      LaunchRequest request = Request(engine, version);
      request.parameters = {{name, FlagValue::Bool(on)}};
      const std::string line = Line(PlanLaunch(Rules(), request));
      std::vector<std::pair<std::string, bool>> forms = {{"--" + name, on}};
      std::string other = name;
      std::ranges::replace(other, '-', '_');
      forms.emplace_back(other, on);
      if (engine == "vllm") {
        forms.emplace_back("no-" + name, !on);
        forms.emplace_back("--no_" + other, !on);
      }
      if (engine == "vllm" && version == "0.33.0" && name.starts_with("enable-"))
        forms.emplace_back("disable-" + name.substr(7), !on);
      for (const auto& [spelling, value] : forms) {
        request.parameters = {{spelling, FlagValue::Bool(value)}};
        EXPECT_EQ(Line(PlanLaunch(Rules(), request)), line) << spelling << " " << value;
        request.parameters = {{spelling, FlagValue::Text(value ? "true" : "false")}};
        EXPECT_EQ(Line(PlanLaunch(Rules(), request)), line) << spelling << " " << value;
      }
      // Leaving a switch out is another thing than switching it off, where the release can tell them apart.
      if (engine == "vllm") {
        EXPECT_NE(line, "") << name;
      }
      request.parameters = {{name, FlagValue::Bool(on)}, {"--" + other, FlagValue::Bool(!on)}};
      if (other != name) {
        const LaunchPlan plan = PlanLaunch(Rules(), request);
        EXPECT_EQ(plan.rejection ? plan.rejection->reason : "", "DuplicateParameter") << name;
      }
    }
  }
}

// Members of a map are flags of their own: given one by one, in one map, or both, they are the same setting, and they
// win over the members that the mapping sets.
TEST_P(Merge, GivesMembersOfMapsTheLastWord) {
  const auto& [engine, version] = GetParam();
  if (engine == "sglang") return;  // its JSON flags are not set by any mapping
  const std::string map = engine == "vllm" ? "compilation-config" : "kv_cache_config";
  const std::vector<Knob> members =
      engine == "vllm" ? std::vector<Knob>{{{"mode"}, {"0", "3"}}, {{"max_cudagraph_capture_size"}, {"64", "128"}}}
                       : std::vector<Knob>{{{"dtype"}, {"auto", "fp8"}},
                                           {{"tokens_per_block"}, {"32", "64"}},
                                           {{"enable_block_reuse"}, {"true", "false"}}};
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    LaunchRequest dotted = Request(engine, version, Moe());
    dotted.quant = random.Quant();
    LaunchRequest whole = dotted;
    nlohmann::json object = nlohmann::json::object();
    for (const Knob& member : members) {
      if (random.Coin()) continue;
      const std::string value = random.Of(member.values);
      dotted.parameters[random.Spell(map + "." + member.spellings[0])] = Values({{"x", value}}).at("x");
      object[member.spellings[0]] = Values({{"x", value}}).at("x").ToJson();
    }
    if (object.empty()) continue;
    whole.parameters[random.Spell(map)] = *FlagValue::FromJson(object, "x");
    const LaunchPlan plan = PlanLaunch(Rules(), dotted);
    EXPECT_EQ(Line(plan), Line(PlanLaunch(Rules(), whole)));
    for (const auto& [name, value] : object.items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      const std::string wanted = engine == "vllm" ? "\"" + name + "\":" + text : name + ": " + text;
      EXPECT_NE(Line(plan).find(wanted), std::string::npos) << wanted << " in " << Line(plan);
    }
  }
}

// The mapping's own map keeps the members that the user does not name, and loses those that the user unsets.
TEST(MergeMaps, KeepTheMappingsMembersUnlessUnset) {
  LaunchRequest request = Request("vllm", "0.24.0", Moe());
  request.quant = QuantConfig{"x", "fp8", "auto", "auto", "int8"};
  const auto line = [&](const std::string& name, const FlagValue& value) {
    request.parameters = {{name, value}};
    return Line(PlanLaunch(Rules(), request));
  };
  EXPECT_EQ(line("quantization-config.ignore", *FlagValue::FromJson(nlohmann::json{"lm_head"}, "x")),
            R"(--quantization online --quantization-config )"
            R"({"ignore":["lm_head"],"linear":"fp8_per_tensor","moe":"int8_per_channel_weight_only"})");
  EXPECT_EQ(line("--quantization_config.moe", FlagValue::Unset()),
            R"(--quantization online --quantization-config {"linear":"fp8_per_tensor"})");
  EXPECT_EQ(line("quantization-config", FlagValue::Unset()), "--quantization online");
  request = Request("tensorrt-llm", "1.2.0");
  request.quant = QuantConfig{"x", "bfloat16", "fp8", "auto", "auto"};
  EXPECT_EQ(line("kv_cache_config.tokens_per_block", FlagValue::Text("64")),
            "YAML: dtype: bfloat16 / kv_cache_config: /   dtype: fp8 /   tokens_per_block: 64");
  EXPECT_EQ(line("kv-cache-dtype", FlagValue::Unset()), "YAML: dtype: bfloat16");
  EXPECT_EQ(line("dtype", FlagValue::Unset()), "YAML: kv_cache_config: /   dtype: fp8");
}

INSTANTIATE_TEST_SUITE_P(Engines, Merge,
                         testing::Values(std::pair("vllm", "0.14.1"), std::pair("vllm", "0.24.0"),
                                         std::pair("vllm", "0.33.0"), std::pair("sglang", "0.5.6.post2"),
                                         std::pair("sglang", "0.5.15"), std::pair("sglang", "0.5.23"),
                                         std::pair("tensorrt-llm", "1.1.0"), std::pair("tensorrt-llm", "1.2.0"),
                                         std::pair("tensorrt-llm", "1.3.0rc21")),
                         [](const auto& parameter) {
                           std::string name = parameter.param.first + "_" + parameter.param.second;
                           std::ranges::replace(name, '.', '_');
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace autotune::quant
