#include "operator/reconcile/refusal.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "operator/api/units.h"

namespace autotune::reconcile {
namespace {

// "requested: a=1,b=2, used: ..." -> {a: 1, b: 2} of the part with this title.
std::map<std::string, double, std::less<>> Amounts(std::string_view message, std::string_view title) {
  std::map<std::string, double, std::less<>> amounts;
  std::size_t at = message.find(title);
  if (at == std::string_view::npos) return amounts;
  at += title.size();
  while (at < message.size()) {
    const std::size_t equals = message.find('=', at);
    if (equals == std::string_view::npos) break;
    const std::size_t end = std::min(message.find_first_of(", ", equals), message.size());
    if (const auto amount = api::QuantityValue(message.substr(equals + 1, end - equals - 1))) {
      amounts[std::string(message.substr(at, equals - at))] = *amount;
    }
    // A comma and no blank: one more of this part.
    if (end + 1 >= message.size() || message[end] != ',' || message[end + 1] == ' ') break;
    at = end + 1;
  }
  return amounts;
}

// kubernetes plugin/pkg/admission/resourcequota/controller.go: "exceeded quota: NAME, requested: R=4, used: R=0,
// limited: R=2". More than the quota has in all is never given; a quota of nothing is a namespace that is closed for
// now.
bool NeverFits(std::string_view message) {
  if (message.find("exceeded quota") == std::string_view::npos) return false;
  const auto limits = Amounts(message, "limited: ");
  for (const auto& [resource, requested] : Amounts(message, "requested: ")) {
    const auto limit = limits.find(resource);
    if (limit != limits.end() && limit->second > 0 && requested > limit->second) return true;
  }
  return false;
}

// The API server has no codes for what is there a moment later, as when a whole directory is applied at once: these are
// its texts (kubernetes plugin/pkg/admission: resourcequota, gc, serviceaccount, priority, runtimeclass).
bool Waits(std::string_view message) {
  for (const char* text : {"exceeded quota", "status unknown for quota", "insufficient quota",
                           "cannot find RESTMapping", "cannot be fulfilled on resourcequotas",
                           "error looking up service account", "no PriorityClass with name", "RuntimeClass \""}) {
    if (message.find(text) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::optional<Refusal> RefusalOf(const base::Error& error) {
  using Kind = Refusal::Kind;
  const int status = error.http_status;
  const bool answered = (status >= 400 && status < 500 && status != 408 && status != 429) || status == 500;
  switch (error.code) {
    case base::Code::kInvalid:
    case base::Code::kAlreadyExists:
      return Refusal{Kind::kNotThis, error.message};
    case base::Code::kRetry:
      if (!answered) return std::nullopt;
      break;
    case base::Code::kDenied:
      break;
    case base::Code::kConflict:
      // Of the quota that counts the pod: others are created at the same time.
      if (!Waits(error.message)) return std::nullopt;
      break;
    case base::Code::kNotFound:
    case base::Code::kCancelled:
      return std::nullopt;
  }
  if (NeverFits(error.message)) return Refusal{Kind::kNeverFits, error.message};
  // A quota that counts what containers do not state: no room will ever help.
  if (error.message.find("must specify ") != std::string::npos) return Refusal{Kind::kNotThis, error.message};
  return Refusal{Waits(error.message) ? Kind::kWaits : Kind::kNotNow, error.message};
}

}  // namespace autotune::reconcile
