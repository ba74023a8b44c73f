// Cells of the quantization matrix that real engines were started for (tests/engines/on_gpu/try_cells.py): what the
// rules say today has to be what the engine did then.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

using nlohmann::json;

// "preset=dynamic-fp8", "gemmDtype=fp8 kvcacheDtype=fp8_e5m2"
QuantConfig Asked(const std::string& ask) {
  QuantConfig config;
  std::istringstream words(ask);
  for (std::string word; words >> word;) {
    const std::string name = word.substr(0, word.find('='));
    const std::string value = word.substr(word.find('=') + 1);
    if (name == "preset") config = *FindPreset(value);
    for (const Field field : kFields) {
      if (FieldName(field) == name) config.Set(field, value);
    }
  }
  return config;
}

// The backend that an engine takes on Hopper when nothing is in the way.
bool IsUsual(const json& backends) {
  const std::string attention = backends.value("attention", "");
  return attention == "FLASH_ATTN" || attention == "fa3";
}

void CheckCell(const json& run, const json& row, const json& cell) {
  LaunchRequest request = Request(run["engine"], run["version"], row["model"] == "moe-small" ? Moe() : Dense());
  request.quant = Asked(cell["ask"]);
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  const json& did = row["did"];
  const std::string what = run["engine"].get<std::string>() + " " + row["model"].get<std::string>() + " " +
                           cell["ask"].get<std::string>() + ": the engine: " + did["outcome"].get<std::string>() + " " +
                           did["message"].get<std::string>();
  ASSERT_FALSE(did["simulated"].get<bool>()) << what;
  const bool served = did["outcome"] == "ready";
  EXPECT_EQ(served, !plan.rejection) << what
                                     << "\n  the rules: " << (plan.rejection ? plan.rejection->message : Line(plan));
  if (!served || plan.rejection) return;
  EXPECT_EQ(plan.args, row["args"].get<std::vector<std::string>>()) << what;
  if (did["backends"].contains("attention")) {
    EXPECT_EQ(Warns(plan, "AttentionBackendChanges"), !IsUsual(did["backends"])) << what << did["backends"];
  }
}

TEST(VerifiedCells, TheRulesSayWhatTheEngineDid) {
  int cells = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TESTDATA_DIR "/engines/runs")) {
    if (!entry.path().filename().string().starts_with("cells-") || entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const json run = json::parse(file);
    for (const json& row : run["cells"]) {
      if (!row.contains("did") || row.contains("undecided")) continue;
      for (const json& cell : row["cells"]) {
        CheckCell(run, row, cell);
        ++cells;
      }
    }
  }
  EXPECT_GT(cells, 60);
}

}  // namespace
}  // namespace autotune::quant
