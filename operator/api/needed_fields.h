// The status fields without which a task cannot be continued: what was done, for which spec, and what comes next. The
// other fields are results for people.
//
// Pure. For API servers whose CustomResourceDefinition is older than the operator, and which therefore drop fields.
#pragma once

#include <string_view>

namespace autotune::api {

// `path` as in messages, such as "status.experiments[2].attempts". An object or list with a needed field is needed.
bool IsNeededToContinue(std::string_view path);

}  // namespace autotune::api
