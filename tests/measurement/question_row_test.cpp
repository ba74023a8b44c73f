#include "measurement/question_row.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "measurement/unsent_member.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Match = Question::Match;

// Rows of our own, in the forms in which the datasets are published.
TEST(ReadQuestionRow, ReadsTheFormsOfPublishedDatasets) {
  const struct {
    const char* form;
    const char* row;
    const char* prompt;
    Match match;
    const char* reference;  // the right choice, or the first reference
  } kRows[] = {
      {"ARC, CommonsenseQA, QASC", R"({"id": "x1", "question": "Which one flies?", "choices":
        {"text": ["a stone", "a crow"], "label": ["A", "B"]}, "answerKey": "B"})",
       "Question: Which one flies?\nAnswer:", Match::kChoice, " a crow"},
      {"ARC with digits",
       R"({"question": "Which?", "choices": {"text": ["3", "4"], "label": ["1", "2"]}, "answerKey": "2"})",
       "Question: Which?\nAnswer:", Match::kChoice, " 4"},
      {"ARC as its authors have it", R"({"question": {"stem": "Which one flies?", "choices":
        [{"text": "a stone", "label": "A"}, {"text": "a crow", "label": "B"}]}, "answerKey": "B"})",
       "Question: Which one flies?\nAnswer:", Match::kChoice, " a crow"},
      {"OpenBookQA",
       R"({"question_stem": "Ice is", "choices": {"text": ["hot", "cold"], "label": ["A", "B"]}, "answerKey": "B"})",
       "Question: Ice is\nAnswer:", Match::kChoice, " cold"},
      {"HellaSwag", R"({"ind": 4, "activity_label": "Baking", "ctx_a": "She takes the bread.", "ctx_b": "she",
        "ctx": "She takes the bread. she", "endings": ["cuts it.", "drinks it."], "label": "0"})",
       "She takes the bread. she", Match::kChoice, " cuts it."},
      {"SWAG",
       R"({"startphrase": "She takes the bread and", "ending0": "drinks it.", "ending1": "cuts it.", "label": 1})",
       "She takes the bread and", Match::kChoice, " cuts it."},
      {"MMLU", R"({"question": "2 + 3 =", "subject": "sums", "choices": ["4", "6", "5", "7"], "answer": 2})",
       "Question: 2 + 3 =\nAnswer:", Match::kChoice, " 5"},
      {"MMLU with a letter", R"({"question": "2 + 3 =", "choices": ["four", "six", "five"], "answer": "C"})",
       "Question: 2 + 3 =\nAnswer:", Match::kChoice, " five"},
      {"MMLU-Pro",
       R"({"question": "2 + 3 =", "options": ["4", "5"], "answer": "B", "answer_index": 1, "cot_content": ""})",
       "Question: 2 + 3 =\nAnswer:", Match::kChoice, " 5"},
      {"CMMLU, C-Eval", R"({"Question": "2 + 3 =", "A": "4", "B": "5", "C": "6", "D": "7", "Answer": "B"})",
       "Question: 2 + 3 =\nAnswer:", Match::kChoice, " 5"},
      {"MedQA", R"({"question": "Which?", "options": {"A": "one", "B": "two"}, "answer": "two", "answer_idx": "B"})",
       "Question: Which?\nAnswer:", Match::kChoice, " two"},
      {"AQuA", R"({"question": "2 + 3?", "options": ["A)4", "B)5"], "rationale": "sum", "correct": "B"})",
       "Question: 2 + 3?\nAnswer:", Match::kChoice, " 5"},
      {"AGIEval",
       R"({"passage": null, "question": "2 + 3?", "options": ["(A)4", "(B)5"], "label": ["B"], "answer": null})",
       "Question: 2 + 3?\nAnswer:", Match::kChoice, " 5"},
      {"LogiQA 2",
       R"({"id": 1, "answer": 1, "text": "All birds fly.", "question": "So?", "options": ["No", "They fly"]})",
       "All birds fly.\nQuestion: So?\nAnswer:", Match::kChoice, " They fly"},
      {"RACE", R"({"article": "He ran.", "question": "What did he do?", "options": ["Ran", "Sat"], "answer": "A"})",
       "He ran.\nQuestion: What did he do?\nAnswer:", Match::kChoice, " Ran"},
      {"TruthfulQA",
       R"({"question": "Do cows fly?", "mc1_targets": {"choices": ["Yes", "No"], "labels": [0, 1]}, "mc2_targets": {}})",
       "Question: Do cows fly?\nAnswer:", Match::kChoice, " No"},
      {"TruthfulQA as its authors have it", R"({"question": "Do cows fly?", "mc1_targets": {"No": 1, "Yes": 0}})",
       "Question: Do cows fly?\nAnswer:", Match::kChoice, " No"},
      {"BoolQ", R"({"question": "is ice cold", "title": "Ice", "answer": true, "passage": "Ice is frozen water."})",
       "Ice is frozen water.\nQuestion: is ice cold\nAnswer:", Match::kChoice, " yes"},
      {"PIQA", R"({"goal": "To open a tin,", "sol1": "use a spoon", "sol2": "use an opener", "label": 1})",
       "Question: To open a tin,\nAnswer:", Match::kChoice, " use an opener"},
      {"WinoGrande",
       R"({"sentence": "The cup fits the box because the _ is big.", "option1": "cup", "option2": "box", "answer": "2"})",
       "The cup fits the box because the ", Match::kChoice, "box is big."},
      {"Social IQa",
       R"({"context": "Kim sang.", "question": "How does Kim feel?", "answerA": "glad", "answerB": "wet", "answerC": "red", "label": "1"})",
       "Kim sang.\nQuestion: How does Kim feel?\nAnswer:", Match::kChoice, " glad"},
      {"BBQ",
       R"({"context": "Two met.", "question": "Who?", "ans0": "One", "ans1": "Two", "ans2": "Nobody", "label": 2})",
       "Two met.\nQuestion: Who?\nAnswer:", Match::kChoice, " Nobody"},
      {"SciQ",
       R"({"question": "What is ice?", "correct_answer": "water", "distractor1": "sand", "distractor2": "oil", "support": ""})",
       "Question: What is ice?\nAnswer:", Match::kChoice, " water"},
      {"GPQA",
       R"({"Question": "What is ice?", "Correct Answer": "water", "Incorrect Answer 1": "sand", "Incorrect Answer 2": "oil"})",
       "Question: What is ice?\nAnswer:", Match::kChoice, " water"},
      {"GSM8K",
       R"({"question": "Ann has 3 apples and buys 1,200. How many?", "answer": "3 + 1200 = <<3+1200=1203>>1203\n#### 1,203"})",
       "Question: Ann has 3 apples and buys 1,200. How many?\nAnswer:", Match::kNumber, "1,203"},
      {"SVAMP",
       R"({"ID": "c1", "Body": "Ann has 3 apples", "Question": "How many?", "Equation": "3", "Answer": 3.0, "Type": "Sum"})",
       "Ann has 3 apples\nQuestion: How many?\nAnswer:", Match::kNumber, "3.0"},
      {"SQuAD", R"({"id": "q", "title": "Ice", "context": "Ice is frozen water.", "question": "What is ice?",
        "answers": {"text": ["frozen water", "water"], "answer_start": [7, 14]}})",
       "Ice is frozen water.\nQuestion: What is ice?\nAnswer:", Match::kWords, "frozen water"},
      {"TriviaQA",
       R"({"question": "Who?", "answer": {"value": "Ann", "aliases": ["Ann", "Anna"], "normalized_aliases": ["ann"]}})",
       "Question: Who?\nAnswer:", Match::kWords, "Ann"},
      {"NQ-open", R"({"question": "who was it", "answer": ["Ann", "Anna"]})",
       "Question: who was it\nAnswer:", Match::kWords, "Ann"},
      {"BIG-Bench Hard", R"({"input": "not True is", "target": "False"})", "not True is", Match::kChoice, " False"},
      {"BIG-Bench Hard, options",
       R"({"input": "Valid or invalid?\nOptions:\n- valid \n- invalid", "target": "invalid"})",
       "Valid or invalid?\nOptions:\n- valid \n- invalid", Match::kChoice, " invalid"},
      {"options before the answer", R"({"question": "Which?\n* red\n* blue", "answer": "blue"})",
       "Question: Which?\n* red\n* blue\nAnswer:", Match::kChoice, " blue"},
      {"options of which none is right", R"({"input": "Which?\nOptions:\n- red\n- blue", "target": "green"})",
       "Which?\nOptions:\n- red\n- blue", Match::kWords, "green"},
      {"a list before what is asked", R"({"input": "Two:\n- red\n- blue\nThe first one is", "target": "red"})",
       "Two:\n- red\n- blue\nThe first one is", Match::kWords, "red"},
      {"BIG-Bench Hard, letters", R"j({"input": "Which?\n(A) x\n(B) y", "target": "(B)"})j", "Which?\n(A) x\n(B) y",
       Match::kBegins, "(B)"},
      {"BIG-Bench Hard, texts", R"({"input": "Sort: b a", "target": "a b"})", "Sort: b a", Match::kWords, "a b"},
      {"BIG-bench", R"({"input": "Ice is", "target_scores": {"hot": 0, "cold": 1}})", "Ice is", Match::kChoice,
       " cold"},
      {"Belebele",
       R"({"flores_passage": "He ran.", "question": "What did he do?", "mc_answer1": "Sat", "mc_answer2": "Ran", "correct_answer_num": "2"})",
       "He ran.\nQuestion: What did he do?\nAnswer:", Match::kChoice, " Ran"},
      {"LongBench 2", R"({"context": "He ran.", "question": "What did he do?", "choice_A": "Sat", "choice_B": "Ran",
        "choice_C": "Ate", "choice_D": "Hid", "answer": "B"})",
       "He ran.\nQuestion: What did he do?\nAnswer:", Match::kChoice, " Ran"},
      {"JCommonsenseQA",
       R"({"question": "Which?", "choice0": "one", "choice1": "two", "choice2": "three", "label": 1})",
       "Question: Which?\nAnswer:", Match::kChoice, " two"},
      {"COPA with a stem of its own", R"({"prompt": "It rained, so", "choice1": "a b", "choice2": "c d", "label": 1})",
       "It rained, so", Match::kChoice, " c d"},
      {"choices as members and as a list, the same",
       R"({"question": "Which?", "A": "one", "B": "two", "choices": ["A. one", "B. two"], "answer": "B"})",
       "Question: Which?\nAnswer:", Match::kChoice, " two"},
      {"all of its contexts in the prompt",
       R"({"prompt": "Ann came. Bo left. Who came?", "CONTEXTS": ["Ann came.", "Bo left."], "answer": "Ann"})",
       "Ann came. Bo left. Who came?", Match::kWords, "Ann"},
      {"one label of something else", R"({"question": "Who?", "answer": "Ann", "LABELS": ["PURPOSE"]})",
       "Question: Who?\nAnswer:", Match::kWords, "Ann"},
      {"a boolean", R"({"question": "True or False? It is.", "answer": true})",
       "Question: True or False? It is.\nAnswer:", Match::kChoice, " True"},
      {"a choice with blanks behind it", R"({"question": "Who?", "choices": ["Ann ", "Bo"], "answer": 0})",
       "Question: Who?\nAnswer:", Match::kChoice, " Ann"},
      {"BioASQ, yes or no",
       R"({"body": "Is it?", "type": "yesno", "documents": ["http://example.org/1"], "ideal_answer": ["Yes, it is."], "exact_answer": "yes", "snippets": [{"text": "It is"}]})",
       "Question: Is it?\nAnswer:", Match::kChoice, " yes"},
      {"BioASQ, a name",
       R"({"body": "Who?", "context": "It was Ann.", "type": "factoid", "documents": ["15829955"], "exact_answer": [["Ann", "Anna"]]})",
       "It was Ann.\nQuestion: Who?\nAnswer:", Match::kWords, "Ann"},
      {"a list that the prompt has",
       R"({"context": "\u5317\u4eac\u3001\u4e0a\u6d77.", "question": "Where?", "answers": ["\u5317\u4eac\u3001\u4e0a\u6d77"]})",
       "\u5317\u4eac\u3001\u4e0a\u6d77.\nQuestion: Where?\nAnswer:", Match::kWords, "\u5317\u4eac\u3001\u4e0a\u6d77"},
      {"labels of something else", R"({"question": "Is it?", "answer": "yes", "LABELS": ["RESULTS", "METHODS"]})",
       "Question: Is it?\nAnswer:", Match::kChoice, " yes"},
      {"points of an exam", R"({"question": "Who?", "answer": "Ann", "score": 5})",
       "Question: Who?\nAnswer:", Match::kWords, "Ann"},
      {"answers that are right", R"({"question": "Who?", "answer": "Ann", "is_correct": true})",
       "Question: Who?\nAnswer:", Match::kWords, "Ann"},
      {"a list of which one suffices",
       R"({"question": "Who?", "answer": ["Ann", "Bo"], "answer_type": "list of names", "match": "words"})",
       "Question: Who?\nAnswer:", Match::kWords, "Ann"},
      {"CosmosQA", R"({"context": "Kim sang.", "question": "Why?", "answer0": "joy", "answer1": "rain", "label": 0})",
       "Kim sang.\nQuestion: Why?\nAnswer:", Match::kChoice, " joy"},
      {"Open Trivia", R"({"question": "Which?", "correct_answer": "one", "incorrect_answers": ["two", "three"]})",
       "Question: Which?\nAnswer:", Match::kChoice, " one"},
      {"yes or no as a text", R"({"question": "Is ice cold?", "answer": "Yes"})",
       "Question: Is ice cold?\nAnswer:", Match::kChoice, " Yes"},
      {"ScienceQA", R"({"image": null, "question": "Which?", "choices": ["one", "two"], "answer": 0, "hint": "Read."})",
       "Read.\nQuestion: Which?\nAnswer:", Match::kChoice, " one"},
      {"a boolean in the language of the question", R"({"question": "Ist Eis kalt?", "answer": true})",
       "Question: Ist Eis kalt?\nAnswer:", Match::kChoice, " ja"},
      {"a boolean in the language of the row", R"({"question": "Eis?", "language": "pt", "answer": false})",
       "Question: Eis?\nAnswer:", Match::kChoice, " n\u00e3o"},
      {"ECQA",
       R"({"q_no": "1", "q_concept": "fish", "q_text": "Where is a fish?", "q_op1": "in a bag", "q_op2": "in a bowl", "q_ans": "in a bowl", "taskB": "x y"})",
       "Question: Where is a fish?\nAnswer:", Match::kChoice, " in a bowl"},
      {"choices as Python writes them", R"j({"question": "Who?", "choices": "['Ann', 'Bo']", "answer_index": 1})j",
       "Question: Who?\nAnswer:", Match::kChoice, " Bo"},
      {"a list of Python with one answer", R"j({"question": "Who?", "answers": "['Ann']"})j",
       "Question: Who?\nAnswer:", Match::kWords, "Ann"},
      {"letters that do not begin with A", R"({"question": "B. x C. y", "choices": ["B", "C"], "answer": "B"})",
       "Question: B. x C. y\nAnswer:", Match::kChoice, " B"},
      {"HEAD-QA",
       R"({"qid": "1", "qtext": "Which?", "ra": 2, "image": null, "answers": [{"aid": 1, "atext": "an ox"}, {"aid": 2, "atext": "a cow"}]})",
       "Question: Which?\nAnswer:", Match::kChoice, " a cow"},
      {"LAB-Bench", R"({"question": "Which?", "ideal": "L", "distractors": ["F", "D"], "source": "x"})",
       "Question: Which?\nAnswer:", Match::kChoice, " L"},
      {"answers under their names",
       R"({"question": "Roll.", "answers": {"direct": "Six.", "call": "roll"}, "correct_answer": "call"})",
       "Question: Roll.\nAnswer:", Match::kChoice, " roll"},
      {"MGSM", R"({"question": "How many?", "answer": "She had 3. The answer is 4.", "answer_number": 4})",
       "Question: How many?\nAnswer:", Match::kNumber, "4"},
      {"ASDiv", R"j({"body": "Ann has 3 apples.", "question": "How many?", "answer": "3 (apples)", "formula": "3=3"})j",
       "Ann has 3 apples.\nQuestion: How many?\nAnswer:", Match::kNumber, "3"},
      {"DROP", R"({"passage": "Ann won.", "question": "Who?", "answers_spans": {"spans": ["Ann"], "types": ["span"]}})",
       "Ann won.\nQuestion: Who?\nAnswer:", Match::kWords, "Ann"},
      {"DROP, its authors' file",
       R"({"passage": "Ann won.", "question": "Who?", "answer": {"number": "", "date": {"day": ""}, "spans": ["Ann"]}})",
       "Ann won.\nQuestion: Who?\nAnswer:", Match::kWords, "Ann"},
      {"DROP, a number", R"({"passage": "Ann won.", "question": "How many?", "answer": {"number": "3", "spans": []}})",
       "Ann won.\nQuestion: How many?\nAnswer:", Match::kNumber, "3"},
      {"verl", R"({"prompt": "How many?", "reward_model": {"ground_truth": "72", "style": "rule"}})", "How many?",
       Match::kNumber, "72"},
      {"a prompt with its question in it",
       R"({"prompt": "Say: who is it?", "question": "who is it?", "answer": "Ann"})", "Say: who is it?", Match::kWords,
       "Ann"},
      {"OpenAI evals, a text", R"({"input": "2+2=", "ideal": "4"})", "2+2=", Match::kBegins, "4"},
      {"KILT", R"({"id": "7", "input": "who was it", "output": [{"answer": "Ann", "provenance": [{"title": "x"}]},
        {"provenance": [{"title": "y"}]}, {"answer": ""}, {"answer": "Anna"}], "meta": {}})",
       "who was it", Match::kWords, "Ann"},
      {"CMRC 2018", R"({"context_text": "Ice is water.", "query_text": "What is ice?", "answers": ["water", "water"]})",
       "Ice is water.\nQuestion: What is ice?\nAnswer:", Match::kWords, "water"},
      {"TyDi QA with texts", R"({"document_plaintext": "Ice is water.", "question_text": "What is ice?",
        "annotations": {"answer_start": [7], "answer_text": ["water"]}})",
       "Ice is water.\nQuestion: What is ice?\nAnswer:", Match::kWords, "water"},
      {"MedMCQA with letters", R"({"question": "Which?", "opa": "one", "opb": "two", "cop": "b"})",
       "Question: Which?\nAnswer:", Match::kChoice, " two"},
      {"APE210K",
       R"j({"id": "7", "segmented_text": "\u51e0 \u4e2a ?", "original_text": "\u51e0\u4e2a?", "ans": "1(5/6)", "equation": "x=1+(5/6)"})j",
       "Question: \u51e0\u4e2a?\nAnswer:", Match::kNumber, "1(5/6)"},
      {"APE210K, arithmetic", R"({"original_text": "How many?", "ans": "100-15", "equation": "x=100-15"})",
       "Question: How many?\nAnswer:", Match::kNumber, "85.0"},
      {"Math23K",
       R"({"original_text": "How many?", "segmented_text": "How many ?", "equation": "x=76", "ans": "x=76"})",
       "Question: How many?\nAnswer:", Match::kNumber, "76"},
      {"CARP",
       R"({"content": "If $2 x = 8$, then $x$ is ____?", "answer": "x = - \\frac { 3 } { 4 }", "steps": "So.", "exprs": ["x = 4"]})",
       "Question: If $2 x = 8$, then $x$ is ____?\nAnswer:", Match::kNumber, "- \\frac { 3 } { 4 }"},
      {"SAT", R"({"id": "0", "question": "Which?", "options": "A) $f(-6)=0$ B) one, two C) 3", "Answer": "B"})",
       "Question: Which?\nAnswer:", Match::kChoice, " one, two"},
      {"MathQA", R"({"Problem": "How many?", "options": "a ) 38 , b ) 27.5 , c ) none of these", "correct": "c"})",
       "Question: How many?\nAnswer:", Match::kChoice, " none of these"},
      {"AGIEval, SAT",
       R"j({"passage": "", "question": "Which?", "options": ["(A)2", "(B)4"], "label": "B", "other": {"solution": "x"}})j",
       "Question: Which?\nAnswer:", Match::kChoice, " 4"},
      {"a percentage by its unit", R"({"question": "How much?", "final_answer": ["4.2"], "unit": "\\%"})",
       "Question: How much?\nAnswer:", Match::kNumber, "4.2%"},
      {"a date", R"({"question": "On which day?", "answer": "3/4/2021"})",
       "Question: On which day?\nAnswer:", Match::kWords, "3/4/2021"},
      {"TAL-SCQ5K",
       R"({"problem": "How many?", "answer_option_list": [[{"aoVal": "A", "content": "$$3$$ "}], [{"aoVal": "B", "content": "$$4$$ "}]], "answer_value": "B", "answer_analysis": ["So."]})",
       "Question: How many?\nAnswer:", Match::kChoice, " $$4$$"},
      {"AddSub, SingleEq, MultiArith",
       R"({"iIndex": 1, "sQuestion": " How many?", "lEquations": ["X=4+5"], "lSolutions": [9.0]})",
       "Question: How many?\nAnswer:", Match::kNumber, "9.0"},
      {"a classification with examples", R"({"prompt": "Text: x\nLabel: good\nText: y\nLabel:", "target": "good"})",
       "Text: x\nLabel: good\nText: y\nLabel:", Match::kWords, "good"},
      {"the word that is asked about",
       R"({"prompt": "Which words read alike backwards?\nWord: level", "target": "level"})",
       "Which words read alike backwards?\nWord: level", Match::kWords, "level"},
      {"one word of another language", R"({"prompt": "Translate dog into French:", "answer": "chien"})",
       "Translate dog into French:", Match::kWords, "chien"},
      {"a program that may be copied", R"({"prompt": "Which is a query: SELECT 1 or PRINT 1?", "answer": "SELECT 1"})",
       "Which is a query: SELECT 1 or PRINT 1?", Match::kWords, "SELECT 1"},
      {"a verdict of another language", R"({"question": "Est-ce froid ?", "answer": "Oui"})",
       "Question: Est-ce froid ?\nAnswer:", Match::kChoice, " Oui"},
      {"Mintaka",
       R"({"question": "Is it higher?", "answer": {"answerType": "boolean", "answer": [true], "mention": "Yes."}})",
       "Question: Is it higher?\nAnswer:", Match::kChoice, " Yes"},
      {"TAT-QA", R"({"question": "How much?", "answer": 24.41, "answer_type": "arithmetic", "scale": "percent"})",
       "Question: How much?\nAnswer:", Match::kNumber, "24.41%"},
      {"Mintaka, an entity",
       R"({"question": "Which?", "answer": {"answerType": "entity", "answer": [{"name": "Q7", "label": {"en": "Lima", "de": null}}], "mention": "Lima"}})",
       "Question: Which?\nAnswer:", Match::kWords, "Lima"},
      {"a verdict under another name", R"({"Question": "Is it?", "Final answer": "Yes"})",
       "Question: Is it?\nAnswer:", Match::kChoice, " Yes"},
      {"MultiArith with an answer", R"({"question": "How many?", "final_ans": "98"})",
       "Question: How many?\nAnswer:", Match::kNumber, "98"},
      {"evidence that names paragraphs",
       R"({"question": "Is it?", "answer": true, "evidence": [[["Genghis Khan-17"]]]})",
       "Question: Is it?\nAnswer:", Match::kChoice, " yes"},
      {"a full stop", R"({"question": "Who?", "answer": "Ann Lee."})", "Question: Who?\nAnswer:", Match::kWords,
       "Ann Lee"},
      {"a verdict with a full stop", R"({"question": "Is it?", "answer": "Yes."})",
       "Question: Is it?\nAnswer:", Match::kChoice, " Yes"},
      {"words of the prompt in another order",
       R"({"input": "Sort: because was grew sales servers of", "target": "because grew of sales servers was"})",
       "Sort: because was grew sales servers of", Match::kWords, "because grew of sales servers was"},
      {"a list as the passage has it",
       R"({"context": "Ann, Bo and Cy came.", "question": "Who?", "answers": {"text": ["Ann, Bo and Cy"]}})",
       "Ann, Bo and Cy came.\nQuestion: Who?\nAnswer:", Match::kWords, "Ann, Bo and Cy"},
      {"MATH", R"({"problem": "How many?", "level": "Level 1", "type": "Sums", "solution": "So it is $\\boxed{42}$."})",
       "Question: How many?\nAnswer:", Match::kNumber, "42"},
      {"MATH with an answer", R"({"problem": "How much?", "solution": "x", "answer": "\\frac{1}{2}"})",
       "Question: How much?\nAnswer:", Match::kNumber, "\\frac{1}{2}"},
      {"OlympiadBench", R"({"question": "How many?", "final_answer": ["$42$"], "is_multiple_answer": false})",
       "Question: How many?\nAnswer:", Match::kNumber, "42"},
      {"an index as pandas writes it", R"({"question": "Which?", "choices": ["one", "two"], "answer": 1.0})",
       "Question: Which?\nAnswer:", Match::kChoice, " two"},
      {"BIG-Bench Hard, brackets", R"({"input": "Close: < [", "target": "] >"})", "Close: < [", Match::kWords, "] >"},
      {"lm-eval, its functions' results",
       R"({"doc_to_text": "Ice is", "doc_to_choice": ["hot", "cold"], "doc_to_target": 1})", "Ice is", Match::kChoice,
       " cold"},
      {"lm-eval samples, choices",
       R"({"doc_id": 0, "doc": {}, "target": "1", "arguments": {"gen_args_0": {"arg_0": "Q?\nA:", "arg_1": " hot"},
        "gen_args_1": {"arg_0": "Q?\nA:", "arg_1": " cold"}}, "resps": [], "acc": 0.0})",
       "Q?\nA:", Match::kChoice, " cold"},
      {"lm-eval samples, as they were",
       R"({"doc_id": 0, "target": 0, "arguments": [["Q?\nA:", " hot"], ["Q?\nA:", " cold"]]})",
       "Q?\nA:", Match::kChoice, " hot"},
      {"lm-eval samples, the prompt differs",
       R"({"target": "1", "arguments": [["The cat", " sat."], ["The dog", " sat."]]})", "The ", Match::kChoice,
       "dog sat."},
      {"lm-eval samples, one continuation", R"({"target": " water", "arguments": [["Ice is frozen", " water"]]})",
       "Ice is frozen", Match::kBegins, "water"},
      {"lm-eval samples, generated",
       R"({"target": "3\n#### 3", "arguments": {"gen_args_0": {"arg_0": "Q?", "arg_1": {"until": ["Q:"]}}}})", "Q?",
       Match::kNumber, "3"},
      {"lm-eval samples, a number after steps",
       R"({"doc": {"problem": "p"}, "target": "2", "filter": "none", "arguments": {"gen_args_0": {"arg_0": "Q?", "arg_1": {}}}})",
       "Q?", Match::kNumber, "2"},
      {"lm-eval samples, a list as Python writes it",
       R"j({"target": "['Ann\\'s', \"Bo's\"]", "filter": "remove_whitespace", "arguments": [["Q?", {"until": ["\n"]}]]})j",
       "Q?", Match::kWords, "Ann's"},
  };
  for (const auto& row : kRows) {
    const auto question = ReadQuestionRow(json::parse(row.row));
    ASSERT_TRUE(question.ok()) << row.form << ": " << question.error().message;
    EXPECT_EQ(question->prompt, row.prompt) << row.form;
    EXPECT_EQ(question->match, row.match) << row.form;
    EXPECT_EQ(question->references.at(question->right), row.reference) << row.form;
    EXPECT_EQ(WhyIncomplete(json::parse(row.row), *question, NotSent(json::parse(row.row), *question), {}), "")
        << row.form;
  }
}

