"""Trains a Llama of about 222M parameters on make_corpus.py's tokens and writes a checkpoint that engines load.

    train_model.py CORPUS OUT [--minutes 5.5] [--width 1024 --layers 14]

CORPUS: shard-*.bin.xz, tokenizer.json, tokenizer_config.json, held-out.jsonl. OUT: config.json, model.safetensors, the tokenizer, and
training.json. Two thirds of the time go to texts of 2,048 tokens, the rest to 16,384: autotune-bench's long
documents have up to 10,000 and are asked whole.

Ends with 1 where the checkpoint, read back by transformers, does not find the held-out texts as likely as the model that
was trained does: a checkpoint that was written wrongly looks like a bad model.

Plain PyTorch; one GPU, or `--device cpu` for a try with a tiny model.
"""

import argparse
import collections
import json
import lzma
import math
import pathlib
import shutil
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn

ROPE_THETA, NORM_EPS = 500_000.0, 1e-5


class Attention(nn.Module):
    def __init__(self, width, heads, kv_heads):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, kv_heads * self.size, bias=False)
        self.v_proj = nn.Linear(width, kv_heads * self.size, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x, cos, sin):
        batch, length, width = x.shape
        q = self.q_proj(x).view(batch, length, self.heads, self.size).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, self.kv_heads, self.size).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, self.kv_heads, self.size).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        groups = self.heads // self.kv_heads
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        out = F.scaled_dot_product_attention(q, k, v.to(q.dtype), is_causal=True)
        return self.o_proj(out.transpose(1, 2).reshape(batch, length, width))


def rotate(x, cos, sin):
    """Llama's rotary embedding: the halves of a head turn together."""
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class Mlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        wide = x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + NORM_EPS) * self.weight).to(x.dtype)


class Block(nn.Module):
    def __init__(self, width, inner, heads, kv_heads):
        super().__init__()
        self.input_layernorm, self.self_attn = Norm(width), Attention(width, heads, kv_heads)
        self.post_attention_layernorm, self.mlp = Norm(width), Mlp(width, inner)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.embed_tokens = nn.Embedding(o.vocabulary, o.width)
        self.layers = nn.ModuleList(Block(o.width, o.inner, o.heads, o.kv_heads) for _ in range(o.layers))
        self.norm = Norm(o.width)


class Llama(nn.Module):
    """Its parameters have the names that the checkpoint format asks for."""

    def __init__(self, o):
        super().__init__()
        self.model = Body(o)
        self.lm_head = nn.Linear(o.width, o.vocabulary, bias=False)
        half = o.width // o.heads // 2
        self.register_buffer("frequencies", ROPE_THETA ** (-torch.arange(half, dtype=torch.float64) / half), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # What is added to the residual stream gets smaller the more layers add to it.
                deep = math.sqrt(2 * o.layers) if name.endswith(("o_proj.weight", "down_proj.weight")) else 1
                nn.init.normal_(weight, 0.0, 0.02 / deep)

    def hidden(self, tokens):
        angle = torch.arange(tokens.shape[1], device=tokens.device, dtype=torch.float64)[:, None] * self.frequencies
        cos, sin = angle.cos().float(), angle.sin().float()
        x = self.model.embed_tokens(tokens)
        if torch.is_autocast_enabled(tokens.device.type):
            x = x.bfloat16()
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.model.norm(x)


def losses(hidden, head, targets):
    """-ln p of each target. Over pieces: the logits of everything at once would be gigabytes."""
    return torch.cat([F.cross_entropy(F.linear(h, head.to(h.dtype)).float(), t, reduction="none")
                      for h, t in zip(hidden.split(16_384), targets.split(16_384), strict=True)])


def mean_loss(model, tokens, loss_of):
    hidden = model.hidden(tokens[:, :-1])
    return loss_of(hidden.flatten(0, 1), model.lm_head.weight, tokens[:, 1:].flatten()).mean()


# ---- training ---------------------------------------------------------------------------------------------------------

def read_shards(corpus):
    shards = sorted(corpus.glob("shard-*.bin.xz"))
    if not shards:
        sys.exit(f"{corpus}: no shard-*.bin.xz")
    tokens = numpy.concatenate([numpy.frombuffer(lzma.decompress(path.read_bytes()), dtype="<u2") for path in shards])
    return torch.from_numpy(tokens.astype(numpy.int32))


class Windows:
    """Parts of `length` tokens in a random order; every epoch begins elsewhere."""

    def __init__(self, data, length, batch):
        self.data, self.length, self.batch, self.queue = data, length, batch, []
        self.generator = torch.Generator().manual_seed(length)
        self.span = torch.arange(length + 1, device=data.device)

    def next(self):
        while len(self.queue) < self.batch:
            shift = int(torch.randint(self.length, (1,), generator=self.generator))
            count = (len(self.data) - 1 - shift) // self.length
            if count < 1:
                sys.exit("the corpus is shorter than a window")
            self.queue += (torch.randperm(count, generator=self.generator) * self.length + shift).tolist()
        starts, self.queue = self.queue[:self.batch], self.queue[self.batch:]
        at = torch.tensor(starts, device=self.data.device)[:, None] + self.span
        return self.data[at].long()


def make_optimizer(model, rate, device):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    rest = [p for p in model.parameters() if p.dim() != 2]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=rate,
                             betas=(0.9, 0.95), eps=1e-8, fused=device == "cuda")


