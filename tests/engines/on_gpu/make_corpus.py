"""Text to train a small model on, in tokens, out of Debian's documentation and source packages.

    make_corpus.py OUT [--cache DIR] [--vocabulary 32000] [--shards 2]
    make_corpus.py OUT --tokenizer FILE [--cache DIR]     (the held-out texts alone, for a model that there is)

OUT/shard-N.bin.xz: the tokens, little-endian uint16, documents in a random order, each begun by token 0; OUT/tokenizer.json
and OUT/tokenizer_config.json; OUT/held-out.jsonl: texts that no shard holds, in the shape of autotune-bench's corpus
(bench/corpus): the same kinds, the same lengths, so that a mean over them is the mean that the probe's interval is about.

Runs on any machine with apt-get and dpkg-deb; about ten minutes on two cores. The machine with the GPU needs OUT only.
"""

import argparse
import collections
import gzip
import hashlib
import html
import io
import json
import lzma
import pathlib
import random
import re
import struct
import subprocess
import sys
import tarfile
import zipfile

# The languages of bench/corpus/languages.txt and anthology.txt besides English.
LANGUAGES = ["de", "fr", "es", "ru", "zh", "ja", "pt", "it", "pl", "el", "ar", "hi", "ko", "tr"]
OTHERS = "af ang ast bg bn ca cs da eo et eu fa fi gl he hr hu id is la lt lv mk mr nb nl pa ro sk sl sr sv th uk vi".split()
LIBREOFFICE = ["de", "fr", "es", "ru", "zh-cn", "ja", "pt-br", "it", "pl", "el", "hi", "ko", "tr"]
CAMPAIGNS = ["did", "dm", "dw", "ei", "httt", "l", "low", "nr", "sof", "sota", "sotbe", "thot", "trow", "tsg", "ttb", "utbs"]

# Package -> (kind of its English text, megabytes of it, megabytes of each other language, names that count or "").
PACKAGES = {
    "anarchism": ("prose", 14, 0, r"/html/"),
    "jargon-text": ("prose", 2, 0, r"jargon\.txt"),
    "fortunes": ("prose", 3, 0, r"/games/fortunes/[a-z]+$"),
    "dict-gcide": ("prose", 6, 0, r"gcide\.dict\.dz"),
    "debian-handbook": ("prose", 2, 2, r"\.html"),
    "debian-policy": ("technical", 1, 0, r"\.html"),
    "developers-reference": ("technical", 1, 0, r"\.html"),
    "gnome-user-docs": ("prose", 2, 1, r"\.page$"),
    "installation-guide-amd64": ("technical", 1, 1, r"\.html"),
    "python3.11-doc": ("technical", 9, 0, r"\.html"),
    "linux-doc-6.1": ("technical", 22, 0, r"/(admin-guide|core-api|filesystems|mm|networking|process|scheduler|security)/.*\.html"),
    "perl-doc": ("technical", 8, 0, r"\.pod$"),
    "postgresql-doc-15": ("technical", 7, 0, r"\.html"),
    "maxima-doc": ("technical", 4, 0, r"maxima_[0-9]+\.html"),
    "python-sympy-doc": ("technical", 6, 0, r"/html/.*\.html"),
    "sagemath-doc": ("technical", 20, 0, r"/en/.*\.html"),
    "pari-doc": ("technical", 2, 0, r"\.tex$"),
    "r-doc-html": ("technical", 3, 0, r"\.html"),
    "libreoffice-help-en-us": ("technical", 4, 0, r"/text/.*\.html"),
    "libpython3.11-stdlib": ("code", 12, 0, r"\.py$"),
    "libpython3.11-testsuite": ("code", 8, 0, r"\.py$"),
    "python3-sympy": ("code", 12, 0, r"\.py$"),
    "python3-django": ("code", 8, 0, r"\.py$"),
    "python3-numpy": ("code", 6, 0, r"\.py$"),
    "python3-networkx": ("code", 6, 0, r"\.py$"),
    "python3-pandas": ("code", 9, 0, r"\.py$"),
    "golang-1.19-src": ("code", 14, 0, r"\.go$"),
    "rust-src": ("code", 9, 0, r"\.rs$"),
    "openjdk-17-source": ("code", 12, 0, r"\.java$"),
    "linux-source-6.1": ("code", 14, 0, r"/(kernel|mm|fs|lib)/.*\.[ch]$"),
    "node-typescript": ("code", 3, 0, r"\.(ts|js)$"),
    "perl-modules-5.36": ("code", 3, 0, r"\.pm$"),
    "libruby3.1": ("code", 4, 0, r"\.rb$"),
    "phpmyadmin": ("code", 3, 0, r"\.php$"),
    "iso-codes": ("data", 5, 0, r"\.(json|xml)$"),
    "unicode-data": ("data", 5, 0, r"\.txt"),
    "node-caniuse-db": ("data", 3, 0, r"\.json$"),
    "python3-sklearn": ("data", 3, 0, r"\.(csv|rst|txt)"),
    **{f"libreoffice-help-{name}": ("", 0, 3.5, r"/text/.*\.html") for name in LIBREOFFICE},
    **{f"manpages-{name}": ("", 0, 2, r"/man/") for name in
       ["de", "fr", "es", "ru", "zh", "it", "pl", "el", "pt-br", "ja"]},
    **{f"debian-reference-{name}": ("", 0, 1, r"\.html") for name in ["de", "fr", "ja", "zh-cn"]},
    **{f"fortunes-{name}": ("", 0, 3, r"/games/fortunes/") for name in ["de", "it", "es", "ru", "pl", "br", "zh"]},
    **{f"wesnoth-1.16-{name}": ("", 0, 2, r"LC_MESSAGES/.*\.mo$") for name in ["data", *CAMPAIGNS]},
}
PACKAGE_LANGUAGE = {"fortunes-br": "pt", "debian-reference-zh-cn": "zh", "libreoffice-help-zh-cn": "zh", "libreoffice-help-pt-br": "pt"}

