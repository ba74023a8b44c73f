// The jq programs of messages, run as they are written, until the file is read. Rows of our own, in the forms in which
// the datasets are published.
#include "tests/measurement/followed_advice.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

using testing::ElementsAre;
using testing::StartsWith;
using Match = Question::Match;

TEST_F(FollowedAdvice, AsksOfEachCandidateWhetherItIsRight) {  // MultiRC
  const char* kAsked = "Ann came. Bo was there.\nQuestion: Who was there?\nIs \"Bo\" a right answer?\nAnswer: -> yes";
  EXPECT_EQ(
      First(R"({"idx": 0, "passage": {"text": "Ann came. Bo was there.", "questions": [{"question": "Who was there?",)"
            R"( "idx": 0, "answers": [{"text": "Bo", "label": 1}, {"text": "A cat", "label": 1}]}]}})"
            "\n"
            R"({"idx": 1, "passage": {"text": "Cy came.", "questions": [{"question": "Who came?",)"
            R"( "idx": 0, "answers": [{"text": "Bo", "label": 0}]}]}})"),
      kAsked);
  EXPECT_EQ(steps_.size(), 2U);
  EXPECT_EQ(
      First(R"({"paragraph": "Ann came. Bo was there.", "question": "Who was there?", "answer": "Bo", "label": 1})"
            "\n"
            R"({"paragraph": "Ann came. Bo was there.", "question": "Who was there?", "answer": "Di", "label": 0})"),
      kAsked);
  const auto marked =
      Follow(R"({"question": "Who?", "candidates": "x", "answers": [{"text": "Bo", "is_correct": true},)"
             R"( {"text": "Di", "is_correct": false}]})");
  ASSERT_TRUE(marked.ok()) << marked.error().message;
  EXPECT_EQ(marked->questions.size(), 2U);
  EXPECT_EQ(marked->questions[1].right, 0U);
}

TEST_F(FollowedAdvice, TakesTextsOutOfClusters) {  // ProtoQA
  EXPECT_EQ(First(R"({"metadata": {"id": "r1"}, "question": {"original": "Name a pet.", "normalized": "name a pet"},)"
                  R"( "answers": {"raw": {"cat": 3}, "clusters": {"r1.0": {"count": 3, "answers": ["cat", "kitten"]},)"
                  R"( "r1.1": {"count": 1, "answers": ["dog"]}}}})"),
            "Question: Name a pet.\nAnswer: -> cat dog kitten");
  EXPECT_EQ(First(R"({"question": "Name a pet.", "answer-clusters": {"count": [3], "answers": [["cat"]]},)"
                  R"( "answerstrings": ["cat", "dog"], "id": "r1"})"),
            "Question: Name a pet.\nAnswer: -> cat dog");
  // AmbigQA, from the hub and as its authors have it
  EXPECT_EQ(First(R"({"id": "1", "question": "Who sang?", "annotations": {"type": ["singleAnswer"],)"
                  R"( "answer": [["Ann", "Anna"]], "qaPairs": [{"question": [], "answer": []}]}})"),
            "Question: Who sang?\nAnswer: -> Ann Anna");
  EXPECT_EQ(
      First(R"([{"annotations": [{"type": "multipleQAs", "qaPairs": [{"question": "Who sang first?",)"
            R"( "answer": ["Ann"]}]}], "id": "1", "question": "Who sang?"}, {"annotations": [{"type": "singleAnswer",)"
            R"( "answer": ["Bo"]}], "id": "2", "question": "Who left?"}])"),
      "Question: Who sang?\nAnswer: -> Ann");
}

TEST_F(FollowedAdvice, PutsLabelsOfAnotherFileIntoRows) {  // Social IQa, PIQA
  directory_.Write("LABELS", "1\n2\n");
  EXPECT_EQ(First(R"({"context": "Kim sang.", "question": "How is Kim?", "answerA": "glad", "answerB": "wet"})"
                  "\n"
                  R"({"context": "Bo fell.", "question": "How is Bo?", "answerA": "glad", "answerB": "hurt"})"),
            "Kim sang.\nQuestion: How is Kim?\nAnswer: -> glad");
  directory_.Write("LABELS", "1\n0\n");
  EXPECT_EQ(First(R"({"goal": "To open a tin,", "sol1": "use a spoon", "sol2": "use an opener"})"
                  "\n"
                  R"({"goal": "To eat,", "sol1": "use a spoon", "sol2": "use an opener"})"),
            "Question: To open a tin,\nAnswer: -> use an opener");
}

TEST_F(FollowedAdvice, SendsWhatAQuestionIsAbout) {
  // MuSR
  EXPECT_EQ(
      First(R"({"narrative": "Mack was found.", "question": "Who was it?", "choices": "['Ann', \"Bo's friend\"]",)"
            R"( "answer_index": 1, "answer_choice": "Bo's friend"})"),
      "Mack was found.\nQuestion: Who was it?\nAnswer: -> Bo's friend");
  // WikiTableQuestions
  EXPECT_EQ(First(R"({"question": "Which year?", "answers": ["2004"], "table": {"header": ["Year", "Place"],)"
                  R"( "rows": [["2003", "2"], ["2004", "1"]], "name": "csv/1.csv"}})"),
            "Year | Place\n2003 | 2\n2004 | 1\nQuestion: Which year?\nAnswer: -> 2004");
  EXPECT_EQ(First(R"({"question": "Which year?", "answer": "2004", "table_array": [["Year", "Place"], ["2004", 1]]})"),
            "Year | Place\n2004 | 1\nQuestion: Which year?\nAnswer: -> 2004");
  // When2Call
  EXPECT_EQ(First(R"({"question": "Roll a die.", "correct_answer": "cannot_answer", "answers": {"tool_call": "{}",)"
                  R"( "cannot_answer": "I have no die."}, "tools": ["{\"name\": \"sum\"}"]})"),
            "{\"name\": \"sum\"}\nQuestion: Roll a die.\nAnswer: -> I have no die.");
  // FriendsQA
  EXPECT_EQ(First(R"({"data": [{"title": "x", "paragraphs": [{"utterances:": [{"uid": 0, "speakers": ["Ann", "Bo"],)"
                  R"( "utterance": "Hi."}], "qas": [{"id": "1", "question": "Who greets?", "answers": [{"answer_text":)"
                  R"( "Ann", "utterance_id": 0, "is_speaker": true}]}]}]}], "version": 1})"),
            "Ann, Bo: Hi.\nQuestion: Who greets?\nAnswer: -> Ann");
  // CRUXEval
  EXPECT_EQ(First(R"({"code": "def f(a):\n    return a + 1", "input": "2", "output": "3", "id": "sample_0"})"),
            "def f(a):\n    return a + 1\n# What does it return for the input 2?\nOutput: -> 3");
  EXPECT_EQ(First(R"({"dialogue": [{"speaker": "A", "text": "Hi."}, {"speaker": "B", "text": "Bo left."}],)"
                  R"( "question": "Who left?", "answer": "Bo"})"),
            "A: Hi.\nB: Bo left.\nQuestion: Who left?\nAnswer: -> Bo");
  EXPECT_EQ(First(R"({"system_prompt": "Use a word.", "prompt": "Who?", "answer": "Bo"})"), "Use a word.\nWho? -> Bo");
}

