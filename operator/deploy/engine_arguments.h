// A container's command line, parsed as the engine does: the program, the model, and each flag under its canonical
// name. Pure.
//
// Accepts command lines as people write them: through a shell, with a Python module, with any alias of a flag.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "quant/flag_value.h"
#include "quant/rules.h"

namespace autotune::deploy {

struct EngineArguments {
  struct Flag {
    std::string text;                 // as written, "--max-num-seqs 64"; the value of a secret is "***"
    std::string value;                // equal for values with the same meaning; "true" or "false" for a switch
    std::vector<std::string> values;  // the words; empty for a switch
  };
  std::string program;  // "vllm serve"; "" = the image's entrypoint
  std::string model;
  std::map<std::string, Flag> flags;  // by the release's canonical name
  std::vector<std::string> rest;      // words that belong to no flag
  // Values that the release's parser rejects as written, although spec.parameters may have them: "--max-num-seqs takes
  // an integer, and \"1e3\" is none", "--enforce-eager takes no value ...".
  std::vector<std::string> problems;
};

// The file's name in a program's path.
std::string ProgramName(const std::string& path);
// Parses the words after the program, as the process receives them.
EngineArguments ReadFlags(const std::vector<std::string>& words, const quant::EngineRelease& release,
                          const quant::RuleSet& rules);
// Words that the release's parser rejects, in one message ordered by name: keys of the options file written as flags,
// and unknown flags that an experiment would drop or mistake for such keys. Empty if the release only stands in for
// that of the image.
std::vector<std::string> NotOfTheParser(const EngineArguments& arguments, const quant::EngineRelease& release,
                                        const quant::RuleSet& rules);
// True if the flag's value is a key, a token or a password. `name`: without leading dashes.
bool IsSecretFlag(const std::string& name);
// True for flags without influence on speed, which an experiment's pod sets itself: host, port and names of the server,
// keys, logs, and local files. `name`: from EngineTable::Normalise.
bool IsServerFlag(const std::string& name);
// True for flags of Dynamo's workers that no engine has: discovery, request and event transport. `name`: from
// EngineTable::Normalise.
bool IsDynamoFlag(const std::string& name);
// True if a reserved flag has the value that every experiment uses. `name`: from EngineTable::Normalise.
bool ChangesNothing(const std::string& name, const std::string& value);
// The first absolute path in the flag's values: "/a", "name=/a" or {"path": "/a"}; "" if there is none.
std::string PathIn(const EngineArguments::Flag& flag);
// The value in the form of spec.parameters. `name`: as in EngineArguments::flags; dotted: a member of a JSON flag.
quant::FlagValue ValueOf(const std::string& name, const EngineArguments::Flag& flag);
// Number of words before the program: "exec", "env", "sudo", NAME=value.
std::size_t PrefixWords(const std::vector<std::string>& words);
// The name in NAME=value; "" if the word is not an assignment.
std::string AssignedName(const std::string& word);

// `words`: command and args, as the kubelet passes them. `release`: its names and aliases of flags are used.
EngineArguments ReadEngineArguments(const std::vector<std::string>& words, const quant::EngineRelease& release,
                                    const quant::RuleSet& rules);

}  // namespace autotune::deploy
