"""What precisions cost, by autotune-bench's probe and by the engine's offline interface over many more tokens.

    quality_truth.py train --out MODEL [--texts DIR] [--minutes 6]
    quality_truth.py random --out DIR
    quality_truth.py measure --engine vllm|sglang --bin DIR --model MODEL --out FILE --port N [--held-out FILE] [--chunk N]

`train` makes a Llama of 222M parameters out of the texts under DIR (default: the engine's own site-packages, the only text that a
machine without a network is sure to have) and writes what it has not seen to MODEL/held-out.jsonl. `random` writes two
models with random weights at ordinary scale, DIR/llama and DIR/latent (DeepSeek's attention): which documents read the KV
cache. `measure` starts the engine once per precision, runs the probe as an experiment does, and with --held-out asks the
offline interface for every token of it; a line each: the change of perplexity against bfloat16 with its 95 % interval,
whether the truth is inside, the probe's seconds, and how many of the 32 blocks read the cache.

Needs one GPU and the engine's own Python (PyTorch, transformers, tokenizers, safetensors); nothing else, and no network.
"""

import argparse
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

BLOCKS, BLOCK_BYTES, NLL_UNIT = 32, 9, 1e-7
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
T975 = {31: 2.0395}
PRECISIONS = {
    "bfloat16": {"vllm": [], "sglang": []},
    "bfloat16 again": {"vllm": [], "sglang": []},
    "fp8 KV cache": {"vllm": ["--kv-cache-dtype", "fp8"], "sglang": ["--kv-cache-dtype", "fp8_e4m3"]},
    "e5m2 KV cache": {"vllm": ["--kv-cache-dtype", "fp8_e5m2"], "sglang": ["--kv-cache-dtype", "fp8_e5m2"]},
    "fp8 weights": {"vllm": ["--quantization", "fp8"], "sglang": ["--quantization", "fp8"]},
    "float16": {"vllm": ["--dtype", "float16"], "sglang": ["--dtype", "float16"]},
}
SERVE = {"vllm": ["vllm", "serve", "{model}", "--host", "127.0.0.1", "--port", "{port}", "--gpu-memory-utilization", "0.5"],
         "sglang": ["python3", "-m", "sglang.launch_server", "--model-path", "{model}", "--host", "127.0.0.1", "--port", "{port}",
                    "--mem-fraction-static", "0.5"]}
CHUNK = {"vllm": "--max-num-batched-tokens", "sglang": "--chunked-prefill-size"}


# ---- models ----------------------------------------------------------------------------------------------------------

