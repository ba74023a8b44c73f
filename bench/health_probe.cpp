#include "bench/health_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/ascii_case.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024;

// True when the connection has nothing more to say although its server may keep it open.
bool IsWhole(std::string_view answer) {
  const std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string_view::npos) return false;
  const std::string_view body = answer.substr(head + 4);
  const std::string lower = base::AsciiLower(answer.substr(0, head + 2));
  constexpr std::string_view kLength = "\r\ncontent-length:";
  if (const std::size_t at = lower.find(kLength); at != std::string::npos) {
    return body.size() >= std::strtoul(lower.c_str() + at + kLength.size(), nullptr, 10);
  }
  if (lower.find("\r\ntransfer-encoding:") != std::string::npos) return body.ends_with("0\r\n\r\n");
  return false;
}

}  // namespace

HealthProbe::HealthProbe(int port, const std::string& path)
    : port_(port),
      request_("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
               "\r\nUser-Agent: autotune-launch\r\nAccept: */*\r\nConnection: close\r\n\r\n") {}

void HealthProbe::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

HealthProbe::Answer HealthProbe::End(Answer answer) {
  Close();
  return answer;
}

short HealthProbe::events() const { return sent_ < request_.size() ? POLLOUT : POLLIN; }

HealthProbe::Answer HealthProbe::Begin() {
  Close();
  sent_ = 0;
  received_.clear();
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Answer::kUnhealthy;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    return End(Answer::kUnhealthy);
  }
  return Answer::kPending;
}

HealthProbe::Answer HealthProbe::Continue() {
  if (fd_ < 0) return Answer::kUnhealthy;
  while (sent_ < request_.size()) {
    // A failed connect is reported here too.
    const ssize_t n = ::send(fd_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Answer::kPending;
    if (n < 0) return End(Answer::kUnhealthy);
    sent_ += static_cast<std::size_t>(n);
  }
  // The status is all that matters, but an answer that nobody reads is an exception in the engine's log.
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Answer::kPending;
    if (n > 0) received_.append(buffer.data(), static_cast<std::size_t>(n));
    if (n <= 0 || received_.size() > kMaxAnswer || IsWhole(received_)) break;
  }
  const bool healthy = received_.starts_with("HTTP/1.") && std::string_view(received_).substr(8).starts_with(" 200");
  return End(healthy ? Answer::kHealthy : Answer::kUnhealthy);
}

}  // namespace autotune::bench
