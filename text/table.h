// Text for terminals: columns, command lines, durations, differences of argument lists. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace autotune::text {

// Columns as wide as their widest cell, two spaces apart. Numbers are right-aligned. An empty column is left out.
class Table {
 public:
  enum class Align { kLeft, kRight };
  void AddColumn(std::string title, Align align = Align::kLeft);
  void AddRow(std::vector<std::string> cells);  // missing cells are empty
  // Lines longer than `width` characters wrap inside their widest cells; 0 = no wrapping.
  [[nodiscard]] std::string Text(std::string_view indent = "", std::size_t width = 0) const;
  // GitHub Markdown table. kText: cells are untrusted text, which is escaped; kMarkdown: cells are Markdown already.
  enum class Cells { kText, kMarkdown };
  [[nodiscard]] std::string Markdown(Cells cells) const;
  // For other renderings: the columns that are not empty, with their rows' cells.
  struct Content {
    std::vector<std::string> titles;
    std::vector<Align> aligns;
    std::vector<std::vector<std::string>> rows;
  };
  [[nodiscard]] Content Contents() const;

 private:
  struct Column {
    std::string title;
    Align align;
  };
  [[nodiscard]] std::vector<bool> Used() const;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Quotes a word so that a POSIX shell reads it back unchanged.
std::string ShellQuoted(const std::string& word);
// One line. If it is longer than `width` characters: one flag with its values per line, continued with backslashes.
std::string CommandLine(const std::vector<std::string>& argv, std::size_t width);

// Argument lists split into flags with values: those in all lists, and the others of each list.
struct ArgumentDifferences {
  std::vector<std::string> common;
  std::vector<std::vector<std::string>> own;  // parallel to the input
};
ArgumentDifferences CompareArguments(const std::vector<std::vector<std::string>>& lists);
std::string Joined(const std::vector<std::string>& words, std::string_view separator);

// Text escaped for Markdown and the HTML within it, on one line.
std::string MarkdownEscaped(std::string_view text);

// At most `width` characters, "..." at the end of a shortened text; one line.
std::string Shortened(std::string_view text, std::size_t width);

std::string Percent(double share, int decimals = 1);        // 0.0567: "5.7%"
std::string SignedPercent(double share, int decimals = 1);  // 0.0567: "+5.7%"
std::string TokensPerSecond(double value);                  // "1560.2": one decimal always, so that columns line up
std::string Milliseconds(double value);                     // "7.2 ms", "310 ms", "1.52 s"
std::string Bytes(double value);                            // "16.1 GB"
std::string Elapsed(double seconds);                        // "42s", "3m07s", "1h02m"

}  // namespace autotune::text