def byte_tokenizer(directory):
    """256 tokens and two special ones: any text is some tokens, and no merges have to be learnt."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]  # GPT-2's alphabet for bytes
    letters = {byte: chr(byte) for byte in printable}
    letters |= {byte: chr(256 + i) for i, byte in enumerate(b for b in range(256) if b not in letters)}
    vocabulary = {"<s>": 0, "</s>": 1} | {letters[byte]: 2 + byte for byte in range(256)}
    special = [{"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for i, text in enumerate(("<s>", "</s>"))]
    (directory / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "post_processor": None, "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary, "merges": []}}))
    write_tokenizer_config(directory)


def write_tokenizer_config(directory):
    (directory / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "model_max_length": 65536,
         "clean_up_tokenization_spaces": False}))


def write_random(options):
    import torch
    from transformers import DeepseekV3Config, DeepseekV3ForCausalLM, LlamaConfig, LlamaForCausalLM

    common = {"vocab_size": 320, "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 8,
              "max_position_embeddings": 65536, "initializer_range": 0.02, "bos_token_id": 0, "eos_token_id": 1,
              "tie_word_embeddings": False}
    latent = DeepseekV3Config(num_attention_heads=16, num_key_value_heads=16, kv_lora_rank=512, q_lora_rank=None,
                              qk_rope_head_dim=64, qk_nope_head_dim=128, v_head_dim=128, first_k_dense_replace=8,
                              n_routed_experts=8, n_group=1, topk_group=1, num_experts_per_tok=2, **common)
    llama = LlamaConfig(num_attention_heads=16, num_key_value_heads=4, head_dim=64, **common)
    for name, make, config in (("latent", DeepseekV3ForCausalLM, latent), ("llama", LlamaForCausalLM, llama)):
        directory = options.out / name
        directory.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(1)
        make(config).to(torch.bfloat16).save_pretrained(directory)
        byte_tokenizer(directory)


def read_texts(root, limit):
    """Natural text and code, deterministic, until there is enough of it. Every 40th file is held out."""
    files = sorted(path for kind in ("*.py", "*.md", "*.rst", "*.txt") for path in root.rglob(kind) if path.is_file())
    random.Random(1).shuffle(files)
    seen, held, size = [], [], 0
    for i, path in enumerate(files):
        text = path.read_text(errors="ignore")
        if not 500 < len(text) < 200_000:
            continue
        (held if i % 40 == 0 else seen).append(text)
        size += len(text)
        if size > limit:
            break
    return seen, held


def train(options):
    import tokenizers
    import torch
    from tokenizers import decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM

    options.out.mkdir(parents=True, exist_ok=True)
    root = options.texts or pathlib.Path(torch.__file__).parents[1]
    seen, held = read_texts(root, 300_000_000)
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(seen[:4000], trainers.BpeTrainer(
        vocab_size=32000, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.save(str(options.out / "tokenizer.json"))
    write_tokenizer_config(options.out)
    stream = [token for text in tokenizer.encode_batch(seen) for token in [0, *text.ids]]
    data = torch.tensor(stream, dtype=torch.int32)
    print(f"{len(seen)} files, {len(data) / 1e6:.0f}M tokens; {len(held)} held out", flush=True)

    config = LlamaConfig(vocab_size=32000, hidden_size=1024, intermediate_size=2816, num_hidden_layers=12, num_attention_heads=16,
                         num_key_value_heads=4, max_position_embeddings=4096, rope_theta=500000.0, bos_token_id=0, eos_token_id=1,
                         tie_word_embeddings=False)
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).cuda()
    step_model = torch.compile(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    length, batch = 4096, 8  # the context is as long: what is beyond it was never trained
    end, step, start = options.minutes * 60, 0, time.monotonic()
    while (spent := time.monotonic() - start) < end:
        at = torch.randint(0, len(data) - length, (batch,))
        tokens = torch.stack([data[i:i + length] for i in at]).long().cuda()
        for group in optimizer.param_groups:
            group["lr"] = 6e-4 * min(1, (step + 1) / 200) * (0.1 + 0.9 * (1 - spent / end))
        with torch.autocast("cuda", torch.bfloat16):
            loss = step_model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0:
            print(f"{spent:5.0f} s, step {step}: {loss.item():.3f}", flush=True)
        step += 1
    model.to(torch.bfloat16).save_pretrained(options.out)
    rows, total = [], 0
    for text in held:
        ids = tokenizer.encode(text).ids
        for begin in range(0, len(ids) - 200, length - 2):
            rows.append([0, *ids[begin:begin + length - 2]])
            total += len(rows[-1]) - 1
        if total > options.held_out_tokens:
            break
    (options.out / "held-out.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    print(f"{step} steps, {step * batch * length / 1e6:.0f}M tokens; {total} tokens held out", flush=True)


# ---- the truth: the offline interface, in a process of its own per precision -------------------------------------------

def offline(options):
    rows = [json.loads(line) for line in options.held_out.read_text().splitlines()]
    flags = dict(zip([flag.lstrip("-").replace("-", "_") for flag in options.flags[::2]], options.flags[1::2], strict=True))
    if options.engine == "vllm":
        from vllm import LLM, SamplingParams
        engine = LLM(model=str(options.model), gpu_memory_utilization=0.5, **flags)
        answers = engine.generate([{"prompt_token_ids": row} for row in rows], SamplingParams(max_tokens=1, prompt_logprobs=0))
        values = [[place[token].logprob for token, place in zip(row[1:], answer.prompt_logprobs[1:], strict=True)]
                  for row, answer in zip(rows, answers, strict=True)]
    else:
        import sglang
        engine = sglang.Engine(model_path=str(options.model), mem_fraction_static=0.5, **flags)
        values = []
        for begin in range(0, len(rows), 16):
            part = rows[begin:begin + 16]
            answers = engine.generate(input_ids=part, sampling_params={"max_new_tokens": 1, "temperature": 0}, return_logprob=True,
                                      logprob_start_len=0)
            values += [[place[0] for place in answer["meta_info"]["input_token_logprobs"][1:]] for answer in answers]
    options.out.write_text(json.dumps(values))


def truth(options, flags, directory):
    out = pathlib.Path(directory) / "offline.json"
    command = [sys.executable, __file__, "offline", "--engine", options.engine, "--model", str(options.model), "--held-out",
               str(options.held_out), "--out", str(out), "--", *flags]
    with options.out.with_suffix(".offline.log").open("a") as log:
        # vLLM 0.24.0 was seen to abort at the interpreter's exit, after everything was answered and written.
        subprocess.run(command, stdout=log, stderr=log, check=False)
    return json.loads(out.read_text())


# ---- the probe -----------------------------------------------------------------------------------------------------------

def number(text):
    value = 0
    for letter in text:
        value = value << 6 | DIGITS.index(letter)
    return value


def read_blocks(text):
    """[(kind, nll, hash)], as measurement/quality.h writes them."""
    return [(text[i], number(text[i + 1:i + 6]) * NLL_UNIT, text[i + 6:i + BLOCK_BYTES]) for i in range(0, len(text), BLOCK_BYTES)]


def probe(options, flags, directory):
    """What an experiment's bench measures of quality, and in how many seconds."""
    command = [part.format(model=options.model, port=options.port) for part in SERVE[options.engine]] + flags
    if options.chunk:
        command += [CHUNK[options.engine], str(options.chunk)]
    log = options.out.with_suffix(".engine.log").open("a")
    launcher = subprocess.Popen([options.bin / "autotune-launch", "run", "--dir", directory, "--port", str(options.port), "--health-path",
                                 "/health", "--startup-timeout", "600", "--", *command], stdout=log, stderr=log)
    try:
        while subprocess.run([options.bin / "autotune-launch", "ready", "--dir", directory], capture_output=True).returncode:
            if launcher.poll() is not None:
                raise RuntimeError(f"the engine ended with {launcher.returncode}")
            time.sleep(0.5)
        spec = {"scenarios": ["D(64,8)"], "load": {"mode": "FixedConcurrency", "fixed": [1]}, "durationMs": 2000,
                "quality": {"madeUpWeights": True}}
        termination_log = pathlib.Path(directory) / "termination-log"
        done = subprocess.run([options.bin / "autotune-bench", "run", "--dir", directory, "--port", str(options.port), "--spec",
                               json.dumps(spec), "--termination-log", str(termination_log)], capture_output=True, text=True)
        document = json.loads(termination_log.read_text().split(" ", 3)[3])
        if "quality" not in document:
            raise RuntimeError(document.get("qualityProblem") or str(document.get("failure")) + done.stdout[-500:])
        said = next(line for line in done.stdout.splitlines() if "nats per token" in line)
        return {**document["quality"], "problem": document.get("qualityProblem", ""), "said": said.strip()}
    finally:
        launcher.terminate()
        launcher.wait(60)


