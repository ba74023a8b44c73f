#include "checkpoint/python_json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

// Python gives up at its recursion limit, 1000; a model's configuration nests five deep.
constexpr int kMaxDepth = 200;

std::string Position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t start = before.rfind('\n');
  const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// The text in strict JSON, and where it has become longer or shorter.
struct Strict {
  struct Shift {
    std::size_t at;             // in `text`
    std::ptrdiff_t difference;  // of later offsets: original minus strict
  };
  std::string text;
  std::vector<Shift> shifts;
  std::size_t too_deep = std::string::npos;  // offset in the original

  [[nodiscard]] std::size_t Original(std::size_t offset) const {
    std::ptrdiff_t difference = 0;
    for (const Shift& shift : shifts) {
      if (shift.at <= offset) difference = shift.difference;
    }
    return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(offset) + difference);
  }
};

// Of a constant or a number beyond a double (1e999 is Infinity in Python) at the beginning of `text`; 0 = neither.
std::size_t LengthOfNoNumber(std::string_view text) {
  static constexpr std::array<std::string_view, 3> kConstants = {"-Infinity", "Infinity", "NaN"};
  for (const std::string_view constant : kConstants) {
    if (text.starts_with(constant)) return constant.size();
  }
  if (text.front() != '-' && std::isdigit(static_cast<unsigned char>(text.front())) == 0) return 0;
  const std::size_t length = std::min(text.find_first_not_of("0123456789+-.eE"), text.size());
  // The largest double has 309 digits; shorter numbers exceed it only by their exponent.
  const bool may_exceed = length > 308 || text.substr(0, length).find_first_of("eE") != std::string_view::npos;
  if (!may_exceed) return 0;
  const std::string number(text.substr(0, length));
  char* end = nullptr;
  const bool infinite = std::isinf(std::strtod(number.c_str(), &end));
  return infinite && *end == '\0' ? length : 0;
}

Strict ToStrict(std::string_view text) {
  Strict strict;
  strict.text.reserve(text.size());
  bool in_string = false;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      strict.text += c;
      if (c == '\\' && i + 1 < text.size()) strict.text += text[++i];
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kMaxDepth) {
      strict.too_deep = i;
      return strict;
    }
    // A constant within a longer word is an error of its own.
    const bool within_word = i > 0 && std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0;
    const std::size_t length = within_word ? 0 : LengthOfNoNumber(text.substr(i));
    if (length == 0) {
      strict.text += c;
      continue;
    }
    strict.text += "null";
    i += length - 1;
    strict.shifts.push_back(
        {strict.text.size(), static_cast<std::ptrdiff_t>(i + 1) - static_cast<std::ptrdiff_t>(strict.text.size())});
  }
  return strict;
}

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ...": what follows the
// position.
std::string Cause(std::string_view message) {
  const std::size_t column = message.find("column ");
  const std::size_t colon = message.find(": ", column == std::string_view::npos ? 0 : column);
  std::string cause(colon == std::string_view::npos ? message : message.substr(colon + 2));
  // What was read last repeats the file, in whatever encoding.
  const std::size_t last_read = cause.find("; last read");
  if (last_read != std::string::npos) {
    const std::size_t expected = cause.find("; expected", last_read);
    cause = cause.substr(0, last_read) + (expected == std::string::npos ? "" : cause.substr(expected));
  }
  return cause;
}

}  // namespace

base::Result<json> ParsePythonJson(std::string_view text, const std::string& file) {
  if (text.starts_with("version https://git-lfs"))
    return base::Invalid(file +
                         ": is a git-lfs pointer, not the file itself: the repository was cloned without git-lfs");
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return base::Invalid(file + ": is UTF-16: engines read UTF-8 only");
  if (text.starts_with("\xEF\xBB\xBF"))
    return base::Invalid(file + ": begins with a byte order mark, which engines do not read: save it without one");
  const Strict strict = ToStrict(text);
  if (strict.too_deep != std::string::npos) {
    return base::Invalid(file + ": " + Position(text, strict.too_deep) + ": nests more than " +
                         std::to_string(kMaxDepth) + " levels deep");
  }
  try {
    return json::parse(strict.text);
  } catch (const json::parse_error& error) {
    const std::size_t offset = error.byte > 0 ? error.byte - 1 : 0;
    return base::Invalid(file + ": " + Position(text, strict.Original(offset)) +
                         ": is not JSON: " + Cause(error.what()));
  } catch (const json::exception& error) {
    return base::Invalid(file + ": is not JSON: " + std::string(error.what()));
  }
}

base::Result<json> ParseObject(std::string_view text, const std::string& file) {
  auto value = ParsePythonJson(text, file);
  if (value && !value->is_object()) {
    return base::Invalid(file + ": is not a JSON object but " + std::string(value->type_name()));
  }
  return value;
}

}  // namespace autotune::checkpoint
