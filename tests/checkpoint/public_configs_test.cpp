// Configurations that public repositories hold, and that taught the reader something: the keys that hold facts, and
// what is read from them (public/<name>.json: config, hfQuantConfig, facts). class-<name> are a class's own defaults.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(TESTDATA_DIR) / "checkpoint" / "public"))
    files.push_back(entry.path());
  return files;
}

base::Result<ModelFacts> Read(const json& fixture) {
  CheckpointParts parts;
  parts.config = &fixture.at("config");
  if (fixture.contains("hfQuantConfig")) parts.hf_quant_config = &fixture.at("hfQuantConfig");
  return FactsOf(parts);
}

TEST(PublicConfigs, AreReadAsTheyAre) {
  const auto files = Files();
  EXPECT_GE(files.size(), 45u);
  for (const auto& path : files) {
    std::ifstream stream(path);
    const json fixture = json::parse(stream);
    const auto facts = Read(fixture);
    ASSERT_TRUE(facts.ok()) << path;
    const json found = ToJson(*facts);
    EXPECT_EQ(found, fixture.value("facts", json())) << path << "\nis read as " << found;
    // What is written down comes back.
    const auto again = ModelFactsFromJson(found);
    ASSERT_TRUE(again.ok()) << path << again.error().message;
    EXPECT_EQ(*again, *facts) << path;
  }
}

// Taking a key away may only make facts unknown. The exceptions are what a class defines (model_classes.h) and what the
// file says in two ways.
TEST(PublicConfigs, NoFactIsInventedWhereAKeyIsMissing) {
  for (const auto& path : Files()) {
    std::ifstream stream(path);
    json fixture = json::parse(stream);
    const auto whole = Read(fixture);
    ASSERT_TRUE(whole.ok()) << path;
    const bool nested = fixture["config"].contains("text_config");
    const json config = nested ? fixture["config"]["text_config"] : fixture["config"];
    for (const auto& [key, value] : config.items()) {
      // Switches: without them the rest means more. A scaling of positions multiplies them.
      if (key == "rope_scaling" || key == "is_moe" || key == "enable_moe_block" || key == "text_model_id") continue;
      json& target = nested ? fixture["config"]["text_config"] : fixture["config"];
      target = config;
      target.erase(key);
      const auto facts = Read(fixture);
      ASSERT_TRUE(facts.ok()) << path << " without " << key;
      const struct {
        const char* name;
        Size ModelFacts::*field;
      } kSizes[] = {{"hidden size", &ModelFacts::hidden_size},
                    {"vocabulary", &ModelFacts::vocab_size},
                    {"positions", &ModelFacts::max_position},
                    {"attention heads", &ModelFacts::attention_heads},
                    {"experts", &ModelFacts::experts},
                    {"experts per token", &ModelFacts::experts_per_token},
                    {"expert width", &ModelFacts::moe_intermediate_size},
                    {"latent rank", &ModelFacts::kv_lora_rank}};
      for (const auto& size : kSizes) {
        const Size& known = (*facts).*size.field;
        // The heads of a model in which nothing attends are read, and dropped once that is known.
        if (size.field == &ModelFacts::attention_heads && !((*whole).*size.field)) continue;
        const bool dense_by_absence = size.field == &ModelFacts::experts && known == 0;
        if (known && !dense_by_absence) {
          EXPECT_EQ(known, (*whole).*size.field) << path << " without " << key << ": " << size.name;
        }
      }
      if (facts->caches && whole->caches) {
        // From below: never more layers than the file had, each with no more than it had.
        std::int64_t layers = 0, before = 0;
        for (const KvCacheGroup& group : *facts->caches) layers += group.layers;
        for (const KvCacheGroup& group : *whole->caches) before += group.layers;
        const bool says_layers = key.find("layer") != std::string::npos || key == "attn_type_list" ||
                                 key == "block_types" || key == "sliding_window" || key == "use_cla" ||
                                 key.starts_with("hybrid") || key.find("interval") != std::string::npos ||
                                 key == "linear_attn_config";
        if (!says_layers) {
          EXPECT_EQ(layers, before) << path << " without " << key;
        }
      }
    }
  }
}

}  // namespace
}  // namespace autotune::checkpoint
