// Tokens that are held back and sent several at a time: by a proxy with a flush interval, or by an engine that runs
// several steps before it answers. Their arrival times are then those of the batches.
//
// Pure and thread-safe.
#pragma once

#include <optional>
#include <span>

#include "measurement/request_record.h"

namespace autotune::measurement {

struct Batches {
  double events = 0;            // mean number of output events that arrive together, >= 2
  double gap_ms = 0;            // mean time between two batches
  double ttft_too_high_ms = 0;  // mean time that the first token waited for the rest of its batch
  double tpot_too_low = 0;      // share of TPOT that is missing, because the tokens of the first batch take no time
};

// Returns nullopt if events arrive one by one, if the time between batches is near that of a network, and for answers
// that arrive in one piece (CameInOnePiece).
std::optional<Batches> BatchesOf(std::span<const RequestRecord> records);

}  // namespace autotune::measurement
