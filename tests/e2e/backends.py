"""Backends on 127.0.0.x, each with a habit: the other end of what the kite forwards.

All run in one asyncio loop on a thread of their own; a habit is `async def habit(backend, reader,
writer)` and owns the connection.
"""

import asyncio
import contextlib
import itertools
import socket
import struct
import threading

_names = itertools.count(1)


class Backend:
    """One listening backend and what it saw. `received` keeps what each finished reading got."""

    def __init__(self, farm, listener, habit, name):
        self.host, self.port = listener.getsockname()[:2]
        self.name = name or f"backend-{next(_names)}"
        self.accepted = 0
        self.received, self.ends = [], []
        self.writers = set()
        self.release = asyncio.Event()  # what habits that wait are waiting for
        self._farm, self._listener, self._habit = farm, listener, habit
        self._server = None

    def __repr__(self):
        return f"Backend({self.name}, {self.host}:{self.port}, accepted={self.accepted})"

    async def _open(self):
        self._server = await asyncio.start_server(self._serve, sock=self._listener, backlog=4096)

    async def _serve(self, reader, writer):
        self.accepted += 1
        self.writers.add(writer)
        try:
            await self._habit(self, reader, writer)
            self.ends.append("done")
        except (ConnectionError, TimeoutError) as error:
            self.ends.append(type(error).__name__)
        finally:
            self.writers.discard(writer)
            with contextlib.suppress(ConnectionError):
                writer.close()

    def stop_listening(self):
        """New connections are refused from now on; those that are open go on."""
        self._farm.call(self._server.close)

    def let_go(self):
        """Releases the habits that wait."""
        self._farm.call(self.release.set)

    def close_connections(self):
        self._farm.call(lambda: [writer.close() for writer in list(self.writers)])

    def reset_connections(self):
        self._farm.call(lambda: [reset(writer) for writer in list(self.writers)])

    @property
    def open(self):
        return len(self.writers)


class Farm:
    """Runs the backends. `serve()` may be called from any thread."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.backends = []

    def call(self, function):
        """Runs a function on the farm's thread and returns its value."""
        async def run():
            return function()
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def serve(self, habit, host="127.0.0.2", port=0, name=None):
        """Starts a backend. The listening socket is made here, so it belongs to the caller's
        network namespace."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(4096)
        listener.setblocking(False)
        backend = Backend(self, listener, habit, name)
        asyncio.run_coroutine_threadsafe(backend._open(), self._loop).result(10)
        self.backends.append(backend)
        return backend

    def close(self):
        for backend in self.backends:
            backend.stop_listening()
            backend.let_go()
            backend.reset_connections()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def reset(writer):
    """Ends a connection with RST."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() != -1:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# -- habits ---------------------------------------------------------------------------------------

async def identify(backend, reader, writer):
    """Says its name and closes: the server that speaks first."""
    writer.write(backend.name.encode() + b"\n")
    await writer.drain()


async def echo(backend, reader, writer):
    """Sends back what comes, until the end."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def name_then_echo(backend, reader, writer):
    """A banner, then an echo: a connection that knows whom it reached."""
    writer.write(backend.name.encode() + b"\n")
    await echo(backend, reader, writer)


async def hold(backend, reader, writer):
    """Says nothing until the client is done."""
    backend.received.append(await reader.read(-1))


async def late_answer(backend, reader, writer):
    """Reads to the client's FIN, waits to be released, then answers with the size it got."""
    data = await reader.read(-1)
    backend.received.append(data)
    await backend.release.wait()
    writer.write(b"%d bytes, late\n" % len(data))
    await writer.drain()


async def early_close(backend, reader, writer):
    """Half-closes at once with a farewell, then reads to the client's end."""
    writer.write(b"farewell\n")
    writer.write_eof()
    backend.received.append(await reader.read(-1))


async def reset_at_once(backend, reader, writer):
    """RST after accept, before a byte."""
    reset(writer)


async def reset_after_request(backend, reader, writer):
    """RST after the first bytes from the client."""
    await reader.read(65536)
    reset(writer)


async def slow_reader(backend, reader, writer):
    """Reads nothing until released; then all."""
    writer.transport.pause_reading()
    await backend.release.wait()
    writer.transport.resume_reading()
    total = 0
    while data := await reader.read(65536):
        total += len(data)
    writer.write(b"%d\n" % total)
    await writer.drain()


class DeadBackend:
    """An address where a connect neither succeeds nor fails: the accept queue is full and stays so.

    Source: listen(2); with tcp_abort_on_overflow off the kernel drops the SYN.
    """

    def __init__(self, host="127.0.0.2", port=0):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(0)
        self.host, self.port = self._listener.getsockname()
        self._fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self._fillers.append(filler)

    def close(self):
        for filler in self._fillers:
            filler.close()
        self._listener.close()
