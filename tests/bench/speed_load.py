"""The load program: its server, its clients, and what the kernel counts of a proxy meanwhile."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
from collections import Counter
from contextlib import contextmanager

from peers import ROOT, listens
from e2e.waiting import eventually, free_port

LOAD = ROOT / "build/release/load"
# Backends on several addresses: a proxy that closes first keeps a port for each of its last minute's
# connections, and towards one address it has 28,000.
BACKEND_HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
SYSTEM_CALL_COUNT = re.compile(r"^\s*(\d+)\s+(\w+)\s*$", re.MULTILINE)


class Failed(Exception):
    """A run that measured nothing: bytes were wrong, connections failed or the rate was not held."""


def pinned(cpus):
    """A preexec function: on these CPUs; None leaves the choice to the kernel."""
    return None if cpus is None else lambda: os.sched_setaffinity(0, cpus)


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

    def __init__(self, place):
        port = free_port()
        self.backends = [(host, port) for host in BACKEND_HOSTS]
        self._process = subprocess.Popen([LOAD, "serve", *at(self.backends)], preexec_fn=place,
                                         stdin=subprocess.PIPE)

    def __enter__(self):
        eventually(lambda: listens(self._process.pid, self.backends[0][1]), 5, "the load's server")
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(5)


def at(addresses):
    return [f"-at={host}:{port}" for host, port in addresses]


def run_client(workload, addresses, pids, seconds, warm_up, place):
    """One run's figures as the load prints them."""
    command = [LOAD, *workload.arguments, *at(addresses), f"-seconds={seconds}",
               f"-warm-up={warm_up}", *(f"-cpu-of={pid}" for pid in pids)]
    said = subprocess.run(command, preexec_fn=place, capture_output=True, text=True,
                          timeout=seconds + 60)
    if said.returncode != 0:
        raise Failed(f"{workload.title}: {said.stderr.strip()}")
    figures = json.loads(said.stdout)
    if figures["failures"]:
        raise Failed(f"{workload.title}: {figures['failures']} connections failed: {said.stderr}")
    return figures


def count_system_calls(workload, addresses, pids, seconds, place):
    """Name -> calls for one unit of work; the proxy runs slower meanwhile, which does not matter
    at a fixed rate and saturates earlier otherwise."""
    with tempfile.NamedTemporaryFile("r") as table:
        strace = subprocess.Popen(
            ["strace", "-qq", "-f", "-c", "-U", "calls,name", "-o", table.name,
             *(word for pid in pids for word in ("-p", str(pid)))],
            stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: all(is_traced(pid) for pid in pids), 5, "strace")
            figures = run_client(workload, addresses, (), seconds, 0, place)
        finally:
            strace.send_signal(signal.SIGINT)
            strace.wait(10)
        calls = Counter({name: int(count)
                         for count, name in SYSTEM_CALL_COUNT.findall(table.read())})
    calls.pop("total", None)
    units = figures["bytes"] / 1e9 if workload.is_bulk else figures["exchanges"]
    return {name: count / units for name, count in calls.most_common()} if units else {}


def is_traced(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return not re.search(r"^TracerPid:\s+0$", status, re.MULTILINE)
