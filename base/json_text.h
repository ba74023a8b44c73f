// Views of JSON text: its members and elements without building values, and copies without members that nobody reads.
//
// Pure. Only what separates values is looked at (quotes, brackets, commas): whoever parses a value then finds what is
// wrong inside. So a cache reads objects of which it keeps a hundredth at the speed of a copy, and not of a parser.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

// Calls `member` with the name and the value of each member, in order; both are parts of `object`, the name without its
// quotes and with its escapes as written. False if it is not one whole object; `member` may have been called by then.
bool EachJsonMember(std::string_view object,
                    const std::function<void(std::string_view name, std::string_view value)>& member);

// The value of the first member of this name, if what comes before it is right. Nothing behind it is looked at.
std::optional<std::string_view> FirstJsonMember(std::string_view object, std::string_view name);

// As EachJsonMember, for the elements of an array.
bool EachJsonElement(std::string_view array, const std::function<void(std::string_view value)>& element);

// Paths of members: "spec.containers.env". Arrays of objects have no part of their own in a path: it holds for all
// of their elements. "status.rows.{name,state}" are all members of the rows but these two.
class JsonPaths {
 public:
  JsonPaths() = default;
  JsonPaths(std::initializer_list<std::string_view> paths);

  struct Node {
    std::string name;
    bool listed = false;  // the path ends here
    std::vector<Node> below;
    std::vector<std::string> but;  // not empty: all members but these are listed
    [[nodiscard]] const Node* Find(std::string_view name) const;
  };
  [[nodiscard]] const Node& root() const { return root_; }

 private:
  Node root_;
};

// `json` without the members at `paths`. Nothing where it is not one whole value.
std::optional<std::string> WithoutJsonMembers(std::string_view json, const JsonPaths& paths);

}  // namespace base
