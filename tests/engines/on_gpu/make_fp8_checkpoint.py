"""Writes an FP8 checkpoint of a bfloat16 one: make_fp8_checkpoint.py SOURCE TARGET

TARGET is in the layout of compressed-tensors (`float-quantized`, as llm-compressor's FP8_DYNAMIC scheme writes it): the
weights of all linear layers but lm_head are float8_e4m3fn, each with a `weight_scale` per row (largest absolute value /
448); activations are quantized by the engine, per token. Everything else stays as it is. No calibration is needed.

SOURCE holds config.json, a tokenizer and *.safetensors in bfloat16 (make_models.py --weights, train_model.py). The files of
TARGET have the same names; each is written by a process of its own, at about 50 million parameters a second. Needs numpy and
ml_dtypes, no GPU. Prints one JSON line: the tensors and bytes of both, and the mean relative error of a quantized weight.
"""

import argparse
import json
import mmap
import multiprocessing
import pathlib
import shutil
import struct
import sys

import ml_dtypes
import numpy

LARGEST = 448.0  # of float8_e4m3fn

QUANTIZATION = {
    "quant_method": "compressed-tensors", "format": "float-quantized", "quantization_status": "compressed",
    "ignore": ["lm_head"], "kv_cache_scheme": None,
    "config_groups": {"group_0": {
        "targets": ["Linear"], "output_activations": None,
        "weights": {"num_bits": 8, "type": "float", "strategy": "channel", "symmetric": True, "dynamic": False},
        "input_activations": {"num_bits": 8, "type": "float", "strategy": "token", "symmetric": True, "dynamic": True}}}}


def is_linear(name, shape):
    """A weight that engines hold in an nn.Linear: not an embedding, a norm, lm_head or a router of experts."""
    return len(shape) == 2 and name.endswith("_proj.weight")


def quantize(weights):
    """float8_e4m3fn and a float32 scale per row, of bfloat16 as it is stored."""
    values = (weights.astype(numpy.uint32) << 16).view(numpy.float32)
    scales = numpy.abs(values).max(axis=1, keepdims=True) / LARGEST
    scales[scales == 0] = 1.0
    quantized = (values / scales).astype(ml_dtypes.float8_e4m3fn)
    error = numpy.abs(quantized.astype(numpy.float32) * scales - values).sum(dtype=numpy.float64)
    return quantized, scales, error / max(numpy.abs(values).sum(dtype=numpy.float64), 1e-30)


def convert(job):
    source, target = job
    with source.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        metadata = header.pop("__metadata__", {"format": "pt"})
        # Sizes are known before the contents: the header goes first, the tensors follow one by one.
        out, end = {"__metadata__": metadata}, 0
        for name, tensor in header.items():
            if not is_linear(name, tensor["shape"]):
                size = tensor["data_offsets"][1] - tensor["data_offsets"][0]
                out[name] = tensor | {"data_offsets": [end, end + size]}
                end += size
                continue
            if tensor["dtype"] != "BF16":
                raise SystemExit(f"{source}: {name} is {tensor['dtype']}, expected BF16")
            rows, columns = tensor["shape"]
            out[name] = {"dtype": "F8_E4M3", "shape": [rows, columns], "data_offsets": [end, end + rows * columns]}
            end += rows * columns
            out[name + "_scale"] = {"dtype": "F32", "shape": [rows, 1], "data_offsets": [end, end + 4 * rows]}
            end += 4 * rows
        text = json.dumps(out).encode()
        text += b" " * (-len(text) % 8)  # scales begin at multiples of their size where the tensors before them allow it
        errors = []
        with target.open("wb") as written:
            written.write(struct.pack("<Q", len(text)) + text)
            for name, tensor in header.items():
                begin, stop = (8 + length + offset for offset in tensor["data_offsets"])
                if not is_linear(name, tensor["shape"]):
                    written.write(data[begin:stop])
                    continue
                weights = numpy.frombuffer(data, numpy.uint16, (stop - begin) // 2, begin).reshape(tensor["shape"])
                quantized, scales, error = quantize(weights)
                written.write(quantized.tobytes() + scales.tobytes())
                errors.append(error)
                del weights
        return {"tensors": len(header), "quantized": len(errors), "errors": errors, "before": source.stat().st_size,
                "after": target.stat().st_size, "map": {name: target.name for name in out if name != "__metadata__"}, "size": end}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    options = parser.parse_args()
    files = sorted(options.source.glob("*.safetensors"))
    if not files:
        sys.exit(f"{options.source} holds no *.safetensors: write weights first (make_models.py --weights)")
    config = json.loads((options.source / "config.json").read_text())
    if "quantization_config" in config:
        sys.exit(f"{options.source} is quantized already ({config['quantization_config'].get('quant_method')})")
    options.target.mkdir(parents=True, exist_ok=True)
    for path in options.source.iterdir():
        if path.is_file() and path.suffix != ".safetensors" and path.name not in ("config.json", "model.safetensors.index.json"):
            shutil.copy(path, options.target / path.name)
    with multiprocessing.Pool(len(files)) as pool:
        done = pool.map(convert, [(path, options.target / path.name) for path in files], chunksize=1)
    (options.target / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {"total_size": sum(d["size"] for d in done)},
         "weight_map": {name: file for d in done for name, file in d["map"].items()}}))
    (options.target / "config.json").write_text(json.dumps(config | {"quantization_config": QUANTIZATION}, indent=1))
    errors = [error for d in done for error in d["errors"]]
    print(json.dumps({"tensors": sum(d["tensors"] for d in done), "quantized": len(errors),
                      "bytesBefore": sum(d["before"] for d in done), "bytesAfter": sum(d["after"] for d in done),
                      "relativeError": sum(errors) / max(len(errors), 1)}))


if __name__ == "__main__":
    main()
