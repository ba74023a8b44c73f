// Text corpus of the quality measurement: bench/corpus/*.txt, compiled in.
//
// Immutable, thread-safe. Written for this project, so that no model was trained on it. About 420,000 tokens: short
// documents of many kinds and languages, and long ones, whose later chunks an engine can only compute from its KV
// cache.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "measurement/quality.h"

namespace autotune::bench {

// Names the corpus and the form of its requests: results of different corpora are not compared. Change the name with
// either.
inline constexpr const char* kCorpusName = "corpus-3";

// Documents of one measurement::QualityBlock.
struct CorpusPart {
  std::string_view files;                   // "notes languages": bench/corpus/notes.txt, ...
  bool is_long = false;                     // one long document; else short ones
  bool alone = false;                       // sent one at a time, see measurement::TextKind
  std::vector<std::string_view> documents;  // UTF-8
};
// In the order of the requests: short documents first, because log-probabilities of long prompts require memory that an
// engine may not have. kQualityBlocks in all; part i is of group i % kQualityGroups.
const std::vector<CorpusPart>& Corpus();

// The beginnings of measurement::kGreedyPrompts short documents, each another kind of text than the one before it.
const std::vector<std::string_view>& GreedyPrompts();

// The second half, then the first: the same words in another context. Cut at a line end if there is one near.
std::string TurnedRound(std::string_view text);

// `text` in pieces of about equal size, none longer than `most` bytes, cut at a line end if there is one near, never
// inside a character. REQUIRES: most >= 8.
std::vector<std::string_view> CutText(std::string_view text, std::size_t most);

}  // namespace autotune::bench
