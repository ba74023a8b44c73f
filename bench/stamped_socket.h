// Reads a socket together with the time at which the network delivered the bytes, as stamped by the kernel: the time is
// right also if the program waited for a CPU.
//
// Stateless. If the kernel stamps nothing (some sandboxes), the time of reading is used.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>

namespace autotune::bench {

// Enables the kernel's time stamps (SO_TIMESTAMPING); no effect if the kernel rejects it.
void EnableStamps(int fd);

struct StampedRead {
  ssize_t count = 0;                              // as of recv(); errno is kept
  std::chrono::steady_clock::time_point arrived;  // of the last byte, never after `seen`
  std::chrono::steady_clock::time_point seen;     // when it was read
};
// `wall_offset`: how far the wall clock, which the kernel uses, is ahead of the steady one.
StampedRead ReadStamped(int fd, std::span<char> buffer, std::chrono::nanoseconds wall_offset);

}  // namespace autotune::bench
