// spec.model and spec.models of an AutotuneTask <-> C++ values. Bounds and defaults are those of
// crds/autotunetask.yaml.
#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"

namespace autotune::api {
namespace {

using Presence = ObjectReader::Presence;

constexpr std::size_t kMaxModels = 8;
constexpr std::array<std::string_view, 3> kPullPolicies = {"Always", "IfNotPresent", "Never"};

// "owner/name" or "name".
bool IsHubId(const std::string& text) {
  const auto part = [](std::string_view name) {
    const auto good = [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; };
    return !name.empty() && IsAlphanumeric(name.front()) && std::ranges::all_of(name, good);
  };
  const std::string_view view = text;
  const std::size_t slash = view.find('/');
  return slash == std::string_view::npos ? part(view) : part(view.substr(0, slash)) && part(view.substr(slash + 1));
}

void ReadVolume(ObjectReader& reader, json& out) {
  int members = 0;
  const auto text = [](ObjectReader& member, std::string_view key, Presence presence) {
    std::string value;
    member.Text(key, value, presence, 512);
    return value;
  };
  json volume = json::object();
  reader.Nested("persistentVolumeClaim", [&](ObjectReader& member) {
    ++members;
    volume["persistentVolumeClaim"]["claimName"] = text(member, "claimName", Presence::kRequired);
    const std::string sub_path = text(member, "subPath", Presence::kOptional);
    if (!sub_path.empty()) volume["persistentVolumeClaim"]["subPath"] = sub_path;
  });
  reader.Nested("image", [&](ObjectReader& member) {
    ++members;
    volume["image"]["reference"] = text(member, "reference", Presence::kRequired);
    member.Choice("pullPolicy", kPullPolicies,
                  [&](std::size_t i) { volume["image"]["pullPolicy"] = kPullPolicies[i]; });
  });
  reader.Nested("hostPath", [&](ObjectReader& member) {
    ++members;
    const std::string path = text(member, "path", Presence::kRequired);
    if (!member.failed() && path.front() != '/') member.Fail("path", "\"" + path + "\" is not an absolute path");
    volume["hostPath"]["path"] = path;
  });
  if (members != 1 && !reader.failed()) {
    reader.FailAt(reader.path(), "set exactly one of persistentVolumeClaim, image and hostPath");
  }
  out = std::move(volume);
}

// What identifies the files that a checkpoint's pods load.
auto Files(const ModelSpec& model) {
  return std::make_tuple(model.id_or_path, model.OwnRevision(), model.volume, model.hugging_face.endpoint);
}

}  // namespace

void ReadModel(ObjectReader& reader, ModelSpec& out) {
  reader.Text("idOrPath", out.id_or_path, Presence::kRequired, 512);
  const bool path = out.id_or_path.starts_with('/');
  if (!reader.failed() && !path && !IsHubId(out.id_or_path)) {
    reader.Fail("idOrPath", "\"" + out.id_or_path + "\" is neither a hub id (owner/name) nor an absolute path");
  }
  reader.Text("revision", out.revision, Presence::kOptional, 128);
  reader.Nested("volume", [&](ObjectReader& volume) { ReadVolume(volume, out.volume); });
  // The converse, a path without a volume, is for the API server alone: local mode has the machine's own files.
  if (!reader.failed() && !path && !out.volume.is_null()) {
    reader.Fail("idOrPath", "must be an absolute path, because " + reader.PathOf("volume") + " is set");
  }
  reader.Nested("huggingFace", [&](ObjectReader& hub) {
    hub.Nested("tokenSecretRef", [&](ObjectReader& secret) {
      out.hugging_face.token_secret_key = "token";
      secret.Text("name", out.hugging_face.token_secret_name, Presence::kRequired, 253);
      secret.Text("key", out.hugging_face.token_secret_key, Presence::kRequired, 253);
    });
    hub.Text("endpoint", out.hugging_face.endpoint, Presence::kRequired, 512);
    if (!out.hugging_face.endpoint.starts_with("https://") && !out.hugging_face.endpoint.starts_with("http://")) {
      hub.Fail("endpoint", "\"" + out.hugging_face.endpoint + "\" does not begin with https:// or http://");
    }
    hub.Text("cacheClaim", out.hugging_face.cache_claim, Presence::kOptional, 253);
  });
  reader.PassObject("facts", out.facts);
  reader.Text("quantization", out.quantization, Presence::kOptional, 64);
}

void ReadModels(ObjectReader& reader, std::vector<ModelSpec>& out) {
  std::vector<ModelSpec> models;
  reader.Each("models", kMaxModels, [&](ObjectReader& item) {
    ModelSpec model;
    ReadName(item, model.name);
    item.Bool("reference", model.reference);
    ReadModel(item, model);
    if (!item.failed() && std::ranges::find(models, model.name, &ModelSpec::name) != models.end()) {
      item.Fail("name", "\"" + model.name + "\" is listed twice");
    }
    for (const ModelSpec& other : models) {
      if (!item.failed() && Files(other) == Files(model)) {
        item.Fail("idOrPath", "\"" + model.id_or_path + "\" is already listed as checkpoint \"" + other.name + "\"");
      }
      if (!item.failed() && other.reference && model.reference) {
        item.Fail("reference", "\"" + other.name + "\" is already the reference");
      }
    }
    models.push_back(std::move(model));
  });
  const bool one = reader.Get("model") != nullptr;
  if (reader.failed()) return;
  if (!one && reader.Get("models") == nullptr) return reader.Fail("model", "set exactly one of model and models");
  if (one && reader.Get("models") != nullptr)
    return reader.FailAt(reader.path(), "set exactly one of model and models");
  if (!one && models.empty()) return reader.Fail("models", "must have at least one entry");
  if (!one) out = std::move(models);
}

json ToJson(const ModelSpec& model) {
  json out = {{"idOrPath", model.id_or_path}};
  Put(out, "name", model.name);
  if (model.reference) out["reference"] = true;
  Put(out, "revision", model.revision);
  PutNullable(out, "volume", model.volume);
  json hub = {{"endpoint", model.hugging_face.endpoint}};
  if (!model.hugging_face.token_secret_name.empty()) {
    hub["tokenSecretRef"] = {{"name", model.hugging_face.token_secret_name},
                             {"key", model.hugging_face.token_secret_key}};
  }
  Put(hub, "cacheClaim", model.hugging_face.cache_claim);
  out["huggingFace"] = std::move(hub);
  PutNullable(out, "facts", model.facts);
  Put(out, "quantization", model.quantization);
  return out;
}

}  // namespace autotune::api
