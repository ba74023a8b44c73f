// AccessReview: whether a bearer token may GET a path. The API server decides by a TokenReview and a
// SubjectAccessReview, as in kube-rbac-proxy and controller-runtime.
//
// Calls block; used on one thread. Client and clock are borrowed. Results are cached under the token's hash, not the
// token: permissions for a minute, rejections for ten seconds.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/client.h"

namespace kube::runtime {

class AccessReview {
 public:
  AccessReview(kube::Client& client, base::Clock& clock) : client_(client), clock_(clock) {}

  // kUnknown: the API server does not know the token.
  enum class Answer { kAllowed, kUnknown, kForbidden };
  // Returns an error if the API server does not decide.
  base::Result<Answer> MayGet(const std::string& token, const std::string& path);

 private:
  struct Kept {
    Answer answer;
    base::TimePoint until;
  };
  base::Result<Answer> Ask(const std::string& token, const std::string& path);

  kube::Client& client_;
  base::Clock& clock_;
  std::map<std::string, Kept> kept_;
};

}  // namespace kube::runtime
