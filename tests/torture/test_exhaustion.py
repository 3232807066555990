"""What runs out, again and again under load: descriptors, memory, pipe pages, ports.

The program is there after each round as before it: quiet, and everybody is served.
"""

import contextlib
import os
import pathlib
import selectors
import socket
import time

import pytest
from amounts import amount, count, figure
from backends import name_then_echo
from clients import connect, connections, echo_once, read_line, together
from crowd import Crowd
from test_limits import USER, few_ports, no_pipe_pages_left  # noqa: F401  fixtures
from test_resources import settled_count
from waiting import eventually, holds, patience

ROUNDS = count(1, 30)
WATCHED = amount(1.5, 5)
CPU_SHARE_MAX = 0.05
SETPRIV = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


def stays_quiet(kite):
    """For a while: no busy loop, at most a line a second."""
    lines, cpu, since = len(kite.lines()), kite.cpu_seconds(), time.monotonic()
    holds(kite.alive, WATCHED, every=0.1)
    seconds, used = time.monotonic() - since, kite.cpu_seconds() - cpu
    assert len(kite.lines()) - lines <= seconds + 1, kite.log_text()
    assert used < seconds * CPU_SHARE_MAX * patience(), f"{used} s of CPU in {seconds} s"
    return used / seconds


def served_and_closed(clients):
    """In the order in which the kite serves them: those that leave make room for the others."""
    with selectors.DefaultSelector() as waiting:
        for client in clients:
            waiting.register(client, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(60 * patience())
            assert ready, f"{len(waiting.get_map())} clients wait for ever"
            for client in [key.fileobj for key, _ in ready]:
                waiting.unregister(client)
                client.settimeout(60 * patience())
                read_line(client)
                echo_once(client, b"served")
                client.close()


def push_past_the_name(port):
    """Bulk, which is spliced where there are pipes."""
    with connect(port, timeout=60) as client:
        read_line(client)
        for _ in range(count(8, 200)):
            echo_once(client, bytes(1 << 18))


def all_is_well(kite, port):
    kite.wait_quiet(30)
    with Crowd(port, 50, 5) as crowd:
        crowd.all_there()
        crowd.more(10)
    assert not crowd.failures


def test_descriptors(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    with contextlib.ExitStack() as stack:
        # So many are taken already that the kernel says EMFILE long before the kite's own bound.
        taken = [stack.enter_context(open("/dev/null")).fileno() for _ in range(170)]
        # A client that was accepted with the last one waits, up to the deadline, for another one.
        kite = start_kite("-connect-deadline=60s", nofile=256,
                          pass_fds=taken).wait_listening(port)
    for turn in range(ROUNDS):
        before = backend.accepted
        with connections(port, 200) as clients:
            eventually(lambda: backend.accepted >= before + 10, 30)
            assert settled_count(lambda: backend.accepted) < before + 60
            share = stays_quiet(kite) if turn == 0 else None
            served_and_closed(clients)
        if share is not None:
            figure(f"descriptors exhausted: {100 * share:.1f} % CPU")
        all_is_well(kite, port)
    [*lines] = kite.lines(event="accepting_paused")
    # For a client there was none left, or none for the backend of the last one.
    assert all("Too many open files" in line["reason"] for line in lines) and lines, lines


# -- memory ---------------------------------------------------------------------------------------

class MemoryCgroup:
    """A group with a limit, of version 1 or 2 of the interface."""

    def __init__(self, limit_bytes):
        first = pathlib.Path("/sys/fs/cgroup/memory")
        self._v1 = first.is_dir()
        self.path = (first if self._v1 else first.parent) / f"kite-torture-{os.getpid()}"
        self.path.mkdir()
        try:
            name = "memory.limit_in_bytes" if self._v1 else "memory.max"
            (self.path / name).write_text(str(limit_bytes))
        except OSError:
            self.close()
            raise

    def add(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    def leave(self, pid):
        (self.path.parent / "cgroup.procs").write_text(str(pid))

    def times_at_limit(self):
        if self._v1:
            return int((self.path / "memory.failcnt").read_text())
        events = dict(line.split() for line in
                      (self.path / "memory.events").read_text().splitlines())
        return int(events["max"])

    def peak_kib(self):
        """The most that was charged to it; older kernels of version 2 do not tell: 0."""
        told = self.path / ("memory.max_usage_in_bytes" if self._v1 else "memory.peak")
        return int(told.read_text()) // 1024 if told.exists() else 0

    def close(self):
        eventually(self._removed, 10)

    def _removed(self):
        try:
            self.path.rmdir()
        except OSError:
            return False
        return True


@pytest.fixture
def memory_cgroup():
    """Makes one group; skips where that is not permitted."""
    made = []

    def make(limit_bytes):
        try:
            made.append(MemoryCgroup(limit_bytes))
        except OSError as error:
            pytest.skip(f"no memory cgroup can be made: {error}")
        return made[0]

    yield make
    for group in made:
        group.close()


def test_memory(memory_cgroup, scenario, start_kite, port):
    """Room for what it has and little more: buffers that nobody reads stay with the kernel, within
    bounds, and it is never over them."""
    scenario.bridge(port, name_then_echo)
    kite = start_kite().wait_listening(port)
    room_kib = (4 if patience() == 1 else 32) * 1024
    # Before the group, whose limit counts what is charged to it from then on.
    group = memory_cgroup(int(room_kib * 1024))
    group.add(kite.pid)
    before = kite.rss_kib()
    for _ in range(ROUNDS):
        with connections(port, count(120, 300)) as clients:
            together([lambda part=part: stuff(part) for part in (clients[::3], clients[1::3])])
            served_and_closed(clients[2::3])
        all_is_well(kite, port)
    push_past_the_name(port)
    figure(f"memory cgroup of {room_kib / 1024:.0f} MiB: {group.peak_kib()} KiB at most, "
           f"{group.times_at_limit()} times at its limit, {before} KiB resident before, "
           f"{kite.rss_kib()} after")
    group.leave(kite.pid)  # a sanitizer's search for leaks at the end has no part in this


def stuff(clients):
    """Sends until nothing more is taken, and never reads."""
    for client in clients:
        client.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            for _ in range(64):
                client.send(bytes(1 << 16))


# -- pipes ----------------------------------------------------------------------------------------

def test_pipe_pages(no_pipe_pages_left, scenario, start_kite, port):  # noqa: F811
    scenario.bridge(port, name_then_echo)
    kite = start_kite(prefix=SETPRIV).wait_listening(port)
    for _ in range(ROUNDS):
        with connections(port, count(30, 60)) as clients:
            for client in clients:
                read_line(client)
            together([lambda client=client: echo_once(client, bytes(200_000))
                      for client in clients])
        all_is_well(kite, port)
    push_past_the_name(port)
    figure(f"pipe pages exhausted: {100 * stays_quiet(kite):.1f} % CPU at rest")


# -- ports ----------------------------------------------------------------------------------------

def test_ports(few_ports, scenario, start_kite, port):  # noqa: F811
    _, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite("-connect-deadline=10m").wait_listening(port)
    local = iter(range(40000, 50000))

    def client():
        """Bound by hand: the ephemeral ports are the kite's."""
        return socket.create_connection(("127.0.0.1", port), 60 * patience(),
                                        source_address=("127.0.0.1", next(local)))

    for turn in range(ROUNDS):
        before = backend.accepted
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(client()) for _ in range(count(24, 40))]
            eventually(lambda: backend.accepted >= before + 8, 30)
            assert settled_count(lambda: backend.accepted) <= before + 16
            if turn == 0:
                figure(f"ports used up: {100 * stays_quiet(kite):.1f} % CPU")
            served_and_closed(clients)
        kite.wait_quiet(60)
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as limits:
        limits.write("32768 60999")
    all_is_well(kite, port)
    assert any("Cannot assign requested address" in line["error"]
               for line in kite.lines(event="connect_postponed"))
    assert not kite.lines(event="client_unserved")
