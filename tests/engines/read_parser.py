#!/usr/bin/env python3
"""Reads the server's argument parser out of an installed vLLM or SGLang; writes JSON as in tests/engines/parsers/.

    python read_parser.py vllm   > tests/engines/parsers/vllm-0.24.0.json
    python read_parser.py sglang > tests/engines/parsers/sglang-0.5.15.json

Run it with the Python that has the engine: in the engine's image, or on any machine with its wheel (README.md beside
this file). No GPU is needed: the engine is told that the platform is CUDA, as it would find out on an NVIDIA GPU.

    --path DIR       look for the engine's packages in DIR first (an unpacked wheel)
    --stub NAME      replace a package that is not installed by an empty one. Only for packages that the parser takes no
                     values from: prove it by reading a release that is recorded already.
"""

import argparse
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import re
import sys
import types
import typing


class Stub(types.ModuleType):
    """A package that is not there: any name is a class that can be called, subclassed and used as a decorator."""

    __path__ = []
    __version__ = "0"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = StubMeta(name, (), {})
        setattr(self, name, value)
        return value


class StubMeta(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return StubMeta(name, (), {})

    def __call__(cls, *args, **kwargs):
        # As a decorator it leaves what it decorates as it is.
        return args[0] if len(args) == 1 and callable(args[0]) and not kwargs else type.__call__(cls)

    def __or__(cls, other):
        return typing.Any

    __ror__ = __or__


class StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path, target=None):
        if not any(name == stub or name.startswith(stub + ".") for stub in self.names):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


class CudaPlatform(importlib.abc.MetaPathFinder):
    """Makes vLLM detect what it would on a machine with an NVIDIA GPU: its parser differs by platform. The answer is
    asked for while vLLM is being imported, so it must be there as soon as vllm.platforms is."""

    def find_spec(self, name, path, target=None):
        if name != "vllm.platforms":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            detectors = module.builtin_platform_plugins
            for platform in detectors:
                detectors[platform] = lambda: None
            detectors["cuda"] = lambda: "vllm.platforms.cuda.CudaPlatform"

        spec.loader.exec_module = exec_module
        return spec


# "[DEPRECATED] ...", "Deprecated. Use --b instead.", "--a is deprecated and ...": of this flag, not of another one.
SAYS_DEPRECATED = re.compile(
    r"\A\W*(?:--\S+ is |\w+ \(--\S+\) is )?deprecated\b(?:.*?\b[Uu]se (?P<new>--[a-z0-9-]+(?:=\w+)?))?",
    re.IGNORECASE | re.DOTALL)


def deprecation(action):
    """What a flag's help says of its end, if its action has no class of its own for that."""
    if type(action).__name__.lstrip("_").startswith("Deprecated"):
        return None
    help_text = action.help if isinstance(action.help, str) else ""
    said = SAYS_DEPRECATED.match(help_text)
    # Python's own argument of add_argument, from 3.13 on.
    return said or (SAYS_DEPRECATED.match("deprecated") if getattr(action, "deprecated", False) else None)


def describe(action):
    if not action.option_strings:
        return {"positional": action.dest, "nargs": action.nargs}
    kind = action.type
    choices = action.choices
    if isinstance(choices, (set, frozenset)):
        choices = sorted(choices)  # a set has another order in every process
    # SGLang keeps flags that it dropped: some only warn, and some end the start with this message.
    refuses = {"refuses": True} if getattr(action, "error_message", None) else {}
    # What to use in place of a deprecated flag, in SGLang's words.
    new_flag = getattr(action, "new_flag", None)
    said = deprecation(action)
    replaced = {"deprecated": True} if said else {}
    if said and not new_flag:
        new_flag = said.group("new")
    if new_flag:
        replaced["new_flag"] = new_flag.rstrip(".")
    return {
        "flags": action.option_strings,
        "kind": type(action).__name__.lstrip("_"),
        "nargs": action.nargs,
        "type": None if kind is None else getattr(kind, "__name__", type(kind).__name__),
        "choices": None if choices is None else list(choices),
        "default": action.default,
        **refuses,
        **replaced,
    }


def find(name, *modules):
    for module in modules[:-1]:
        if importlib.util.find_spec(module.rpartition(".")[0]) and importlib.util.find_spec(module):
            return getattr(importlib.import_module(module), name)
    return getattr(importlib.import_module(modules[-1]), name)


def read_vllm():
    sys.meta_path.insert(0, CudaPlatform())
    from vllm.config import cache
    from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS

    # Newest place first.
    make_arg_parser = find("make_arg_parser", "vllm.entrypoints.common.cli_args", "vllm.entrypoints.openai.cli_args")
    flexible_parser = find("FlexibleArgumentParser", "vllm.utils.argparse_utils", "vllm.utils")
    declared = typing.get_args(getattr(cache, "CacheDType", None))
    return {
        "quantization_methods": list(QUANTIZATION_METHODS),
        "kv_cache_dtypes": list(declared) or None,
    }, make_arg_parser(flexible_parser())


def read_sglang():
    from sglang.srt.server_args import ServerArgs

    parser = argparse.ArgumentParser(prog="sglang.launch_server")
    ServerArgs.add_cli_args(parser)
    return {}, parser


def main():
    own = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    own.add_argument("engine", choices=["vllm", "sglang"])
    own.add_argument("--path", action="append", default=[], metavar="DIR")
    own.add_argument("--stub", action="append", default=[], metavar="NAME")
    options = own.parse_args()
    sys.path[:0] = options.path
    sys.meta_path.insert(0, StubFinder(options.stub))
    # Engines log to standard output while they are imported.
    output, sys.stdout = sys.stdout, sys.stderr
    sets, parser = read_vllm() if options.engine == "vllm" else read_sglang()
    document = {"engine": options.engine, "version": importlib.metadata.version(options.engine), **sets,
                "arguments": [describe(action) for action in parser._actions]}
    json.dump(document, output, default=str)


if __name__ == "__main__":
    main()
