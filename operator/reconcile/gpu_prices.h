// Prices per GPU-hour by product, from the operator's configuration, for tasks without a price. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// Maps a GPU product, in any spelling that spec.gpu.products accepts, to a decimal price per GPU-hour.
using GpuPrices = std::map<std::string, std::string>;

// Parses "H100=4.10,L40S=1.2". kInvalid: a price without a product, a product listed twice, ignoring case and
// separators ("NVIDIA L40S", "nvidia-l40s"), or a price that is not a decimal above 0.
base::Result<GpuPrices> ParseGpuPrices(std::string_view text);

// "foo is not a known GPU; did you mean ...?"; "" if the product is in the catalogue.
std::string UnknownProductText(const std::string& product);
// Message for every product that is not in the catalogue: its price applies to nodes with exactly this label.
std::vector<std::string> UnknownProducts(const GpuPrices& prices);

// Returns the price of a product; "" if there is none. A full product name takes precedence over a short name of
// several products. MIG instances have no price.
std::string PriceOf(const GpuPrices& prices, const api::GpuSpec& gpus, const std::string& product);

}  // namespace autotune::reconcile