TEST_F(FollowedAdvice, AsksForCausesAndEffectsInTheirLanguage) {  // XCOPA
  EXPECT_EQ(First(R"({"premise": "L'uomo apr\u00ec il vino.", "choice1": "Il vino si vers\u00f2.", "choice2": "Rise.",)"
                  R"( "question": "effect", "label": 0, "idx": 0, "changed": false})"),
            "L'uomo apr\u00ec il vino quindi -> Il vino si vers\u00f2.");
  EXPECT_EQ(First(R"({"index": "dev-0", "premise": "It was wet.", "ask-for": "effect", "hypothesis1": "It rained.",)"
                  R"( "hypothesis2": "I sat inside.", "label": 1})"),
            "It was wet so -> I sat inside.");  // e-CARE
  EXPECT_EQ(First(R"({"premise": "It was wet.", "choice1": "It rained.", "choice2": "I sat.", "question": "cause",)"
                  R"( "label": 0})"),
            "It was wet because -> It rained.");
}

TEST_F(FollowedAdvice, SendsExamplesBeforeTests) {  // ARC-AGI
  EXPECT_EQ(
      First(
          R"({"train": [{"input": [[0, 1]], "output": [[1, 0]]}], "test": [{"input": [[0, 2]], "output": [[2, 0]]}]})"),
      "Input: [[0,1]]\nOutput: [[1,0]]\nInput: [[0,2]]\nOutput: -> [[2,0]]");
}

TEST_F(FollowedAdvice, MakesARowOfEachPair) {  // TimeQA
  EXPECT_EQ(
      First(R"({"index": "/x", "questions": [["Where was she in 2004?", [{"para": 1, "from": 0, "answer": "Bern"}]],)"
            R"( ["Where was she in 2006?", [{"para": 2, "answer": "Rome"}]]], "paras": ["She", "was in Bern."]})"
            "\n"
            R"({"index": "/y", "questions": [["Where was he?", [{"para": 1, "answer": "Lima"}]]], "paras": ["He"]})"),
      "She\nwas in Bern.\nQuestion: Where was she in 2004?\nAnswer: -> Bern");
  // QALD
  EXPECT_EQ(
      First(R"({"id": 0, "question": [{"language": "de", "string": "Wer?"}, {"language": "en", "string": "Who?"}],)"
            R"( "query": {"sparql": "SELECT ?a"}, "answer": "Ann"})"),
      "Question: Who?\nAnswer: -> Ann");
}

TEST_F(FollowedAdvice, MakesPromptsOfTexts) {
  // TimeDial: the choices go where the gap is
  const auto dialogue = Follow(
      R"({"id": 1, "conversation": ["A: How long?", "B: For <MASK> at most."], "correct1": "2 hours", "correct2":)"
      R"( "an hour", "incorrect1": "12 years", "incorrect1_rule": "Rule 1", "incorrect2": "a week"})");
  ASSERT_TRUE(dialogue.ok()) << dialogue.error().message;
  EXPECT_EQ(dialogue->questions[0].prompt, "A: How long?\nB: For ");
  EXPECT_THAT(dialogue->questions[0].references,
              ElementsAre("2 hours at most.", "12 years at most.", "a week at most."));
  EXPECT_THAT(dialogue->not_sent, ElementsAre("correct2", "incorrect1_rule"));
  // SciTab: a claim is about its table
  EXPECT_EQ(First(R"({"claim": "A is best.", "label": "supports", "table_caption": "Table 1", "table_column_names":)"
                  R"( ["Name", "F1"], "table_content_values": [["A", "0.9"], ["B", "0.8"]], "table_id": "t"})"
                  "\n"
                  R"({"claim": "B is best.", "label": "refutes", "table_caption": "Table 1", "table_column_names":)"
                  R"( ["Name", "F1"], "table_content_values": [["A", "0.9"], ["B", "0.8"]], "table_id": "t"})"),
            "Table 1\nName | F1\nA | 0.9\nB | 0.8\nA is best.\nlabel: -> supports");
  // CLINC150
  EXPECT_EQ(
      First("{\n"
            R"("train": [["oh", "x"], ["ah", "y"]], "test": [["flip a coin", "coin"], ["how much rain", "weather"]]})"),
      "flip a coin\nlabel: -> coin");
  EXPECT_EQ(First(R"([["flip a coin", "coin"], ["how much rain", "weather"]])"), "flip a coin\nlabel: -> coin");
  // AfriQA
  EXPECT_EQ(First(R"({"answer_pivot": {"answer_start": [0], "text": ["three"]}, "context": "Three.", "question_lang":)"
                  R"( "Nawa ne?", "question_translated": "How many?", "title": "X"})"),
            "Three.\nQuestion: Nawa ne?\nAnswer: -> three");
}

TEST_F(FollowedAdvice, MakesARowOfEachInstruction) {  // L-Eval
  EXPECT_EQ(
      First(R"j({"instructions": ["Who came?\n (A) Ann \n (B) Bo", "Who left?\n (A) Ann \n (B) Bo"], "outputs": )j"
            R"j(["(B) Bo, as he had said", "(A) Ann"], "input": "LOST IN TRANSLATION. A long story."})j"),
      "LOST IN TRANSLATION. A long story.\nWho came?\n (A) Ann \n (B) Bo -> B");
  EXPECT_EQ(First(R"({"question": "正确的是\nA．水 \nB．火", "answer": ["B"], "index": 0})"),
            "Question: 正确的是\nA．水 \nB．火\nAnswer: -> B");  // GAOKAO-Bench
  EXPECT_EQ(First(R"({"question": "May I?", "answer": "Yes you can"})"), "Question: May I?\nAnswer: -> Yes");
  EXPECT_EQ(First(R"({"question": "True or False?", "answer": "True [fact: False]"})"),
            "Question: True or False?\nAnswer: -> True");
}

