#include "operator/deploy/container_command.h"

#include <gmock/gmock.h>

namespace autotune::deploy {
namespace {

using ::testing::ElementsAre;

TEST(WithoutKubelet, ReadsTwoDollarsAsOne) {
  EXPECT_THAT(WithoutKubelet({"$$(HOME)", "$(X)", "$$$$", "a$", ""}), ElementsAre("$(HOME)", "$(X)", "$$", "a$", ""));
}

TEST(ComposeWord, DoublesDollars) { EXPECT_EQ(ComposeWord("${A} $B"), "$${A} $$B"); }

}  // namespace
}  // namespace autotune::deploy
