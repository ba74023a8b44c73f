// jq programs for messages: they make a question of a row without members of known names.
//
// Pure and thread-safe. Every function returns "" if no program is known.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "measurement/questions.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

// True for two or more texts without a question, and an answer that is yes or no: the question is not clear.
bool JoinsWithoutQuestion(const nlohmann::json& row);

// For rows of texts and classes ("text", "label"): asks for the class of the text, with all classes of the file as
// choices. `answered`: the class is a short text with the name of an answer, and the text contains no question.
std::string AdviceForClasses(const nlohmann::json& row, bool answered = false);

// kInvalid: the program of AdviceForClasses was used unchanged, without names of classes or the question.
base::Status CheckFilledIn(const Question& question);

// For a row whose prompt has another name ("instruction", "text").
std::string AdviceForPrompt(const nlohmann::json& row);

// For a row with only a text (LAMBADA).
std::string AdviceForLastWord(const nlohmann::json& row);

// AdviceForJoin: for a row whose answer or question is in another file under the same identifier. JoinBy: the
// program that adds what `from` has under the same `id` to the rows of `into`. `from` has rows, a list of
// rows, or one object whose members are named by the identifiers. `member`: name for a value that is not an
// object.
std::string JoinBy(const std::string& id, const std::string& from, const std::string& into,
                   const std::string& member = "answer");
std::string AdviceForJoin(const nlohmann::json& row, bool answers);

// For a row with examples and tests, each with input and output (ARC-AGI): sends the examples before each test.
std::string AdviceForExamples(const nlohmann::json& row);

// AdviceForScenario: for a scenario with choices and no question; or a row for each of several lists of choices.
// AdviceForStem: for a premise whose cause or effect is asked (COPA); the choices continue its text, in its language.
std::string AdviceForScenario(const nlohmann::json& row);
std::string AdviceForStem(const nlohmann::json& row);

// For a row with a right and a wrong sentence ("sentence_good", "sentence_bad"): choices of both.
std::string AdviceForMinimalPair(const nlohmann::json& row);
// For a row of numbered texts, some of which are choices ("observation_1", "hypothesis_1", "hypothesis_2"): sends the
// others before them.
std::string AdviceForNumbered(const nlohmann::json& row);

// For a row with choices whose label is in another file: under the same identifier, or in the same line.
std::string AdviceForLabels(const nlohmann::json& row);

// For a row with one or more answers and marks that say which of them are right: asks about each, with "no" and "yes"
// as choices.
std::string AdviceForCandidates(const nlohmann::json& row, const Found& answers, const std::string& mark);

// For a member that helps to find the answer ("hints", "evidence"), or that may contain it ("explanation"): sends it,
// or warns.
std::string AdviceForHint(const nlohmann::json& row, const std::string& member);

// Takes the choices' letters from the prompt and the right one from `right`; after ": ". `asked`: the text to send.
std::string ProgramForLetters(const nlohmann::json& row, const std::string& asked, const Found& right);

}  // namespace autotune::measurement
