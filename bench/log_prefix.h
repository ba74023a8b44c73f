// Prefixes that other programs wrote before each line of a log: `kubectl logs --prefix`, docker compose, a service
// manager, a program that starts the engine, a quotation in a report.
//
// Pure, thread-safe. Needs the whole log: a prefix is what most of its lines begin with, apart from numbers. Lines of a
// pod have only prefixes that log_line.h knows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace autotune::bench {

// The log without such a prefix, and without colours whose escape character got lost. Returns the log as it is where no
// prefix is certain: at least three fifths of the lines begin with it. It is the name of a service of Docker Compose,
// or an engine's own prefix (a process, a time in brackets, a level with its place) stands behind it in two lines or
// more.
std::string WithoutPrefix(std::string_view log);

// The log with its first line first: consoles of clusters export the newest line first. Returns it as it is unless the
// times at the beginning of its lines (ISO 8601, with date) go back at least three times, and five times as often as
// they go on.
std::string OldestFirst(std::string_view log);

// The log of one of several servers that `docker compose logs` prints together.
struct ServiceLog {
  std::string name;
  std::string log;  // without "NAME  | "
};

// One for each service, in order of appearance; empty unless two of them or more start or serve a model. A line without
// a name belongs to the service before it, "NAME exited with code 1 (restarting)" to NAME.
std::vector<ServiceLog> ServicesOf(std::string_view log);

}  // namespace autotune::bench
