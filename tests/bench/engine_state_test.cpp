#include "bench/engine_state.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace autotune::bench {
namespace {

using testing::HasSubstr;

EngineState Example() {
  EngineState state;
  state.phase = EngineState::Phase::kExited;
  state.exit_code = 2;
  state.signal = 9;
  state.start_seconds = 24.125;
  state.was_ready = true;
  state.oom_kills = 3;
  state.gpu_product = "NVIDIA H100 80GB HBM3";
  state.driver = "570.86.15";
  state.error_lines = {"error: argument --x: invalid choice: \"a\\b\"", "ValueError: größer 😀"};
  state.last_lines = {"", "tab\tand newline\n"};
  return state;
}

TEST(EngineState, RoundTrips) {
  const auto decoded = DecodeEngineState(EncodeEngineState(Example()));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  const EngineState expected = Example();
  EXPECT_EQ(decoded->phase, expected.phase);
  EXPECT_EQ(decoded->exit_code, expected.exit_code);
  EXPECT_EQ(decoded->signal, expected.signal);
  EXPECT_EQ(decoded->start_seconds, expected.start_seconds);
  EXPECT_EQ(decoded->was_ready, expected.was_ready);
  EXPECT_EQ(decoded->oom_kills, expected.oom_kills);
  EXPECT_EQ(decoded->gpu_product, expected.gpu_product);
  EXPECT_EQ(decoded->driver, expected.driver);
  EXPECT_EQ(decoded->error_lines, expected.error_lines);
  EXPECT_EQ(decoded->last_lines, expected.last_lines);
}

TEST(EngineState, EveryPhaseRoundTrips) {
  using Phase = EngineState::Phase;
  for (const Phase phase :
       {Phase::kStarting, Phase::kReady, Phase::kExited, Phase::kStartupTimeout, Phase::kKilled, Phase::kNotStarted}) {
    EngineState state;
    state.phase = phase;
    const auto decoded = DecodeEngineState(EncodeEngineState(state));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(decoded->phase, phase);
  }
}

// The hand-written writer and reader agree with a JSON library.
TEST(EngineState, IsJson) {
  const auto document = nlohmann::json::parse(EncodeEngineState(Example()), nullptr, false);
  ASSERT_FALSE(document.is_discarded());
  EXPECT_EQ(document["errorLines"], nlohmann::json(Example().error_lines));
  const auto decoded = DecodeEngineState(document.dump(2, ' ', true));  // escapes everything beyond ASCII
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->error_lines, Example().error_lines);
}

TEST(EngineState, SkipsMembersOfANewerLauncher) {
  const auto decoded = DecodeEngineState(R"({"phase":"Ready","new":[],"other":"x","n":1.5,"no":null,"b":false})");
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->phase, EngineState::Phase::kReady);
}

TEST(EngineState, RefusesWhatIsNotADocument) {
  for (const char* text :
       {"", "{", "{}", "[]", R"({"phase":"Sleeping"})", R"({"phase":"Ready"} x)", R"({"phase":"Ready","exitCode":"1"})",
        R"({"phase":"Ready","lastLines":["\ud800"]})", R"({"phase":"Ready",)"}) {
    const auto decoded = DecodeEngineState(text);
    ASSERT_FALSE(decoded.ok()) << text;
    EXPECT_THAT(decoded.error().message, HasSubstr("engine.json"));
  }
}

// Whatever prefix of the file a reader sees: an error, never a wrong state. (The file is renamed into place; this is
// the second line of defence.)
TEST(EngineState, ACutDocumentIsAnError) {
  const std::string whole = EncodeEngineState(Example());
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    EXPECT_FALSE(DecodeEngineState(whole.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace autotune::bench
