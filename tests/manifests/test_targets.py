"""What serving stacks' own definitions say to the manifests that the best configuration is written as.

The CustomResourceDefinitions come with the projects' Go modules, at the versions below, and are applied to a real API
server; manifests are created with strict validation of fields, as a dry run. Deployment and Service are the server's own.
Dynamo publishes no module that a Go proxy has. A definition is put together here from the facts of its types (fields, their
kinds, enumerations, patterns and rules), and its pods, which are Kubernetes' own type there, are checked as pods.
"""

import json
import pathlib
import re
import subprocess
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = ROOT / "tests/engines/runs/2026-11-28-h200/vllm-search.status.yaml"
# module, version, definition within it
MODULES = {
    "LLMInferenceService": ("github.com/kserve/kserve", "v0.19.0",
                            "config/crd/full/llmisvc/serving.kserve.io_llminferenceservices.yaml"),
    "InferenceService": ("github.com/kserve/kserve", "v0.19.0", "config/crd/full/serving.kserve.io_inferenceservices.yaml"),
    "LeaderWorkerSet": ("sigs.k8s.io/lws", "v0.8.0", "config/crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml"),
}


def manifest(autotune, target, task=None):
    task = task or yaml.safe_load(RUN.read_text())
    # As a cluster has it: the model is on a claim.
    task["spec"]["model"]["volume"] = {"persistentVolumeClaim": {"claimName": "models"}}
    written = subprocess.run([autotune, "apply", "-f", "-", "--target", target], input=json.dumps(task),
                             capture_output=True, text=True)
    assert written.returncode == 0, written.stderr
    return written.stdout


def definition(module, version, path):
    found = subprocess.run(["go", "mod", "download", "-json", f"{module}@{version}"], capture_output=True, text=True,
                           cwd="/", timeout=600)
    if found.returncode != 0:
        pytest.skip(f"{module}@{version} cannot be had: {found.stdout}{found.stderr}")
    crd = yaml.safe_load((pathlib.Path(json.loads(found.stdout)["Dir"]) / path).read_text())
    # Nobody converts here: the version that manifests have is the one that is stored.
    crd["spec"].pop("conversion", None)
    return crd


def created(api_server, text):
    return api_server.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", input=text)


def established(api_server, name):
    """kubectl wait fails at once on a definition that has no conditions yet."""
    for _ in range(60):
        ready = api_server.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=10s")
        if ready.returncode == 0:
            return
        time.sleep(1)
    raise AssertionError(ready.stderr)


def test_deployment_and_service_are_accepted(api_server, autotune):
    answer = created(api_server, manifest(autotune, "Deployment"))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("created") == 2, answer.stdout


@pytest.mark.parametrize("target", MODULES)
def test_target_is_accepted_by_its_own_definition(api_server, autotune, target):
    crd = definition(*MODULES[target])
    applied = api_server.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(crd))
    assert applied.returncode == 0, applied.stderr
    try:
        established(api_server, crd["metadata"]["name"])
        answer = created(api_server, manifest(autotune, target))
        assert answer.returncode == 0, answer.stderr
        # The definition does refuse: a field that it does not know is an error.
        wrong = yaml.safe_load(manifest(autotune, target))
        wrong["spec"]["replicaz"] = 1
        answer = created(api_server, json.dumps(wrong))
        assert answer.returncode != 0 and "replicaz" in answer.stderr, answer.stdout
    finally:
        api_server.kubectl("delete", "crd", crd["metadata"]["name"], "--ignore-not-found")


