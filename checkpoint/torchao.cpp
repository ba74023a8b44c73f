// torchao.
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "checkpoint/declaration.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

using nlohmann::json;

namespace {

// Names of configuration classes, and the texts of older files ("int4_weight_only", "float8dq-row", "int8wo").
StoredFormat TorchAoName(std::string name, const json* data) {
  name = base::AsciiLower(name);
  std::erase_if(name, [](char c) { return c == '_' || c == '-'; });
  const auto weight_dtype = [&]() -> std::optional<NumberFormat> {
    const json* dtype = Find(data, "weight_dtype");
    if (dtype == nullptr) return std::nullopt;
    return NumbersOf(dtype->is_string() ? dtype->get<std::string>() : TextOf(dtype, "_data"));
  };
  const std::int64_t group = IntegerOf(data, "group_size").value_or(0);
  if (Contains(name, "nvfp4")) return {"nvfp4", Contains(name, "weightonly") ? "none" : "nvfp4"};
  if (name.starts_with("mx")) {
    const std::optional<NumberFormat> numbers = weight_dtype();
    if (!numbers) return kOther;
    if (numbers->bits == 4) return {"mxfp4", "mxfp4"};
    if (numbers->bits == 8) return {"mxfp8", "mxfp8"};
    return kOther;
  }
  const NumberFormat plain{};
  if (Contains(name, "int8dynamicactivationint8") || name == "int8dq") return FormatOf({false, 8}, {false, 8}, 0);
  if (Contains(name, "int8dynamicactivationint4") || name.starts_with("int8da4w") || name.starts_with("8da4w"))
    return FormatOf({false, 4}, {false, 8}, 0);
  if (Contains(name, "int8dynamicactivationintx")) {
    const std::optional<NumberFormat> weights = weight_dtype();
    return weights ? FormatOf(*weights, {false, 8}, 0) : kOther;
  }
  if (Contains(name, "float8dynamicactivationint4") || Contains(name, "float8activationint4"))
    return FormatOf({false, 4}, {true, 8}, 0);
  if (Contains(name, "float8dynamicactivationfloat8") || Contains(name, "float8staticactivationfloat8") ||
      name.starts_with("float8dq") || name.starts_with("fp8dq"))
    return FormatOf({true, 8}, {true, 8}, 0);
  if (Contains(name, "float8weightonly") || name.starts_with("float8wo") || name.starts_with("fp8wo"))
    return FormatOf({true, 8}, plain, 0);
  if (name.starts_with("int4weightonly") || name.starts_with("int4wo")) return FormatOf({false, 4}, plain, group);
  if (name.starts_with("int8weightonly") || name.starts_with("int8wo")) return FormatOf({false, 8}, plain, 0);
  if (name.starts_with("intxweightonly")) {
    const std::optional<NumberFormat> weights = weight_dtype();
    return weights ? FormatOf(*weights, plain, 0) : kOther;
  }
  return kOther;
}

StoredFormat TorchAoFormat(const json* type) {
  if (type == nullptr) return kOther;
  if (type->is_string()) return TorchAoName(type->get<std::string>(), nullptr);
  return TorchAoName(TextOf(type, "_type"), FindObject(type, "_data"));
}

}  // namespace

void ReadTorchAo(const json& config, Declaration& declaration) {
  const json* type = Find(&config, "quant_type");
  if (const json* by_default = Find(type, "default"); by_default != nullptr) type = by_default;
  const json* data = FindObject(type, "_data");
  const json* by_module = FindObject(data, "module_fqn_to_config");
  if (by_module == nullptr) by_module = FindObject(data, "fqn_to_config");
  const auto name_of = [](const json* of) {
    return of != nullptr && of->is_string() ? of->get<std::string>() : TextOf(of, "_type");
  };
  if (by_module == nullptr) {
    declaration.Both(TorchAoFormat(type));
    declaration.AddScheme(ModelPart::kBoth, name_of(type));
    if (declaration.linear->family == "int4-wna16") {
      const json* arguments = data != nullptr ? data : FindObject(&config, "quant_type_kwargs");
      declaration.block = GroupOf(IntegerOf(arguments, "group_size"));
    }
  } else {
    PartFormats parts;
    for (const auto& [module, format] : by_module->items()) {
      if (format.is_null()) {
        declaration.ignored.push_back(module);
      } else if (!Contains(module, "embed") && !Contains(module, "lm_head") && IsOfLanguageLayers(module)) {
        const ModelPart part = module == "_default" ? ModelPart::kBoth : ModelPartOf(module);
        parts.Add(part, TorchAoFormat(&format));
        declaration.AddScheme(part, name_of(&format));
      }
    }
    parts.Into(declaration);
  }
  for (const std::string& module : TextsOf(&config, "modules_to_not_convert")) declaration.ignored.push_back(module);
}

}  // namespace autotune::checkpoint
