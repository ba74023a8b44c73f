#!/usr/bin/env python3
"""Turns the recorded argument parsers into the flag catalogues of quant/.

    tests/engines/flag_catalogue.py           writes quant/engines/<engine>.flags.yaml
    tests/engines/flag_catalogue.py --check   fails when a catalogue is not what the parsers give

A catalogue lists every flag once, with one row for each shape that it has had. `in` counts the releases in the order
of `releases`; how releases in between are judged is quant/engine_table.h's business.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PARSERS = ROOT / "tests" / "engines" / "parsers"
LATE_VALUES = ROOT / "tests" / "engines" / "late_values"
TABLES = ROOT / "quant" / "engines"

# The Python callables that the parsers use as `type`, by what texts they accept. "_optional_type" wraps another type
# that the recording does not show, so nothing is promised for it; what is not listed here accepts any text.
TYPES = {
    "int": "int",
    "float": "float",
    "human_readable_int": "size",
    "human_readable_int_or_auto": "size-or-auto",
    "loads": "json",
    "_parse_type": "json",  # of vLLM, which wraps json.loads only
    "json_list_type": "json",
    "parse_dataclass": "json",
}
ARITY = {None: "one", 0: "none", "?": "optional", "+": "some", "*": "any"}
WIDTH = 120


def version_key(text):
    match = re.match(r"(\d+)\.(\d+)\.(\d+)(?:\.post(\d+))?$", text)
    return tuple(int(part or 0) for part in match.groups())


def shape(argument, document):
    """The part of an argparse argument that decides how it is written and what it accepts."""
    flags = list(argument["flags"])
    row = {}
    arity = ARITY[argument["nargs"]]
    if argument["kind"] == "AppendAction":
        arity = "repeated"
    if arity == "none":
        row["is"] = "switch"
        if argument["kind"] in ("BooleanOptionalAction", "EnableDisableAction"):
            # The first spelling switches on. The off form is its opposite, whatever prefix the release uses.
            name = flags[0]
            bare = re.sub(r"^--(no-|enable-|disable-)?", "", name)
            off = [f for f in flags[1:] if re.sub(r"^--(no-)?(enable-|disable-)?", "", f) == bare]
            row["off"] = off[0]
            if argument["kind"] == "EnableDisableAction" and name.startswith(("--enable-", "--disable-")):
                row["hidden"] = "--no-" + name[2:]  # accepted, but neither in the help nor in the recorded spellings
            flags = [f for f in flags if f != off[0]]
    else:
        row["is"] = TYPES.get(argument["type"], "text")
        if arity != "one":
            row["takes"] = arity
    choices = argument["choices"]
    if choices is not None and argument["type"] == "<lambda>":
        row["is"] = "folded"  # lower case, dashes as underscores, then compared
    if flags[0] == "--quantization" and "quantization_methods" in document:
        choices = document["quantization_methods"]  # refused later than argparse, but refused
    if flags[0] == "--kv-cache-dtype" and choices is None and document.get("kv_cache_dtypes"):
        choices = document["kv_cache_dtypes"]
    late = next((document["late"][flag] for flag in flags if flag in document["late"]), None)
    if late is not None:
        choices = late["values"] + ([None] if argument["type"] == "_optional_type" else [])
    if choices is not None:
        row["of"] = ["None" if choice is None else choice for choice in choices]
    if late is not None:
        row |= {key: late[key] for key in ("case", "open") if key in late}
    row["alias"] = flags
    if argument.get("refuses"):
        row["state"] = "removed"  # the flag is only there to say so
    elif argument["kind"].startswith("Deprecated") or argument.get("deprecated"):
        row["state"] = "deprecated"
        if "new_flag" in argument:
            row["new"] = argument["new_flag"]
    return row


def ranges(indices):
    """[0, 1, 2, 5] -> "0-2,5"."""
    parts = []
    for index in indices:
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def scalar(value):
    """One YAML scalar of a flow collection; quoted unless it can be nothing but a word or a number."""
    text = str(value)
    if re.fullmatch(r"-{0,2}[A-Za-z][A-Za-z0-9_.-]*|[0-9]+", text) and text.lower() not in (
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "none"):
        return text
    return json.dumps(text)


def group_lines(groups):
    """{"0-2,5": ["a", "b"]} as lines of YAML: one list for each range of releases."""
    lines = []
    for where in sorted(groups, key=lambda text: [[int(n) for n in span.split("-")] for span in text.split(",")]):
        lines.append(f'  "{where}":')
        line = "    ["
        for name in groups[where]:
            word = scalar(name) + ", "
            if len(line) + len(word) > WIDTH:
                lines.append(line.rstrip())
                line = "     "
            line += word
        lines.append(line[:-2] + "]")
    return lines


def flow(row):
    parts = []
    for key, value in row.items():
        if isinstance(value, list):
            parts.append(f"{key}: [{', '.join(scalar(item) for item in value)}]")
        else:
            parts.append(f"{key}: {scalar(value)}")
    return "{" + ", ".join(parts) + "}"


def settings(documents):
    """Groups the spellings of all releases: those that one release makes one flag are one setting. Its name is the
    first long spelling of the newest release that has it. Off forms stay out: an off form of one release has been a
    flag of its own in another."""
    group = {}
    for document in documents:
        for row in document["rows"]:
            spellings = [flag for flag in row["alias"] if flag.startswith("--")]
            joined = set(spellings).union(*(group.get(flag, ()) for flag in spellings))
            for flag in joined:
                group[flag] = joined
    names = {}
    for document in documents:
        for row in document["rows"]:
            for flag in group[row["alias"][0]]:
                names[flag] = row["alias"][0].lstrip("-")
    return names


def catalogue(engine):
    documents = [json.loads(path.read_text()) for path in PARSERS.glob(f"{engine}-*.json")]
    documents.sort(key=lambda document: version_key(document["version"]))
    for document in documents:
        document["late"] = json.loads((LATE_VALUES / f"{engine}-{document['version']}.json").read_text())["flags"]
        document["rows"] = [shape(argument, document) for argument in document["arguments"]
                            if "flags" in argument and argument["kind"] != "HelpAction"]
    names = settings(documents)
    rows = {}
    for index, document in enumerate(documents):
        for row in document["rows"]:
            spellings = row.pop("alias")
            name = names[spellings[0]]
            if "--" + name in spellings:
                spellings.remove("--" + name)
            else:
                row["as"] = spellings.pop(0)  # what this release calls it
            if spellings:
                row["alias"] = sorted(spellings)
            variants = rows.setdefault(name, [])
            for known, indices in variants:
                if known == row:
                    indices.append(index)
                    break
            else:
                variants.append((row, [index]))
    lines = [f"# Generated from tests/engines/{{parsers,late_values}}/{engine}-*.json by tests/engines/flag_catalogue.py; do not "
             "edit.",
             f"engine: {engine}",
             "releases: [" + ", ".join(document["version"] for document in documents) + "]",
             "flags:"]
    for name in sorted(rows):
        variants = rows[name]
        lines.append(f"  {name}:")
        for row, indices in variants:
            lines.append("    - " + flow({"in": ranges(indices), **row}))
    return "\n".join(lines) + "\n"


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for engine in ("vllm", "sglang"):
        path = TABLES / f"{engine}.flags.yaml"
        text = catalogue(engine)
        if check:
            if not path.exists() or path.read_text() != text:
                stale.append(str(path.relative_to(ROOT)))
        else:
            path.write_text(text)
    if stale:
        sys.exit(f"not current: {', '.join(stale)}; run tests/engines/flag_catalogue.py")


if __name__ == "__main__":
    main()
