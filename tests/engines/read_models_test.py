"""read_models.py on small engines that are laid out as vLLM, SGLang and the transformers library are: what gets into the table,
and what happens to what stands there."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

PROGRAM = pathlib.Path(__file__).with_name("read_models.py")
REGISTRY = """
_TEXT_GENERATION_MODELS = {"LlamaForCausalLM": ("llama", "LlamaForCausalLM")}
_OOT_SUPPORTED_MODELS = {"BartModel": "a plug-in"}
_PREVIOUSLY_SUPPORTED_MODELS = {"DotsForCausalLM": "0.23.0"}
"""
CONFIG = """
_CONFIG_REGISTRY = LazyConfigDict(nemotron="NemotronConfig")
if config.model_type == "kimi_vl": pass
"""
TYPES = "CONFIG_MAPPING_NAMES = OrderedDict([" + ", ".join(f'("t{n}", "C{n}")' for n in range(150)) + "])\n"
MODELING = """
class DotsPreTrainedModel(PreTrainedModel):
    _supports_attention_backend = True

class DotsForCausalLM(
    DotsPreTrainedModel,
    GenerationMixin,
):
    pass

class OldForCausalLM(PreTrainedModel):
    _supports_attention_backend = False

class DotsModel(DotsPreTrainedModel):
    pass
"""


class ReadModels(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.write("tf/transformers/models/auto/configuration_auto.py", TYPES)
        self.write("tf/transformers/models/dots/modeling_dots.py", MODELING)
        self.engine("1.0.0", REGISTRY)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def engine(self, version, registry):
        self.write(f"{version}/vllm/model_executor/models/registry.py", registry)
        self.write(f"{version}/vllm/transformers_utils/config.py", CONFIG)
        self.write(f"{version}/vllm-{version}.dist-info/METADATA", f"Name: vllm\nVersion: {version}\n")

    def run_program(self, version, engine="vllm"):
        return subprocess.run([sys.executable, PROGRAM, engine, "--path", self.path / version, "--transformers", self.path / "tf",
                               "--output", self.path / "table.yaml"], capture_output=True, text=True)

    def table(self):
        return yaml.safe_load((self.path / "table.yaml").read_text())

    def test_a_release_is_read(self):
        ran = self.run_program("1.0.0")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        table = self.table()
        self.assertEqual(table["releases"], ["1.0.0"])
        self.assertEqual(table["own"], {"0": ["LlamaForCausalLM"]})
        self.assertEqual(table["backend"], {"0": ["DotsForCausalLM"]})
        self.assertEqual(table["left"], {"DotsForCausalLM": "0.23.0"})
        for name in ("t7", "nemotron", "kimi_vl"):
            self.assertIn(name, table["types"]["0"])

    def test_a_second_release_leaves_the_first_as_it_is(self):
        self.run_program("1.0.0")
        self.engine("1.1.0", REGISTRY.replace("Llama", "Zaya"))
        self.run_program("1.1.0")
        self.assertEqual(self.table()["releases"], ["1.0.0", "1.1.0"])
        self.assertEqual(self.table()["own"], {"0": ["LlamaForCausalLM"], "1": ["ZayaForCausalLM"]})
        self.assertEqual(list(self.table()["types"]), ["0-1"])

    def test_a_registry_that_moved_changes_nothing(self):
        self.run_program("1.0.0")
        before = self.table()
        self.engine("1.1.0", "")
        self.assertIn("has the registry moved?", self.run_program("1.1.0").stderr)
        self.assertEqual(self.table(), before)

    def test_entry_classes_are_the_models_of_sglang(self):
        self.write("2.0.0/sglang/srt/models/llama.py", "EntryClass = [LlamaForCausalLM, Phi3ForCausalLM]\n")
        self.write("2.0.0/sglang-2.0.0.dist-info/METADATA", "Name: sglang\nVersion: 2.0.0\n")
        self.assertEqual(self.run_program("2.0.0", "sglang").returncode, 0)
        self.assertEqual(self.table()["own"], {"0": ["LlamaForCausalLM", "Phi3ForCausalLM"]})


if __name__ == "__main__":
    unittest.main()
