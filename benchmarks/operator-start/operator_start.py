#!/usr/bin/env python3
"""Memory and CPU time of a started operator whose caches are filled: what a cluster's API server would add is left out.

The operator runs on this machine against a server that streams finished tasks and their ended pods over TLS, as an API server does at the
beginning of a watch. They are copies of a real task (task.json) and a real pod (pod.json) with other names, UIDs and hashes.

    operator_start.py [--tasks 5000] [--pods 10000] [--experiments 40] [--operator build/release/bin/autotune-operator]
"""

import argparse
import base64
import http.client
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

# An API server flushes each event. On a busy machine the two programs would then mostly wait for each other's turn.
CHUNK = 128 * 1024  # bytes
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def finished_tasks(count, experiments):
    """Watch events, one at a time."""
    task = json.loads((HERE / "task.json").read_text())
    (row,) = task["status"]["experiments"]
    task["status"]["experiments"] = [dict(row, name=f"e{i + 1}-{i:06x}", hash=f"{i:016x}") for i in range(experiments)]
    task["metadata"] |= {"name": "NAME", "uid": "UID", "resourceVersion": "VERSION"}
    text = json.dumps({"type": "ADDED", "object": task}, separators=(",", ":"))
    for i in range(count):
        yield text.replace("NAME", f"finished-{i}", 1).replace("UID", task_uid(i), 1).replace("VERSION", str(100 + i), 1)


def task_uid(i):
    return f"804df03d-6953-44cc-a89d-{i:012x}"


def ended_pods(count, tasks):
    pod = json.loads((HERE / "pod.json").read_text())
    pod["metadata"] |= {"name": "NAME", "uid": "UID", "resourceVersion": "VERSION"}
    pod["metadata"]["labels"]["autotuner.io/experiment-hash"] = "HASH"
    pod["metadata"]["ownerReferences"] = [{"apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask", "name": "OWNER-NAME", "uid": "OWNER-ID",
                                           "controller": True}] if tasks else []
    text = json.dumps({"type": "ADDED", "object": pod}, separators=(",", ":"))
    for i in range(count):
        owner = i % tasks if tasks else 0
        line = text.replace("OWNER-NAME", f"finished-{owner}", 1).replace("OWNER-ID", task_uid(owner), 1)
        yield (line.replace("NAME", f"finished-{owner}-{i:08x}", 1).replace("UID", f"5ecdc27b-9c4e-4eb3-8bd6-{i:012x}", 1)
               .replace("VERSION", str(100_000 + i), 1).replace("HASH", f"{i // tasks if tasks else 0:016x}", 1))


def bookmark():
    return json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1000000",
                                                                   "annotations": {"k8s.io/initial-events-end": "true"}}}})


class Server:
    """REQUIRES: `tasks` and `pods` are set before an operator starts."""

    def __init__(self, folder, experiments):
        self.experiments = experiments
        self.tasks = self.pods = self.writes = self.bytes = 0
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=operator-start", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True,
                       stderr=subprocess.DEVNULL)
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                watched = re.match(r"(?:/api/v1|/apis/autotuner\.io/v1alpha1)/(autotunetasks|pods|nodes)\?.*\bwatch=1", self.path)
                if not watched:
                    return self.answer(404, {"kind": "Status", "code": 404})
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                try:
                    data = b""
                    for line in server.events(watched[1]):
                        data += line.encode() + b"\n"
                        if len(data) > CHUNK:
                            self.chunk(data)
                            data = b""
                    self.chunk(data)
                    self.rfile.read(1)  # until the operator has had enough
                except OSError:
                    pass
                self.close_connection = True

            def chunk(self, data):
                server.bytes += len(data)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

            def write(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.writes += 1
                self.answer(201, {})

            do_POST = do_PUT = do_PATCH = do_DELETE = write

            def answer(self, code, body):
                data = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        authority = base64.b64encode((folder / "cert.pem").read_bytes()).decode()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{self.http.server_port}", "certificate-authority-data": authority}}],
            "users": [{"name": "u", "user": {"token": "t"}}]}))

    def events(self, resource):
        if resource == "autotunetasks":
            yield from finished_tasks(self.tasks, self.experiments)
        if resource == "pods":
            yield from ended_pods(self.pods, self.tasks)
        yield bookmark()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def measure(program, server, what):
    port = free_port()
    begin = time.monotonic()
    server.bytes = 0
    with subprocess.Popen([program, "--tools-image=none", f"--kubeconfig={server.kubeconfig}", f"--health-addr=127.0.0.1:{port}"],
                          stdout=sys.stderr if os.environ.get("AUTOTUNE_LOG") else subprocess.DEVNULL,
                          stderr=sys.stderr if os.environ.get("AUTOTUNE_LOG") else subprocess.DEVNULL) as operator:
        while True:
            assert operator.poll() is None, "the operator has ended"
            try:
                if get(port, "/readyz")[0] == 200:
                    break
            except OSError:
                pass
            time.sleep(0.02)
        seconds = time.monotonic() - begin
        _, metrics = get(port, "/metrics")
        while "workqueue_depth{controller=\"autotunetask\"" in metrics and not re.search(r'^workqueue_depth\{.*\} 0$', metrics, re.MULTILINE):
            time.sleep(0.5)
            _, metrics = get(port, "/metrics")
        time.sleep(3)
        stat = pathlib.Path(f"/proc/{operator.pid}/stat").read_text().rsplit(")", 1)[1].split()
        cpu = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        memory = dict(re.findall(r"^(Rss\w+|Vm\w+):\s+(\d+) kB", pathlib.Path(f"/proc/{operator.pid}/status").read_text(), re.MULTILINE))
        operator.terminate()
        operator.wait()
    mebibytes = [int(memory[name]) / 1024 for name in ("VmRSS", "RssAnon", "RssFile", "VmHWM")]
    print(f"| {what} | {server.bytes / 2**20:.0f} | {seconds:.1f} | {cpu:.1f} | " + " | ".join(f"{m:.1f}" for m in mebibytes) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=10000)
    parser.add_argument("--experiments", type=int, default=40)
    parser.add_argument("--operator", type=pathlib.Path, default=ROOT / "build/release/bin/autotune-operator")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(pathlib.Path(folder), options.experiments)
        print("| caches | JSON (MiB) | s to ready | s of CPU | RSS (MiB) | anonymous | files | largest RSS |\n|---|---|---|---|---|---|---|---|")
        measure(options.operator, server, "empty")
        server.tasks = options.tasks
        measure(options.operator, server, f"{options.tasks} finished tasks of {options.experiments} experiments")
        server.pods = options.pods
        measure(options.operator, server, f"and {options.pods} pods that have ended")
    print(f"\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    if server.writes:
        sys.exit(f"The operator wrote {server.writes} times: the objects are not those of finished work.")


if __name__ == "__main__":
    main()
