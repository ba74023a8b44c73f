// Text corpus of the quality measurement: bench/corpus/*.txt, compiled in.
//
// Immutable, thread-safe. Written for this project, so no model was trained on it. About 420,000 tokens: short
// documents of many kinds and languages, and long ones. An engine can compute the later chunks of long documents only
// from its KV cache.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "measurement/quality.h"

namespace autotune::bench {

// Identifies the corpus and the form of its requests: results of different corpora are not compared. Change it together
// with either.
inline constexpr const char* kCorpusName = "corpus-3";

// Documents of one measurement::QualityBlock.
struct CorpusPart {
  std::string_view files;                   // "notes languages": bench/corpus/notes.txt, ...
  bool is_long = false;                     // true: one long document; false: short ones
  bool alone = false;                       // sent one at a time, see measurement::TextKind
  std::vector<std::string_view> documents;  // UTF-8
};
// In the order of the requests. Short documents come first, because log-probabilities of long prompts need memory that
// an engine may not have. kQualityBlocks parts; part i is of group i % kQualityGroups.
const std::vector<CorpusPart>& Corpus();

// The beginnings of measurement::kGreedyPrompts short documents; consecutive ones are of different kinds.
const std::vector<std::string_view>& GreedyPrompts();

// Returns the second half followed by the first: the same words in another context. Cut at a line end if one is near.
std::string TurnedRound(std::string_view text);

// `text` in pieces of about equal size and at most `most` bytes, cut at a line end if one is near, never inside a
// character. REQUIRES: most >= 8.
std::vector<std::string_view> CutText(std::string_view text, std::size_t most);

}  // namespace autotune::bench
