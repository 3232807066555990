#!/usr/bin/env python3
"""Measures what forwarding costs: the kite beside HAProxy, nginx and no proxy, in one run.

Usage: speed.py [--quick] [--kite [NAME=]PATH ...] [--peers NAME,..] [--only KEY,..]
                [--rounds N] [--seconds S] [--no-strace] [--out FOLDER]

Every workload is run against every contender in turn, a few rounds of it, the order rotating, so
that whatever else the machine does meets all of them. Several --kite compare builds of the kite;
the targets are those of the first.
"""

import argparse
import os
import pathlib
import sys
import time
from contextlib import ExitStack
from typing import NamedTuple

import own_network
import peers
import speed_report
from speed_load import Failed, Server, Span, count_system_calls, pin, precedence, run_client
from speed_workloads import KITE, LARGE, NGINX, USUAL, WORKLOADS

LARGE_PIPE_BYTES = 1 << 20
PEERS = (USUAL, LARGE, NGINX, "direct")
KITE_USER = 64_001


def become_kite_user():
    """HAProxy, which stays root and above limits, would use up what root may have of pipes, for
    programs without capabilities: the kite gives up root's."""
    os.setgid(KITE_USER)
    os.setuid(KITE_USER)


class NamedKite(peers.Kite):
    """A build of the kite under a name of its own. Without admin pages: two would want one port."""

    def __init__(self, name, binary, backends):
        self.name, self.binary = name, str(pathlib.Path(binary).resolve())
        super().__init__(backends, before_exec=become_kite_user, flags=["-admin=off"])

    def command(self):
        return [self.binary, *super().command()[1:]]

    def environment(self):
        """With AWS files that any user may read: there are machines whose /dev/null is root's."""
        self.folder.chmod(0o711)
        nothing = self.folder / "nothing"
        nothing.touch()
        return {**super().environment(), "AWS_CONFIG_FILE": str(nothing),
                "AWS_SHARED_CREDENTIALS_FILE": str(nothing)}


def contenders(options, backends):
    """Everything that is measured, not yet started; kites first."""
    kites = [(name or path, path) for name, _, path in
             (("=" + text if "=" not in text else text).partition("=") for text in options.kite)]
    if not options.kite:
        kites = [(KITE, peers.kite_binary())]
    made = [NamedKite(name, path, backends) for name, path in kites]
    others = {
        USUAL: lambda: peers.Haproxy(backends),
        LARGE: lambda: peers.Haproxy(backends, pipe_bytes=LARGE_PIPE_BYTES),
        NGINX: lambda: peers.Nginx(backends),
        "direct": lambda: peers.Direct(backends),
    }
    return made + [others[name]() for name in options.peers]


def addresses(peer):
    return peer.backends if isinstance(peer, peers.Direct) else [peer.address]


class Failure(NamedTuple):
    """A run that measured nothing, because bytes or connections were lost."""

    workload: str
    contender: str
    why: str

    def __str__(self):
        return f"{self.workload}, {self.contender}: {self.why}"


class Bench:
    """Runs workloads against what was started; keeps what was measured and what failed."""

    def __init__(self, options, server, started):
        self.options, self.server, self.started = options, server, started
        self.load_cpus = None
        self.runs, self.calls, self.failures = [], {}, []

    def measure(self, workload):
        """All rounds of one workload, then its system calls; returns its runs."""
        self.place(workload)
        made = []
        # Where the kernel puts three busy processes on two CPUs differs from round to round.
        more = 2 if workload.is_bulk and not self.options.quick else 0
        for number in range(self.options.rounds + more):
            turn = number % len(self.started)
            for peer in self.started[turn:] + self.started[:turn]:
                if run := self.run(workload, peer):
                    made.append({**run, "workload": workload.key, "contender": peer.name,
                                 "round": number})
        self.runs += made
        if not (self.options.no_strace or workload.extra):
            self.calls[workload.key] = {peer.name: counts for peer in self.started
                                        if (counts := self.count_calls(workload, peer))}
        return made

    def place(self, workload):
        """The proxies on the first CPU and the load on the others, or everybody everywhere."""
        cpus = sorted(os.sched_getaffinity(0))
        apart = workload.is_pinned and self.options.pin and len(cpus) > 1
        self.load_cpus = cpus[1:] if apart else cpus
        for peer in self.started:
            pin(peer.pids, cpus[:1] if apart else cpus)
        pin([self.server.pid], self.load_cpus)

    def run(self, workload, peer):
        if workload.extra and isinstance(peer, peers.Direct):
            return None
        span = Span(self.options.warm_up, self.options.seconds)
        try:
            return run_client(workload, addresses(peer), peer.pids, span, self.load_cpus)
        except Failed as why:
            return self.note_failure(workload, peer, why)

    def count_calls(self, workload, peer):
        if isinstance(peer, peers.Direct):
            return None
        span = Span(0, self.options.strace_seconds)
        try:
            return count_system_calls(workload, addresses(peer), peer.pids, span, self.load_cpus)
        except Failed as why:
            return self.note_failure(workload, peer, why)

    def note_failure(self, workload, peer, why):
        self.failures.append(Failure(workload.title, peer.name, str(why)))
        print(self.failures[-1], file=sys.stderr, flush=True)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer workloads and rounds")
    parser.add_argument("--kite", action="append", default=[], metavar="[NAME=]PATH")
    parser.add_argument("--peers", type=lambda text: [one for one in text.split(",") if one],
                        default=list(PEERS), help=", ".join(PEERS))
    parser.add_argument("--only", type=lambda text: text.split(","), help="workloads by key")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--warm-up", type=float, default=0.15)
    parser.add_argument("--strace-seconds", type=float, default=0.4)
    parser.add_argument("--no-strace", action="store_true")
    parser.add_argument("--no-pin", dest="pin", action="store_false",
                        help="let small messages, too, run on any CPU")
    parser.add_argument("--out", type=pathlib.Path, default=peers.ROOT / "build/bench")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 3)
    options.seconds = options.seconds or (0.6 if options.quick else 1.0)
    keys = {workload.key for workload in WORKLOADS}
    for chosen, known in ((options.only or [], keys), (options.peers, PEERS)):
        if unknown := set(chosen) - set(known):
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    options.workloads = [one for one in WORKLOADS
                         if (one.key in options.only if options.only
                             else one.quick or not options.quick)]
    return options


def main(arguments=None):
    options = parse(arguments)
    began = time.monotonic()
    own_network.enter()
    with ExitStack() as stack:
        stack.enter_context(precedence())
        server = stack.enter_context(Server())
        started = [stack.enter_context(peer) for peer in contenders(options, server.backends)]
        bench = Bench(options, server, started)
        for workload in options.workloads:
            made = bench.measure(workload)
            print(speed_report.section_of(workload, made, bench.calls.get(workload.key, {})),
                  flush=True)
        names = [peer.name for peer in started]
    facts = speed_report.facts(options, time.monotonic() - began)
    speed_report.write(options.out, facts, names, options.workloads, bench)
    print(f"{options.out}/speed.md, .svg and .json in {facts['seconds']:.0f} s")
    # A peer's lost round is a finding about the peer, and stands in the report.
    return 1 if any(one.contender not in options.peers for one in bench.failures) else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