TEST_F(FollowedAdvice, TakesListsOfPythonOutOfATextIfEachIsRight) {
  EXPECT_EQ(First(R"({"question": "Who?", "answers": "['Ann', \"Bo's\", 'Cy']"})"),
            "Question: Who?\nAnswer: -> Ann Bo's Cy");
  EXPECT_EQ(First(R"({"question": "Who?", "answers": "[\"Ann\", \"Cy\"]"})"), "Question: Who?\nAnswer: -> Ann Cy");
  EXPECT_EQ(First(R"({"question": "Who?", "answers": "['Jami'ar Abuja']"})"),
            "Question: Who?\nAnswer: -> Jami'ar Abuja");
  EXPECT_TRUE(steps_.empty()) << "one text is no list of several";
}

// Members of names that nothing knows: by what they are.
TEST_F(FollowedAdvice, SendsWhatNothingKnows) {
  EXPECT_EQ(First(R"({"zorp": "Ann hit Bo.", "question": "Who was hit?", "answer": "Bo", "split": "test"})"),
            "Ann hit Bo.\nQuestion: Who was hit?\nAnswer: -> Bo");
  EXPECT_EQ(First(R"({"zorp1": "Ann hit Bo.", "zorp2": "Bo ran home.", "question": "Why?", "choices":)"
                  R"( ["a hit", "a dog"], "label": 0})"),
            "Ann hit Bo.\nBo ran home.\nQuestion: Why?\nAnswer: -> a hit");
  EXPECT_EQ(First(R"({"passage": "Ann came.", "zorp": ["Bo left early that day", "x"], "question": "Who left?",)"
                  R"( "answer": "Bo"})"),
            "Ann came.\nBo left early that day\nx\nQuestion: Who left?\nAnswer: -> Bo");
  EXPECT_EQ(First(R"({"input": "Who was hit?", "zorp": "Ann hit Bo.", "target": "Bo"})"),
            "Ann hit Bo.\nWho was hit? -> Bo");
  EXPECT_EQ(First(R"({"grid": [["Year", "Place"], ["2004", 1]], "question": "Which year?", "answer": "2004"})"),
            "Year | Place\n2004 | 1\nQuestion: Which year?\nAnswer: -> 2004");
  EXPECT_EQ(First(R"({"grid": [[1, 2], [3, 4]], "question": "What is the sum?", "answer": "10"})"),
            "1 | 2\n3 | 4\nQuestion: What is the sum?\nAnswer: -> 10");
  EXPECT_EQ(First(R"({"state": {"who": "Ann the cook", "at": ["in the kitchen", "of Bo"]}, "question": "Where?",)"
                  R"( "answer": "kitchen", "id": 1})"),
            "Question: Where?\nAnswer: -> kitchen")
      << "three words are a name";
  EXPECT_EQ(First(R"({"state": {"who": "Ann", "at": ["She is in the kitchen", "x"]}, "question": "Where?",)"
                  R"( "answer": "kitchen"})"),
            "who: Ann\nat: She is in the kitchen\nx\nQuestion: Where?\nAnswer: -> kitchen");
  EXPECT_EQ(
      First(
          R"({"question": "\u8c01\u6765\u4e86\uff1f", "zorp": "\u5c0f\u660e\u6628\u5929\u53bb\u5b66\u6821\u4e86\u3002",)"
          R"( "answer": "\u5c0f\u660e"})"),
      "\u5c0f\u660e\u6628\u5929\u53bb\u5b66\u6821\u4e86\u3002\nQuestion: \u8c01\u6765\u4e86\uff1f\nAnswer: -> "
      "\u5c0f\u660e");
}

TEST_F(FollowedAdvice, LeavesOutWhatNothingKnows) {
  const std::string bytes = R"({"zorp": "Ann hit Bo.", "blip": [[1, 2], [3, 4]], "question": "Who?", "answer": "Bo"})";
  const std::string message = ReadQuestions(bytes, "exam").error().message;
  EXPECT_THAT(message, StartsWith(R"(exam:1: "blip", "zorp" would not be sent, and the question may need them: )"));
  const std::string last = message.substr(message.rfind("jq -c "));
  EXPECT_THAT(last, StartsWith(R"(jq -c 'del(.["blip"], .["zorp"])' FILE > OUT leaves them out)"));
  directory_.Write("FILE", bytes);
  ASSERT_TRUE(Run(CommandIn(last)));
  EXPECT_EQ(First(directory_.Read("OUT")), "Question: Who?\nAnswer: -> Bo");
}

TEST_F(FollowedAdvice, HasAProgramForEachMeaningOfAList) {
  const auto follow = [&](const std::string& bytes, const std::string& meaning) {
    const auto set = ReadQuestions(bytes, "exam");
    const std::string message = set.ok() ? "read" : set.error().message;
    const std::size_t at = message.find(meaning);
    if (at == std::string::npos) return "no " + meaning + " in " + message;
    directory_.Write("FILE", bytes);
    if (!Run(CommandIn(message.substr(at)))) return directory_.Read("errors");
    const std::string bytes_then = directory_.Read("OUT");
    const auto then = ReadQuestions(bytes_then, "exam");
    if (!then.ok()) return then.error().message;
    std::string out;
    for (const char* answer : {"Ann", "Di (x)", "Di (x) and Ann"})
      out += IsRight(then->questions[0], answer) ? "1" : "0";
    return then->questions[0].match == Match::kChoice ? then->questions[0].references[then->questions[0].right] : out;
  };
  const char* kTwo = R"j({"prompt": "Who came?", "target": ["Ann", "Di (x)"]})j";
  EXPECT_EQ(follow(kTwo, "if one of them suffices"), "111");
  EXPECT_EQ(follow(kTwo, "if an answer needs all"), "001");
  EXPECT_EQ(follow(kTwo, "if only the first"), "101");
  EXPECT_TRUE(ReadQuestions(R"({"prompt": "Who came?", "target": ["Ann", "Ann Lee"]})", "exam").ok()) << "one name";
  EXPECT_TRUE(ReadQuestions(R"({"question": "Who?", "answer": ["Ann", "Di"]})", "exam").ok()) << "NQ-open";
  const char* kAmong = R"j({"question": "Who came?", "answer": "Ann", "people": ["Di (x)", "Ann"]})j";
  EXPECT_EQ(follow(kAmong, "if the others are wrong"), " Ann");
  EXPECT_EQ(follow(kAmong, "if each of them is right"), "111");
  EXPECT_EQ(follow(kAmong, "if neither"), "101");
}

TEST_F(FollowedAdvice, SendsNumberedTextsBeforeTheirChoices) {
  EXPECT_EQ(First(R"({"observation_1": "It was wet.", "observation_2": "I sat inside.", "hypothesis_1": "It rained.",)"
                  R"( "hypothesis_2": "It was hot.", "label": 2})"),
            "It was wet.\nI sat inside. -> It was hot.");  // ART
  EXPECT_THAT(First(R"({"input_sentence_1": "It was wet.", "sentence_quiz1": "It rained.", "sentence_quiz2":)"
                    R"( "It was hot.", "answer_right_ending": 1})"),
              testing::HasSubstr("may count from 0 or from 1"));  // Story Cloze, one row
  // A 0 tells that the numbers of the file count from 0.
  EXPECT_EQ(First(R"({"observation_1": "It was wet.", "hypothesis_1": "It rained.", "hypothesis_2": "It was hot.",)"
                  R"( "label": 1})"
                  "\n"
                  R"({"observation_1": "It was dry.", "hypothesis_1": "It rained.", "hypothesis_2": "It was hot.",)"
                  R"( "label": 0})"),
            "It was wet. -> It was hot.");
}

TEST_F(FollowedAdvice, AsksOfEachCandidateThatIsCalledYesOrNo) {  // MC-TACO
  EXPECT_EQ(
      First(R"({"sentence": "Ann swam for long.", "question": "How long?", "answer": "a day", "label": "no"})"
            "\n"
            R"({"sentence": "Ann swam for long.", "question": "How long?", "answer": "an hour", "label": "yes"})"),
      "Ann swam for long.\nQuestion: How long?\nIs \"a day\" a right answer?\nAnswer: -> no");
}

TEST_F(FollowedAdvice, FindsTheRightChoiceUnderAnyName) {
  EXPECT_EQ(First(R"({"question": "Who?", "answers": ["Ann", "Di"], "correct_answer_id": 1})"),
            "Question: Who?\nAnswer: -> Di");
  EXPECT_EQ(First(R"({"question": "Who?", "answers": ["Ann", "Di"], "gold_letter": "B"})"),
            "Question: Who?\nAnswer: -> Di");
  EXPECT_TRUE(ReadQuestions(R"({"question": "Who?", "answers": ["Ann", "Anna"], "answer_start": 1})", "exam").ok());
  EXPECT_EQ(First(R"({"question_stem": "More?", "choices": {"text": ["more", "less"], "label": ["A", "B"]},)"
                  R"( "answer_label": "less", "answer_label_as_choice": "B", "question_para_step": ["Rain falls on)"
                  R"( the field.", "It is wet."]})"),
            "Rain falls on the field.\nIt is wet.\nQuestion: More?\nAnswer: -> less");  // WIQA
}

