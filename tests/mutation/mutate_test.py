"""What mutate.py makes of a source file. Run with Debian's Python, which has the parser."""

import itertools
import pathlib
import subprocess

import pytest

pytest.importorskip("clang.cindex")

import mutate  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCE = """
#include <algorithm>
#include <string>
#include <vector>
#define LARGE(x) ((x) > 100)
constexpr int kMost = 4;
const int first = kMost + 1;
constexpr int Twice(int x) { return x * 2; }
template <int n> int Of() { return n; }
int Run(const std::vector<int>& values, const std::string& name) {
  int sum = 0;
  for (int value : values) {
    if (value < 0) continue;
    sum += std::min(value, kMost);
  }
  constexpr int kOne = 1, kTwo = 2;
  switch (sum) { case 3: return LARGE(sum) ? kOne : kTwo; }
  if (name.empty() && !values.empty()) sum = values[0] - Of<3>();
  return name == "a" ? sum : -sum;
}
"""


def rewritten(tmp_path, left_out=()):
    (tmp_path / "a.cpp").write_text(SOURCE)
    return mutate.Source(tmp_path, "a.cpp", ["-std=c++20"], itertools.count(1), left_out)


def test_finds_the_places(tmp_path):
    found = [(m.line, m.change) for m in rewritten(tmp_path).mutants]
    assert sorted(found) == sorted([
        (11, "0 to 1"),
        (13, "< to <="), (13, "< to >="), (13, "0 to 1"), (13, "continue removed"),
        (14, "statement removed"), (14, "+= to -="), (14, "std::min to std::max"), (14, "kMost + 1"), (14, "kMost - 1"),
        (17, "kOne + 1"), (17, "kOne - 1"), (17, "kTwo + 1"), (17, "kTwo - 1"),
        (18, "left side of && removed"), (18, "right side of && removed"), (18, "! removed"), (18, "- to +"),
        (18, "statement removed"),
        (19, "== to !="),
    ])


def test_leaves_out_lines(tmp_path):
    assert {m.line for m in rewritten(tmp_path, [(12, 14)]).mutants} == {11, 17, 18, 19}


def test_only_the_chosen_mutant_is_on(tmp_path):
    source = rewritten(tmp_path)
    main = """
#include <cstdio>
int main() {
  std::printf("%d %d %d", Run({-1, 0, 9}, "a"), Run({2, 3}, "b"), Run({7}, ""));
}
"""
    (tmp_path / "b.cpp").write_bytes(source.rewritten() + main.encode())
    subprocess.run(["c++", "-std=c++20", f"-I{ROOT}", tmp_path / "b.cpp", "-o", tmp_path / "b"], check=True)
    outputs = {}
    for mutant in [mutate.Mutant(0, "", 0, 0, "", "none"), *source.mutants]:
        environment = {"AUTOTUNE_MUTANT": str(mutant.number)}
        outputs[mutant.line, mutant.change] = subprocess.check_output([tmp_path / "b"], env=environment, text=True)
    assert outputs[0, "none"] == "4 -5 -4"
    assert outputs[11, "0 to 1"] == "5 -6 -4"
    assert outputs[14, "+= to -="] == "-4 5 -4"
    assert outputs[14, "kMost - 1"] == "2 -5 2"  # the sum is 3, which is a case
    assert outputs[18, "left side of && removed"] == "-4 1 -4"
