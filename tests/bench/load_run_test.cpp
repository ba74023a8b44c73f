#include "bench/load_run.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "bench/exchange.h"
#include "tests/bench/launcher_process.h"
#include "tests/bench/scripted_engine.h"
#include "tests/checkpoint/tls_hub.h"
#include "tests/temporary_directory.h"

namespace autotune::bench {
namespace {

using checkpoint::TlsHub;
using measurement::RequestOutcome;
using measurement::RequestRecord;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;
using Sent = ScriptedEngine::Request;
using Answer = ScriptedEngine::Answer;

// Everything that a load needs, with a run of `requests` requests.
struct Load {
  explicit Load(const ServerUrl& url, int in_flight, std::int64_t requests, const BenchSpec& spec = Spec())
      : server(*Server::Make(url)), workload(spec, 0), recorder(std::chrono::steady_clock::now()) {
    options.load = measurement::Concurrency(in_flight);
    options.max_requests = requests;
    options.request_timeout = seconds(60);
  }
  static BenchSpec Spec() {
    BenchSpec spec;
    spec.scenarios = {measurement::Scenario::Fixed(16, 4)};
    return spec;
  }
  // Until all requests have ended.
  void Run() {
    LoadRun run(loop, *server, workload, recorder, options);
    report = run.Run([this](SteadyTime now) -> std::optional<SteadyTime> {
      if (recorder.ended() >= options.max_requests) return std::nullopt;
      return now + milliseconds(20);
    });
  }
  [[nodiscard]] std::int64_t errors() const { return recorder.ended() - recorder.succeeded(); }

  EventLoop loop;
  std::unique_ptr<Server> server;
  Workload workload;
  Recorder recorder;
  LoadRunOptions options;
  LoadRunReport report;
};

TEST(LoadRun, SendsExactlyTheAskedRequestsAndKeepsConnections) {
  ScriptedEngine engine([](const Sent&, Answer& answer) { answer.Completion(16, 4); });
  Load load(ServerUrl::Local(engine.port()), 5, 43);
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 43);
  EXPECT_EQ(load.errors(), 0) << load.report.first_error;
  EXPECT_EQ(engine.posts(), 43);
  EXPECT_EQ(engine.connections(), 5);
  EXPECT_FALSE(load.report.simulated);
  ASSERT_THAT(load.recorder.records(), SizeIs(43));
  for (const RequestRecord& record : load.recorder.records()) {
    EXPECT_EQ(record.outcome, RequestOutcome::kOk);
    EXPECT_EQ(record.input_tokens, 16);
    EXPECT_EQ(record.asked_tokens, 4);
    EXPECT_EQ(record.output_tokens, 4);
    EXPECT_THAT(record.events, SizeIs(4));
    EXPECT_TRUE(std::is_sorted(record.events.begin(), record.events.end()));
    EXPECT_EQ(record.end, record.start + std::chrono::microseconds(record.events.back()));
  }
}

TEST(LoadRun, KeepsExactlyThatManyRequestsInFlight) {
  std::atomic<int> waiting = 0;
  std::atomic<bool> full = false;
  ScriptedEngine engine([&](const Sent&, Answer& answer) {
    // Nobody is answered before eight are here: a client that keeps fewer in flight would hang and time out.
    if (++waiting == 8) full = true;
    while (!full && answer.Wait(milliseconds(1))) {
    }
    answer.Completion(16, 2, {}, milliseconds(1));
  });
  Load load(ServerUrl::Local(engine.port()), 8, 64);
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 64);
  EXPECT_EQ(engine.most_in_flight(), 8);
}

TEST(LoadRun, PlacesStartSpreadOverTheExpectedLatency) {
  ScriptedEngine engine([](const Sent&, Answer& answer) { answer.Completion(16, 1, milliseconds(400)); });
  Load load(ServerUrl::Local(engine.port()), 4, 4);
  load.options.expected_e2e = milliseconds(200);
  load.Run();
  ASSERT_THAT(load.recorder.records(), SizeIs(4));
  for (int i = 0; i < 4; ++i) {
    EXPECT_GE(load.recorder.records()[static_cast<std::size_t>(i)].start, milliseconds(50) * i);
  }
}

