"""What precisions cost: autotune-bench's probe against the engine's offline interface over many more tokens.

    quality_truth.py random CORPUS OUT
    quality_truth.py measure MODEL OUT --bin DIR --gpus 0,1 [--held-out FILE] [--chunk N] [--seconds 900]
    quality_truth.py report OUT
    quality_truth.py coverage OUT [--draws 4000]

`random` writes two models with random weights at ordinary scale, OUT/llama and OUT/latent (DeepSeek's attention), with the
tokenizer of CORPUS (make_corpus.py): which documents read the KV cache. `measure` starts the engine for each precision, one at
a time on each of --gpus (0,0,0: three on the first): the probe as an experiment runs it, which ends where its interval is narrow
enough, and, with --held-out, the offline interface over every held-out text and over the probe's own corpus. Each result is a
file in OUT as soon as there is one, what is there is not measured again, and the report is written anew after each. `coverage`
draws corpora of the probe's shape from the held-out texts, ends each as the probe would, and counts how often its interval holds
the mean of all texts.

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
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy

NLL_UNIT = 1e-6  # as measurement/quality.h writes them
KEPT_UNIT = 1e-4  # of a log-probability in OUT
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
GROUPS, FIRST_LOOK, GOAL = 4, 16, 5e-4  # kQualityGroups, kFewestForGoal, kQualityGoal
BENCH = pathlib.Path(__file__).parents[3] / "bench"
# The files of each block, as bench/corpus.cpp lists them.
BLOCKS = [row.split() for row in re.findall(r'"([a-z ]+)"', (BENCH / "corpus.cpp").read_text().split("kParts = {")[1].split("};")[0])]
# The kinds of make_corpus.py's held-out texts that are like a block: by its column, or its own.
COLUMNS = ["foreign", "code", "prose", "technical"]
OWN_KINDS = {"anthology": ["anthology"], "records": ["data"], "geometry": ["technical"], "notes": ["notes", "languages"], "snippets": ["snippets", "figures"]}
KINDS = [OWN_KINDS.get(files[0], [COLUMNS[i % GROUPS]]) for i, files in enumerate(BLOCKS)]
BASE = "bfloat16"
PRECISIONS = {
    BASE: {"vllm": [], "sglang": []},
    "fp8-kv": {"vllm": ["--kv-cache-dtype", "fp8_e4m3"], "sglang": ["--kv-cache-dtype", "fp8_e4m3"]},
    "e5m2-kv": {"vllm": ["--kv-cache-dtype", "fp8_e5m2"], "sglang": ["--kv-cache-dtype", "fp8_e5m2"]},
    "fp8-weights": {"vllm": ["--quantization", "fp8"], "sglang": ["--quantization", "fp8"]},
    "float16": {"vllm": ["--dtype", "float16"], "sglang": ["--dtype", "float16"]},
    "bfloat16-again": {"vllm": [], "sglang": []},
}
KV_BYTES = 6 << 30  # said, and not found out: several engines share a GPU
SERVE = {"vllm": ["vllm", "serve", "{model}", "--host", "127.0.0.1", "--port", "{port}", "--gpu-memory-utilization", "0.2",
             "--kv-cache-memory-bytes", str(KV_BYTES)],
         "sglang": ["python3", "-m", "sglang.launch_server", "--model-path", "{model}", "--host", "127.0.0.1", "--port", "{port}",
                    "--mem-fraction-static", "0.8", "--max-total-tokens", "131072"]}
CHUNK = {"vllm": "--max-num-batched-tokens", "sglang": "--chunked-prefill-size"}


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
    """[(file, text)] as bench/corpus.cpp reads them."""
    return [(name, text) for files in BLOCKS for name in files
            for text in (BENCH / "corpus" / f"{name}.txt").read_text().rstrip("\n").split("\n%%\n")]


def middle(data):
    """Where bench/corpus.cpp cuts a text into halves: behind a line where there is one near."""
    at = len(data) // 2
    line = data.rfind(b"\n", 0, at)
    if line > at * 3 // 4:
        at = line + 1
    while at > 1 and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def turned(text):
    """The second half, then the first, cut behind a line where there is one near."""
    data = text.encode()
    return (data[middle(data):] + b"\n" + data[:middle(data)]).decode()


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
    longest = json.loads((options.model / "config.json").read_text())["max_position_embeddings"] - 1

    def pieces(text):
        ids = tokenizer.encode(text).ids
        if len(ids) <= longest:
            return [ids]
        data = text.encode()
        return pieces(data[:middle(data)].decode()) + pieces(data[middle(data):].decode())

    for part, text in corpus_documents():
        rows += [("corpus", part, ids) for ids in pieces(text)] + [("corpusTurned", part, ids) for ids in pieces(turned(text))]
    return rows


def offline(options):
    rows = read_rows(options)
    flags = dict(zip([flag.lstrip("-").replace("-", "_") for flag in options.flags[::2]], options.flags[1::2], strict=True))
    tokens = [row[2] for row in rows]  # the first is the beginning of every text, and has no likelihood
    begin = time.monotonic()
    if options.engine == "vllm":
        from vllm import LLM, SamplingParams
        engine = LLM(model=str(options.model), gpu_memory_utilization=0.2, kv_cache_memory_bytes=KV_BYTES, **flags)
        begin = time.monotonic()
        answers = engine.generate([{"prompt_token_ids": row} for row in tokens],
                                  SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0, detokenize=False))
        values = [[place[token].logprob for token, place in zip(row[1:], list(answer.prompt_logprobs)[1:], strict=True)]
                  for row, answer in zip(tokens, answers, strict=True)]
    else:
        import sglang
        engine = sglang.Engine(model_path=str(options.model), mem_fraction_static=0.8, max_total_tokens=131072, **flags)
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

def reference(options):
    """The baseline, where there is one: the probe ends where its interval is narrow enough."""
    base = options.out.parent / f"{BASE}.probe.json"
    if options.out == base:
        return {}
    while not base.exists() or not base.stat().st_size:
        time.sleep(1)
    measured = json.loads(base.read_text())
    return {"reference": {"text": measured["text"], "blocks": measured["blocks"]}, "onlyCacheDiffers": "kv" in options.out.name}


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
                    "quality": {"madeUpWeights": True, **reference(options)}}
            termination_log = pathlib.Path(directory) / "termination-log"
            done = subprocess.run([options.bin / "autotune-bench", "run", "--dir", directory, "--port", str(options.port), "--spec",
                                   json.dumps(spec), "--termination-log", str(termination_log)], capture_output=True, text=True)
            document = json.loads(termination_log.read_text().split(" ", 3)[3])
            if "quality" not in document:
                raise RuntimeError(document.get("qualityProblem") or str(document.get("failure")) + done.stdout[-500:])
            said = next(line for line in done.stdout.splitlines() if "nats per token" in line).strip()
            part = options.out.with_suffix(".part")
            part.write_text(json.dumps({**document["quality"], "problem": document.get("qualityProblem", ""), "said": said}))
            part.rename(options.out)
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
    # The baseline's first, then what need not wait for it.
    wanted = [(BASE, "probe"), (BASE, "offline")] + [(name, kind) for kind in ("offline", "probe") for name in names if name != BASE]
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
    """[(kind, [nll, and turned round if it was asked so], [the print of each third])]"""
    found = re.findall(r"(.)(.{4})(..)(..)(..)(?:\.(.{4}))?", text)
    return [(kind, [number(nll) * NLL_UNIT for nll in (once, again) if nll], prints) for kind, once, *prints, again in found]


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
    return {part: [a - b for a, b in zip(texts, base[name][part], strict=True)] for part, texts in values[name].items()}


def corpus_blocks(changes):
    return [numpy.concatenate([text for name in files for text in changes[name]]).mean() for files in BLOCKS]


def student(degrees, z):
    """The quantile of Student's t from that of the normal distribution (Cornish-Fisher)."""
    return (z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3))


