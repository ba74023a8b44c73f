#!/usr/bin/python3
"""Mutation testing: changes the code in one place at a time and looks whether a test fails. README.md has the figures.

  run.py [--share S] [--again] [--results FILE.xml] [ROOM | FILE.cpp | clean]...

Without arguments it mutates all rooms, which takes hours; `clean` is the clean files.

--share   mutates a share of the places, chosen by a fixed seed (1: all)
--again   runs only the mutants that the last run did not kill

All mutants are compiled into one copy of the repository, build/mutation, each behind a switch (mutant.h): one build,
and a process for each mutant. Each test is run once to see which mutants it evaluates; a mutant meets only these tests,
until the first fails, and at most MOST_SECONDS of them: what only whole searches notice counts as not noticed, because
nobody would find the cause.

The files of allowed.yaml are clean: exit code 1 if a mutant of one of them survives without an explanation there, or if
one is explained that does not survive. Of the other files the survivors are listed.

Mull would do the same on LLVM's bitcode, but Debian does not have it.
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import math
import os
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import yaml

import mutate

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TREE = ROOT / "build" / "mutation"
BUILD = TREE / "build" / "release"
# The files with decisions in them. The readers of questions and answers are tested by corpora.
ROOMS = {
    "tuning": (["tuning/*.cpp", "tuning/search/*.cpp"], ["tuning_test", "search_test"]),
    "measurement": (["measurement/arrival_gaps.cpp", "measurement/batches.cpp", "measurement/drift.cpp",
                     "measurement/excess.cpp", "measurement/latency.cpp", "measurement/limit_interval.cpp",
                     "measurement/load_search.cpp", "measurement/lockstep.cpp", "measurement/point.cpp",
                     "measurement/pooled_errors.cpp", "measurement/predicted_load.cpp",
                     "measurement/queue_growth.cpp", "measurement/measured_latencies.cpp", "measurement/slo.cpp",
                     "measurement/standing_queue.cpp", "measurement/statistics.cpp", "measurement/window.cpp"],
                    ["measurement_test", "search_test"]),
    "quant": (["quant/*.cpp"], ["quant_test"]),
}
NUMBERS_A_FILE = 4000
SEED = 1
MEMORY = 4 << 30
# Seconds of processor time, of each test in a process of its own: of the quick tests, which run first, and of all tests
# of a mutant. Together in one process they take a fraction of it.
FIRST_SECONDS = 2
MOST_SECONDS = 20


def run_program(program, flags, environment, seconds=None):
    """(exit status, output, seconds of processor time). An endless loop ends after `seconds`, with a signal."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if seconds:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen([BUILD / "bin" / program, *flags], cwd=TREE, stdout=output, stderr=output,
                                   preexec_fn=limit, env={**os.environ, **environment})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return process.returncode, output.read(), used.ru_utime + used.ru_stime


