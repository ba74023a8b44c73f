"""Adds up JUnit files, STAGE.xml or STAGE-PART.xml: summary.py DIRECTORY [STAGE THAT FAILED...]. Prints what failed or
was skipped and, as the last line, "N passed, N failed, N skipped". A stage that failed without a failed test (a build,
the formatter) counts as one failure. Exit code 1 unless everything passed."""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree



def main(directory, broken):
    passed = 0
    failed = []
    skipped = collections.Counter()
    explained = set()  # stages with a failed test: their own failure is not another one
    for path in sorted(pathlib.Path(directory).glob("*.xml")):
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except ElementTree.ParseError as error:
            failed.append(f"{path.name} is not whole: {error}")
            continue
        for case in cases:
            reason = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{case.get('classname', '')}.{case.get('name')} ({path.stem})")
                explained.add(path.stem.split("-")[0])
            elif reason is not None or case.get("status") in ("notrun", "disabled"):
                why = case.get("status", "") if reason is None else reason.get("message", "")
                skipped[why.strip().split("\n")[-1].removeprefix("SKIPPED: ")] += 1
            else:
                passed += 1
    failed += [f"stage {stage}" for stage in broken if stage not in explained]
    for reason, count in skipped.items():
        print(f"SKIPPED: {count} test{'s'[:count - 1]}: {reason}")
    for what in failed:
        print(f"FAILED: {what}")
    print(f"{passed} passed, {len(failed)} failed, {sum(skipped.values())} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
