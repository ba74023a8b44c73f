// Texts that are programs: equal programs are written in many ways, so they cannot be compared as texts.
//
// Pure and thread-safe.
#pragma once

#include <string_view>

namespace autotune::measurement {

// Name of the kind of program: "a query" (SQL, SPARQL, Cypher), "a command" of a shell, "a program" in Python, C,
// Java or JavaScript. "" for other texts: a keyword ("SELECT DISTINCT"), the name of a function ("print()"), a
// formula.
std::string_view ProgramIn(std::string_view text);

}  // namespace autotune::measurement
