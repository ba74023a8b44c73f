"""The box: the private network, mount and process namespaces that a test cluster lives in.

Everything that the cluster starts is a descendant of the box's first process, and every mount and address that it makes
is private to it. Killing that one process therefore takes the whole cluster away, whatever state it is in, and nothing
of it (ports, routes, /run, /var/lib, kernel settings) is visible to the machine or in the way of another cluster.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

SERVICE_ADDRESS = "10.96.0.1"  # what pods know the API server by; there is no kube-proxy
API_ADDRESS = "10.250.0.1"     # also the address of the first node

# What a kubelet would otherwise set on the machine. It finds these values in place and writes nothing.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
# Standard places with a private content, so that programs that insist on them (runtime sockets, CNI caches, pod logs)
# touch nothing of the machine's own.
_PRIVATE_PLACES = {"/var/lib": "lib", "/var/log": "log"}
_HIDDEN = ("/run", "/var/run", *_PRIVATE_PLACES)


class BoxError(Exception):
    """Something about the box or a program in it, as one line for a person (log lines may follow)."""


class Box:
    """A box by its state directory. Creating the object starts nothing."""

    def __init__(self, state):
        self.state = pathlib.Path(os.path.realpath(state))
        if any(self.state == pathlib.Path(p) or pathlib.Path(p) in self.state.parents for p in _HIDDEN):
            raise BoxError(f"the state directory {self.state} must not be below any of {', '.join(_HIDDEN)}")
        self._inner_pid = None

    # ---- life ----

    def start(self):
        for directory in ("box", "log", *(f"{name}" for name in _PRIVATE_PLACES.values())):
            (self.state / directory).mkdir(parents=True, exist_ok=True)
        (self.state / "log/pods").mkdir(exist_ok=True)
        with open(self.state / "box/log", "ab") as log:
            process = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", sys.executable, __file__, "_hold",
                 str(self.state)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 20
        while not (self.state / "box/pid").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BoxError("the namespaces could not be set up: " + self.log_tail("box/log"))
            time.sleep(0.01)

    def stop(self):
        """Ends every process of the box and waits for it. Does nothing when there is none."""
        deadline = time.monotonic() + 30
        processes = self._processes()
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # The first process of a process namespace ends only after all others in it have ended.
        while remaining := [pid for pid in processes if _alive(pid)]:
            if time.monotonic() > deadline:
                raise BoxError(f"processes {remaining} of {self.state} do not end")
            time.sleep(0.02)
        (self.state / "box/pid").unlink(missing_ok=True)
        self._inner_pid = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)
        if self.state.exists():  # a file that vanished or appeared while the tree was being removed
            shutil.rmtree(self.state)

    def running(self):
        return (self.state / "box/pid").exists() and bool(self._processes())

    @property
    def pid(self):
        """The box's first process, as the machine numbers it."""
        if self._inner_pid is None:
            if not self.running():
                raise BoxError(f"no cluster is running in {self.state}")
            self._inner_pid = int((self.state / "box/pid").read_text())
        return self._inner_pid

    def _processes(self):
        """The holders of this box. Found by their command line: a recorded id may have been lost or reused."""
        mark = [b"_hold", os.fsencode(str(self.state)), b""]
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError):
                    if pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0")[-3:] == mark:
                        found.append(int(entry))
        return found

    # ---- programs ----

    def command(self, argv, network_only=False):
        """argv as it must be started on the machine to run inside the box."""
        spaces = ["--net"] if network_only else ["--net", "--mount", "--pid"]
        return ["nsenter", "--target", str(self.pid), *spaces, "--", *map(str, argv)]

    def run(self, argv, **options):
        result = subprocess.run(self.command(argv), capture_output=True, text=True, **options)
        if result.returncode != 0:
            raise BoxError(f"{' '.join(map(str, argv))}: exit code {result.returncode}: {result.stderr.strip()[-2000:]}")
        return result.stdout

    def spawn(self, name, argv, environment=None):
        """Starts a program that stays; its output goes to log/NAME.log."""
        self._ask({"spawn": name, "argv": [str(a) for a in argv], "environment": environment or {}})

    def signal(self, name, number):
        self._ask({"signal": name, "number": int(number)})

    def restart(self, name):
        """SIGKILL to the program of this name, and the same command again once it has ended."""
        self._ask({"restart": name})

    def states(self):
        """name -> None while it runs, else its exit code (negative: the signal)."""
        return self._ask({"states": True})

    def wait(self, what, condition, timeout, programs=()):
        """Waits until condition() is true. Fails at once, with the log's last lines, when one of programs has ended."""
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                if condition():
                    return
            states = self.states() if programs else {}
            for program in programs:
                if states[program] is not None:
                    raise BoxError(f"{program} ended with code {states[program]} while waiting for {what}:\n"
                                   + self.log_tail(f"log/{program}.log"))
            if time.monotonic() > deadline:
                logs = "".join(f"\n--- {p}\n{self.log_tail(f'log/{p}.log')}" for p in programs)
                raise BoxError(f"{what}: not reached within {timeout} s{logs}")
            time.sleep(0.05)

    def log_tail(self, name, lines=15):
        try:
            return "\n".join((self.state / name).read_text(errors="replace").splitlines()[-lines:])
        except OSError as error:
            return str(error)

    def connect(self, address, port, timeout=10):
        """A TCP connection made from inside the box by a program outside it."""
        with network_of(self.pid):
            # A socket belongs for life to the network in which it was created.
            return socket.create_connection((address, port), timeout=timeout)

    def _ask(self, request):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(f"/proc/{self.pid}/root{self.state}/box/control")
            control.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(control.makefile().readline())
        if isinstance(answer, dict) and "error" in answer:
            raise BoxError(answer["error"])
        return answer


