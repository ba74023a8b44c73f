#include "operator/controller/rule_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/clock.h"

namespace autotune::controller {
namespace {

using ::testing::HasSubstr;

class RuleSourceTest : public ::testing::Test {
 protected:
  RuleSourceTest() {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("rules-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  static std::string BuiltInTable() { return std::string(*quant::RuleSet::BuiltInFile("vllm.yaml")); }
  static std::string BuiltInVersion() { return quant::RuleSet::BuiltIn()->version(); }
  void Write(const std::string& text) const { std::ofstream(directory_ / "vllm.yaml") << text; }
  std::unique_ptr<RuleSource> Open() { return *RuleSource::Open(directory_, clock_); }

  base::SimulatedClock clock_;
  std::filesystem::path directory_;
};

TEST_F(RuleSourceTest, IsBuiltInWithoutADirectoryAndWithAnEmptyOne) {
  EXPECT_EQ((*RuleSource::Open("", clock_))->Current()->version(), BuiltInVersion());
  EXPECT_EQ(Open()->Current()->version(), BuiltInVersion());
  EXPECT_EQ(Open()->Current()->refusal(), "");
}

TEST_F(RuleSourceTest, TakesAChangedTableWhileItRuns) {
  Write(BuiltInTable());
  const auto source = Open();
  const auto before = source->Current();
  Write(BuiltInTable() + "# another\n");
  EXPECT_EQ(source->Current(), before);  // not looked at yet
  clock_.Advance(std::chrono::seconds(11));
  const auto after = source->Current();
  EXPECT_NE(after->version(), before->version());
  EXPECT_FALSE(before->engines().empty());  // who still works with the old one may go on
  clock_.Advance(std::chrono::seconds(11));
  EXPECT_EQ(source->Current(), after);  // nothing new is not loaded again
}

TEST_F(RuleSourceTest, KeepsTheBuiltInTablesWhileABadOneIsThere) {
  Write("engine: vllm\nverdict: map\n");
  const auto source = Open();
  EXPECT_EQ(source->Current()->version(), BuiltInVersion());
  EXPECT_THAT(source->Current()->refusal(), HasSubstr("vllm.yaml:2: \"verdict\" is not one of"));
  Write(BuiltInTable() + "# good\n");
  clock_.Advance(std::chrono::seconds(11));
  EXPECT_EQ(source->Current()->refusal(), "");
  EXPECT_NE(source->Current()->version(), BuiltInVersion());
  // Back to bad: not the last good one, so that a restart would not change what is in force.
  Write("- nothing\n");
  clock_.Advance(std::chrono::seconds(11));
  EXPECT_EQ(source->Current()->version(), BuiltInVersion());
  EXPECT_THAT(source->Current()->refusal(), HasSubstr("vllm.yaml:1: "));
}

TEST_F(RuleSourceTest, SaysThatTheDirectoryIsMissing) {
  std::filesystem::remove_all(directory_);
  EXPECT_THAT(Open()->Current()->refusal(), HasSubstr(directory_.string()));
}

// What a kubelet does: the directory's entries are links below ..data, which is switched at once.
TEST_F(RuleSourceTest, FollowsAMountedConfigMap) {
  const auto version = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories(directory_ / name);
    std::ofstream(directory_ / name / "vllm.yaml") << text;
    std::filesystem::remove(directory_ / "..data");
    std::filesystem::create_directory_symlink(name, directory_ / "..data");
  };
  version("..1", BuiltInTable() + "# one\n");
  std::filesystem::create_symlink("..data/vllm.yaml", directory_ / "vllm.yaml");
  const auto source = Open();
  const std::string first = source->Current()->version();
  EXPECT_NE(first, BuiltInVersion());
  version("..2", BuiltInTable() + "# two\n");
  clock_.Advance(std::chrono::seconds(11));
  EXPECT_NE(source->Current()->version(), first);
}

}  // namespace
}  // namespace autotune::controller
