#include <utility>

#include "kube/client/client.h"
#include "kube/runtime/watch_source.h"

namespace kube::runtime {

namespace {

class KubeWatchSource final : public WatchSource {
 public:
  KubeWatchSource(kube::Client& client, kube::Resource resource, std::string ns, std::string label_selector,
                  std::string field_selector)
      : client_(client),
        resource_(std::move(resource)),
        ns_(std::move(ns)),
        label_selector_(std::move(label_selector)),
        field_selector_(std::move(field_selector)) {}

  base::Result<Page> List(const ListRequest& request, const std::function<void(std::string_view)>& item,
                          const std::stop_token& stop) override {
    kube::ListOptions options;
    options.label_selector = label_selector_;
    options.field_selector = field_selector_;
    options.resource_version = request.resource_version;
    options.continue_token = request.continue_token;
    options.limit = request.limit;
    base::Result<kube::ListPage> page = client_.ListText(resource_, ns_, options, item, stop);
    if (!page) return page.error();
    return Page{std::move(page->resource_version), std::move(page->continue_token)};
  }

  base::Status Watch(const WatchRequest& request, const std::function<bool(std::string_view)>& line,
                     const std::stop_token& stop) override {
    kube::WatchOptions options;
    options.label_selector = label_selector_;
    options.field_selector = field_selector_;
    options.resource_version = request.resource_version;
    options.timeout = request.timeout;
    options.send_initial_events = request.send_initial_events;
    return client_.Watch(resource_, ns_, options, line, stop);
  }

 private:
  kube::Client& client_;
  const kube::Resource resource_;
  const std::string ns_;
  const std::string label_selector_;
  const std::string field_selector_;
};

}  // namespace

std::unique_ptr<WatchSource> MakeWatchSource(kube::Client& client, const kube::Resource& resource, std::string ns,
                                             std::string label_selector, std::string field_selector) {
  return std::make_unique<KubeWatchSource>(client, resource, std::move(ns), std::move(label_selector),
                                           std::move(field_selector));
}

}  // namespace kube::runtime
