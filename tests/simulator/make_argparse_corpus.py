#!/usr/bin/env python3
"""Writes argparse_corpus.json: command lines and what Python's own argparse makes of them.

Builds an ArgumentParser from each recorded parser (tests/engines/parsers) and feeds it fixed and random command lines.
The C++ replay (simulator/argparse.h) has to agree with every row. Conversions that need the engine's own classes are
left out of the random lines. Run with CPython 3.11 or 3.12.0-3.12.7 (later ones print choices differently):

    tests/simulator/make_argparse_corpus.py > tests/simulator/argparse_corpus.json
"""

import argparse
import json
import pathlib
import random
import re

HERE = pathlib.Path(__file__).resolve().parent
PARSERS = HERE.parent / "engines" / "parsers"


class Refused(Exception):
    pass


class Recorded(argparse.ArgumentParser):
    def error(self, message):
        raise Refused(message)


def human_readable_int(value):
    value = value.strip()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgGtT])", value)
    if match is None:
        return int(value)
    number, suffix = match.groups()
    power = "kmgt".index(suffix.lower()) + 1
    if suffix.islower():
        return int(float(number) * 1000**power)
    if "." in number:
        raise argparse.ArgumentTypeError(
            f"Decimals are not allowed with binary suffixes like {suffix}. "
            f"Did you mean to use {number}{suffix.lower()} instead?"
        )
    return int(number) * 1024**power


def human_readable_int_or_auto(value):
    return -1 if value.strip() in ("-1", "auto") else human_readable_int(value)


CONVERSIONS = {
    None: None,
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "loads": json.loads,
    "human_readable_int": human_readable_int,
    "human_readable_int_or_auto": human_readable_int_or_auto,
    "_optional_type": str,
    "nullable_str": str,
}


class Note(argparse.Action):
    """Keeps what was given, under the argument's key, in the form that the C++ test compares."""

    def __init__(self, option_strings, dest, recorded=None, **kwargs):
        self.recorded = recorded
        super().__init__(option_strings, dest, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None):
        record = self.recorded
        flags = record.get("flags")
        key = record["positional"] if flags is None else next((f for f in flags if f.startswith("--")), flags[0])
        key = key.removeprefix("--")
        if self.nargs == 0:
            on = True
            if record["kind"] == "BooleanOptionalAction":
                on = not option_string.startswith("--no-")
            if record["kind"] == "EnableDisableAction":
                on = option_string == flags[0] or not option_string.startswith("--")
            namespace.given[key] = on
            return
        texts = parser.last_texts.pop(0)
        if flags is None and values is None:
            return
        if values is None or values == []:
            namespace.given[key] = True
            return
        if record.get("kind") == "AppendAction":
            texts = namespace.given.get(key, []) + texts
        namespace.given[key] = texts


def build(document):
    parser = Recorded(prog="x", add_help=False)
    parser.last_texts = []
    original = parser._get_values

    def get_values(action, arg_strings):
        if action.nargs != 0:
            parser.last_texts.append([s for s in arg_strings if s != "--"])
        return original(action, arg_strings)

    parser._get_values = get_values
    for record in document["arguments"]:
        if "positional" in record:
            parser.add_argument(record["positional"], nargs=record["nargs"], action=Note, recorded=record)
            continue
        if record["kind"] == "HelpAction":
            continue
        extra = {}
        if record["nargs"] != 0:
            extra["type"] = CONVERSIONS.get(record["type"], str)
            extra["choices"] = record["choices"]
        parser.add_argument(
            *record["flags"],
            action=Note,
            nargs=record["nargs"],
            recorded=record,
            dest=record["flags"][0].lstrip("-").replace("-", "_"),
            required=document["engine"] == "sglang" and "--model-path" in record["flags"],
            default=argparse.SUPPRESS,
            **extra,
        )
    return parser


def outcome(parser, argv):
    namespace = argparse.Namespace(given={})
    parser.last_texts.clear()
    try:
        namespace, extras = parser.parse_known_args(argv, namespace)
    except Refused as refused:
        return {"kind": "error", "message": str(refused)}
    if extras:
        return {"kind": "unrecognized", "message": " ".join(extras)}
    return {"kind": "ok", "message": "", "given": namespace.given}


