"""Clients: plain blocking sockets with timeouts, and what tests ask of them."""

import contextlib
import socket
import struct
import threading
from collections import Counter

from waiting import eventually, patience

LOCAL = "127.0.0.1"


def connect(port, host=LOCAL, timeout=15.0):
    made = socket.create_connection((host, port), timeout * patience())
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def read_all(sock):
    """To the other end's FIN."""
    parts = []
    while data := sock.recv(65536):
        parts.append(data)
    return b"".join(parts)


def read_line(sock):
    line = bytearray()
    while not line.endswith(b"\n"):
        data = sock.recv(1)
        assert data, f"the connection ended within a line: {bytes(line)!r}"
        line += data
    return line.decode().strip()


def ask_name(port, host=LOCAL, timeout=15.0):
    """The name of the backend behind one new connection (habit `identify` or `name_then_echo`)."""
    with connect(port, host, timeout) as sock:
        return read_line(sock)


def names(port, count, host=LOCAL):
    """How often each backend answered `count` new connections."""
    return Counter(ask_name(port, host) for _ in range(count))


def wait_for_names(port, *wanted):
    """Until exactly these backends answer; a client that comes too early is reset."""
    def answers():
        try:
            return set(names(port, 12 * len(wanted)))
        except ConnectionError:
            return None
    eventually(lambda: answers() == set(wanted), 15, f"answers from exactly {wanted}", every=0.05)


def echo_once(sock, data):
    """Sends and expects the same back."""
    sock.sendall(data)
    got = bytearray()
    while len(got) < len(data):
        piece = sock.recv(len(data) - len(got))
        assert piece, "the echo ended early"
        got += piece
    assert bytes(got) == data


def reset_close(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def was_refused(port, host=LOCAL):
    """True when a connect is answered with RST at once."""
    try:
        connect(port, host).close()
    except ConnectionRefusedError:
        return True
    return False


def ended(sock):
    """True when the other end closed or reset a silent connection; waits its timeout for it."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def turned_away(port, host=LOCAL):
    """True when a new connection is closed or reset without a byte; the reset may already meet the
    connect, which the kernel's backlog completed."""
    try:
        with connect(port, host) as sock:
            return ended(sock)
    except ConnectionResetError:
        return True


def how_it_ends(port, data, host=LOCAL):
    """Sends on a new connection and reads to the end: "fin", or "reset" if it was cut at any point,
    be it within the connect."""
    try:
        with connect(port, host) as sock:
            sock.sendall(data)
            read_all(sock)
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    return "fin"


@contextlib.contextmanager
def connections(port, count, host=LOCAL):
    """`count` open connections, closed at the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(port, host)) for _ in range(count)]


def together(functions):
    """Runs functions on threads of their own at the same time; their results, in order. The first
    exception is raised here."""
    results, errors = [None] * len(functions), []

    def run(index, function):
        try:
            results[index] = function()
        except BaseException as error:  # noqa: B902  handed over to the caller's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