TEST(ReadQuestionRow, ComparesNumbersAsNumbers) {
  const auto read = [](const char* answer) { return ReadQuestionRow({{"problem", "How many?"}, {"answer", answer}}); };
  for (const char* number :
       {"42", "016", "-2.5", "- 1", "\u22121", "1 000", "1,234", "1,000.5", "1{,}234", "$18.90", "$12", "20%", "$42$",
        "\\boxed{42}", "\\frac{1}{2}", "3/5", "x=3", "12 \\mathrm{~cm}", "90^\\circ"}) {
    const auto question = read(number);
    ASSERT_TRUE(question.ok()) << number << ": " << question.error().message;
    EXPECT_EQ(question->match, Match::kNumber) << number;
  }
  EXPECT_EQ(read("1{,}234")->references.at(0), "1,234");
  EXPECT_EQ(read("\\text{Lima}")->references.at(0), "Lima");
  EXPECT_FALSE(read("$18.90")->formula);
  EXPECT_TRUE(read("x=3")->formula);
  for (const char* text : {"Lima", "route 66", "3 apples", "5 June 2020", "\u00e9t\u00e9", "1:9", "\\text{Lima}"}) {
    const auto question = read(text);
    ASSERT_TRUE(question.ok()) << text << ": " << question.error().message;
    EXPECT_EQ(question->match, Match::kWords) << text;
  }
  // Of a prompt nothing is guessed: the docs say "exact".
  EXPECT_EQ(ReadQuestionRow({{"prompt", "How many?"}, {"reference", "42"}})->match, Match::kExact);
}