def _alive(pid):
    """False once the process has ended, also when its parent has not yet asked for its exit code."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@contextlib.contextmanager
def network_of(pid):
    """Moves the calling thread into the network of a process for the length of a with statement."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor):
        if libc.setns(descriptor, 0x40000000) != 0:  # CLONE_NEWNET
            number = ctypes.get_errno()
            raise OSError(number, "setns: " + os.strerror(number))

    with open("/proc/thread-self/ns/net") as own, open(f"/proc/{pid}/ns/net") as other:
        enter(other.fileno())
        try:
            yield
        finally:
            enter(own.fileno())


# ---- inside ----

def _mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _ip(arguments):
    subprocess.run(["ip", *arguments.split()], check=True)


def _private_view(state):
    _mount("--make-rshared", "/")
    _mount("-t", "proc", "proc", "/proc")
    resolv_conf = os.path.realpath("/etc/resolv.conf")
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for place, name in _PRIVATE_PLACES.items():
        _mount("--bind", state / name, place)
    # No name can be resolved in here. Saying so at once makes the pull of an absent image fail in a moment.
    (state / "box/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    if not os.path.exists(resolv_conf):
        os.makedirs(os.path.dirname(resolv_conf), exist_ok=True)
        pathlib.Path(resolv_conf).touch()
    _mount("--bind", state / "box/resolv.conf", resolv_conf)
    for name, value in _KERNEL_SETTINGS.items():
        if os.path.exists(f"/proc/sys/{name}"):
            file = state / "box" / name.replace("/", ".")
            file.write_text(value + "\n")
            _mount("--bind", file, f"/proc/sys/{name}")


def _private_network():
    _ip("link set lo up")
    _ip(f"addr add {SERVICE_ADDRESS}/32 dev lo")
    _ip(f"addr add {API_ADDRESS}/32 dev lo")
    # Several programs look for a default route to find the machine's address. It leads nowhere.
    _ip("link add node0 type bridge")
    _ip("addr add 10.251.0.1/24 dev node0")
    _ip("link set node0 up")
    _ip("route add default via 10.251.0.254")


def _serve(state):
    """First process of the box: starts programs on request and buries every orphan."""
    pids = {}   # name -> pid of the program that was last started under it
    spawned = {}  # name -> the request that started it
    ended = {}  # pid -> exit code

    def bury(*_):
        with contextlib.suppress(ChildProcessError):
            while (waited := os.waitpid(-1, os.WNOHANG))[0]:
                ended[waited[0]] = os.waitstatus_to_exitcode(waited[1])

    def answer(request):
        if name := request.get("restart"):
            if name not in pids:
                return {"error": f"nothing was started under the name {name}"}
            if pids[name] not in ended:
                os.kill(pids[name], signal.SIGKILL)
            while pids[name] not in ended:
                time.sleep(0.01)
            return answer(spawned[name])
        if "spawn" in request:
            name = request["spawn"]
            spawned[name] = request
            with open(state / f"log/{name}.log", "ab") as log:
                child = subprocess.Popen(request["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         start_new_session=True, cwd="/",
                                         env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                              "HOME": "/var/lib", **request["environment"]})
            pids[name] = child.pid
            child.returncode = 0  # bury() waits for it, not the object
            return True
        if "signal" in request:
            if (name := request["signal"]) not in pids:
                return {"error": f"nothing was started under the name {name}"}
            if pids[name] not in ended:
                os.kill(pids[name], request["number"])
            return True
        return {name: ended.get(pid) for name, pid in pids.items()}

    signal.signal(signal.SIGCHLD, bury)
    control = socket.socket(socket.AF_UNIX)
    control.bind(str(state / "box/control"))
    control.listen()
    return control, answer


def _hold(state):
    # Still the machine's /proc: this is the id that the machine knows us by.
    outer_pid = os.readlink("/proc/self")
    _private_view(state)
    _private_network()
    control, answer = _serve(state)
    (state / "box/pid.new").write_text(outer_pid)
    (state / "box/pid.new").rename(state / "box/pid")
    while True:
        connection, _ = control.accept()
        with connection, contextlib.suppress(OSError, ValueError):
            request = json.loads(connection.makefile().readline())
            try:
                reply = answer(request)
            except OSError as error:
                reply = {"error": str(error)}
            connection.sendall(json.dumps(reply).encode() + b"\n")


if __name__ == "__main__":
    assert sys.argv[1] == "_hold", "box.py is not a command"
    _hold(pathlib.Path(sys.argv[2]))
