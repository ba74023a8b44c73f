// The text whose likelihood tells what a precision costs: bench/corpus/*.txt, compiled in.
//
// Written for this project, so that no model has read it. About 420,000 tokens: short documents of many kinds and
// languages, and long ones, whose later chunks an engine can only compute from its KV cache.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "measurement/quality.h"

namespace autotune::bench {

// Names the text and how it is asked: numbers of different ones are not compared. Change it with them.
inline constexpr const char* kCorpusName = "corpus-3";

// What one measurement::QualityBlock is measured of.
struct CorpusPart {
  std::string_view files;                   // "notes languages": bench/corpus/notes.txt, ...
  bool is_long = false;                     // one long document; else short ones
  bool alone = false;                       // asked one at a time, see measurement::TextKind
  std::vector<std::string_view> documents;  // UTF-8
};
// In the order in which they are asked: the short ones first, because log-probabilities of long prompts need memory
// that an engine may not have. kQualityBlocks in all; part i is of group i % kQualityGroups.
const std::vector<CorpusPart>& Corpus();

// The beginnings of measurement::kGreedyPrompts short documents, each another kind of text than the one before it.
const std::vector<std::string_view>& GreedyPrompts();

// The second half, then the first: the same words with others before them. Cut behind a line where there is one near.
std::string TurnedRound(std::string_view text);

// `text` in pieces of about equal size, none longer than `most` bytes, cut behind a line where there is one near, never
// inside a character. REQUIRES: most >= 8.
std::vector<std::string_view> CutText(std::string_view text, std::size_t most);

}  // namespace autotune::bench
