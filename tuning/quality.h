// What a configuration loses in quality against the baseline of its runtime. Pure.
#pragma once

#include <optional>

#include "measurement/quality.h"

namespace autotune::tuning {

// Of the mean negative log-likelihood, in nats per token; positive is worse.
struct QualityChange {
  double delta = 0;
  double ci = 0;  // half the width of the 90 % confidence interval: t-test of the paired differences over the passages
  // Beyond what the passages can tell from no change at all.
  [[nodiscard]] double CertainLoss() const { return delta > ci ? delta : 0; }
};

// Nothing where the two are of different passages, or of fewer than two.
std::optional<QualityChange> CompareQuality(const measurement::Quality& measured,
                                            const measurement::Quality& reference);

double MeanNll(const measurement::Quality& quality);

// Perplexity is exp(nll): by which share it grows when nll grows by `delta`. 0.01 for 1 %.
double PerplexityGrowth(double delta);

}  // namespace autotune::tuning
