#include "kube/runtime/access_review.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/sha256.h"

namespace kube::runtime {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kKeepAllowed{60}, kKeepRefused{10};
// A scraper has one token, and another one each hour.
constexpr std::size_t kMostKept = 256;

const kube::Resource kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews", false};
const kube::Resource kAccessReviews{"authorization.k8s.io", "v1", "subjectaccessreviews", false};

}  // namespace

base::Result<AccessReview::Answer> AccessReview::MayGet(const std::string& token, const std::string& path) {
  const base::TimePoint now = clock_.Now();
  std::erase_if(kept_, [&](const auto& entry) { return entry.second.until <= now; });
  const std::string key = base::Sha256Hex(token) + path;
  if (const auto found = kept_.find(key); found != kept_.end()) return found->second.answer;
  auto answer = Ask(token, path);
  if (!answer) return answer;
  if (kept_.size() >= kMostKept) kept_.clear();
  kept_[key] = {*answer, now + (*answer == Answer::kAllowed ? kKeepAllowed : kKeepRefused)};
  return answer;
}

base::Result<AccessReview::Answer> AccessReview::Ask(const std::string& token, const std::string& path) {
  const auto known = client_.Create(
      kTokenReviews, "",
      {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenReview"}, {"spec", {{"token", token}}}});
  if (!known) return known.error();
  const json status = known->value("status", json::object());
  if (!status.value("authenticated", false)) return Answer::kUnknown;
  const json user = status.value("user", json::object());
  json spec = {{"user", user.value("username", "")}, {"nonResourceAttributes", {{"path", path}, {"verb", "get"}}}};
  for (const char* field : {"uid", "groups", "extra"}) {
    if (user.contains(field)) spec[field] = user[field];
  }
  const auto allowed = client_.Create(
      kAccessReviews, "",
      {{"apiVersion", "authorization.k8s.io/v1"}, {"kind", "SubjectAccessReview"}, {"spec", std::move(spec)}});
  if (!allowed) return allowed.error();
  return allowed->value("/status/allowed"_json_pointer, false) ? Answer::kAllowed : Answer::kForbidden;
}

}  // namespace kube::runtime
