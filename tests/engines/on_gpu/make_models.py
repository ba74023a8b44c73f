"""Writes model directories: make_models.py DIRECTORY [--weights MODEL [--texts TEXTS]]

Each holds a config.json and a tokenizer, which is all that an engine needs with `--load-format dummy`: weights are made
up on the GPU, speed and memory are those of a real model of that shape. The tokenizer has one word per id ("w1234"), so
that every generated token is visible text and a prompt of n words is a prompt of n tokens.

  dense-8b   shape of Llama 3.1 8B, with a vocabulary of 32000
  dense-1b   the same with 16 layers of 2048: starts fast
  moe        shape of Qwen3-MoE: 16 layers, 64 experts, 8 active
  moe-small  8 layers, 32 experts: starts fast
  no-weights dense-1b, to be started without --load-format dummy
  too-big    a dense model whose bfloat16 weights (140 GB) fit on no GPU of today with 80 GB

and dense-1b with what goes wrong with weights in practice: `wrong-shapes` (another model's), `lfs-pointer` (cloned without
git-lfs), `cut-off` (a download that stopped), and `unknown-architecture`.

--weights MODEL adds random weights to one of the first four (needs PyTorch and safetensors; N(0, 0.02), projections back
into the residual stream scaled down by sqrt(2 * layers) as GPT-2 does; norms 1). Answers are noise, but log-probabilities
differ between precisions as a trained model's do. To the tokenizer above, every word of an ordinary text is the same
unknown token. Where the likelihood of texts is compared, --texts gives the model a byte-level tokenizer of 32000 tokens that
is learned from the *.txt in TEXTS (needs tokenizers).
"""

import argparse
import json
import pathlib
import struct
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
          "too-big": llama(80, 8192, 28672, 64, 8), "wrong-shapes": llama(16, 2048, 8192, 32, 8),
          "lfs-pointer": llama(16, 2048, 8192, 32, 8), "cut-off": llama(16, 2048, 8192, 32, 8),
          "unknown-architecture": {**llama(16, 2048, 8192, 32, 8), "architectures": ["NovelForCausalLM"], "model_type": "novel"}}


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


def write_text_tokenizer(directory, texts):
    import make_corpus

    paths = sorted(texts.glob("*.txt"))
    if not paths:
        sys.exit(f"{texts} holds no *.txt")
    tokenizer = make_corpus.make_tokenizer((path.read_text(encoding="utf-8") for path in paths), VOCABULARY)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "model_max_length": 32768,
         "clean_up_tokenization_spaces": False}))


def safetensors_file(shapes):
    """A file of zeros in bfloat16: https://huggingface.co/docs/safetensors#format"""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def write_broken_weights(root):
    embedding = "model.embed_tokens.weight"
    (root / "wrong-shapes/model.safetensors").write_bytes(safetensors_file({embedding: [VOCABULARY, 1024]}))
    (root / "cut-off/model.safetensors").write_bytes(safetensors_file({embedding: [VOCABULARY, 2048]})[:-1_000_000])
    (root / "lfs-pointer/model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:1d51d8b22ef2e2b2a3e7b9c1fbb0f1e7d5a5cb1d3b0e2f6a9d8c7b6a5f4e3d2c\nsize 2471645608\n")


def tensors(config):
    """(name, shape, standard deviation; None for a norm) of a model's weights."""
    hidden, head = config["hidden_size"], config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    std = 0.02
    back = std / (2 * config["num_hidden_layers"]) ** 0.5
    yield "model.embed_tokens.weight", [config["vocab_size"], hidden], std
    yield "lm_head.weight", [config["vocab_size"], hidden], std
    yield "model.norm.weight", [hidden], None
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", [hidden], None
        yield at + "post_attention_layernorm.weight", [hidden], None
        for name, rows in [("q", queries), ("k", keys), ("v", keys)]:
            yield f"{at}self_attn.{name}_proj.weight", [rows, hidden], std
        yield at + "self_attn.o_proj.weight", [hidden, queries], back
        if "num_experts" in config:
            yield at + "self_attn.q_norm.weight", [head], None
            yield at + "self_attn.k_norm.weight", [head], None
            yield at + "mlp.gate.weight", [config["num_experts"], hidden], std
            blocks = [(f"{at}mlp.experts.{i}.", config["moe_intermediate_size"]) for i in range(config["num_experts"])]
        else:
            blocks = [(at + "mlp.", config["intermediate_size"])]
        for block, inner in blocks:
            yield block + "gate_proj.weight", [inner, hidden], std
            yield block + "up_proj.weight", [inner, hidden], std
            yield block + "down_proj.weight", [hidden, inner], back


def write_weights(directory):
    import safetensors.torch
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    random = torch.Generator(device).manual_seed(1)
    shard, size, count = {}, 0, 0

    def save():
        safetensors.torch.save_file(shard, directory / f"model-{count:05}.safetensors", {"format": "pt"})

    for name, shape, std in tensors(json.loads((directory / "config.json").read_text())):
        if std is None:
            shard[name] = torch.ones(shape, dtype=torch.bfloat16)
        else:
            shard[name] = (torch.randn(shape, generator=random, device=device) * std).to(torch.bfloat16).cpu()
        size += shard[name].numel() * 2
        if size > 4e9:
            save()
            shard, size, count = {}, 0, count + 1
    save()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--weights", choices=["dense-8b", "dense-1b", "moe", "moe-small"])
    parser.add_argument("--texts", type=pathlib.Path, help="a directory with *.txt, to learn the tokenizer of the model with weights from")
    options = parser.parse_args()
    if options.texts and not options.weights:
        parser.error("--texts needs --weights")
    for name, config in MODELS.items():
        directory = options.root / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config, indent=1))
        (directory / "generation_config.json").write_text(json.dumps({"bos_token_id": 0, "eos_token_id": 1}))
        write_tokenizer(directory)
    write_broken_weights(options.root)
    if options.texts:
        write_text_tokenizer(options.root / options.weights, options.texts)
    if options.weights:
        write_weights(options.root / options.weights)


if __name__ == "__main__":
    main()
