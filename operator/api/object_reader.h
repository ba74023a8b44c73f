// ObjectReader: reads one JSON object field by field into C++ values, with bounds, and knows every field's path.
//
// Single-threaded, borrows the object and the error slot. The first error wins and makes every later call a no-op, so
// that a reader is a plain list of fields without a branch after each. An absent field and a null one are the same and
// leave the target, which holds the default, as it is: so does the API server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::api {

class ObjectReader {
 public:
  using json = nlohmann::json;
  // Treatment of unknown fields: a typo of the user (spec), or a field of a newer operator (status).
  enum class Unknown { kRefuse, kIgnore };
  enum class Presence { kOptional, kRequired };

  // `path` is the object's own: "spec.gpu".
  ObjectReader(const json& object, std::string path, std::optional<base::Error>& error, Unknown unknown);

  // Null when absent. Counts the field as known.
  const json* Get(std::string_view key);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string PathOf(std::string_view key) const;
  // Records `path: message`, unless there is an error already.
  void Fail(std::string_view key, const std::string& message);
  void FailAt(const std::string& path, const std::string& message);
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] std::optional<base::Error>& error() { return error_; }

  void Text(std::string_view key, std::string& out, Presence presence = Presence::kOptional,
            std::size_t max_length = kUnbounded);
  void Bool(std::string_view key, bool& out);
  void Integer(std::string_view key, int& out, std::int64_t min = std::numeric_limits<int>::min(),
               std::int64_t max = std::numeric_limits<int>::max());
  void Integer(std::string_view key, std::int64_t& out, std::int64_t min = std::numeric_limits<std::int64_t>::min(),
               std::int64_t max = std::numeric_limits<std::int64_t>::max());
  // A decimal in a string ("0.01"); decimals are strings in the API.
  void Decimal(std::string_view key, double& out);
  void Decimal(std::string_view key, std::optional<double>& out, double min, double max);
  // A decimal that stays text.
  void DecimalText(std::string_view key, std::string& out);
  // Whole seconds, at least `min`.
  void Duration(std::string_view key, std::chrono::seconds& out, std::chrono::seconds min, std::chrono::seconds max);
  // Milliseconds with their fraction: "61.3ms" is 61.3.
  void Milliseconds(std::string_view key, double& out);

  void Texts(std::string_view key, std::vector<std::string>& out, std::size_t max_items,
             std::size_t max_length = kUnbounded);
  void Integers(std::string_view key, std::vector<int>& out, std::int64_t min, std::int64_t max, std::size_t max_items);
  void TextMap(std::string_view key, std::map<std::string, std::string>& out, std::size_t max_items);
  // JSON that is only passed through.
  void PassObject(std::string_view key, json& out);
  void PassArray(std::string_view key, json& out, std::size_t max_items);

  // One of `names`; the index goes to `set`.
  void Choice(std::string_view key, std::span<const std::string_view> names,
              const std::function<void(std::size_t)>& set);
  // An object of its own; `read` is called only when it is there, and unknown fields in it are judged afterwards.
  void Nested(std::string_view key, const std::function<void(ObjectReader&)>& read);
  // An array of objects.
  void Each(std::string_view key, std::size_t max_items, const std::function<void(ObjectReader&)>& read);

  // Checks for unknown fields. Nested and Each call it for their children.
  void Finish();

  static constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

 private:
  const json* Typed(std::string_view key, json::value_t type, std::string_view expected);
  bool WithinItems(std::string_view key, const json& array, std::size_t max_items);

  const json& object_;
  std::string path_;
  std::optional<base::Error>& error_;
  Unknown unknown_;
  std::set<std::string, std::less<>> known_;
};

// "a string", "an object", ...: for messages.
std::string_view TypeName(const nlohmann::json& value);

}  // namespace autotune::api
