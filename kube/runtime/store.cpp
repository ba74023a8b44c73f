#include "kube/runtime/store.h"

#include <spdlog/spdlog.h>

#include <iterator>
#include <nlohmann/json.hpp>

namespace kube::runtime {

using nlohmann::json;

json ParseObject(std::string_view object, const base::JsonPaths& unread) {
  const std::optional<std::string> read = base::WithoutJsonMembers(object, unread);
  // What is cut is the parser's to say.
  return json::parse(read ? std::string_view(*read) : object);
}

PackedMeta::PackedMeta(const ObjectMeta& meta)
    : texts_({meta.key.ns, meta.key.name, meta.uid, meta.resource_version, meta.owner_uid, meta.owner_kind,
              meta.owner_name}),
      deleting_(meta.deleting) {}

std::strong_ordering PackedMeta::Compare(std::string_view ns, std::string_view name) const {
  const auto order = texts_[kNamespace] <=> ns;
  return order != 0 ? order : texts_[kName] <=> name;
}

ObjectMeta PackedMeta::Unpacked() const {
  const auto text = [this](Part part) { return std::string(texts_[part]); };
  ObjectMeta meta;
  meta.key = Key();
  meta.uid = text(kUid);
  meta.resource_version = text(kVersion);
  meta.owner_uid = text(kOwnerUid);
  meta.owner_kind = text(kOwnerKind);
  meta.owner_name = text(kOwnerName);
  meta.deleting = deleting_;
  return meta;
}

UntypedStore::UntypedStore(std::string kind, Project project) : kind_(std::move(kind)), project_(std::move(project)) {}

UntypedStore::EntryPtr UntypedStore::MakeEntry(const ObjectMeta& meta, std::string_view object) const {
  std::string why;
  try {
    base::Result<Snapshot> projected = project_(object);
    if (projected) return std::make_shared<const Entry>(Entry{PackedMeta(meta), std::move(projected).value()});
    why = projected.error().message;
  } catch (const std::exception& error) {  // nlohmann's parse and type errors
    why = error.what();
  }
  spdlog::error("{} {} could not be read, its last known state is kept: {}", kind_, meta.key.ToString(), why);
  return nullptr;
}

void UntypedStore::Put(const EntryPtr& entry) {
  if (const auto old = entries_.find(entry); old != entries_.end()) Erase(old);
  entries_.insert(entry);
  if (!entry->meta.uid().empty()) {
    by_uid_.erase(entry->meta.uid());  // with its key, which is a part of what it pointed to
    by_uid_.emplace(entry->meta.uid(), entry.get());
  }
  if (!entry->meta.owner_uid().empty()) by_owner_.insert(entry.get());
}

void UntypedStore::Erase(Entries::const_iterator entry) {
  const Entry* const gone = entry->get();
  // Two names with one UID do not exist; the later one would be indexed.
  if (const auto indexed = by_uid_.find(gone->meta.uid()); indexed != by_uid_.end() && indexed->second == gone) {
    by_uid_.erase(indexed);
  }
  by_owner_.erase(gone);
  entries_.erase(entry);
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

void UntypedStore::Stage(std::string_view object) {
  const std::optional<ObjectMeta> meta = ReadObjectMeta(object);
  if (!meta || meta->key.name.empty()) {
    spdlog::error("{} without a name in a list was ignored", kind_);
    return;
  }
  if (const auto old = staged_.find(meta->key); old != staged_.end()) {
    if (EntryPtr entry = MakeEntry(*meta, object)) {
      staged_.erase(old);
      staged_.insert(std::move(entry));
    }
  } else if (EntryPtr entry = MakeEntry(*meta, object)) {
    staged_.insert(std::move(entry));
    staged_unreadable_.erase(meta->key);
  } else {
    staged_unreadable_.insert(meta->key);
  }
}

void UntypedStore::Unstage(std::string_view object) {
  const std::optional<ObjectMeta> meta = ReadObjectMeta(object);
  if (!meta) return;
  if (const auto old = staged_.find(meta->key); old != staged_.end()) staged_.erase(old);
  staged_unreadable_.erase(meta->key);
}

void UntypedStore::CommitReplace(const std::string& resource_version) {
  struct Difference {
    EntryPtr before;
    EntryPtr after;
  };
  std::vector<Difference> differences;
  {
    const base::MutexLock lock(mutex_);
    for (auto entry = entries_.cbegin(); entry != entries_.cend();) {
      const auto next = std::next(entry);
      if (staged_.count(*entry) == 0 && staged_unreadable_.count((*entry)->meta.Key()) == 0) {
        differences.push_back({*entry, nullptr});
        Erase(entry);
      }
      entry = next;
    }
    for (const EntryPtr& entry : staged_) {
      const auto found = entries_.find(entry);
      const EntryPtr before = found == entries_.end() ? nullptr : *found;
      // A list is the truth, whatever versions it carries: after a restore of etcd they may be lower.
      if (before && before->meta.uid() == entry->meta.uid() &&
          before->meta.resource_version() == entry->meta.resource_version()) {
        continue;
      }
      Put(entry);
      if (before && before->meta.uid() != entry->meta.uid()) {
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

void UntypedStore::Upsert(std::string_view object) {
  const std::optional<ObjectMeta> meta = ReadObjectMeta(object);
  if (!meta || meta->key.name.empty()) {
    spdlog::error("{} event without a name was ignored", kind_);
    return;
  }
  const std::string& version = meta->resource_version;
  const EntryPtr entry = MakeEntry(*meta, object);
  EntryPtr before;
  {
    const base::MutexLock lock(mutex_);
    AdvanceLocked(version);
    if (!entry) return;
    if (const auto found = entries_.find(entry); found != entries_.end()) before = *found;
    if (before && (OlderVersion(version, std::string(before->meta.resource_version())) ||
                   (before->meta.uid() == meta->uid && before->meta.resource_version() == version))) {
      return;
    }
    Put(entry);
  }
  if (before && before->meta.uid() != meta->uid) {
    Notify(before, nullptr, false);
    Notify(nullptr, entry, false);
  } else {
    Notify(before, entry, false);
  }
}

void UntypedStore::Remove(std::string_view object) {
  const std::optional<ObjectMeta> meta = ReadObjectMeta(object);
  if (!meta) return;
  EntryPtr before;
  {
    const base::MutexLock lock(mutex_);
    AdvanceLocked(meta->resource_version);
    const auto found = entries_.find(meta->key);
    // The end of a predecessor of the same name, told late.
    if (found == entries_.end() || (!meta->uid.empty() && (*found)->meta.uid() != meta->uid)) return;
    before = *found;
    Erase(found);
  }
  // The event carries the final state, which may be news (a pod's result).
  const EntryPtr final_state = MakeEntry(*meta, object);
  Notify(final_state ? final_state : before, nullptr, false);
}

void UntypedStore::Reproject(const ObjectMeta& meta, Snapshot object) {
  const base::MutexLock lock(mutex_);
  const auto found = entries_.find(meta.key);
  if (found == entries_.end() || (*found)->meta.uid() != meta.uid ||
      (*found)->meta.resource_version() != meta.resource_version) {
    return;
  }
  Put(std::make_shared<const Entry>(Entry{(*found)->meta, std::move(object)}));
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
  return found != by_uid_.end() && !found->second->meta.deleting();
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
  return found == entries_.end() ? nullptr : *found;
}

UntypedStore::EntryPtr UntypedStore::FindByUid(std::string_view uid) const {
  const base::MutexLock lock(mutex_);
  const auto found = by_uid_.find(uid);
  return found == by_uid_.end() ? nullptr : *entries_.find(found->second->meta.Key());
}

std::vector<UntypedStore::EntryPtr> UntypedStore::OwnedBy(std::string_view owner_uid) const {
  const base::MutexLock lock(mutex_);
  std::vector<EntryPtr> result;
  const auto [begin, end] = by_owner_.equal_range(owner_uid);
  for (auto owned = begin; owned != end; ++owned) result.push_back(*entries_.find((*owned)->meta.Key()));
  return result;
}

std::vector<UntypedStore::EntryPtr> UntypedStore::All() const {
  const base::MutexLock lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

}  // namespace kube::runtime
