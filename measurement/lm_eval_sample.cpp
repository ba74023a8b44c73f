#include "measurement/lm_eval_sample.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measurement/question_choices.h"
#include "measurement/reference_match.h"
#include "measurement/row_conversation.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"
#include "measurement/unjudged_row.h"
#include "measurement/written_answer.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;
using Match = Question::Match;

class SampleReader {
 public:
  SampleReader(const json& row, Question& question) : row_(row), out_(question) {}

  base::Status Read() {
    auto requests = ReadRequests();
    if (!requests) return requests.error();
    for (const char* name : {"resps", "filtered_resps"}) {
      const auto results = Find(row_, Plain(name));
      const bool lists = results && results->value->is_array() && !results->value->empty();
      if (lists && results->value->size() != requests->size() && !requests->front().more.is_object()) {
        return Invalid(Quoted(name) + " has " + std::to_string(results->value->size()) +
                       " results, and \"arguments\" " + std::to_string(requests->size()) +
                       ": a part of the row is lost, leave it out");
      }
    }
    if (requests->front().more.is_object()) return ReadGeneration(requests->front());
    for (const Request& request : *requests) {
      if (!request.more.is_string()) return Invalid("\"arguments\" has a request without a continuation");
      if (Trimmed(request.more.get_ref<const std::string&>()).empty())
        return Invalid("\"arguments\" has an empty continuation: any text begins with it, leave the row out");
    }
    if (requests->size() > 1) return ReadLikelihoods(*requests);
    out_.prompt = requests->front().text;
    out_.references = {std::string(Trimmed(requests->front().more.get<std::string>()))};
    out_.match = Match::kBegins;
    if (out_.prompt.empty()) return Invalid("\"arguments\" has an empty prompt");
    const auto target = ValueText(row_["target"]);
    if (!target || Trimmed(*target) != out_.references[0]) {
      return Invalid("\"target\": " + Excerpt(row_["target"]) + " is not " + Excerpt(json(out_.references[0])) +
                     ", the only continuation in \"arguments\": where it is an index, the other choices are lost; "
                     "leave the row out");
    }
    return {};
  }

 private:
  struct Request {
    std::string text;  // a prompt, or messages in JSON
    json more;         // a continuation, or how to generate
  };

  base::Result<std::vector<Request>> ReadRequests() {
    const json& arguments = row_["arguments"];
    std::vector<Request> requests;
    if (!arguments.is_structured()) return Invalid("\"arguments\" is no list of requests");
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string name = "gen_args_" + std::to_string(i);
      const json request = arguments.is_array() ? arguments[i] : arguments.value(name, json());
      const auto part = [&](std::size_t j) {
        if (request.is_array()) return j < request.size() ? request[j] : json();
        return request.is_object() ? request.value("arg_" + std::to_string(j), json()) : json();
      };
      json text = part(0);
      if (text.is_array() && !text.empty()) text = json(text.front());
      if (!text.is_string()) return Invalid("\"arguments\" has a request without a prompt: " + Excerpt(request));
      requests.push_back({text.get<std::string>(), part(1)});
    }
    if (requests.empty()) return Invalid("\"arguments\" has no request");
    return requests;
  }

  base::Status ReadGeneration(const Request& request) {
    const json messages = json::parse(request.text, nullptr, false);
    if (messages.is_array() && !messages.empty() && messages.front().is_object()) {
      if (auto status = ReadMessages(row_, {"arguments", &messages}, IsAnswered(row_), out_.messages); !status)
        return status;
    } else if (Trimmed(request.text).empty()) {
      return Invalid("\"arguments\" has an empty prompt");
    } else {
      out_.prompt = request.text;
    }
    const json until = request.more.value("until", json::array());
    for (const json& stop : until.is_array() ? until : json::array({until})) {
      if (stop.is_string() && !stop.get_ref<const std::string&>().empty()) out_.stop.push_back(stop.get<std::string>());
    }
    const Found target{"target", &row_["target"]};
    if (auto status = AddReferences(target, *target.value, out_.references); !status) return status;
    if (out_.references.empty()) return NoAnswer(target);
    const auto listed = ListOfPython(out_.references.front());
    if (listed) out_.references = *listed;
    if (const auto doc = Find(row_, "doc"); doc && doc->value->is_object()) {
      if (const std::string why = WhyDocumentNotJudged(*doc->value); !why.empty()) return Invalid("\"doc\" has " + why);
    }
    if (row_.contains("match")) return ReadMatch(row_, false, target, Match::kExact, out_);
    if (TakeResults(out_.references) || TakeNumbers(out_.references, out_.formula)) {
      out_.match = Match::kNumber;
      return {};
    }
    const auto filter = Find(row_, "filter");
    const std::string way = filter && filter->value->is_string() ? filter->value->get<std::string>() : "none";
    if (way != "none" && way != "remove_whitespace") {
      return Invalid(Quoted(filter->name) + ": " + Excerpt(*filter->value) +
                     R"( takes the answer out of a longer text: write the "match" for that text)");
    }
    return ReadMatch(row_, false, target, listed ? Match::kWords : Match::kExact, out_);
  }

  // The requests begin alike: that is the prompt.
  base::Status ReadLikelihoods(const std::vector<Request>& requests) {
    std::vector<std::string> texts;
    std::size_t common = requests.front().text.size();
    Choices choices;
    for (const Request& request : requests) {
      texts.push_back(request.text + request.more.get<std::string>());
      choices.texts.push_back(request.more.get<std::string>());
      const auto end = std::mismatch(texts[0].begin(), texts[0].end(), texts.back().begin(), texts.back().end()).first;
      if (texts.size() > 1) common = std::min(common, static_cast<std::size_t>(end - texts[0].begin()));
    }
    while (common > 0 && (static_cast<unsigned char>(texts[0][common]) & 0xC0) == 0x80) --common;
    if (common == 0) return Invalid("\"arguments\" has requests that do not begin alike: no prompt is common to them");
    std::optional<std::size_t> position;
    const auto right = NamedChoice({"target", &row_["target"]}, choices, true, {}, position);
    if (!right) return right.error();
    out_.match = Match::kChoice;
    out_.right = *right;
    out_.prompt = texts[0].substr(0, common);
    for (const std::string& text : texts) out_.references.push_back(text.substr(common));
    return {};
  }

  const json& row_;
  Question& out_;
};

}  // namespace

bool IsLmEvalSample(const json& row) { return row.contains("arguments") && row.contains("target"); }

base::Status ReadLmEvalSample(const json& row, Question& question) { return SampleReader(row, question).Read(); }

}  // namespace autotune::measurement
