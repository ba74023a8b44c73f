#include "operator/reconcile/gpu_prices.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "operator/experiment/node_affinity.h"

namespace autotune::reconcile {

base::Result<GpuPrices> ParseGpuPrices(std::string_view text) {
  GpuPrices out;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    const std::string product(item.substr(0, equals));
    const std::string_view price = equals == std::string_view::npos ? "" : item.substr(equals + 1);
    if (product.empty()) return base::Invalid("\"" + std::string(item) + "\" has no product: write H100=4.10");
    double value = 0;
    const auto [end, error] =
        std::from_chars(price.data(), price.data() + price.size(), value, std::chars_format::fixed);
    if (error != std::errc() || end != price.data() + price.size() || !(value > 0) || !std::isfinite(value)) {
      return base::Invalid(product + ": \"" + std::string(price) + "\" is not a price per hour such as 4.10");
    }
    if (!out.emplace(product, price).second) return base::Invalid(product + ": has two prices");
  }
  return out;
}

std::string PriceOf(const GpuPrices& prices, const api::GpuSpec& gpus, const std::string& product) {
  // Before a node is known: of the one product that the type names.
  if (product.empty() && gpus.products.size() == 1 && !gpus.products.front().empty())
    return PriceOf(prices, gpus, gpus.products.front());
  if (product.empty() || gpus.resource_name.find("/mig-") != std::string::npos) return "";
  const auto own = prices.find(product);
  if (own != prices.end()) return own->second;
  const auto* longest = static_cast<const GpuPrices::value_type*>(nullptr);
  for (const auto& price : prices) {
    api::GpuSpec named;
    named.resource_name = gpus.resource_name;
    named.products = {price.first};
    if (!experiment::Admits(named, {product, 0, std::nullopt, ""})) continue;
    if (longest == nullptr || price.first.size() > longest->first.size()) longest = &price;
  }
  return longest == nullptr ? "" : longest->second;
}

}  // namespace autotune::reconcile
