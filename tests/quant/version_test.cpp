#include "quant/version.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace autotune::quant {
namespace {

TEST(Version, ReadsReleaseNumbersAndImageTags) {
  struct Case {
    std::string text, read;
  };
  const std::vector<Case> cases = {{"0.24.0", "0.24.0"},
                                   {"v0.24.0", "0.24.0"},
                                   {"0.24", "0.24.0"},
                                   {"v0.5.15-cu126-runtime", "0.5.15"},
                                   {"0.5.6.post2", "0.5.6.post2"},
                                   {"v0.5.6.post2-cu129", "0.5.6.post2"},
                                   {"1.3.0rc7", "1.3.0rc7"},
                                   {"1.3.0-rc.7", "1.3.0rc7"},
                                   {"1.3.0rc5.post1", "1.3.0rc5"},
                                   {"v0.24.0-x86_64", "0.24.0"},
                                   {"0.20.0+cu128", "0.20.0"}};
  for (const Case& c : cases) {
    const std::optional<Version> version = Version::Parse(c.text);
    ASSERT_TRUE(version) << c.text;
    EXPECT_EQ(version->ToString(), c.read) << c.text;
  }
}

TEST(Version, IsNothingForTagsThatAreNoRelease) {
  for (const std::string text : {"", "latest", "nightly", "v1", "sha256", "0.24.x", "24", "0.24.0foo", "1234567.1.1"})
    EXPECT_FALSE(Version::Parse(text)) << text;
}

TEST(Version, OrdersCandidatesBeforeAndPostReleasesAfterTheFinal) {
  const std::vector<std::string> ascending = {"0.5.6.dev3", "0.5.6a1",     "0.5.6b1",     "0.5.6rc1", "0.5.6rc2",
                                              "0.5.6",      "0.5.6.post1", "0.5.6.post2", "0.5.7",    "0.24.0"};
  for (std::size_t i = 1; i < ascending.size(); ++i)
    EXPECT_LT(*Version::Parse(ascending[i - 1]), *Version::Parse(ascending[i])) << ascending[i];
}

}  // namespace
}  // namespace autotune::quant