def interval(values):
    """Mean and half of its 95 % interval, as measurement/quality.cpp's: blocks in the corpus' order."""
    values = numpy.asarray(values)
    groups = [values[i::GROUPS] for i in range(GROUPS)]
    degrees = len(values) - GROUPS
    squares = sum(((group - group.mean()) ** 2).sum() for group in groups)
    return values.mean(), student(degrees, 1.95996) * math.sqrt(squares / degrees / len(values))


def ended(once, turned):
    """Mean, half width and askings where the probe ends: after a row, in the first asking or in the second."""
    once, turned = numpy.asarray(once), numpy.asarray(turned)
    for asked in [*range(FIRST_LOOK, len(once), GROUPS), *range(len(once), 2 * len(once), GROUPS), 2 * len(once)]:
        values = once[:asked].copy()
        twice = max(0, asked - len(once))
        values[:twice] = (once[:twice] + turned[:twice]) / 2
        mean, half = interval(values)
        if half <= GOAL:
            break
    return mean, half, asked


def weighted_truth(values, base, twice):
    """The mean over texts of the probe's kinds with the weights of its blocks, and half of its 95 % interval; `twice`: the share
    that texts turned round have in a probe that asks them, half at most. Texts are independent, tokens of one are not."""
    once, turned = (differences(values, base, name) for name in ("heldOut", "heldOutTurned"))
    mean, variance = 0.0, 0.0
    for kinds in {tuple(kinds) for kinds in KINDS}:
        sums = numpy.array([(1 - twice) * a.sum() + twice * b.sum() for kind in kinds for a, b in zip(once[kind], turned[kind])])
        sizes = numpy.array([float(len(a)) for kind in kinds for a in once[kind]])
        ratio, weight = sums.sum() / sizes.sum(), sum(tuple(each) == kinds for each in KINDS) / len(KINDS)
        mean += weight * ratio
        variance += weight ** 2 * ((sums - ratio * sizes).std(ddof=1) / sizes.mean()) ** 2 / len(sums)
    return mean, 1.96 * math.sqrt(variance)