def interval(differences):
    """Growth of perplexity in percent, and half the width of its 95 % interval."""
    n = len(differences)
    half = T975.get(n - 1, 1.96) * statistics.stdev(differences) / math.sqrt(n)
    return 100 * math.expm1(statistics.fmean(differences)), 100 * half


def compare(row, reference):
    blocks, base = read_blocks(row["probe"]["blocks"]), read_blocks(reference["probe"]["blocks"])
    common = [(a, b) for a, b in zip(blocks, base) if a[0] == b[0]]
    row["readBlocks"] = {kind: [sum(a[2] != b[2] for a, b in common if a[0] == kind), sum(a[0] == kind for a, _ in common)]
                         for kind in sorted({a[0] for a, _ in common})}
    text = f"{row['precision']:15} probe {{:+.3f}} % +- {{:.3f}}".format(*interval([a[1] - b[1] for a, b in common]))
    if row.get("truth") and reference.get("truth"):
        # Sequences are independent, tokens of one are not.
        found = interval([statistics.fmean(b) - statistics.fmean(a) for a, b in zip(row["truth"], reference["truth"], strict=True)])
        growth, half = interval([a[1] - b[1] for a, b in common])
        text += f"  truth {found[0]:+.3f} % +- {found[1]:.3f}  " + ("inside" if abs(growth - found[0]) <= half + found[1] else "OUTSIDE")
    return text + f"  differ {row['readBlocks']}  {row['probe']['said']}"


def measure(options):
    rows = []
    for precision, flags in PRECISIONS.items():
        row = {"precision": precision, "flags": flags[options.engine]}
        with tempfile.TemporaryDirectory(prefix="quality-truth-") as directory:
            try:
                row["probe"] = probe(options, row["flags"], directory)
                if options.held_out and precision != "bfloat16 again":
                    row["truth"] = truth(options, row["flags"], directory)
            except (RuntimeError, OSError, StopIteration, subprocess.CalledProcessError) as error:
                print(f"{precision:15} {error}", flush=True)
                continue
        rows.append(row)
        print(compare(row, rows[0]), flush=True)
        kept = [{key: value for key, value in each.items() if key != "truth"} |
                ({"truthMeans": [round(statistics.fmean(values), 6) for values in each["truth"]]} if "truth" in each else {})
                for each in rows]
        options.out.write_text(json.dumps({"engine": options.engine, "model": options.model.name, "rows": kept}))
    return 0 if len(rows) == len(PRECISIONS) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("train")
    one.add_argument("--out", required=True, type=pathlib.Path)
    one.add_argument("--texts", type=pathlib.Path)
    one.add_argument("--minutes", type=float, default=6)
    one.add_argument("--held-out-tokens", type=int, default=280_000)
    one.set_defaults(run=train)
    one = commands.add_parser("random")
    one.add_argument("--out", required=True, type=pathlib.Path)
    one.set_defaults(run=write_random)
    for name, run in (("measure", measure), ("offline", offline)):
        one = commands.add_parser(name)
        one.add_argument("--engine", required=True, choices=list(SERVE))
        one.add_argument("--model", required=True, type=pathlib.Path)
        one.add_argument("--out", required=True, type=pathlib.Path)
        one.add_argument("--held-out", type=pathlib.Path)
        one.set_defaults(run=run)
        if name == "offline":
            one.add_argument("flags", nargs="*")
            continue
        one.add_argument("--bin", required=True, type=pathlib.Path, help="directory of autotune-launch and autotune-bench")
        one.add_argument("--port", required=True, type=int)
        one.add_argument("--chunk", type=int, help="prefill tokens of a step: shows which later chunks read the cache")
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