NO_TEXT = r"genindex|searchindex|bookindex|copyright|changelog|\.dat$"
SHORT_BYTES = 530  # a document of notes, snippets, figures or languages
LONG_TOKENS = 13_000  # one of the long documents
LONG_BYTES = 4 * LONG_TOKENS
LONGEST = 60_000
HELD_OUT_SHARE = 25  # one document of so many


def download(cache):
    cache.mkdir(parents=True, exist_ok=True)
    missing = [name for name in PACKAGES if not list(cache.glob(f"{name}_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", "-qq", *missing], cwd=cache, check=True)


# ---- files to text -----------------------------------------------------------------------------------------------------

def strip_html(text):
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>", " ", text)
    text = re.sub(r"(?is)</(td|th)>", "\t", text)
    text = re.sub(r"(?is)<(/?(p|div|li|tr|h[1-6]|dt|dd|pre|title|note|item|section)\b|br)[^>]*>", "\n", text)
    text = html.unescape(re.sub(r"(?s)<[^>]*>", "", text))
    return re.sub(r"\n[ \t]*(\n[ \t]*)+", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()


def strip_roff(text):
    lines = []
    for line in text.split("\n"):
        if line.startswith((".\\\"", "'\\\"", ".TH", ".so", ".nh", ".ad", ".de", ".ie", ".el", ".if")):
            continue
        line = re.sub(r"^[.'](SH|SS|TP|B|I|BR|IR|RB|RI|IP|BI|IB)\s*\"?", "", line)
        if line.startswith((".", "'")):
            line = ""
        line = re.sub(r"\\f[A-Z]|\\f\(..|\\&|\\s-?\d|\\\||\\/", "", line)
        lines.append(re.sub(r"\\\((aq|dq|co|em|en|bu)", "'", line.replace("\\-", "-").replace("\\e", "\\")))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def read_messages(data):
    """The translations of a .mo file that are sentences, and their English originals."""
    count, originals, translations = struct.unpack("<3I", data[8:20])
    out = ([], [])
    for i in range(count):
        for texts, table in zip(out, (originals, translations), strict=True):
            length, at = struct.unpack("<2I", data[table + 8 * i:table + 8 * i + 8])
            texts.append(data[at:at + length].split(b"\0")[0].decode("utf-8", "ignore").split("^", 1)[-1])
    keep = [i for i, text in enumerate(out[0]) if len(text) > 40 and text != out[1][i]]
    return tuple("\n\n".join(texts[i] for i in keep) for texts in out)


def decode(data):
    for encoding in ("utf-8", "latin-1"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def members(package):
    """(name, bytes) of a package's files, those in archives inside it too."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                if not member.isfile() or not 200 < member.size < 200_000_000:
                    continue
                data = archive.extractfile(member).read
                if member.name.endswith("src.zip"):
                    with zipfile.ZipFile(io.BytesIO(data())) as inner:
                        yield from ((name, lambda name=name: inner.read(name)) for name in inner.namelist())
                elif re.search(r"linux-source.*\.tar\.xz$", member.name):
                    with tarfile.open(fileobj=io.BytesIO(data()), mode="r:xz") as inner:
                        for one in inner:
                            if one.isfile():
                                yield one.name, lambda one=one: inner.extractfile(one).read()
                else:
                    yield member.name, data
        process.stdout.read()


def language_of(package, name):
    """One of LANGUAGES, "en", or "" for another."""
    if not PACKAGES[package][2]:
        return "en"
    for part in [*name.split("/")[:-1], *name.split("/")[-1].split(".")]:
        found = re.fullmatch(r"([a-z]{2})([-_@][A-Za-z-]+)?", part)
        if found and found[1] in ["en", *LANGUAGES]:
            return "" if part in ("zh_TW", "zh-TW") else found[1]
        if found and (found[2] or found[1] in OTHERS):
            return ""
    suffix = package.rsplit("-", 1)[-1]
    return PACKAGE_LANGUAGE.get(package, suffix if suffix in LANGUAGES else "en")


def is_minified(text):
    return len(text) > 400 * (text.count("\n") + 1)


def texts_of(package, path):
    """(language, name, text)"""
    for name, read in members(path):
        if not re.search(PACKAGES[package][3], name) or re.search(NO_TEXT, name):
            continue
        language = language_of(package, name)
        data = read() if language else b""
        if name.endswith((".gz", ".dz")):
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError):
                continue
        if name.endswith(".mo"):
            if data[:4] == b"\xde\x12\x04\x95":
                english, text = read_messages(data)
                yield language, name, text
                if language == "de":
                    yield "en", name, english
            continue
        text = decode(data)
        if ".html" in name or name.endswith(".page"):
            text = strip_html(text)
        elif "/man/" in name:
            text = strip_roff(text)
        if len(text) > 300 and not is_minified(text):
            yield language, name, text


def split(text, most):
    """Pieces of at most `most` characters, cut at lines."""
    while len(text) > most:
        at = max(text.rfind("\n", most // 2, most), text.rfind(" ", most * 9 // 10, most), most // 2)
        yield text[:at]
        text = text[at:].lstrip("\n")
    if len(text) > 200:
        yield text


def order(name):
    return hashlib.sha256(name.encode()).hexdigest()


def collect(cache):
    """kind -> language -> [(order, text)]"""
    documents = collections.defaultdict(lambda: collections.defaultdict(list))
    seen = set()
    for package, (kind, english, foreign, _) in PACKAGES.items():
        found = collections.defaultdict(list)
        for language, name, text in texts_of(package, sorted(cache.glob(f"{package}_*.deb"))[-1]):
            key = hashlib.sha256(re.sub(r"\W+", "", text).encode()).digest()
            if key not in seen:
                seen.add(key)
                found[language] += [(order(f"{package} {name} {i}"), piece) for i, piece in enumerate(split(text, LONGEST))]
        kept = collections.Counter()
        for language, entries in found.items():
            limit = (english or foreign) if language == "en" else foreign
            for key, text in sorted(entries):
                if kept[language] > limit * 1e6:
                    break
                kept[language] += len(text.encode())
                documents[(kind or "prose") if language == "en" else "languages"][language].append((key, text))
        print(package, {language: f"{size / 1e6:.1f}" for language, size in kept.items()}, flush=True)
    return documents


# ---- what is held out, in the probe's shape -------------------------------------------------------------------------------

def cut(text, size, generator):
    """About `size` bytes from somewhere in a text, whole lines where there are lines."""
    data = text.encode()
    at = generator.randrange(max(1, len(data) - size))
    if at:
        at = max(data.find(b"\n", at, at + size // 4) + 1, at)
    return data[at:at + size].decode("utf-8", "ignore")


def long_text(pool, generator):
    """Texts of the pool until they are long enough."""
    out = ""
    while len(out.encode()) < LONG_BYTES:
        out += cut(generator.choice(pool), LONG_BYTES, generator) + "\n\n"
    return out


def anthology(pools, generator):
    names = ["en", *generator.sample(LANGUAGES, len(LANGUAGES)), "en"]
    return "\n\n".join(cut(generator.choice(pools[name]), 3600, generator) for name in names if pools[name])


def make_held_out(pools, short, long):
    """pools: kind -> language -> [text]. (part, text), as many of each part."""
    generator = random.Random(7)
    english = {kind: pools[kind]["en"] for kind in ("prose", "technical", "code", "data")}
    spoken = {**pools["languages"], "en": english["prose"]}
    foreign = [name for name in LANGUAGES if spoken.get(name)]
    rows = []
    for _ in range(short):
        rows += [("notes", cut(generator.choice(english["prose"]), SHORT_BYTES, generator)),
                 ("snippets", cut(generator.choice(english["code"]), SHORT_BYTES, generator)),
                 ("figures", cut(generator.choice(english["data"]), SHORT_BYTES, generator)),
                 ("languages", cut(generator.choice(spoken[generator.choice(foreign)]), SHORT_BYTES, generator))]
    for _ in range(long):
        rows += [(kind, long_text(pool, generator)) for kind, pool in english.items()]
        rows += [("foreign", long_text(spoken[generator.choice(foreign)], generator)), ("anthology", anthology(spoken, generator))]
    return rows


# ---- tokens -----------------------------------------------------------------------------------------------------------

def make_tokenizer(texts, size):
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    # Every text begins with token 0, in training, offline and over HTTP alike.
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return tokenizer


def write_tokens(out, tokenizer, texts, shards):
    import numpy

    for shard in range(shards):
        part, tokens = texts[shard::shards], []
        for i in range(0, len(part), 2000):
            tokens += [numpy.array(one.ids, dtype="<u2") for one in tokenizer.encode_batch(part[i:i + 2000])]
        joined = numpy.concatenate(tokens)
        packed = lzma.compress(joined.tobytes(), preset=6)
        (out / f"shard-{shard}.bin.xz").write_bytes(packed)
        print(f"shard {shard}: {len(joined) / 1e6:.1f}M tokens, {len(packed) / 2**20:.1f} MiB", flush=True)


def write_held_out(options, tokenizer, pools):
    with (options.out / "held-out.jsonl").open("w") as file:
        count = collections.Counter()
        for part, text in make_held_out(pools, options.held_out_short, options.held_out_long):
            ids = tokenizer.encode(text).ids[:LONG_TOKENS]
            count[part] += len(ids) - 1
            file.write(json.dumps({"part": part, "tokens": ids}) + "\n")
    print("held out:", dict(count), sum(count.values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("debian-packages"), help="downloaded packages")
    parser.add_argument("--vocabulary", type=int, default=32000)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--tokenizer", type=pathlib.Path, help="write no shards, and the held-out texts in its tokens")
    parser.add_argument("--held-out-short", type=int, default=200, help="documents of each short part")
    parser.add_argument("--held-out-long", type=int, default=24, help="documents of each long part")
    options = parser.parse_args()
    download(options.cache)
    options.out.mkdir(parents=True, exist_ok=True)

    pools, texts = collections.defaultdict(lambda: collections.defaultdict(list)), []
    for kind, languages in collect(options.cache).items():
        for language, entries in languages.items():
            for key, text in entries:
                if int(key[:8], 16) % HELD_OUT_SHARE == 0:
                    pools[kind][language].append(text)
                else:
                    texts.append((key, text))
        print(kind, {language: f"{sum(len(t.encode()) for _, t in entries) / 1e6:.1f} MB" for language, entries in languages.items()})
    texts = [text for _, text in sorted(texts)]
    if options.tokenizer:
        import tokenizers

        write_held_out(options, tokenizers.Tokenizer.from_file(str(options.tokenizer)), pools)
        return
    tokenizer = make_tokenizer(texts[::4], options.vocabulary)
    tokenizer.save(str(options.out / "tokenizer.json"))
    (options.out / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "model_max_length": 65536,
         "clean_up_tokenization_spaces": False}))
    write_held_out(options, tokenizer, pools)
    write_tokens(options.out, tokenizer, texts, options.shards)


if __name__ == "__main__":
    sys.exit(main())
