#include "cli/json_text.h"

#include <nlohmann/json.hpp>

namespace autotune::cli {

std::string IndentedJson(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace autotune::cli
