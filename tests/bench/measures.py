"""The measurements of bench-footprint: each takes what makes a proxy and returns plain numbers."""

import contextlib
import gzip
import io
import os
import re
import socket
import statistics
import subprocess
import tarfile
import threading
import time

from holders import Clients
from memory import MemoryGroup, rollup_bytes

SETTLE_SECONDS = 1.0
CLOSED_SECONDS = 10.0
FIRST_POLLS = 100
LISTED_PER_PAGE = 100  # tasks that one ListTasks answers
BETWEEN_POLLS_SECONDS = 0.7  # without a call: the poll is over
BUSY_CONNECTIONS, BUSY_SECONDS = 64, 3.0


# -- on disk ---------------------------------------------------------------------------------------


def libraries(program):
    """Every shared library that the program loads, links followed. Source: ldd(1)."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return {os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", said)}


def files_of(*programs):
    """The programs, or modules of programs, and their libraries."""
    found = {os.path.realpath(program) for program in programs}
    return sorted(found.union(*map(libraries, programs)))


def disk(files):
    """(bytes, bytes of a tar archive of them after gzip -9)."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in files:
            tar.add(file)
    packed = gzip.compress(archive.getvalue(), 9, mtime=0)
    return sum(map(os.path.getsize, files)), len(packed)


# -- start -----------------------------------------------------------------------------------------


def first_byte_seconds(peer):
    """From the start of the process to the first byte that came back through it."""
    peer.prepare()
    begin = time.monotonic()
    peer.start()
    while time.monotonic() < begin + 20:
        try:
            with socket.create_connection(peer.address, 5) as client:
                client.sendall(b"?")
                if client.recv(1):
                    return time.monotonic() - begin
        except ConnectionError:
            continue  # refused, or reset: it listens, and knows no backend yet
    raise TimeoutError(f"{peer.name} forwards nothing: {peer.log()}")


@contextlib.contextmanager
def undisturbed():
    """This process and what it starts go before everything else on the machine, where that is
    allowed. Not with one processor: it would be before the rest of the machine for too long."""
    try:
        if os.cpu_count() > 1:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def start_seconds(make, rounds):
    """Median over `rounds` processes."""
    times = []
    for _ in range(rounds):
        with undisturbed():
            peer = make()
            try:
                times.append(first_byte_seconds(peer))
            finally:
                peer.stop()
    return statistics.median(times)


# -- memory ----------------------------------------------------------------------------------------


def idle_memory(make, counts):
    """Sizes in bytes with nothing open, with each number of idle connections, and some time after
    they were closed: {"rss", "pss", "open": {n: {"rss", "kernel"}}, "closed_rss"}; "kernel" is None
    where no control group can be made."""
    group = MemoryGroup.make("kite-bench")
    peer = make(before_exec=group.join if group else None)
    try:
        with peer, Clients(peer.address) as clients:
            clients.open(1)  # what is set up at first use is no growth
            clients.close()
            time.sleep(SETTLE_SECONDS)
            rss, pss = rollup_bytes(peer.pids)
            kernel = group.kernel_bytes() if group else None
            opened = {count: opened_memory(peer, clients, group, count) for count in counts}
            clients.close()
            time.sleep(CLOSED_SECONDS)
            closed_rss, _ = rollup_bytes(peer.pids)
        return {"rss": rss, "pss": pss, "kernel": kernel, "open": opened, "closed_rss": closed_rss}
    finally:
        if group:
            group.close()


def opened_memory(peer, clients, group, count):
    clients.open(count)
    time.sleep(SETTLE_SECONDS)
    rss, _ = rollup_bytes(peer.pids)
    return {"rss": rss, "kernel": group.kernel_bytes() if group else None}


def busy_memory(make):
    """The largest RSS seen while connections are as busy as they can be."""
    with make() as peer, Clients(peer.address) as clients:
        clients.open(BUSY_CONNECTIONS)
        traffic = threading.Thread(target=clients.busy, args=(BUSY_SECONDS,))
        traffic.start()
        most = 0
        while traffic.is_alive():
            most = max(most, rollup_bytes(peer.pids)[0])
            traffic.join(0.05)
        return most


def survives_limit(make, limit, connections, exchanged):
    """Whether a proxy under a hard limit of `limit` bytes serves so many open connections: every
    byte is compared. Gives the most that it was charged, or False; None where no control group can
    be made. The pages of files that are not yet in memory, see uncached(), are charged to it."""
    group = MemoryGroup.make("kite-bench-limit")
    if group is None:
        return None
    group.limit(limit)
    try:
        with make(before_exec=group.join) as peer, Clients(peer.address) as clients:
            clients.open(connections)
            clients.exchange(exchanged)
            return group.peak_bytes() or limit
    except (RuntimeError, AssertionError, OSError):
        return False
    finally:
        group.close()


def polls_memory(make, polls):
    """RSS in bytes of a kite that skips its waits, after the first hundred polls, and after all."""
    with make() as kite:
        poll(kite, FIRST_POLLS)
        first, _ = rollup_bytes(kite.pids)
        poll(kite, polls - FIRST_POLLS)
        return first, rollup_bytes(kite.pids)[0]


def poll(kite, count):
    """Until so many more polls have got their answers."""
    wanted = kite.aws.count("ecs", "DescribeTasks", "ok") + count
    kite.aws.wait_until(lambda: kite.aws.count("ecs", "DescribeTasks", "ok") >= wanted, 600,
                        f"{count} polls")


def tasks_memory(make, extra_tasks, polls=3):
    """RSS in bytes of a kite, which must pause two seconds between polls, as pairs (between polls,
    the most during `polls` of them): with the tasks it started with, with those of
    `extra_tasks(kite)` too, with these gone again."""
    with make() as kite:
        few = rest_and_most(kite, polls)
        tasks = kite.aws.state()["tasks"]
        extra_tasks(kite)
        many = rest_and_most(kite, polls)
        kite.aws.patch_state(tasks=tasks)
        return few, many, rest_and_most(kite, polls)


def rest_and_most(kite, polls):
    pages = -(-len(kite.aws.state()["tasks"]) // LISTED_PER_PAGE)
    wanted = kite.aws.count("ecs", "ListTasks", "ok") + polls * pages
    most = 0
    quiet_since, calls_before = time.monotonic(), None
    while True:
        services = kite.aws.calls()["services"]
        calls = services["ecs"]["total"] + services["ec2"]["total"]
        if calls != calls_before or services["ecs"]["in_flight"] or services["ec2"]["in_flight"]:
            quiet_since, calls_before = time.monotonic(), calls
        now, _ = rollup_bytes(kite.pids)
        most = max(most, now)
        listed = services["ecs"]["operations"]["ListTasks"]["ok"]
        if listed >= wanted and time.monotonic() - quiet_since > BETWEEN_POLLS_SECONDS:
            return now, most
        time.sleep(0.02)