TEST(OptionsByNumber, CountFromZeroWhereTheFileDoes) {
  const auto right = [](const std::string& other) {
    const auto set =
        ReadQuestions(R"({"prompt": "It was wet, so", "option1": "I sat.", "option2": "I ran.", "label": 1})"
                      "\n"
                      R"({"prompt": "It was dry, so", "option1": "I sat.", "option2": "I ran.", "label": )" +
                          other + "}",
                      "exam");
    return set.ok() ? set->questions[0].references[set->questions[0].right] : set.error().message;
  };
  EXPECT_EQ(right("0"), " I ran.");
  EXPECT_EQ(right("2"), " I sat.");
}

// Rows as they are published: what is not sent is additional.
TEST(FailsClosed, KeepsWhatTheQuestionCanDoWithout) {
  for (const char* row : {
           // GPQA
           R"({"Question": "What is ice made of?", "Correct Answer": "water", "Incorrect Answer 1": "sand",)"
           R"( "Incorrect Answer 2": "oil", "Explanation": "It melts into it, as all can see.", "Pre-Revision)"
           R"( Question": "Of what is all ice in winter?", "Revision Comments": "I made it clearer than before.",)"
           R"( "Feedback_EV_1": "A very good question for this set.", "Canary String": "Not for training of any)"
           R"( model at all.", "Writer's Difficulty Estimate": "Hard undergraduate level or above"})",
           // QASC
           R"({"id": "3", "question": "What is ice?", "choices": {"text": ["cold water", "hot sand"], "label":)"
           R"( ["A", "B"]}, "answerKey": "A", "fact1": "Ice is cold and hard.", "fact2": "Water freezes in winter.",)"
           R"( "combinedfact": "Ice is water in winter.", "formatted_question": "What is ice? (A) cold water (B) hot)"
           R"( sand"})",
           // ECQA, MedMCQA, MathQA
           R"({"question": "Where is it?", "choices": ["in a bag", "in a bowl"], "answer": 1, "exp": "It lives there)"
           R"( for most of its life.", "topic_name": "Fish of the seas and rivers"})",
           R"({"Problem": "How many are 2 + 3?", "options": "a ) 5 , b ) 6", "correct": "a", "annotated_formula":)"
           R"( "add(n0, n1) and then divide by one", "linear_formula": "add(n0,n1)|", "Rationale": "We add both."})",
           // BBQ
           R"({"context": "Two met.", "question": "Who?", "ans0": "One", "ans1": "Two", "ans2": "Nobody", "label": 2,)"
           R"( "answer_info": {"ans0": ["One", "the man who was there"], "ans1": ["Two", "x"]}, "additional_metadata":)"
           R"( {"source": "An article that somebody wrote in 2019.", "version": "a"}, "category": "Age"})",
           // HotpotQA, SQuAD
           R"({"context": "Ann: Ann came. Bo: Bo left.", "question": "Who?", "answer": "Ann", "supporting_facts":)"
           R"( {"title": ["Ann", "Bo"], "sent_id": [0, 0]}, "title": "The life of Ann and her friends"})",
           // APE210K: the same in other pieces
           R"({"question": "How many apples has Ann?", "answer": "4", "words": "How many apples has Ann ?"})",
           // A prompt of its own is complete.
           R"({"prompt": "Who came? Say a name.", "answer": "Ann", "remark": "Written by hand in the last year."})",
       }) {
    const auto set = ReadQuestions(row, "exam");
    EXPECT_TRUE(set.ok()) << row << "\n" << (set.ok() ? "" : set.error().message);
  }
  // The same notice in all rows is kept out, and a story is not.
  const auto read = [](const std::string& text, int rows) {
    std::string bytes;
    for (int i = 0; i < rows; ++i)
      bytes +=
          R"({"question": "Who was number )" + std::to_string(i) + R"(?", "answer": "Ann", "zorp": ")" + text + "\"}\n";
    return ReadQuestions(bytes, "exam").ok();
  };
  EXPECT_TRUE(read("Written for this exam by its authors.", 10));
  EXPECT_FALSE(read("Written for this exam by its authors.", 9)) << "all of them may be about it";
  std::string story;
  for (int i = 0; i < 50; ++i) story += "then " + std::to_string(i) + " came ";
  EXPECT_FALSE(read(story, 10));
}

TEST_F(FollowedAdvice, LeavesNoPlacesToFillIn) {
  EXPECT_THAT(First(R"({"text": "Much rain.", "label": 0})"),
              StartsWith("exam:1: \"NAME 0\" is the place of the name of a class: write the names"));
  EXPECT_THAT(First("{\"text\": \"Much rain.\", \"label\": \"No\"}\n{\"text\": \"Sun.\", \"label\": \"Yes\"}"),
              StartsWith("exam:1: the prompt ends with \"Is this ...?\", the place of a question"));
}

// ---- Kinds of rows that were read wrongly once ----