TEST(LoadRun, TimesEveryOutputEvent) {
  ScriptedEngine engine([](const Sent&, Answer& answer) {
    answer.Begin();
    answer.Text("");  // some engines announce the stream: not a token
    answer.Wait(milliseconds(80));
    answer.Text(" a");
    answer.Wait(milliseconds(60));
    answer.Text(" b");
    answer.Text("");
    answer.Finish(16, 3);
  });
  Load load(ServerUrl::Local(engine.port()), 1, 1);
  load.Run();
  ASSERT_THAT(load.recorder.records(), SizeIs(1));
  const RequestRecord& record = load.recorder.records()[0];
  ASSERT_THAT(record.events, SizeIs(2));
  EXPECT_GE(record.events[0], 80'000u);
  EXPECT_GE(record.events[1] - record.events[0], 59'000u);
}

// The kernel's time stamps: a client that is kept from its processor does not call the server slow.
TEST(LoadRun, AClientThatSleptKnowsWhenTheAnswerCame) {
  std::atomic<bool> slept = false, answered = false;
  ScriptedEngine engine([&](const Sent&, Answer& answer) {
    while (!slept && answer.Wait(milliseconds(1))) {
    }
    answer.Completion(16, 1);
    answered = true;
  });
  Load load(ServerUrl::Local(engine.port()), 1, 1);
  LoadRun run(load.loop, *load.server, load.workload, load.recorder, load.options);
  SteadyTime woken;
  load.report = run.Run([&](SteadyTime now) -> std::optional<SteadyTime> {
    if (!slept && !load.recorder.records().empty()) {
      slept = true;
      EXPECT_TRUE(Eventually([&] { return answered.load(); }));
      const auto until = std::chrono::steady_clock::now() + milliseconds(300);
      EXPECT_TRUE(Eventually([&] { return std::chrono::steady_clock::now() >= until; }));
      woken = until;
    }
    if (load.recorder.ended() > 0) return std::nullopt;
    return now + milliseconds(1);
  });
  ASSERT_TRUE(slept);
  ASSERT_EQ(load.recorder.succeeded(), 1);
  const RequestRecord& record = load.recorder.records()[0];
  if (load.recorder.ReceiveLagP99() == 0) GTEST_SKIP() << "SKIPPED: this kernel does not stamp what it receives";
  const auto arrived = load.recorder.origin() + record.start + std::chrono::microseconds(record.events.back());
  EXPECT_LE(arrived, woken - milliseconds(250)) << "the answer was there before the client looked";
  EXPECT_GE(load.recorder.ReceiveLagP99(), 250) << "which it reports as its own lag";
}

TEST(LoadRun, CountsErrorsByKindAndKeepsTheFirstText) {
  ScriptedEngine engine([](const Sent& request, Answer& answer) {
    switch (request.number % 6) {
      case 0:
        return answer.Completion(16, 2);
      case 1:
        return answer.Json(400, R"({"error":{"message":"max_tokens is too large","code":400}})");
      case 2:
        answer.Begin();
        answer.Text(" a");
        answer.Event(R"({"error":{"message":"worker died"}})");
        return answer.Finish(16, 1);
      case 3:
        answer.Begin();
        answer.Text(" a");
        return answer.Drop();
      case 4:
        return answer.Json(503, R"({"error":{"message":"overloaded"}})");
      default:
        answer.Begin();
        return answer.Finish(16, 4);
    }
  });
  Load load(ServerUrl::Local(engine.port()), 1, 12);
  load.Run();
  std::map<RequestOutcome, int> outcomes;
  for (const RequestRecord& record : load.recorder.records()) ++outcomes[record.outcome];
  EXPECT_EQ(outcomes, (std::map<RequestOutcome, int>{{RequestOutcome::kOk, 2},
                                                     {RequestOutcome::kRefused, 2},
                                                     {RequestOutcome::kErrorEvent, 2},
                                                     {RequestOutcome::kConnectionLost, 2},
                                                     {RequestOutcome::kServerError, 2},
                                                     {RequestOutcome::kNoTokens, 2}}));
  EXPECT_EQ(load.report.first_error, "HTTP 400: max_tokens is too large");
  EXPECT_EQ(load.report.first_error_status, 400);
}

// Of a closed loop: what is refused is not asked again and again at once.
TEST(LoadRun, ARefusedPlaceWaits) {
  std::mutex mutex;
  std::vector<SteadyTime> asked;
  std::string header;
  ScriptedEngine engine([&](const Sent&, Answer& answer) {
    {
      const std::lock_guard lock(mutex);
      asked.push_back(std::chrono::steady_clock::now());
    }
    answer.Json(429, "{}", header);
  });
  const auto gaps = [&](std::int64_t requests) {
    asked.clear();
    Load load(ServerUrl::Local(engine.port()), 1, requests);
    load.Run();
    EXPECT_EQ(load.report.rate_limited, requests);
    EXPECT_EQ(load.report.first_retry_after, milliseconds(header.empty() ? 0 : 300));
    std::vector<SteadyTime::duration> out;
    for (std::size_t i = 1; i < asked.size(); ++i) out.push_back(asked[i] - asked[i - 1]);
    return out;
  };
  const auto growing = gaps(5);
  ASSERT_THAT(growing, SizeIs(4));
  EXPECT_GE(growing[1], milliseconds(40));
  EXPECT_GE(growing[2], milliseconds(80));
  EXPECT_GE(growing[3], milliseconds(160)) << "twice as long each time";
  header = "Retry-After: 0.3\r\n";
  const auto asked_for = gaps(2);
  ASSERT_THAT(asked_for, SizeIs(1));
  EXPECT_GE(asked_for[0], milliseconds(300));
}

TEST(RetryAfter, IsSecondsOrADate) {
  constexpr std::time_t kNow = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
  EXPECT_EQ(RetryAfterOf("", kNow), milliseconds(0));
  EXPECT_EQ(RetryAfterOf("7", kNow), seconds(7));
  EXPECT_EQ(RetryAfterOf("0.25", kNow), milliseconds(250));
  EXPECT_EQ(RetryAfterOf("-3", kNow), milliseconds(0));
  EXPECT_EQ(RetryAfterOf("Tue, 14 Nov 2023 22:13:50 GMT", kNow), seconds(30));
  EXPECT_EQ(RetryAfterOf("Tue, 14 Nov 2023 22:13:10 GMT", kNow), milliseconds(0)) << "has passed";
  EXPECT_EQ(RetryAfterOf("soon", kNow), milliseconds(0));
  EXPECT_EQ(RetryAfterOf("1e300", kNow), std::chrono::hours(24));
}

TEST(LoadRun, SaysWhatIsWrongWithAnAnswer) {
  const struct {
    ScriptedEngine::Handler handler;
    const char* error;
  } kCases[] = {
      {[](const Sent&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.Event(R"({"error":{"message":"worker died"}})");
         answer.Finish(16, 1);
       },
       "the engine reported an error within its answer: worker died"},
      {[](const Sent&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.Drop();
       },
       "the answer broke off: "},
      {[](const Sent&, Answer& answer) { answer.Drop(); }, "no answer: "},
      {[](const Sent&, Answer& answer) {
         answer.Begin();
         answer.Finish(16, 4);
       },
       "the answer has 4 tokens and no text"},
      {[](const Sent&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.Event("[DONE]");
         answer.Drop();
       },
       "the answer broke off: "},
      {[](const Sent&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.Event("[DONE]");
         answer.End();
       },
       "the answer has no usage"},
      {[](const Sent&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.End();
       },
       "the answer ended without [DONE]"},
      {[](const Sent&, Answer& answer) { answer.Json(200, R"({"choices":[{"text":"a"}],"usage":{}})"); },
       "the server does not stream: its answer is one JSON document"},
      {[](const Sent&, Answer& answer) { answer.Json(200, R"({"error":{"message":"no quota"}})"); },
       "the server answers HTTP 200 with an error: no quota"},
      {[](const Sent&, Answer& answer) { answer.Json(200, "\x1f\x8b", "Content-Encoding: gzip\r\n"); },
       "the answer is compressed (Content-Encoding: gzip)"},
      {[](const Sent&, Answer& answer) { answer.Json(307, "", "Location: https://h/v1/completions\r\n"); },
       "HTTP 307: it redirects to https://h/v1/completions: use that URL"},
      {[](const Sent&, Answer& answer) { answer.Json(500, "Internal Server Error"); },
       "HTTP 500: Internal Server Error"},
  };
  for (const auto& row : kCases) {
    ScriptedEngine engine(row.handler);
    Load load(ServerUrl::Local(engine.port()), 1, 1);
    load.Run();
    EXPECT_EQ(load.recorder.succeeded(), 0) << row.error;
    EXPECT_EQ(load.errors(), 1) << row.error;
    EXPECT_THAT(load.report.first_error, StartsWith(row.error));
  }
}

TEST(LoadRun, AnEngineThatDoesNotAnswerInTimeIsAnError) {
  ScriptedEngine engine([](const Sent&, Answer& answer) {
    answer.Begin();
    answer.Wait(seconds(120));
  });
  Load load(ServerUrl::Local(engine.port()), 2, 2);
  load.options.request_timeout = milliseconds(150);
  load.Run();
  EXPECT_EQ(load.errors(), 2);
  EXPECT_EQ(load.recorder.records()[0].outcome, RequestOutcome::kTimedOut);
  EXPECT_EQ(load.report.first_error, "no complete answer within 0.15 s");
}

TEST(LoadRun, RepeatsARequestThatMetAConnectionBeingClosed) {
  // Answers one request a connection and then closes it without saying so: as uvicorn does with idle connections.
  ScriptedEngine engine([](const Sent& request, Answer& answer) {
    if (request.number % 2 == 0) return answer.Drop();
    answer.Completion(16, 2);
  });
  Load load(ServerUrl::Local(engine.port()), 1, 5);
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 5);
  EXPECT_EQ(load.errors(), 0) << load.report.first_error;
}

TEST(LoadRun, WithoutAnEngineItReportsThatNobodyListens) {
  Load load(ServerUrl::Local(FreePort()), 2, 10);
  load.Run();
  EXPECT_EQ(load.errors(), 10);
  EXPECT_THAT(load.report.first_error, HasSubstr("cannot connect: Connection refused"));
}

TEST(LoadRun, EndsAtOnceAndLeavesWhatIsInFlightUnfinished) {
  ScriptedEngine engine([](const Sent&, Answer& answer) { answer.Wait(seconds(120)); });
  Load load(ServerUrl::Local(engine.port()), 3, 0);
  LoadRun run(load.loop, *load.server, load.workload, load.recorder, load.options);
  run.Run([&](SteadyTime now) -> std::optional<SteadyTime> {
    if (engine.posts() == 3) return std::nullopt;
    return now + milliseconds(1);
  });
  ASSERT_THAT(load.recorder.records(), SizeIs(3));
  for (const RequestRecord& record : load.recorder.records()) EXPECT_EQ(record.outcome, RequestOutcome::kInFlight);
}

TEST(LoadRun, ASimulatedEngineSaysSo) {
  ScriptedEngine engine([](const Sent&, Answer& answer) {
    answer.Begin("X-Simulated: true\r\n");
    answer.Text(" x");
    answer.Finish(16, 1);
  });
  Load load(ServerUrl::Local(engine.port()), 1, 1);
  load.Run();
  EXPECT_TRUE(load.report.simulated);
}

TEST(LoadRun, HundredsOfConnectionsAtOnce) {
  ScriptedEngine engine(
      [](const Sent&, Answer& answer) { answer.Completion(16, 8, milliseconds(5), milliseconds(1)); });
  Load load(ServerUrl::Local(engine.port()), 300, 1200);
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 1200);
  EXPECT_EQ(load.errors(), 0) << load.report.first_error;
  EXPECT_LE(engine.connections(), 300);
}

