"""clang-tidy on what changed: tidy.py BUILD_DIRECTORY. A file is checked again when it, a header of this repository that
it includes, or .clang-tidy changed since it was last found clean (remembered in ~/.cache/autotune/tidy)."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLEAN = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "autotune" / "tidy"
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def closure(path, seen):
    """The file and every header of this repository that it includes."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    for name in INCLUDE.findall(path.read_bytes()):
        name = name.decode()
        closure(ROOT / name, seen)
        closure(path.parent / name, seen)


def key(path, settings):
    seen = set()
    closure(path, seen)
    digest = hashlib.sha256(settings)
    for file in sorted(seen):
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def check(path, build):
    return subprocess.run(["clang-tidy-14", "--quiet", "-p", build, str(path)], capture_output=True, text=True)


def main(build):
    log = subprocess.run(["cmake", "--preset", "clang-tidy"], cwd=ROOT, capture_output=True, text=True)
    if log.returncode:
        print(log.stdout + log.stderr)
        return 1
    settings = (ROOT / ".clang-tidy").read_bytes()
    files = {ROOT / entry["file"] for entry in json.loads((ROOT / build / "compile_commands.json").read_text())}
    # Tests are formatted and compiled with the same warnings; GoogleTest's macros make most checks noise there.
    skipped = (ROOT / "tests", ROOT / "build")
    files = sorted(f for f in files if not any(f.is_relative_to(s) for s in skipped))
    keys = {file: key(file, settings) for file in files}
    todo = [file for file in files if not (CLEAN / keys[file]).exists()]
    print(f"clang-tidy: {len(todo)} of {len(files)} files changed since they were last found clean")
    CLEAN.mkdir(parents=True, exist_ok=True)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, result in zip(todo, pool.map(lambda f: check(f, str(ROOT / build)), todo)):
            if result.returncode:
                bad += 1
                print(result.stdout, end="")
            else:
                (CLEAN / keys[file]).touch()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
