// Views of JSON text: members and elements without building values, and copies that leave members out.
//
// Pure. Only quotes, brackets and commas are checked; the parser of a value finds errors inside it. A cache that keeps
// a hundredth of each object therefore reads at the speed of a copy, not of a parser.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

// Calls `member` with each member's name and value, in order; both are parts of `object`, the name without quotes,
// escapes as written. Returns false if `object` is not one whole object; `member` may have run by then.
bool EachJsonMember(std::string_view object,
                    const std::function<void(std::string_view name, std::string_view value)>& member);

// The value of the first member of this name; nullopt if there is none before the first error.
std::optional<std::string_view> FirstJsonMember(std::string_view object, std::string_view name);

// As EachJsonMember, for the elements of an array.
bool EachJsonElement(std::string_view array, const std::function<void(std::string_view value)>& element);

// Paths of members: "spec.containers.env". A path has no part for an array: it applies to all elements.
// "status.rows.{name,state}" means all members of the rows except these two.
class JsonPaths {
 public:
  JsonPaths() = default;
  JsonPaths(std::initializer_list<std::string_view> paths);

  struct Node {
    std::string name;
    bool listed = false;  // the path ends here
    std::vector<Node> below;
    std::vector<std::string> but;  // all members except these are listed; empty = not used
    [[nodiscard]] const Node* Find(std::string_view name) const;
  };
  [[nodiscard]] const Node& root() const { return root_; }

 private:
  Node root_;
};

// `json` without the members at `paths`. Returns nullopt if `json` is not one whole value.
std::optional<std::string> WithoutJsonMembers(std::string_view json, const JsonPaths& paths);

}  // namespace base
