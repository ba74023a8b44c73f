#include "report/difference.h"

#include <sstream>

namespace autotune::report {
namespace {

// Each line of `text` behind the sign.
std::string Signed(char sign, const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) out += std::string(1, sign) + "  " + line + "\n";
  return out;
}

}  // namespace

std::string PartText(api::Difference::Part part) {
  switch (part) {
    case api::Difference::Part::kImage:
      return "image";
    case api::Difference::Part::kArguments:
      return "arguments";
    case api::Difference::Part::kEnvironment:
      return "environment";
    case api::Difference::Part::kResources:
      return "resources";
    case api::Difference::Part::kNodeSelection:
      return "node selection";
  }
  return "";
}

std::string SideText(const api::Difference::Line& line, const std::string& value) {
  // An argument names its flag, and a container has one image.
  if (line.part == api::Difference::Part::kImage || value.starts_with('-')) return value;
  return line.field + ": " + value;
}

std::string DifferenceSummary(const api::Difference& difference) {
  const std::size_t lines = difference.lines.size();
  const std::string same = std::to_string(difference.same) + (difference.same == 1 ? " is" : " are") + " the same";
  if (lines == 0) return "nothing differs, " + same;
  return std::to_string(lines) + (lines == 1 ? " setting differs, " : " settings differ, ") + same;
}

std::string DifferenceText(const api::Difference& difference, const std::string& task) {
  std::string out = "--- Deployment " + difference.deployment + ", container " + difference.container + "\n+++ " +
                    difference.experiment + " of AutotuneTask " + task + "\n";
  std::string part;
  for (const api::Difference::Line& line : difference.lines) {
    if (PartText(line.part) != part) {
      part = PartText(line.part);
      out += " " + part + "\n";
    }
    if (line.running) out += Signed('-', SideText(line, *line.running));
    if (line.recommended) out += Signed('+', SideText(line, *line.recommended));
  }
  if (!difference.message.empty()) out += " " + difference.message + "\n";
  return out + " " + DifferenceSummary(difference) + "\n";
}

}  // namespace autotune::report
