// The probe endpoint against good and hostile clients on plain sockets.
#include "kube/runtime/health_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Socket {
 public:
  explicit Socket(std::uint16_t port, bool v6 = false) : fd_(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{20, 0};  // a broken server must fail the test, not hang it
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (v6) {
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(port);
      address.sin6_addr = in6addr_loopback;
      connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    } else {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void Send(const std::string& text) { (void)!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  // Everything until the server closes.
  std::string ReadAll() {
    std::string text;
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::recv(fd_, buffer, sizeof buffer, 0)) > 0) text.append(buffer, static_cast<std::size_t>(count));
    closed_ = count == 0 || errno == ECONNRESET;
    return text;
  }
  // One answer on a connection that stays open: until `end` has come.
  std::string ReadUntil(const std::string& end) {
    std::string text;
    char byte = 0;
    while (text.find(end) == std::string::npos && ::recv(fd_, &byte, 1, 0) == 1) text += byte;
    return text;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

class HealthServerTest : public ::testing::Test {
 protected:
  void Start(GetServerOptions options = {}) {
    options.port = 0;
    auto started = StartHealthServer(
        options, {{"loop", [this] { return alive ? base::Status() : base::Status(base::Retry("stuck for 70 s")); }}},
        {{"caches", [this] { return ready ? base::Status() : base::Status(base::Retry("pods not synced")); }},
         {"thrower",
          [this]() -> base::Status {
            if (throws) throw std::runtime_error("a bug");
            return {};
          }}},
        [this] {
          ++renders;
          hold_metrics.wait(true);
          return std::string("metric_a 1\n");
        });
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(started).value();
  }
  std::string Ask(const std::string& request) {
    Socket socket(server->port());
    socket.Send(request);
    return socket.ReadAll();
  }
  std::string Get(const std::string& path) {
    return Ask("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }

  std::atomic<bool> alive{true};
  std::atomic<bool> ready{true};
  std::atomic<bool> throws{false};
  std::atomic<bool> hold_metrics{false};
  std::atomic<int> renders{0};
  std::unique_ptr<GetServer> server;
};

TEST_F(HealthServerTest, AnswersProbesAndMetrics) {
  Start();
  EXPECT_THAT(Get("/healthz"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("[+]loop ok")));
  EXPECT_THAT(Get("/readyz?verbose"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("[+]caches ok")));
  EXPECT_THAT(Get("/metrics"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("version=0.0.4"), HasSubstr("metric_a 1")));
  EXPECT_THAT(Get("/etc/passwd"), StartsWith("HTTP/1.1 404"));
}

TEST_F(HealthServerTest, AFailingCheckIsNamedWithItsReason) {
  Start();
  ready = false;
  EXPECT_THAT(Get("/readyz"), AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("[-]caches failed: pods not synced")));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200")) << "readiness is not liveness";
  alive = false;
  EXPECT_THAT(Get("/healthz"), AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("stuck for 70 s")));
}

TEST_F(HealthServerTest, ACheckThatThrowsFails) {
  Start();
  throws = true;
  EXPECT_THAT(Get("/readyz"), AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("[-]thrower failed: a bug")));
  throws = false;
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HealthServerTest, RefusesWhatIsNotAPlainGet) {
  Start();
  struct Row {
    const char* name;
    std::string request;
    const char* status;
  };
  const Row rows[] = {
      {"POST", "POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405"},
      {"a body", "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 413"},
      {"large headers", "GET /healthz HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", "HTTP/1.1 431"},
      {"an endless header without an end", "GET /healthz HTTP/1.1\r\nX: " + std::string(100'000, 'x'), "HTTP/1.1 431"},
      {"no HTTP", "\x16\x03\x01 hello\r\n\r\n", "HTTP/1.1 400"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const std::string answer = Ask(row.request);
    // A peer that still sends when it is refused may see a reset instead of the answer.
    if (row.request.size() < 50'000) {
      EXPECT_THAT(answer, StartsWith(row.status));
    } else {
      EXPECT_TRUE(answer.empty() || answer.rfind(row.status, 0) == 0) << answer;
    }
  }
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HealthServerTest, KeepsAConnectionForSeveralRequests) {
  Start();
  Socket socket(server->port());
  for (int i = 0; i < 3; ++i) {
    socket.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(socket.ReadUntil("ok\nok\n"), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(HealthServerTest, AClientThatSendsSlowlyIsDropped) {
  GetServerOptions options;
  options.request_timeout = 200ms;
  Start(options);
  Socket silent(server->port());
  Socket halfway(server->port());
  halfway.Send("GET /healthz HTTP/1.1\r\nHo");
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(halfway.ReadAll(), "");
  EXPECT_TRUE(halfway.closed());
}

TEST_F(HealthServerTest, BeyondTheLimitTheOldestConnectionMakesRoom) {
  GetServerOptions options;
  options.max_connections = 2;
  Start(options);
  Socket first(server->port());
  Socket second(server->port());
  // Both are accepted for sure once they have been answered.
  for (Socket* socket : {&first, &second}) {
    socket->Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_THAT(socket->ReadUntil("ok\nok\n"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(first.ReadAll(), "");
  EXPECT_TRUE(first.closed());
  second.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(second.ReadUntil("ok\nok\n"), StartsWith("HTTP/1.1 200")) << "only as many as needed are closed";
}

TEST_F(HealthServerTest, ProbesAreAnsweredWhileMetricsAreRendered) {
  GetServerOptions options;
  options.max_connections = 8;
  Start(options);
  hold_metrics = true;
  std::vector<std::unique_ptr<Socket>> scrapers;
  for (int i = 0; i < 7; ++i) {
    scrapers.push_back(std::make_unique<Socket>(server->port()));
    scrapers.back()->Send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  while (renders == 0) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
  hold_metrics = false;
  hold_metrics.notify_all();
  for (const auto& scraper : scrapers) EXPECT_THAT(scraper->ReadAll(), HasSubstr("metric_a 1"));
  EXPECT_LE(renders, 7);
}

TEST_F(HealthServerTest, EndsWhileMetricsAreRendered) {
  Start();
  hold_metrics = true;
  Socket scraper(server->port());
  scraper.Send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  while (renders == 0) std::this_thread::yield();
  std::thread release([&] {
    hold_metrics = false;
    hold_metrics.notify_all();
  });
  server.reset();
  release.join();
  scraper.ReadAll();
  EXPECT_TRUE(scraper.closed());
}

TEST_F(HealthServerTest, ListensOnIpv6AndIpv4) {
  Start();
  Socket probe(server->port(), /*v6=*/true);
  if (!probe.connected()) GTEST_SKIP() << "SKIPPED: no IPv6 on this machine; IPv4 is covered by the other tests";
  probe.Send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(probe.ReadAll(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST(ParseListenAddress, TakesAnAddressOfEitherKindOrNone) {
  const struct {
    const char* text;
    const char* address;
    std::uint16_t port;
  } rows[] = {
      {":8081", "", 8081}, {"127.0.0.1:0", "127.0.0.1", 0}, {"[::1]:65535", "::1", 65535}, {"[::]:8081", "::", 8081}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto options = ParseListenAddress(row.text);
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->address, row.address);
    EXPECT_EQ(options->port, row.port);
  }
}

TEST(ParseListenAddress, RefusesWhatIsNone) {
  for (const char* text : {"", ":", "8081", ":65536", ":80a", ":-1", "::1:8081", "[::1:8081", "[]:8081",
                           "[127.0.0.1]:1", "localhost:8081", "127.0.0.1", "[::1]"}) {
    SCOPED_TRACE(text);
    const auto options = ParseListenAddress(text);
    ASSERT_FALSE(options);
    EXPECT_THAT(options.error().message, HasSubstr("\"" + std::string(text) + "\" is not an address"));
  }
}

TEST_F(HealthServerTest, ListensOnTheIpv6AddressThatAFlagNames) {
  const auto options = ParseListenAddress("[::1]:0");
  ASSERT_TRUE(options) << options.error().message;
  auto started = StartHealthServer(*options, {}, {}, {});
  if (!started) GTEST_SKIP() << "SKIPPED: no IPv6 on this machine: " << started.error().message;
  Socket probe((*started)->port(), /*v6=*/true);
  probe.Send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(probe.ReadAll(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HealthServerTest, APortInUseIsAnErrorThatNamesIt) {
  Start();
  GetServerOptions options;
  options.port = server->port();
  const auto second = StartHealthServer(options, {}, {}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Code::kInvalid);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server->port())));
}

TEST_F(HealthServerTest, EndsWithOpenConnections) {
  Start();
  Socket open(server->port());
  open.Send("GET /hea");
  server.reset();
  open.ReadAll();
  EXPECT_TRUE(open.closed());
}

}  // namespace
}  // namespace kube::runtime
