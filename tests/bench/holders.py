"""The two ends of connections that are held open, each a process of its own, so that either has all
the descriptors it may have.

    with EchoServer() as server, Clients(proxy.address) as clients:
        clients.open(9000); ...; clients.close()

Run as a program, this file is one of the two processes: `echo`, or `clients HOST PORT`, which is
told what to do on standard input.
"""

import json
import resource
import select
import socket
import subprocess
import sys
import time

GREETING_BYTES = 64
PYTHON = "/usr/bin/python3"


# -- in the process of the bench -------------------------------------------------------------------


class Holder:
    """A process that answers each line of JSON with one. A context manager."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen([PYTHON, __file__, *map(str, arguments)], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.hello = self._answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a holder of connections ended: {self._process.wait()}")
        return json.loads(line)

    def ask(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()


class EchoServer(Holder):
    """Sends back what it gets, on `port` of every local address."""

    def __init__(self):
        super().__init__("echo")
        self.port = self.hello


class Clients(Holder):
    """Connections to one address. Every exchange is compared byte for byte."""

    def __init__(self, address):
        super().__init__("clients", *address)

    def open(self, total):
        """Until `total` are open, each with one exchange behind it."""
        return self.ask(do="open", total=total)

    def exchange(self, size):
        """`size` bytes there and back on every open connection, one after the other."""
        return self.ask(do="exchange", size=size)

    def busy(self, seconds, size=65536):
        """Bytes that came back in `seconds` of full traffic on all connections at once."""
        return self.ask(do="busy", seconds=seconds, size=size)

    def close(self):
        return self.ask(do="close")


# -- in the processes of their own -----------------------------------------------------------------


def say(value):
    print(json.dumps(value), flush=True)


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve_echo():
    """Until standard input ends."""
    listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    open_sockets, unsent = {}, {}
    say(listener.getsockname()[1])
    while True:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                return
            if number == listener.fileno():
                accept_all(listener, poll, open_sockets)
            elif not echo_some(open_sockets[number], poll, unsent):
                unsent.pop(number, None)
                open_sockets.pop(number).close()


def accept_all(listener, poll, open_sockets):
    try:
        while True:
            made, _ = listener.accept()
            made.setblocking(False)
            open_sockets[made.fileno()] = made
            poll.register(made, select.EPOLLIN)
    except BlockingIOError:
        return


def echo_some(one, poll, unsent):
    """Sends what waits, else reads and sends; False at the end of the connection."""
    number = one.fileno()
    try:
        data = unsent.pop(number, b"") or one.recv(65536)
        if not data:
            return False
        sent = one.send(data)
    except BlockingIOError:
        sent = 0
    except OSError:
        return False
    if sent < len(data):
        unsent[number] = data[sent:]
    poll.modify(number, select.EPOLLOUT if number in unsent else select.EPOLLIN)
    return True


def pattern(index, size):
    """Bytes that differ from connection to connection."""
    word = b"%08d," % index
    return (word * (size // len(word) + 1))[:size]


def receive(one, size):
    got = b""
    while len(got) < size:
        data = one.recv(size - len(got))
        if not data:
            raise ConnectionError(f"ended after {len(got)} of {size} bytes")
        got += data
    return got


def exchange(one, index, size):
    one.sendall(pattern(index, size))
    if receive(one, size) != pattern(index, size):
        raise ConnectionError(f"connection {index} brought other bytes back")


def keep_busy(clients, seconds, size):
    """One message under way on every connection; each that is back sends the next."""
    poll = select.epoll()
    by_number = {one.fileno(): (index, one) for index, one in enumerate(clients)}
    missing = {}
    for number, (index, one) in by_number.items():
        poll.register(number, select.EPOLLIN)
        one.sendall(pattern(index, size))
        missing[number] = size
    total, end = 0, time.monotonic() + seconds
    while missing:
        for number, _ in poll.poll():
            index, one = by_number[number]
            data = one.recv(missing[number])
            if not data:
                raise ConnectionError(f"connection {index} ended")
            offset = size - missing[number]
            if data != pattern(index, size)[offset:offset + len(data)]:
                raise ConnectionError(f"connection {index} brought other bytes back")
            total += len(data)
            missing[number] -= len(data)
            if missing[number] == 0 and time.monotonic() < end:
                one.sendall(pattern(index, size))
                missing[number] = size
            elif missing[number] == 0:
                del missing[number]
    return total


def run_clients(address):
    clients = []
    say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        match order.pop("do"):
            case "open":
                while len(clients) < order["total"]:
                    one = socket.create_connection(address, 30)
                    exchange(one, len(clients), GREETING_BYTES)
                    clients.append(one)
                say(len(clients))
            case "exchange":
                for index, one in enumerate(clients):
                    exchange(one, index, order["size"])
                say(len(clients))
            case "busy":
                say(keep_busy(clients, **order))
            case "close":
                for one in clients:
                    one.close()
                clients.clear()
                say(0)


if __name__ == "__main__":
    raise_descriptor_limit()
    if sys.argv[1] == "echo":
        serve_echo()
    else:
        run_clients((sys.argv[2], int(sys.argv[3])))
