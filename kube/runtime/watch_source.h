// WatchSource: lists and watches one collection. Implemented over kube::Client and by tests.
//
// Calls block and come from one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kube {
class Client;
struct Resource;
}  // namespace kube

namespace kube::runtime {

class WatchSource {
 public:
  struct ListRequest {
    std::string resource_version;  // "" most recent, "0" any
    std::string continue_token;
    std::int64_t limit = 500;
  };
  struct Page {
    std::string resource_version;
    std::string continue_token;
  };
  struct WatchRequest {
    std::string resource_version;
    std::chrono::seconds timeout{300};
    bool send_initial_events = false;
  };

  virtual ~WatchSource() = default;
  // `item` receives each object as JSON text.
  virtual base::Result<Page> List(const ListRequest& request, const std::function<void(std::string_view)>& item,
                                  const std::stop_token& stop) = 0;
  // Success: the server ended the stream normally, or `line` returned false.
  virtual base::Status Watch(const WatchRequest& request, const std::function<bool(std::string_view)>& line,
                             const std::stop_token& stop) = 0;
};

// Source for the objects of `resource` in `ns` (empty: all namespaces) that the selectors match. `client` is borrowed.
std::unique_ptr<WatchSource> MakeWatchSource(kube::Client& client, const kube::Resource& resource, std::string ns,
                                             std::string label_selector = {}, std::string field_selector = {});

}  // namespace kube::runtime
