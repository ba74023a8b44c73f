// What somebody passed on is bytes from anywhere: no input may crash the search for prefixes, services and the order of
// time, or make more of a log than it holds.
#include "bench/log_prefix.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

namespace {

using autotune::bench::OldestFirst;
using autotune::bench::ServiceLog;
using autotune::bench::ServicesOf;
using autotune::bench::WithoutPrefix;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::size_t Lines(std::string_view log) { return static_cast<std::size_t>(std::ranges::count(log, '\n')); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view log(reinterpret_cast<const char*>(data), size);
  const std::string plain = WithoutPrefix(log);
  Require(plain.size() <= log.size() + 1);  // a last line without an end gets one
  Require(Lines(plain) <= Lines(log) + 1);
  const std::string in_order = OldestFirst(log);
  Require(in_order.size() <= log.size() + 1);
  Require(in_order == log || OldestFirst(in_order) == in_order);
  std::size_t taken = 0;
  std::set<std::string> names;
  for (const ServiceLog& service : ServicesOf(log)) {
    taken += service.log.size();
    Require(names.insert(service.name).second);
  }
  Require(taken <= log.size());
  return 0;
}