def dynamos_definition():
    """DynamoGraphDeployment of nvidia.com/v1beta1, Dynamo 1.x, as far as a manifest here can touch it."""
    text, flag, number = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "format": "int32"}
    open_object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    texts = {"type": "object", "additionalProperties": text}
    component = {
        "providerOverride": open_object,
        "name": text | {"minLength": 1, "maxLength": 63, "pattern": "^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$"},
        "type": text | {"enum": ["frontend", "worker", "prefill", "decode", "planner", "epp"]},
        "runtimeVersionOverride": text | {"pattern": r"^(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$"},
        "globalDynamoNamespace": flag, "podTemplate": open_object, "replicas": number | {"minimum": 0},
        "minAvailable": number | {"minimum": 1}, "multinode": open_object,
        "roles": {"type": "array", "items": open_object}, "sharedMemorySize": {"x-kubernetes-int-or-string": True},
        "modelRef": open_object, "scalingAdapter": open_object, "eppConfig": open_object, "frontendSidecar": text,
        "dynamoSidecar": text, "compilationCache": open_object, "topologyConstraint": open_object, "experimental": open_object,
    }
    rules = ["!has(self.eppConfig) || (has(self.type) && self.type == 'epp')",
             "!has(self.minAvailable) || (has(self.replicas) && self.replicas == 0) || "
             "self.minAvailable <= (has(self.replicas) ? self.replicas : 1)"]
    unique = "self.all(a, self.filter(b, b.name.lowerAscii() == a.name.lowerAscii()).size() == 1)"
    graph = {
        "providerOverride": open_object, "annotations": texts, "labels": texts, "priorityClassName": text,
        "components": {"type": "array", "maxItems": 25, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                       "x-kubernetes-validations": [{"rule": unique}],
                       "items": {"type": "object", "required": ["name"], "properties": component,
                                 "x-kubernetes-validations": [{"rule": rule} for rule in rules]}},
        "env": {"type": "array", "items": open_object},
        "backendFramework": text | {"enum": ["sglang", "vllm", "trtllm"]},
        "restart": open_object, "topologyConstraint": open_object, "experimental": open_object,
    }
    schema = {"type": "object", "properties": {"apiVersion": text, "kind": text, "metadata": {"type": "object"},
                                               "spec": {"type": "object", "properties": graph,
                                                        "x-kubernetes-validations": [{"rule": "!has(self.restart)"}]}}}
    names = {"plural": "dynamographdeployments", "singular": "dynamographdeployment", "kind": "DynamoGraphDeployment",
             "listKind": "DynamoGraphDeploymentList"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "dynamographdeployments.nvidia.com"},
            "spec": {"group": "nvidia.com", "scope": "Namespaced", "names": names,
                     "versions": [{"name": "v1beta1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}}


def test_dynamos_manifest_is_accepted_by_what_is_known_of_its_types(api_server, autotune):
    crd = dynamos_definition()
    applied = api_server.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(crd))
    assert applied.returncode == 0, applied.stderr
    try:
        established(api_server, crd["metadata"]["name"])
        text = manifest(autotune, "DynamoGraphDeployment")
        answer = created(api_server, text)
        assert answer.returncode == 0, answer.stderr
        graph = yaml.safe_load(text)
        for path, wrong in ((("replicaz",), 1), (("type",), "engine"), (("minAvailable",), 2), (("name",), "frontend")):
            broken = yaml.safe_load(text)
            broken["spec"]["components"][1][path[0]] = wrong
            answer = created(api_server, json.dumps(broken))
            assert answer.returncode != 0, (path, answer.stdout)
        for component in graph["spec"]["components"]:
            main = next(c for c in component["podTemplate"]["spec"]["containers"] if c["name"] == "main")
            # Its admission asks for a tag that is Dynamo's version, or for runtimeVersionOverride.
            assert re.search(r":v?\d+\.\d+\.\d+", main["image"]), main["image"]
            answer = created(api_server, json.dumps({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "dynamo"},
                                                     "template": component["podTemplate"]}))
            assert answer.returncode == 0, answer.stderr
    finally:
        api_server.kubectl("delete", "crd", crd["metadata"]["name"], "--ignore-not-found")


def test_overlay_is_built_by_kustomize(api_server, autotune, tmp_path):
    overlay = yaml.safe_load(manifest(autotune, "LLMD"))
    base = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "decode"},
            "spec": {"selector": {"matchLabels": {"a": "b"}},
                     "template": {"metadata": {"labels": {"a": "b"}},
                                  "spec": {"containers": [{"name": "modelserver", "image": "REPLACE", "command": ["x"],
                                                           "args": ["base"]}]}}}}
    # In the place of llm-d's base, which is on the network.
    (tmp_path / "base").mkdir()
    (tmp_path / "base/kustomization.yaml").write_text("resources: [decode.yaml]\n")
    (tmp_path / "base/decode.yaml").write_text(json.dumps(base))
    overlay["resources"] = ["../base"]
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay/kustomization.yaml").write_text(yaml.safe_dump(overlay))
    built = api_server.kubectl("kustomize", tmp_path / "overlay")
    assert built.returncode == 0, built.stderr
    container = yaml.safe_load(built.stdout)["spec"]["template"]["spec"]["containers"][0]
    deployment = next(yaml.safe_load_all(manifest(autotune, "Deployment")))
    measured = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] + container["args"] == measured["command"]
    assert container["image"] == measured["image"]
