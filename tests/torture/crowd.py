"""A crowd of clients in one event loop: new connections at a steady rate, streams that stay."""

import asyncio
import contextlib
import random
import threading
import time
from collections import Counter

from amounts import SEED
from clients import LOCAL
from waiting import eventually, patience

AT_ONCE_MAX = 100  # new connections; a slow machine gets fewer a second, not ever more at once
BYTES_MAX = 20_000
STREAM_PAUSE = 0.5
PATIENCE_SECONDS = 60.0
TROUBLE = (OSError, EOFError, AssertionError)  # TimeoutError is an OSError
_BYTES = random.Random(SEED).randbytes(4 * BYTES_MAX)


class Stream:
    """One long-lived connection. `end` says how it ended unasked, `ended_at` when."""

    def __init__(self, backend):
        self.backend, self.rounds, self.end, self.ended_at = backend, 0, None, None


class Crowd:
    """Clients of backends with the habit `name_then_echo`; a context manager.

    `served` new connections had their bytes back whole; `failures` are (when, what) of those that
    had not, `seconds` how long each that was served waited for its backend's name. `streams` are
    all there ever were; one that ends unasked is replaced. A client gives up after `give_up`.
    """

    def __init__(self, port, rate, streams=0, give_up=PATIENCE_SECONDS):
        self._port, self._rate, self._streams_wanted = port, rate, streams
        self._give_up = give_up * patience()
        self.served, self.names = 0, Counter()
        self.failures, self.seconds, self.streams = [], [], []
        self._random = random.Random(SEED)
        self._paused, self._starting = False, 0  # clients that do not know their backend yet
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        """Every exchange that has begun ends, streams with the round they are in."""
        self._over.set()
        self._thread.join(2 * self._give_up)
        assert not self._thread.is_alive(), "a client hangs"

    @contextlib.contextmanager
    def paused(self):
        """Nobody is about to be served: a listener that closes now loses no connection of which a
        proxy knows only that it is established."""
        self._paused = True
        try:
            eventually(lambda: self._starting == 0, 60, "nobody waits for a backend")
            yield
        finally:
            self._paused = False

    @property
    def living(self):
        return [stream for stream in self.streams if stream.end is None]

    def more(self, wanted, failing=False):
        """Until `wanted` more new connections were served, without a failure unless `failing`."""
        goal = self.served + wanted
        eventually(lambda: self.served >= goal or (self.failures and not failing), 60,
                   f"{wanted} more served", every=0.02)
        assert failing or not self.failures, self.failures[:5]

    def all_there(self):
        """Until every stream talks to a backend."""
        eventually(lambda: len([one for one in self.living if one.rounds])
                   >= self._streams_wanted, 30, "all streams talk", every=0.05)

    # -- in the event loop ----------------------------------------------------------------------

    async def _run(self):
        staying = [asyncio.create_task(self._stay()) for _ in range(self._streams_wanted)]
        visiting = set()
        due = time.monotonic()
        while not self._over.is_set():
            if self._rate and time.monotonic() >= due and len(visiting) < AT_ONCE_MAX:
                due = max(due + 1 / self._rate, time.monotonic() - 0.1)
                visitor = asyncio.create_task(self._visit())
                visiting.add(visitor)
                visitor.add_done_callback(visiting.discard)
            else:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0)
        await asyncio.gather(*staying, *visiting)

    async def _exchange(self, reader, writer):
        """Some bytes there and back."""
        size = self._random.randrange(1, BYTES_MAX)
        start = self._random.randrange(BYTES_MAX)
        data = _BYTES[start:start + size]
        writer.write(data)
        assert await reader.readexactly(size) == data, "other bytes came back"

    async def _admitted(self):
        self._starting += 1
        while self._paused:
            self._starting -= 1
            await asyncio.sleep(0.01)
            self._starting += 1

    @contextlib.asynccontextmanager
    async def _connected(self):
        """The backend's name, how long it took to come, and the connection's two sides."""
        writer = None
        await self._admitted()
        try:
            try:
                start = time.monotonic()
                reader, writer = await asyncio.open_connection(LOCAL, self._port)
                line = await reader.readline()
            finally:
                self._starting -= 1
            assert line.endswith(b"\n"), "ended before the name"
            yield line.decode().strip(), time.monotonic() - start, reader, writer
        finally:
            if writer:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _visit(self):
        try:
            async with asyncio.timeout(self._give_up), self._connected() as (name, waited, *sides):
                await self._exchange(*sides)
            self.served += 1
            self.names[name] += 1
            self.seconds.append(waited)
        except TROUBLE as error:
            self.failures.append((time.monotonic(), repr(error)))

    async def _stay(self):
        await asyncio.sleep(self._random.random() * STREAM_PAUSE)
        while not self._over.is_set():
            stream = None
            try:
                async with self._connected() as (name, _, *sides):
                    stream = Stream(name)
                    self.streams.append(stream)
                    await self._talk(stream, sides)
            except TROUBLE as error:
                if stream is None:
                    self.failures.append((time.monotonic(), f"a stream's start: {error!r}"))
                    await asyncio.sleep(STREAM_PAUSE)
                else:
                    stream.end, stream.ended_at = repr(error), time.monotonic()

    async def _talk(self, stream, sides):
        while not self._over.is_set():
            async with asyncio.timeout(self._give_up):
                await self._exchange(*sides)
            stream.rounds += 1
            # Between rounds nothing is on its way: what ends the stream now is heard at once.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STREAM_PAUSE):
                    assert await sides[0].read(1), "ended between two rounds"
                    raise AssertionError("bytes nobody asked for")