def learning_rate(peak, step, spent, end):
    return peak * min(1.0, (step + 1) / 100) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, spent / end))))


def train(model, data, o, log):
    device = data.device.type
    loss_of = losses
    if o.compile:
        torch.set_float32_matmul_precision("high")
        for layer in model.model.layers:  # one compilation serves all layers, and takes seconds instead of minutes
            layer.compile(dynamic=False)
        loss_of = torch.compile(losses, dynamic=False)
    optimizer = make_optimizer(model, o.rate, device)
    stages = [Windows(data, o.length, o.batch), Windows(data, o.long_length, max(1, o.batch * o.length // o.long_length))]

    def step_of(windows):
        tokens = windows.next()
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            loss = mean_loss(model, tokens, loss_of)
        loss.backward()
        return loss

    begin = time.monotonic()
    for windows in stages if o.compile else []:  # compiles; counts as no training
        step_of(windows)
        optimizer.zero_grad(set_to_none=True)
    print(f"ready to train after {time.monotonic() - begin:.0f} s", flush=True)
    start, end, step, tokens = time.monotonic(), o.minutes * 60, 0, 0
    while True:
        spent = time.monotonic() - start if not o.steps else step / o.steps * end
        if spent >= end:
            break
        windows = stages[spent > 0.65 * end]
        loss = step_of(windows)
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(o.rate, step, spent, end)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += windows.batch * windows.length
        step += 1
        if step % 25 == 0 or step == 1:
            if not math.isfinite(value := loss.item()):
                sys.exit(f"step {step}: the loss is {value}")
            log.append({"step": step, "seconds": round(time.monotonic() - start, 1), "tokens": tokens, "loss": round(value, 4)})
            print(f"{log[-1]['seconds']:6.1f} s  step {step:5}  {tokens / 1e6:6.1f}M tokens  loss {value:.3f}  norm {norm:.2f}", flush=True)
    return {"steps": step, "tokens": tokens, "seconds": round(time.monotonic() - start, 1)}


# ---- the checkpoint, and what it is worth --------------------------------------------------------------------------------

def write_checkpoint(model, o):
    from safetensors.torch import save_file
    from transformers import LlamaConfig

    o.out.mkdir(parents=True, exist_ok=True)
    LlamaConfig(vocab_size=o.vocabulary, hidden_size=o.width, intermediate_size=o.inner, num_hidden_layers=o.layers,
                num_attention_heads=o.heads, num_key_value_heads=o.kv_heads, head_dim=o.width // o.heads,
                max_position_embeddings=o.long_length, rope_theta=ROPE_THETA, rms_norm_eps=NORM_EPS, bos_token_id=0, eos_token_id=1,
                tie_word_embeddings=False, architectures=["LlamaForCausalLM"], dtype="bfloat16").save_pretrained(o.out)
    save_file({name: value.detach().to("cpu", torch.bfloat16).contiguous() for name, value in model.state_dict().items()},
              o.out / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((o.out / "config.json").read_text())
    theta = config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta")
    if theta != ROPE_THETA:
        sys.exit(f"config.json has rope_theta {theta}")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(o.corpus / name, o.out / name)


@torch.no_grad()
def check(model, o, device):
    """The rounded weights by this program's model and by transformers', both in 32 bits; and the loss of each part."""
    from transformers import LlamaForCausalLM

    rows = [json.loads(line) for line in (o.corpus / "held-out.jsonl").read_text().splitlines()]
    for weight in model.parameters():
        weight.copy_(weight.bfloat16().float())
    torch.set_float32_matmul_precision("highest")
    other = LlamaForCausalLM.from_pretrained(o.out, dtype=torch.float32).to(device).eval()
    parts, distance, worst = collections.defaultdict(list), [], 0.0
    for row in rows:
        part = parts[row["part"]]
        if len(part) >= o.check_rows:
            continue
        tokens = torch.tensor([row["tokens"][:o.long_length]], device=device)
        hidden = model.hidden(tokens[:, :-1]).flatten(0, 1)
        ours = losses(hidden, model.lm_head.weight, tokens[0, 1:])
        theirs = losses(other.model(tokens[:, :-1]).last_hidden_state.flatten(0, 1), other.lm_head.weight, tokens[0, 1:])
        distance.append((ours.mean() - theirs.mean()).item())
        worst = max(worst, (ours - theirs).abs().max().item())
        part.append(ours.mean().item())
    held_out = {name: round(sum(values) / len(values), 4) for name, values in parts.items()}
    return held_out, max(map(abs, distance)), worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=5.5)
    parser.add_argument("--steps", type=int, default=0, help="so many instead of the minutes")
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--inner", type=int, default=0, help="default 2.75 times the width")
    parser.add_argument("--layers", type=int, default=14)
    parser.add_argument("--kv-heads", type=int, default=4)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--long-length", type=int, default=16384)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--check-rows", type=int, default=6, help="held-out texts of each part that the check takes")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    o = parser.parse_args()
    o.heads, o.inner = o.width // 64, o.inner or int(o.width * 2.75) // 64 * 64
    o.kv_heads = min(o.kv_heads, o.heads)
    o.vocabulary = len(json.loads((o.corpus / "tokenizer.json").read_text())["model"]["vocab"])
    torch.manual_seed(1)
    data = read_shards(o.corpus).to(o.device)
    model = Llama(o).to(o.device)
    size = sum(p.numel() for p in model.parameters())
    print(f"{size / 1e6:.0f}M parameters, {len(data) / 1e6:.1f}M tokens of text", flush=True)
    log = []
    done = {"parameters": size, "corpusTokens": len(data), **train(model, data, o, log)}
    write_checkpoint(model, o)
    with torch.compiler.set_stance("force_eager"):  # every text has another length: each would be compiled anew
        held_out, distance, worst = check(model, o, o.device)
    done |= {"heldOut": held_out, "checkpointOff": distance, "checkpointOffWorstToken": worst, "log": log}
    (o.out / "training.json").write_text(json.dumps(done))
    print(f"{done['steps']} steps, {done['tokens'] / 1e6:.1f}M tokens in {done['seconds']:.0f} s; held out, nats per token: {held_out}")
    print(f"read back by transformers: {distance:.2e} off in a text's mean, {worst:.2e} in a token", flush=True)
    return 0 if distance < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
