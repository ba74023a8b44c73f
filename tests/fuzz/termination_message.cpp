// The message that a pod leaves: written by our bench, cut by a kubelet, or by anything else that ran under that name.
#include <boost/crc.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/result.h"

namespace {

using namespace autotune;  // NOLINT(google-build-using-namespace): a test

// As bench/result.cpp frames a document. Without it no mutation would pass the checksum.
std::string Framed(std::string_view payload) {
  boost::crc_32_type crc;
  crc.process_bytes(payload.data(), payload.size());
  char head[64];
  std::snprintf(head, sizeof head, "AT1 %zu %08x ", payload.size(), static_cast<unsigned>(crc.checksum()));
  return head + std::string(payload);
}

void Check(std::string_view message) {
  // What was read fits into a message again, and says the same there.
  if (const auto run = bench::DecodeRun(message)) {
    const std::string again = bench::Encode(*run);
    const auto same = bench::DecodeRun(again);
    if (!same || same->points.size() != run->points.size() || same->failure.has_value() != run->failure.has_value())
      abort();
  }
  if (const auto inspect = bench::DecodeInspect(message)) {
    if (!bench::DecodeInspect(bench::Encode(*inspect))) abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check(text);
  Check(Framed(text));
  return 0;
}
