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
_CONFIG_REGISTRY["kimi_k2"] = KimiConfig
_CONFIG_REGISTRY.update({"mellum": MellumConfig})
AutoConfig.register("zaya", ZayaConfig)
class KimiVLConfig(PretrainedConfig):
    model_type = "kimi_vl"
    def read(self, model_type="default"):
        if model_type in ("glm_moe_dsa", "glm4_moe_lite"):
            self.norm = self.get("norm_topk_prob")
"""
LOADER = """
def get_config(model):
    try:
        return AutoConfig.from_pretrained(model)
    except ValueError as error:
        if not "deepseek_v32" in str(error):
            raise error
        return load_as_another(model)
"""
LLAVA = """
class LlavaForConditionalGeneration(nn.Module):
    def __init__(self, vllm_config):
        self.language_model = init_vllm_registered_model(vllm_config=vllm_config, hf_config=config.text_config, prefix="")

class VideoForConditionalGeneration(LlavaForConditionalGeneration):
    pass

class GemmaForConditionalGeneration(nn.Module):
    def __init__(self, vllm_config):
        self.language_model = init_vllm_registered_model(hf_config=config.text_config, architectures=["Gemma3ForCausalLM"])
"""
CLASSES = 'MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = OrderedDict([("dots", "DotsForCausalLM")])\n'
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
        self.write("tf/transformers/models/auto/modeling_auto.py", CLASSES)
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
        types = {name for name in table["types"]["0"] if not name.startswith("t")}
        self.assertEqual(types, {"nemotron", "kimi_k2", "mellum", "zaya", "kimi_vl"})
        self.assertIn("t7", table["types"]["0"])

    def test_a_type_that_is_read_after_the_library_refused_it_counts(self):
        self.write("1.0.0/vllm/utils/hf.py", LOADER)
        self.assertEqual(self.run_program("1.0.0").returncode, 0)
        self.assertIn("deepseek_v32", self.table()["types"]["0"])

    def test_a_language_model_by_its_type_is_told_from_a_fixed_one(self):
        names = ("LlavaForConditionalGeneration", "VideoForConditionalGeneration", "GemmaForConditionalGeneration")
        self.engine("1.0.0", "_MULTIMODAL_MODELS = {" + ", ".join(f'"{name}": ("m", "{name}")' for name in names) + "}\n")
        self.write("1.0.0/vllm/model_executor/models/llava.py", LLAVA)
        self.assertEqual(self.run_program("1.0.0").returncode, 0)
        self.assertEqual(self.table()["nested"], {"0": list(names[:2])})
        self.assertEqual(self.table()["text"], {"dots": "DotsForCausalLM"})

    def test_a_class_that_holds_the_one_of_llava_runs_the_same_language_models(self):
        self.write("2.0.0/sglang/srt/models/llava.py", "class Llava(nn.Module):\n    def __init__(self):\n"
                   "        self._get_sgl_model_cls(config.text_config, AutoModelForCausalLM)\nEntryClass = [Llava]\n")
        self.write("2.0.0/sglang/srt/models/mistral.py", "class Mistral3:\n    def __init__(self):\n"
                   "        self.inner = Llava()\nEntryClass = [Mistral3]\n")
        self.write("2.0.0/sglang-2.0.0.dist-info/METADATA", "Name: sglang\nVersion: 2.0.0\n")
        self.assertEqual(self.run_program("2.0.0", "sglang").returncode, 0)
        self.assertEqual(self.table()["nested"], {"0": ["Llava", "Mistral3"]})

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
