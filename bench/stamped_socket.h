// Reads a socket, with the kernel's timestamp of when the network delivered the bytes: it is correct even if the
// program waited for a CPU.
//
// Stateless. Without kernel timestamps (some sandboxes) the time of reading is used.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>

namespace autotune::bench {

// Enables the kernel's time stamps (SO_TIMESTAMPING); no effect if the kernel rejects it.
void EnableStamps(int fd);

struct StampedRead {
  ssize_t count = 0;                              // return value of recv(); errno is kept
  std::chrono::steady_clock::time_point arrived;  // of the last byte, never after `seen`
  std::chrono::steady_clock::time_point seen;     // when it was read
};
// `wall_offset`: wall clock (used by the kernel) minus steady clock.
StampedRead ReadStamped(int fd, std::span<char> buffer, std::chrono::nanoseconds wall_offset);

}  // namespace autotune::bench
