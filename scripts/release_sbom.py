"""The SBOM of a release: an SPDX 2.3 document with our sources and the Debian packages that our programs are linked with."""

import datetime
import hashlib
import pathlib
import re
import subprocess


def output(*command):
    return subprocess.run([str(part) for part in command], check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def linked_packages(programs):
    """Name, version and architecture of the Debian packages whose shared libraries the programs load."""
    libraries = set()
    for program in programs:
        found = subprocess.run(["ldd", program], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        libraries |= {str(pathlib.Path(path).resolve()) for path in re.findall(r"(/\S+\.so\S*)", found)}
    packages = {}
    for library in sorted(libraries):
        # dpkg may know a file under its path before /usr was merged.
        for path in (library, library.removeprefix("/usr")):
            owner = subprocess.run(["dpkg-query", "-S", path], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL).stdout
            if owner:
                package = owner.splitlines()[0].split(": ")[0]
                status = output("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture} ${source:Package}", package)
                name, version, architecture, source = status.split()
                packages[name] = (version, architecture, source)
                break
    return packages


def sbom(root, version, commit, time, programs):
    created = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    files, sha1s = [], []
    for index, name in enumerate(sorted(output("git", "-C", root, "ls-files").splitlines())):
        content = (root / name).read_bytes()
        sha1s.append(hashlib.sha1(content).hexdigest())
        files.append({"SPDXID": f"SPDXRef-File-{index}", "fileName": f"./{name}",
                      "checksums": [{"algorithm": "SHA1", "checksumValue": sha1s[-1]},
                                    {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()}],
                      "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"})
    own = {"SPDXID": "SPDXRef-Package-autotune", "name": "autotune", "versionInfo": version, "supplier": "NOASSERTION",
           "downloadLocation": f"git+https://github.com/autotuner/autotune@{commit}", "filesAnalyzed": True,
           "packageVerificationCode": {
               "packageVerificationCodeValue": hashlib.sha1("".join(sorted(sha1s)).encode()).hexdigest()},
           "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
           "hasFiles": [file["SPDXID"] for file in files]}
    packages = [own]
    relationships = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                      "relatedSpdxElement": own["SPDXID"]}]
    for name, (package_version, architecture, source) in sorted(linked_packages(programs).items()):
        identifier = "SPDXRef-Package-deb-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)
        packages.append({
            "SPDXID": identifier, "name": name, "versionInfo": package_version, "supplier": "Organization: Debian",
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", "sourceInfo": f"built from {source}",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator":
                              f"pkg:deb/debian/{name}@{package_version}?arch={architecture}&distro=bookworm"}]})
        relationships.append({"spdxElementId": own["SPDXID"], "relationshipType": "DYNAMIC_LINK",
                              "relatedSpdxElement": identifier})
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"autotune-{version}", "documentNamespace": f"https://github.com/autotuner/autotune/spdx/{version}/{commit}",
            "creationInfo": {"created": created, "creators": ["Tool: scripts/release", "Organization: autotune"]},
            "packages": packages, "files": files, "relationships": relationships}
