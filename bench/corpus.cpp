#include "bench/corpus.h"

#include <algorithm>
#include <array>

#include "bench/corpus_files.h"

namespace autotune::bench {
namespace {

// Files of each part. In columns: foreign languages and formulas, programs, prose, and what explains or counts.
constexpr std::array<std::string_view, measurement::kQualityBlocks> kParts = {
    "notes languages", "snippets figures", "harbour",   "handbook",    //
    "anthology",       "toolchain",        "novella",   "survey",      //
    "chinese",         "scheduler",        "letters",   "operations",  //
    "russian",         "storage",          "interview", "lectures",    //
    "portuguese",      "gateway",          "mystery",   "records",     //
    "deutsch",         "frontend",         "assistant", "contract",    //
    "japanese",        "protocol",         "play",      "reasoning",   //
    "romance",         "compiler",         "history",   "medicine",    //
    "southern",        "firmware",         "cooking",   "statutes",    //
    "geometry",        "analysis",         "tickets",   "agents",
};

constexpr std::string_view kSeparator = "\n%%\n";  // between the short documents of a file

void AppendDocuments(std::string_view text, std::vector<std::string_view>& documents) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  for (std::size_t end = 0; (end = text.find(kSeparator)) != std::string_view::npos;) {
    documents.push_back(text.substr(0, end));
    text.remove_prefix(end + kSeparator.size());
  }
  documents.push_back(text);
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t end = 0; (end = text.find(' ')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    words.push_back(text.substr(0, end));
  }
  words.push_back(text);
  return words;
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
    std::vector<CorpusPart> out;
    for (std::size_t i = 0; i < kParts.size(); ++i) {
      CorpusPart& part = out.emplace_back(CorpusPart{kParts[i], i >= 2, i != 1, {}});
      for (const std::string_view file : Words(part.files)) AppendDocuments(CorpusFile(file), part.documents);
    }
    return out;
  }();
  return parts;
}

const std::vector<std::string_view>& GreedyPrompts() {
  static const std::vector<std::string_view> prompts = [] {
    std::vector<std::vector<std::string_view>> kinds;
    for (const CorpusPart& part : Corpus()) {
      if (part.is_long) continue;
      for (const std::string_view file : Words(part.files)) AppendDocuments(CorpusFile(file), kinds.emplace_back());
    }
    std::vector<std::string_view> out;
    for (std::size_t row = 0; out.size() < measurement::kGreedyPrompts; ++row) {
      for (const auto& documents : kinds) {
        if (row >= documents.size() || out.size() == measurement::kGreedyPrompts) continue;
        out.push_back(documents[row].substr(0, CutAt(documents[row], 0, documents[row].size() / 2)));
      }
    }
    return out;
  }();
  return prompts;
}

std::string TurnedRound(std::string_view text) {
  if (text.size() < 2) return std::string(text);
  const std::size_t half = CutAt(text, 0, text.size() / 2);
  return std::string(text.substr(half)) + '\n' + std::string(text.substr(0, half));
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
