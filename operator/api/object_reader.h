// ObjectReader: reads one JSON object field by field into C++ values, with limits, and reports errors by field path.
//
// Single-threaded; borrows the object and the error slot. After the first error every call is a no-op, so a reader is a
// plain list of fields without branches. An absent and a null field are equal: the target keeps its value, which is the
// default, as in the API server.
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
  // Treatment of unknown fields: in a spec they are typing errors, in a status fields of a newer operator.
  enum class Unknown { kRefuse, kIgnore };
  enum class Presence { kOptional, kRequired };

  // `path`: path of the object itself, "spec.gpu".
  ObjectReader(const json& object, std::string path, std::optional<base::Error>& error, Unknown unknown);

  // Returns null if the field is absent. Marks it as known.
  const json* Get(std::string_view key);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string PathOf(std::string_view key) const;
  // Records `path: message`, unless there is already an error.
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
  // A decimal in a string ("0.01"): the API's decimals are strings.
  void Decimal(std::string_view key, double& out);
  void Decimal(std::string_view key, std::optional<double>& out, double min, double max);
  // A decimal that is kept as text.
  void DecimalText(std::string_view key, std::string& out);
  // Whole seconds within [min, max].
  void Duration(std::string_view key, std::chrono::seconds& out, std::chrono::seconds min, std::chrono::seconds max);
  // Milliseconds with a fraction: "61.3ms" gives 61.3.
  void Milliseconds(std::string_view key, double& out);

  void Texts(std::string_view key, std::vector<std::string>& out, std::size_t max_items,
             std::size_t max_length = kUnbounded);
  void Integers(std::string_view key, std::vector<int>& out, std::int64_t min, std::int64_t max, std::size_t max_items);
  void TextMap(std::string_view key, std::map<std::string, std::string>& out, std::size_t max_items);
  // JSON that is passed through unchanged.
  void PassObject(std::string_view key, json& out);
  void PassArray(std::string_view key, json& out, std::size_t max_items);

  // One of `names`; `set` receives its index.
  void Choice(std::string_view key, std::span<const std::string_view> names,
              const std::function<void(std::size_t)>& set);
  // A nested object: `read` is called only if it is present; then its unknown fields are checked.
  void Nested(std::string_view key, const std::function<void(ObjectReader&)>& read);
  // An array of objects.
  void Each(std::string_view key, std::size_t max_items, const std::function<void(ObjectReader&)>& read);

  // Checks for unknown fields. Nested and Each call it for their objects.
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
