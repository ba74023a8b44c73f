// HttpTransport::Stream: lines whole whatever the splits, backpressure, and its ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/kube/transport_fixture.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using scripted::Reply;
using scripted::ScriptedServer;
using testing::ConfigFor;
using ::testing::ElementsAre;
using testing::Get;
using ::testing::IsEmpty;
using testing::MakeTransport;

class Lines {
 public:
  LineSink Sink() {
    return [this](std::string_view line) {
      lines.emplace_back(line);
      return lines.size() < stop_after;
    };
  }
  std::vector<std::string> lines;
  std::size_t stop_after = SIZE_MAX;
};

TEST(TransportStream, DeliversEachLineOfTheChunks) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("one\n").Chunk("two\nthree\n").Chunk("fo").Chunk("ur\n"));
  Lines lines;
  const auto answer = MakeTransport(ConfigFor(server))->Stream(Get("/w"), lines.Sink(), {});
  ASSERT_TRUE(answer.ok()) << answer.error().text;
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(lines.lines, ElementsAre("one", "two", "three", "four"));
}

// Chunk borders and TLS records at every byte offset, within multi-byte characters too.
TEST(TransportStream, LinesAreWholeWhateverTheSplits) {
  const std::string body = "{\"name\":\"größe-日本\"}\n{\"b\":2}\n";
  ScriptedServer server;
  for (std::size_t split = 1; split < body.size(); ++split) {
    server.On("GET", "/w", Reply(200).SplitEvery(split).Chunk(body.substr(0, split)).Chunk(body.substr(split)));
  }
  const auto transport = MakeTransport(ConfigFor(server));
  for (std::size_t split = 1; split < body.size(); ++split) {
    SCOPED_TRACE(split);
    Lines lines;
    const auto answer = transport->Stream(Get("/w"), lines.Sink(), {});
    ASSERT_TRUE(answer.ok()) << answer.error().text;
    ASSERT_THAT(lines.lines, ElementsAre("{\"name\":\"größe-日本\"}", "{\"b\":2}"));
  }
}

TEST(TransportStream, DeliversALineWhileTheStreamIsOpen) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("first\n").Gate("seen").Chunk("second\n"));
  std::vector<std::string> lines;
  // The second line is sent only after the first has been delivered: a transport that waits for more hangs here.
  const auto answer = MakeTransport(ConfigFor(server))
                          ->Stream(Get("/w"),
                                   [&](std::string_view line) {
                                     lines.emplace_back(line);
                                     server.Open("seen");
                                     return true;
                                   },
                                   {});
  ASSERT_TRUE(answer.ok()) << answer.error().text;
  EXPECT_THAT(lines, ElementsAre("first", "second"));
}

TEST(TransportStream, LinesBeforeAResetAreDelivered) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("one\n").Gate("seen").Reset());
  std::vector<std::string> lines;
  const auto answer = MakeTransport(ConfigFor(server))
                          ->Stream(Get("/w"),
                                   [&](std::string_view line) {
                                     lines.emplace_back(line);
                                     server.Open("seen");
                                     return true;
                                   },
                                   {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, ErrorKind::kReset) << answer.error().text;
  EXPECT_THAT(lines, ElementsAre("one"));
}

TEST(TransportStream, HalfALineIsNotDelivered) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("one\n").Chunk("{\"half\":"));
  Lines lines;
  const auto answer = MakeTransport(ConfigFor(server))->Stream(Get("/w"), lines.Sink(), {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, ErrorKind::kReset);
  EXPECT_THAT(lines.lines, ElementsAre("one"));
}

TEST(TransportStream, TheSinkMayEndIt) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("one\ntwo\nthree\n").Hold());
  server.On("GET", "/a", Reply(200).Body("next"));
  Lines lines;
  lines.stop_after = 2;
  const auto transport = MakeTransport(ConfigFor(server));
  const auto answer = transport->Stream(Get("/w"), lines.Sink(), {});
  ASSERT_TRUE(answer.ok()) << answer.error().text;
  EXPECT_THAT(lines.lines, ElementsAre("one", "two"));
  EXPECT_EQ(transport->Send(Get("/a"), {})->body, "next");
}

TEST(TransportStream, AStatusOf410ComesWithItsBodyAndWithoutLines) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(410).Body("{\"reason\":\"Expired\"}\n"));
  Lines lines;
  const auto answer = MakeTransport(ConfigFor(server))->Stream(Get("/w"), lines.Sink(), {});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 410);
  EXPECT_EQ(answer->body, "{\"reason\":\"Expired\"}\n");
  EXPECT_THAT(lines.lines, IsEmpty());
}

TEST(TransportStream, ALineAboveTheLimitEndsIt) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("short\n").Chunk(std::string(3000, 'x')).Hold());
  Lines lines;
  Request request = Get("/w");
  request.body_limit = 2000;
  const auto answer = MakeTransport(ConfigFor(server))->Stream(request, lines.Sink(), {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, ErrorKind::kTooLarge);
  EXPECT_THAT(lines.lines, ElementsAre("short"));
}

TEST(TransportStream, SilenceEndsItAtTheStreamsOwnIdleTimeout) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("one\n").Hold());
  TransportOptions options;
  options.idle_timeout = 60s;
  options.stream_idle_timeout = 2s;
  Lines lines;
  Request request = Get("/w");
  request.deadline = 0ms;
  const auto answer = MakeTransport(ConfigFor(server), options)->Stream(request, lines.Sink(), {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, ErrorKind::kTimeout) << answer.error().text;
  EXPECT_THAT(lines.lines, ElementsAre("one"));
}

TEST(TransportStream, AStopTokenEndsItWhileNothingArrives) {
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Chunk("one\n").Hold());
  std::stop_source stop;
  const auto answer = MakeTransport(ConfigFor(server))
                          ->Stream(
                              Get("/w"),
                              [&](std::string_view) {
                                stop.request_stop();
                                return true;
                              },
                              stop.get_token());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, ErrorKind::kCancelled);
}

// 256 MiB are on offer while the sink stands still. What the sockets' own buffers take is a few MiB.
TEST(TransportStream, ASlowSinkSlowsTheServer) {
  constexpr std::size_t kOffered = std::size_t{256} << 20;
  ScriptedServer server;
  server.On("GET", "/w", Reply(200).Flood(std::string(65535, 'x') + "\n", kOffered, "stuck").CloseNow());
  std::size_t lines = 0;
  const auto answer = MakeTransport(ConfigFor(server))
                          ->Stream(Get("/w"),
                                   [&](std::string_view) {
                                     server.AwaitGate("stuck");
                                     ++lines;
                                     return true;
                                   },
                                   {});
  EXPECT_FALSE(answer.ok());
  EXPECT_LT(server.Flooded(), std::size_t{32} << 20);
  // Nothing that the server has sent is lost but the line in which it stopped.
  EXPECT_GE(lines + 1, server.Flooded() / 65536);
}

}  // namespace
}  // namespace kube
