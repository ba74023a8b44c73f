// The bytes of bench/corpus/*.txt, compiled in (bench/embed.cmake).
#pragma once

#include <string_view>

namespace autotune::bench {

// "notes" for bench/corpus/notes.txt; empty for a file that is not there.
std::string_view CorpusFile(std::string_view name);

}  // namespace autotune::bench
