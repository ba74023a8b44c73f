// A line of a watch, into the caches that the operator decides from.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "operator/experiment/node_view.h"
#include "operator/experiment/pod_view.h"
#include "operator/reconcile/observed_task.h"
#include "operator/runtime/store.h"
#include "operator/runtime/watch_event.h"

namespace {

using namespace autotune;  // NOLINT(google-build-using-namespace): a test
using nlohmann::json;

template <typename T>
void Feed(runtime::Store<T>& store, const runtime::WatchEvent& event) {
  runtime::StoreWriter& writer = store.writer();
  switch (event.type) {
    case runtime::WatchEventType::kAdded:
    case runtime::WatchEventType::kModified:
      writer.Upsert(event.object);
      break;
    case runtime::WatchEventType::kDeleted:
      writer.Remove(event.object);
      break;
    case runtime::WatchEventType::kBookmark:
      writer.Advance(runtime::ReadObjectMeta(event.object).resource_version);
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto event = runtime::ParseWatchEvent({reinterpret_cast<const char*>(data), size});
  if (!event) {
    if (event.error().message.empty()) abort();
    return 0;
  }
  runtime::Store<reconcile::ObservedTask> tasks("autotunetasks", reconcile::ObserveTask);
  runtime::Store<experiment::PodView> pods(
      "pods", [](const json& pod) -> base::Result<experiment::PodView> { return experiment::PodViewFromJson(pod); });
  runtime::Store<experiment::NodeView> nodes("nodes", [](const json& node) -> base::Result<experiment::NodeView> {
    return experiment::NodeViewFromJson(node);
  });
  Feed(tasks, *event);
  Feed(pods, *event);
  Feed(nodes, *event);
  return 0;
}
