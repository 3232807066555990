"""Connections that end in every state a client can leave one in, from a seed.

The first bytes of a connection say where in the common bytes its stream starts, so the backend can
tell of each piece whether it is what was sent, however early the stream ends.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter

from amounts import SEED
from clients import LOCAL, reset_close
from waiting import patience

AT_ONCE = 100
SIZE_MAX = 200_000
COMMON = random.Random(SEED).randbytes(2 * SIZE_MAX)
HEAD = struct.Struct("!I")
TCP_REPAIR = 19  # linux/tcp.h; a socket that is closed in this state says nothing to its peer
SECONDS_MAX = 60.0


async def checked_echo(backend, reader, writer):
    """Sends back what comes; counts bytes that are not what the client's stream has there."""
    at = HEAD.unpack(await reader.readexactly(HEAD.size))[0]
    while data := await reader.read(65536):
        backend.wrong = getattr(backend, "wrong", 0) + (data != COMMON[at:at + len(data)])
        at += len(data)
        writer.write(data)
        await writer.drain()


async def any_echo(backend, reader, writer):
    """The same, for which connections without a byte are no error."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        await checked_echo(backend, reader, writer)


class Client:
    """One connection; `dice` decide sizes."""

    def __init__(self, sock, dice):
        self._loop, self.sock, self._dice = asyncio.get_running_loop(), sock, dice
        self.start = dice.randrange(SIZE_MAX)
        self.size = min(SIZE_MAX, int(dice.paretovariate(0.6) * 100))
        self._data = COMMON[self.start:self.start + self.size]

    async def send(self, part=1.0):
        await self._loop.sock_sendall(self.sock, HEAD.pack(self.start))
        await self._loop.sock_sendall(self.sock, self._data[:int(self.size * part)])

    async def receive(self, size):
        got = bytearray()
        while len(got) < size and (data := await self._loop.sock_recv(self.sock, 65536)):
            got += data
        return got

    # -- the states -----------------------------------------------------------------------------

    async def says_nothing(self):
        """Open, and closed."""

    async def half_closes(self):
        """The answer is read after the own end was sent."""
        sending = asyncio.create_task(self.send())
        sending.add_done_callback(lambda _: self.sock.shutdown(socket.SHUT_WR))
        assert await self.receive(SIZE_MAX + 1) == self._data, "other bytes came back"
        await sending

    async def resets_in_the_middle(self):
        await self.send(self._dice.random())
        reset_close(self.sock)

    async def resets_while_it_reads(self):
        sending = asyncio.create_task(self.send())
        got = await self.receive(self.size // 2)
        assert got == self._data[:len(got)], "other bytes came back"
        sending.cancel()
        await asyncio.wait([sending])
        reset_close(self.sock)

    async def never_reads(self):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self.send()
        await asyncio.sleep(self._dice.random() / 5)

    async def vanishes(self):
        """Half-open: the peer is not told. Where that is not permitted, a close."""
        await self.send(0.1)
        with contextlib.suppress(PermissionError):
            self.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)


STATES = (Client.says_nothing, Client.half_closes, Client.resets_in_the_middle,
          Client.resets_while_it_reads, Client.never_reads, Client.vanishes)


class Play:
    """`count` connections, `AT_ONCE` at a time. `seen` counts the states, `failures` what was not
    as it should be."""

    def __init__(self, port, count, seed=SEED):
        self._port, self._left = port, count
        self._dice = random.Random(seed)
        self.seen, self.failures = Counter(), []

    def run(self):
        asyncio.run(self._run())
        assert not self.failures, self.failures[:5]
        return self

    async def _run(self):
        await asyncio.gather(*(self._play() for _ in range(AT_ONCE)))

    async def _play(self):
        while self._left > 0:
            self._left -= 1
            state = self._dice.choice(STATES)
            try:
                async with asyncio.timeout(SECONDS_MAX * patience()):
                    await self._one(state)
                self.seen[state.__name__] += 1
            except (OSError, AssertionError) as error:
                self.failures.append(f"{state.__name__}: {error!r}")

    async def _one(self, state):
        with socket.socket() as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (LOCAL, self._port))
            await state(Client(sock, self._dice))
