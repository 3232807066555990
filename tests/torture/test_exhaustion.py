"""What runs out, again and again under load: descriptors, memory, pipe pages, ports.

The program is there after each round as before it: quiet, and everybody is served.
"""

import contextlib
import os
import pathlib
import selectors
import shutil
import socket
import time

import pytest
from amounts import amount, count, figure
from backends import echo, name_then_echo
from clients import LOCAL, connect, connections, echo_once, read_line, together
from crowd import Crowd
from kite import binary
from test_admin import metric
from test_limits import USER, few_ports, no_pipe_pages_left  # noqa: F401  fixtures
from test_resources import settled_count
from waiting import eventually, free_port, holds, patience

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

# Joins a group, and becomes another program than the one that is named.
JOIN = 'echo $$ >"$1" && program=$2 && shift 3 && exec "$program" "$@"'


class MemoryCgroup:
    """A group that may be given a limit, of version 1 or 2 of the interface."""

    def __init__(self):
        first = pathlib.Path("/sys/fs/cgroup/memory")
        self._v1 = first.is_dir()
        self.path = (first if self._v1 else first.parent) / f"kite-torture-{os.getpid()}"
        self.path.mkdir()
        try:
            self.limit("-1" if self._v1 else "max")
        except OSError:
            self.close()
            raise

    def limit(self, size):
        name = "memory.limit_in_bytes" if self._v1 else "memory.max"
        (self.path / name).write_text(str(size))

    def leave(self, pid):
        (self.path.parent / "cgroup.procs").write_text(str(pid))

    def _table(self, name):
        return {key: int(value) for key, value in
                map(str.split, (self.path / name).read_text().splitlines())}

    def times_at_limit(self):
        if self._v1:
            return int((self.path / "memory.failcnt").read_text())
        return self._table("memory.events")["max"]

    def used_kib(self):
        name = "memory.usage_in_bytes" if self._v1 else "memory.current"
        return int((self.path / name).read_text()) // 1024

    def file_kib(self):
        """Pages of files, which the kernel can take away and read again."""
        return self._table("memory.stat")["cache" if self._v1 else "file"] // 1024

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
    """A group; skips where that is not permitted."""
    try:
        made = MemoryCgroup()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made: {error}")
    yield made
    made.close()


def unread_copy(folder):
    """The program in a file of which no page is in memory: they are charged to who runs it."""
    made = shutil.copy(binary(), folder / "kite")
    with open(made, "rb+") as file:
        os.fsync(file)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return made


async def sometimes_deaf(backend, reader, writer):
    """Says its name, and then reads all or nothing."""
    writer.write(backend.name.encode() + b"\n")
    await (writer.wait_closed() if backend.is_deaf else echo(backend, reader, writer))


def test_memory(memory_cgroup, tmp_path, scenario, start_kite, port):
    """A little less room than it and its clients took before. The kernel takes some of the
    program's own pages away again and again, and everybody is served."""
    _, backend = scenario.bridge(port, sometimes_deaf)
    group, share = memory_cgroup, None
    # A poll costs it some of those pages, so it polls about as often as by default.
    kite = start_kite("-poll=10s-10s",
                      prefix=["sh", "-c", JOIN, "sh", str(group.path / "cgroup.procs"),
                              unread_copy(tmp_path)]).wait_listening(port)
    if group.file_kib() < 1024:
        pytest.skip(f"the pages of a file in {tmp_path} cannot be taken away")
    with clients_that_stuff(port, kite, backend):
        room_kib, before = group.used_kib() - group.file_kib() // 6, kite.rss_kib()
    group.limit(room_kib * 1024)
    for _ in range(ROUNDS):
        with clients_that_stuff(port, kite, backend):
            share = stays_quiet(kite) if share is None else share
            with connections(port, count(40, 100)) as others:
                served_and_closed(others)
        all_is_well(kite, port)
    push_past_the_name(port)
    figure(f"memory cgroup of {room_kib} KiB: {group.times_at_limit()} times at its limit, "
           f"{100 * share:.1f} % CPU, {before} KiB resident before, {kite.rss_kib()} after")
    assert group.times_at_limit() > 0
    assert not kite.lines(event="client_unserved")
    group.leave(kite.pid)  # a sanitizer's search for leaks at the end has no part in this


@contextlib.contextmanager
def clients_that_stuff(port, kite, backend):
    """They send until nothing more is taken, and nobody reads it."""
    backend.is_deaf = True
    with connections(port, count(80, 200)) as clients:
        for client in clients:
            read_line(client)
        backend.is_deaf = False
        together([lambda part=part: stuff(part) for part in (clients[::2], clients[1::2])])
        eventually(lambda: rests(kite), 60, "what is on its way has arrived")
        yield
    backend.reset_connections()


def stuff(clients):
    for client in clients:
        client.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            for _ in range(64):
                client.send(bytes(1 << 16))


def rests(kite):
    """It is not even waiting for its own pages: a poll wakes it a few times, and that is all."""
    woken, cpu = kite.voluntary_switches(), kite.cpu_seconds()
    time.sleep(0.6)
    return (kite.voluntary_switches() - woken < 10
            and kite.cpu_seconds() - cpu < 0.015 * patience())


# -- pipes ----------------------------------------------------------------------------------------

def test_pipe_pages(no_pipe_pages_left, scenario, start_kite, port):  # noqa: F811
    scenario.bridge(port, name_then_echo)
    admin = free_port()
    kite = start_kite(f"-admin={LOCAL}:{admin}", prefix=SETPRIV).wait_listening(port, admin)
    for _ in range(ROUNDS):
        with connections(port, count(30, 60)) as clients:
            for client in clients:
                read_line(client)
            together([lambda client=client: echo_once(client, bytes(200_000))
                      for client in clients])
        all_is_well(kite, port)
    push_past_the_name(port)
    # Not each time, for the kernel is asked seldom after a refusal.
    refused = metric(admin, "kite_pipes_refused_total")
    assert refused > 0, "nothing was copied for want of pipes"
    eventually(lambda: kite.lines(event="pipes_refused"))
    figure(f"pipe pages exhausted: {refused:.0f} pipes refused, "
           f"{100 * stays_quiet(kite):.1f} % CPU at rest")


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
