"""What the chart's tests share: rendering it, and finding the operator in what was rendered."""

import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/autotune-operator"


def render(helm, *arguments):
    """What is installed, by kind and name."""
    return by_name(o for o in rendered(helm, *arguments) if not is_hook(o))


def render_hooks(helm, *arguments):
    """What only `helm test` creates, by kind and name."""
    return by_name(o for o in rendered(helm, *arguments) if is_hook(o))


def rendered(helm, *arguments):
    answer = helm("template", "tuner", CHART, "--namespace", "tuning", *arguments)
    assert answer.returncode == 0, answer.stderr
    return [o for o in yaml.safe_load_all(answer.stdout) if o]


def is_hook(rendered_object):
    return "helm.sh/hook" in rendered_object["metadata"].get("annotations", {})


def by_name(objects):
    return {(o["kind"], o["metadata"]["name"]) + ((o["metadata"]["namespace"],) if o["kind"].startswith("Role") else ()): o
            for o in objects}


def operator_pod(objects):
    (deployment,) = [o for key, o in objects.items() if key[0] == "Deployment"]
    return deployment["spec"]["template"]["spec"]


def container(objects):
    (operator,) = operator_pod(objects)["containers"]
    return operator
