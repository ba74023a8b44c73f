// What a GPU costs for an hour, by product, in the operator's configuration: for tasks that give no price. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// Product, in any spelling that spec.gpu.products takes, to a decimal.
using GpuPrices = std::map<std::string, std::string>;

// "H100=4.10,L40S=1.2". kInvalid: a price without a product, a product twice, or what is no decimal above 0.
base::Result<GpuPrices> ParseGpuPrices(std::string_view text);

// Of this product; "" = there is none. The name that is the product's own wins over a short one that means several.
// Parts of GPUs (MIG) have no price.
std::string PriceOf(const GpuPrices& prices, const api::GpuSpec& gpus, const std::string& product);

}  // namespace autotune::reconcile
