#include "engine_model/block_pool.h"

#include <gtest/gtest.h>

#include <array>

namespace autotune::engine_model {
namespace {

TEST(BlockPool, FindsWhatWasPublishedUntilItsPlaceIsNeeded) {
  BlockPool pool(10, 16);
  const std::array<TextSegment, 2> text = {{{1, 32}, {2, 16}}};
  pool.Take(4);
  BlockPool::Node first = 0;
  BlockPool::Node second = 0;
  ASSERT_TRUE(pool.Publish(text[0], &first));
  ASSERT_TRUE(pool.Publish(text[1], &second));
  pool.GiveBack(1);  // the fourth stayed private
  pool.Unshare(second);
  pool.Unshare(first);
  EXPECT_EQ(pool.used(), 0);
  const BlockPool::Found found = pool.Find(text, 1000);
  EXPECT_EQ(found.segments, 2);
  EXPECT_EQ(found.tokens, 48);
  EXPECT_EQ(found.idle_blocks, 3);
  EXPECT_EQ(pool.Find(text, 47).tokens, 32) << "not more than asked for";
  // Seven blocks were never shared; the eighth is the second segment, which was given up first.
  pool.Take(8);
  EXPECT_EQ(pool.Find(text, 1000).tokens, 32);
  pool.Take(2);
  EXPECT_EQ(pool.Find(text, 1000).segments, 0);
  EXPECT_EQ(pool.free(), 0);
}

TEST(BlockPool, KeepsWhatIsInUseAndWhatWasUsedLately) {
  BlockPool pool(4, 1);
  const TextSegment old_one{1, 1};
  const TextSegment used{2, 1};
  pool.Take(2);
  BlockPool::Node a = 0;
  BlockPool::Node b = 0;
  pool.Publish(old_one, &a);
  pool.Publish(used, &b);
  pool.Unshare(a);
  pool.Unshare(b);
  EXPECT_EQ(pool.Share(used.key), b);
  pool.Unshare(b);  // now the last one used
  EXPECT_EQ(pool.Share(old_one.key), a);
  pool.Take(3);
  EXPECT_EQ(pool.Find({&old_one, 1}, 9).tokens, 1) << "in use";
  EXPECT_EQ(pool.Find({&used, 1}, 9).tokens, 0);
}

TEST(BlockPool, LeavesASecondCopyPrivate) {
  BlockPool pool(4, 16);
  BlockPool::Node node = 0;
  pool.Take(2);
  EXPECT_TRUE(pool.Publish({7, 16}, &node));
  EXPECT_FALSE(pool.Publish({7, 16}, &node));
}

TEST(BlockPool, MayBeOverrunWithoutGainingBlocks) {
  BlockPool pool(2, 16);
  pool.Take(3);
  EXPECT_EQ(pool.free(), -1);
  pool.GiveBack(3);
  EXPECT_EQ(pool.free(), 2);
  pool.Take(2);
  EXPECT_EQ(pool.free(), 0);
}

}  // namespace
}  // namespace autotune::engine_model
