"""Waiting for the kernel or another process: conditions with deadlines, and free ports.

`patience()` stretches every deadline when the program under test is a sanitizer build.
"""

import os
import random
import socket
import time


def patience():
    """How much slower than a release build the program under test may be."""
    return 4.0 if "asan" in os.environ.get("KITE_BINARY", "") else 1.0


def eventually(condition, timeout=10.0, what="the condition", every=0.01):
    """Asks until `condition()` is true and returns its value; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout * patience()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true in {timeout} s"
        time.sleep(every)


def holds(condition, seconds, what="the condition", every=0.02):
    """Asserts that `condition()` stays true for `seconds`: how to see that nothing happens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"{what} did not stay true for {seconds} s"
        time.sleep(every)


_given = set()


def free_port():
    """A port that nobody uses on any local address, below the kernel's ephemeral range: no outgoing
    connection can take it meanwhile, and no test gets the same one twice."""
    while True:
        port = random.randrange(18000, 32000)
        if port in _given:
            continue
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                probe.bind(("::", port))
        except OSError:
            continue
        _given.add(port)
        return port