TEST(LoadRun, AnOpenLoopDoesNotWaitForAnswers) {
  std::atomic<int> arrived = 0;
  ScriptedEngine engine([&](const Sent&, Answer& answer) {
    // Nobody is answered before twenty are here.
    ++arrived;
    while (arrived < 20 && answer.Wait(milliseconds(1))) {
    }
    answer.Completion(16, 1);
  });
  Load load(ServerUrl::Local(engine.port()), 1, 20);
  load.options.load = measurement::RequestRate(200);
  load.options.arrival.process = measurement::ArrivalProcess::kConstant;
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 20);
  const auto records = load.recorder.records();
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_GE(records[i].start, milliseconds(5) * i) << "never early";
    EXPECT_EQ(records[i].start - records[i].lag, milliseconds(5) * i) << "and how late it was is known";
  }
}

TEST(LoadRun, ARequestWithoutAPlaceWaitsOnItsOwnClock) {
  ScriptedEngine engine([](const Sent&, Answer& answer) { answer.Completion(16, 1, milliseconds(100)); });
  Load load(ServerUrl::Local(engine.port()), 1, 6);
  load.options.load = measurement::RequestRate(1000);
  load.options.arrival.process = measurement::ArrivalProcess::kConstant;
  load.options.max_in_flight = 2;
  load.Run();
  EXPECT_EQ(engine.most_in_flight(), 2);
  const auto records = load.recorder.records();
  ASSERT_THAT(records, SizeIs(6));
  EXPECT_EQ(records[5].start, milliseconds(5)) << "when it was due";
  EXPECT_GE(records[2].held, milliseconds(90)) << "the client has no place for it until the first is answered";
  EXPECT_GE(records[5].events[0], 290'000u) << "two were answered at a time, and it waited for the third pair";
}

TEST(LoadRun, ChatConversationsCarryTheirAnswers) {
  std::mutex mutex;
  std::vector<nlohmann::json> bodies;
  ScriptedEngine engine([&](const Sent& request, Answer& answer) {
    {
      const std::lock_guard lock(mutex);
      bodies.push_back(nlohmann::json::parse(request.body));
    }
    EXPECT_EQ(request.path, "/v1/chat/completions");
    answer.Begin();
    answer.Event(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})");
    answer.Event(R"({"choices":[{"delta":{"content":"it is \"x\""}}]})");
    answer.Event(R"({"choices":[{"delta":{"content":" indeed"}}]})");
    answer.Finish(16, 2);
  });
  BenchSpec spec = Load::Spec();
  spec.endpoint = measurement::Endpoint::kChat;
  spec.turns.mean = 1000;
  Load load(ServerUrl::Local(engine.port()), 1, 3, spec);
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 3);
  const std::lock_guard lock(mutex);
  ASSERT_GE(bodies.size(), 3u);
  ASSERT_EQ(bodies[2]["messages"].size(), 5u);
  EXPECT_EQ(bodies[2]["messages"][3]["content"], "it is \"x\" indeed");
}

