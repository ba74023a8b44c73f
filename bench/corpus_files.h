// Contents of bench/corpus/*.txt, compiled in (bench/embed.cmake). Immutable, thread-safe.
#pragma once

#include <string_view>

namespace autotune::bench {

// "notes" for bench/corpus/notes.txt; empty if there is no such file.
std::string_view CorpusFile(std::string_view name);

}  // namespace autotune::bench