TEST_F(FollowedAdvice, SendsBothTextsOfAPair) {
  // A class about two texts is not asked of one of them: CoSQA, BigCloneBench.
  const std::string rows =
      R"j({"idx": "1", "doc": "python check a set", "code": "def f(a):\n  return len(a) == len(set(a))", "code_tokens":)j"
      R"j( ["def", "f"], "label": 0})j"
      "\n"
      R"j({"idx": "2", "doc": "python sort a list", "code": "def g(a):\n  return sorted(a) or None", "label": 1})j";
  const auto read = ReadQuestions(rows, "exam");
  EXPECT_THAT(read.error().message,
              testing::HasSubstr(R"(in place of "Is this ...?": how "doc" and "code" are related)"));
  EXPECT_THAT(read.error().message, testing::HasSubstr(R"(it leaves out "code_tokens")"));
  EXPECT_THAT(First(rows), StartsWith("exam:1: the prompt ends with \"Is this ...?\", the place of a question"));
  directory_.Write("FILE", directory_.Read("OUT"));
  ASSERT_TRUE(Run(R"(sed 's/Is this ...?/Does the code do this?/; s/NAME 0/no/; s/NAME 1/yes/' FILE > OUT)"));
  EXPECT_EQ(First(directory_.Read("OUT")),
            "doc: python check a set\ncode: def f(a):\n  return len(a) == len(set(a))\nDoes the code do this? -> no");
  EXPECT_THAT(ReadQuestions(R"({"func1": "int f(int a) { return a; }", "func2": "int g(int b) { return b; }",)"
                            R"( "label": true})",
                            "exam")
                  .error()
                  .message,
              testing::AllOf(testing::HasSubstr(R"({prompt: ("func1: " + .["func1"] + "\n" + "func2: " + .["func2"])"),
                             testing::HasSubstr("how \"func1\" and \"func2\" are related")));
  // The other texts tell of a hypothesis: the question is known.
  EXPECT_EQ(First(R"({"content": "We test five models on it. None is good.", "hypothesis": "All of them are good.",)"
                  R"( "title": "On models", "answer": false})"),
            "content: We test five models on it. None is good.\nhypothesis: All of them are good.\nBy what is above, "
            "which of these is right for the hypothesis: false, true?\nanswer: -> false");
  EXPECT_EQ(First(R"({"premise": "Ann ran.", "hypothesis": "Ann moved.", "label": "entailment"})"
                  "\n"
                  R"({"premise": "Ann ran.", "hypothesis": "Ann sat.", "label": "contradiction"})"),
            "Ann ran.\nAnn moved.\nBy what is above, which of these is right for the hypothesis: contradiction, "
            "entailment?\nlabel: -> entailment");
  // Devign: the number of a class, and not an answer.
  EXPECT_THAT(First(R"({"project": "q", "commit_id": "0", "target": 0, "func": "int f(void) { return 0; }"})"),
              StartsWith("exam:1: \"NAME 0\" is the place of the name of a class"));
}

TEST_F(FollowedAdvice, AsksForTheDocumentBeforeItsSpans) {
  const char* kRow =
      R"({"question": "What did Ann say of the house?", "evidence": "Ann: I saw the house in the rain, and)"
      R"( it was as cold as the sea in winter.", "options": ["A. It is cold.", "B. It is warm."],)"
      R"( "answer": "A", "content": "Bo: Hello, all of you here. Ann: I saw the house in the rain, and)"
      R"( it was as cold as the sea in winter. Bo: So you have been to it in the end, I hear."})";
  EXPECT_THAT(First(kRow), StartsWith("Bo: Hello, all of you here. Ann: I saw"));
  EXPECT_EQ(steps_.size(), 1U);
  EXPECT_THAT(
      First(R"({"question": "Who left?", "spans_of_it": ["Then Bo left the house."], "zorp": "Ann came. Then Bo)"
            R"( left the house. It was late.", "answer": "Bo"})"),
      StartsWith("Ann came. Then Bo left the house. It was late.\nQuestion: Who left?"));
  EXPECT_EQ(steps_.size(), 1U) << "what the document says is not asked for";
}

TEST_F(FollowedAdvice, MakesMessagesOfAnyRoles) {
  const auto few = Follow(R"({"origin_prompt": [{"role": "HUMAN", "prompt": "2 + 2?"}, {"role": "BOT", "prompt":)"
                          R"( "It is 4."}, {"role": "HUMAN", "prompt": "3 + 3?"}], "prediction": "7", "gold": "6"})");
  ASSERT_TRUE(few.ok()) << few.error().message;
  ASSERT_EQ(few->questions.size(), 1U) << "examples are no questions";
  ASSERT_EQ(few->questions[0].messages.size(), 3U);
  EXPECT_EQ(few->questions[0].messages[1].role, "assistant");
  EXPECT_THAT(few->questions[0].references, ElementsAre("6"));
  const auto chat = Follow(R"({"messages": [{"type": "human", "text": "Who came?"}], "answer": "Ann"})");
  ASSERT_TRUE(chat.ok()) << chat.error().message;
  EXPECT_EQ(chat->questions[0].messages[0].role, "user");
}

TEST_F(FollowedAdvice, SendsNoPairsOfQuestionsAndAnswers) {  // LooGLE
  EXPECT_THAT(ReadQuestions(R"({"input": "Ann came. Bo left.", "title": "x", "qa_pairs": "[{'S': 'Ann came.', 'Q':)"
                            R"( 'Who came?', 'A': 'Ann'}]", "output": "none"})",
                            "exam")
                  .error()
                  .message,
              testing::AllOf(testing::HasSubstr("questions with their answers in a text, and is not sent: python3 -c"),
                             testing::Not(testing::HasSubstr("jq"))));
  EXPECT_EQ(First(R"({"input": "Ann came. Bo left.", "qa_pairs": "[{\"Q\": \"Who came?\", \"A\": \"Ann\"}]"})"),
            "Ann came. Bo left.\nQuestion: Who came?\nAnswer: -> Ann");
  // Beside a question they are additional, whatever the member is called.
  const auto set = ReadQuestions(R"({"question": "Who came?", "answer": "Ann", "zorp": "[{'question': 'Who left the)"
                                 R"( house?', 'answer': 'Bo and his brother'}]"})",
                                 "exam");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_THAT(set->not_sent, ElementsAre("zorp"));
}

