#include "base/json_text.h"

#include <algorithm>
#include <cstddef>

namespace base {

namespace {

// Reads forward. After the first thing that is not JSON it is at no position any more, and every step fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { SkipSpace(); }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool AtEnd() const { return at_ == text_.size(); }
  [[nodiscard]] bool Next(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool Fail() {
    at_ = text_.size();
    return ok_ = false;
  }
  // Steps over `c` and the space behind it.
  bool Take(char c) {
    if (!Next(c)) return false;
    ++at_;
    SkipSpace();
    return true;
  }
  bool Expect(char c) { return Take(c) || Fail(); }

  // Each steps over one value and the space behind it, and returns the value.
  std::string_view String() {
    const std::size_t begin = at_;
    if (!Next('"')) return Bad();
    if (!SkipString()) return {};
    return Taken(begin);
  }
  std::string_view Value() {
    const std::size_t begin = at_;
    if (Next('"')) return String();
    if (!(Next('{') || Next('[') ? SkipNested() : SkipPlain())) return {};
    return Taken(begin);
  }

  // Calls `step` at each member's or element's begin; it steps over that.
  template <typename Step>
  bool Each(char open, char close, const Step& step) {
    if (!Expect(open)) return false;
    if (Take(close)) return true;
    do {
      step();
      if (!ok_) return false;
    } while (Take(','));
    return Expect(close);
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  std::string_view Bad() {
    Fail();
    return {};
  }
  std::string_view Taken(std::size_t begin) {
    const std::string_view value = text_.substr(begin, at_ - begin);
    SkipSpace();
    return value;
  }
  // From the opening quote to behind the closing one.
  bool SkipString() {
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        at_ = i + 1;
        return true;
      }
      if (text_[i] == '\\') ++i;
    }
    return Fail();
  }
  bool SkipNested() {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      switch (text_[at_]) {
        case '"':
          if (!SkipString()) return false;
          continue;
        case '{':
        case '[':
          ++depth;
          break;
        case '}':
        case ']':
          --depth;
          break;
        default:
          break;
      }
      ++at_;
      if (depth == 0) return true;
    }
    return Fail();
  }
  // A number, true, false, null.
  bool SkipPlain() {
    const std::size_t end = std::min(text_.find_first_of(",]}\" \n\t\r:", at_), text_.size());
    if (end == at_) return Fail();
    at_ = end;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

std::string_view Unquoted(std::string_view text) { return text.size() < 2 ? text : text.substr(1, text.size() - 2); }

void CopyObject(Scanner& scanner, const JsonPaths::Node& node, std::string& out);

// Arrays in arrays are copied whole: no path leads into them, and their depth is the sender's.
void CopyValue(Scanner& scanner, const JsonPaths::Node& node, std::string& out) {
  if (scanner.Next('{')) return CopyObject(scanner, node, out);
  if (!scanner.Next('[')) {
    out += scanner.Value();
    return;
  }
  out += '[';
  bool first = true;
  scanner.Each('[', ']', [&] {
    if (!first) out += ',';
    first = false;
    if (scanner.Next('{')) return CopyObject(scanner, node, out);
    out += scanner.Value();
  });
  out += ']';
}

void CopyObject(Scanner& scanner, const JsonPaths::Node& node, std::string& out) {
  out += '{';
  bool first = true;
  scanner.Each('{', '}', [&] {
    const std::string_view name = scanner.String();
    if (!scanner.Expect(':')) return;
    const JsonPaths::Node* below = node.Find(Unquoted(name));
    const bool other =
        !node.but.empty() && std::find(node.but.begin(), node.but.end(), Unquoted(name)) == node.but.end();
    if (other || (below != nullptr && below->listed)) {
      scanner.Value();
      return;
    }
    if (!first) out += ',';
    first = false;
    out += name;
    out += ':';
    if (below != nullptr) return CopyValue(scanner, *below, out);
    out += scanner.Value();
  });
  out += '}';
}

}  // namespace

bool EachJsonMember(std::string_view object,
                    const std::function<void(std::string_view name, std::string_view value)>& member) {
  Scanner scanner(object);
  return scanner.Each('{', '}', [&] {
    const std::string_view name = Unquoted(scanner.String());
    if (!scanner.Expect(':')) return;
    const std::string_view value = scanner.Value();
    if (scanner.ok()) member(name, value);
  }) && scanner.AtEnd();
}

std::optional<std::string_view> FirstJsonMember(std::string_view object, std::string_view name) {
  Scanner scanner(object);
  std::optional<std::string_view> found;
  scanner.Each('{', '}', [&] {
    const std::string_view member = Unquoted(scanner.String());
    if (!scanner.Expect(':')) return;
    const std::string_view value = scanner.Value();
    if (!scanner.ok() || member != name) return;
    found = value;
    scanner.Fail();  // far enough
  });
  return found;
}

bool EachJsonElement(std::string_view array, const std::function<void(std::string_view value)>& element) {
  Scanner scanner(array);
  return scanner.Each('[', ']', [&] {
    const std::string_view value = scanner.Value();
    if (scanner.ok()) element(value);
  }) && scanner.AtEnd();
}

JsonPaths::JsonPaths(std::initializer_list<std::string_view> paths) {
  for (std::string_view path : paths) {
    Node* node = &root_;
    while (!path.empty() && path.front() != '{') {
      const std::size_t dot = std::min(path.find('.'), path.size());
      const std::string_view name = path.substr(0, dot);
      path.remove_prefix(std::min(dot + 1, path.size()));
      auto found = std::find_if(node->below.begin(), node->below.end(), [&](const Node& n) { return n.name == name; });
      if (found == node->below.end()) found = node->below.insert(found, Node{std::string(name), false, {}, {}});
      node = &*found;
    }
    if (path.empty()) {
      node->listed = true;
      continue;
    }
    path.remove_prefix(1);
    while (!path.empty()) {
      const std::size_t end = std::min(path.find_first_of(",}"), path.size());
      node->but.emplace_back(path.substr(0, end));
      path.remove_prefix(std::min(end + 1, path.size()));
    }
  }
}

const JsonPaths::Node* JsonPaths::Node::Find(std::string_view of) const {
  const auto found = std::find_if(below.begin(), below.end(), [&](const Node& n) { return n.name == of; });
  return found == below.end() ? nullptr : &*found;
}

std::optional<std::string> WithoutJsonMembers(std::string_view json, const JsonPaths& paths) {
  Scanner scanner(json);
  std::string out;
  CopyValue(scanner, paths.root(), out);
  if (!scanner.ok() || !scanner.AtEnd()) return std::nullopt;
  return out;
}

}  // namespace base
