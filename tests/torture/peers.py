#!/usr/bin/env python3
"""What HAProxy and nginx do under the same torture: a Markdown table of what was seen.

Usage: peers.py [--readme] [kite|haproxy|nginx ...]

A run for all of them is kept in build/torture/peers.md, which --readme puts into README.md without
running anything. Nothing is judged. Each row is a fresh proxy, as tests/bench configures it;
HAProxy also checks its servers and tries another one, as nginx does by itself.
"""

import argparse
import contextlib
import datetime
import os
import pathlib
import resource
import selectors
import signal
import socket
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(each) for each in (HERE, HERE.parent / "e2e", HERE.parent / "bench",
                                      HERE.parent)]

import netns  # noqa: E402
from backends import DeadBackend, Farm, hold, name_then_echo, reset_at_once  # noqa: E402
from bench.peers import Haproxy, Kite, Nginx  # noqa: E402
from clients import connect, connections, echo_once, read_line  # noqa: E402
from crowd import Crowd  # noqa: E402
from footprint_report import between_markers  # noqa: E402
from procfs import cpu_seconds, rss_kib  # noqa: E402
from states import Play, any_echo  # noqa: E402

ROOT = HERE.parents[1]
FOUND = ROOT / "build" / "torture" / "peers.md"
BEGIN = "<!-- torture: made by tests/torture/peers.py --readme -->"
END = "<!-- torture: end -->"
NAMES = {"kite": "kite", "haproxy": "HAProxy", "nginx": "nginx"}

RATE, SERVED = 50, 200
GOOD_HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
DRAIN_SECONDS = 8


class DrainingKite(Kite):
    def __init__(self, backends, **options):
        super().__init__(backends, flags=[f"-drain-timeout={DRAIN_SECONDS}s", "-admin=off"],
                         **options)


class CarefulHaproxy(Haproxy):
    """With what its users set for this: checks, another server after a failure; and as many
    connections as its descriptors allow, or `maxconn`."""

    def __init__(self, backends, maxconn=None, **options):
        super().__init__(backends, **options)
        self._maxconn = maxconn

    def command(self):
        made = super().command()
        config = self.folder / "haproxy.cfg"
        lines = [line + " check inter 1s" if line.startswith("  server ") else line
                 for line in config.read_text().splitlines()
                 if not line.startswith(("  maxconn", "  maxpipes"))]
        lines.insert(lines.index("defaults") + 1, "  option redispatch 1")
        if self._maxconn:
            lines.insert(1, f"  maxconn {self._maxconn}\n  maxpipes 10")
        config.write_text("\n".join(lines) + "\n")
        return made


PROXIES = {"kite": DrainingKite, "haproxy": CarefulHaproxy, "nginx": Nginx}


def limited(descriptors):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


@contextlib.contextmanager
def farm_of(habit):
    farm = Farm()
    try:
        yield farm, [farm.serve(habit, host) for host in GOOD_HOSTS]
    finally:
        farm.close()


def addresses(backends):
    return [(backend.host, backend.port) for backend in backends]


def load(proxy):
    """What became of some load, in words."""
    with Crowd(proxy.port, RATE, give_up=3) as crowd:
        until = time.monotonic() + 60
        while crowd.served + len(crowd.failures) < SERVED and time.monotonic() < until:
            time.sleep(0.05)
    asked = crowd.served + len(crowd.failures)
    return (f"{len(crowd.failures)} of {asked} failed, slowest served "
            f"{1000 * max(crowd.seconds, default=0):.0f} ms")


def with_bad(make, bad):
    with farm_of(name_then_echo) as (farm, good), contextlib.ExitStack() as stack:
        address = bad(farm, stack)
        with make(addresses(good) + [address]) as proxy:
            return load(proxy)


def refusing(farm, stack):
    backend = farm.serve(name_then_echo, "127.0.0.5")
    backend.stop_listening()
    return backend.host, backend.port


def stuck(farm, stack):
    dead = stack.enter_context(contextlib.closing(DeadBackend("127.0.0.5")))
    return dead.host, dead.port


def silent(farm, stack):
    backend = farm.serve(hold, "127.0.0.5")
    return backend.host, backend.port


def resetting(farm, stack):
    backend = farm.serve(reset_at_once, "127.0.0.5")
    return backend.host, backend.port


def vanished(make):
    """Its host's link is down."""
    network = netns.Network(1)
    try:
        with netns.inside(network.here):
            def lost(farm, stack):
                network.cut(1)
                return network.address(1), 9
            return with_bad(make, lost)
    finally:
        network.close()


def drain(make):
    """The signal that each knows for a graceful end: SIGUSR1 and SIGQUIT close the listeners."""
    with farm_of(name_then_echo) as (_, backends), make(addresses(backends)) as proxy:
        number = {"haproxy": signal.SIGUSR1, "nginx": signal.SIGQUIT}.get(
            proxy.name, signal.SIGTERM)
        return f"SIGTERM: {ended(proxy, signal.SIGTERM)}" + (
            "" if number == signal.SIGTERM else f"; {number.name}: {ended_anew(make, number)}")


def ended_anew(make, number):
    with farm_of(name_then_echo) as (_, backends), make(addresses(backends)) as proxy:
        return ended(proxy, number)


