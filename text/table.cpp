#include "text/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace autotune::text {
namespace {

// Characters, not bytes: continuation bytes of UTF-8 take no column.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Cut at spaces into lines of at most `width` characters, words that are longer inside.
std::vector<std::string> Wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (Width(text) > width) {
    std::size_t end = 0, space = 0;
    for (std::size_t columns = 0; end < text.size() && columns < width;) {
      ++end;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
      ++columns;
      if (end < text.size() && text[end] == ' ') space = end;
    }
    if (space > 0) end = space;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string Format(const char* format, auto... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// "-1" is a value, "--flag" and "-q" are flags.
bool IsFlag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

std::vector<std::vector<std::string>> Groups(const std::vector<std::string>& arguments) {
  std::vector<std::vector<std::string>> groups;
  for (const std::string& word : arguments) {
    if (groups.empty() || IsFlag(word)) groups.emplace_back();
    groups.back().push_back(word);
  }
  return groups;
}

}  // namespace

void Table::AddColumn(std::string title, Align align) { columns_.push_back({std::move(title), align}); }

void Table::AddRow(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<bool> Table::Used() const {
  std::vector<bool> used(columns_.size(), false);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) used[i] = used[i] || !row[i].empty();
  }
  return used;
}

std::string Table::Text(std::string_view indent, std::size_t width) const {
  constexpr std::size_t kNarrowest = 16;
  constexpr std::size_t kGap = 2;
  const std::vector<bool> used = Used();
  std::vector<std::size_t> widths;
  std::size_t total = Width(indent);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t column = Width(columns_[i].title);
    for (const auto& row : rows_) column = std::max(column, Width(row[i]));
    widths.push_back(used[i] ? column : 0);
    if (used[i]) total += column + kGap;
  }
  // The widest column gives way first.
  while (width > 0 && total > width + kGap) {
    const auto widest = std::ranges::max_element(widths);
    if (widest == widths.end() || *widest <= kNarrowest) break;
    --*widest;
    --total;
  }
  std::string text;
  const auto line = [&](const auto& cell_of) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      cells.push_back(used[i] ? Wrapped(cell_of(i), widths[i]) : std::vector<std::string>());
      height = std::max(height, cells.back().size());
    }
    for (std::size_t part = 0; part < height; ++part) {
      std::string out(indent);
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (!used[i]) continue;
        const std::string cell = part < cells[i].size() ? cells[i][part] : "";
        const std::string padding(widths[i] - std::min(widths[i], Width(cell)), ' ');
        out += columns_[i].align == Align::kRight ? padding + cell : cell + padding;
        out += std::string(kGap, ' ');
      }
      out.erase(out.find_last_not_of(' ') + 1);
      text += out + '\n';
    }
  };
  line([&](std::size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) line([&](std::size_t i) -> const std::string& { return row[i]; });
  return text;
}

Table::Content Table::Contents() const {
  const std::vector<bool> used = Used();
  Content content;
  content.rows.resize(rows_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!used[i]) continue;
    content.titles.push_back(columns_[i].title);
    content.aligns.push_back(columns_[i].align);
    for (std::size_t row = 0; row < rows_.size(); ++row) content.rows[row].push_back(rows_[row][i]);
  }
  return content;
}

std::string Table::Markdown(Cells cells) const {
  const std::vector<bool> used = Used();
  std::string text = "|";
  std::string rule = "|";
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!used[i]) continue;
    text += " " + columns_[i].title + " |";
    rule += columns_[i].align == Align::kRight ? "---:|" : "---|";
  }
  text += "\n" + rule + "\n";
  for (const auto& row : rows_) {
    text += "|";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!used[i]) continue;
      text += ' ';
      if (cells == Cells::kText) {
        text += MarkdownEscaped(row[i]);
      } else {
        for (const char c : row[i]) {
          if (c == '|') text += '\\';
          text += c == '\n' ? ' ' : c;
        }
      }
      text += " |";
    }
    text += '\n';
  }
  return text;
}

std::string ShellQuoted(const std::string& word) {
  static constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string CommandLine(const std::vector<std::string>& argv, std::size_t width) {
  std::vector<std::string> quoted;
  for (const std::string& word : argv) quoted.push_back(ShellQuoted(word));
  const std::string one_line = Joined(quoted, " ");
  if (one_line.size() <= width) return one_line;
  std::string text;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (i > 0) text += IsFlag(argv[i]) ? " \\\n    " : " ";
    text += quoted[i];
  }
  return text;
}

ArgumentDifferences CompareArguments(const std::vector<std::vector<std::string>>& lists) {
  ArgumentDifferences differences;
  if (lists.empty()) return differences;
  std::vector<std::vector<std::vector<std::string>>> groups;
  for (const auto& list : lists) groups.push_back(Groups(list));
  const auto in_all = [&](const std::vector<std::string>& group) {
    return lists.size() > 1 && std::all_of(groups.begin(), groups.end(), [&](const auto& other) {
             return std::find(other.begin(), other.end(), group) != other.end();
           });
  };
  for (const auto& group : groups.front()) {
    if (in_all(group)) differences.common.insert(differences.common.end(), group.begin(), group.end());
  }
  for (const auto& list : groups) {
    std::vector<std::string> own;
    for (const auto& group : list) {
      if (!in_all(group)) own.insert(own.end(), group.begin(), group.end());
    }
    differences.own.push_back(std::move(own));
  }
  return differences;
}

std::string Joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += separator;
    text += words[i];
  }
  return text;
}

std::string MarkdownEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&') {
      escaped += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      escaped += ' ';
    } else {
      if (std::string_view("\\`*_[]|#~").find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
  }
  return escaped;
}

std::string Shortened(std::string_view text, std::size_t width) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (Width(line) <= width) return line;
  const std::size_t keep = width > 3 ? width - 3 : 0;
  std::size_t bytes = 0;
  for (std::size_t characters = 0; bytes < line.size(); ++bytes) {
    if ((static_cast<unsigned char>(line[bytes]) & 0xC0) != 0x80 && characters++ == keep) break;
  }
  return line.substr(0, bytes) + "...";
}

std::string Percent(double share, int decimals) { return Format("%.*f%%", decimals, share * 100); }
std::string SignedPercent(double share, int decimals) { return Format("%+.*f%%", decimals, share * 100); }

// First as the status has it, with two decimals: the same number is one text, before and after it was in a status.
std::string TokensPerSecond(double value) {
  return Format("%.1f", std::strtod(Format("%.2f", value).c_str(), nullptr));
}

std::string Milliseconds(double value) {
  if (!std::isfinite(value)) return "";
  if (value >= 10'000) return Format("%.1f s", value / 1000);
  if (value >= 1000) return Format("%.2f s", value / 1000);
  if (value >= 100) return Format("%.0f ms", value);
  return Format("%.1f ms", value);
}

std::string Bytes(double value) {
  if (value >= 1e12) return Format("%.1f TB", value / 1e12);
  if (value >= 1e9) return Format("%.1f GB", value / 1e9);
  if (value >= 1e6) return Format("%.0f MB", value / 1e6);
  return Format("%.0f bytes", value);
}

std::string Elapsed(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, seconds));
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  } else if (whole >= 60) {
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%llds", whole);
  }
  return text;
}

}  // namespace autotune::text
