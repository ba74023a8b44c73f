#include "bench/health_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

namespace autotune::bench {

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
  // "HTTP/1.1 200": the rest of the answer does not matter.
  constexpr std::size_t kStatusBytes = 12;
  char buffer[kStatusBytes];
  while (received_.size() < kStatusBytes) {
    const ssize_t n = ::recv(fd_, buffer, kStatusBytes - received_.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Answer::kPending;
    if (n <= 0) return End(Answer::kUnhealthy);
    received_.append(buffer, static_cast<std::size_t>(n));
  }
  const bool healthy = received_.starts_with("HTTP/1.") && std::string_view(received_).substr(8) == " 200";
  return End(healthy ? Answer::kHealthy : Answer::kUnhealthy);
}

}  // namespace autotune::bench
