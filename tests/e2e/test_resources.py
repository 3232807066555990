"""What the kite costs: system calls, wake-ups, descriptors, connections to AWS."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest
from backends import echo, hold, name_then_echo
from clients import connect, connections, echo_once, read_line, together
from fake_aws.client import fault, throttled
from kite import POOLED_PIPE_ENDS_MAX
from waiting import eventually, holds, patience

NEEDS_STRACE = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing")


class Strace:
    """strace -f -c attached to a running process; `counts` after the end: system call -> calls."""

    def __init__(self, pid, output):
        self._output, self.counts = output, {}
        self._process = subprocess.Popen(["strace", "-f", "-c", "-o", str(output), "-p", str(pid)],
                                         stderr=subprocess.PIPE, text=True)
        said = self._process.stderr.readline()
        if "attached" not in said:
            self._process.wait()
            pytest.skip(f"strace may not attach here: {said.strip()}")

    def finish(self):
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=20)
        for line in self._output.read_text().splitlines():
            fields = line.split()
            if len(fields) >= 5 and re.fullmatch(r"[\d.]+", fields[0]) and fields[-1] != "total":
                self.counts[fields[-1]] = int(fields[3])
        return self.counts


def push(port, megabytes):
    """Sends and receives through an echo backend at full speed."""
    block, total = bytes(1 << 20), megabytes << 20
    with connect(port, timeout=60) as client:
        def send():
            for _ in range(megabytes):
                client.sendall(block)
        sender = threading.Thread(target=send)
        sender.start()
        got = 0
        while got < total:
            data = client.recv(1 << 20)
            assert data
            got += len(data)
        sender.join()


@NEEDS_STRACE
def test_bulk_data_is_spliced_and_there_is_one_thread(scenario, start_kite, port, tmp_path,
                                                      monkeypatch):
    # A leak check at the end cannot run under a tracer.
    scenario.bridge(port, echo)
    env = {**scenario.aws.env(), "ASAN_OPTIONS": "detect_leaks=0"}
    kite = start_kite(env=env).wait_listening(port)
    trace = Strace(kite.pid, tmp_path / "calls")
    push(port, 64)
    scenario.settle(1)
    threads = kite.threads()
    counts = trace.finish()
    assert threads == 1
    assert not {"clone", "clone3", "fork", "vfork"} & counts.keys(), counts
    # 64 MiB each way: every splice moves at most a pipe of 1 MiB, once in and once out.
    assert counts.get("splice", 0) >= 2 * 2 * 64, counts
    # What is copied is small talk with AWS, not the 128 MiB: at 64 KiB a call those were 2048.
    copies = sum(counts.get(name, 0) for name in
                 ("read", "recvfrom", "recvmsg", "readv", "write", "sendto", "sendmsg", "writev"))
    assert copies < 600, counts


@NEEDS_STRACE
@pytest.mark.long
def test_idle_with_1000_connections_wakes_less_than_5_times_a_second(scenario, start_kite, port,
                                                                     tmp_path):
    _, backend = scenario.bridge(port, hold)
    env = {**scenario.aws.env(), "ASAN_OPTIONS": "detect_leaks=0"}
    kite = start_kite("-poll=5s-20s", env=env).wait_listening(port)
    with connections(port, 1000):
        eventually(lambda: backend.open == 1000, 20, "1000 connections at the backend")
        assert kite.census().pipes <= POOLED_PIPE_ENDS_MAX, "idle connections hold no pipes"
        trace, start = Strace(kite.pid, tmp_path / "calls"), time.monotonic()
        holds(kite.alive, 10, every=0.5)
        counts, seconds = trace.finish(), time.monotonic() - start
        waits = sum(counts.get(name, 0) for name in ("epoll_wait", "epoll_pwait", "epoll_pwait2"))
        assert counts and waits < 5 * seconds, counts


def test_connections_that_moved_bulk_data_and_rest_hold_no_pipe(scenario, start_kite, port):
    scenario.bridge(port, name_then_echo)
    kite = start_kite().wait_listening(port)
    with connections(port, 100) as clients:
        for client in clients:
            read_line(client)
        together([lambda client=client: [echo_once(client, bytes(50_000)) for _ in range(20)]
                  for client in clients])
        assert kite.census().tunnels == 200
        assert kite.census().pipes <= POOLED_PIPE_ENDS_MAX  # of 400 that were in use


def test_exhausted_descriptors_pause_accepting_and_recover(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite(nofile=64).wait_listening(port)
    kite.expected_levels = {"error"}
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(100)]
        eventually(lambda: backend.accepted >= 10, 10)
        served = settled_count(lambda: backend.accepted)
        assert 10 <= served < 32, "64 descriptors are at most 31 tunnels"
        before = kite.cpu_seconds()
        scenario.settle(1)  # the API is still asked
        holds(kite.alive, 0.5)
        assert kite.cpu_seconds() - before < 0.3 * patience(), "it spins while it cannot accept"
        done = 0
        for client in clients:  # each that leaves makes room for one that waits: all get served
            client.settimeout(15 * patience())
            read_line(client)
            echo_once(client, b"served")
            client.close()
            done += 1
        assert done == 100
    eventually(lambda: kite.census().tunnels == 0)


def settled_count(count, quiet=0.5):
    """The value of `count()` when it has not changed for a while."""
    value, since = count(), time.monotonic()
    while time.monotonic() - since < quiet:
        time.sleep(0.02)
        if count() != value:
            value, since = count(), time.monotonic()
    return value


def test_out_of_descriptors_again_and_again_loses_no_descriptor(scenario, start_kite, port):
    scenario.bridge(port, name_then_echo)
    kite = start_kite(nofile=48).wait_listening(port)
    kite.expected_levels = {"error"}
    for _ in range(5):
        with connections(port, 60) as clients:
            read_line(clients[0])
        eventually(lambda: kite.census().tunnels == 0, 10)
    with connect(port) as client:
        read_line(client)


def test_the_soft_descriptor_limit_is_raised_to_the_hard_one(scenario, start_kite, port):
    scenario.bridge(port)
    kite = start_kite(prefix=["prlimit", "--nofile=100:5000"]).wait_listening(port)
    with open(f"/proc/{kite.pid}/limits") as lines:
        limit = next(line for line in lines if line.startswith("Max open files"))
    assert limit.split()[3:5] == ["5000", "5000"]


def test_connections_to_aws_are_kept_between_polls(scenario, start_kite, port):
    scenario.bridge(port)
    start_kite().wait_listening(port)
    scenario.settle(4)
    calls = scenario.aws.calls()
    assert calls["services"]["ecs"]["total"] >= 8
    assert calls["listeners"]["ecs"]["connections"] == 1, calls["listeners"]
    assert calls["listeners"]["ec2"]["connections"] <= 1, calls["listeners"]


def test_a_connection_that_aws_closed_meanwhile_costs_no_poll(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    kite = start_kite().wait_listening(port)
    scenario.aws.set_faults(fault("*", close_silently=True))
    before = scenario.aws.count("ecs", "ListTasks", "ok")
    scenario.settle(3)
    assert scenario.aws.count("ecs", "ListTasks", "ok") - before >= 3
    assert not kite.lines(level="error")


def test_throttling_stretches_the_polls(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    kite = start_kite().wait_listening(port)
    kite.expected_levels = {"error"}
    scenario.aws.set_faults(throttled("ListTasks"))
    start = scenario.aws.count("ecs", "ListTasks")
    holds(kite.alive, 8, every=0.5)
    # Unthrottled it would be 8 polls; with retries inside a poll and doubling intervals, fewer
    # cycles with up to three attempts each.
    assert scenario.aws.count("ecs", "ListTasks") - start <= 15
    with connect(port) as client:
        assert read_line(client) == backend.name


def test_memory_and_descriptors_do_not_grow_over_thousands_of_connections(scenario, start_kite,
                                                                          port):
    scenario.bridge(port, name_then_echo)
    kite = start_kite().wait_listening(port)

    def many():
        for _ in range(1500):
            with connect(port) as client:
                read_line(client)

    many()
    eventually(lambda: kite.census().tunnels == 0)
    first = kite.rss_kib()
    many()
    eventually(lambda: kite.census().tunnels == 0)
    if "asan" not in os.environ.get("KITE_BINARY", ""):  # its quarantine grows by design
        assert kite.rss_kib() - first < 512
