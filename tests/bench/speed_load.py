"""The load program: its server, its clients, and what the kernel counts of a proxy meanwhile."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from peers import ROOT, listens
from e2e.waiting import eventually, free_port

LOAD = ROOT / "build/release/load"
# Several addresses: a proxy that closes first keeps a port for each connection of its last minute,
# and towards one address it has 28,000.
BACKEND_HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
SYSTEM_CALL_COUNT = re.compile(r"^\s*(\d+)\s+(\w+)\s*$", re.MULTILINE)


class Failed(Exception):
    """A run that measured nothing: bytes were wrong or connections failed."""


def pin(pids, cpus):
    """Lets these processes, all their threads, run on these CPUs only."""
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), cpus)


@contextmanager
def precedence(niceness=-20):
    """Lets this session's processes go before whatever else the machine is doing, as far as we may.

    Between sessions the kernel weighs the sessions' niceness, not the processes' (sched(7), "The
    autogroup feature"). All contenders and the load are in this one, so between them it is nothing.
    """
    own = pathlib.Path("/proc/self/autogroup")
    try:
        before = own.read_text().split()[-1]
        own.write_text(str(niceness))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        own.write_text(before)


class Server:
    """The backends. A context manager; `backends` are (host, port) pairs."""

    pid = property(lambda self: self._process.pid)

    def __init__(self):
        port = free_port()
        self.backends = [(host, port) for host in BACKEND_HOSTS]
        self._process = subprocess.Popen([LOAD, "serve", *at(self.backends)],
                                         stdin=subprocess.PIPE)

    def __enter__(self):
        eventually(lambda: listens(self._process.pid, self.backends[0][1]), 5, "the load's server")
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(5)


def at(addresses):
    return [f"-at={host}:{port}" for host, port in addresses]


@dataclass(frozen=True)
class Span:
    """How long a client runs: first unmeasured, then measured."""

    warm_up: float
    seconds: float


def run_client(workload, addresses, pids, span, cpus):
    """One run's figures as the load prints them, with the flood beside if the workload has one."""
    with ExitStack() as stack:
        if workload.flood:
            # Begins before and outlasts what is measured.
            stack.enter_context(Client(workload.flood, addresses, (),
                                       Span(0, span.warm_up + span.seconds + 1), cpus))
        client = stack.enter_context(Client(workload.arguments, addresses, pids, span, cpus))
        figures = client.figures()
    if figures["failures"]:
        raise Failed(f"{workload.title}: {figures['failures']} connections failed")
    return figures


class Client:
    """A running client of the load. A context manager; leaving early ends it."""

    def __init__(self, arguments, addresses, pids, span, cpus):
        self._patience = span.warm_up + span.seconds + 60
        self._process = subprocess.Popen(
            [LOAD, *arguments, *at(addresses), f"-seconds={span.seconds}",
             f"-warm-up={span.warm_up}", *(f"-cpu-of={pid}" for pid in pids)],
            preexec_fn=lambda: os.sched_setaffinity(0, cpus), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def figures(self):
        """Waits for the end; what was measured."""
        try:
            out, complaint = self._process.communicate(timeout=self._patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"the load has not ended after {self._patience:.0f} s") from None
        if self._process.returncode != 0:
            raise Failed(complaint.strip())
        return json.loads(out)


class AttendedClient(Client):
    """A client that opens its connections, then waits to be told to begin, and again to end."""

    def __init__(self, arguments, *others):
        super().__init__((*arguments, "-attended=1"), *others)

    def wait_ready(self):
        self._line()

    def figures(self):
        """Lets it begin and waits for the figures; the connections stay."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._process.stderr.read().strip())
        return line


def count_system_calls(workload, addresses, pids, span, cpus):
    """Name -> calls for one unit of work. strace slows the proxy down: saturated, it works in
    larger batches than by itself."""
    with AttendedClient(workload.traced_arguments, addresses, (), span, cpus) as client, \
            tempfile.NamedTemporaryFile("r") as table:
        client.wait_ready()
        strace = subprocess.Popen(
            ["strace", "-qq", "-f", "-c", "-U", "calls,name", "-o", table.name,
             *(word for pid in pids for word in ("-p", str(pid)))],
            stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: all(map(is_traced, pids)), 5, "strace")
            figures = client.figures()
        finally:
            strace.send_signal(signal.SIGINT)
            strace.wait(10)
        counts = parse_counts(table.read())
    units = figures["bytes"] / 1e9 if workload.is_bulk else figures["exchanges"]
    return {name: count / units for name, count in counts.items()} if units else {}


def parse_counts(table):
    """strace's table of calls and names -> name -> calls, most frequent first."""
    counts = Counter({name: int(count) for count, name in SYSTEM_CALL_COUNT.findall(table)})
    counts.pop("total", None)
    return dict(counts.most_common())


def is_traced(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return not re.search(r"^TracerPid:\s+0$", status, re.MULTILINE)
