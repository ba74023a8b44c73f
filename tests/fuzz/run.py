"""Runs the fuzz targets of a build for a while: run.py BUILD_DIRECTORY [JUNIT_FILE]. AUTOTUNE_FUZZ_SECONDS is each target's
time (60), AUTOTUNE_FUZZ_SEED the seed of its inputs (0: another one each time). Inputs that reach new code are kept in
BUILD_DIRECTORY/corpus and tried first the next time; one that finds a bug is named: add it to tests/fuzz/corpus/TARGET and fix
the bug."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = os.environ.get("AUTOTUNE_FUZZ_SEED", "0")
OPTIONS = [f"-seed={SEED}", "-rss_limit_mb=1024", "-timeout=10", "-max_len=65536", "-print_final_stats=1", "-verbosity=0"]
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


def run(build, name, seeds, seconds):
    grown = build / "corpus" / name
    grown.mkdir(parents=True, exist_ok=True)
    answer = subprocess.run([build / "bin" / f"fuzz_{name}", f"-max_total_time={seconds}", f"-artifact_prefix={build}/{name}-",
                             *OPTIONS, grown, *(ROOT / seed for seed in seeds)],
                            capture_output=True, text=True, errors="replace", env=ENVIRONMENT, timeout=seconds * 4 + 120)
    executed = re.search(r"number_of_executed_units: (\d+)", answer.stderr)
    return name, answer.returncode, int(executed[1]) if executed else 0, answer.stderr


def main(build, junit=None):
    build = pathlib.Path(build).resolve()
    seconds = int(os.environ.get("AUTOTUNE_FUZZ_SECONDS", "60"))
    targets = [line.split() for line in (build / "fuzz_targets.txt").read_text().splitlines()]
    suite = ElementTree.Element("testsuite", name="fuzz")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, code, executed, text in pool.map(lambda t: run(build, t[0], t[1:], seconds), targets):
            case = ElementTree.SubElement(suite, "testcase", classname="fuzz", name=name)
            # A target that ran nothing found nothing.
            if code != 0 or executed == 0:
                failed += 1
                print(text[-6000:])
                ElementTree.SubElement(case, "failure", message=f"exit code {code} after {executed} inputs")
            print(f"{name}: {executed} inputs, {'ok' if code == 0 else 'FAILED'}")
    if junit:
        ElementTree.ElementTree(suite).write(junit)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
