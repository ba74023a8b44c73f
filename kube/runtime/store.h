// Store<T>: the cache of one kind. Holds a small projection of each object, never its JSON. It gets objects as text, so
// that a projection parses no more of one than it keeps. An entry takes about half a kilobyte besides its projection.
//
// Thread-safe: one reflector writes, anybody reads. Snapshots are immutable and shared, so a reader keeps its snapshot
// while the cache changes. Keyed by namespace/name and aware of UIDs: an object deleted and created again under one
// name while nobody watched is a deletion and a creation. Handlers run on the writing thread, outside of the lock and
// after the store has changed; they must not block. An object that the projection rejects is logged, and the store
// keeps its last state.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "base/packed_texts.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "kube/runtime/object_key.h"

namespace kube::runtime {

// An object as JSON, without the members that its projection does not read. Throws what nlohmann's parser throws, which
// a store takes for a failed projection.
nlohmann::json ParseObject(std::string_view object, const base::JsonPaths& unread = {});

// Interface for a reflector. Objects are JSON text.
class StoreWriter {
 public:
  virtual ~StoreWriter() = default;
  // A full state: BeginReplace, Stage for each object, CommitReplace. Readers see the old state until the commit; it
  // deletes objects that were not staged. BeginReplace discards an earlier, unfinished replace.
  virtual void BeginReplace() = 0;
  virtual void Stage(std::string_view object) = 0;
  virtual void Unstage(std::string_view object) = 0;
  virtual void CommitReplace(const std::string& resource_version) = 0;
  // One event. An object older than the one in the store is dropped.
  virtual void Upsert(std::string_view object) = 0;
  virtual void Remove(std::string_view object) = 0;
  // The state as of this version is in the store (bookmarks).
  virtual void Advance(const std::string& resource_version) = 0;
};

// Interface for expectations and metrics.
class StoreView {
 public:
  virtual ~StoreView() = default;
  // The version up to which the store has seen everything; empty before the first list.
  [[nodiscard]] virtual std::string ResourceVersion() const = 0;
  // The object is there, under any name, and not being deleted.
  [[nodiscard]] virtual bool HasLive(const std::string& uid) const = 0;
  [[nodiscard]] virtual bool Has(const std::string& uid) const = 0;
  [[nodiscard]] virtual std::size_t Size() const = 0;
};

// An ObjectMeta in one piece of memory: seven strings of their own take three times as much.
class PackedMeta {
 public:
  explicit PackedMeta(const ObjectMeta& meta);

  [[nodiscard]] ObjectMeta Unpacked() const;
  [[nodiscard]] ObjectKey Key() const { return {std::string(texts_[kNamespace]), std::string(texts_[kName])}; }
  [[nodiscard]] std::string_view uid() const { return texts_[kUid]; }
  [[nodiscard]] std::string_view resource_version() const { return texts_[kVersion]; }
  [[nodiscard]] std::string_view owner_uid() const { return texts_[kOwnerUid]; }
  [[nodiscard]] bool deleting() const { return deleting_; }
  // By namespace, then name.
  [[nodiscard]] std::strong_ordering Compare(std::string_view ns, std::string_view name) const;
  [[nodiscard]] std::strong_ordering Compare(const PackedMeta& other) const {
    return Compare(other.texts_[kNamespace], other.texts_[kName]);
  }

 private:
  enum Part { kNamespace, kName, kUid, kVersion, kOwnerUid, kOwnerKind, kOwnerName, kParts };
  base::PackedTexts<kParts> texts_;
  bool deleting_ = false;
};

// The bookkeeping that does not depend on the projected type, with the projection as shared_ptr<const void>.
class UntypedStore : public StoreWriter, public StoreView {
 public:
  using Snapshot = std::shared_ptr<const void>;
  struct Entry {
    PackedMeta meta;
    Snapshot object;
  };
  using EntryPtr = std::shared_ptr<const Entry>;
  using Project = std::function<base::Result<Snapshot>(std::string_view)>;
  using Handler = std::function<void(const EntryPtr& before, const EntryPtr& after, bool from_list)>;

  // `kind` names the store in logs.
  UntypedStore(std::string kind, Project project);

  // Call before the reflector starts.
  void SetHandler(Handler handler) { handler_ = std::move(handler); }

  void BeginReplace() override;
  void Stage(std::string_view object) override;
  void Unstage(std::string_view object) override;
  void CommitReplace(const std::string& resource_version) override EXCLUDES(mutex_);
  void Upsert(std::string_view object) override EXCLUDES(mutex_);
  void Remove(std::string_view object) override EXCLUDES(mutex_);
  void Advance(const std::string& resource_version) override EXCLUDES(mutex_);

  [[nodiscard]] std::string ResourceVersion() const override EXCLUDES(mutex_);
  [[nodiscard]] bool HasLive(const std::string& uid) const override EXCLUDES(mutex_);
  [[nodiscard]] bool Has(const std::string& uid) const override EXCLUDES(mutex_);
  [[nodiscard]] std::size_t Size() const override EXCLUDES(mutex_);

  [[nodiscard]] EntryPtr Find(const ObjectKey& key) const EXCLUDES(mutex_);
  [[nodiscard]] EntryPtr FindByUid(std::string_view uid) const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<EntryPtr> OwnedBy(std::string_view owner_uid) const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<EntryPtr> All() const EXCLUDES(mutex_);

  // Another projection of the object that is there, if it still has this UID and version. Tells no handler.
  void Reproject(const ObjectMeta& meta, Snapshot object) EXCLUDES(mutex_);

