// HttpTransport against peers that no HTTPS server plays: a proxy, a server that says nothing, and the process itself.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <thread>

#include "tests/kube/transport_fixture.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using scripted::Reply;
using scripted::ScriptedServer;
using testing::ConfigFor;
using testing::Get;
using ::testing::HasSubstr;
using testing::MakeTransport;
using ::testing::Not;
using ::testing::StartsWith;

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Listens and, unless somebody accepts, never answers: the kernel completes the connections.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = Loopback(0);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

// Serves one client: reads its CONNECT, answers 200 and passes bytes on until one side closes. Returns the CONNECT.
std::string ServeOneConnect(const Listener& listener, std::uint16_t target_port) {
  const int client = ::accept(listener.fd(), nullptr, nullptr);
  if (client < 0) return "nobody came";
  std::string head;
  std::array<char, 16384> buffer{};
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t n = ::read(client, buffer.data(), buffer.size());
    if (n <= 0) break;
    head.append(buffer.data(), static_cast<std::size_t>(n));
  }
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Loopback(target_port);
  EXPECT_EQ(::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::string established = "HTTP/1.1 200 Connection established\r\n\r\n";
  EXPECT_EQ(::write(client, established.data(), established.size()), static_cast<ssize_t>(established.size()));
  std::array<pollfd, 2> sides{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
  for (bool open = true; open && ::poll(sides.data(), sides.size(), -1) > 0;) {
    for (std::size_t i = 0; i < sides.size(); ++i) {
      if (sides[i].revents == 0) continue;
      const ssize_t n = ::read(sides[i].fd, buffer.data(), buffer.size());
      open = n > 0 && ::send(sides[1 - i].fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) == n;
      if (!open) break;
    }
  }
  ::close(client);
  ::close(server);
  return head;
}

TEST(TransportPeer, GoesThroughAProxyThatSeesNoCredential) {
  ScriptedServer server;
  server.On("GET", "/a", Reply(200).Body("through"));
  const Listener proxy;
  std::string connect;
  std::jthread relay([&] { connect = ServeOneConnect(proxy, server.port()); });
  ClusterConfig config = ConfigFor(server);
  config.proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port());
  auto transport = MakeTransport(config);
  const auto answer = transport->Send(Get("/a"), {});
  ::shutdown(proxy.fd(), SHUT_RDWR);  // ends the wait for a client that never came
  transport.reset();
  relay.join();
  ASSERT_TRUE(answer.ok()) << answer.error().text;
  EXPECT_EQ(answer->body, "through");
  EXPECT_THAT(connect, StartsWith("CONNECT 127.0.0.1:" + std::to_string(server.port()) + " "));
  EXPECT_THAT(connect, Not(HasSubstr("secret-token-1")));
  EXPECT_EQ(server.Requests().at(0).Header("authorization"), "Bearer secret-token-1");
}

// The connection stands and the handshake never comes: both limits hold before there is any HTTP.
TEST(TransportPeer, AServerThatNeverShakesHandsIsATimeout) {
  const ScriptedServer trusted;
  const Listener mute;
  ClusterConfig config = ConfigFor(trusted);
  config.server = "https://127.0.0.1:" + std::to_string(mute.port());
  for (const bool idle : {true, false}) {
    SCOPED_TRACE(idle ? "idle timeout" : "total deadline");
    TransportOptions options;
    options.idle_timeout = idle ? 1s : 60s;
    Request request = Get("/a");
    request.deadline = idle ? 60s : 1s;
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = MakeTransport(config, options)->Send(request, {});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind, ErrorKind::kTimeout) << answer.error().text;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
  }
}

// The library starts 40 threads unless it is told otherwise, and its TLS streams are safe with one only.
TEST(TransportPeer, TheLibraryHasOneThread) {
  const ScriptedServer trusted;
  ClusterConfig config = ConfigFor(trusted);
  config.server = "https://127.0.0.1:1";
  const auto transport = MakeTransport(config);
  EXPECT_FALSE(transport->Send(Get("/a"), {}).ok());
  const std::filesystem::directory_iterator threads("/proc/self/task");
  // This one, the library's, its resolver's and the scripted server's.
  EXPECT_LE(std::distance(begin(threads), end(threads)), 6);
}

}  // namespace
}  // namespace kube
