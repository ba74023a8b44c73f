#!/usr/bin/env python3
"""Reads from an engine's source which variables of the environment it reads; renews quant/engines/<engine>.variables.yaml.

    tests/engines/read_variables.py ENGINE --path DIR [DIR...]

DIR are unpacked wheels; nothing of them is run. A name counts as read by a release if it stands anywhere in the Python code
of that release: one too many warns of nothing. Names that end with an underscore stand for all that begin so, as code
that puts a name together has them.
"""

import argparse
import pathlib
import re
import sys

import yaml

from flag_catalogue import group_lines, ranges, version_key

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PREFIXES = {"vllm": ("VLLM",), "sglang": ("SGLANG", "SGL")}


def names_in(package, engine):
    pattern = re.compile(r"\b(?:" + "|".join(PREFIXES[engine]) + r")_[A-Z][A-Z0-9_]*\b")
    found = set()
    for path in package.glob("**/*.py"):
        found |= set(pattern.findall(path.read_text(encoding="utf-8-sig", errors="replace")))
    return found


def read_table(path):
    if not path.exists():
        return {}
    document = yaml.safe_load(path.read_text())
    releases = [str(release) for release in document["releases"]]
    table = {release: set() for release in releases}
    for where, names in document["read"].items():
        for span in str(where).split(","):
            first, _, last = span.partition("-")
            for index in range(int(first), int(last or first) + 1):
                table[releases[index]].update(names)
    return table


def write_table(path, engine, table):
    releases = sorted(table, key=version_key)
    known = set().union(*table.values())
    begins = {release: tuple(n for n in names if n.endswith("_") and n.count("_") > 1) for release, names in table.items()}
    lines = ["# Generated from unpacked wheels by tests/engines/read_variables.py, which says what is what; do not edit.",
             f"engine: {engine}", "releases: [" + ", ".join(releases) + "]", "read:"]
    groups = {}
    for name in sorted(known):
        reading = [i for i, r in enumerate(releases) if name in table[r] or name.startswith(begins[r])]
        groups.setdefault(ranges(reading), []).append(name)
    lines += group_lines(groups)
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=sorted(PREFIXES))
    parser.add_argument("--path", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--output", type=pathlib.Path, help="default: the table of the repository")
    options = parser.parse_args()
    path = options.output or ROOT / "quant/engines" / f"{options.engine}.variables.yaml"
    table = read_table(path)
    for root in options.path:
        metadata = next(root.glob(f"{options.engine}-*.dist-info/METADATA"), None)
        version = metadata and re.search(r"^Version: (\S+)$", metadata.read_text(errors="replace"), re.M)
        if not version:
            sys.exit(f"{root} is no unpacked wheel of {options.engine}")
        names = names_in(root / options.engine, options.engine)
        if not names:
            sys.exit(f"{root}: no variable is found; has the package moved?")
        table[version[1]] = names
    write_table(path, options.engine, table)


if __name__ == "__main__":
    main()
