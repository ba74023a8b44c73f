#!/usr/bin/env python3
"""Reads from an engine's source which values it refuses behind its argument parser; writes tests/engines/late_values/.

    tests/engines/read_late_values.py vllm --path DIR    DIR is an unpacked wheel; nothing of it is run

A flag is recorded when the release's recorded parser takes any text for it. Its values are read out of the definition
that the engine itself compares with (an enum, a registry, a Literal), and only together with the line that refuses what
is not among them: where either is not found the program fails, because then the engine has changed and someone has to
read it again. "case": "any" where the engine folds the text before it compares. "open" where a plug-in may add to the
list ("any" name, or the "path" of a class; "why" says how): such values are warned of and never refused.

Looked at and left out, because a start does not end there (checked in every recorded release):
    vllm --model-impl                 a text that is compared and never checked: what is not known runs as "vllm"
    vllm --safetensors-load-strategy  the same: what is not known loads as "lazy"
    vllm --sleep-mode-backend         asked for only when the engine is sent to sleep
    vllm --override-attention-dtype   compared on AMD GPUs only
    sglang --model-impl               compared and never checked
    sglang --radix-cache-backend      every name comes from a plug-in
    sglang --ep-dispatch-algorithm    (before argparse had its choices) compared while tokens are dispatched
    sglang --log-level                the web server refuses what it does not know, another package with its own releases
"""

import argparse
import ast
import dataclasses
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class List:
    flag: str
    of: tuple  # definitions, all of which count: (kind, name)
    refuses: str  # regular expression of the line that ends the start
    any_case: bool = False
    also: tuple = ()  # (value, regular expression): accepted where the expression is found
    open: str = ""
    why: str = ""


PLUGIN = "vllm.general_plugins of installed packages are loaded before the value is looked up"
LISTS = {
    "vllm": [
        List("--attention-backend", (("enum", "AttentionBackendEnum"),), r"AttentionBackendEnum\[\s*value\.upper\(\)", True,
             (("auto", r'config/attention\.py:.*value\.lower\(\) == "auto"'),)),
        List("--mm-encoder-attn-backend", (("enum", "AttentionBackendEnum"),),
             r"config/multimodal\.py:.*AttentionBackendEnum\[value\.upper\(\)\]", True),
        List("--mamba-backend", (("enum", "MambaBackendEnum"),), r"MambaBackendEnum\[value\.upper\(\)\]", True),
        List("--data-parallel-backend", (("literal", "DataParallelBackend"),),
             r"config/parallel\.py:\s+data_parallel_backend: DataParallelBackend"),
        List("--distributed-executor-backend", (("literal", "DistributedExecutorBackend"),),
             r"resolve_obj_by_qualname\(distributed_executor_backend\)", open="path", why="the path of an Executor class"),
        List("--load-format", (("keys", "_LOAD_FORMAT_TO_MODEL_LOADER"),), r"Load format `\{load_format\}` is not supported",
             True, open="any", why="register_model_loader; " + PLUGIN),
        List("--config-format", (("keys", "_CONFIG_FORMAT_TO_CONFIG_PARSER"),), r"Unknown config format `\{config_format\}`",
             also=(("auto", r'config_format == "auto"'),), open="any", why="register_config_parser; " + PLUGIN),
        List("--tokenizer-mode", (("keys", "_VLLM_TOKENIZERS"), ("literal", "TokenizerMode")), r"No tokenizer registered for",
             True, (("slow", r'tokenizer_mode == "slow"'), ("terratorch", r'tokenizer_mode = "terratorch"')), open="any",
             why="TokenizerRegistry.register; " + PLUGIN),
        List("--reasoning-parser", (("keys", "_REASONING_PARSERS_TO_REGISTER"),), r"invalid reasoning parser: ",
             also=(("none", r'"" if val\.lower\(\) == "none"'),), open="any",
             why="--reasoning-parser-plugin, ReasoningParserManager.register_module; " + PLUGIN),
        List("--tool-call-parser", (("keys", "_TOOL_PARSERS_TO_REGISTER"), ("decorator", "ToolParserManager.register_module")),
             r"invalid tool call parser: ", open="any",
             why="--tool-parser-plugin, ToolParserManager.register_module; read only with --enable-auto-tool-choice; " + PLUGIN),
    ],
    "sglang": [
        List("--speculative-algorithm", (("enum", "SpeculativeAlgorithm"), ("set", "_RESERVED_ALIASES")),
             r"Unknown speculative algorithm name: ", True, open="any", why="SpeculativeAlgorithm.register by a plug-in"),
        List("--speculative-draft-attention-backend", (("decorator", "register_attention_backend"),),
             r"Invalid attention backend: |Backend .* not supported", open="any", why="register_attention_backend by a plug-in"),
        List("--model-config-parser", (("decorator", "register_model_config_parser"),), r"Unknown model-config parser",
             also=(("auto", r'model_config_parser == "auto"'),), open="any", why="register_model_config_parser by a plug-in"),
    ],
}


