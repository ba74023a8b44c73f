// A container's command line, parsed as the engine does: the program, the model, and each flag under its canonical
// name. Pure.
//
// Works on command lines that people wrote: through a shell, with the module of Python, with any alias of a flag.
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
    std::string text;                 // as it is written, "--max-num-seqs 64"; the value of a secret is "***"
    std::string value;                // equal for two that mean the same; "true" or "false" of a switch
    std::vector<std::string> values;  // the words; none of a switch
  };
  std::string program;  // "vllm serve"; "" = the image's entrypoint
  std::string model;
  std::map<std::string, Flag> flags;  // by the name that the release has for them
  std::vector<std::string> rest;      // words that belong to no flag
  // Values that the release's parser does not take as they are written, though spec.parameters may have them so:
  // "--max-num-seqs takes an integer, and \"1e3\" is none", "--enforce-eager takes no value ...".
  std::vector<std::string> problems;
};

// The file's name in a program's path.
std::string ProgramName(const std::string& path);
// Words behind the program, as the process gets them.
EngineArguments ReadFlags(const std::vector<std::string>& words, const quant::EngineRelease& release,
                          const quant::RuleSet& rules);
// What of a command the parser of the release does not take, all at once and in the order of names: keys of the options
// file that are written as flags, and flags that it does not have and that an experiment would leave out or mistake for
// such keys. Empty where the release is only a stand-in for that of the image.
std::vector<std::string> NotOfTheParser(const EngineArguments& arguments, const quant::EngineRelease& release,
                                        const quant::RuleSet& rules);
// Whether a flag's value is a key, a token or a password; `name`: without dashes at the front.
bool IsSecretFlag(const std::string& name);
// Flags that say nothing of speed, and that an experiment's pod has for itself: where and as what a server listens,
// keys, logs, and files that only one disk has. `name`: EngineTable::Normalise.
bool IsServerFlag(const std::string& name);
// Flags of Dynamo's workers that no engine has: how workers find each other, and what requests and events travel on.
// `name`: EngineTable::Normalise.
bool IsDynamoFlag(const std::string& name);
// Whether a reserved flag has the value that every experiment has. `name`: EngineTable::Normalise.
bool ChangesNothing(const std::string& name, const std::string& value);
// The first absolute path in the flag's values: "/a", "name=/a", {"path": "/a"}; "" if there is none.
std::string PathIn(const EngineArguments::Flag& flag);
// The value as spec.parameters has it. `name`: as in EngineArguments::flags; a dotted one is a member of a JSON flag.
quant::FlagValue ValueOf(const std::string& name, const EngineArguments::Flag& flag);
// The words before a program: "exec", "env", "sudo", NAME=value.
std::size_t PrefixWords(const std::vector<std::string>& words);
// The name in NAME=value; "" where the word assigns nothing.
std::string AssignedName(const std::string& word);

// `words`: command and args together, as the kubelet passes them on. `release`: whose names and aliases hold.
EngineArguments ReadEngineArguments(const std::vector<std::string>& words, const quant::EngineRelease& release,
                                    const quant::RuleSet& rules);

}  // namespace autotune::deploy
