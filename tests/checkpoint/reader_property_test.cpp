// No configuration makes the reader throw, overflow or hang, and what it returns can be written down and read again.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/python_json.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

std::vector<json> Fixtures() {
  std::vector<json> fixtures;
  for (const char* folder : {"public", "checkpoints"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(TESTDATA_DIR) / "checkpoint" / folder)) {
      if (entry.path().extension() != ".json" || entry.path().filename() == "hf_quant_config.json") continue;
      std::ifstream stream(entry.path());
      const json file = json::parse(stream);
      fixtures.push_back(file.contains("config") ? file["config"] : file);
    }
  }
  return fixtures;
}

json Odd(std::mt19937& random) {
  switch (random() % 14) {
    case 0:
      return nullptr;
    case 1:
      return 0;
    case 2:
      return -1;
    case 3:
      return INT64_MAX;
    case 4:
      return INT64_MIN;
    case 5:
      return UINT64_MAX;
    case 6:
      return 1e308;
    case 7:
      return 0.5;
    case 8:
      return "text";
    case 9:
      return json::array();
    case 10:
      return json::array({1, "a", nullptr, {{"x", 1}}});
    case 11:
      return json::object();
    case 12:
      return true;
    default:
      return json(std::vector<std::int64_t>(random() % 200, static_cast<std::int64_t>(random() % 3)));
  }
}

// Changes one member anywhere.
void Mutate(json& value, std::mt19937& random) {
  if (value.is_structured() && !value.empty() && random() % 4 != 0) {
    auto member = value.begin();
    std::advance(member, static_cast<std::ptrdiff_t>(random() % value.size()));
    if (random() % 8 == 0) {
      value.erase(member);
    } else {
      Mutate(*member, random);
    }
  } else {
    value = Odd(random);
  }
}

TEST(Reader, ReturnsForEveryMutatedConfig) {
  std::mt19937 random(7);
  int read = 0;
  for (const json& fixture : Fixtures()) {
    for (int i = 0; i < 60; ++i) {
      json config = fixture;
      for (unsigned changes = 1 + static_cast<unsigned>(random() % 4); changes > 0; --changes) Mutate(config, random);
      const auto facts = FactsOfConfig(config);
      if (!facts) {
        EXPECT_FALSE(facts.error().message.empty());
        continue;
      }
      ++read;
      for (const Size& size : {facts->layers, facts->hidden_size, facts->kv_heads, facts->experts, facts->vocab_size})
        EXPECT_GE(size.value_or(0), 0);
      if (facts->caches) {
        for (const KvCacheGroup& group : *facts->caches) EXPECT_TRUE(group.layers > 0 && group.elements > 0) << config;
      }
      const auto again = ModelFactsFromJson(ToJson(*facts));
      ASSERT_TRUE(again.ok()) << again.error().message << config;
      EXPECT_EQ(*again, *facts) << config;
    }
  }
  EXPECT_GT(read, 1000);
}

TEST(Reader, ReturnsForEveryCutAndDamagedText) {
  std::mt19937 random(11);
  int rejected = 0, read = 0;
  for (const json& fixture : Fixtures()) {
    const std::string text = fixture.dump();
    for (int i = 0; i < 20; ++i) {
      // Odd: a byte of the whole text is another one. Most such texts are still JSON.
      std::string damaged = i % 2 == 0 ? text.substr(0, random() % text.size()) : text;
      if (!damaged.empty()) damaged[random() % damaged.size()] = static_cast<char>(random() % 128);
      const auto value = ParsePythonJson(damaged, "config.json");
      if (!value) {
        ++rejected;
        EXPECT_EQ(value.error().message.find("config.json"), 0U) << value.error().message;
      } else if (value->is_object()) {
        ++read;
        const auto facts = FactsOfConfig(*value);
        EXPECT_TRUE(facts.ok() || !facts.error().message.empty());
      }
    }
  }
  EXPECT_GT(rejected, 1000);
  EXPECT_GT(read, 500);
}

}  // namespace
}  // namespace autotune::checkpoint
