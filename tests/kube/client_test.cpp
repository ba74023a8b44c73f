// Client: what goes out for each call, and which code each answer becomes. Over a transport that answers from a list.
#include "kube/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Resource kPods{"", "v1", "pods", true};
const Resource kNodes{"", "v1", "nodes", false};
const Resource kTasks{"example.io", "v1alpha1", "tasks", true};

class FakeTransport final : public HttpTransport {
 public:
  HttpResult<Response> Send(const Request& request, const std::stop_token&) override {
    sent.push_back(request);
    HttpResult<Response> answer = answers.empty() ? HttpResult<Response>(Response{200, {}, "{}"}) : answers.front();
    if (!answers.empty()) answers.pop_front();
    return answer;
  }
  HttpResult<Response> Stream(const Request& request, const LineSink& sink, const std::stop_token&) override {
    sent.push_back(request);
    for (const std::string& line : lines) {
      if (!sink(line)) break;
    }
    return Response{stream_status, {}, stream_status == 200 ? "" : R"({"reason":"Expired","message":"too old"})"};
  }

  std::deque<HttpResult<Response>> answers;
  std::vector<std::string> lines;
  int stream_status = 200;
  std::vector<Request> sent;
};

class ClientTest : public ::testing::Test {
 protected:
  void Answer(int status, std::string body, Headers headers = {}) {
    transport.answers.emplace_back(Response{status, std::move(headers), std::move(body)});
  }

  base::SimulatedClock clock;
  FakeTransport transport;
  Client client{transport, clock};
};

TEST(ResourcePath, NamesCollectionsObjectsAndSubresources) {
  EXPECT_EQ(ResourcePath(kPods, "ns"), "/api/v1/namespaces/ns/pods");
  EXPECT_EQ(ResourcePath(kPods, ""), "/api/v1/pods");
  EXPECT_EQ(ResourcePath(kPods, "ns", "a"), "/api/v1/namespaces/ns/pods/a");
  EXPECT_EQ(ResourcePath(kNodes, "ns", "n1"), "/api/v1/nodes/n1");
  EXPECT_EQ(ResourcePath(kTasks, "ns", "t", "status"), "/apis/example.io/v1alpha1/namespaces/ns/tasks/t/status");
  EXPECT_EQ(ResourcePath(kPods, "ns", "../nodes"), "/api/v1/namespaces/ns/pods/..%2Fnodes");
  EXPECT_EQ(kTasks.ApiVersion(), "example.io/v1alpha1");
  EXPECT_EQ(kPods.ApiVersion(), "v1");
}

TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(PercentEncode("a=b,c in (d)!"), "a%3Db%2Cc%20in%20%28d%29%21");
  EXPECT_EQ(PercentEncode("ü+/%"), "%C3%BC%2B%2F%25");
}