FIXED = {
    "vllm": [
        ["m", "--kv-cache-dtype", "fp16"],
        ["m", "--kv-cache-dtype=fp8"],
        ["m", "--kv-cache", "fp8"],
        ["m", "--tensor-parallel-size", "two"],
        ["m", "-tp", "2", "-q", "fp8"],
        ["m", "-tp=2"],
        ["m", "-qfp8"],
        ["m", "-t", "2"],
        ["m", "-d", "2"],
        ["m", "--no-such-flag", "1"],
        ["m", "--swap-space", "4"],
        ["m", "n"],
        ["--port", "1", "m"],
        ["--port", "1", "m", "--seed", "3", "n"],
        ["m", "--enable-prefix-caching=true"],
        ["m", "--enable-prefix-caching", "true"],
        ["m", "--no-enable-prefix-caching"],
        ["m", "--disable-prefix-caching"],
        ["m", "--max-model-len", "16k"],
        ["m", "--max-model-len", "1.5K"],
        ["m", "--max-model-len", "auto"],
        ["m", "--max-model-len", "-1"],
        ["m", "--max-num-batched-tokens", "x"],
        ["m", "--gpu-memory-utilization", "high"],
        ["m", "--gpu-memory-utilization", ".5"],
        ["m", "--port"],
        ["m", "--served-model-name"],
        ["m", "--served-model-name", "a", "b"],
        ["m", "--port", "--seed"],
        ["m", "--max", "3"],
        ["m", "--middleware", "a", "--middleware", "b"],
        ["m", "--port", "-5"],
        ["m", "--", "--port"],
        ["m", "--dtype", "it's"],
        ["m", "--enable-expert-parallel", "-ep"],
        ["m", "--disable-log-stats"],
        ["m", "x y", "--port", "3"],
        ["m", "-x y"],
        ["m", ""],
        ["-"],
        [],
    ],
    "sglang": [
        ["--model-path", "m", "--kv-cache-dtype", "fp8"],
        ["--model", "m", "--tp", "2"],
        ["--model", "m", "--dp", "2"],
        ["--model-path", "m", "--kv_cache_dtype", "fp8_e4m3"],
        ["--model-path", "m", "--quantization", "int8"],
        ["--model-path", "m", "--no-such-flag", "1"],
        ["--model-path", "m", "--mem-fraction", "0.8"],
        ["--model-path", "m", "--mem-fraction-static", "most"],
        ["--model-path", "m", "--cuda-graph-max-bs", "8"],
        ["--model-path", "m", "--cuda-graph-bs", "1", "2", "x"],
        ["--model-path", "m", "--log-requests-level", "7"],
        ["--model-path", "m", "--log-requests-level", "2"],
        ["--model-path", "m", "--lora-target-modules", "q_proj", "nope"],
        ["--model-path", "m", "--enable-mixed-chunk", "true"],
        ["--model-path", "m", "--enable-mixed-chunk=true"],
        ["--model-path", "m", "--preferred-sampling-params", "{"],
        ["--model-path", "m", "--chunked-prefill-size", "-1"],
        ["--tp-size", "2"],
        ["--model-path"],
        ["m"],
        [],
    ],
}


def random_line(rng, document):
    usable = [r for r in document["arguments"] if "flags" in r and r["kind"] != "HelpAction" and r["type"] in CONVERSIONS]
    values = ["1", "0.5", "auto", "fp8", "x", "-3", "16k", "2.5K", "{}", '{"a": 1}', "true", "None", "1_000", "e5", "a b", "it's"]
    argv = ["m"] if document["engine"] == "vllm" else ["--model-path", "m"]
    for _ in range(rng.randint(1, 4)):
        record = rng.choice(usable)
        flag = rng.choice(record["flags"])
        roll = rng.random()
        if roll < 0.15 and len(flag) > 6:
            flag = flag[: rng.randint(5, len(flag) - 1)]
        elif roll < 0.2:
            flag = flag.replace("-", "_").replace("__", "--")
        if record["nargs"] == 0:
            argv.append(flag if rng.random() < 0.8 else flag + "=" + rng.choice(values))
            continue
        value = rng.choice(record["choices"]) if record["choices"] and rng.random() < 0.7 else rng.choice(values)
        if rng.random() < 0.3:
            argv.append(f"{flag}={value}")
        else:
            argv += [flag, str(value)]
            if rng.random() < 0.15:
                argv.append(rng.choice(values))
    return argv


def main():
    rng = random.Random(20261122)
    rows = []
    for path in sorted(PARSERS.glob("*.json")):
        document = json.loads(path.read_text())
        parser = build(document)
        lines = FIXED[document["engine"]] + [random_line(rng, document) for _ in range(60)]
        for argv in lines:
            rows.append({"engine": document["engine"], "version": document["version"], "argv": argv, **outcome(parser, argv)})
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows) + "\n]")


if __name__ == "__main__":
    main()
