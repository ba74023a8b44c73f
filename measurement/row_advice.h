// What makes a question of a row that has no member of a known name for one: jq programs for messages.
//
// Pure and thread-safe. "" = nothing is known.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "measurement/questions.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

// Two texts or more, none of which asks, and an answer that is yes or no: nothing says what of them is asked.
bool JoinsWithoutQuestion(const nlohmann::json& row);

// Of a row of texts and classes ("text", "label"): the text is asked with all classes of the file as choices.
// `answered`: the class is a short text that is called an answer, and the text asks nothing.
std::string AdviceForClasses(const nlohmann::json& row, bool answered = false);

// kInvalid: the program of AdviceForClasses was used as it is, without names of classes or the question.
base::Status CheckFilledIn(const Question& question);

// Of a row whose prompt has another name ("instruction", "text").
std::string AdviceForPrompt(const nlohmann::json& row);

// Of a row that has only a text (LAMBADA).
std::string AdviceForLastWord(const nlohmann::json& row);

// Of a row whose answer, or whose question, is in another file under the same identifier.
// The program that adds what `from` has under the same `id` to the rows of `into`. `from` has rows, a list of them, or
// one object whose members are called as the identifiers.
// `member`: what becomes of a value that is no object.
std::string JoinBy(const std::string& id, const std::string& from, const std::string& into,
                   const std::string& member = "answer");
std::string AdviceForJoin(const nlohmann::json& row, bool answers);

// Of a row with examples and tests, each with an input and an output (ARC-AGI): the examples are sent before each test.
std::string AdviceForExamples(const nlohmann::json& row);

// Of a premise whose cause or effect is asked for (COPA): a text that the choices go on with, in its language.
// A scenario and choices, without a question: the place for one; or a row for each of several lists of choices.
std::string AdviceForScenario(const nlohmann::json& row);
std::string AdviceForStem(const nlohmann::json& row);

// Of a row with a sentence that is right and one that is not ("sentence_good", "sentence_bad"): choices of both.
std::string AdviceForMinimalPair(const nlohmann::json& row);
// Of a row of numbered texts, of which some are choices ("observation_1", "hypothesis_1", "hypothesis_2"): the others
// are sent before them.
std::string AdviceForNumbered(const nlohmann::json& row);

// Of a row with choices, whose label is in another file: under the same identifier, or in the same line.
std::string AdviceForLabels(const nlohmann::json& row);

// Of a row with an answer, or with a list of some, and marks that say which of them are right: each is asked with no
// and yes as choices.
std::string AdviceForCandidates(const nlohmann::json& row, const Found& answers, const std::string& mark);

// What sends a member that helps to find the answer ("hints", "evidence"), or tells that it may have the answer
// ("explanation").
std::string AdviceForHint(const nlohmann::json& row, const std::string& member);

// Takes the letters of the choices from the prompt, and the right one from `right`; behind ": ". `asked`: what is sent.
std::string ProgramForLetters(const nlohmann::json& row, const std::string& asked, const Found& right);

}  // namespace autotune::measurement
