#include "operator/runtime/store.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace runtime {

using nlohmann::json;

UntypedStore::UntypedStore(std::string kind, Project project) : kind_(std::move(kind)), project_(std::move(project)) {}

UntypedStore::EntryPtr UntypedStore::MakeEntry(ObjectMeta meta, const json& object) const {
  std::string why;
  try {
    base::Result<Snapshot> projected = project_(object);
    if (projected) return std::make_shared<const Entry>(Entry{std::move(meta), std::move(projected).value()});
    why = projected.error().message;
  } catch (const std::exception& error) {  // nlohmann's type errors
    why = error.what();
  }
  spdlog::error("{} {} could not be read, its last known state is kept: {}", kind_, meta.key.ToString(), why);
  return nullptr;
}

void UntypedStore::Put(const EntryPtr& entry) {
  const auto old = entries_.find(entry->meta.key);
  if (old != entries_.end()) Erase(EntryPtr(old->second));
  entries_[entry->meta.key] = entry;
  if (!entry->meta.uid.empty()) by_uid_[entry->meta.uid] = entry->meta.key;
  if (!entry->meta.owner_uid.empty()) by_owner_[entry->meta.owner_uid].insert(entry->meta.key);
}

void UntypedStore::Erase(const EntryPtr& entry) {
  by_uid_.erase(entry->meta.uid);
  const auto owned = by_owner_.find(entry->meta.owner_uid);
  if (owned != by_owner_.end()) {
    owned->second.erase(entry->meta.key);
    if (owned->second.empty()) by_owner_.erase(owned);
  }
  entries_.erase(entry->meta.key);
}

void UntypedStore::AdvanceLocked(const std::string& resource_version) {
  if (resource_version.empty() || OlderVersion(resource_version, resource_version_)) return;
  resource_version_ = resource_version;
}

void UntypedStore::Notify(const EntryPtr& before, const EntryPtr& after, bool from_list) const {
  if (!handler_) return;
  try {
    handler_(before, after, from_list);
  } catch (const std::exception& error) {
    spdlog::error("Handler of {} failed: {}", kind_, error.what());
  }
}

void UntypedStore::BeginReplace() {
  staged_.clear();
  staged_unreadable_.clear();
}

void UntypedStore::Stage(const json& object) {
  ObjectMeta meta = ReadObjectMeta(object);
  const ObjectKey key = meta.key;
  if (key.name.empty()) {
    spdlog::error("{} without a name in a list was ignored", kind_);
    return;
  }
  if (EntryPtr entry = MakeEntry(std::move(meta), object)) {
    staged_[key] = std::move(entry);
    staged_unreadable_.erase(key);
  } else if (staged_.count(key) == 0) {
    staged_unreadable_.insert(key);
  }
}

void UntypedStore::Unstage(const json& object) {
  const ObjectKey key = ReadObjectMeta(object).key;
  staged_.erase(key);
  staged_unreadable_.erase(key);
}

void UntypedStore::CommitReplace(const std::string& resource_version) {
  struct Difference {
    EntryPtr before;
    EntryPtr after;
  };
  std::vector<Difference> differences;
  {
    const base::MutexLock lock(mutex_);
    std::vector<EntryPtr> gone;
    for (const auto& [key, entry] : entries_) {
      if (staged_.count(key) == 0 && staged_unreadable_.count(key) == 0) gone.push_back(entry);
    }
    for (const EntryPtr& entry : gone) {
      Erase(entry);
      differences.push_back({entry, nullptr});
    }
    for (const auto& [key, entry] : staged_) {
      const auto found = entries_.find(key);
      const EntryPtr before = found == entries_.end() ? nullptr : found->second;
      // A list is the truth, whatever versions it carries: after a restore of etcd they may be lower.
      if (before && before->meta.uid == entry->meta.uid &&
          before->meta.resource_version == entry->meta.resource_version) {
        continue;
      }
      Put(entry);
      if (before && before->meta.uid != entry->meta.uid) {
        differences.push_back({before, nullptr});
        differences.push_back({nullptr, entry});
      } else {
        differences.push_back({before, entry});
      }
    }
    resource_version_ = resource_version;
  }
  BeginReplace();
  for (const Difference& difference : differences) Notify(difference.before, difference.after, true);
}

void UntypedStore::Upsert(const json& object) {
  ObjectMeta meta = ReadObjectMeta(object);
  if (meta.key.name.empty()) {
    spdlog::error("{} event without a name was ignored", kind_);
    return;
  }
  const std::string version = meta.resource_version;
  const EntryPtr entry = MakeEntry(std::move(meta), object);
  EntryPtr before;
  {
    const base::MutexLock lock(mutex_);
    AdvanceLocked(version);
    if (!entry) return;
    const auto found = entries_.find(entry->meta.key);
    if (found != entries_.end()) before = found->second;
    if (before && (OlderVersion(version, before->meta.resource_version) ||
                   (before->meta.uid == entry->meta.uid && before->meta.resource_version == version))) {
      return;
    }
    Put(entry);
  }
  if (before && before->meta.uid != entry->meta.uid) {
    Notify(before, nullptr, false);
    Notify(nullptr, entry, false);
  } else {
    Notify(before, entry, false);
  }
}

void UntypedStore::Remove(const json& object) {
  ObjectMeta meta = ReadObjectMeta(object);
  const std::string version = meta.resource_version;
  const ObjectKey key = meta.key;
  const std::string uid = meta.uid;
  EntryPtr before;
  {
    const base::MutexLock lock(mutex_);
    AdvanceLocked(version);
    const auto found = entries_.find(key);
    // The end of a predecessor of the same name, told late.
    if (found == entries_.end() || (!uid.empty() && found->second->meta.uid != uid)) return;
    before = found->second;
    Erase(before);
  }
  // The event carries the final state, which may be news (a pod's result).
  const EntryPtr final_state = MakeEntry(std::move(meta), object);
  Notify(final_state ? final_state : before, nullptr, false);
}

void UntypedStore::Advance(const std::string& resource_version) {
  const base::MutexLock lock(mutex_);
  AdvanceLocked(resource_version);
}

std::string UntypedStore::ResourceVersion() const {
  const base::MutexLock lock(mutex_);
  return resource_version_;
}

bool UntypedStore::HasLive(const std::string& uid) const {
  const base::MutexLock lock(mutex_);
  const auto found = by_uid_.find(uid);
  return found != by_uid_.end() && !entries_.at(found->second)->meta.deleting;
}

bool UntypedStore::Has(const std::string& uid) const {
  const base::MutexLock lock(mutex_);
  return by_uid_.count(uid) != 0;
}

std::size_t UntypedStore::Size() const {
  const base::MutexLock lock(mutex_);
  return entries_.size();
}

UntypedStore::EntryPtr UntypedStore::Find(const ObjectKey& key) const {
  const base::MutexLock lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second;
}

std::vector<UntypedStore::EntryPtr> UntypedStore::OwnedBy(const std::string& owner_uid) const {
  const base::MutexLock lock(mutex_);
  std::vector<EntryPtr> result;
  const auto owned = by_owner_.find(owner_uid);
  if (owned == by_owner_.end()) return result;
  for (const ObjectKey& key : owned->second) result.push_back(entries_.at(key));
  return result;
}

std::vector<UntypedStore::EntryPtr> UntypedStore::All() const {
  const base::MutexLock lock(mutex_);
  std::vector<EntryPtr> result;
  result.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) result.push_back(entry);
  return result;
}

}  // namespace runtime
