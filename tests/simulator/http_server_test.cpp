#include "simulator/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace autotune::simulator {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

EngineSettings Small(Engine engine) {
  EngineSettings s;
  s.release = DefaultRelease(engine);
  s.gpu = *FindGpu("b200");
  s.shape = ShapeFromName("x/Qwen2.5-0.5B");
  s.model = "x/Qwen2.5-0.5B";
  s.served_name = "m";
  s.dtype = "bfloat16";
  s.kv_cache_dtype = "fp8";
  s.memory_fraction = 0.9;
  s.max_model_len = 4096;
  s.max_sequences = 1024;
  s.token_budget = 16384;
  return s;
}

// A blocking HTTP/1.1 client for one connection: what it sends and receives is what stands on the wire.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Send(const std::string& method, const std::string& path, const std::string& body = "") {
    const std::string text = method + " " + path +
                             " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                             body;
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // Reads until the response is whole (by Content-Length, or the closing chunk).
  std::string Receive() {
    std::string text;
    while (!Whole(text)) {
      char buffer[65536];
      const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  std::string Get(const std::string& path) {
    Send("GET", path);
    return Receive();
  }
  std::string Post(const json& body) {
    Send("POST", "/v1/completions", body.dump());
    return Receive();
  }
  std::string Chat(const json& body) {
    Send("POST", "/v1/chat/completions", body.dump());
    return Receive();
  }

 private:
  static bool Whole(const std::string& text) {
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t length = text.find("Content-Length: ");
    if (length < head) return text.size() - head - 4 >= std::stoul(text.substr(length + 16));
    return text.ends_with("0\r\n\r\n");
  }
  int socket_;
};

json BodyOf(const std::string& response) {
  return json::parse(response.substr(response.find("\r\n\r\n") + 4), nullptr, false);
}

int Count(const std::string& text, const std::string& word) {
  int count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// A server on its own thread. Functions given to OnServer run on that thread.
class Served {
 public:
  explicit Served(ServerOptions options) : work_(boost::asio::make_work_guard(io_)) {
    server_ = std::make_unique<SimulatedServer>(
        io_, clock_, std::move(options), [this] { died_.set_value(); }, nullptr);
    const auto port = server_->Listen("127.0.0.1", 0);
    EXPECT_TRUE(port.ok());
    port_ = port.ok() ? *port : 0;
    thread_ = std::jthread([this] { io_.run(); });
  }
  ~Served() {
    std::promise<void> stopped;
    boost::asio::post(io_, [&] {
      server_->Stop();
      stopped.set_value();
    });
    stopped.get_future().wait();
    work_.reset();
    io_.stop();
    thread_.join();
    server_.reset();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  std::promise<void>& died() { return died_; }
  void Warmup() {
    std::promise<void> done;
    boost::asio::post(io_, [&] { server_->Warmup([&] { done.set_value(); }); });
    done.get_future().wait();
  }

 private:
  base::RealClock clock_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::unique_ptr<SimulatedServer> server_;
  std::uint16_t port_ = 0;
  std::promise<void> died_;
  std::jthread thread_;
};

const json kStream = {{"model", "m"},   {"prompt", {1, 2, 3, 4}}, {"max_tokens", 5},
                      {"stream", true}, {"ignore_eos", true},     {"stream_options", {{"include_usage", true}}}};

TEST(HttpServer, StreamsOneEventPerTokenThenUsageThenDone) {
  Served served({Small(Engine::kVllm)});
  const std::string response = Client(served.port()).Post(kStream);
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("X-Simulated: true\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_EQ(Count(response, "\"text\":\" sim\""), 5);
  EXPECT_EQ(Count(response, "\"finish_reason\":\"length\""), 1);
  EXPECT_EQ(Count(response, R"("completion_tokens":5,"prompt_tokens":4)"), 1);
  EXPECT_LT(response.find("completion_tokens"), response.find("data: [DONE]"));
}

TEST(HttpServer, AnswersWholeCompletions) {
  Served served({Small(Engine::kVllm)});
  Client client(served.port());
  const json body = BodyOf(client.Post({{"model", "m"}, {"prompt", "twelve bytes"}, {"max_tokens", 3}}));
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(body["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(body["usage"]["completion_tokens"], 3);
  EXPECT_EQ(body["simulated"], true);
  // The connection is kept: a second request on it is answered too.
  EXPECT_EQ(BodyOf(client.Post({{"prompt", {7}}, {"max_tokens", 1}}))["usage"]["prompt_tokens"], 1);
}

// The log-probabilities of a prompt, its first token left out.
std::vector<double> PromptLogprobs(Engine engine, const std::string& kv_cache_dtype) {
  EngineSettings settings = Small(engine);
  settings.kv_cache_dtype = kv_cache_dtype;
  Served served({settings});
  const json body =
      BodyOf(Client(served.port())
                 .Post({{"prompt", std::string(4000, 'x')}, {"max_tokens", 1}, {"echo", true}, {"logprobs", 1}}));
  std::vector<double> values;
  const json& all = body["choices"][0]["logprobs"]["token_logprobs"];
  for (std::size_t i = 1; i + 1 < all.size(); ++i) values.push_back(all[i]);
  return values;
}

TEST(HttpServer, EchoesAPromptWithLogProbabilitiesThatPrecisionMoves) {
  const std::vector<double> exact = PromptLogprobs(Engine::kVllm, "auto");
  ASSERT_EQ(exact.size(), 999U);
  EXPECT_EQ(PromptLogprobs(Engine::kSglang, "auto"), exact) << "whoever computes them";
  const std::vector<double> moved = PromptLogprobs(Engine::kVllm, "fp8");
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_LE(moved[i], 0);
    sum += moved[i] - exact[i];
    squares += (moved[i] - exact[i]) * (moved[i] - exact[i]);
  }
  EXPECT_NEAR(std::sqrt(squares / 999), 0.043, 0.004);
  EXPECT_NEAR(sum / 999, -0.00083, 3 * 0.043 / std::sqrt(999));
  EXPECT_TRUE(PromptLogprobs(Engine::kTensorRtLlm, "auto").empty());
}

json Completion(const EngineSettings& settings, const json& body) {
  Served served({settings});
  return BodyOf(Client(served.port()).Post(body));
}

// The first chunk of a long prompt is computed from what is at hand; prompts as short as decoding steps, and later
// chunks, are read from the cache.
TEST(HttpServer, LatentAttentionReadsItsCacheForShortPromptsAndLaterChunks) {
  EngineSettings exact = Small(Engine::kVllm);
  exact.kv_cache_dtype = "auto";
  exact.shape.latent_attention = true;
  exact.token_budget = 1024;
  EngineSettings moved = exact;
  moved.kv_cache_dtype = "fp8";
  const auto differ = [&](std::size_t tokens) {
    const json body = {{"prompt", std::string(4 * tokens, 'x')}, {"max_tokens", 1}, {"echo", true}, {"logprobs", 1}};
    const json ours = Completion(moved, body)["choices"][0]["logprobs"]["token_logprobs"];
    const json theirs = Completion(exact, body)["choices"][0]["logprobs"]["token_logprobs"];
    int first = 0, later = 0;
    for (std::size_t i = 1; i < tokens; ++i) (i < 1024 ? first : later) += ours.at(i) == theirs.at(i) ? 0 : 1;
    return std::pair(first, later);
  };
  EXPECT_EQ(differ(150), std::pair(149, 0));
  EXPECT_EQ(differ(1500), std::pair(0, 476));
}

TEST(HttpServer, WholeCompletionsHaveWordsThatPromptAndPrecisionDecide) {
  const auto text = [](const char* kv_cache_dtype, const char* prompt) {
    EngineSettings settings = Small(Engine::kVllm);
    settings.kv_cache_dtype = kv_cache_dtype;
    return Completion(settings, {{"prompt", prompt}, {"max_tokens", 400}, {"ignore_eos", true}})["choices"][0]["text"]
        .get<std::string>();
  };
  const std::string exact = text("auto", "one");
  EXPECT_EQ(exact.size(), 1600U);
  EXPECT_EQ(text("auto", "one"), exact);
  EXPECT_NE(text("auto", "two"), exact);
  const std::string moved = text("fp8", "one");
  EXPECT_EQ(moved.substr(0, 4), exact.substr(0, 4)) << "they begin alike";
  EXPECT_NE(moved.substr(1500), exact.substr(1500));
}

TEST(HttpServer, BreaksItsOutputOnDemand) {
  const json body = {{"prompt", "x"}, {"max_tokens", 8}};
  json logprobs = body;
  logprobs["logprobs"] = 1;
  EngineSettings settings = Small(Engine::kVllm);
  settings.scenario = InjectedFailure::kBrokenEmpty;
  EXPECT_EQ(Completion(settings, body)["choices"][0]["text"], "");
  EXPECT_EQ(Completion(settings, body)["choices"][0]["finish_reason"], "stop");
  settings.scenario = InjectedFailure::kBrokenLoop;
  EXPECT_EQ(Completion(settings, body)["choices"][0]["text"], "!!!!!!!!");
  settings.scenario = InjectedFailure::kBrokenNan;
  EXPECT_EQ(Completion(settings, body)["choices"][0]["text"], "!!!!!!!!");
  EXPECT_EQ(Completion(settings, logprobs)["error"]["message"],
            "Out of range float values are not JSON compliant: nan");
  EXPECT_EQ(Completion(settings, logprobs)["error"]["code"], 500);
}

TEST(HttpServer, RefusesWhatTheEngineRefuses) {
  Served served({Small(Engine::kVllm)});
  struct Case {
    json body;
    const char* status;
    const char* message;
  };
  const Case cases[] = {
      {{{"model", "other"}, {"prompt", "x"}}, "HTTP/1.1 404", "The model `other` does not exist."},
      {{{"prompt", "x"}, {"stream_options", {{"include_usage", true}}}}, "HTTP/1.1 400", "Stream options"},
      {{{"prompt", "x"}, {"max_tokens", 5000}}, "HTTP/1.1 400", "maximum context length is 4096 tokens"},
      {{{"prompt", "x"}, {"max_tokens", 0}}, "HTTP/1.1 400", "max_tokens must be at least 1"},
      {{{"prompt", json::array()}}, "HTTP/1.1 400", "prompt"},
      {json("text"), "HTTP/1.1 400", "JSON object"},
  };
  for (const Case& each : cases) {
    const std::string response = Client(served.port()).Post(each.body);
    EXPECT_TRUE(response.starts_with(each.status)) << response;
    EXPECT_THAT(response, HasSubstr(each.message));
    EXPECT_THAT(response, HasSubstr("X-Simulated: true"));
  }
  EXPECT_TRUE(Client(served.port()).Get("/nothing").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(Client(served.port()).Get("/v1/completions").starts_with("HTTP/1.1 405"));
}

TEST(HttpServer, ForbidsUnknownFieldsAsTensorRtLlm) {
  Served served({Small(Engine::kTensorRtLlm)});
  EXPECT_TRUE(Client(served.port())
                  .Post({{"model", "m"}, {"prompt", "x"}, {"prompt_logprobs", 1}})
                  .starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(
      Client(served.port()).Post({{"model", "m"}, {"prompt", "x"}, {"ignore_eos", true}}).starts_with("HTTP/1.1 200"));
}

TEST(HttpServer, HasTheEndpointsOfEachEngine) {
  struct Case {
    Engine engine;
    const char* path;
    const char* status;
    const char* text;
  };
  const Case cases[] = {
      {Engine::kVllm, "/health", "HTTP/1.1 200", ""},
      {Engine::kVllm, "/v1/models", "HTTP/1.1 200", "\"owned_by\":\"simulated\""},
      {Engine::kVllm, "/version", "HTTP/1.1 200", "0.24.0"},
      {Engine::kVllm, "/metrics", "HTTP/1.1 200", "cache_dtype=\"fp8\""},
      {Engine::kVllm, "/server_info", "HTTP/1.1 404", ""},
      {Engine::kSglang, "/health", "HTTP/1.1 200", ""},
      {Engine::kSglang, "/server_info", "HTTP/1.1 200", "\"attention_backend\":\"trtllm_mha\""},
      {Engine::kSglang, "/version", "HTTP/1.1 404", ""},
      {Engine::kTensorRtLlm, "/health", "HTTP/1.1 200", ""},
      {Engine::kTensorRtLlm, "/health_generate", "HTTP/1.1 200", ""},
      {Engine::kTensorRtLlm, "/version", "HTTP/1.1 200", "1.2.0"},
      {Engine::kTensorRtLlm, "/server_info", "HTTP/1.1 200", "\"kv_cache_dtype\":\"fp8\""},
  };
  for (const Case& each : cases) {
    Served served({Small(each.engine)});
    const std::string response = Client(served.port()).Get(each.path);
    EXPECT_TRUE(response.starts_with(each.status)) << EngineKey(each.engine) << each.path << " " << response;
    EXPECT_THAT(response, HasSubstr(each.text)) << each.path;
    EXPECT_THAT(response, HasSubstr("X-Simulated: true")) << each.path;
  }
}

TEST(HttpServer, ServesMetricsOnlyWhereTheyAreOn) {
  ServerOptions off{Small(Engine::kSglang)};
  off.settings.metrics = false;
  Served served(off);
  EXPECT_TRUE(Client(served.port()).Get("/metrics").starts_with("HTTP/1.1 404"));
}

// The lines of a page that are series, by name and labels.
std::map<std::string, double> Series(const std::string& response) {
  std::map<std::string, double> series;
  std::istringstream lines(response.substr(response.find("\r\n\r\n") + 4));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.rfind(' ');
    if (!line.starts_with('#') && space != std::string::npos)
      series[line.substr(0, space)] = std::stod(line.substr(space));
  }
  return series;
}

TEST(HttpServer, CountsInVllmsNames) {
  ServerOptions options{Small(Engine::kVllm)};
  options.settings.speculation.draft_tokens = 3;
  Served served(options);
  Client client(served.port());
  client.Post(kStream);
  json stops = {{"model", "m"}, {"prompt", std::string(400, 'x')}, {"max_tokens", 3900}};
  client.Post(stops);
  const std::string page = client.Get("/metrics");
  const auto series = Series(page);
  const std::string labels = "engine=\"0\",model_name=\"m\"}";
  const auto of = [&](const std::string& name) { return series.at("vllm:" + name + "{" + labels); };
  EXPECT_EQ(of("num_requests_running"), 0);
  EXPECT_EQ(of("num_requests_waiting"), 0);
  EXPECT_EQ(of("kv_cache_usage_perc"), 0);
  EXPECT_EQ(of("num_preemptions_total"), 0);
  EXPECT_EQ(of("prompt_tokens_total"), 104);
  EXPECT_GT(of("generation_tokens_total"), 5);
  EXPECT_EQ(of("prefix_cache_queries_total"), 104);
  EXPECT_GT(of("spec_decode_num_draft_tokens_total"), of("spec_decode_num_accepted_tokens_total"));
  EXPECT_EQ(of("time_to_first_token_seconds_count"), 2);
  EXPECT_EQ(of("e2e_request_latency_seconds_count"), 2);
  EXPECT_GT(of("inter_token_latency_seconds_sum"), 0);
  EXPECT_EQ(series.at("vllm:request_success_total{finished_reason=\"length\"," + labels), 1);
  EXPECT_EQ(series.at("vllm:request_success_total{finished_reason=\"stop\"," + labels), 1);
  EXPECT_EQ(page.find("gpu_cache_usage_perc"), std::string::npos);
  options.settings.release.version = "0.11.2";
  Served old(options);
  EXPECT_THAT(Client(old.port()).Get("/metrics"), HasSubstr("vllm:gpu_cache_usage_perc{" + labels + " 0.0\n"));
}

TEST(HttpServer, CountsInSglangsNames) {
  ServerOptions options{Small(Engine::kSglang)};
  options.settings.mixed_steps = false;
  Served served(options);
  served.Warmup();
  Client client(served.port());
  client.Post(kStream);
  const auto series = Series(client.Get("/metrics"));
  const auto of = [&](const std::string& name) {
    return series.at("sglang:" + name + "{engine_type=\"unified\",model_name=\"m\",pp_rank=\"0\",tp_rank=\"0\"}");
  };
  EXPECT_EQ(of("num_running_reqs"), 0);
  EXPECT_EQ(of("num_queue_reqs"), 0);
  EXPECT_EQ(of("token_usage"), 0);
  EXPECT_EQ(of("cache_hit_rate"), 0);
  EXPECT_EQ(of("num_retracted_requests_total"), 0);
  EXPECT_EQ(of("prompt_tokens_total"), 8);
  EXPECT_EQ(of("generation_tokens_total"), 13);
  EXPECT_GT(of("gen_throughput"), 0);
}

TEST(HttpServer, HasTensorRtLlmsMetricsWhereItsOptionsAskForThem) {
  ServerOptions options{Small(Engine::kTensorRtLlm)};
  options.settings.metrics = false;
  {
    Served plain(options);
    EXPECT_TRUE(Client(plain.port()).Get("/prometheus/metrics").starts_with("HTTP/1.1 404"));
    EXPECT_EQ(BodyOf(Client(plain.port()).Get("/metrics")), json::array());
  }
  options.settings.metrics = options.settings.iteration_statistics = true;
  Served served(options);
  Client client(served.port());
  client.Post({{"model", "m"}, {"prompt", "x"}, {"max_tokens", 5}, {"ignore_eos", true}});
  const auto series = Series(client.Get("/prometheus/metrics"));
  const std::string labels = "engine_type=\"undefined\",model_name=\"m\"}";
  EXPECT_EQ(series.at("trtllm_request_success_total{finished_reason=\"length\"," + labels), 1);
  EXPECT_EQ(series.at("trtllm_kv_cache_utilization{" + labels), 0);
  const json statistics = BodyOf(client.Get("/metrics"));
  EXPECT_EQ(statistics[0]["numQueuedRequests"], 0);
  EXPECT_GT(statistics[0]["kvCacheStats"]["freeNumBlocks"], 1000);
}

TEST(HttpServer, FindsASharedBeginningInItsCache) {
  Served served({Small(Engine::kVllm)});
  Client client(served.port());
  const std::string beginning(1600, 'b');
  for (const char* end : {"one", "two"}) {
    client.Post({{"prompt", beginning + end}, {"max_tokens", 2}, {"ignore_eos", true}});
  }
  const auto series = Series(client.Get("/metrics"));
  EXPECT_EQ(series.at("vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"m\"}"), 400);
}

TEST(HttpServer, AnswersChats) {
  Served served({Small(Engine::kVllm)});
  Client client(served.port());
  json chat = {{"model", "m"},
               {"messages", {{{"role", "system"}, {"content", "s"}}, {{"role", "user"}, {"content", "hello"}}}},
               {"max_completion_tokens", 4},
               {"ignore_eos", true}};
  const json body = BodyOf(client.Chat(chat));
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["choices"][0]["message"]["content"], " sim sim sim sim");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(body["usage"]["completion_tokens"], 4);
  chat["stream"] = true;
  chat["stream_options"] = {{"include_usage", true}};
  const std::string response = client.Chat(chat);
  EXPECT_EQ(Count(response, R"("delta":{"content":" sim"})"), 4);
  EXPECT_EQ(Count(response, R"("delta":{"content":"","role":"assistant"})"), 1);
  EXPECT_LT(response.find("assistant"), response.find("\" sim\""));
  EXPECT_EQ(Count(response, "\"finish_reason\":\"length\""), 1);
  EXPECT_EQ(Count(response, "\"completion_tokens\":4"), 1);
  EXPECT_EQ(Count(response, "data: [DONE]"), 1);
  EXPECT_TRUE(client.Chat({{"messages", json::array()}}).starts_with("HTTP/1.1 400"));
}

TEST(HttpServer, FindsAConversationSoFarInItsCache) {
  Served served({Small(Engine::kVllm)});
  Client client(served.port());
  json messages = {{{"role", "user"}, {"content", std::string(1000, 'q')}}};
  const json first = BodyOf(client.Chat({{"messages", messages}, {"max_tokens", 100}, {"ignore_eos", true}}));
  messages.push_back(first["choices"][0]["message"]);
  messages.push_back({{"role", "user"}, {"content", "and"}});
  client.Chat({{"messages", messages}, {"max_tokens", 2}, {"ignore_eos", true}});
  const auto series = Series(client.Get("/metrics"));
  // The question, and nearly all of the answer.
  EXPECT_GT(series.at("vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"m\"}"), 320);
}

TEST(HttpServer, EndsAnswersByThemselvesUnlessToldNotTo) {
  Served served({Small(Engine::kVllm)});
  Client client(served.port());
  json body = {{"prompt", std::string(100, 'e')}, {"max_tokens", 4000}};
  const json natural = BodyOf(client.Post(body));
  EXPECT_EQ(natural["choices"][0]["finish_reason"], "stop");
  const int length = natural["usage"]["completion_tokens"];
  EXPECT_LT(length, 4000);
  body["min_tokens"] = length + 7;
  EXPECT_EQ(BodyOf(client.Post(body))["usage"]["completion_tokens"], length + 7);
  body["max_tokens"] = length + 9;
  body["ignore_eos"] = true;
  const json whole = BodyOf(client.Post(body));
  EXPECT_EQ(whole["usage"]["completion_tokens"], length + 9);
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "length");
}

// As vLLM 0.22.1 does, measured: the answer has begun when the ids are looked at.
TEST(HttpServer, ReportsIdsOutsideTheVocabularyInsideTheStream) {
  ServerOptions options{Small(Engine::kVllm)};
  options.settings.shape.vocabulary = 1000;
  Served served(options);
  json body = kStream;
  body["prompt"] = {1, 2, 1000};
  const std::string response = Client(served.port()).Post(body);
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200"));
  EXPECT_THAT(response, HasSubstr("data: {\"error\":"));
  EXPECT_THAT(response, HasSubstr("Token id 1000 is out of vocabulary"));
  EXPECT_EQ(Count(response, "\"text\""), 0);
  body.erase("stream");
  body.erase("stream_options");
  EXPECT_TRUE(Client(served.port()).Post(body).starts_with("HTTP/1.1 400"));
  body["prompt"] = {1, 2, 999};
  EXPECT_TRUE(Client(served.port()).Post(body).starts_with("HTTP/1.1 200"));
  options.settings.release = DefaultRelease(Engine::kSglang);
  Served sglang(options);
  body["prompt"] = {1, 2, 1000};
  body["stream"] = true;
  EXPECT_TRUE(Client(sglang.port()).Post(body).starts_with("HTTP/1.1 400"));
}

// What the third of three requests is told, where one may run and one may wait.
std::string ThirdOfThree(ServerOptions options, bool stream) {
  options.settings.max_sequences = 1;
  Served served(options);
  json body = kStream;
  body["max_tokens"] = 4000;
  Client first(served.port());
  Client second(served.port());
  first.Send("POST", "/v1/completions", body.dump());
  second.Send("POST", "/v1/completions", body.dump());
  const auto waiting = [&] {
    for (const auto& [name, value] : Series(Client(served.port()).Get("/metrics"))) {
      if ((name.starts_with("vllm:num_requests_running") || name.starts_with("sglang:num_running")) && value != 1) {
        return false;
      }
      if ((name.starts_with("vllm:num_requests_waiting") || name.starts_with("sglang:num_queue")) && value != 1) {
        return false;
      }
    }
    return true;
  };
  while (!waiting()) {
  }
  json third = {{"model", "m"}, {"prompt", "x"}, {"max_tokens", 3}, {"ignore_eos", true}};
  if (stream) third["stream"] = true;
  return Client(served.port()).Post(third);
}

TEST(HttpServer, TurnsRequestsAwayWhenTooManyWait) {
  ServerOptions options{Small(Engine::kVllm)};
  options.most_waiting = 1;
  EXPECT_TRUE(ThirdOfThree(options, true).starts_with("HTTP/1.1 503"));
  ServerOptions sglang{Small(Engine::kSglang)};
  sglang.settings.max_queued = 1;
  EXPECT_TRUE(ThirdOfThree(sglang, false).starts_with("HTTP/1.1 503"));
  const std::string stream = ThirdOfThree(sglang, true);
  EXPECT_TRUE(stream.starts_with("HTTP/1.1 200"));
  EXPECT_THAT(stream, HasSubstr("The request queue is full."));
}

TEST(HttpServer, EchoesAPromptWithoutAnAnswer) {
  Served served({Small(Engine::kVllm)});
  const json body = BodyOf(Client(served.port())
                               .Post({{"prompt", std::string(400, 'x')},
                                      {"max_tokens", 0},
                                      {"echo", true},
                                      {"logprobs", 1},
                                      {"prompt_logprobs", 1}}));
  EXPECT_EQ(body["choices"][0]["logprobs"]["token_logprobs"].size(), 100U);
  EXPECT_EQ(body["choices"][0]["prompt_logprobs"].size(), 100U);
  EXPECT_EQ(body["usage"]["completion_tokens"], 0);
}

TEST(HttpServer, AnswersOnScheduleAndSaysWhenItDid) {
  ServerOptions options{Small(Engine::kVllm)};
  options.schedule = AnswerSchedule{0.02, 0.004};
  std::promise<AnswerTimes> answered;
  options.on_answer = [&](const AnswerTimes& times) { answered.set_value(times); };
  Served served(options);
  EXPECT_EQ(Count(Client(served.port()).Post(kStream), "\"text\":\" sim\""), 5);
  const AnswerTimes times = answered.get_future().get();
  ASSERT_EQ(times.written.size(), 5U);
  // Never early; how late depends on the machine.
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_GE(times.written[i] - times.received, static_cast<std::int64_t>(20'000'000 + 4'000'000 * i));
  }
}

TEST(HttpServer, IsNotHealthyBeforeSglangsOwnWarmup) {
  ServerOptions options{Small(Engine::kSglang)};
  options.settings.own_warmup = true;
  Served served(options);
  EXPECT_TRUE(Client(served.port()).Get("/health").starts_with("HTTP/1.1 503"));
  served.Warmup();
  EXPECT_TRUE(Client(served.port()).Get("/health").starts_with("HTTP/1.1 200"));
}

TEST(HttpServer, DiesOnTheFirstRequestWhereTheEngineDoes) {
  ServerOptions options{Small(Engine::kVllm)};
  options.dies_on_first_request = true;
  Served served(options);
  EXPECT_TRUE(Client(served.port()).Get("/health").starts_with("HTTP/1.1 200"));
  Client client(served.port());
  client.Send("POST", "/v1/completions", kStream.dump());
  EXPECT_EQ(served.died().get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(HttpServer, FinishesTheOthersWhenAClientGoesAway) {
  Served served({Small(Engine::kVllm)});
  {
    Client gone(served.port());
    json endless = kStream;
    endless["max_tokens"] = 4000;
    gone.Send("POST", "/v1/completions", endless.dump());
    // Streaming has begun when the first byte is there.
    Client(served.port()).Post(kStream);
  }
  EXPECT_EQ(Count(Client(served.port()).Post(kStream), "\"text\":\" sim\""), 5);
  // The abandoned request holds no place any more: the gauge goes to zero, long before 4000 tokens.
  std::string metrics;
  for (int i = 0; i < 200 && metrics.find("running{engine=\"0\",model_name=\"m\"} 0.0") == std::string::npos; ++i) {
    metrics = Client(served.port()).Get("/metrics");
  }
  EXPECT_THAT(metrics, HasSubstr("vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 0.0\n"));
}

TEST(HttpServer, ServesAThousandStreamsAtOnce) {
  AllowManyConnections();
  Served served({Small(Engine::kVllm)});
  std::vector<std::unique_ptr<Client>> clients;
  json body = kStream;
  body["max_tokens"] = 24;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<Client>(served.port()));
    clients.back()->Send("POST", "/v1/completions", body.dump());
  }
  int tokens = 0;
  for (const auto& client : clients) tokens += Count(client->Receive(), "\"text\":\" sim\"");
  EXPECT_EQ(tokens, 1000 * 24);
}

TEST(HttpServer, SaysWhenThePortIsTaken) {
  Served served({Small(Engine::kVllm)});
  boost::asio::io_context io;
  base::RealClock clock;
  SimulatedServer second(
      io, clock, {Small(Engine::kVllm)}, [] {}, nullptr);
  const auto port = second.Listen("127.0.0.1", served.port());
  ASSERT_FALSE(port.ok());
  EXPECT_THAT(port.error().message, HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace autotune::simulator
