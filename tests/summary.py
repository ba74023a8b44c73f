"""Adds up JUnit files: summary.py DIRECTORY [STAGE THAT FAILED...]. Prints what failed or was skipped and, as the last
line, "N passed, N failed, N skipped". A stage that failed without a failed test (a build, the formatter) counts as one
failure. Exit code 1 unless everything passed."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main(directory, broken):
    passed = failed = skipped = 0
    failing_files = set()
    for path in sorted(pathlib.Path(directory).glob("*.xml")):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"{case.get('classname', '')}.{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                failing_files.add(path.name)
                print(f"FAILED: {name} ({path.stem})")
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                skipped += 1
                reason = case.find("skipped")
                print(f"SKIPPED: {name}: {'' if reason is None else reason.get('message', '')}")
            else:
                passed += 1
    stages_with_failing_tests = {"unit": "unit-release.xml", "cluster": "cluster.xml", "asan": "unit-asan-ubsan.xml",
                                 "tsan": "unit-tsan.xml"}
    for stage in broken:
        if stages_with_failing_tests.get(stage) not in failing_files:
            failed += 1
            print(f"FAILED: stage {stage}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