TEST_F(FollowedAdvice, ReadsWhatToolsExport) {
  // LangSmith, Langfuse, Phoenix, MLflow
  EXPECT_EQ(First(R"({"inputs": {"question": "Who?"}, "outputs": {"answer": "Ann"}, "metadata": {"split": "x"}})"),
            "Question: Who?\nAnswer: -> Ann");
  EXPECT_EQ(First(R"({"input": {"text": "Who?"}, "expectedOutput": "Ann", "metadata": null})"),
            "Question: Who?\nAnswer: -> Ann");
  EXPECT_EQ(First(R"({"inputs": {"question": "Who?"}, "expectations": {"expected_response": "Ann"}})"),
            "Question: Who?\nAnswer: -> Ann");
  EXPECT_EQ(First(R"({"input": {"question": "Who?", "context": "Ann came."}, "output": {"zorp": "Ann"}})"),
            "Ann came.\nQuestion: Who?\nAnswer: -> Ann");
  const auto chat = Follow(R"({"inputs": {"messages": [{"role": "user", "content": "Who?"}]}, "outputs": {"messages":)"
                           R"( [{"role": "assistant", "content": "Ann"}]}})");
  ASSERT_TRUE(chat.ok()) << chat.error().message;
  EXPECT_EQ(chat->questions[0].messages.size(), 1U);
  EXPECT_THAT(chat->questions[0].references, ElementsAre("Ann"));
  // Ragas
  EXPECT_EQ(First(R"({"user_input": "Who?", "reference": "Ann", "reference_contexts": ["Ann came."]})"),
            "Ann came.\nQuestion: Who?\nAnswer: -> Ann");
  EXPECT_EQ(First(R"({"question": "Who?", "contexts": ["Ann came."], "answer": "I think Bo", "ground_truth": "Ann"})"),
            "Ann came.\nQuestion: Who?\nAnswer: -> Ann");
  // DeepEval
  EXPECT_EQ(First(R"({"input": "Who?", "actual_output": "Bo", "expected_output": "Ann", "context": ["Ann came."]})"),
            "Ann came.\nQuestion: Who?\nAnswer: -> Ann");
  // promptfoo
  const auto asserted = Follow(R"({"vars": {"question": "Who?"}, "assert": [{"type": "icontains", "value": "Ann"},)"
                               R"( {"type": "llm-rubric", "value": "is kind"}]})");
  ASSERT_TRUE(asserted.ok()) << asserted.error().message;
  EXPECT_EQ(asserted->questions[0].match, Match::kWords);
  const auto expected = Follow(R"({"question": "Who?", "__expected": "contains: Ann"})");
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  EXPECT_EQ(expected->questions[0].match, Match::kContains);
  EXPECT_THAT(expected->questions[0].references, ElementsAre("Ann"));
  EXPECT_THAT(First(R"({"vars": {"question": "Who?"}, "assert": [{"type": "llm-rubric", "value": "is kind"}]})"),
              testing::HasSubstr("other models would have to judge"));
  // HELM
  EXPECT_EQ(First(R"({"input": {"text": "Who?"}, "references": [{"output": {"text": "Bo"}, "tags": []}, {"output":)"
                  R"( {"text": "Ann"}, "tags": ["correct"]}], "split": "test", "id": "id0"})"),
            "Question: Who?\nAnswer: -> Ann");
  EXPECT_EQ(First(R"({"input": {"text": "Who?"}, "references": [{"output": {"text": "Ann"}, "tags": ["correct"]}]})"),
            "Question: Who?\nAnswer: -> Ann");
  // Inspect, with choices
  EXPECT_EQ(First(R"({"id": 1, "input": "Who came?", "choices": ["Bo", "Ann"], "target": "B", "messages": [{"role":)"
                  R"( "user", "content": "Who came? A) Bo B) Ann"}, {"role": "assistant", "content": "ANSWER: A"}]})"),
            "Who came? -> Ann");
}

TEST_F(FollowedAdvice, CountsEmptyListsAsAbsent) {
  EXPECT_EQ(First(R"({"context": "The key is 7.", "question": "Which key?", "answer": ["7"], "options": []})"),
            "The key is 7.\nQuestion: Which key?\nAnswer: -> 7");
  EXPECT_EQ(First(R"({"prompt": "", "question": "Which key?", "answer": "7", "choices": "", "passage": []})"),
            "Question: Which key?\nAnswer: -> 7");
}

TEST_F(FollowedAdvice, RenamesWhatIsOnlyCalledOtherwise) {
  EXPECT_EQ(First(R"({"question": "Who?", "answers": {"A": "Bo", "B": "Ann"}, "solution": "B"})"),
            "Question: Who?\nAnswer: -> Ann");  // CyberMetric
  EXPECT_EQ(First(R"({"question": "Who?", "choices": ["Bo", "Ann"], "zorp": "Ann"})"),
            "Question: Who?\nAnswer: -> Ann");
}

TEST(ReadQuestions, TakesNoStructuredDataForClasses) {
  for (const char* label : {R"("[]")", R"("[{\"type\": \"city\"}]")", R"([{"type": "city"}])", R"({"city": "Lima"})"}) {
    const auto set = ReadQuestions(std::string(R"({"text": "Ann lives in Lima.", "label": )") + label + "}", "exam");
    ASSERT_FALSE(set.ok());
    EXPECT_THAT(set.error().message, testing::Not(testing::HasSubstr("jq"))) << label;
  }
}

TEST(ReadQuestions, LeavesNoRowsOutThatAProgramCanUse) {
  std::string bytes;
  for (int i = 0; i < 6; ++i) {
    const std::string n = std::to_string(i);
    bytes += i % 2 == 0 ? R"({"question": "Who is )" + n + R"(?", "answer": "Ann"})" + "\n"
                        : R"({"question": "Who is )" + n + R"(?", "tables": ["| a | b |"], "answer": "Ann"})" + "\n";
  }
  const std::string message = ReadQuestions(bytes, "exam").error().message;
  EXPECT_THAT(message, testing::HasSubstr("2 more rows cannot be read, and 3 can"));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("sed")));
}

TEST(ReadQuestions, ListsWhatChoicesHaveBesideTheirTexts) {  // EXAMS
  const auto set = ReadQuestions(
      R"({"question": "Who?", "choices": [{"text": "Ann", "label": "A", "para": "She came."}, {"text": "Bo", "label":)"
      R"( "B", "para": "He left."}], "answerKey": "A"})",
      "exam");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_THAT(set->not_sent, ElementsAre("choices[].para"));
}

TEST_F(FollowedAdvice, AsksWhatAClassIsAbout) {
  // WSC: the spans are sent; HaluEval: the response is, and the class has a name of its own; CSL: the list is.
  EXPECT_THAT(ReadQuestions(R"({"text": "Ann saw Bo as he ran to the house.", "target": {"span1_text": "Bo",)"
                            R"( "span2_text": "he"}, "label": "true"})",
                            "exam")
                  .error()
                  .message,
              testing::HasSubstr("how \"text\" and \"target\" are related"));
  EXPECT_THAT(
      ReadQuestions(R"({"user_query": "Name a large city of Peru.", "chatgpt_response": "It is Lima, I think.",)"
                    R"( "hallucination": "no"})",
                    "exam")
          .error()
          .message,
      testing::HasSubstr("how \"chatgpt_response\" and \"user_query\" are related"));
  EXPECT_THAT(ReadQuestions(R"({"abst": "We measure the width of many rivers.", "keyword": ["river", "width"],)"
                            R"( "label": "1"})",
                            "exam")
                  .error()
                  .message,
              testing::AllOf(testing::HasSubstr("how \"abst\" and \"keyword\" are related"),
                             testing::HasSubstr("in place of \"NAME 1\"")));
  // Letters tell nothing.
  EXPECT_THAT(First(R"({"premise": "Ann ran.", "hypothesis": "Ann moved.", "label": "e"})"
                    "\n"
                    R"({"premise": "Ann ran.", "hypothesis": "Ann sat.", "label": "c"})"),
              StartsWith("exam:1: \"NAME c\" is the place of the name of a class"));
  EXPECT_THAT(
      ReadQuestions(R"({"sentence1": "Ann ran.", "sentence2": "Ann sat.", "label": 0.5})", "exam").error().message,
      testing::HasSubstr("is a score and no class"));
}

