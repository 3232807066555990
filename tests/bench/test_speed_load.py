"""The load program itself: it must pass an honest relay and convict one that is not."""

import json
import socket
import subprocess
import threading

import pytest

from e2e.waiting import free_port
from speed_load import LOAD, Server, at

BULK = {name: ("bulk", f"-direction={name}", "-connections=2") for name in ("down", "up", "echo")}
EXCHANGES = {"exchange": ("exchange", "-connections=3", "-bytes=2000"),
             "connect": ("connect", "-connections=3", "-bytes=2000")}
EVERY = {**BULK, **EXCHANGES}


def honest(_, data):
    return data


class Spoiler:
    """Passes bytes on, but spoils one piece: the first to reach beyond a connection's `offset`."""

    def __init__(self, direction, spoil, offset):
        self.direction, self.spoil, self.offset = direction, spoil, offset
        self._lock, self._done = threading.Lock(), False
        self._seen = {}

    def __call__(self, stream, data):
        with self._lock:
            before = self._seen.get(stream, 0)
            self._seen[stream] = before + len(data)
            if self._done or stream[1] != self.direction or before + len(data) <= self.offset:
                return data
            self._done = True
            return self.spoil(data)


def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def shortened(data):
    return data[:-1]


class Relay:
    """A simple TCP relay whose bytes go through `change((connection, direction), data)`."""

    def __init__(self, backend, change):
        self._backend, self._change, self._count = backend, change, 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            backend = socket.create_connection(self._backend)
            self._count += 1
            for source, sink, name in ((client, backend, "up"), (backend, client, "down")):
                threading.Thread(target=self._pump, daemon=True,
                                 args=(source, sink, (self._count, name))).start()

    def _pump(self, source, sink, stream):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(self._change(stream, data))
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for one in (source, sink):
                one.close()


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


def run(arguments, server, change):
    with Relay(server.backends[0], change) as relay:
        return subprocess.run([LOAD, *arguments, *at([relay.address]), "-seconds=0.2",
                               "-warm-up=0"], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("name", EVERY)
def test_an_honest_relay_passes(server, name):
    said = run(EVERY[name], server, honest)
    assert said.returncode == 0, said.stderr
    assert '"failures": 0' in said.stdout
    assert '"bytes": 0' not in said.stdout or '"exchanges": 0' not in said.stdout


BULK_WAYS = [("down", "down"), ("up", "up"), ("echo", "up"), ("echo", "down")]
EXCHANGE_WAYS = [("exchange", "up"), ("exchange", "down"), ("connect", "up"), ("connect", "down")]


@pytest.mark.parametrize("name, direction, spoil", [
    *((*way, flipped) for way in BULK_WAYS + EXCHANGE_WAYS),
    *((*way, shortened) for way in BULK_WAYS + EXCHANGE_WAYS[:1])])
def test_one_spoilt_byte_is_found(server, name, direction, spoil):
    spoiler = Spoiler(direction, spoil, 1000)
    said = run(EVERY[name], server, spoiler)
    assert said.returncode != 0 or json.loads(said.stdout)["failures"] > 0, said.stdout


def test_bytes_of_two_connections_swapped_are_found(server):
    held = []

    def swap(stream, data):
        """The second connection's answer goes to the first, too."""
        if stream[1] == "down":
            held.append(data)
            return held[0][:len(data)]
        return data

    said = run(EXCHANGES["exchange"], server, swap)
    assert said.returncode != 0 or json.loads(said.stdout)["failures"] > 0, said.stdout


def test_nobody_listening_is_a_failure():
    said = subprocess.run([LOAD, *EXCHANGES["connect"], *at([("127.0.0.1", free_port())]),
                           "-seconds=0.2"], capture_output=True, text=True, timeout=30)
    assert said.returncode == 1 and not said.stdout


def test_a_fixed_rate_begins_no_more_than_it_says(server):
    said = subprocess.run([LOAD, "connect", "-bytes=100", "-rate=50", *at(server.backends),
                           "-seconds=0.4", "-warm-up=0"], capture_output=True, text=True,
                          timeout=30, check=True)
    figures = json.loads(said.stdout)
    assert 0 < figures["exchanges"] <= 0.4 * 50 + 1
    assert figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"] <= figures["max_us"]
