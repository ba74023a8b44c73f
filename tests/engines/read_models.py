#!/usr/bin/env python3
"""Reads from an engine's source which models it serves; renews quant/engines/<engine>.models.yaml with that release.

    tests/engines/read_models.py ENGINE --path DIR --transformers DIR [DIR...]

DIR are unpacked wheels; nothing of them is run. `--transformers` names the versions of the transformers library that the
release's image may hold: the pinned one, or the newest that existed when the release was built, and the next one if it
came within three days. Where they differ, whatever one of them can do is recorded: no start is refused that might succeed.

own      architectures (config.json) that the engine has a class for
backend  architectures of the transformers library that say themselves that an engine may run them (_supports_attention_backend)
types    model types whose configuration one of both can read without code from the checkpoint
nested   architectures of the engine that run their language model with the class of its own model type (text_config)
text     the transformers library's class for each model type of a language model
left     architectures that the engine itself names as removed, and the last release with them
endings  endings that the engine replaces by one another to find a class for an architecture
"""

import argparse
import ast
import pathlib
import re
import sys
import textwrap

import yaml

from flag_catalogue import WIDTH, group_lines, ranges, scalar, version_key

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def parsed(root, pattern="**/*.py", needle=""):
    for path in sorted(root.glob(pattern)):
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if needle in text:
            try:
                yield path, ast.parse(text)
            except SyntaxError as error:
                sys.exit(f"{path}: {error}")


def texts(node):
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def assignments(tree):
    """(name, value) of every assignment to a name, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def keys(node):
    """Keys of {"key": value}, of dict(key=value) and of its like, and the first items of [("key", value), ...]."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Dict):
            found |= {key.value for key in part.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        elif isinstance(part, ast.Call):
            found |= {keyword.arg for keyword in part.keywords if keyword.arg}
        elif isinstance(part, ast.Tuple) and part.elts and isinstance(part.elts[0], ast.Constant):
            found |= texts(part.elts[0])
    return found


def classes_with(trees, found):
    """Names of the classes in which `found` sees something, and of all classes that derive from them or hold one."""
    users, names = {}, set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                made = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
                users.setdefault(node.name, set()).update(n.id for n in [*node.bases, *made] if isinstance(n, ast.Name))
                if any(found(part) for part in ast.walk(node)):
                    names.add(node.name)
    while more := {name for name, used in users.items() if used & names} - names:
        names |= more
    return names


def calls(node, name):
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, (ast.Name, ast.Attribute)) and getattr(called, "id", getattr(called, "attr", "")) == name


def vllm_nested(package):
    def by_type(node):
        if not calls(node, "init_vllm_registered_model"):
            return False
        arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        inner = arguments.get("hf_config", "") + arguments.get("vllm_config", "")
        # Without a configuration of its own the language model is the class that config.json names for the whole.
        return (("config." in inner or "_config" in arguments.get("hf_config", "")) and "text_config.architectures" in
                arguments.get("architectures", "text_config.architectures") and inner != "vllm_config")

    models = package / "model_executor/models"
    classes = classes_with([tree for _, tree in parsed(models, "*.py")], by_type)
    (_, registry), = parsed(models, "registry.py")
    return {key.value for name, value in assignments(registry) if isinstance(value, ast.Dict) and name.endswith("_MODELS")
            for key, place in zip(value.keys, value.values)
            if isinstance(key, ast.Constant) and isinstance(place, ast.Tuple) and classes & texts(place)}


def sglang_nested(package):
    return classes_with([tree for _, tree in parsed(package / "srt/models", "*.py")],
                           lambda node: calls(node, "_get_sgl_model_cls") and "AutoModelForCausalLM" in ast.unparse(node))


def vllm_models(package):
    own, left = set(), {}
    (_, tree), = parsed(package / "model_executor/models", "registry.py")
    for name, value in assignments(tree):
        if not isinstance(value, ast.Dict):
            continue
        if name == "_PREVIOUSLY_SUPPORTED_MODELS":
            left = ast.literal_eval(value)
        elif re.fullmatch(r"_[A-Z_]+_MODELS", name) and name != "_OOT_SUPPORTED_MODELS":
            own |= {key.value for key in value.keys if isinstance(key, ast.Constant)}
    return own, left


