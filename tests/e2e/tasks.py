"""Small AutotuneTasks for the end-to-end tests: as users write them, with little load so that a test takes seconds."""

import copy

LLAMA_8B = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
    "vocab_size": 128256, "max_position_embeddings": 131072,
}


def task(name, engine="vllm", image="vllm/vllm-openai:v0.24.0", env=None, **spec):
    """One runtime, presets default and kv-cache-fp8, one short load step. `env` reaches the simulated engine."""
    runtime = {"name": engine, "engine": engine, "image": image}
    if env:
        runtime["env"] = [{"name": key, "value": str(value)} for key, value in env.items()]
    return {
        "apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask", "metadata": {"name": name},
        "spec": {
            "model": {"idOrPath": "meta-llama/Llama-3.1-8B-Instruct", "facts": copy.deepcopy(LLAMA_8B)},
            "runtimes": [runtime],
            "quantConfig": {"presets": ["default", "kv-cache-fp8"]},
            # All of them, in order: which ones an adaptive search tries depends on how long each request took.
            "optimization": {"strategy": "Grid", "retries": 0},
            "benchmark": {"scenarios": ["D(64,16)"], "load": {"concurrency": [4]}, "duration": "2s", "warmup": "2s"},
            # A baseline reads 900,000 tokens of text, which takes the simulated GPU 40 s.
            "quality": {"measure": "Off"},
            **spec,
        },
    }


def checkpoint(name, id_or_path, **quantization_config):
    """An entry of spec.models: Llama 3.1 8B, quantized by somebody where there is a quantization_config."""
    facts = copy.deepcopy(LLAMA_8B)
    if quantization_config:
        facts["quantization_config"] = quantization_config
    return {"name": name, "idOrPath": id_or_path, "facts": facts}


def over(found):
    """The task has come to its end for the spec that it has now."""
    status = found.get("status", {})
    return status.get("observedGeneration") == found["metadata"]["generation"] and \
        status.get("state") in ("Complete", "Failed")
