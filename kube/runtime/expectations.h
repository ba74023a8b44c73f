// Expectations: writes of a reconcile that the cache has not shown yet (read-your-writes).
//
// Thread-safe. A decision from a cache that lags behind its own writes creates objects twice. Record an expectation
// after each write; before each decision check Satisfied(), and skip the key until then (the event that satisfies it
// queues the key). Needs no order between the answer of the write and the event of the watch: a creation is seen when
// the store holds its UID or has passed its version, a deletion when the UID is gone or being deleted. Expectations
// expire after five minutes, as kube-controller-manager's do: a lost event must not block a key forever.
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

  // `store` is borrowed and must outlive this. `owner` is the key that decides.
  void ExpectCreated(const ObjectKey& owner, const StoreView& store, std::string uid, std::string resource_version)
      EXCLUDES(mutex_);
  void ExpectDeleted(const ObjectKey& owner, const StoreView& store, std::string uid) EXCLUDES(mutex_);
  // A patch or update whose answer had this resourceVersion.
  void ExpectVersion(const ObjectKey& owner, const StoreView& store, std::string resource_version) EXCLUDES(mutex_);

  // True when the caches show everything that was expected of `owner`, or it expired.
  [[nodiscard]] bool Satisfied(const ObjectKey& owner) EXCLUDES(mutex_);
  // When the oldest unmet expectation of `owner` expires; Now() when there is none.
  [[nodiscard]] base::TimePoint ExpiresAt(const ObjectKey& owner) const EXCLUDES(mutex_);
  // The owner is gone.
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