def ended(proxy, number):
    """20 requests are open when the signal comes; they end 2 s later, new ones come meanwhile."""
    process, finished, fresh, refused = proxy._process, 0, 0, 0
    with connections(proxy.port, 20) as clients:
        for client in clients:
            read_line(client)
        process.send_signal(number)
        since = time.monotonic()
        while time.monotonic() - since < 2:
            try:
                with connect(proxy.port, timeout=2) as client:
                    read_line(client)
                    fresh += 1
            except (OSError, AssertionError):
                refused += 1
            time.sleep(0.05)
        for client in clients:
            with contextlib.suppress(OSError, AssertionError):
                echo_once(client, b"question")
                finished += 1
            client.close()
    try:
        code = f"exit {process.wait(DRAIN_SECONDS + 10)} after {time.monotonic() - since:.1f} s"
    except Exception:  # noqa: B902  a proxy that stays is told in the table
        code = "still there"
    return f"{finished} of 20 open requests finished, new ones {fresh} served {refused} not, {code}"


def descriptors(make):
    """256 descriptors, 300 clients; then they leave one by one. HAProxy plans its descriptors from
    the limit, and by itself plans more than so few."""
    config = {"maxconn": 100} if make is CarefulHaproxy else {}
    with farm_of(name_then_echo) as (_, backends):
        with make(addresses(backends), before_exec=limited(256), **config) as proxy:
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(connect(proxy.port)) for _ in range(300)]
                time.sleep(1)
                said, used = len(proxy.log().splitlines()), cpu(proxy)
                time.sleep(3)
                used = (cpu(proxy) - used) / 3
                said = (len(proxy.log().splitlines()) - said) / 3
                served = one_by_one(clients)
            return (f"{100 * used:.0f} % CPU, {said:.1f} log lines/s, {served}; "
                    f"then {load(proxy)}")


def local_ports(make):
    """16 ports to connect from, 48 clients that use others; then they leave one by one."""
    network = netns.Network(0)
    local = iter(range(40000, 50000))
    try:
        with netns.inside(network.here), farm_of(name_then_echo) as (_, backends):
            pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("32768 60999")
            with make(addresses(backends[:1])) as proxy, contextlib.ExitStack() as stack:
                pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50000 50015")
                clients = [stack.enter_context(socket.create_connection(
                    proxy.address, source_address=("127.0.0.1", next(local))))
                    for _ in range(48)]
                time.sleep(1)
                said, used = len(proxy.log().splitlines()), cpu(proxy)
                time.sleep(3)
                used = (cpu(proxy) - used) / 3
                said = (len(proxy.log().splitlines()) - said) / 3
                return f"{100 * used:.0f} % CPU, {said:.1f} log lines/s, {one_by_one(clients)}"
    finally:
        network.close()


def one_by_one(clients):
    """Each leaves when it was served, or was not; who hears nothing for 3 s was not."""
    served = 0
    with selectors.DefaultSelector() as waiting:
        for client in clients:
            client.settimeout(3)
            waiting.register(client, selectors.EVENT_READ)
        while waiting.get_map() and (ready := waiting.select(3)):
            for client in [key.fileobj for key, _ in ready]:
                waiting.unregister(client)
                with contextlib.suppress(OSError, AssertionError):
                    read_line(client)
                    served += 1
                client.close()
    return f"{served} of {len(clients)} served"


def cpu(proxy):
    return sum(cpu_seconds(pid) for pid in proxy.pids)


def rss(proxy):
    return sum(rss_kib(pid) for pid in proxy.pids)


def memory(make):
    """Connections that end in every state."""
    with farm_of(any_echo) as (_, backends), make(addresses(backends)) as proxy:
        start = rss(proxy)
        Play(proxy.port, 500).run()
        Play(proxy.port, 2000).run()
        time.sleep(5)
        return f"{start} KiB at the start, {rss(proxy)} KiB 5 s after 2,500 connections"


ROWS = {
    "one of four backends refuses": lambda make: with_bad(make, refusing),
    "one accepts no more (queue full)": lambda make: with_bad(make, stuck),
    "one's packets vanish": vanished,
    "one accepts and is silent": lambda make: with_bad(make, silent),
    "one resets after accept": lambda make: with_bad(make, resetting),
    "the end under load": drain,
    "256 descriptors, 300 clients": descriptors,
    "16 local ports, 48 clients": local_ports,
    "memory after connections in every state": memory,
}


def seen(row, make):
    try:
        return row(make)
    except Exception as error:  # noqa: B902  one proxy's trouble is a cell of the table
        return f"no answer: {type(error).__name__} {str(error).splitlines()[:1]}"


def lines(chosen):
    heads = [f"{NAMES[name]} {PROXIES[name].version()}" for name in chosen]
    yield (f"Seen on {datetime.date.today()}, Linux {os.uname().release}, {os.cpu_count()} CPUs; "
           f"{SERVED} new connections, {RATE} a second, in the first rows.\n")
    yield f"| torture | {' | '.join(heads)} |\n|{' --- |' * (len(heads) + 1)}"
    for title, row in ROWS.items():
        yield f"| {title} | {' | '.join(seen(row, PROXIES[name]) for name in chosen)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readme", action="store_true", help="only copy the table to README.md")
    parser.add_argument("names", nargs="*", choices=[[], *PROXIES], metavar="PROXY")
    options = parser.parse_args()
    if options.readme:
        readme = ROOT / "README.md"
        return readme.write_text(
            between_markers(readme.read_text(), FOUND.read_text(), BEGIN, END))
    chosen = options.names or list(PROXIES)
    found = []
    for line in lines(chosen):
        print(line, flush=True)
        found.append(line)
    if chosen == list(PROXIES):
        FOUND.parent.mkdir(parents=True, exist_ok=True)
        FOUND.write_text("\n".join(found) + "\n")


if __name__ == "__main__":
    main()
