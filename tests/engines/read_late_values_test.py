"""read_late_values.py on a small engine that is laid out as SGLang is: what it records, and what it does about an engine that
has changed."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).with_name("read_late_values.py")
ALGORITHMS = """
class SpeculativeAlgorithm(Enum):
    \"\"\"Names.\"\"\"
    _ignore_ = []
    EAGLE = auto()
    NONE = auto()

    def find(name):
        upper = name.upper()
        raise ValueError(f"Unknown speculative algorithm name: {name}")
"""
REGISTRY = '_RESERVED_ALIASES = frozenset({"NEXTN"})\n'
BACKENDS = """
@register_attention_backend("triton")
def triton(runner): pass

@register_attention_backend("fa3")
@other("x")
class Flash: pass

raise ValueError("Invalid attention backend: x")
"""
ARGUMENTS = [{"flags": ["--speculative-algorithm"], "choices": None},
             {"flags": ["--speculative-draft-attention-backend"], "choices": None},
             {"flags": ["--model-config-parser"], "choices": ["hf"]}, {"positional": "model"}]


class ReadLateValues(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.write("sglang/spec_info.py", ALGORITHMS)
        self.write("sglang/registry.py", REGISTRY)
        self.write("sglang/backends.py", BACKENDS)
        self.write("sglang/tests/backends.py", '@register_attention_backend("only-a-test")\nclass Test: pass\n')
        self.write("sglang-9.8.7.dist-info/METADATA", "Metadata-Version: 2.1\nName: sglang\nVersion: 9.8.7\n")
        self.write("sglang-9.8.7.json", json.dumps({"arguments": ARGUMENTS}))

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_program(self):
        out = self.path / "out"
        out.mkdir(exist_ok=True)
        return subprocess.run([sys.executable, PROGRAM, "sglang", "--path", self.path, "--parsers", self.path, "--out", out],
                              capture_output=True, text=True)

    def test_records_values_with_their_lines(self):
        ran = self.run_program()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        document = json.loads((self.path / "out/sglang-9.8.7.json").read_text())
        self.assertEqual((document["engine"], document["version"]), ("sglang", "9.8.7"))
        flags = document["flags"]
        # A flag with choices of its own is the parser's.
        self.assertEqual(list(flags), ["--speculative-algorithm", "--speculative-draft-attention-backend"])
        algorithm = flags["--speculative-algorithm"]
        self.assertEqual(algorithm["values"], ["EAGLE", "NONE", "NEXTN"])
        self.assertEqual((algorithm["case"], algorithm["open"]), ("any", "any"))
        self.assertEqual(algorithm["source"], "sglang/spec_info.py:2, sglang/registry.py:1")
        self.assertEqual(algorithm["refuses"], "sglang/spec_info.py:10")
        self.assertEqual(flags["--speculative-draft-attention-backend"]["values"], ["triton", "fa3"])

    def test_fails_where_nothing_refuses(self):
        self.write("sglang/spec_info.py", ALGORITHMS.replace("Unknown", "New"))
        ran = self.run_program()
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("--speculative-algorithm: no line Unknown", ran.stderr)

    def test_fails_where_a_part_of_the_list_is_gone(self):
        self.write("sglang/registry.py", "")
        ran = self.run_program()
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("_RESERVED_ALIASES", ran.stderr)

    def test_fails_where_a_definition_is_not_the_only_one(self):
        self.write("sglang/other.py", REGISTRY)
        ran = self.run_program()
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("more than once: sglang/other.py:1, sglang/registry.py:1", ran.stderr)


if __name__ == "__main__":
    unittest.main()