def percent(value):
    return 100 * math.expm1(value)


def probe_line(row, base):
    """Mean, half width, the share of the turned texts, and which thirds of the blocks of each kind differ from the baseline's."""
    blocks, others = read_blocks(row["blocks"]), read_blocks(base["blocks"])
    common = [(a, b) for a, b in zip(blocks, others) if a[0] == b[0]]
    if not common:
        return math.nan, math.nan, 0, "no block: " + row.get("problem", "")
    changes = [numpy.mean([x - y for x, y in zip(a[1], b[1])]) for a, b in common]
    twice = sum(min(len(a[1]), len(b[1])) == 2 for a, b in common)
    apart = collections.defaultdict(lambda: [0, 0, 0, 0])
    for a, b in common:
        apart[a[0]][3] += 1
        for i in range(3):
            apart[a[0]][i] += a[2][i] != b[2][i]
    differ = ", ".join(f"{kind} {first}+{second}+{third} of {count}" for kind, (first, second, third, count) in sorted(apart.items()))
    return *interval(changes), twice / len(common) / 2, differ


def truth_lines(values, base, twice):
    """By the offline interface: the truth; what a probe would find in its corpus; and both block by block."""
    mean, half = weighted_truth(values, base, twice)
    once, turned = (corpus_blocks(differences(values, base, name)) for name in ("corpus", "corpusTurned"))
    early = ended(once, turned)
    held_out, corpus = differences(values, base, "heldOut"), differences(values, base, "corpus")
    lines = [f"truth {percent(mean):+.4f} % +- {100 * half:.4f}"]
    lines += [f"corpus offline, {name}: {percent(found):+.4f} % +- {100 * width:.4f}" for name, (found, width) in
              (("all of it once", interval(once)), ("all of it twice", interval(numpy.add(once, turned) / 2)),
               (f"where the probe would end, after {early[2]} askings", early[:2]))]
    lines.append("held out: " + ", ".join(f"{kind} {100 * numpy.concatenate(texts).mean():+.3f}" for kind, texts in held_out.items()))
    lines.append("corpus: " + ", ".join(f"{name} {100 * numpy.concatenate(texts).mean():+.3f}" for name, texts in corpus.items()))
    return (mean, half), lines


def base_lines(values, probe_of_base):
    def likelihoods(name):
        return ", ".join(f"{part} {numpy.concatenate(texts).mean():.3f}" for part, texts in values[name].items())

    out = [f"{said}: {sum(len(text) for texts in values[name].values() for text in texts)} tokens; nats per token: {likelihoods(name)}"
           for name, said in (("heldOut", "held out"), ("corpus", "corpus"))]
    if probe_of_base:
        blocks = read_blocks(probe_of_base["blocks"])
        for i, name in enumerate(("corpus", "corpusTurned")):
            ours = corpus_blocks(values[name])
            apart = [abs(a - b[1][i]) for a, b in zip(ours, blocks) if len(b[1]) > i]
            if apart:
                out.append(f"{name}: the probe's blocks differ from the offline ones by {numpy.mean(apart):.1e} on average, {max(apart):.1e} at most")
    return out