TEST_F(FollowedAdvice, MakesChoicesOfListsThatAnotherMemberMarks) {
  EXPECT_EQ(First(R"({"content": "It was #idiom# for all.", "candidates": ["odd", "even"], "answer": 1})"),
            "It was  ->even for all.");  // ChID
  EXPECT_EQ(steps_.size(), 2U);
  EXPECT_EQ(First(R"({"question": "How long?", "options": ["a day", "an hour"], "labels": ["no", "yes"]})"),
            "Question: How long?\nAnswer: -> an hour");  // DurationQA
  EXPECT_TRUE(steps_.empty());
  EXPECT_EQ(First(R"({"question": "How long?", "options": ["a day", "an hour"], "labels": ["yes", "yes"]})"),
            "Question: How long?\nIs \"a day\" a right answer?\nAnswer: -> yes");
  EXPECT_EQ(
      First(R"({"question": "Where?", "choices": "A. bag, B. box, C. cup, D. tin, E. pot, F. pan, G. jar, H. can,)"
            R"( I. bin, J. tub, K. vat", "answer": "vat"})"),
      "Question: Where?\nAnswer: -> vat");  // Hi-ToM
  EXPECT_EQ(First(R"({"sentence_good": "Ann hid herself.", "sentence_bad": "Ann hid themselves.", "UID": "x"})"),
            "Sentence: -> Ann hid herself.");  // BLiMP
}

TEST_F(FollowedAdvice, AsksWhetherADigitNamesOneOfAList) {
  for (const char* name : {"candidates", "alternatives", "things"}) {
    const std::string list = std::string("\"") + name + "\"";
    const auto set =
        Follow(R"({"question": "Who has two?", )" + list + R"(: ["11", "19", "5", "3"], "answer": "2"})" + "\n" +
               R"({"question": "Who came?", )" + list + R"(: ["Ann", "Bo", "Cy", "Di"], "answer": "4"})");
    ASSERT_TRUE(set.ok()) << set.error().message;
    EXPECT_EQ(steps_.size(), 1U) << name;
    EXPECT_EQ(set->questions[0].references[set->questions[0].right], " 19") << name;
    EXPECT_EQ(set->questions[1].references[set->questions[1].right], " Di") << name;
  }
  EXPECT_EQ(First(R"({"question": "Who?", "alternatives": ["Ann", "Bo"], "answer": "B"})"),
            "Question: Who?\nAnswer: -> Bo");
  EXPECT_EQ(First(R"({"question": "Who?", "candidates": ["Ann", "Bo"], "label": 1})"), "Question: Who?\nAnswer: -> Bo");
  EXPECT_EQ(First(R"({"question": "Who?", "candidates": ["Ann", "Bo"], "answer": "Bo"})"),
            "Question: Who?\nAnswer: -> Bo");
  // Where "3" is a text, too, and other rows tell that it is a number.
  EXPECT_THAT(First(R"({"question": "Who?", "choices": ["Ann", "Bo", "Cy"], "answer": "3"})"
                    "\n"
                    R"({"question": "How many?", "choices": ["2", "3", "5"], "answer": "3"})"),
              testing::HasSubstr("exam:2: \"answer\": \"3\" may be several choices"));
  // Steps are no choices, and a number that is no position is one.
  for (const char* row : {R"({"question": "How many?", "steps": ["one", "two", "six"], "answer": "2"})",
                          R"({"question": "How many?", "things": ["one", "two", "six"], "answer": "12"})"}) {
    EXPECT_TRUE(ReadQuestions(row, "exam").ok()) << row;
  }
}

TEST_F(FollowedAdvice, TakesTheTextsOfSpans) {  // ParsiNLU
  EXPECT_EQ(First(R"({"passage": "Ann came to Lima.", "question": "Who?", "answers": [[0, "Ann"], [4, "came"]]})"),
            "Ann came to Lima.\nQuestion: Who?\nAnswer: -> Ann came");
  EXPECT_EQ(First(R"({"passage": "Ann came.", "question": "Who?", "answers": [[0, 3, "Ann"]]})"),
            "Ann came.\nQuestion: Who?\nAnswer: -> Ann");
  EXPECT_THAT(ReadQuestions(R"({"question": "Who?", "answers": [[0, 3]]})", "exam").error().message,
              testing::HasSubstr("has lists of numbers"));
}

TEST_F(FollowedAdvice, PutsAnswersUnderIdentifiersIntoRows) {  // SafetyBench
  const char* kRows = R"({"id": 7, "question": "Who?", "options": ["Ann", "Bo"]})"
                      "\n"
                      R"({"id": 9, "question": "Where?", "options": ["Lima", "Rome"]})";
  for (const char* answers : {R"({"7": {"answer": 1}, "9": {"answer": 0}})", R"({"7": 1, "9": 0})",
                              R"([{"id": 7, "answer": 1}, {"id": 9, "answer": 0}])",
                              "{\"id\": 7, \"answer\": 1}\n{\"id\": 9, \"answer\": 0}"}) {
    directory_.Write("ANSWERS", answers);
    EXPECT_EQ(First(kRows), "Question: Who?\nAnswer: -> Bo") << answers;
  }
  for (const char* file :
       {"{\"7\": {\"answer\": 1}, \"9\": {\"answer\": 0}}", "{\n\"7\": {\"answer\": 1},\n\"9\": {\"answer\": 0}}"}) {
    EXPECT_THAT(
        ReadQuestions(file, "exam").error().message,
        testing::HasSubstr("answers under \"7\" and others, and no questions: if these are identifiers, which the "
                           "questions have as \"id\", jq -c -n --slurpfile a FILE "))
        << file;
  }
}

TEST_F(FollowedAdvice, TakesVerdictsOfSpansAsWords) {  // SQuAD
  const std::string question = R"({"context": "Ann sings: yes, she does. Bo left.", "question": )";
  for (const char* form : {R"({"text": [")", R"([{"text": ")"}) {
    const std::string end = form[0] == '{' ? R"("], "answer_start": [3]}})" : R"("}]})";
    const auto set = Follow(question + R"("Does she?", "answers": )" + form + "yes" + end + "\n" + question +
                            R"("Who left?", "answers": )" + form + "Bo" + end + "\n" + question +
                            R"("Who sings?", "answers": )" + form + "Ann" + end);
    ASSERT_TRUE(set.ok()) << set.error().message;
    EXPECT_EQ(steps_.size(), 1U);
    EXPECT_EQ(set->questions[0].match, Match::kWords);
  }
  const auto written = Follow(R"({"question": "Does she?", "answer": true})"
                              "\n"
                              R"({"question": "Who left?", "answer": "Bo"})"
                              "\n"
                              R"({"question": "Who sang?", "answer": "Ann"})");
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().message, testing::EndsWith(R"(write it as a text, with "match": "words")"));
  EXPECT_THAT(steps_, testing::IsEmpty());  // no program would change the rows
}