// As a whole body, which TlsHub sends: what matters here is the encryption.
TlsHub::Answer Completion() {
  std::string body;
  for (int i = 0; i < 3; ++i) body += "data: {\"choices\":[{\"text\":\" x\"}]}\n\n";
  body += "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
  return {200, body, {{"Content-Type", "text/event-stream"}}};
}

class TlsLoadRun : public testing::Test {
 protected:
  TlsLoadRun() : hub_([](const TlsHub::Request&) { return Completion(); }) {
    ::setenv("SSL_CERT_FILE", hub_.authority_file().c_str(), 1);
  }
  ~TlsLoadRun() override { ::unsetenv("SSL_CERT_FILE"); }
  TlsHub hub_;
};

TEST_F(TlsLoadRun, SpeaksTlsAndSendsTheToken) {
  ServerUrl url = *ServerUrl::Parse(hub_.endpoint() + "/proxy/v1/");
  url.token = "secret";
  Load load(url, 2, 6);
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 6) << load.report.first_error;
  for (const TlsHub::Request& request : hub_.requests()) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/proxy/v1/completions");
    EXPECT_EQ(request.authorization, "Bearer secret");
  }
}

TEST_F(TlsLoadRun, AnAddressIsCheckedAgainstTheCertificateToo) {
  Load load(*ServerUrl::Parse(hub_.endpoint("127.0.0.1")), 1, 1);
  load.Run();
  EXPECT_EQ(load.recorder.succeeded(), 1) << load.report.first_error;
}

