// Signals to a whole process: each test runs in a child, because masks and pending signals belong to the process.
#include "kube/runtime/shutdown.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace kube::runtime {
namespace {

class ShutdownDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ShutdownDeathTest, TheFirstSignalRequestsAStop) {
  EXPECT_EXIT(
      {
        BlockSignals();
        const SignalWaiter waiter;
        ::kill(::getpid(), SIGTERM);
        waiter.Wait();
        std::_Exit(waiter.token().stop_requested() ? 0 : 2);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(ShutdownDeathTest, ASignalToAnyThreadArrives) {
  EXPECT_EXIT(
      {
        BlockSignals();
        const SignalWaiter waiter;
        // SIGINT directed at the process while another thread runs: blocked there, taken by the waiting thread.
        std::atomic<bool> end{false};
        std::thread busy([&] {
          while (!end) std::this_thread::yield();
        });
        ::kill(::getpid(), SIGINT);
        waiter.Wait();
        end = true;
        busy.join();
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(ShutdownDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        BlockSignals();
        const SignalWaiter waiter;
        ::kill(::getpid(), SIGTERM);
        waiter.Wait();
        ::kill(::getpid(), SIGTERM);
        while (true) ::pause();
      },
      ::testing::ExitedWithCode(1), "");
}

TEST_F(ShutdownDeathTest, AWaiterWithoutASignalEnds) {
  EXPECT_EXIT(
      {
        BlockSignals();
        { const SignalWaiter waiter; }
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(ShutdownDeathTest, WritingToAClosedPeerIsAnErrorNotTheEnd) {
  EXPECT_EXIT(
      {
        BlockSignals();
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) std::_Exit(2);
        ::close(pair[0]);
        std::_Exit(::write(pair[1], "x", 1) == -1 && errno == EPIPE ? 0 : 3);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace kube::runtime