def copy_sources():
    """Files that did not change keep their time."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, check=True)
    for name in filter(None, listed.stdout.split(b"\0")):
        source, target = ROOT / name.decode(), TREE / name.decode()
        if source.is_file():
            write(target, source.read_bytes())
            target.chmod(source.stat().st_mode)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def rewrite(job):
    path, first, left_out = job
    arguments = ["-std=c++20", f"-I{ROOT}", "-I/usr/include/eigen3", '-DAUTOTUNE_VERSION="0"', "-DEIGEN_DONT_VECTORIZE",
                 "-DEIGEN_DONT_PARALLELIZE"]
    source = mutate.Source(ROOT, path, arguments, itertools.count(first), left_out)
    if len(source.mutants) >= NUMBERS_A_FILE:
        raise RuntimeError(f"{path}: more than {NUMBERS_A_FILE} mutants")
    return source.rewritten(), source.mutants


def build(files, rooms, pool):
    """Compiles the copy. Places that do not compile are left out: mostly constants that must be constant."""
    for room in rooms:
        for lists in (TREE / room).rglob("CMakeLists.txt"):
            original = (ROOT / lists.relative_to(TREE)).read_bytes()
            write(lists, b"add_compile_options(-w -fmax-errors=0)\n" + original)
    left_out = collections.defaultdict(list)
    todo = dict.fromkeys(files)
    mutants = {}
    while True:
        jobs = [(path, 1 + files.index(path) * NUMBERS_A_FILE, left_out[path]) for path in todo]
        for job, (text, found) in zip(jobs, pool.map(rewrite, jobs)):
            write(TREE / job[0], text)
            mutants[job[0]] = found
        if not (BUILD / "build.ninja").exists():
            subprocess.run(["cmake", "--preset", "release"], cwd=TREE, check=True, stdout=subprocess.DEVNULL)
        programs = sorted({program for room in rooms for program in ROOMS[room][1]})
        done = subprocess.run(["cmake", "--build", BUILD, "--target", *programs, "--", "-k", "0"], cwd=TREE,
                              capture_output=True, text=True)
        if done.returncode == 0:
            return [m for path in files for m in mutants[path]]
        todo = {}
        log = done.stdout + done.stderr
        for name, line in sorted(set(re.findall(r"^(\S+\.cpp):(\d+):\d+: +(?:required from|error)", log, re.M))):
            path = next((f for f in files if name.endswith(f)), None)
            ranges = {(m.line, m.last_line) for m in mutants.get(path, ()) if m.line <= int(line) <= m.last_line}
            if ranges:
                shortest = min(b - a for a, b in ranges)
                left_out[path] += [(a, b) for a, b in ranges if b - a == shortest]
                todo[path] = None
        if not todo:
            print(log[-8000:])
            sys.exit("the copy with the mutants does not compile")
        print("left out, because they do not compile:", ", ".join(
            f"{path} lines {sorted({a for a, _ in left_out[path]})}" for path in todo), flush=True)


class Test:
    def __init__(self, program, name):
        self.program, self.name, self.seconds, self.reached = program, name, 0.0, set()


def tests_of(program):
    listed = subprocess.run([BUILD / "bin" / program, "--gtest_list_tests"], cwd=TREE, capture_output=True, text=True,
                            check=True)
    suite = ""
    for line in listed.stdout.splitlines():
        line = line.split("#")[0].rstrip()
        if line and not line.startswith(" "):
            suite = line
        elif line:
            yield Test(program, suite + line.strip())


def trace(test):
    reached = TREE / "reached" / f"{test.program}-{test.name.replace('/', '-')}"
    status, output, test.seconds = run_program(test.program, [f"--gtest_filter={test.name}"],
                                               {"AUTOTUNE_MUTANTS_REACHED": str(reached)})
    if status:
        sys.exit(f"{test.program} {test.name} fails without a mutant:\n{output[-2000:]}")
    test.reached = set(map(int, reached.read_text().split()))


def killer(mutant, tests):
    """A test that fails with the mutant, or None."""
    tests = sorted(tests, key=lambda t: t.seconds)
    spent = list(itertools.accumulate(t.seconds for t in tests))
    quick = sum(s <= FIRST_SECONDS for s in spent)
    most = max(1, sum(s <= MOST_SECONDS for s in spent))
    for part in (tests[:quick], tests[quick:most]):
        for program in sorted({t.program for t in part}):
            chosen = [t for t in part if t.program == program]
            names = ":".join(t.name for t in chosen)
            flags = TREE / "reached" / f"{mutant.number}.flags"
            flags.write_text(f"--gtest_fail_fast\n--gtest_brief=1\n--gtest_filter={names}\n")
            status, output, _ = run_program(program, [f"--gtest_flagfile={flags}"],
                                            {"AUTOTUNE_MUTANT": str(mutant.number)},
                                            3 + 4 * math.ceil(sum(t.seconds for t in chosen)))
            flags.unlink()
            if status:
                failed = re.search(r"\[  FAILED  \] ([\w./]+)", output)
                return f"{program}: {failed.group(1) if failed else f'exit code {status}'}"
    return None


def key(mutant):
    return f"{mutant.file} | {mutant.text} | {mutant.change}"


def allowed():
    """The clean files, and (file, line, change) -> why. Without changes: all of the line."""
    files = yaml.safe_load((pathlib.Path(__file__).parent / "allowed.yaml").read_text())
    return set(files), {(file, place["line"], change): place["why"] for file, places in files.items()
                        for place in places for change in place.get("changes", [None])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=list(ROOMS))
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--results")
    options = parser.parse_args()

    chosen = {}
    for room, (patterns, _) in ROOMS.items():
        for path in sorted(p for pattern in patterns for p in ROOT.glob(pattern)):
            name = str(path.relative_to(ROOT))
            if room in options.what or name in options.what or "clean" in options.what and name in allowed()[0]:
                chosen[name] = room
    if not chosen:
        parser.error(f"no such room or file: {' '.join(options.what)}; rooms: {' '.join(ROOMS)}, clean")
    files = list(chosen)
    rooms = [room for room in ROOMS if room in chosen.values()]
    workers = os.cpu_count()
    begin = time.monotonic()
    copy_sources()
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        mutants = build(files, rooms, pool)
    print(f"{len(mutants)} mutants in {len(files)} files, compiled in {time.monotonic() - begin:.0f} s", flush=True)

    (TREE / "reached").mkdir(exist_ok=True)
    tests = [t for program in sorted({p for room in rooms for p in ROOMS[room][1]}) for t in tests_of(program)]
    reaching = collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(trace, tests))
    for test in tests:
        for number in test.reached:
            reaching[number].append(test)
    print(f"{len(tests)} tests traced, {sum(t.seconds for t in tests):.0f} s of tests", flush=True)

    last = TREE / "last.json"
    killed_before = set()
    if options.again and last.exists():
        killed_before = {tuple(k) for k in json.loads(last.read_text())}
    occurrence = collections.Counter()
    identity = {}
    for mutant in mutants:
        occurrence[key(mutant)] += 1
        identity[mutant.number] = (key(mutant), occurrence[key(mutant)])
    sampled = random.Random(SEED).sample(mutants, round(options.share * len(mutants)))
    sampled.sort(key=lambda m: m.number)

    outcome = {m.number: "killed" for m in sampled if identity[m.number] in killed_before}
    todo = [m for m in sampled if m.number not in outcome]
    at = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = pool.map(lambda m: killer(m, reaching[m.number]) if reaching[m.number] else "", todo)
        for n, (mutant, by) in enumerate(zip(todo, results), 1):
            outcome[mutant.number] = "survived" if by is None else "killed" if by else "not reached"
            if by is None or by == "":
                print(f"{mutant.file}:{mutant.line}: {outcome[mutant.number]}: {mutant.change}", flush=True)
            if n % 200 == 0:
                print(f"{n} of {len(todo)} mutants after {time.monotonic() - at:.0f} s", flush=True)
    if options.share == 1:
        last.write_text(json.dumps(sorted(identity[n] for n, what in outcome.items() if what == "killed")))
    return report(sampled, outcome, files, options)


def report(mutants, outcome, files, options):
    clean, explained = allowed()
    used = set()
    survivors = collections.defaultdict(list)
    counts = collections.defaultdict(collections.Counter)
    for mutant in mutants:
        what = outcome[mutant.number]
        counts[mutant.file][what] += 1
        if what == "killed":
            continue
        entry = next((e for change in (mutant.change, None)
                      if (e := (mutant.file, mutant.text, change)) in explained), None)
        if entry:
            used.add(entry)
            counts[mutant.file]["explained"] += 1
        else:
            survivors[mutant.file].append(f"{mutant.file}:{mutant.line}: {what}: {mutant.change}: {mutant.text}")
    if options.share == 1:
        for entry in explained:
            if entry[0] in files and entry not in used:
                survivors[entry[0]].append(
                    f"{entry[0]}: allowed.yaml explains what does not survive: {entry[2] or 'all'}: {entry[1]}")
    for path in files:
        for line in survivors[path]:
            print(("" if path in clean else "(not clean yet) ") + line)
    print(f"\n{'file':40} {'mutants':>8} {'killed':>8} {'survived':>9} {'not reached':>12} {'explained':>10}")
    total = collections.Counter()
    for path in files:
        total.update(counts[path])
        print(row(path, counts[path]), "clean" if path in clean else "")
    print(row("all", total))
    wrong = [path for path in files if path in clean and survivors[path]]
    if options.results:
        suite = ElementTree.Element("testsuite", name="mutation")
        for path in (path for path in files if path in clean):
            case = ElementTree.SubElement(suite, "testcase", classname="mutation", name=path)
            if path in wrong:
                failure = ElementTree.SubElement(case, "failure", message=f"{len(survivors[path])} mutants")
                failure.text = "\n".join(survivors[path])
        ElementTree.ElementTree(suite).write(options.results)
    return 1 if wrong else 0


def row(name, count):
    mutants = count["killed"] + count["survived"] + count["not reached"]
    return (f"{name:40} {mutants:8} {count['killed']:8} {count['survived']:9} {count['not reached']:12} "
            f"{count['explained']:10}")


if __name__ == "__main__":
    sys.exit(main())
