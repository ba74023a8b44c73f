"""What precisions cost: autotune-bench's probe against the engine's offline interface over many more tokens.

    quality_truth.py random CORPUS OUT
    quality_truth.py measure MODEL OUT --bin DIR --gpus 0,1 [--held-out FILE] [--chunk N] [--seconds 900]
    quality_truth.py report OUT
    quality_truth.py coverage OUT [--draws 4000]

`random` writes two models with random weights at ordinary scale, OUT/llama and OUT/latent (DeepSeek's attention), with the
tokenizer of CORPUS (make_corpus.py): which documents read the KV cache. `measure` starts the engine for each precision, one at
a time on each GPU: the probe as an experiment runs it, and, with --held-out, the offline interface over every held-out text
and over the probe's own corpus. Each result is a file in OUT as soon as there is one, what is there is not measured again,
and the report is written anew after each. `coverage` draws corpora of the probe's shape from the held-out texts and counts how
often their interval holds the mean of all of them.

The held-out texts are of the kinds and lengths of the probe's corpus, and their mean is weighted as the probe's blocks are:
it is what the probe's interval is about, as far as other texts can be of the same kinds.

`measure` needs GPUs and an installed engine; `report` and `coverage` only numpy.
"""

import argparse
import collections
import json
import math
import os
import pathlib
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy

BLOCKS, BLOCK_BYTES, NLL_UNIT = 32, 9, 1e-7  # as measurement/quality.h writes them
KEPT_UNIT = 1e-4  # of a log-probability in OUT
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
T975 = 2.0395  # 31 degrees of freedom
# bench/corpus.cpp: the parts of the corpus and their blocks.
PARTS = {"notes": 2, "snippets": 2, "figures": 2, "languages": 2, "harbour": 6, "handbook": 6, "toolchain": 6, "anthology": 6}
BASE = "bfloat16"
PRECISIONS = {
    BASE: {"vllm": [], "sglang": []},
    "fp8-kv": {"vllm": ["--kv-cache-dtype", "fp8_e4m3"], "sglang": ["--kv-cache-dtype", "fp8_e4m3"]},
    "e5m2-kv": {"vllm": ["--kv-cache-dtype", "fp8_e5m2"], "sglang": ["--kv-cache-dtype", "fp8_e5m2"]},
    "fp8-weights": {"vllm": ["--quantization", "fp8"], "sglang": ["--quantization", "fp8"]},
    "float16": {"vllm": ["--dtype", "float16"], "sglang": ["--dtype", "float16"]},
    "bfloat16-again": {"vllm": [], "sglang": []},
}
SERVE = {"vllm": ["vllm", "serve", "{model}", "--host", "127.0.0.1", "--port", "{port}", "--gpu-memory-utilization", "0.5"],
         "sglang": ["python3", "-m", "sglang.launch_server", "--model-path", "{model}", "--host", "127.0.0.1", "--port", "{port}",
                    "--mem-fraction-static", "0.5"]}
CHUNK = {"vllm": "--max-num-batched-tokens", "sglang": "--chunked-prefill-size"}
CORPUS_FILES = pathlib.Path(__file__).parents[3] / "bench" / "corpus"


# ---- models with random weights -----------------------------------------------------------------------------------------

