"""The image of a release: an OCI archive for several architectures, from one file system of each that scripts/image-root made.

Written here and not by a container engine: no privileges and no emulation are needed, and the same file systems give the same bytes.
"""

import gzip
import hashlib
import io
import json
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
# e_machine of an ELF file.
MACHINES = {"amd64": 62, "arm64": 183}
USER, ENTRYPOINT = "65532:65532", ["/usr/local/bin/autotune-operator"]


class ImageError(Exception):
    """What is wrong with an image, in one line."""


def root_archive(folder, time):
    """A file system as a tar: sorted, owned by root, with one time, so that the same files are the same bytes."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for file in sorted(folder.rglob("*")):
            member = tar.gettarinfo(file, str(file.relative_to(folder)))
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = time
            tar.addfile(member, file.open("rb") if member.isreg() else None)
    return content.getvalue()


def write_image(path, roots, version, created, labels):
    """`roots`: architecture -> tar of the file system. The image's name in the archive is the version."""
    blobs = {}

    def blob(content, media_type, **more):
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **more}

    def as_json(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    manifests = []
    for architecture, root in sorted(roots.items()):
        layer = blob(gzip.compress(root, 9, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
        config = blob(as_json({
            "architecture": architecture, "os": "linux", "created": created,
            "config": {"User": USER, "Entrypoint": ENTRYPOINT, "Labels": labels,
                       "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(root).hexdigest()]},
            "history": [{"created": created, "created_by": "scripts/release"}]}), "application/vnd.oci.image.config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], "annotations": labels}
        manifests.append(blob(as_json(manifest), MANIFEST, platform={"architecture": architecture, "os": "linux"}))
    index = blob(as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": labels}), INDEX,
                 annotations={"org.opencontainers.image.ref.name": version})
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        files = {"index.json": as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]}),
                 "oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
                 **{f"blobs/sha256/{digest}": content for digest, content in sorted(blobs.items())}}
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))


def verify_image(path, version, programs):
    """The architectures of an image whose every part is what it should be: digests, user, entry point, programs."""
    with tarfile.open(path) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}

    def read(descriptor):
        content = files.get("blobs/sha256/" + descriptor["digest"].removeprefix("sha256:"), b"")
        if hashlib.sha256(content).hexdigest() != descriptor["digest"].removeprefix("sha256:"):
            raise ImageError(f"{path.name}: {descriptor['digest']} is missing or another one")
        return content

    (named,) = json.loads(files["index.json"])["manifests"]
    if named["annotations"]["org.opencontainers.image.ref.name"] != version:
        raise ImageError(f"{path.name} is not version {version}")
    architectures = []
    for descriptor in json.loads(read(named))["manifests"]:
        manifest = json.loads(read(descriptor))
        config = json.loads(read(manifest["config"]))
        architecture = descriptor["platform"]["architecture"]
        if config["architecture"] != architecture or config["config"]["User"] != USER or config["config"]["Entrypoint"] != ENTRYPOINT:
            raise ImageError(f"{path.name}, {architecture}: architecture, user or entry point is another one")
        (layer,) = manifest["layers"]
        root = gzip.decompress(read(layer))
        if config["rootfs"]["diff_ids"] != ["sha256:" + hashlib.sha256(root).hexdigest()]:
            raise ImageError(f"{path.name}, {architecture}: the layer is not what the configuration says")
        with tarfile.open(fileobj=io.BytesIO(root)) as tar:
            names = set(tar.getnames())
            for program in programs:
                name = f"usr/local/bin/{program}"
                if name not in names:
                    raise ImageError(f"{path.name}, {architecture}: {program} is missing")
                head = tar.extractfile(name).read(20)
                if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != MACHINES[architecture]:
                    raise ImageError(f"{path.name}, {architecture}: {program} is of another architecture")
        architectures.append(architecture)
    return architectures
