// A checkpoint on a model hub that speaks Hugging Face's API (the hub itself, a mirror, a caching proxy).
//
// Single-threaded, blocking. A busy or unreachable hub is retried a few times; other failures are errors with a remedy.
// Nothing is stored.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"

namespace autotune::checkpoint {

struct HubOptions {
  std::string model;  // "org/name"
  std::string revision = "main";
  std::string endpoint = "https://huggingface.co";
  std::string token;
  // Instruction for setting a token, for messages: "name a secret with a token in ...".
  std::string how_to_give_token = "set spec.model.huggingFace.tokenSecretRef to a Secret with a token";
  std::string name_of_token = "the token in spec.model.huggingFace.tokenSecretRef";
  std::chrono::milliseconds timeout{30'000};     // maximum time without a byte
  std::chrono::milliseconds retry_delay{1'000};  // doubled at each of two further retries
  std::function<bool()> told_to_end = [] { return false; };
  std::function<void(const std::string&)> say = [](const std::string&) {};  // each failed attempt, for a log
};

std::unique_ptr<CheckpointFiles> OpenHub(const HubOptions& options);

}  // namespace autotune::checkpoint