def report_text(out):
    """For each precision its cost by the held-out texts, by the probe, and whether the one is in the other's interval."""
    probes = {path.name.split(".")[0]: json.loads(path.read_text()) for path in out.glob("*.probe.json")}
    offlines = {path.name.split(".")[0]: read_offline(path)[0] for path in out.glob("*.offline.npz")}
    lines = base_lines(offlines[BASE], probes.get(BASE)) if BASE in offlines else []
    for name in PRECISIONS:
        truth = probed = None
        said, twice = [], 0.0
        if BASE in probes and name in probes:
            *probed, twice, differ = probe_line(probes[name], probes[BASE])
            said.append(f"probe {percent(probed[0]):+.4f} % +- {100 * probed[1]:.4f}  thirds that differ: {differ}  {probes[name]['said']}")
        if BASE in offlines and name in offlines and name != BASE:
            truth, more = truth_lines(offlines[name], offlines[BASE], twice)
            said += more
        if truth and probed:
            apart = abs(truth[0] - probed[0])
            said.append("the truth is " + ("INSIDE the probe's interval" if apart <= probed[1] else
                                           "inside by its own interval only" if apart <= probed[1] + truth[1] else "OUTSIDE"))
        lines += [f"{name:14}  {line}" for line in said]
    return "\n".join(lines) + "\n"


def coverage(options):
    """How often the interval of a corpus drawn from the held-out texts holds the mean of all of them, where the probe ends it."""
    base, _ = read_offline(options.out / f"{BASE}.offline.npz")
    for name in PRECISIONS:
        path = options.out / f"{name}.offline.npz"
        if name == BASE or not path.exists():
            continue
        values, _ = read_offline(path)
        once, turned = (differences(values, base, each) for each in ("heldOut", "heldOutTurned"))
        shorts = {kind: len(base["corpus"][kind]) for kinds in KINDS if len(kinds) > 1 for kind in kinds}
        # Sums and sizes of each text: a draw is then a few additions.
        sums = {kind: numpy.array([[a.sum(), b.sum(), len(a), len(b)] for a, b in zip(once[kind], turned[kind])]) for kind in once}
        need = collections.Counter(kinds[0] for kinds in KINDS if len(kinds) == 1)
        generator = numpy.random.default_rng(1)
        truths = {twice: weighted_truth(values, base, twice)[0] for twice in (0, 0.5)}
        held, halves, askings, wholes = 0, [], [], []
        for _ in range(options.draws):
            orders = {kind: iter(generator.integers(len(sums[kind]), size=count)) for kind, count in need.items()}
            rows = []
            for kinds in KINDS:
                if len(kinds) == 1:
                    rows.append(sums[kinds[0]][next(orders[kinds[0]])])
                else:
                    rows.append(sum(sums[kind][generator.integers(len(sums[kind]), size=shorts[kind])].sum(axis=0) for kind in kinds))
            rows = numpy.array(rows)
            a, b = rows[:, 0] / rows[:, 2], rows[:, 1] / rows[:, 3]
            mean, half, asked = ended(a, b)
            twice = max(0, asked - len(KINDS)) / len(KINDS) / 2
            truth = truths[0] + (truths[0.5] - truths[0]) * 2 * twice
            held += abs(mean - truth) <= half
            halves.append(half)
            askings.append(asked)
            wholes.append([interval(a)[1], interval((a + b) / 2)[1]])
        whole = numpy.median(wholes, axis=0)
        print(f"{name:14} truth {percent(truths[0]):+.4f} % (once), {percent(truths[0.5]):+.4f} % (twice): {100 * held / options.draws:.1f} % of "
              f"{options.draws} intervals hold it; half width {100 * statistics.median(halves):.4f} after {statistics.fmean(askings):.1f} askings of "
              f"{2 * len(KINDS)}; of all once {100 * whole[0]:.4f}, of all twice {100 * whole[1]:.4f} (medians)", flush=True)


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
