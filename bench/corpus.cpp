#include "bench/corpus.h"

#include <algorithm>

#include "bench/corpus_files.h"

namespace autotune::bench {
namespace {

constexpr std::string_view kSeparator = "\n%%\n";  // between the short documents of a file

std::vector<std::string_view> Documents(std::string_view text) {
  std::vector<std::string_view> documents;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  for (std::size_t end = 0; (end = text.find(kSeparator)) != std::string_view::npos;) {
    documents.push_back(text.substr(0, end));
    text.remove_prefix(end + kSeparator.size());
  }
  documents.push_back(text);
  return documents;
}

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// The last place at or before `at`, and after `begin`, where a character starts; behind a line if one ends near.
std::size_t CutAt(std::string_view text, std::size_t begin, std::size_t at) {
  const std::size_t line = text.rfind('\n', at - 1);
  if (line != std::string_view::npos && line > begin + (at - begin) * 3 / 4) return line + 1;
  while (at > begin + 1 && !StartsCharacter(text[at])) --at;
  return at;
}

}  // namespace

const std::vector<CorpusPart>& Corpus() {
  static const std::vector<CorpusPart> parts = [] {
    std::vector<CorpusPart> out = {{"notes", false, true, 2, {}},    {"snippets", false, false, 2, {}},
                                   {"figures", false, false, 2, {}}, {"languages", false, false, 2, {}},
                                   {"harbour", true, true, 6, {}},   {"handbook", true, true, 6, {}},
                                   {"toolchain", true, true, 6, {}}, {"anthology", true, true, 6, {}}};
    for (CorpusPart& part : out) part.documents = Documents(CorpusFile(part.name));
    return out;
  }();
  return parts;
}

const std::vector<std::string_view>& GreedyPrompts() {
  static const std::vector<std::string_view> prompts = [] {
    std::vector<std::string_view> out;
    for (std::size_t row = 0; out.size() < measurement::kGreedyPrompts; ++row) {
      for (const CorpusPart& part : Corpus()) {
        if (part.is_long || row >= part.documents.size() || out.size() == measurement::kGreedyPrompts) continue;
        const std::string_view text = part.documents[row];
        out.push_back(text.substr(0, CutAt(text, 0, text.size() / 2)));
      }
    }
    return out;
  }();
  return prompts;
}

std::vector<std::string_view> CutText(std::string_view text, std::size_t most) {
  std::vector<std::string_view> pieces;
  std::size_t left = (text.size() + most - 1) / most;
  for (std::size_t begin = 0; begin < text.size();) {
    // A piece that ended early at a line makes the ones after it longer: then there is one more.
    left = std::max(left, (text.size() - begin + most - 1) / most);
    const std::size_t end =
        left <= 1 ? text.size() : CutAt(text, begin, begin + (text.size() - begin + left - 1) / left);
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
    if (left > 1) --left;
  }
  return pieces;
}

}  // namespace autotune::bench