TEST(StatusToError, SaysWhatTheCallerHasToDo) {
  struct Row {
    int status;
    const char* body;
    base::Code code;
  };
  const Row rows[] = {
      {400, R"({"reason":"BadRequest","message":"strict decoding error: unknown field"})", base::Code::kInvalid},
      {401, R"({"reason":"Unauthorized"})", base::Code::kDenied},
      {403, R"({"reason":"Forbidden","message":"exceeded quota"})", base::Code::kDenied},
      {403, R"({"reason":"Forbidden","details":{"causes":[{"reason":"NamespaceTerminating"}]}})",
       base::Code::kNotFound},
      {404, R"({"reason":"NotFound"})", base::Code::kNotFound},
      {405, "", base::Code::kInvalid},
      {409, R"({"reason":"AlreadyExists"})", base::Code::kAlreadyExists},
      {409, R"({"reason":"Conflict"})", base::Code::kConflict},
      {410, R"({"reason":"Expired"})", base::Code::kNotFound},
      {413, "", base::Code::kInvalid},
      {415, "", base::Code::kInvalid},
      {422, R"({"reason":"Invalid"})", base::Code::kDenied},
      // What a 1.3x API server says to an invalid field, a ValidatingAdmissionPolicy's refusal and a webhook's.
      {422,
       R"({"reason":"Invalid","message":"Pod \"x\" is invalid: spec.containers[0].name: Invalid value: \"A\"","details":)"
       R"({"name":"x","kind":"Pod","causes":[{"reason":"FieldValueInvalid","message":"Invalid value: \"A\"","field":)"
       R"("spec.containers[0].name"}]}})",
       base::Code::kInvalid},
      {422,
       R"({"reason":"Invalid","message":"pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied )"
       R"(request: no pods today","details":{"name":"x","kind":"pods","causes":[{"message":"ValidatingAdmissionPolicy 'p'"}]}})",
       base::Code::kDenied},
      {422,
       R"({"reason":"Invalid","message":"admission webhook \"w.example.io\" denied the request: Pod \"x\" is invalid: no","details":)"
       R"({"kind":"Pod","causes":[{"reason":"FieldValueInvalid","message":"no","field":"spec.nodeName"}]}})",
       base::Code::kDenied},
      {429, R"({"reason":"TooManyRequests"})", base::Code::kRetry},
      {302, "", base::Code::kInvalid},
      {500, R"({"reason":"InternalError"})", base::Code::kRetry},
      {500, R"({"message":"etcdserver: request is too large"})", base::Code::kInvalid},
      {503, "<html>", base::Code::kRetry},
      {504, R"({"reason":"Timeout"})", base::Code::kRetry},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.status) + " " + row.body);
    const base::Error error = StatusToError(row.status, {}, row.body, "GET /x");
    EXPECT_EQ(base::CodeName(error.code), base::CodeName(row.code));
    EXPECT_EQ(error.http_status, row.status);
    EXPECT_THAT(error.message, HasSubstr("GET /x"));
  }
}

TEST(StatusToError, KeepsTheServersWordsAndItsRetryAfter) {
  const base::Error error = StatusToError(429, {{"Retry-After", "7"}}, R"({"message":"please wait"})", "GET /x");
  EXPECT_THAT(error.message, HasSubstr("please wait"));
  EXPECT_EQ(error.retry_after, 7s);
  EXPECT_EQ(StatusToError(429, {{"Retry-After", "soon"}}, "", "x").retry_after, std::nullopt);
  EXPECT_EQ(StatusToError(404, {{"Retry-After", "7"}}, "", "x").retry_after, std::nullopt);
}

TEST_F(ClientTest, GetReadsTheObject) {
  Answer(200, R"({"metadata":{"name":"a"}})");
  const auto object = client.Get(kPods, "ns", "a");
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)["metadata"]["name"], "a");
  EXPECT_EQ(transport.sent[0].target, "/api/v1/namespaces/ns/pods/a");
  EXPECT_TRUE(transport.sent[0].idempotent);
}

TEST_F(ClientTest, AnAnswerThatIsNotJsonIsTriedAgain) {
  Answer(200, "<html>a proxy's page</html>");
  const auto object = client.Get(kPods, "ns", "a");
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code, base::Code::kRetry);
}

TEST_F(ClientTest, ListHandsOverItemByItem) {
  Answer(200, R"({"kind":"PodList","metadata":{"resourceVersion":"42","continue":"next","remainingItemCount":3},
                  "items":[{"metadata":{"name":"a","labels":{"items":"x"}},"spec":{"items":[{"n":1}]}},
                           {"metadata":{"name":"b"}}]})");
  std::vector<std::string> items;
  ListOptions options;
  options.label_selector = "managed-by=me,x in (a,b)";
  options.resource_version = "0";
  options.limit = 500;
  const auto page = client.List(kPods, "", options, [&](json&& item) { items.push_back(item.dump()); });
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->resource_version, "42");
  EXPECT_EQ(page->continue_token, "next");
  EXPECT_THAT(items, ElementsAre(R"({"metadata":{"labels":{"items":"x"},"name":"a"},"spec":{"items":[{"n":1}]}})",
                                 R"({"metadata":{"name":"b"}})"));
  EXPECT_EQ(transport.sent[0].target,
            "/api/v1/pods?labelSelector=managed-by%3Dme%2Cx%20in%20%28a%2Cb%29&resourceVersion=0&limit=500");
  EXPECT_EQ(transport.sent[0].body_limit, std::size_t{64} << 20);
}

