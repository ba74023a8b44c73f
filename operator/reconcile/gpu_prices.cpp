#include "operator/reconcile/gpu_prices.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/ascii_case.h"
#include "gpu/product.h"
#include "operator/experiment/gpu_labels.h"
#include "operator/experiment/node_affinity.h"
#include "quant/engine_table.h"

namespace autotune::reconcile {
namespace {

// Names that differ in case and separators are one name.
std::string SpelledAlike(const std::string& product) {
  std::string out = base::AsciiLower(product);
  std::ranges::replace_if(
      out, [](char c) { return c == ' ' || c == '_'; }, '-');
  return out;
}

}  // namespace

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
    for (const auto& [other, its_price] : out) {
      if (SpelledAlike(other) != SpelledAlike(product)) continue;
      return base::Invalid(product + ": has two prices" + (other == product ? "" : ", the other one as " + other));
    }
    out.emplace(product, price);
  }
  return out;
}

std::string UnknownProductText(const std::string& product) {
  if (!gpu::ProductsNamed(product).empty() || experiment::AmdProductOf(product) != nullptr) return "";
  std::vector<std::string> names;
  for (const gpu::Product& known : gpu::Products()) names.emplace_back(known.name);
  const std::string near = quant::Nearest(base::AsciiLower(product), names);
  return product + " is not a known GPU" + (near.empty() ? "" : "; did you mean " + near + "?");
}

std::vector<std::string> UnknownProducts(const GpuPrices& prices) {
  std::vector<std::string> out;
  for (const auto& [product, price] : prices) {
    const std::string text = UnknownProductText(product);
    if (text.empty()) continue;
    out.push_back(text + (text.ends_with('?') ? " " : ": ") +
                  "The price applies only to nodes that have exactly this value as the label of their GPU");
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
