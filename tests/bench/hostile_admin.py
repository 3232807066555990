#!/usr/bin/env python3
"""Measures what hostile clients of the admin address cost those who are forwarded.

Usage: hostile_admin.py [--connections N] [--rounds N]

Requests at a fixed rate through the kite are timed, in turn alone, while a process opens N
connections again and again to the admin address of another kite, and while it opens them to this
one's: silent ones, slow heads, huge heads, garbage, pipelined requests. What the crowd itself takes
of the machine is in the second, what its victim does with it in the third alone. The crowd takes
what processor time the others leave (SCHED_IDLE, sched(7)): on the Internet it would not use ours.
Prints one line of JSON: the medians of the rounds, the ratios of the third's p99 to those of the
others, and memory before and after.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from e2e.procfs import rss_kib  # noqa: E402
from e2e.waiting import free_port  # noqa: E402
from peers import Kite  # noqa: E402
from speed_load import Server, Span, precedence, run_client  # noqa: E402
from speed_workloads import exchange  # noqa: E402

WORKLOAD = exchange(64, 200, rate=2000)
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
KINDS = (b"", HEAD + b"X: ", HEAD + b"X: " + b"x" * 60_000, os.urandom(4000),
         b"GET / HTTP/1.1\r\n" * 400, (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n") * 50)
HELD_MAX = 200


def bother(port, connections):
    """Opens them one after the other as fast as it goes, and keeps the last few of them."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    held = []
    for number in range(connections):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
        try:
            sock.send(KINDS[number % len(KINDS)])
        except OSError:
            pass  # not connected yet, or dropped: both are as good
        held.append(sock)
        if len(held) > HELD_MAX:
            held.pop(0).close()


def measure(kite, span):
    return run_client(WORKLOAD, [kite.address], kite.pids, span, os.sched_getaffinity(0))


def beside_crowd(kite, admin, connections, span):
    """A round beside bothering processes, one after the other until the round is over."""
    command = [sys.executable, __file__, "--bother", str(admin), "--connections", str(connections)]
    shell = subprocess.Popen(["/bin/sh", "-c", 'while :; do "$@"; done', "sh", *command],
                             process_group=0)
    try:
        return measure(kite, span)
    finally:
        os.killpg(shell.pid, 15)
        shell.wait()


def rounds(options):
    admin, elsewhere = free_port(), free_port()
    span = Span(1, options.seconds)
    runs = {"alone": [], "elsewhere": [], "hostile": []}
    with (precedence(), Server() as server,
          Kite(server.backends, flags=[f"-admin=127.0.0.1:{admin}"]) as kite,
          Kite(server.backends, flags=[f"-admin=127.0.0.1:{elsewhere}"])):
        measure(kite, Span(1, 1))
        before = rss_kib(kite.pid)
        for _ in range(options.rounds):
            runs["alone"].append(measure(kite, span))
            for name, port in (("elsewhere", elsewhere), ("hostile", admin)):
                runs[name].append(beside_crowd(kite, port, options.connections, span))
        after = rss_kib(kite.pid)
    return runs, {"rss_kib_before": before, "rss_kib_after": after}


def median(runs, key):
    return round(statistics.median(run[key] for run in runs), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--bother", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bother:
        return bother(options.bother, options.connections)
    measured, memory = rounds(options)
    figures = {f"{key}_{name}": median(runs, key) for key in ("p50_us", "p99_us")
               for name, runs in measured.items()}
    for name in ("alone", "elsewhere"):
        ratio = figures["p99_us_hostile"] / figures[f"p99_us_{name}"]
        figures[f"p99_ratio_to_{name}"] = round(ratio, 2)
    print(json.dumps({**figures, **memory, "connections": options.connections,
                      "rounds": options.rounds}))
    return None


if __name__ == "__main__":
    main()