TEST(ReadQuestionRow, AllowsWhatTheRowAllows) {
  const auto read = [](const char* answer, json more) {
    json row = {{"question", "How much?"}, {"answer", answer}};
    row.update(more);
    const auto question = ReadQuestionRow(row);
    EXPECT_TRUE(question.ok()) << row << question.error().message;
    return *question;
  };
  EXPECT_EQ(read("4.2", {{"error", "1e-1"}}).tolerance, 0.1);
  EXPECT_EQ(read("4.2", {{"error", "$\\pm 0.1$"}}).tolerance, 0.1);
  EXPECT_EQ(read("4.2", {{"error", "0.1 km"}, {"unit", "km"}}).tolerance, 0.1);
  EXPECT_EQ(read("4.2%", {{"error", ".1"}}).tolerance, 0.1) << "of the percentage";
  EXPECT_EQ(read("200", {{"relative_tolerance", 0.01}}).tolerance, 2);
  EXPECT_EQ(read("200", {{"tolerance", "5%"}}).tolerance, 10);
  EXPECT_EQ(read("200", {{"tolerance", 0.05}}).tolerance, 0.05) << "the smaller one";
  EXPECT_EQ(read("0.02", {{"tolerance", 0.05}}).tolerance, 0.001) << "the smaller one";
  EXPECT_EQ(read("7 \\times 10^{35}", {{"precision", 0.01}}).tolerance, 0.01);
  EXPECT_EQ(read("0", {{"error", "0.1"}}).tolerance, 0.1);
  for (const json& more :
       {json{{"error", nullptr}}, json{{"error", ""}}, json{{"error", "none"}}, json{{"tolerance", 0}}}) {
    EXPECT_EQ(read("4.2", more).tolerance, 0) << more;
    EXPECT_EQ(read("4.2", more).no_tolerance, "") << more;
  }
  for (const json& more : {json{{"precision", 2}}, json{{"error", "0.1 mile"}, {"unit", "km"}},
                           json{{"error", "0.1,0.2"}}, json{{"error", "-1"}}, json{{"error", "5"}}}) {
    EXPECT_EQ(read("4.2", more).tolerance, 0) << more;
    EXPECT_NE(read("4.2", more).no_tolerance, "") << more;
  }
  EXPECT_EQ(read("Lima", {{"error", "0.1"}}).tolerance, 0) << "no number";
  const json row = {{"question", "How much?"}, {"answer", "4.2"}, {"error", "0.1"}};
  EXPECT_THAT(NotSent(row, *ReadQuestionRow(row)), testing::IsEmpty());
}

