// An API server of a few answers: by method and path, the query left out. Remembers what it was asked.
#pragma once

#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kube/client/http_transport.h"

namespace autotune::cli {

class FakeTransport : public kube::HttpTransport {
 public:
  struct Answer {
    int status = 200;
    std::string body;
  };
  // Answers in turn; the last one again and again.
  void On(const std::string& request, int status, const nlohmann::json& body) {
    answers_[request].push_back({status, body.is_string() ? body.get<std::string>() : body.dump()});
  }
  // Lines of the next watch of this path.
  void OnWatch(const std::string& path, std::vector<std::string> lines) { watches_[path] = std::move(lines); }
  bool refuses_connections = false;
  std::vector<kube::Request> requests;

  kube::HttpResult<kube::Response> Send(const kube::Request& request, const std::stop_token& /*stop*/) override {
    requests.push_back(request);
    if (refuses_connections) return kube::HttpError{kube::ErrorKind::kConnect, 111, "connection refused"};
    auto found = answers_.find(request.method + " " + request.target.substr(0, request.target.find('?')));
    if (found == answers_.end()) {
      return kube::Response{404, {}, R"({"kind":"Status","reason":"NotFound","message":"not there","code":404})"};
    }
    const Answer answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return kube::Response{answer.status, {}, answer.body};
  }
  kube::HttpResult<kube::Response> Stream(const kube::Request& request, const kube::LineSink& sink,
                                          const std::stop_token& /*stop*/) override {
    requests.push_back(request);
    for (const std::string& line : watches_[request.target.substr(0, request.target.find('?'))]) {
      if (!sink(line)) break;
    }
    return kube::Response{200, {}, ""};
  }

 private:
  std::map<std::string, std::deque<Answer>> answers_;
  std::map<std::string, std::vector<std::string>> watches_;
};

}  // namespace autotune::cli
