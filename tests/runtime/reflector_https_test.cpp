// Reflector, client and transport together, over TLS: what only real bytes can show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "kube/client/client.h"
#include "kube/cpprest/cpprest_transport.h"
#include "tests/runtime/fakes.h"
#include "tests/scripted_server/scripted_server.h"

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using scripted::Recorded;
using scripted::Reply;
using scripted::ScriptedServer;
using testing::Bookmark;
using ::testing::ElementsAre;
using testing::ErrorEvent;
using ::testing::IsEmpty;
using testing::JumpingClock;
using testing::Line;
using testing::Object;
using testing::RecordedStore;
using ::testing::SizeIs;

const kube::Resource kThings{"example.io", "v1", "things", true};
constexpr const char* kPath = "/apis/example.io/v1/namespaces/ns/things";
const std::string kWatch = std::string(kPath) + "?watch=1";

std::string List(const std::vector<nlohmann::json>& items, const std::string& version) {
  return nlohmann::json({{"kind", "ThingList"}, {"metadata", {{"resourceVersion", version}}}, {"items", items}}).dump();
}

class ReflectorHttps : public ::testing::Test {
 protected:
  void Start(bool watch_list = false, std::chrono::milliseconds stream_idle_timeout = 60s) {
    kube::ClusterConfig config;
    config.server = server.url();
    config.ca_pem = server.ca_pem();
    kube::TransportOptions transport_options;
    transport_options.stream_idle_timeout = stream_idle_timeout;
    auto made = kube::MakeCpprestTransport(config, kube::StaticCredential({"t", "", ""}), transport_options);
    ASSERT_TRUE(made);
    transport = std::move(made).value();
    client = std::make_unique<kube::Client>(*transport, clock);
    source = MakeWatchSource(*client, kThings, "ns", "managed-by=me");
    ReflectorOptions options;
    options.name = "things";
    options.watch_list = watch_list;
    reflector = std::make_unique<Reflector>(options, *source, recorded.store.writer(), clock);
    reflector->Start();
  }
  std::vector<std::string> WatchVersions(std::size_t count) {
    std::vector<std::string> versions;
    for (const Recorded& request : server.AwaitRequests("GET", kWatch, count)) {
      versions.push_back(request.Query("resourceVersion"));
    }
    return versions;
  }

  JumpingClock clock;
  ScriptedServer server;
  RecordedStore recorded;
  std::unique_ptr<kube::HttpTransport> transport;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<WatchSource> source;
  std::unique_ptr<Reflector> reflector;
};

TEST_F(ReflectorHttps, ListsAndWatchesWithItsSelector) {
  server.On("GET", kPath, Reply(200).Body(List({Object("a", "u1", "3")}, "10")));
  server.On("GET", kWatch, Reply(200).Chunk(Line("ADDED", Object("b", "u2", "11")) + "\n").Hold());
  Start();
  EXPECT_THAT(recorded.Await(2), ElementsAre("+a red*", "+b red"));
  const std::vector<Recorded> requests = server.Requests();
  for (const Recorded& request : requests) EXPECT_EQ(request.Query("labelSelector"), "managed-by=me");
  EXPECT_EQ(requests[0].Query("resourceVersion"), "");
  EXPECT_EQ(requests[0].Query("limit"), "500");
  EXPECT_EQ(requests[1].Query("allowWatchBookmarks"), "true");
  EXPECT_EQ(requests[1].Query("resourceVersion"), "10");
}

TEST_F(ReflectorHttps, ThreeResetsCostNoSecondList) {
  server.On("GET", kPath, Reply(200).Body(List({}, "10")));
  server.On("GET", kWatch, Reply(200).Chunk(Line("ADDED", Object("a", "u1", "11")) + "\n").Gate("1").Reset());
  server.On("GET", kWatch, Reply::ResetAtOnce());
  // Cut within a line: it must come whole from the next watch.
  server.On("GET", kWatch, Reply(200).Chunk("{\"type\":\"ADDED\",\"obj").CloseNow());
  server.On("GET", kWatch, Reply(200).Chunk(Line("ADDED", Object("b", "u2", "12")) + "\n").Hold());
  Start();
  recorded.Await(1);
  server.Open("1");
  EXPECT_THAT(recorded.Await(2), ElementsAre("+a red", "+b red"));
  EXPECT_THAT(WatchVersions(4), ElementsAre("10", "11", "11", "11"));
  EXPECT_THAT(server.Requests("GET", kPath), SizeIs(5));
}

