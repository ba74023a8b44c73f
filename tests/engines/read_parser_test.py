"""read_parser.py on a small engine that is laid out as SGLang is: what it writes, and what it does about missing packages."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).with_name("read_parser.py")
SERVER_ARGS = """
import argparse
import absent_kernels
from absent_kernels.ops import Kernel, compiled
print("engines talk while they are imported")

class Own(argparse.Action):
    pass

class Deprecated(argparse._StoreAction):
    def __init__(self, *arguments, new_flag, **named):
        super().__init__(*arguments, **named)
        self.new_flag = new_flag

class Fast(Kernel):
    @compiled
    def run(self): return 1

class ServerArgs:
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--tp-size", "--tp", type=int, default=Fast().run())
        parser.add_argument("--backend", choices={"b", "a"}, default={1})
        parser.add_argument("--on", action=argparse.BooleanOptionalAction)
        parser.add_argument("--lora", action=Own, nargs="*")
        parser.add_argument("model", nargs="?")
        parser.add_argument("--old", action=Deprecated, new_flag="--backend")
        parser.add_argument("--gone", help="[DEPRECATED] --gone has no effect. Use --on=now instead.")
        parser.add_argument("--going", help="going (--going) is deprecated because it is being removed.")
        parser.add_argument("--heir", help="Replaces the deprecated --gone.")
"""


class ReadParser(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        (self.path / "sglang/srt").mkdir(parents=True)
        (self.path / "sglang/srt/server_args.py").write_text(SERVER_ARGS)
        (self.path / "sglang-9.8.7.dist-info").mkdir()
        (self.path / "sglang-9.8.7.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: sglang\nVersion: 9.8.7\n")

    def run_program(self, *arguments):
        return subprocess.run([sys.executable, PROGRAM, "sglang", "--path", self.path, *arguments],
                              capture_output=True, text=True)

    def test_writes_the_recorded_format(self):
        ran = self.run_program("--stub", "absent_kernels")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        document = json.loads(ran.stdout)  # nothing but JSON on standard output
        self.assertEqual((document["engine"], document["version"]), ("sglang", "9.8.7"))
        self.assertEqual(document["arguments"][1:], [
            {"flags": ["--tp-size", "--tp"], "kind": "StoreAction", "nargs": None, "type": "int", "choices": None,
             "default": 1},
            {"flags": ["--backend"], "kind": "StoreAction", "nargs": None, "type": None, "choices": ["a", "b"],
             "default": "{1}"},
            {"flags": ["--on", "--no-on"], "kind": "BooleanOptionalAction", "nargs": 0, "type": None, "choices": None,
             "default": None},
            {"flags": ["--lora"], "kind": "Own", "nargs": "*", "type": None, "choices": None, "default": None},
            {"positional": "model", "nargs": "?"},
            {"flags": ["--old"], "kind": "Deprecated", "nargs": None, "type": None, "choices": None, "default": None,
             "new_flag": "--backend"},
            {"flags": ["--gone"], "kind": "StoreAction", "nargs": None, "type": None, "choices": None, "default": None,
             "deprecated": True, "new_flag": "--on=now"},
            {"flags": ["--going"], "kind": "StoreAction", "nargs": None, "type": None, "choices": None, "default": None,
             "deprecated": True},
            {"flags": ["--heir"], "kind": "StoreAction", "nargs": None, "type": None, "choices": None, "default": None},
        ])

    def test_names_a_package_that_is_missing(self):
        ran = self.run_program()
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("No module named 'absent_kernels'", ran.stderr)
        self.assertEqual(ran.stdout, "")


if __name__ == "__main__":
    unittest.main()
