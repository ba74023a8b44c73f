// The form in which a prompt asks for the answer: "\boxed{...}", "Answer: ...", JSON, a letter repeated, reasoning
// steps first.
//
// Pure and thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace autotune::measurement {

struct AskedForm {
  std::string sign;            // part of the prompt that asks for this form
  std::string before, behind;  // ECMAScript expressions before and behind a letter;
                               // both empty: the form is not known
};

std::optional<AskedForm> FormAskedFor(const std::string& asked);

// True if `reference` already has this form.
bool HasForm(const AskedForm& form, std::string_view reference);

// A jq program for the rows that ask for `form`: it compares letters in this form, numbers by number,
// and other texts by words, depending on `reference`. `key`: jq key of the reference. "" = there is
// none.
std::string ProgramOfForm(const AskedForm& form, const std::string& key, const std::string& reference);

}  // namespace autotune::measurement
