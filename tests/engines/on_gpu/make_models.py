"""Writes model directories without weights: make_models.py DIRECTORY

Each holds a config.json and a tokenizer, which is all that an engine needs with `--load-format dummy`: weights are made
up on the GPU, speed and memory are those of a real model of that shape. The tokenizer has one word per id ("w1234"), so
that every generated token is visible text and a prompt of n words is a prompt of n tokens.

  dense-8b   shape of Llama 3.1 8B, with a vocabulary of 32000
  dense-1b   the same with 16 layers of 2048: starts fast
  moe        shape of Qwen3-MoE: 16 layers, 64 experts, 8 active
  moe-small  8 layers, 32 experts: starts fast
  no-weights dense-1b, to be started without --load-format dummy
  too-big    a dense model whose bfloat16 weights (140 GB) fit on no GPU of today with 80 GB
"""

import json
import pathlib
import sys

VOCABULARY = 32000


def llama(layers, hidden, intermediate, heads, kv_heads):
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "hidden_size": hidden,
            "intermediate_size": intermediate, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": kv_heads, "vocab_size": VOCABULARY, "max_position_embeddings": 32768,
            "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "hidden_act": "silu", "tie_word_embeddings": False,
            "bos_token_id": 0, "eos_token_id": 1}


def qwen3_moe(layers, experts):
    return {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "torch_dtype": "bfloat16",
            "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_hidden_layers": layers,
            "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "num_experts": experts,
            "num_experts_per_tok": 8, "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": [],
            "vocab_size": VOCABULARY, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
            "hidden_act": "silu", "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 1}


MODELS = {"dense-8b": llama(32, 4096, 14336, 32, 8), "dense-1b": llama(16, 2048, 8192, 32, 8),
          "moe": qwen3_moe(16, 64), "moe-small": qwen3_moe(8, 32), "no-weights": llama(16, 2048, 8192, 32, 8),
          "too-big": llama(80, 8192, 28672, 64, 8)}


def write_tokenizer(directory):
    words = ["<s>", "</s>", "<unk>"] + [f"w{i}" for i in range(3, VOCABULARY)]
    special = [{"id": i, "content": words[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for i in range(3)]
    tokenizer = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
                 "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
                 "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)}, "unk_token": "<unk>"}}
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    (directory / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
         "model_max_length": 32768, "clean_up_tokenization_spaces": False}))


def main(root):
    for name, config in MODELS.items():
        directory = pathlib.Path(root) / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config, indent=1))
        (directory / "generation_config.json").write_text(json.dumps({"bos_token_id": 0, "eos_token_id": 1}))
        write_tokenizer(directory)


if __name__ == "__main__":
    main(sys.argv[1])