TEST_F(FollowedAdvice, HasAPlaceForTheQuestionAboutAScenario) {  // EmoBench
  const std::string row = R"({"scenario": "Ann lost her bag.", "subject": "Ann", )";
  const std::string choices = R"("question type": "Action", "choices": ["Call Bo.", "Go home."], "label": "Go home."})";
  EXPECT_THAT(First(row + choices),
              StartsWith("exam:1: the prompt ends with \"What is ...?\", the place of a question"));
  ASSERT_TRUE(Run(R"(sed 's/What is ...?/What is best?/' OUT > FILE)"));
  EXPECT_EQ(First(directory_.Read("FILE")), "Ann lost her bag.\nAnn\nAction: What is best? -> Go home.");
  const auto lists = Follow(row + R"("emotion_choices": ["joy", "anger"], "emotion_label": "anger", )" +
                            R"("cause_choices": ["the bag", "Bo"], "cause_label": "the bag"})");
  ASSERT_TRUE(lists.ok()) << lists.error().message;
  ASSERT_EQ(lists->questions.size(), 2U);
  EXPECT_EQ(lists->questions[0].prompt, "Ann lost her bag.\nAnn\ncause:");
  EXPECT_EQ(lists->questions[0].right, 0U);
  EXPECT_EQ(lists->questions[1].prompt, "Ann lost her bag.\nAnn\nemotion:");
  EXPECT_EQ(lists->questions[1].right, 1U);
}

TEST_F(FollowedAdvice, WantsATextOfEachGroup) {
  const auto one = Follow(R"({"id": "a", "question": "Which form?", "must_mention": [["PL-7", "PL 7"]]})");
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->questions[0].match, Match::kContains);
  EXPECT_THAT(one->questions[0].references, ElementsAre("PL-7", "PL 7"));
  const auto two =
      Follow(R"({"question": "Which forms?", "category": "hr", "expected_keywords": [["PL-7", "PL 7"], "[B]"]
})");
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_TRUE(IsRight(two->questions[0], "First [B],\nthen PL 7."));
  EXPECT_FALSE(IsRight(two->questions[0], "B and PL-7"));
  EXPECT_FALSE(IsRight(two->questions[0], "PL-7 and PL 7"));
}

TEST(ReadQuestions, KnowsTagsAttributesAndPassagesAboutTranslations) {
  const auto tag = ReadQuestions(R"({"scenario": "first_time,minor", "question": "Who?", "answer": "Ann"})", "exam");
  ASSERT_TRUE(tag.ok()) << tag.error().message;
  EXPECT_THAT(tag->not_sent, ElementsAre("scenario"));
  EXPECT_FALSE(ReadQuestions(R"({"scenario": "Ann came.", "question": "Who?", "answer": "Ann"})", "exam").ok());
  EXPECT_THAT(
      ReadQuestions(R"({"input": "Red shoe", "target_scores": {"Color": {"Red": 1}, "Kind": {"shoe": 1}}})", "exam")
          .error()
          .message,
      testing::HasSubstr("these are no choices, and no comparison of texts can judge such an answer"));
  const std::string answer = R"("answer": "an old royal gate"})";
  EXPECT_TRUE(ReadQuestions(R"({"context": "The stone was found in a valley. Bo had to translate it for us.", )"
                            R"("question": "What did he see?", )" +
                                answer,
                            "exam")
                  .ok());
  for (const char* row :
       {R"({"context": "Translate the text.", "question": "ein altes Tor des Hofs", )",
        R"({"context": "It is of stone and very old and broken.", "question": "Translate it to French.", )"}) {
    EXPECT_THAT(ReadQuestions(row + answer, "exam").error().message, testing::HasSubstr("good translations")) << row;
  }
}

TEST_F(FollowedAdvice, TakesListsUnderIdsAsOneFile) {  // OpenToM
  const auto set = Follow(
      "{\n"
      R"("17": [{"question": "Who?", "answer": "Ann"}], "18": [{"question": "Where?", "answer":)"
      R"( "Lima"}], "19": [{"question": "When?", "answer": "now"}], "20": [{"question": "Why?",)"
      R"( "answer": "rain"}, {"question": "How?", "answer": "fast"}]})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(set->questions.size(), 5U);
}

TEST_F(FollowedAdvice, AsksForTheTargetAndTheUnit) {
  EXPECT_EQ(
      First(R"({"Dialogue": ["A: It rains.", "B: Take the red bag."], "Target": "Take the red bag.",)"
            R"( "Question": "What follows the target?", "Choices": ["A takes it.", "A sings."], "Correct Answers":)"
            R"( [0]})"),
      "A: It rains.\nB: Take the red bag.\nQuestion: What follows the target?\nTarget: Take the red bag.\nAnswer: "
      "-> A takes it.");
  EXPECT_EQ(First(R"({"problem_text": "How much is it?", "answer_number": "5.2", "unit": "kJ of heat per mol"})"),
            "Question: How much is it? (in kJ of heat per mol)\nAnswer: -> 5.2");
}

TEST(ReadQuestions, WritesWholeCharactersInOneLine) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "\u6b63";
  for (const std::string space : {"", " ", "  "}) {
    const std::string message =
        ReadQuestions(R"({"question": "x", "answer": ")" + space + text + "\u3002\"}", "exam").error().message;
    EXPECT_THAT(message, testing::HasSubstr("\u6b63..."));
    EXPECT_THAT(message, testing::HasSubstr("is one of many good answers"));
  }
  EXPECT_THAT(ReadQuestions(R"({"question": "x", "choices": ["Ann", "Bo"], "a\nb": "Bo"})", "exam").error().message,
              testing::HasSubstr("if \"a b\" names it"));
}

TEST(ReadQuestions, TakesASampleOfAFileThatIsTooLong) {
  std::string bytes;
  for (int i = 0; i < 1200; ++i) {
    bytes += R"({"question": "Who is )" + std::to_string(i) + R"(?", "answer": ")" + (i % 3 == 0 ? "p - q" : "Ann") +
             "\"}\n";
  }
  EXPECT_THAT(ReadQuestions(bytes, "exam").error().message,
              testing::EndsWith("too many to name: shuf -n 200 FILE > OUT takes a sample, of which the others can be "
                                "left out"));
  for (int i = 1200; i < 2000; ++i)
    bytes += R"({"question": "Who is )" + std::to_string(i) + R"(?", "answer": "Ann"})" + "\n";
  EXPECT_THAT(ReadQuestions(bytes, "exam").error().message,
              StartsWith("exam: more than 1000 questions: shuf -n 1000 FILE > OUT takes a sample; of them exam:1: "));
}

}  // namespace
}  // namespace autotune::measurement
