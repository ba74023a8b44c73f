// Expectations: writes of a reconcile that the cache does not show yet (read-your-writes).
//
// Thread-safe. A decision from a cache that lags behind its own writes creates objects twice. So record an expectation
// after each write, and skip the key while Satisfied() is false (the event that satisfies it queues the key). The
// response of the write and the event of the watch may arrive in any order: a creation is seen if the store holds its
// UID or has passed its version; a deletion if the UID is gone or being deleted. Expectations expire after five
// minutes, as in kube-controller-manager: a lost event must not block a key forever.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "kube/runtime/object_key.h"
#include "kube/runtime/store.h"

namespace kube::runtime {

class Expectations {
 public:
  explicit Expectations(base::Clock& clock, base::Duration expiry = std::chrono::minutes(5));

  // `store` is borrowed and must outlive this object. `owner` is the key whose reconcile wrote.
  void ExpectCreated(const ObjectKey& owner, const StoreView& store, std::string uid, std::string resource_version)
      EXCLUDES(mutex_);
  void ExpectDeleted(const ObjectKey& owner, const StoreView& store, std::string uid) EXCLUDES(mutex_);
  // For a patch or update whose response had this resourceVersion.
  void ExpectVersion(const ObjectKey& owner, const StoreView& store, std::string resource_version) EXCLUDES(mutex_);

  // True if the caches show all expected writes of `owner`, or these have expired.
  [[nodiscard]] bool Satisfied(const ObjectKey& owner) EXCLUDES(mutex_);
  // Time at which the oldest unmet expectation of `owner` expires; Now() if there is none.
  [[nodiscard]] base::TimePoint ExpiresAt(const ObjectKey& owner) const EXCLUDES(mutex_);
  // Call when the owner is gone.
  void Forget(const ObjectKey& owner) EXCLUDES(mutex_);
  [[nodiscard]] std::size_t Size() const EXCLUDES(mutex_);

 private:
  enum class Kind { kCreated, kDeleted, kVersion };
  struct Expectation {
    Kind kind;
    const StoreView* store;
    std::string uid;
    std::string resource_version;
    base::TimePoint expires;
  };
  static bool Met(const Expectation& expectation);
  void Add(const ObjectKey& owner, Expectation expectation) EXCLUDES(mutex_);

  base::Clock& clock_;
  const base::Duration expiry_;
  mutable base::Mutex mutex_;
  std::map<ObjectKey, std::vector<Expectation>> expectations_ GUARDED_BY(mutex_);
};

}  // namespace kube::runtime
