#include "kube/runtime/log_field.h"

namespace kube::runtime {
namespace {

std::vector<std::pair<const char*, std::string>>& Fields() {
  thread_local std::vector<std::pair<const char*, std::string>> fields;
  return fields;
}

}  // namespace

LogField::LogField(const char* name, std::string value) { Fields().emplace_back(name, std::move(value)); }
LogField::~LogField() { Fields().pop_back(); }
const std::vector<std::pair<const char*, std::string>>& LogField::All() { return Fields(); }

}  // namespace kube::runtime