def sglang_models(package):
    own = set()
    for _, tree in parsed(package / "srt/models", "*.py", "EntryClass"):
        for name, value in assignments(tree):
            if name == "EntryClass":
                own |= {node.id for node in ast.walk(value) if isinstance(node, ast.Name)} | texts(value)
    return own, {}


MODELS = {"vllm": vllm_models, "sglang": sglang_models}
NESTED = {"vllm": vllm_nested, "sglang": sglang_nested}
# vLLM: _SUFFIX_TO_DEFAULTS in config/model.py, of which `_normalize_arch` in model_executor/models/registry.py tries each; the same
# from 0.11.2 to 0.33.0. SGLang takes exact names (srt/models/registry.py, _normalize_archs).
ENDINGS = {
    "vllm": ["ForCausalLM", "ForConditionalGeneration", "ChatModel", "LMHeadModel", "ForTextEncoding", "EmbeddingModel",
             "ForSequenceClassification", "ForTokenClassification", "ForAudioClassification", "ForImageClassification",
             "ForVideoClassification", "ClassificationModel", "ForRewardModeling", "RewardModel", "Model"],
    "sglang": [],
}
PARTS = ("own", "backend", "nested", "types")


def caught_types(tree):
    """The texts that handlers of exceptions look for: `"deepseek_v32" in str(error)` reads a type of which the library says
    that it does not know it, and no model_type is near."""
    return {text for handler in ast.walk(tree) if isinstance(handler, ast.ExceptHandler) for node in ast.walk(handler)
            if isinstance(node, ast.Compare) for text in texts(node) if re.fullmatch(r"[A-Za-z][\w.-]*", text)}


def registered_types(tree):
    """The types for which the source has a configuration: keys of a CONFIG_REGISTRY, first arguments of AutoConfig.register,
    and model_type of a class. A text that is only compared with a model type makes no configuration readable."""
    found = set()
    for name, value in assignments(tree):
        if name.endswith("CONFIG_REGISTRY"):
            found |= keys(value)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, (ast.Assign, ast.AnnAssign)) and isinstance(line.value, ast.Constant):
                    found |= {line.value.value for name, _ in assignments(line) if name == "model_type"}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if node.func.attr == "register" and owner == "AutoConfig" and node.args:
                found |= texts(node.args[0])
            elif node.func.attr == "update" and owner.endswith("CONFIG_REGISTRY"):
                found |= keys(node)
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("CONFIG_REGISTRY"):
            found |= texts(node.slice)
    return {text for text in found if isinstance(text, str) and re.fullmatch(r"[A-Za-z][\w.-]*", text)}


def own_types(package):
    """The types that the engine's source can read a configuration of: what it registers, and what it looks for in the error
    of a library that does not know the type. Pipelines that make images have registries of their own and serve no text."""
    found = set()
    for path in package.glob("**/*.py"):
        if "multimodal_gen" in path.relative_to(package).parts:
            continue
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if "CONFIG_REGISTRY" in text or "AutoConfig" in text or re.search(r"^ +model_type\b.*=", text, re.M):
            tree = ast.parse(text)
            found |= registered_types(tree)
            if "AutoConfig" in text:
                found |= caught_types(tree)
    return found


def library(root):
    """The model types of a transformers library, and its classes that an engine may run."""
    models = root / "transformers/models"
    types = set()
    for path in ("auto/configuration_auto.py", "auto/auto_mappings.py"):
        for _, tree in parsed(models, path):
            for name, value in assignments(tree):
                if name == "CONFIG_MAPPING_NAMES":
                    types |= keys(value)
    if len(types) < 100:
        sys.exit(f"{models}/auto: CONFIG_MAPPING_NAMES is not where it was")
    classes = {}
    for path in models.glob("*/modeling_*.py"):
        for definition in re.split(r"^(?=class )", path.read_text(errors="replace"), flags=re.M)[1:]:
            head = re.match(r"class (\w+)\s*(?:\(([^)]*)\))?:", definition)
            says = re.search(r"^    _supports_attention_backend(?:: bool)? = (True|False)\b", definition, re.M)
            if head:
                bases = [base.strip().split(".")[-1] for base in (head[2] or "").split(",")]
                classes.setdefault(head[1], (says and says[1] == "True", bases))

    def runs(name, seen=()):
        if name not in classes or name in seen:
            return False
        says, bases = classes[name]
        return any(runs(base, (*seen, name)) for base in bases) if says is None else says

    served = re.compile(r"For(CausalLM|ConditionalGeneration|ImageTextToText)$|LMHeadModel$")
    return types, {name for name in classes if served.search(name) and runs(name)}