TEST_F(ReflectorHttps, AStalledServerIsLeftAndAskedAgainFromTheLastVersion) {
  server.On("GET", kPath, Reply(200).Body(List({}, "10")));
  server.On("GET", kWatch, Reply(200).Chunk(Bookmark("40") + "\n").Hold());
  server.Always("GET", kWatch, Reply(200).Hold());
  Start(/*watch_list=*/false, 1s);
  EXPECT_THAT(WatchVersions(2), ElementsAre("10", "40"));
}

TEST_F(ReflectorHttps, A410InTheStreamAndAsAStatusBringsTheRecentState) {
  server.On("GET", kPath, Reply(200).Body(List({Object("a", "u1", "3")}, "10")));
  server.On("GET", kWatch, Reply(200).Chunk(ErrorEvent(410, "Expired") + "\n"));
  server.On("GET", kPath, Reply(200).Body(List({Object("b", "u2", "4")}, "90")));
  server.On("GET", kWatch, Reply(410).Body(R"({"kind":"Status","reason":"Expired","code":410})"));
  server.On("GET", kPath, Reply(200).Body(List({Object("c", "u3", "5")}, "99")));
  server.Always("GET", kWatch, Reply(200).Hold());
  Start();
  EXPECT_THAT(recorded.Await(5), ElementsAre("+a red*", "-a red*", "+b red*", "-b red*", "+c red*"));
}

TEST_F(ReflectorHttps, TheStateComesAsAStreamWhereTheServerCan) {
  server.On("GET", kWatch,
            Reply(200)
                .Chunk(Line("ADDED", Object("a", "u1", "3")) + "\n" + Line("ADDED", Object("b", "u2", "4")) + "\n")
                .Chunk(Bookmark("10", true) + "\n")
                .Hold());
  server.Always("GET", kWatch, Reply(200).Hold());
  Start(/*watch_list=*/true);
  EXPECT_THAT(recorded.Await(2), ElementsAre("+a red*", "+b red*"));
  const Recorded request = server.Requests().at(0);
  EXPECT_EQ(request.Query("sendInitialEvents"), "true");
  EXPECT_EQ(request.Query("resourceVersionMatch"), "NotOlderThan");
}

TEST_F(ReflectorHttps, AServerWithoutWatchListIsListed) {
  server.On("GET", kWatch, Reply(422).Body(R"({"kind":"Status","reason":"Invalid","code":422,
              "message":"sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch"})"));
  server.On("GET", kPath, Reply(200).Body(List({Object("a", "u1", "3")}, "10")));
  server.Always("GET", kWatch, Reply(200).Hold());
  Start(/*watch_list=*/true);
  EXPECT_THAT(recorded.Await(1), ElementsAre("+a red*"));
  EXPECT_THAT(server.Unexpected(), IsEmpty());
}

// One kind that answers 500 for ever does not hold up another.
TEST_F(ReflectorHttps, ABrokenKindDoesNotTouchTheOthers) {
  const kube::Resource broken_kind{"example.io", "v1", "broken", true};
  server.Always("GET", "/apis/example.io/v1/namespaces/ns/broken", Reply(500).Body("{}"));
  server.On("GET", kPath, Reply(200).Body(List({Object("a", "u1", "3")}, "10")));
  server.Always("GET", kWatch, Reply(200).Hold());
  Start();
  RecordedStore other;
  base::SimulatedClock standing;
  const auto broken_source = MakeWatchSource(*client, broken_kind, "ns");
  ReflectorOptions options;
  options.name = "broken";
  Reflector broken(options, *broken_source, other.store.writer(), standing);
  broken.Start();
  standing.AwaitSleepers(1);
  EXPECT_THAT(recorded.Await(1), ElementsAre("+a red*"));
  EXPECT_FALSE(broken.HasSynced());
}

TEST_F(ReflectorHttps, StopsWhileAWatchIsOpen) {
  server.On("GET", kPath, Reply(200).Body(List({}, "10")));
  server.Always("GET", kWatch, Reply(200).Hold());
  Start();
  WatchVersions(1);
  reflector->Stop();
}

}  // namespace
}  // namespace kube::runtime
