// Tokens that were held back and sent several at a time: by a proxy with a flush interval, or by an engine that runs
// several steps before it answers. Their times are then those of the batches.
//
// Pure and thread-safe.
#pragma once

#include <optional>
#include <span>

#include "measurement/request_record.h"

namespace autotune::measurement {

struct Batches {
  double events = 0;            // output events that arrive together: mean, >= 2
  double gap_ms = 0;            // between two batches: mean
  double ttft_too_high_ms = 0;  // how long the first token waited for the others of its batch: mean
  double tpot_too_low = 0;      // share of a TPOT that is missing, because the tokens of the first batch count no time
};

// nullopt where events come one by one, where the time between them is near that of a network, and for answers in one
// piece (CameInOnePiece).
std::optional<Batches> BatchesOf(std::span<const RequestRecord> records);

}  // namespace autotune::measurement
