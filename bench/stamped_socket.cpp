#include "bench/stamped_socket.h"

#include <linux/net_tstamp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace autotune::bench {
namespace {

// When the kernel received what `message` brought, on the wall clock; 0 where it does not say.
std::chrono::nanoseconds Stamp(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPING) continue;
    std::array<timespec, 3> stamps{};
    std::memcpy(stamps.data(), CMSG_DATA(part), sizeof stamps);
    return std::chrono::seconds(stamps[0].tv_sec) + std::chrono::nanoseconds(stamps[0].tv_nsec);
  }
  return {};
}

}  // namespace

void EnableStamps(int fd) {
  const int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
}

StampedRead ReadStamped(int fd, std::span<char> buffer, std::chrono::nanoseconds wall_offset) {
  std::array<char, 256> control;
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  StampedRead out;
  do {
    out.count = ::recvmsg(fd, &message, 0);
  } while (out.count < 0 && errno == EINTR);
  if (out.count <= 0) return out;
  out.seen = out.arrived = std::chrono::steady_clock::now();
  if (const auto stamp = Stamp(message); stamp.count() != 0) {
    out.arrived = std::min(out.seen, std::chrono::steady_clock::time_point(stamp - wall_offset));
  }
  return out;
}

}  // namespace autotune::bench