TEST(ReadQuestionRow, AcceptsAliasesOfTheAnswer) {
  const json row = {{"question", "Who?"}, {"answer", "Ann"}, {"answer_aliases", {"Anna", "Ann"}}};
  const auto question = ReadQuestionRow(row);
  ASSERT_TRUE(question.ok()) << question.error().message;
  EXPECT_THAT(question->references, testing::ElementsAre("Ann", "Anna"));
  EXPECT_THAT(NotSent(row, *question), testing::IsEmpty());
  const json written = {{"question", "Is it?"}, {"choices", {"no", "yes"}}, {"answer", "yes"}};
  EXPECT_THAT(NotSent(written, *ReadQuestionRow(written)), testing::IsEmpty()) << "choices are sent";
}

TEST(ReadQuestionRow, SendsNoAnswerAsTheLastTurn) {
  const auto message = [](const char* row) {
    const auto question = ReadQuestionRow(json::parse(row));
    return question.ok() ? "read" : question.error().message;
  };
  // As for fine-tuning.
  EXPECT_EQ(
      message(
          R"({"messages": [{"role": "user", "content": "Charged twice."}, {"role": "assistant", "content": "bill"}]})"),
      R"("messages" ends with a turn of the "assistant", "bill": the answer, or its beginning, would be sent: )"
      R"(jq -c 'if .["messages"][-1].role == "assistant" then .reference = .["messages"][-1].content | )"
      R"(del(.["messages"][-1]) else . end' FILE > OUT makes the reference of it)");
  for (const char* name : {"reference", "ideal", "answer", "ground_truth", "expected_output", "references", "target"}) {
    const json row = {
        {"messages", json::parse(R"([{"role": "user", "content": "x"}, {"role": "model", "content": "y"}])")},
        {name, "y"}};
    EXPECT_THAT(
        message(row.dump().c_str()),
        testing::EndsWith(R"(jq -c 'if .["messages"][-1].role == "model" then del(.["messages"][-1]) else . end')"
                          R"( FILE > OUT leaves it out)"))
        << name;
  }
  EXPECT_THAT(message(R"({"prompt": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
                          "reward_model": {"ground_truth": "y"}})"),
              HasSubstr(R"(then del(.["prompt"][-1]) else)"));
  EXPECT_THAT(message(R"j({"target": "y", "arguments": [["[{\"role\": \"user\", \"content\": \"x\"}, )j"
                      R"j({\"role\": \"assistant\", \"content\": \"It is\"}]", {}]]})j"),
              HasSubstr("leave this turn out"));
  // Examples before the question are sent.
  EXPECT_EQ(message(R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"},
                        {"role": "user", "content": "z"}], "reference": "y"})"),
            "read");
}

TEST(ReadQuestionRow, ReadsMessagesUnderAnyOfTheirNames) {
  const auto evals = ReadQuestionRow(json::parse(
      R"({"input": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2+2?"}], "ideal": ["4", "four"]})"));
  ASSERT_TRUE(evals.ok()) << evals.error().message;
  EXPECT_EQ(evals->messages.size(), 2U);
  EXPECT_EQ(evals->match, Match::kBegins);
  const auto sample = ReadQuestionRow(json::parse(
      R"({"target": "4", "arguments": {"gen_args_0": {"arg_0": ["[{\"role\": \"user\", \"content\": \"2+2?\"}]"], "arg_1": {"until": "\n"}}}})"));
  ASSERT_TRUE(sample.ok()) << sample.error().message;
  EXPECT_EQ(sample->messages.at(0).content, "2+2?");
  EXPECT_THAT(sample->stop, testing::ElementsAre("\n"));
}

TEST(ReadQuestionRow, FramesQuestionsButNoPrompt) {
  const auto prompt = [](const char* row) { return ReadQuestionRow(json::parse(row))->prompt; };
  EXPECT_EQ(prompt(R"({"question": "Who?", "answer": "Ann"})"), "Question: Who?\nAnswer:");
  EXPECT_EQ(prompt(R"({"question": "Q: Who?\nA:", "answer": "Ann"})"), "Q: Who?\nA:") << "has a frame";
  EXPECT_EQ(prompt(R"({"prompt": "Who?", "answer": "Ann"})"), "Who?");
  EXPECT_THAT(ReadQuestionRow(json::parse(R"({"question": "Who?", "answer": "Ann"})"))->stop,
              testing::ElementsAre("\nQuestion:"));
}

TEST(ReadQuestionRow, PutsASpaceBetweenWords) {
  const auto choice = [](const char* prompt, const char* text) {
    return ReadQuestionRow({{"prompt", prompt}, {"choices", {text, "x"}}, {"answer", 0}})->references[0];
  };
  EXPECT_EQ(choice("The sky is", "blue"), " blue");
  EXPECT_EQ(choice("The sky is", " blue"), " blue");
  EXPECT_EQ(choice("The sky is ", "blue"), "blue");
  EXPECT_EQ(choice("print(", "a)"), "a)");
  EXPECT_EQ(choice("She stops", ", then runs"), ", then runs");
}

