// An engine's recorded argument parser, replayed: says whether a command line would be rejected, and why. It reads
// tests/engines/parsers/, and late_values/ for what is rejected behind the parser, and shares nothing with the
// compatibility tables that it judges.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace autotune::quant {

class RecordedParser {
 public:
  // Reads a file of tests/engines/parsers/.
  static RecordedParser Read(const std::string& file);
  // All of an engine, oldest first.
  static std::vector<RecordedParser> All(const std::string& engine);

  [[nodiscard]] const std::string& engine() const { return engine_; }
  [[nodiscard]] const std::string& version() const { return version_; }
  // For the names of parameterised tests.
  friend void PrintTo(const RecordedParser& parser, std::ostream* out) {
    *out << parser.engine_ << " " << parser.version_;
  }
  [[nodiscard]] const nlohmann::json& arguments() const { return arguments_; }
  // "" when accepted, else the parser's complaint.
  [[nodiscard]] std::string Complaint(const std::vector<std::string>& args) const;
  // What is recorded of the values that are rejected behind the parser, by flag.
  [[nodiscard]] const nlohmann::json& late_values() const { return late_values_; }
  // The values that a flag takes, where the recording lists them.
  [[nodiscard]] std::vector<std::string> Values(const std::string& flag) const;
  [[nodiscard]] bool Knows(const std::string& flag) const { return by_flag_.contains(flag); }

 private:
  [[nodiscard]] std::string CheckValue(const nlohmann::json& argument, const std::string& value) const;
  [[nodiscard]] std::string CheckLateValue(const nlohmann::json& argument, const std::string& value) const;

  std::string engine_, version_;
  nlohmann::json arguments_, methods_, kv_dtypes_, late_values_;
  std::map<std::string, std::size_t> by_flag_;
};

}  // namespace autotune::quant