def text_classes(root):
    """The class of each model type with which the library generates text."""
    for _, tree in parsed(root / "transformers/models", "auto/modeling_auto.py"):
        for name, value in assignments(tree):
            if name == "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES":
                pairs = [[part.value for part in node.elts] for node in ast.walk(value)
                         if isinstance(node, ast.Tuple) and len(node.elts) == 2
                         and all(isinstance(part, ast.Constant) for part in node.elts)]
                if pairs:
                    return dict(pairs)
    sys.exit(f"{root}: MODEL_FOR_CAUSAL_LM_MAPPING_NAMES is not where it was")


def read_table(path):
    """The releases of a table: {release: {part: names}}, which releases it names as removed, and the classes of texts."""
    if not path.exists():
        return {}, {}, {}
    document = yaml.safe_load(path.read_text())
    releases = [str(release) for release in document["releases"]]
    table = {release: {part: set() for part in PARTS} for release in releases}
    for part in PARTS:
        for where, names in document[part].items():
            for span in str(where).split(","):
                first, _, last = span.partition("-")
                for index in range(int(first), int(last or first) + 1):
                    table[releases[index]][part].update(names)
    return table, {str(name): str(release) for name, release in document["left"].items()}, document["text"]


def listed(key, names):
    return [f"{key}:", *textwrap.wrap("[" + ", ".join(names) + "]", WIDTH, initial_indent="  ", subsequent_indent="   ")] if names else [f"{key}: []"]


def write_table(path, engine, table, left, text):
    releases = sorted(table, key=version_key)
    lines = ["# Generated from unpacked wheels by tests/engines/read_models.py, which says what is what; do not edit.",
             f"engine: {engine}", "releases: [" + ", ".join(releases) + "]", *listed("endings", ENDINGS[engine])]
    for part in PARTS:
        groups = {}
        for name in sorted(set().union(*(table[release][part] for release in releases))):
            groups.setdefault(ranges([i for i, release in enumerate(releases) if name in table[release][part]]), []).append(name)
        lines.append(f"{part}:" if groups else f"{part}: {{}}")
        lines += group_lines(groups)
    lines.append("text:" if text else "text: {}")
    lines += [f"  {scalar(name)}: {text[name]}" for name in sorted(text)]
    lines.append("left:" if left else "left: {}")
    lines += [f'  {name}: "{left[name]}"' for name in sorted(left)]
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=sorted(MODELS))
    parser.add_argument("--path", type=pathlib.Path, required=True)
    parser.add_argument("--transformers", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--output", type=pathlib.Path, help="default: the table of the repository")
    options = parser.parse_args()
    metadata = next(options.path.glob(f"{options.engine}-*.dist-info/METADATA"), None)
    version = metadata and re.search(r"^Version: (\S+)$", metadata.read_text(errors="replace"), re.M)
    if not version:
        sys.exit(f"{options.path} is no unpacked wheel of {options.engine}")
    package = options.path / options.engine
    own, left = MODELS[options.engine](package)
    if not own:
        sys.exit(f"{package}: no architecture is found; has the registry moved?")
    types, backend, text = own_types(package), set(), {}
    for root in options.transformers:
        read = library(root)
        types, backend = types | read[0], backend | read[1]
        text |= text_classes(root)
    path = options.output or ROOT / "quant/engines" / f"{options.engine}.models.yaml"
    table, left_before, text_before = read_table(path)
    nested = NESTED[options.engine](package) & own
    table[version[1]] = {"own": own, "backend": backend - own, "nested": nested, "types": types}
    write_table(path, options.engine, table, left_before | left, text_before | text)


if __name__ == "__main__":
    main()
