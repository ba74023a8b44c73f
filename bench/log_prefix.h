// Prefixes that other programs wrote before each line of a log: `kubectl logs --prefix`, docker compose, a service
// manager, a program that starts the engine, quotation marks of a report.
//
// Pure, thread-safe. Needs the whole log: a prefix is what most lines begin with, apart from numbers. A pod's own log
// has only prefixes that log_line.h removes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace autotune::bench {

// The log without such a prefix, and without colours whose escape character was lost. Unchanged if no prefix is
// certain: at least three fifths of the lines must begin with it. It must also be a service name of Docker Compose,
// or be followed by an engine's own prefix (a process, a time in brackets, a level with its place) in two or more
// lines.
std::string WithoutPrefix(std::string_view log);

// The log with its first line first: consoles of clusters export the newest line first. Unchanged unless the times at
// the beginning of its lines (ISO 8601, with date) go back at least three times, and five times as often as they go
// forward.
std::string OldestFirst(std::string_view log);

// The log of one of several servers that `docker compose logs` prints together.
struct ServiceLog {
  std::string name;
  std::string log;  // without "NAME  | "
};

// One entry per service, in order of appearance; empty unless at least two of them start or serve a model. A line
// without a name belongs to the service before it; "NAME exited with code 1 (restarting)" belongs to NAME.
std::vector<ServiceLog> ServicesOf(std::string_view log);

}  // namespace autotune::bench