TEST(ReadQuestionRow, TellsWhatIsWrongAndWhatToWrite) {
  const struct {
    const char* row;
    const char* message;
  } kCases[] = {
      {R"({"reference": "4"})", R"(has neither "prompt" nor "messages" nor "question", but "reference")"},
      {R"({"prompt": "x", "messages": [], "reference": "y"})", "has both a prompt and messages"},
      {R"({"prompt": "", "reference": "y"})", R"("prompt": "" is no text)"},
      {R"({"prompt": "x", "reference": ""})", "is no text"},
      {R"({"prompt": "x", "reference": 4})",
       R"("reference": 4 may be a number or the index of a choice: an index needs "choices"; for numbers jq -c 'if (.["reference"] | type) == "number" then .["reference"] |= tostring | .match = "number" else . end' FILE > OUT)"},
      {R"({"prompt": "x", "reference": "y", "match": "fuzzy"})", "\"fuzzy\" is not exact, contains"},
      {R"({"prompt": "x", "reference": "(", "match": "regex"})", "\"(\" is no regular expression"},
      {R"({"prompt": "x", "reference": "four", "match": "number"})", "\"four\" has no number"},
      {R"({"prompt": "x", "choices": ["a", "b"]})", "\"choices\" without \"answer\""},
      {R"({"prompt": "x", "choices": ["a", "b"], "answer": 2})", "2 is no index of a choice"},
      {R"({"prompt": "x", "choices": ["a", "b"], "answer": -1})", "-1 is no index of a choice"},
      {R"({"prompt": "x", "choices": ["a"], "answer": 0})", "fewer than two"},
      {R"({"prompt": "x", "choices": ["a", {"b": 1}], "answer": 0})", R"("choices": {"b":1} is no text)"},
      {R"({"prompt": "x", "choices": ["a", "b"], "answer": 0, "reference": "a"})", "choices need no \"reference\""},
      {R"({"prompt": "x", "choices": ["a", "b"], "answer": 0, "match": "exact"})", "\"match\" is for references"},
      {R"({"messages": [{"role": "user", "content": "x"}], "choices": ["a", "b"], "answer": 0})",
       "no engine gives the likelihood of a chat"},
      {R"({"messages": [{"role": "user"}], "reference": "a"})",
       R"("messages" has {"role":"user"}, which is no message)"},
      {R"({"prompt": ["a", "b"], "reference": "c"})", R"("prompt" has "a", which is no message: write {"role")"},
      // Several questions.
      {R"({"prompt": ["a", "b"], "reference": ["c", "d"]})", R"("prompt" has 2 questions in one row)"},
      {R"({"article": "x", "questions": ["a?", "b?"], "options": [["c", "d"], ["e", "f"]], "answers": ["A", "B"]})",
       R"("questions" has 2 questions in one row, and "answers" their answers: jq -c '. as $r)"},
      // What may mean two things.
      {R"({"question": "x", "choices": ["3", "2", "1"], "label": "1"})", "may be several choices"},
      {R"({"question": "x", "choices": ["red", "blue"], "answer": "1"})", "no letter and no text of one"},
      {R"({"question": "x", "options": ["a b", "c d"], "answer": "A", "answer_index": 1})", "name two choices"},
      {R"({"question": "x", "option1": "2", "option2": "1", "answer": "1"})", "may be several choices"},
      {R"({"question": "x", "choices": ["a b", "c d"], "answer": ["A", "B"]})", "several right answers"},
      {R"({"question": "x", "answer": "B"})", "seems to name a choice"},
      {R"({"question": "x", "things": ["a", "b"], "answer": 1})", R"(an index needs "choices")"},
      {R"({"question": "x", "mc1_targets": {"choices": ["a", "b"], "labels": [1, 1]}})", "not one of its labels is 1"},
      {R"({"sentence": "No gap.", "option1": "a", "option2": "b", "answer": "1"})", R"(has not one "_")"},
      {R"({"question": "x", "A": "a b", "B": "c d", "answer": 2})",
       "may count from 0 or from 1, and no row of the file"},
      // Some of the answers are wrong, or another's.
      {R"({"question": "x", "answer": "an ox", "label": 0})", R"("label" says whether or which "answer" is right)"},
      {R"({"question": "x", "answers": ["a b", "c d"], "label": 1})", R"(or all of them as "choices")"},
      {R"({"question": "x", "answer": "an ox", "is_correct": false})", "\"is_correct\" says whether"},
      {R"({"question": "x", "answer": "an ox", "ground_truth": "a cow"})", "are two answers: write the right one"},
      // A text that the question is about would not be sent.
      {R"({"question": "Revenue?", "table": [["2009", "4"]], "answer": "4"})",
       "\"table\": [[\"2009\",\"4\"]] would not be sent"},
      {R"({"question": "Who?", "paragraph": "Ann came.", "answer": "Ann"})", "write both as one \"prompt\""},
      {R"({"question": "Who?", "contexts": ["Ann came."], "reference": "Ann"})", "\"contexts\""},
      {R"({"input": "Who?", "context": "Ann came.", "answers": ["Ann"]})",
       "\"context\": \"Ann came.\" would not be sent"},
      {R"({"query": "SELECT 1", "question": "How many are there?", "answer": "1"})",
       R"("query": "SELECT 1" would be sent in place of "question": jq -c 'del(.["query"])' FILE > OUT leaves it out)"},
      {R"({"system_prompt": "Answer with a letter.", "question": "Who?", "answer": "Ann"})", "\"system_prompt\""},
      {R"({"instruction": "Say yes or no.", "question": "Is it?", "answer": "yes"})", "\"instruction\""},
      {R"({"premise": "It rained.", "choice1": "a b", "choice2": "c d", "question": "cause", "label": 0})",
       R"("question": "cause" and "premise" are no prompt: write one that the choices go on with)"},
      {R"({"given_info": "It rained.", "question": "Was it wet?", "answer": "yes"})",
       R"(write both as one "prompt" (jq -c '.context = (.["given_info"]) | del(.["given_info"])' FILE > OUT does so), or leave "given_info" out)"},
      {R"({"code": "def f(x): return x", "input": "[1, 2]", "output": "[1, 2]"})", "\"code\": \"def f(x)"},
      {R"({"prompt": "Who came?", "context": "Ann came.", "answer": "Ann"})", "\"context\": \"Ann came.\" would"},
      {R"({"prompt": "Translate it.", "input": "Hola amigo", "reference": "Hello"})",
       "\"input\": \"Hola amigo\" would"},
      {R"({"passage": "Ann came.", "text": "Bo left.", "question": "Who?", "answer": "Bo"})", "\"text\""},
      {R"({"question": "Revenue?", "answer": "4", "evidence": [{"evidence_text": "Revenue of the whole year was 4 million, after 3 million a year before.", "doc_name": "10-K"}]})",
       R"(write both as one "prompt" (jq -c '.context = ([.["evidence"][]["evidence_text"]] | join("\n")) | del(.["evidence"])' FILE > OUT does so), or leave "evidence" out)"},
      {R"({"question": "Who?", "paragraphs": ["Ann came.", "Bo left."], "answer": "Ann"})",
       R"(jq -c '.context = ([.["paragraphs"] | .. | strings] | join("\n")) | del(.["paragraphs"])' FILE)"},
      {R"({"question": "Who?", "context": [["Ann", ["Ann came."]]], "answer": "Ann"})",
       R"(jq -c '.["context"] |= ([.. | strings] | join("\n"))' FILE > OUT makes one of it)"},
      {R"({"input": "Who came?", "context": "Ann came.", "answers": ["Ann"]})",
       R"(jq -c '.question = .["input"] | del(.["input"])' FILE > OUT does so)"},
      {R"({"input": "Ann came. Bo left.", "question": "Who came?", "target": "Ann"})",
       R"(jq -c '.["input"] += "\n" + .["question"] | del(.["question"])' FILE > OUT does so)"},
      {R"({"passage": "x", "question": "y", "answer": {"number": "", "spans": ["Ann", "Bo"]}})", "not one span"},
      // No answer.
      {R"({"question": "x", "answer": "Ann", "answerable": false})",
       "\"answerable\": false says that the question has no"},
      // Two lists of choices; choices under a name of references.
      {R"({"prompt": "x", "choices": ["no", "yes"], "choice1": "a b", "choice2": "c d", "label": 1})",
       R"("choices" is one list of choices, and ["a b","c d"] is another)"},
      {R"({"question": "x", "answers": {"a": "one", "b": "two"}, "correct_answers": ["b"]})",
       R"(are choices: write them as "choices")"},
      {R"({"question": "x", "choices": {"a": "one", "b": "two"}, "correct_answers": ["a", "b"]})",
       "several right answers"},
      // The whole list is the answer.
      {R"({"question": "x", "answer": [0, 5]})", "has several numbers"},
      {R"j({"question": "x", "answer": "(b)"})j", R"(seems to name a choice, and no choices are known: write them as)"},
      {R"({"question": "x\nA. a b\nB. c d", "answer": ["B"]})", R"(in it, so write "choices": ["A","B"])"},
      {R"({"question": "x", "gold": "A"})", "\"gold\": \"A\" seems to name a choice"},
      {R"({"question": "x", "possible_answers": "[\"one\", \"two\"]"})",
       R"(write a list of texts (jq -c '.["possible_answers"] = (.["possible_answers"] | fromjson? // .)' FILE > OUT) if one of them suffices)"},
      {R"({"problem": "x", "answer": "$[2,3)$"})", "is a formula"},
      {R"({"problem": "x", "answer": "10-4 n"})", "is a formula"},
      // A list in one text.
      {R"({"question": "x", "answer": "2,4,3"})", R"("2,4,3" is a list in a text: write a list of texts)"},
      {R"({"question": "x", "answer": "[1, 3]"})", "is a list in a text"},
      {R"({"question": "x", "answer": "1,23"})", "has two numbers, or a decimal comma: write a decimal point"},
      {R"({"question": "x", "answer": "56,2%"})", "or a decimal comma"},
      // A choice of the question.
      {R"j({"question": "x\n(A) a b\n(B) c d", "answer": "(B) c d"})j",
       R"("(B) c d" names a choice: the question seems to have them in it, so write "choices": ["A","B"], and the letter as "answer")"},
      {R"({"question": "Question: x A:a b B:c d ", "answer": "Answer: B"})", "names a choice"},
      {R"({"question": "x\nA.-2 B.0", "answer": "-2", "choice_answer": "A"})",
       R"("choice_answer": "A" names a choice)"},
      {R"({"question": "x", "choices": ["a b ", "a b", "c d"], "answer": 0})", R"(two choices are "a b")"},
      {R"({"question": "x", "answer": "Ann", "text_only": false})", "says that the question needs a picture"},
      {R"({"question": "x", "answer": "Ann", "contract": "A long text."})",
       "\"contract\": \"A long text.\" would not be sent"},
      {R"({"question": "x", "answer": "Yes, one customer had 16% of all"})",
       R"(is a verdict with its reasons, and no answer has the same words: jq -c 'if (.["answer"] | type == "string" and test()"},
      {R"({"question": "x", "answers": ["No. It fell"]})", R"(the same words: write the verdict as "answer")"},
      {R"({"question": "x", "answer": "Sales of servers, parts and licences"})",
       "is a list in a text, and its order may be another"},
      {R"({"prompt": "x", "reference": "Sales grew because costs fell"})", "29 bytes and is one of many good answers"},
      {R"({"question": "x", "answer": "A, C"})", "is a list in a text"},
      {R"j({"input": "x", "target": "(A), (C)"})j", "is a list in a text"},
      {R"({"question": "x\nA. a b\nB. c d\nC. e f", "answer": "AC"})", "several right answers"},
      {R"({"prompt": "x", "answer": ["A", "C"]})", "several right answers"},
      {R"({"question": "x", "answer": "Ann", "is_multiple_answer": true})",
       R"("is_multiple_answer": true says that the question has several answers)"},
      {R"({"question": "x", "final_answer": ["Ann", "Bo"], "question_type": "multi-select"})", "has several answers"},
      {R"({"question": "x", "choices": ["a b", "c d", "e f"], "answer": "A, C"})", "several right answers"},
      {R"({"question": "x", "options": {"A": "a b", "B": "c d", "C": "e f"}, "answer": "AC"})",
       "several right answers"},
      {R"({"question": "x", "choices": ["a b", "c d", "e f"], "answer": "1;3"})", "several right answers"},
      {R"({"prompt": "x", "reference": "3, 4", "match": "number"})", "has several numbers, and of an answer"},
      {R"({"question": "x", "Answer": ["a b", "c d"], "Answer_type": "list of names"})",
       R"("Answer_type" says that the answer is a list)"},
      {R"({"question": "Write the list of all that came.", "answer": ["Ann", "Bo"]})", "the prompt asks for several"},
      {R"({"question": "x", "answer": "an ox", "score": 0})", R"("score" says whether)"},
      {R"({"prompt": "x", "reference": "[(4, 1)]"})", R"(else "match": "exact" or "contains")"},
      {R"({"question": "x", "options": "A) one A) two", "Answer": "A"})",
       R"(is no list of choices: "A) one A) two": write [)"},
      {R"({"question": "x", "options": "see B) below", "Answer": "A"})", "is no list of choices"},
      {R"j({"content": "Which?\nChoose from the following options:   (A)2 (B)4", "answer": "B"})j",
       R"(in it, so write "choices": ["A","B"])"},
      {R"({"question": "On which date?", "answer": "12/25"})", R"("12/25" may be a date or a fraction)"},
      {R"({"question": "How much energy?", "answer": "7.5", "unit": "$10^3$ J"})", "is a multiple of a unit"},
      {R"({"problem": "x", "answer": "2RC+R+C"})", "\"2RC+R+C\" is a formula"},
      {R"j({"problem": "x", "answer": "np.arcsin(10/13)"})j", "is a formula, and only those that are one number"},
      {R"({"question": "x", "answer": "\u5317\u4eac\u3001\u4e0a\u6d77"})", "is a list in a text"},
      {R"({"question": "x", "output": "[(4, 1)]"})",
       R"("output": "[(4, 1)]" may be the only right answer: write it as "reference")"},
      {R"({"image": {"path": "a.png"}, "question": "Which?", "choices": ["a b", "c d"], "answer": 0})", "\"image\""},
      {R"({"query": "Roll a die", "tools": "[]", "answers": "[{\"name\": \"roll\"}]"})", "\"tools\""},
      {R"({"query": "Roll a die", "answers": "[{\"name\": \"roll\"}]"})", "is JSON in a text"},
      {R"({"problem": "x", "answer": "p - q"})", "is a formula"},
      {R"({"problem": "x", "answer": "x^2+7x+10"})", "is a formula"},
      {R"j({"problem": "x", "answer": "(3,4)"})j", "is a list in a text"},
      {R"j({"problem": "x", "answer": "(3,4]"})j", "is a formula"},
      {R"({"problem": "x", "answer": "1,-2"})", "is a list in a text"},
      {R"({"problem": "x", "answer": "2\u221A3"})", "is a formula"},
      // Sentences, of which there are many.
      {R"({"prompt": "Who came?", "reference": "It was Ann who came home late."})", "is one of many good answers"},
      {R"({"question": "Who came?", "answer": "It was Ann who came home late."})", "30 bytes and is one of many"},
      {R"({"question": "x", "choices": ["a", "b"], "answer": 1, "correct_answer": "7"})",
       R"("correct_answer": "7" is no)"},
      // Test splits, unanswerable questions.
      {R"({"ctx": "x", "endings": ["a", "b"], "label": ""})", "\"label\" is empty: test splits"},
      {R"({"context": "x", "question": "y", "answers": {"text": [], "answer_start": []}})", "has no answer"},
      {R"({"goal": "x", "sol1": "a", "sol2": "b"})", "\"choices\" without \"answer\""},
      // Nothing here can judge them.
      {R"({"task_id": "T/0", "prompt": "def f():", "canonical_solution": "pass", "test": "assert f() == 1", "entry_point": "f"})",
       "\"test\": the answers are programs"},
      {R"({"text": "Write f.", "code": "def f(): pass", "test_list": ["assert f() == 1"]})", "has neither \"prompt\""},
      {R"({"key": 1, "prompt": "Write 300 words.", "instruction_id_list": ["length:words"], "kwargs": [{}]})",
       "programs of their own"},
      {R"({"prompt": "x", "turns": ["a", "b"]})", "another model would have to judge"},
      {R"({"question_id": 1, "turns": ["a", "b"], "reference": ["c", "d"]})", "another model would have to judge"},
      {R"({"doc": {"instruction_id_list": ["x"]}, "target": "0", "arguments": [["Write.", {}]]})",
       R"("doc" has "instruction_id_list": its instructions are checked)"},
      {R"({"doc": {}, "target": "B", "filter": "custom-extract", "arguments": [["Q?", {}]]})",
       R"("filter": "custom-extract" takes the answer out of a longer text)"},
      {R"({"target": 0, "arguments": [["Q?", " hot"]]})", "where it is an index, the other choices are lost"},
      {R"({"target": 1, "arguments": [["Q?", " hot"], ["Q?", " cold"]], "filtered_resps": [["-1"]]})",
       "\"filtered_resps\" has 1 results, and \"arguments\" 2: a part of the row is lost"},
      {R"({"target": 0, "arguments": [["Q?", " hot"], ["Q?", ""]]})", "has an empty continuation"},
      // Programs, by whatever name.
      {R"j({"question": "How many heads?", "context": "CREATE TABLE head (age INTEGER)", "answer": "SELECT COUNT(*) FROM head WHERE age > 56"})j",
       R"j("answer": "SELECT COUNT(*) FROM head WHERE age > 56" is a query: equal ones are written in many ways, and no generated code is run. Write what it returns as "reference", or leave the row out)j"},
      {R"({"question": "How many are there?", "query": "SELECT a FROM b", "query_toks": ["SELECT", "a"]})",
       R"("query": "SELECT a FROM b" is a query)"},
      {R"({"question": "Which?", "evidence": "Old refers to an age above 65, as the table of all persons has it.", "SQL": "SELECT a FROM b"})",
       R"("SQL": the answers are programs)"},
      {R"({"prompt": "List the files.", "reference": "ls -l *.txt"})", "is a command"},
      {R"({"prompt": "Write f.", "code": "def f(): pass", "test_list": ["assert f() == 1"]})",
       "\"test_list\": the answers are programs"},
      {R"({"prompt": "Write f.", "final_code": "def f():\n  pass"})",
       R"("final_code": "def f():\n  pass" is a program)"},
      // A solution is not sent.
      {R"j({"question": "How many apples?", "code": "x = 3\nprint(x)", "answer": "3"})j",
       R"(It seems to be a solution: jq -c 'del(.["code"])' FILE > OUT leaves it out)"},
      {R"({"question": "Write a function that adds.", "code": "x = lambda a: a", "answer": "3"})", "to be a solution"},
      {R"j({"question": "What does this code print?", "code": "x = 3\nprint(x)", "answer": "3"})j",
       R"(write both as one "prompt")"},
      // The answer is beside a text that is none.
      {R"({"prompt": "x", "response": "A cow.", "label": 1})", R"("label" says whether or which "response" is right)"},
      {R"({"instruction": "Who came?", "response": "Ann", "reference": "Bo"})",
       R"(; if "instruction" is what is asked: jq -c '.prompt = .["instruction"] | del(.["instruction"])' FILE > OUT)"},
      // Texts with a class.
      {R"({"text": "Much rain.", "response": "x", "label": "weather"})",
       R"(; if "label" is one of a few classes: jq -c -s '(map(.["label"] | strings) | unique) as $c | .[] | select(.["label"] | strings) | {prompt: (.["text"] + "\nlabel:"), choices: $c, answer: (.["label"] as $l | $c | index($l))}' FILE > OUT asks for it)"},
      {R"({"subject": "Bill", "body": "Charged twice.", "queue": "Billing", "priority": "high"})",
       R"({prompt: (.["subject"] + "\n" + .["body"] + "\nqueue:"), choices: $c, answer: (.["queue"] as $l | $c | index($l))}')"},
      {R"({"text": "Much rain.", "label": 3})",
       R"("label": 3 is the number of a class. With the names of all classes, from the one of 0 on: jq -c '{prompt: (.["text"] + "\nlabel:"), choices: ["NAME 0", "NAME 1"], answer: .["label"]}' FILE > OUT)"},
      {R"({"question": "Is it good?", "label": "good"})",
       R"(| .choices = $c | .answer = (.["label"] as $l | $c | index($l)) | del(.["label"])' FILE > OUT asks for it)"},
      {R"({"sentence": "a good film", "label": 1})", R"("label": 1 is the number of a class)"},
      {R"({"instruction": "Who came?", "response": "Ann", "category": "open_qa"})",
       R"("response": "Ann" may be the only right answer: write it as "reference")"},
      {R"({"question": "Which?", "table_id": "1-1", "sql": {"sel": 5, "agg": 0}})",
       R"("sql": the answers are programs)"},
      // What is missing is in another file.
      {R"({"id": "q1", "ground_truth": "Ann"})",
       R"(if another file has the questions under the same "id": jq -c -n --slurpfile a FILE '(if ($a | length) == 1 and ($a[0] | type == "object" and (has("id") | not)) then $a[0] else INDEX($a[] | if type == "array" then .[] else . end; .["id"]) end) as $b | inputs | . + ($b[.["id"] | tostring] | if type == "object" or type == "null" then . else {answer: .} end)' QUESTIONS > OUT puts them together)"},
      {R"({"id": "q1", "question": "Who?"})",
       R"(jq -c -n --slurpfile a ANSWERS '(if ($a | length) == 1 and ($a[0] | type == "object" and (has("id") | not)) then $a[0] else INDEX($a[] | if type == "array" then .[] else . end; .["id"]) end) as $b | inputs | . + ($b[.["id"] | tostring] | if type == "object" or type == "null" then . else {answer: .} end)' FILE > OUT)"},
      {R"({"id": "simple_0", "ground_truth": [{"roll": {"sides": [6], "unit": ["", "cm"]}}]})",
       R"(seems to be calls of tools, which cannot be judged by text)"},
      // Translations.
      {R"({"prompt": "Translate to German: Good morning, all of you.", "reference": "Guten Morgen euch allen"})",
       R"("reference": "Guten Morgen euch allen" is one of many good translations)"},
      {R"({"prompt": "Translate to English: Good morning to all.", "reference": "Good morning to all."})",
       R"("reference": "Good morning to all." repeats what is to be translated)"},
      {R"({"translation": {"de": "Guten Tag.", "en": "Good day."}})",
       R"(; "translation": there are many good translations)"},
      {R"({"question": "How did it change?", "answer": "$400,000,000 increase."})",
       R"("answer": "$400,000,000 increase." is a number with words that a right answer may write otherwise: jq -c 'if)"},
      {R"({"question": "x", "answer": "Ja, weil es fiel"})",
       R"(test("^(yes|no|true|false|Nein|Nee|Nej|Nei|Ja)([,;:] |)"},
      {R"({"input": "x", "target": 72})",
       R"(for numbers jq -c 'if (.["target"] | type) == "number" then .["target"] |= tostring | .match = "number" else . end' FILE > OUT)"},
      {R"({"question": "Which?", "answer": ["2019", "2018"], "answer_type": "multi-span"})", "has several answers"},
      // Published sets that no row above is like: natural-language inference, claims, words in two sentences.
      {R"({"premises": ["All cows eat.", "Ann is a cow."], "conclusion": "Ann eats.", "label": "True"})",
       R"({prompt: (([.["premises"] | .. | strings] | join("\n")) + "\n" + .["conclusion"] + "\nBy what is above, which of these is right for the conclusion: " + ($c | join(", ")) + "?\nlabel:"), choices: $c, answer: (.["label"] as $l | $c | index($l))}' FILE > OUT)"},
      {R"({"uid": "1", "context": "Ann eats.", "hypothesis": "Ann sleeps.", "label": "c"})", R"({prompt: (.["context"] + "\n" + .["hypothesis"] + "\nBy what is above, which of these is right for the hypothesis: " + ($c | map("NAME " + .) | join(", ")) + "?\nlabel:"), choices: ($c | map("NAME " + .)), answer: (.["label"] as $l | $c | index($l))}')"},
      {R"({"word": "hold", "sentence1": "Hold it.", "sentence2": "They hold.", "label": true})",
       R"(choices: ["false", "true"], answer: (.["label"] | tostring)}' FILE > OUT asks for "label")"},
      {R"({"context": "x", "question": "Which?", "answers": ["a b", "c d"], "label": 1})",
       R"(jq -c '. + {choices: .["answers"], answer: .["label"]} | del(.["answers"], .["label"])' FILE > OUT)"},
      {R"({"query": "Who?", "answers": {"de": [{"text": "Anna"}], "en": [{"text": "Ann", "aliases": []}]}})",
       R"( has answers in several languages: jq -c '.["answers"] |= .["en"]' FILE > OUT takes one)"},
      {R"({"input": "Which ones?", "outputs": ["Ann", "Bo"]})",
       R"(if one of "outputs" suffices: jq -c '.answers = .["outputs"] | del(.["outputs"])' FILE > OUT)"},
      {R"j({"question": "Which is smoother? (A) snow (B) ice", "answer_index": 1})j",
       R"j([0]] | unique)' FILE > OUT)j"},
      {R"({"question": "Which?\nA. snow\nB. ice", "answer": "B"})",
       R"j( then .choices = $c | .answer = $l else . end' FILE > OUT)j"},
      {R"({"Question": "In the attached file, who came?", "Final answer": "Ann", "file_name": "a.xlsx"})",
       R"("file_name": "a.xlsx" would not be sent, and the question is about what is attached)"},
      {R"({"text": "She went to the docks and waited for Shane"})",
       R"j(jq -c '{prompt: (.["text"] | sub("\\s+\\S+\\s*$"; "")), reference: (.["text"] | capture("(?<w>\\S+)\\s*$").w), match: "begins"}')j"},
      {R"({"question": "x", "right_answer": "Delhi", "knowledge": "The Oberoi Group is a company with its head office in the city of Delhi."})",
       R"(jq -c '.context = (.["knowledge"]) | del(.["knowledge"])' FILE > OUT)"},
      {R"({"question": "x", "answer": "4", "pre_text": ["Low.", "Rates."], "table": [["", "2009"], ["cash", 4]], "post_text": ["See note."]})",
       R"(jq -c '.context = ([([.["pre_text"] | .. | strings] | join("\n")), (.["table"] | map(map(tostring) | join(" | ")) | join("\n")), ([.["post_text"] | .. | strings] | join("\n"))] | join("\n")) | del(.["pre_text"], .["table"], .["post_text"])' FILE > OUT)"},
      {R"({"context": "Sales grew.", "question": "x", "answer": "4", "table": {"uid": "7", "table": [["a", "b"]]}})",
       R"(jq -c '.["context"] = ([.["context"], (.["table"]["table"] | map(map(tostring) | join(" | ")) | join("\n"))] | join("\n")) | del(.["table"])')"},
      // The answer is in what would be sent.
      {R"({"prompt": "Q: 2+2?\nA: 4", "reference": "4"})",
       "\"prompt\" ends with the answer, \"4\", which would be sent"},
      {R"({"messages": [{"role": "user", "content": "Q: Who?\nA: Ann"}], "answer": "Ann"})",
       "\"messages\" ends with the answer, \"Ann\""},
      {R"({"question": "Who came?", "context": "Question: Who came? Answer: Ann", "answer": "Ann"})",
       "\"context\" ends with the answer"},
      {R"({"prompt": "Good film.\nLabel: positive", "answer": "positive"})", "\"prompt\" ends with the answer"},
      {R"({"prompt": "Good film.\n**Sentiment:** positive", "answer": "positive"})", "ends with the answer"},
      {R"({"question": "2+2? Answer: 4", "answer": "4"})", "\"question\" ends with the answer"},
      {R"({"prompt": "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nAnn<|im_end|>\n", "answer": "Ann"})",
       "ends with the answer, \"Ann\""},
      {R"({"question": "Who came?", "answer": "Ann", "text": "### Question: Who came? ### Answer: Ann"})",
       R"("text" has "question" in it, and perhaps the answer, which would be sent: jq -c 'del(.["text"])')"},
      {R"({"prompt": "Who came?", "chosen": "Ann came.", "rejected": "No."})", "it is preferred to"},
      {R"({"question": "Is it?", "context": {"contexts": ["It is.", "So."], "labels": ["AIM", "END"], "answers_pred": ["y", "e", "s"]}, "final_decision": "yes"})",
       R"(jq -c '.["context"] |= ([.["contexts"] | .. | strings] | join("\n"))' FILE > OUT makes one of "contexts"; "answers_pred", "labels" may have the answer)"},
      {R"({"question": "Is it?", "context": {"sentences": [["It is.", "So."]], "title": ["It"]}, "answer": "yes"})",
       R"(([.["sentences"] | .. | strings] | join("\n"))' FILE > OUT makes one of "sentences"; "title" may)"},
      {R"({"question": "Is it?", "context": [{"title": "y", "sentence": "It is."}], "answer": "yes"})",
       R"(([.[]["sentence"]] | join("\n"))' FILE > OUT makes one of "sentence"; "title" may)"},
      {R"({"question": "Is it?", "long_answer": "It is because it was said to be so by all.", "final_decision": "yes"})",
       R"(if "final_decision" is the right one: jq -c '.answer = .["final_decision"] | del(.["final_decision"])' FILE > OUT)"},
      // Calls of tools.
      {R"({"question": [[{"role": "user", "content": "Roll a die."}]], "function": [{"name": "roll"}], "ground_truth": [{"roll": {}}]})",
       R"("function": [{"name":"roll"}] would not be sent, and calls of tools cannot be judged by text)"},
      {R"({"messages": [{"role": "user", "content": "Roll."}], "tools": [{"type": "function"}], "answer": "x"})",
       "calls of tools cannot be judged by text"},
      {R"j({"doc": {}, "target": "[('4',), ('5',)]", "filter": "none", "arguments": [["Q?", {}]]})j",
       "is a list in a text"},
      {R"({"instruction": "Sum up.", "input": "Much.", "output": "Little."})",
       R"(as "prompt" (jq -c '.prompt = .["instruction"] + "\n" + .["input"] | del(.["instruction"], .["input"])' FILE > OUT))"},
      {R"({"problem": "Area?", "level": "Level 5", "solution": "It is $\\boxed{4\\pi}$."})",
       "\"solution\": \"4\\\\pi\" is a formula"},
      {R"({"problem": "Area?", "solution": "It is four."})", "\"solution\" is one of many good answers"},
      {R"({"question_text": "x", "document_plaintext": "y", "annotations": {"minimal_answers_start_byte": [3]}})",
       R"("annotations": no texts of answers)"},
      {R"({"input": "x", "output": [{"provenance": [{"title": "y"}]}]})", R"("output" has no answer)"},
      {R"({"problem": "Area?", "answer": "4\\pi"})", "is a formula"},
      {R"({"question": "is ice cold", "passage": "Ice.", "label": 1})",
       R"("label": 1 is the number of a class. With the names of all classes, from the one of 0 on: jq -c '.choices = ["NAME 0", "NAME 1"]' FILE > OUT)"},
      {R"({"question": "x", "best_answer": "y", "correct_answers": ["y"]})", "another model would have to judge"},
      {R"({"puzzle": "There are two houses beside one another. Ann lives to the left of Bo, who has a cat.", "question": "Who has it?", "choices": ["Ann", "Bo"], "answer": "Bo"})",
       R"("puzzle": "There are two houses beside one another. Ann lives to th... would not be sent)"},
      {R"({"train": [{"input": [[0]], "output": [[1]]}], "test": [{"input": [[0]], "output": [[1]]}]})",
       R"(nor "question", but "test", "train")"},
      {R"({"question": "x", "answers": "[]"})", R"("answers" has no answer)"},
      {R"({"question": "x", "answer": "an ox", "label": false})",
       R"(; or jq -c '. as $r | del(.["answer"], .["label"]) + )"},
      {R"({"question": "x", "foo": "y"})", R"(nothing known tells which answer is right among "foo", "question")"},
      {R"({"prompt": "x", "target": "['a', 'b']"})", "is a list in a text"},
      {R"({"target": "0", "arguments": [["", "a"], ["", "b"]]})", "no prompt is common"},
      {R"({"target": "0", "arguments": "x"})", "is no list of requests"},
      {R"({"target": [], "arguments": [["Q?", {}]]})", "\"target\" has no answer"},
      {R"([1])", "not a JSON object"},
  };
  for (const auto& row : kCases) {
    const auto question = ReadQuestionRow(json::parse(row.row));
    ASSERT_FALSE(question.ok()) << row.row;
    EXPECT_THAT(question.error().message, HasSubstr(row.message)) << row.row;
  }
}

