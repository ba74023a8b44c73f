"""Writes a container image as a docker-archive file without any container tool."""

import hashlib
import io
import json
import pathlib
import subprocess
import tarfile

BUSYBOX = "localhost/autotune-tests/busybox:1"  # every applet, no entry point; also what holds a pod's namespaces


def write_busybox_image(file, name=BUSYBOX, files=(), **config):
    """An image of Debian's static busybox with more `files` (path to bytes, all executable) and another `config`; the same
    bytes on every call."""
    program = pathlib.Path("/bin/busybox").read_bytes()
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for directory, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
            _add(tar, directory, type=tarfile.DIRTYPE, mode=mode)
        _add(tar, "bin/busybox", program, mode=0o755)
        for applet in subprocess.run(["/bin/busybox", "--list"], check=True, capture_output=True, text=True).stdout.split():
            if applet != "busybox":
                _add(tar, f"bin/{applet}", type=tarfile.SYMTYPE, linkname="busybox")
        _add(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/tmp:/bin/sh\n")
        for path, content in dict(files).items():
            _add(tar, path, content, mode=0o755)
    # The default command is for the container that holds a pod together: it stays.
    _write_archive(file, name, layer.getvalue(), {"Env": ["PATH=/bin"], "Cmd": ["/bin/sleep", "2147483647"], **config})


def _write_archive(file, name, layer, config):
    digest = hashlib.sha256(layer).hexdigest()
    image = json.dumps({"architecture": "amd64", "os": "linux", "config": config,
                        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    image_name = hashlib.sha256(image).hexdigest() + ".json"
    manifest = [{"Config": image_name, "RepoTags": [name], "Layers": [f"{digest}.tar"]}]
    with tarfile.open(file, mode="w") as tar:
        _add(tar, f"{digest}.tar", layer)
        _add(tar, image_name, image)
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _add(tar, name, content=b"", mode=0o644, **fields):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = mode
    for field, value in fields.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(content))