TEST_F(TlsLoadRun, ACertificateOfAnotherAuthorityIsNotAccepted) {
  ::setenv("SSL_CERT_FILE", "/dev/null", 1);
  Load load(*ServerUrl::Parse(hub_.endpoint()), 1, 1);
  load.Run();
  EXPECT_EQ(load.errors(), 1);
  EXPECT_THAT(load.report.first_error, StartsWith("TLS handshake failed: the server's certificate is not accepted: "));
  EXPECT_THAT(load.report.first_error,
              HasSubstr("; set SSL_CERT_FILE to a file with the certificate of its authority"));
}

TEST_F(TlsLoadRun, ACertificateOfAnotherNameIsNotAccepted) {
  Load load(*ServerUrl::Parse(hub_.endpoint("127.0.0.2")), 1, 1);  // the same listener, another name
  load.Run();
  EXPECT_EQ(load.errors(), 1) << "the hub listens on 127.0.0.1 only";
}

TEST(LoadRun, SaysThatAServerHasNoTls) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  for (const std::string answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", ""}) {
    std::thread server([&] {
      const int fd = ::accept(listener, nullptr, nullptr);
      char hello[4096];
      EXPECT_GT(::recv(fd, hello, sizeof hello, 0), 0);
      EXPECT_EQ(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
      ::close(fd);
    });
    Load load(*ServerUrl::Parse("https://127.0.0.1:" + std::to_string(ntohs(address.sin_port))), 1, 1);
    load.Run();
    server.join();
    EXPECT_THAT(load.report.first_error, StartsWith("TLS handshake failed: "));
    EXPECT_THAT(load.report.first_error, HasSubstr("use http:// instead of https://"));
  }
  ::close(listener);
}