TEST(ReadQuestionRow, WritesWhatMakesMessagesOfAConversation) {
  const auto message = [](const char* row) {
    const auto question = ReadQuestionRow(json::parse(row));
    return question.ok() ? "read" : question.error().message;
  };
  EXPECT_EQ(
      message(R"({"turns": ["Which column is it?"], "ground_truth": "id", "category": "data"})"),
      R"("turns" is a conversation: jq -c 'if (.["turns"] | length) == 1 then .messages = )"
      R"([{role: "user", content: .["turns"][0]}] | del(.["turns"]) else . end' FILE > OUT makes messages of it)");
  EXPECT_THAT(message(R"({"turns": ["a", "b"], "ground_truth": "id"})"),
              HasSubstr("another model would have to judge"));
  const std::string shared =
      message(R"({"conversations": [{"from": "human", "value": "Charged twice."}, {"from": "gpt", "value": "bill"}]})");
  EXPECT_THAT(shared, HasSubstr(R"(jq -c '.messages = [.["conversations"][] | {role: ({human: "user", )"));
  EXPECT_THAT(shared,
              testing::EndsWith(R"([.from // ""] // .from), content: .value}] | del(.["conversations"]) | if )"
                                R"(.messages[-1].role == "assistant" then .reference = .messages[-1].content | )"
                                R"(del(.messages[-1]) else . end' FILE > OUT makes messages of it, and the )"
                                R"(reference of its last turn)"));
  EXPECT_THAT(message(R"({"conversations": [{"from": "human", "value": "Charged twice."}], "ground_truth": "bill"})"),
              testing::EndsWith(R"(del(.["conversations"])' FILE > OUT makes messages of it)"));
  EXPECT_THAT(
      message(
          R"({"contents": [{"role": "user", "parts": [{"text": "Who?"}]}, {"role": "model", "parts": [{"text": "Ann"}]}]})"),
      HasSubstr(R"(jq -c '.messages = [.["contents"][] | {role, content: ([.parts[].text] | join("\n"))}] | )"
                R"(del(.["contents"]) | if .messages[-1].role == "model" then .reference = )"));
  EXPECT_EQ(message(R"({"question": "So, why?", "context": "Q: Who?\nA: Ann", "answer": "Ann"})"), "read")
      << "an earlier question";
  EXPECT_THAT(message(R"({"question": [[{"role": "user", "content": "Who?"}]], "answer": "Ann"})"),
              HasSubstr(R"(then .messages = .["question"][0] | del(.["question"]) else . end')"));
  EXPECT_EQ(
      message(
          R"({"responses_create_params": {"input": [{"role": "user", "content": "Put a letter in \\boxed{}.\nA: one\nB: two"}]},
                  "options": [{"A": "one"}, {"B": "two"}], "expected_answer": "B"})"),
      R"j("responses_create_params" is a conversation: jq -c '.messages = .["responses_create_params"]["input"] | )j"
      R"j(del(.["responses_create_params"]) | del(.["options"]) | if (tostring | contains("boxed{")) and )j"
      R"j((.["expected_answer"] | type == "string" and test("^\\W?[A-Za-z]\\W?$")) then .["expected_answer"] |= )j"
      R"j("\\\\boxed\\{(\\\\text\\{)?\\(?" + gsub("\\W"; "") + "\\)?\\}" | .match = "regex" else . end' FILE > OUT )j"
      R"j(makes messages of it)j");
  // With a prompt beside them such options are choices.
  EXPECT_EQ(message(R"({"prompt": "Which?", "options": [{"A": "one"}, {"B": "two"}], "answer": "B"})"), "read");
}

TEST(ReadQuestionRow, ComparesInTheFormThatThePromptAsksFor) {
  const auto message = [](const std::string& prompt, const json& more) {
    json row = {{"prompt", prompt}};
    row.update(more);
    const auto question = ReadQuestionRow(row);
    return question.ok() ? "read" : question.error().message;
  };
  const json letter = {{"ideal", "B"}};
  for (const char* prompt :
       {"Put the letter into \\boxed{}.", "The last line should be of the format: 'Answer: LETTER'. Which?",
        "Finish with \"the answer is (X)\". Which?", "End with Answer: $LETTER. Which?", "Respond in JSON. Which?",
        "If it is F, write FFFFF. Which?", "Which? Let's think step by step."}) {
    EXPECT_THAT(message(prompt, letter), HasSubstr("and such an answer does not begin with \"B\"")) << prompt;
    EXPECT_EQ(message(prompt, {{"ideal", "B"}, {"match", "regex"}}), "read") << prompt;
    EXPECT_THAT(message(prompt, {{"reference", "Ann"}}), HasSubstr("then .match = \"words\" else . end'")) << prompt;
    EXPECT_THAT(message(prompt, {{"reference", "42"}}), HasSubstr("then .match = \"number\" else . end'")) << prompt;
  }
  EXPECT_THAT(message("If it is F, write FFFFF. Which?", letter),
              HasSubstr(R"(.["ideal"] |= "\\b" + gsub("\\W"; "") + "{5}\\b" | .match = "regex" else)"));
  for (const char* prompt : {"Q: x\nAnswer: A\nQ: y\nAnswer:", "Answer with a letter.", "World War III?",
                             "World War IIII?", "Which JSON is right?"}) {
    EXPECT_EQ(message(prompt, letter), "read") << prompt;
  }
  EXPECT_EQ(message("Say 'Answer: X'.", {{"reference", "Answer: B"}}), "read") << "it has the form";
}

TEST(ReadQuestionRow, AdvisesNoChoicesWhereThereAreSome) {
  EXPECT_THAT(ReadQuestionRow(json::parse(R"({"conclusion": "x", "choices": ["a", "b"], "label": 0})")).error().message,
              testing::EndsWith(R"(but "choices", "conclusion", "label")"));
}

// How the datasets are published, and what makes rows of them.
TEST(ReadQuestionRow, TellsWhatMakesQuestionsOfPublishedRows) {
  const struct {
    const char* row;
    const char* message;
  } kRows[] = {
      // PubMedQA as its authors have it.
      {R"({"QUESTION": "Is it?", "CONTEXTS": ["It is.", "So."], "LABELS": ["AIM", "END"], "LONG_ANSWER": "It is because it was said to be so by all.", "final_decision": "maybe", "reasoning_required_pred": "yes", "old_verdict": "no"})",
       R"(jq -c '.context = ([.["CONTEXTS"] | .. | strings] | join("\n")) | del(.["CONTEXTS"])' FILE)"},
      {R"({"QUESTION": "Is it?", "context": "It is.", "LABELS": ["AIM", "END"], "final_decision": "maybe", "old_verdict": "no"})",
       R"(if "final_decision" is the right one: jq -c '.answer = .["final_decision"] | del(.["final_decision"])' FILE > OUT)"},
      {R"({"QUESTION": "Is it?", "LABELS": ["AIM", "END"], "its_result": "no"})",
       R"(if "its_result" is the right one)"},
      // Several answers: NarrativeQA.
      {R"({"question": "Who?", "answer1": "Ann", "answer2": "The girl", "answer1_tokenized": "Ann"})",
       R"(if each of "answer1", "answer2" is right: jq -c '.answers = [.["answer1"], .["answer2"]] | del(.["answer1"], .["answer2"])' FILE > OUT)"},
      {R"({"question": "Who?", "gold_answer_0": "Ann", "gold_answer_1": "The girl"})",
       R"(jq -c '.answers = [.["gold_answer_0"], .["gold_answer_1"]] | del()"},
      // Classes that do not tell what is asked: LegalBench.
      {R"({"text": "Ann said so.", "label": "No", "slice": "x"})",
       R"({prompt: (.["text"] + "\nIs this ...?"), choices: $c, answer: (.["label"] as $l | $c | index($l))}' FILE > OUT asks for it, with the question in place of "Is this ...?")"},
      {R"({"text": "Ann said so.", "label": true})",
       R"({prompt: (.["text"] + "\nIs this ...?"), choices: ["false", "true"], answer: (.["label"] | tostring)}' FILE > OUT asks for "label", with the question in place of "Is this ...?")"},
      {R"({"text": "Ann said so.", "answer": "No", "index": 1})",
       R"({prompt: (.["text"] + "\nIs this ...?"), choices: $c, answer: (.["answer"] as $l | $c | index($l))}')"},
      {R"({"text": "The mark \"Ivory\" for tusks.", "answer": "generic", "index": 1})",
       R"(; if "answer" is one of a few classes: jq -c -s '(map(.["answer"] | strings) | unique) as $c | .[] | select(.["answer"] | strings) | {prompt: (.["text"] + "\nanswer:"), choices: $c,)"},
      // BioASQ.
      {R"({"body": "Is it?", "type": "yesno", "documents": ["http://example.org/1"], "exact_answer": "yes", "snippets": [{"text": "It is, as Ann and Bo have found in many rows of all the fields that they saw.", "document": "http://example.org/1"}]})",
       R"(jq -c '.context = ([.["snippets"][]["text"]] | join("\n")) | del(.["snippets"])' FILE)"},
      {R"({"body": "What is it?", "type": "summary", "documents": ["http://example.org/1"], "ideal_answer": ["It is ice."]})",
       R"("ideal_answer" is one of many good answers)"},
      {R"({"body": "Which?", "type": "list", "exact_answer": [["Ann"], ["Bo"]]})",
       R"("type" says that the answer is a list)"},
  };
  for (const auto& row : kRows) {
    const auto question = ReadQuestionRow(json::parse(row.row));
    ASSERT_FALSE(question.ok()) << row.row;
    EXPECT_THAT(question.error().message, HasSubstr(row.message)) << row.row;
  }
}

}  // namespace
}  // namespace autotune::measurement
