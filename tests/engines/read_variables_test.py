"""read_variables.py on small engines: what counts as read, and by which releases."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

PROGRAM = pathlib.Path(__file__).with_name("read_variables.py")


class ReadVariables(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def engine(self, version, code):
        package = self.path / version / "vllm"
        package.mkdir(parents=True)
        (package / "envs.py").write_text(code)
        (self.path / version / f"vllm-{version}.dist-info").mkdir()
        (self.path / version / f"vllm-{version}.dist-info/METADATA").write_text(f"Name: vllm\nVersion: {version}\n")

    def run_program(self, *versions):
        return subprocess.run([sys.executable, PROGRAM, "vllm", "--output", self.path / "table.yaml", "--path",
                               *(self.path / version for version in versions)], capture_output=True, text=True)

    def read(self):
        return yaml.safe_load((self.path / "table.yaml").read_text())["read"]

    def test_a_release_adds_and_takes_away(self):
        self.engine("1.0.0", 'os.getenv("VLLM_OLD"); os.getenv("VLLM_BOTH")\n')
        self.engine("1.10.0", 'os.getenv("VLLM_BOTH"); os.getenv("VLLM_NEW")\n')
        self.assertEqual(self.run_program("1.10.0").returncode, 0)
        self.assertEqual(self.run_program("1.0.0").returncode, 0)
        self.assertEqual(self.read(), {"0": ["VLLM_OLD"], "0-1": ["VLLM_BOTH"], "1": ["VLLM_NEW"]})

    def test_a_name_that_is_put_together_is_read(self):
        self.engine("1.0.0", 'os.getenv("VLLM_SIZE_OF_A")\n')
        self.engine("1.1.0", 'os.getenv(f"VLLM_SIZE_OF_{part}")\n')
        self.assertEqual(self.run_program("1.0.0", "1.1.0").returncode, 0)
        self.assertIn("VLLM_SIZE_OF_A", self.read()["0-1"])

    def test_a_package_without_variables_changes_nothing(self):
        self.engine("1.0.0", "")
        self.assertIn("has the package moved?", self.run_program("1.0.0").stderr)
        self.assertFalse((self.path / "table.yaml").exists())


if __name__ == "__main__":
    unittest.main()