TEST_F(ClientTest, AnEmptyListHasItsVersion) {
  Answer(200, R"({"items":[],"metadata":{"resourceVersion":"7"}})");
  const auto page = client.List(kPods, "", {}, [](json&&) { FAIL(); });
  ASSERT_TRUE(page);
  EXPECT_EQ(page->resource_version, "7");
  EXPECT_EQ(page->continue_token, "");
}

TEST_F(ClientTest, AListWithoutItemsIsNoList) {
  Answer(200, R"({"metadata":{"resourceVersion":"7"}})");
  Answer(200, R"({"items":[{"a":1})");
  EXPECT_FALSE(client.List(kPods, "", {}, [](json&&) {}));
  EXPECT_FALSE(client.List(kPods, "", {}, [](json&&) {}));
}

TEST_F(ClientTest, CreateValidatesStrictlyAndIsNotRepeatedByTheTransport) {
  Answer(201, R"({"metadata":{"uid":"u1"}})");
  const auto created = client.Create(kPods, "ns", {{"kind", "Pod"}}, {"me", true});
  ASSERT_TRUE(created);
  const Request& sent = transport.sent[0];
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.target, "/api/v1/namespaces/ns/pods?fieldValidation=Strict&fieldManager=me&dryRun=All");
  EXPECT_EQ(sent.body, R"({"kind":"Pod"})");
  EXPECT_EQ(sent.headers.Get("Content-Type"), "application/json");
  EXPECT_FALSE(sent.idempotent);
}

TEST_F(ClientTest, TextThatIsNotUtf8DoesNotThrow) {
  Answer(201, "{}");
  EXPECT_TRUE(client.Create(kPods, "ns", {{"log", "broken \xff byte"}}));
}

TEST_F(ClientTest, PatchTypesHaveTheirContentTypes) {
  struct Row {
    PatchOptions options;
    const char* content_type;
    const char* query;
    bool idempotent;
  };
  const Row rows[] = {
      {{PatchType::kMerge, "status", "me", false},
       "application/merge-patch+json",
       "/tasks/t/status?fieldManager=me",
       true},
      {{PatchType::kJson, "", "", true}, "application/json-patch+json", "/tasks/t?dryRun=All", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.content_type);
    transport.sent.clear();
    ASSERT_TRUE(client.Patch(kTasks, "ns", "t", {{"a", 1}}, row.options));
    EXPECT_EQ(transport.sent[0].method, "PATCH");
    EXPECT_EQ(transport.sent[0].headers.Get("Content-Type"), row.content_type);
    EXPECT_THAT(transport.sent[0].target, ::testing::EndsWith(row.query));
    EXPECT_EQ(transport.sent[0].idempotent, row.idempotent);
  }
}

TEST_F(ClientTest, DeleteCarriesItsPreconditions) {
  DeleteOptions options;
  options.uid = "u1";
  options.resource_version = "5";
  options.propagation = Propagation::kForeground;
  options.grace_period_seconds = 0;
  ASSERT_TRUE(client.Delete(kPods, "ns", "a", options));
  EXPECT_EQ(json::parse(transport.sent[0].body), json::parse(R"({
    "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground", "gracePeriodSeconds": 0,
    "preconditions": {"uid": "u1", "resourceVersion": "5"}})"));
  EXPECT_TRUE(transport.sent[0].idempotent);
}

TEST_F(ClientTest, DeleteWithoutUidIsNotRepeated) {
  ASSERT_TRUE(client.Delete(kPods, "ns", "a"));
  EXPECT_FALSE(transport.sent[0].idempotent);
  EXPECT_EQ(json::parse(transport.sent[0].body)["propagationPolicy"], "Background");
}