 private:
  // Indexes of entries hold what the entries point to, and no copies of their keys.
  struct ByKey {
    using is_transparent = void;
    bool operator()(const EntryPtr& a, const EntryPtr& b) const { return a->meta.Compare(b->meta) < 0; }
    bool operator()(const EntryPtr& a, const ObjectKey& b) const { return a->meta.Compare(b.ns, b.name) < 0; }
    bool operator()(const ObjectKey& a, const EntryPtr& b) const { return b->meta.Compare(a.ns, a.name) > 0; }
  };
  struct ByOwner {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const {
      const auto order = a->meta.owner_uid() <=> b->meta.owner_uid();
      return order != 0 ? order < 0 : a->meta.Compare(b->meta) < 0;
    }
    bool operator()(const Entry* a, std::string_view owner) const { return a->meta.owner_uid() < owner; }
    bool operator()(std::string_view owner, const Entry* b) const { return owner < b->meta.owner_uid(); }
  };
  using Entries = std::set<EntryPtr, ByKey>;

  // Null when the projection rejects the object.
  [[nodiscard]] EntryPtr MakeEntry(const ObjectMeta& meta, std::string_view object) const;
  void Put(const EntryPtr& entry) REQUIRES(mutex_);
  void Erase(Entries::const_iterator entry) REQUIRES(mutex_);
  void AdvanceLocked(const std::string& resource_version) REQUIRES(mutex_);
  void Notify(const EntryPtr& before, const EntryPtr& after, bool from_list) const;

  const std::string kind_;
  const Project project_;
  Handler handler_;
  Entries staged_;                         // by the writing thread only
  std::set<ObjectKey> staged_unreadable_;  // exist, but their projection failed: keep the last state

  mutable base::Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);
  std::unordered_map<std::string_view, const Entry*> by_uid_ GUARDED_BY(mutex_);
  std::set<const Entry*, ByOwner> by_owner_ GUARDED_BY(mutex_);  // of those with an owner
  std::string resource_version_ GUARDED_BY(mutex_);
};

template <typename T>
struct Entry {
  ObjectMeta meta;
  std::shared_ptr<const T> object;
};

// before == nullopt: added. after == nullopt: deleted (before is the last state known). A list after a disconnect does
// not call it for unchanged objects.
template <typename T>
struct Change {
  std::optional<Entry<T>> before;
  std::optional<Entry<T>> after;
  bool from_list = false;  // from a full list, not from a user's or controller's edit just now: low priority

  // The entry that exists: `after`, or `before` of a deletion.
  [[nodiscard]] const Entry<T>& any() const { return after ? *after : *before; }
};

template <typename T>
class Store final {
 public:
  using Projection = std::function<base::Result<T>(std::string_view)>;
  using Handler = std::function<void(const Change<T>&)>;

  Store(std::string kind, Projection projection)
      : store_(std::move(kind),
               [projection = std::move(projection)](std::string_view object) -> base::Result<UntypedStore::Snapshot> {
                 base::Result<T> projected = projection(object);
                 if (!projected) return projected.error();
                 return UntypedStore::Snapshot(std::make_shared<const T>(std::move(projected).value()));
               }) {}

  // Call before the reflector starts.
  void OnChange(Handler handler) {
    store_.SetHandler([handler = std::move(handler)](const UntypedStore::EntryPtr& before,
                                                     const UntypedStore::EntryPtr& after, bool from_list) {
      Change<T> change;
      if (before) change.before = Typed(*before);
      if (after) change.after = Typed(*after);
      change.from_list = from_list;
      handler(change);
    });
  }

  [[nodiscard]] std::optional<Entry<T>> Find(const ObjectKey& key) const {
    const UntypedStore::EntryPtr entry = store_.Find(key);
    if (!entry) return std::nullopt;
    return Typed(*entry);
  }
  // nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const T> Get(const ObjectKey& key) const {
    const UntypedStore::EntryPtr entry = store_.Find(key);
    return entry ? std::static_pointer_cast<const T>(entry->object) : nullptr;
  }
  // nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const T> GetByUid(std::string_view uid) const {
    const UntypedStore::EntryPtr entry = store_.FindByUid(uid);
    return entry ? std::static_pointer_cast<const T>(entry->object) : nullptr;
  }
  // Those whose controller owner reference has this UID, by key.
  [[nodiscard]] std::vector<Entry<T>> OwnedBy(std::string_view owner_uid) const {
    return Typed(store_.OwnedBy(owner_uid));
  }
  [[nodiscard]] std::vector<Entry<T>> All() const { return Typed(store_.All()); }
  // By key, without their metadata: of thousands, that would be megabytes for a moment.
  void Each(const std::function<void(const T&)>& visit) const {
    for (const UntypedStore::EntryPtr& entry : store_.All()) visit(*static_cast<const T*>(entry->object.get()));
  }

  // Keeps `object` instead of what there is of it, unless that has changed since `entry` was read. Tells no handler.
  void Reproject(const Entry<T>& entry, T object) {
    store_.Reproject(entry.meta, std::make_shared<const T>(std::move(object)));
  }

  [[nodiscard]] StoreWriter& writer() { return store_; }
  [[nodiscard]] const StoreView& view() const { return store_; }

 private:
  static Entry<T> Typed(const UntypedStore::Entry& entry) {
    return {entry.meta.Unpacked(), std::static_pointer_cast<const T>(entry.object)};
  }
  static std::vector<Entry<T>> Typed(const std::vector<UntypedStore::EntryPtr>& entries) {
    std::vector<Entry<T>> typed;
    typed.reserve(entries.size());
    for (const UntypedStore::EntryPtr& entry : entries) typed.push_back(Typed(*entry));
    return typed;
  }

  UntypedStore store_;
};

}  // namespace kube::runtime