TEST(ServerUrl, KnowsTheEndpointOfARequestsUrl) {
  EXPECT_EQ(ServerUrl::Parse("http://h/v1/chat/completions")->endpoint, measurement::Endpoint::kChat);
  EXPECT_EQ(ServerUrl::Parse("http://h/v1/completions/")->endpoint, measurement::Endpoint::kCompletions);
  EXPECT_EQ(ServerUrl::Parse("http://h/v1")->endpoint, std::nullopt);
}

TEST(ServerUrl, ReadsWhatPeopleWrite) {
  const struct {
    const char *text, *as;
  } kCases[] = {
      {"http://localhost:8000", "http://localhost:8000"},
      {"http://h", "http://h"},
      {"https://h/", "https://h"},
      {"https://h:443", "https://h"},
      {"https://h:8443/openai/v1/", "https://h:8443/openai"},
      {"http://[::1]:8000/v1", "http://[::1]:8000"},
      {"http://gateway/llm/v1/chat/completions", "http://gateway/llm"},
      {"http://host:8000/v1/completions/", "http://host:8000"},
      {"http://127.0.0.1:80", "http://127.0.0.1"},
  };
  for (const auto& row : kCases) {
    const auto url = ServerUrl::Parse(row.text);
    ASSERT_TRUE(url.ok()) << url.error().message;
    EXPECT_EQ(url->ToString(), row.as);
  }
}

TEST(ServerUrl, RefusesTheRestWithAReason) {
  const struct {
    const char *text, *reason;
  } kCases[] = {
      {"localhost:8000", "begins with neither"},
      {"ftp://h", "begins with neither"},
      {"http://", "has no host"},
      {"http://h:0", "\"0\" is not a port"},
      {"http://h:70000", "is not a port"},
      {"http://h:8o", "is not a port"},
      {"http://u:p@h", "OPENAI_API_KEY"},
      {"http://h/?x=1", "query"},
      {"http://h /", "an invalid character"},
      {"http://h\r\nX: y", "an invalid character"},
  };
  for (const auto& row : kCases) {
    const auto url = ServerUrl::Parse(row.text);
    ASSERT_FALSE(url.ok()) << row.text;
    EXPECT_THAT(url.error().message, HasSubstr(row.reason));
  }
}

TEST(Server, ATokenThatWouldBeAnotherHeaderIsRefused) {
  ServerUrl url = ServerUrl::Local(80);
  url.token = "a\r\nX: y";
  EXPECT_THAT(Server::Make(url).error().message, HasSubstr("the token contains an invalid character"));
}

TEST(Server, AnUnknownNameSaysSo) {
  EXPECT_THAT(Server::Make(*ServerUrl::Parse("http://no-such-host.invalid")).error().message,
              HasSubstr("http://no-such-host.invalid: the name cannot be resolved: "));
}

TEST(Recorder, WritesOneLineARequest) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("records.jsonl");
  const SteadyTime origin = std::chrono::steady_clock::now();
  Recorder recorder(origin);
  const std::size_t first = recorder.Start(origin + milliseconds(1), origin + milliseconds(3), {"", 16, 2});
  recorder.Output(first, 1, origin + milliseconds(53), origin + milliseconds(54));
  recorder.Output(first, 1, origin + milliseconds(63), origin + milliseconds(63));
  recorder.End(first, RequestOutcome::kOk, origin + milliseconds(70), CompletionStream::Usage{17, 2});
  recorder.Start(origin, origin, {"", 16, 2});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(AppendRecords(path, "D(16,2)", measurement::Concurrency(2), recorder.records()).ok());
  }
  std::ifstream file(path);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  ASSERT_THAT(lines, SizeIs(4)) << "appended, point after point";
  const char* expected = R"json({"scenario":"D(16,2)","concurrency":2.0,"startMs":3.0,"lagMs":2.0,"outcome":"Ok",
      "inputTokens":17,"askedTokens":2,"outputTokens":2,"ttftMs":50.0,"e2eMs":60.0,"eventsMs":[50.0,60.0]})json";
  EXPECT_EQ(lines[0], nlohmann::json::parse(expected));
  EXPECT_EQ(lines[1]["outcome"], "InFlight");
  EXPECT_THAT(AppendRecords("/nowhere/x", "", {}, {}).error().message, HasSubstr("/nowhere/x: No such file"));
}

}  // namespace
}  // namespace autotune::bench
