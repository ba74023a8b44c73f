// Reads a socket together with the time at which the network delivered the bytes, as the kernel noted it: a program
// that waits for a processor knows nevertheless when they came.
//
// Stateless. Where the kernel notes nothing (some sandboxes), it is the time of reading.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>

namespace autotune::bench {

// Asks for the kernel's notes (SO_TIMESTAMPING); without effect where it refuses.
void EnableStamps(int fd);

struct StampedRead {
  ssize_t count = 0;                              // as of recv(); errno is kept
  std::chrono::steady_clock::time_point arrived;  // of the last byte, never after `seen`
  std::chrono::steady_clock::time_point seen;     // when it was read
};
// `wall_offset`: how far the wall clock, which the kernel uses, is ahead of the steady one.
StampedRead ReadStamped(int fd, std::span<char> buffer, std::chrono::nanoseconds wall_offset);

}  // namespace autotune::bench
