"""Certificates and kubeconfig files of a test cluster, by the openssl program."""

import json
import pathlib
import subprocess

from box import API_ADDRESS, SERVICE_ADDRESS

API_URL = f"https://{API_ADDRESS}:443"


class Pki:
    """A certificate authority in a directory, and what it signs."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def path(self, name):
        return self.directory / name

    def create(self):
        self.directory.mkdir(mode=0o700)
        self._request("ca", "/CN=autotune-test-ca", ["basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign"])
        self.leaf("apiserver", "/CN=kube-apiserver", ["extendedKeyUsage=serverAuth",
                  f"subjectAltName=IP:127.0.0.1,IP:{API_ADDRESS},IP:{SERVICE_ADDRESS},DNS:localhost,"
                  "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"])
        self.client("admin", "/O=system:masters/CN=admin")
        # What the API server shows to a kubelet when it asks for logs.
        self.client("apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
        self.client("kube-controller-manager", "/CN=system:kube-controller-manager")
        self.client("kube-scheduler", "/CN=system:kube-scheduler")
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path("sa.key"))
        self._openssl("ec", "-in", self.path("sa.key"), "-pubout", "-out", self.path("sa.pub"))

    def client(self, name, subject):
        self.leaf(name, subject, ["extendedKeyUsage=clientAuth"])
        self.kubeconfig(name)

    def node(self, name, address):
        """A node's identity: client of the API server and server of its own logs."""
        self.leaf(name, f"/O=system:nodes/CN=system:node:{name}",
                  ["extendedKeyUsage=clientAuth,serverAuth", f"subjectAltName=IP:{address},DNS:{name}"])
        self.kubeconfig(name)

    def leaf(self, name, subject, extensions):
        self._request(name, subject, extensions, ["-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key")])

    def kubeconfig(self, name):
        self.path(name + ".conf").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "cluster",
            "clusters": [{"name": "cluster", "cluster": {"server": API_URL,
                                                          "certificate-authority": str(self.path("ca.crt"))}}],
            "users": [{"name": name, "user": {"client-certificate": str(self.path(name + ".crt")),
                                              "client-key": str(self.path(name + ".key"))}}],
            "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": name}}],
        }, indent=1))

    def _request(self, name, subject, extensions, signer=()):
        arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "3650",
                     "-subj", subject, "-keyout", self.path(name + ".key"), "-out", self.path(name + ".crt"), *signer]
        for extension in extensions:
            arguments += ["-addext", extension]
        if signer:
            # Without this, `req -x509` makes every certificate an authority.
            arguments += ["-addext", "basicConstraints=critical,CA:false"]
        self._openssl(*arguments)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