class Source:
    """The Python files of an unpacked engine, without what only tests or measures it."""

    def __init__(self, folder, package):
        self.files = {}
        for path in sorted((folder / package).rglob("*.py")):
            name = path.relative_to(folder).as_posix()
            if not re.search(r"/(benchmarks?|tests?|test_utils|examples)/", name):
                self.files[name] = path.read_text(errors="replace")

    def find_line(self, pattern):
        """"file:line" of the first line that matches; the pattern sees "file:text"."""
        for name, text in self.files.items():
            for number, line in enumerate(text.splitlines(), 1):
                if re.search(pattern, f"{name}:{line}"):
                    return f"{name}:{number}"
        return None

    def trees(self, word):
        for name, text in self.files.items():
            if word in text:
                yield name, ast.parse(text)

    def values(self, kind, wanted):
        """The values of a definition, and "file:line" of every place that gives some."""
        values, places = [], []
        for name, tree in self.trees(wanted.rpartition(".")[2]):
            for node in ast.walk(tree):
                found = READERS[kind](node, wanted)
                if found is not None:
                    values += found
                    places.append(f"{name}:{node.lineno}")
        if kind != "decorator" and len(places) > 1:
            sys.exit(f"{wanted} is defined more than once: {', '.join(places)}")
        return values, places


def texts(node):
    items = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def assigned(node, wanted):
    if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == wanted for t in node.targets):
        return node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == wanted:
        return node.value
    return None


def read_enum(node, wanted):
    if not isinstance(node, ast.ClassDef) or node.name != wanted:
        return None
    return [target.id for line in node.body if isinstance(line, ast.Assign) for target in line.targets
            if isinstance(target, ast.Name) and not target.id.startswith("_")]


def read_keys(node, wanted):
    value = assigned(node, wanted)
    if not isinstance(value, ast.Dict) or not value.keys:
        return None
    if not all(isinstance(key, ast.Constant) for key in value.keys):
        sys.exit(f"{wanted} has keys that are not written out")
    return [key.value for key in value.keys]


def read_literal(node, wanted):
    value = assigned(node, wanted)
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) and value.value.id == "Literal":
        return texts(value.slice)
    return None


def read_set(node, wanted):
    value = assigned(node, wanted)
    if isinstance(value, ast.Call) and value.args:
        value = value.args[0]
    return texts(value) if isinstance(value, ast.Set) else None


def read_decorator(node, wanted):
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return None
    found = []
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == wanted:
            for argument in [*decorator.args, *(k.value for k in decorator.keywords if k.arg == "name")]:
                found += texts(argument)
    return found or None


READERS = {"enum": read_enum, "keys": read_keys, "literal": read_literal, "set": read_set, "decorator": read_decorator}


def read(wanted, source):
    values, places = [], []
    for kind, name in wanted.of:
        some, where = source.values(kind, name)
        if not some and kind != "decorator":
            sys.exit(f"{wanted.flag}: no definition of {name}; read the source again")
        values += some
        places += where
    if not values:
        sys.exit(f"{wanted.flag}: nothing is registered with {wanted.of[0][1]}; read the source again")
    check = source.find_line(wanted.refuses)
    if check is None:
        sys.exit(f"{wanted.flag}: no line {wanted.refuses}; read the source again")
    values += [value for value, proof in wanted.also if source.find_line(proof)]
    values = list(dict.fromkeys(values))
    row = {"values": values, "source": ", ".join(dict.fromkeys(places)), "refuses": check}
    if wanted.any_case:
        row["case"] = "any"
    if wanted.open:
        row["open"] = wanted.open
        row["why"] = wanted.why
    return row


def main():
    own = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    own.add_argument("engine", choices=sorted(LISTS))
    own.add_argument("--path", type=pathlib.Path, required=True, metavar="DIR")
    own.add_argument("--parsers", type=pathlib.Path, default=ROOT / "parsers", metavar="DIR", help="the recorded parsers")
    own.add_argument("--out", type=pathlib.Path, default=ROOT / "late_values", metavar="DIR")
    options = own.parse_args()
    metadata = next(options.path.glob(f"{options.engine}-*.dist-info/METADATA")).read_text()
    version = re.search(r"^Version: (\S+)", metadata, re.MULTILINE)[1]
    name = f"{options.engine}-{version}.json"
    parser = json.loads((options.parsers / name).read_text())
    free = {flag for argument in parser["arguments"] if argument.get("flags") and argument["choices"] is None
            for flag in argument["flags"]}
    source = Source(options.path, options.engine)
    flags = {wanted.flag: read(wanted, source) for wanted in LISTS[options.engine] if wanted.flag in free}
    document = {"engine": options.engine, "version": version, "flags": flags}
    (options.out / name).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