def write_random(options):
    import shutil

    import torch
    from transformers import DeepseekV3Config, DeepseekV3ForCausalLM, LlamaConfig, LlamaForCausalLM

    vocabulary = len(json.loads((options.corpus / "tokenizer.json").read_text())["model"]["vocab"])
    common = {"vocab_size": vocabulary, "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 8,
              "max_position_embeddings": 16384, "initializer_range": 0.02, "bos_token_id": 0, "eos_token_id": 1,
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
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(options.corpus / file, directory / file)


# ---- the truth: the offline interface, in a process of its own ------------------------------------------------------------

def corpus_documents():
    """[(part, text)] as bench/corpus.cpp reads them."""
    return [(part, text) for part in PARTS for text in (CORPUS_FILES / f"{part}.txt").read_text().rstrip("\n").split("\n%%\n")]


def turned(text):
    """The second half, then the first, cut behind a line where there is one near."""
    data = text.encode()
    at = len(data) // 2
    line = data.rfind(b"\n", 0, at)
    if line > at * 3 // 4:
        at = line + 1
    while at > 1 and data[at] & 0xC0 == 0x80:
        at -= 1
    return (data[at:] + b"\n" + data[:at]).decode()


def read_rows(options):
    """[(set, part, tokens)]: the held-out texts and the probe's own, each as it is and turned round: the same tokens with others before
    them. A probe that asked both ways would have the mean of two draws of what depends on a token's context."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(options.model / "tokenizer.json"))
    held_out = [json.loads(line) for line in options.held_out.read_text().splitlines()]
    rows = []
    for row in held_out:
        beginning, half = row["tokens"][0], len(row["tokens"]) // 2
        rows += [("heldOut", row["part"], row["tokens"]),
                 ("heldOutTurned", row["part"], [beginning, *row["tokens"][half:], *row["tokens"][1:half]])]
    for part, text in corpus_documents():
        rows += [("corpus", part, tokenizer.encode(text).ids), ("corpusTurned", part, tokenizer.encode(turned(text)).ids)]
    return rows


def offline(options):
    rows = read_rows(options)
    flags = dict(zip([flag.lstrip("-").replace("-", "_") for flag in options.flags[::2]], options.flags[1::2], strict=True))
    tokens = [row[2] for row in rows]  # the first is the beginning of every text, and has no likelihood
    begin = time.monotonic()
    if options.engine == "vllm":
        from vllm import LLM, SamplingParams
        engine = LLM(model=str(options.model), gpu_memory_utilization=0.5, **flags)
        begin = time.monotonic()
        answers = engine.generate([{"prompt_token_ids": row} for row in tokens],
                                  SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0, detokenize=False))
        values = [[place[token].logprob for token, place in zip(row[1:], list(answer.prompt_logprobs)[1:], strict=True)]
                  for row, answer in zip(tokens, answers, strict=True)]
    else:
        import sglang
        engine = sglang.Engine(model_path=str(options.model), mem_fraction_static=0.5, **flags)
        begin = time.monotonic()
        values = []
        for at in range(0, len(tokens), 16):
            answers = engine.generate(input_ids=tokens[at:at + 16], sampling_params={"max_new_tokens": 1, "temperature": 0},
                                      return_logprob=True, logprob_start_len=0)
            values += [[place[0] for place in answer["meta_info"]["input_token_logprobs"][1:]] for answer in answers]
    seconds = time.monotonic() - begin
    with options.out.with_suffix(".part").open("wb") as file:
        numpy.savez_compressed(file, nll=numpy.round(-numpy.concatenate(values) / KEPT_UNIT).astype(numpy.int32),
                               lengths=[len(each) for each in values], sets=[row[0] for row in rows], parts=[row[1] for row in rows],
                               seconds=seconds)
    options.out.with_suffix(".part").rename(options.out)
    sys.stdout.flush()
    os._exit(0)  # vLLM 0.24.0 was seen to abort at the interpreter's exit


# ---- the probe -----------------------------------------------------------------------------------------------------------

def probe(options):
    """What an experiment's bench measures of quality, and in how many seconds."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the engine ends with it
    command = [part.format(model=options.model, port=options.port) for part in SERVE[options.engine]] + options.flags
    with tempfile.TemporaryDirectory(prefix="quality-truth-") as directory:
        launcher = subprocess.Popen([options.bin / "autotune-launch", "run", "--dir", directory, "--port", str(options.port),
                                     "--health-path", "/health", "--startup-timeout", "600", "--", *command])
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
            said = next(line for line in done.stdout.splitlines() if "nats per token" in line).strip()
            options.out.write_text(json.dumps({**document["quality"], "problem": document.get("qualityProblem", ""), "said": said}))
        finally:
            launcher.terminate()
            launcher.wait(60)


# ---- one engine after the other on each GPU ---------------------------------------------------------------------------------

def run_job(options, precision, kind, gpu, number):
    out = options.out / (f"{precision}.probe.json" if kind == "probe" else f"{precision}.offline.npz")
    flags = [*PRECISIONS[precision][options.engine], *options.flags]
    if options.chunk:
        flags += [CHUNK[options.engine], str(options.chunk)]
    command = [sys.executable, __file__, kind, str(options.model), str(out), "--engine", options.engine, "--bin", str(options.bin),
               "--port", str(options.port + number)]
    command += ["--held-out", str(options.held_out)] if options.held_out else []
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": gpu}
    begin = time.monotonic()
    with (options.out / f"{precision}.{kind}.log").open("w") as log:
        process = subprocess.Popen([*command, "--flags=" + " ".join(flags)], stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            process.wait(min(options.job_seconds, max(1.0, options.end - begin)))
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)  # engines leave processes behind
        except ProcessLookupError:
            pass
        process.wait()
    ending = "done" if out.exists() else f"no result ({process.returncode}), see {precision}.{kind}.log"
    return f"{precision} {kind} on GPU {gpu}: {ending} after {time.monotonic() - begin:.0f} s"


def measure(options):
    options.out.mkdir(parents=True, exist_ok=True)
    options.end = time.monotonic() + options.seconds
    jobs = queue.Queue()
    names = options.precisions.split(",") if options.precisions else list(PRECISIONS)
    wanted = [(name, kind) for name in names for kind in ("probe", "offline")]
    wanted = [(name, kind) for name, kind in wanted if kind == "probe" or (options.held_out and name != "bfloat16-again")]
    for number, (name, kind) in enumerate(wanted):
        if not (options.out / (f"{name}.probe.json" if kind == "probe" else f"{name}.offline.npz")).exists():
            jobs.put((number, name, kind))
    lock = threading.Lock()

    def work(gpu):
        while time.monotonic() < options.end:
            try:
                number, name, kind = jobs.get_nowait()
            except queue.Empty:
                return
            said = run_job(options, name, kind, gpu, number)
            with lock:
                print(said, flush=True)
                text = report_text(options.out)
                (options.out / "report.txt").write_text(text)

    workers = [threading.Thread(target=work, args=(gpu,)) for gpu in options.gpus.split(",")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(report_text(options.out), flush=True)
    missing = [f"{name} {kind}" for name, kind in wanted
               if not (options.out / (f"{name}.probe.json" if kind == "probe" else f"{name}.offline.npz")).exists()]
    if missing:
        print("missing:", ", ".join(missing))
    return 1 if missing else 0


# ---- what the results say -------------------------------------------------------------------------------------------------

def number(text):
    value = 0
    for letter in text:
        value = value << 6 | DIGITS.index(letter)
    return value


def read_blocks(text):
    """[(kind, nll, print)]"""
    return [(text[i], number(text[i + 1:i + 6]) * NLL_UNIT, text[i + 6:i + BLOCK_BYTES]) for i in range(0, len(text), BLOCK_BYTES)]


def read_offline(path):
    """set -> part -> [the -ln p of a text's tokens]"""
    with numpy.load(path) as kept:
        texts = numpy.split(kept["nll"] * KEPT_UNIT, numpy.cumsum(kept["lengths"])[:-1])
        out = collections.defaultdict(lambda: collections.defaultdict(list))
        for name, part, values in zip(kept["sets"], kept["parts"], texts, strict=True):
            out[str(name)][str(part)].append(values)
        return out, float(kept["seconds"])


def differences(values, base, name):
    """part -> [a text's changes, token by token]; of one set"""
    return {part: [a - b for a, b in zip(values[name][part], base[name][part], strict=True)] for part in PARTS}


def make_blocks(changes):
    """The probe's blocks of one asking: of the short parts several texts in a row, of the long ones one."""
    out = []
    for part, blocks in PARTS.items():
        tokens = numpy.concatenate(changes[part])
        out += [tokens[len(tokens) * i // blocks:len(tokens) * (i + 1) // blocks].mean() for i in range(blocks)]
    return out


def asked(values, base, name, ways):
    """The probe's blocks where each text is asked as it is, and with two ways turned round too."""
    sets = [name, name + "Turned"][:ways]
    return numpy.mean([make_blocks(differences(values, base, each)) for each in sets], axis=0)


def ways_of(probe_of_base):
    """In how many ways the probe that was measured asks."""
    return 1 if (probe_of_base or {}).get("text") == "corpus-2" else 2


def interval(values):
    """Mean and half of its 95 % interval, as the probe's."""
    return statistics.fmean(values), T975 * statistics.stdev(values) / math.sqrt(len(values))


def weighted_truth(values, base, ways):
    """The mean over texts of the probe's kinds with the weights of its blocks, and half of its 95 % interval. Texts are
    independent, tokens of one are not."""
    sets = [differences(values, base, name) for name in ("heldOut", "heldOutTurned")[:ways]]
    mean, variance = 0.0, 0.0
    for part, blocks in PARTS.items():
        sums = numpy.sum([[text.sum() for text in changes[part]] for changes in sets], axis=0)
        sizes = numpy.sum([[float(len(text)) for text in changes[part]] for changes in sets], axis=0)
        ratio, weight = sums.sum() / sizes.sum(), blocks / BLOCKS
        mean += weight * ratio
        variance += weight ** 2 * ((sums - ratio * sizes).std(ddof=1) / sizes.mean()) ** 2 / len(sums)
    return mean, 1.96 * math.sqrt(variance)


def percent(value):
    return 100 * math.expm1(value)


def probe_line(row, base):
    blocks, others = read_blocks(row["blocks"]), read_blocks(base["blocks"])
    common = [(a, b) for a, b in zip(blocks, others) if a[0] == b[0]]
    mean, half = interval([a[1] - b[1] for a, b in common])
    differ = {kind: f"{sum(a[2] != b[2] for a, b in common if a[0] == kind)}/{sum(a[0] == kind for a, _ in common)}"
              for kind in sorted({a[0] for a, _ in common})}
    return mean, half, differ


def truth_lines(values, base, ways):
    """By the offline interface: the truth; what a probe would find in its corpus; and both part by part."""
    mean, half = weighted_truth(values, base, ways)
    corpus = (interval(asked(values, base, "corpus", each)) for each in (1, 2))
    parts = ("{} {:+.3f} | {:+.3f}".format(part, *[100 * numpy.concatenate(differences(values, base, name)[part]).mean()
                                                  for name in ("heldOut", "corpus")]) for part in PARTS)
    return (mean, half), [f"truth {percent(mean):+.4f} % +- {100 * half:.4f}",
                          "corpus offline, asked once and both ways: " + ", ".join(
                              f"{percent(found):+.4f} % +- {100 * width:.4f}" for found, width in corpus),
                          "held out | corpus: " + ", ".join(parts)]


def base_lines(values, probe_of_base):
    held_out = values["heldOut"]
    out = [f"held out: {sum(len(text) for texts in held_out.values() for text in texts)} tokens; nats per token: " +
           ", ".join(f"{part} {numpy.concatenate(texts).mean():.3f}" for part, texts in held_out.items())]
    sets = ("corpus", "corpusTurned")[:ways_of(probe_of_base)]
    blocks = numpy.mean([make_blocks(values[name]) for name in sets], axis=0)
    out.append(f"corpus: {sum(len(text) for texts in values['corpus'].values() for text in texts)} tokens, {blocks.mean():.5f} nats per token")
    if probe_of_base:
        apart = numpy.abs(blocks - [block[1] for block in read_blocks(probe_of_base["blocks"])])
        out[-1] += f"; the probe's blocks differ from these by {apart.mean():.1e} on average, {apart.max():.1e} at most"
    return out


def report_text(out):
    """For each precision its cost by the held-out texts, by the probe, and whether the one is in the other's interval."""
    probes = {path.name.split(".")[0]: json.loads(path.read_text()) for path in out.glob("*.probe.json")}
    offlines = {path.name.split(".")[0]: read_offline(path)[0] for path in out.glob("*.offline.npz")}
    lines = base_lines(offlines[BASE], probes.get(BASE)) if BASE in offlines else []
    for name in PRECISIONS:
        truth = probed = None
        said = []
        if BASE in offlines and name in offlines and name != BASE:
            truth, said = truth_lines(offlines[name], offlines[BASE], ways_of(probes.get(BASE)))
        if BASE in probes and name in probes:
            probed = probe_line(probes[name], probes[BASE])
            said.append(f"probe {percent(probed[0]):+.4f} % +- {100 * probed[1]:.4f}  differ {probed[2]}  {probes[name]['said']}")
        if truth and probed:
            apart = abs(truth[0] - probed[0])
            said.append("the truth is " + ("INSIDE the probe's interval" if apart <= probed[1] else
                                           "inside by its own interval only" if apart <= probed[1] + truth[1] else "OUTSIDE"))
        lines += [f"{name:14}  {line}" for line in said]
    return "\n".join(lines) + "\n"


def coverage(options):
    """How often the interval of a corpus drawn from the held-out texts holds the mean of all of them."""
    base, _ = read_offline(options.out / f"{BASE}.offline.npz")
    counts = {part: len(texts) for part, texts in base["corpus"].items()}
    for name in PRECISIONS:
        path = options.out / f"{name}.offline.npz"
        if name == BASE or not path.exists():
            continue
        values, _ = read_offline(path)
        sets = [differences(values, base, each) for each in ("heldOut", "heldOutTurned")]
        for ways in (1, 2):
            generator = numpy.random.default_rng(1)
            truth, _ = weighted_truth(values, base, ways)
            apart, halves = [], []
            for _ in range(options.draws):
                drawn = {part: generator.choice(len(texts), min(counts[part], len(texts)), replace=False) for part, texts in sets[0].items()}
                mean, half = interval(numpy.mean([make_blocks({part: [changes[part][i] for i in drawn[part]] for part in PARTS})
                                                  for changes in sets[:ways]], axis=0))
                apart.append(abs(mean - truth) / half)
                halves.append(half)
            share = sum(each <= 1 for each in apart) / options.draws
            print(f"{name:14} asked {'once' if ways == 1 else 'both ways'}: truth {percent(truth):+.4f} %, {100 * share:.1f} % of {options.draws} "
                  f"intervals hold it; half width {100 * statistics.median(halves):.4f} (median); 95 % would take "
                  f"{numpy.quantile(apart, 0.95):.2f} times as much", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("random")
    one.add_argument("corpus", type=pathlib.Path)
    one.add_argument("out", type=pathlib.Path)
    one.set_defaults(run=write_random)
    for name, run in (("measure", measure), ("probe", probe), ("offline", offline)):
        one = commands.add_parser(name)
        one.add_argument("model", type=pathlib.Path)
        one.add_argument("out", type=pathlib.Path)
        one.add_argument("--engine", default="vllm", choices=list(SERVE))
        one.add_argument("--bin", type=pathlib.Path, help="directory of autotune-launch and autotune-bench")
        one.add_argument("--held-out", type=pathlib.Path)
        one.add_argument("--port", type=int, default=18000)
        one.add_argument("--flags", type=str.split, default=[], help="more of the engine's, in one argument: --flags='--a b'")
        one.set_defaults(run=run)
        if name != "measure":
            continue
        one.add_argument("--gpus", default="0")
        one.add_argument("--precisions", help="a list of: " + " ".join(PRECISIONS))
        one.add_argument("--chunk", type=int, help="prefill tokens of a step: shows which later chunks read the cache")
        one.add_argument("--seconds", type=float, default=900, help="no engine runs longer")
        one.add_argument("--job-seconds", type=float, default=240)
    for name, run in (("report", lambda options: print(report_text(options.out))), ("coverage", coverage)):
        one = commands.add_parser(name)
        one.add_argument("out", type=pathlib.Path)
        one.add_argument("--draws", type=int, default=4000)
        one.set_defaults(run=run)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