TEST_F(ClientTest, WatchAsksForBookmarksAndAnEnd) {
  transport.lines = {"a", "b"};
  std::vector<std::string> lines;
  WatchOptions options;
  options.label_selector = "a=b";
  options.resource_version = "12";
  options.timeout = 321s;
  ASSERT_TRUE(client.Watch(kPods, "ns", options, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  }));
  EXPECT_THAT(lines, ElementsAre("a", "b"));
  EXPECT_EQ(transport.sent[0].target,
            "/api/v1/namespaces/ns/pods?watch=1&labelSelector=a%3Db&resourceVersion=12&allowWatchBookmarks=true&"
            "timeoutSeconds=321");
  EXPECT_GT(transport.sent[0].deadline, 321s);
}

TEST_F(ClientTest, WatchListAsksForTheInitialEvents) {
  WatchOptions options;
  options.send_initial_events = true;
  ASSERT_TRUE(client.Watch(kPods, "", options, [](std::string_view) { return true; }));
  EXPECT_EQ(transport.sent[0].target,
            "/api/v1/pods?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
            "timeoutSeconds=300");
}

TEST_F(ClientTest, AWatchThatIsRefusedSaysWhy) {
  transport.stream_status = 410;
  const auto ended = client.Watch(kPods, "", {}, [](std::string_view) { return true; });
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().http_status, 410);
}

TEST_F(ClientTest, ErrorsOfTheTransportAreRetriedByTheCallerUnlessTheAnswerStaysTheSame) {
  struct Row {
    ErrorKind kind;
    base::Code code;
  };
  const Row rows[] = {
      {ErrorKind::kTimeout, base::Code::kRetry},    {ErrorKind::kCancelled, base::Code::kCancelled},
      {ErrorKind::kConnect, base::Code::kRetry},    {ErrorKind::kTls, base::Code::kRetry},
      {ErrorKind::kReset, base::Code::kRetry},      {ErrorKind::kProtocol, base::Code::kRetry},
      {ErrorKind::kTooLarge, base::Code::kInvalid},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(ErrorKindName(row.kind));
    transport.answers.emplace_back(HttpError{row.kind, 0, "why"});
    const auto object = client.Get(kPods, "ns", "a");
    ASSERT_FALSE(object);
    EXPECT_EQ(object.error().code, row.code);
    EXPECT_THAT(object.error().message, HasSubstr("why"));
  }
}

class Counting final : public ClientObserver {
 public:
  void OnRequest(std::string_view method, std::string_view code, base::Duration) override {
    seen.push_back(std::string(method) + " " + std::string(code));
  }
  std::vector<std::string> seen;
};

TEST_F(ClientTest, TellsItsObserverOfEachRequest) {
  Counting counting;
  Client observed(transport, clock, {}, &counting);
  Answer(200, "{}");
  Answer(409, "{}");
  transport.answers.emplace_back(HttpError{ErrorKind::kReset, 0, ""});
  (void)observed.Get(kPods, "", "a");
  (void)observed.Create(kPods, "ns", json::object());
  (void)observed.Delete(kPods, "ns", "a");
  (void)observed.Watch(kPods, "", {}, [](std::string_view) { return true; });
  EXPECT_THAT(counting.seen, ElementsAre("GET 200", "POST 409", "DELETE Reset", "WATCH 200"));
}

TEST_F(ClientTest, LogsTheServersWarnings) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  Answer(201, "{}", {{"Warning", "299 - \"unknown field spec.containers[0].comand\""}});
  (void)client.Create(kPods, "ns", json::object());
  spdlog::set_default_logger(before);
  EXPECT_THAT(log.str(), HasSubstr("spec.containers[0].comand"));
}

TEST_F(ClientTest, StandsInLineForTheClientSideLimit) {
  ClientOptions options;
  options.requests_per_second = 1;
  options.burst = 1;
  Client slow(transport, clock, options);
  ASSERT_TRUE(slow.Get(kPods, "", "a"));
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = slow.Get(kPods, "", "a", stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, base::Code::kCancelled);
  EXPECT_THAT(transport.sent, SizeIs(1));
}

}  // namespace
}  // namespace kube
