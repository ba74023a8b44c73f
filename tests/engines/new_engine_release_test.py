"""scripts/new-engine-release on a small engine: what it writes, and what it leaves alone when something is wrong."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER_ARGS = """
class ServerArgs:
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--a-new-flag", choices=["x", "y"])
"""


class NewEngineRelease(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = pathlib.Path(folder.name) / "repository"
        for part in ("scripts", "tests/engines/parsers", "tests/engines/late_values", "quant/engines"):
            shutil.copytree(ROOT / part, self.copy / part)
        for program in (ROOT / "tests/engines").glob("*.py"):
            shutil.copy(program, self.copy / "tests/engines")
        self.wheel = pathlib.Path(folder.name) / "wheel"
        (self.wheel / "sglang/srt").mkdir(parents=True)
        (self.wheel / "sglang/srt/server_args.py").write_text(SERVER_ARGS)
        (self.wheel / "sglang/srt/environ.py").write_text('SWITCH = "SGLANG_A_SWITCH"\n')
        (self.wheel / "sglang/srt/models").mkdir()
        (self.wheel / "sglang/srt/models/zaya.py").write_text("EntryClass = ZayaForCausalLM\n")
        self.library = pathlib.Path(folder.name) / "library"
        (self.library / "transformers/models/auto").mkdir(parents=True)
        types = ", ".join(f'("t{n}", "C{n}")' for n in range(150))
        (self.library / "transformers/models/auto/configuration_auto.py").write_text(f"CONFIG_MAPPING_NAMES = [{types}]\n")
        (self.library / "transformers/models/auto/modeling_auto.py").write_text(
            'MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = [("llama", "LlamaForCausalLM")]\n')
        (self.wheel / "sglang-9.8.7.dist-info").mkdir()
        (self.wheel / "sglang-9.8.7.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: sglang\nVersion: 9.8.7\n")

    def run_program(self, *arguments):
        return subprocess.run([self.copy / "scripts/new-engine-release", "--wheel", self.wheel, "--transformers", self.library,
                               "--no-build", *arguments],
                              capture_output=True, text=True)

    def test_records_the_release_and_renews_the_catalogue(self):
        ran = self.run_program("sglang", "9.8.7")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        recorded = json.loads((self.copy / "tests/engines/parsers/sglang-9.8.7.json").read_text())
        self.assertEqual(recorded["arguments"][1]["choices"], ["x", "y"])
        self.assertEqual(json.loads((self.copy / "tests/engines/late_values/sglang-9.8.7.json").read_text())["flags"], {})
        catalogue = (self.copy / "quant/engines/sglang.flags.yaml").read_text()
        self.assertIn("9.8.7]", catalogue)
        self.assertIn("a-new-flag:", catalogue)
        models = (self.copy / "quant/engines/sglang.models.yaml").read_text()
        self.assertIn("9.8.7]", models)
        self.assertIn("SGLANG_A_SWITCH", (self.copy / "quant/engines/sglang.variables.yaml").read_text())

    def test_a_wheel_of_another_version_changes_nothing(self):
        before = (self.copy / "quant/engines/sglang.flags.yaml").read_text()
        ran = self.run_program("sglang", "9.8.8")
        self.assertEqual(ran.returncode, 1)
        self.assertIn('has version "9.8.7" of sglang, not 9.8.8', ran.stderr)
        self.assertFalse((self.copy / "tests/engines/parsers/sglang-9.8.8.json").exists())
        self.assertEqual((self.copy / "quant/engines/sglang.flags.yaml").read_text(), before)

    def test_a_recording_is_never_overwritten(self):
        self.assertEqual(self.run_program("sglang", "9.8.7").returncode, 0)
        self.assertIn("a recording is never edited", self.run_program("sglang", "9.8.7").stderr)

    def test_engines_without_a_parser_are_refused_by_name(self):
        self.assertIn("tensorrt-llm.yaml", self.run_program("tensorrt-llm", "1.2.0").stderr)
        self.assertIn('"llama" is not one of vllm, sglang', self.run_program("llama", "1").stderr)


if __name__ == "__main__":
    unittest.main()
