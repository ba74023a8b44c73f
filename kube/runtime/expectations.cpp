#include "kube/runtime/expectations.h"

#include <algorithm>
#include <utility>

namespace kube::runtime {

Expectations::Expectations(base::Clock& clock, base::Duration expiry) : clock_(clock), expiry_(expiry) {}

void Expectations::Add(const ObjectKey& owner, Expectation expectation) {
  const base::MutexLock lock(mutex_);
  expectation.expires = clock_.Now() + expiry_;
  expectations_[owner].push_back(std::move(expectation));
}

void Expectations::ExpectCreated(const ObjectKey& owner, const StoreView& store, std::string uid,
                                 std::string resource_version) {
  Add(owner, {Kind::kCreated, &store, std::move(uid), std::move(resource_version), {}});
}

void Expectations::ExpectDeleted(const ObjectKey& owner, const StoreView& store, std::string uid) {
  Add(owner, {Kind::kDeleted, &store, std::move(uid), {}, {}});
}

void Expectations::ExpectVersion(const ObjectKey& owner, const StoreView& store, std::string resource_version) {
  Add(owner, {Kind::kVersion, &store, {}, std::move(resource_version), {}});
}

bool Expectations::Met(const Expectation& expectation) {
  switch (expectation.kind) {
    case Kind::kCreated:
      // The version covers the case that the object has come and gone before anybody looked.
      return expectation.store->Has(expectation.uid) ||
             ReachedVersion(expectation.store->ResourceVersion(), expectation.resource_version);
    case Kind::kDeleted:
      return !expectation.store->HasLive(expectation.uid);
    case Kind::kVersion:
      return ReachedVersion(expectation.store->ResourceVersion(), expectation.resource_version);
  }
  return true;
}

bool Expectations::Satisfied(const ObjectKey& owner) {
  const base::MutexLock lock(mutex_);
  const auto found = expectations_.find(owner);
  if (found == expectations_.end()) return true;
  const base::TimePoint now = clock_.Now();
  std::erase_if(found->second,
                [&](const Expectation& expectation) { return now >= expectation.expires || Met(expectation); });
  if (!found->second.empty()) return false;
  expectations_.erase(found);
  return true;
}

base::TimePoint Expectations::ExpiresAt(const ObjectKey& owner) const {
  const base::MutexLock lock(mutex_);
  const auto found = expectations_.find(owner);
  if (found == expectations_.end() || found->second.empty()) return clock_.Now();
  return std::min_element(found->second.begin(), found->second.end(),
                          [](const Expectation& a, const Expectation& b) { return a.expires < b.expires; })
      ->expires;
}

void Expectations::Forget(const ObjectKey& owner) {
  const base::MutexLock lock(mutex_);
  expectations_.erase(owner);
}

std::size_t Expectations::Size() const {
  const base::MutexLock lock(mutex_);
  return expectations_.size();
}

}  // namespace kube::runtime
