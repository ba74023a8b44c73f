// The form that a prompt asks an answer to have: "\boxed{...}", "Answer: ...",
// JSON, a letter repeated, steps first.
//
// Pure and thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace autotune::measurement {

struct AskedForm {
  std::string sign;            // a part of the prompt that asks for it
  std::string before, behind;  // of an ECMAScript expression around a letter;
                               // both empty: the form is not known
};

std::optional<AskedForm> FormAskedFor(const std::string& asked);

// Has a reference this form already?
bool HasForm(const AskedForm& form, std::string_view reference);

// A jq program for the rows that ask for `form`: it compares their letters in
// this form, their numbers by number, and their other texts by words, whichever
// `reference` is. "" = there is none. `key`: where jq finds the reference.
std::string ProgramOfForm(const AskedForm& form, const std::string& key, const std::string& reference);

}  // namespace autotune::measurement
