"""HTTP/1.1 server side: raw requests in, replies out, among them such as no honest server gives.

One `Connection` per accepted socket, requests on it one after another. A handler gets a `Request`
and returns a `Reply` at once; waiting, streaming and breaking are properties of the reply.
"""

import asyncio
import itertools
import socket
import struct
import uuid
from http import HTTPStatus

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024  # a whole state with thousands of tasks comes as one body
MAX_WAITING_BYTES = 1024 * 1024  # pipelined bytes kept while a request is being answered
RESET_DELAY_SECONDS = 0.05  # lets the peer's kernel take the bytes sent before the RST
REASONS = {status.value: status.phrase for status in HTTPStatus}


class Request:
    """One request exactly as received: `headers` are (name, value) byte pairs, values untrimmed."""

    __slots__ = ("method", "target", "headers", "body", "connection")

    def __init__(self, method, target, headers, body, connection):
        self.method, self.target, self.headers = method, target, headers
        self.body, self.connection = body, connection

    @property
    def path(self):
        return self.target.partition(b"?")[0].decode("latin-1")

    @property
    def query(self):
        return self.target.partition(b"?")[2].decode("latin-1")

    def values(self, name):
        """All values of a header, trimmed, in the order sent."""
        wanted = name.lower().encode()
        return [value.strip().decode("latin-1") for key, value in self.headers
                if key.lower() == wanted]

    def header(self, name):
        found = self.values(name)
        return found[0] if found else None


class Reply:
    """What to send and how. `stream`, if set, is (length, iterable of bytes) in place of `body`."""

    __slots__ = ("status", "headers", "body", "stream", "delay_ms", "stuck", "reset", "truncate",
                 "reset_after_bytes", "chunked", "close", "close_silently", "on_done")

    def __init__(self, status=200, body=b"", content_type=None, headers=None):
        self.status, self.body = status, body
        self.headers = {"Content-Type": content_type} if content_type else {}
        if headers:
            self.headers.update(headers)
        self.stream = None
        self.delay_ms = 0
        self.stuck = self.reset = self.chunked = self.close = self.close_silently = False
        self.truncate = self.reset_after_bytes = None
        self.on_done = None


class Listener:
    """Counters and handler of one listening port."""

    def __init__(self, name, handler, clock):
        self.name, self.handler, self.clock = name, handler, clock
        self.open = 0
        self.reset_counters()

    def reset_counters(self):
        self.connections = self.requests = self.bytes_in = self.bytes_out = 0

    def counters(self):
        return {"connections": self.connections, "open": self.open, "requests": self.requests,
                "bytes_in": self.bytes_in, "bytes_out": self.bytes_out}


class BadRequest(Exception):
    """Not HTTP as this server reads it; the connection is closed after a 400."""


def parse_head(head):
    """(method, target, headers) of the bytes before the empty line. Raises BadRequest."""
    lines = head.split(b"\r\n")
    method, _, rest = lines[0].partition(b" ")
    target, _, version = rest.rpartition(b" ")
    if not method or not target or version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest("bad request line")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise BadRequest("bad header line")  # folded ones land here too: RFC 9112 section 5.2
        headers.append((name, value))
    return method.decode("latin-1"), target, headers


class Connection(asyncio.Protocol):
    """One accepted connection. `_busy` while a request is answered, so answers keep order."""

    _ids = itertools.count(1)

    def __init__(self, listener):
        self._listener = listener
        self._buffer = bytearray()
        self._head = None  # (method, target, headers, body length) while the body is awaited
        self._busy = self._pumping = self._paused = self._lost = False
        self._reply = None
        self._pieces = None
        self._ending = None
        self.id = next(self._ids)

    def connection_made(self, transport):
        self._transport = transport
        self._listener.connections += 1
        self._listener.open += 1

    def connection_lost(self, exc):
        self._lost = True
        self._listener.open -= 1
        self._done(self._reply)

    def data_received(self, data):
        self._listener.bytes_in += len(data)
        self._buffer += data
        if self._busy and len(self._buffer) > MAX_WAITING_BYTES:
            self._transport.pause_reading()
        self._pump()

    def pause_writing(self):
        self._paused = True

    def resume_writing(self):
        self._paused = False
        if self._pieces is not None:
            self._feed()

    def _pump(self):
        if self._pumping:
            return
        self._pumping = True
        while not self._busy and not self._lost and not self._transport.is_closing():
            try:
                request = self._next_request()
            except BadRequest as problem:
                reply = Reply(400, str(problem).encode(), "text/plain")
                reply.close = True
                self._busy = True
                self._send(reply)
                break
            if request is None:
                break
            self._busy = True
            self._listener.requests += 1
            reply = self._listener.handler(request)
            if (request.header("connection") or "").lower() == "close":
                reply.close = True
            self._send(reply)
        self._pumping = False

    def _next_request(self):
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end == -1:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    raise BadRequest("request head too long")
                return None
            method, target, headers = parse_head(bytes(self._buffer[:end]))
            del self._buffer[:end + 4]
            self._head = (method, target, headers, self._body_length(headers))
        method, target, headers, length = self._head
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._head = None
        return Request(method, target, headers, body, self)

    def _body_length(self, headers):
        lengths = set()
        for name, value in headers:
            name = name.lower()
            if name == b"content-length":
                lengths.add(value.strip())
            elif name == b"transfer-encoding":
                raise BadRequest("chunked requests are not taken")
            elif name == b"expect" and value.strip().lower() == b"100-continue":
                self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not lengths:
            return 0
        text = lengths.pop()
        if lengths or not text.isdigit() or int(text) > MAX_BODY_BYTES:
            raise BadRequest("bad Content-Length")
        return int(text)

    # -- answering ------------------------------------------------------------------------------

    def _send(self, reply):
        self._reply = reply
        if reply.delay_ms:
            asyncio.get_running_loop().call_later(reply.delay_ms / 1000, self._start, reply)
        else:
            self._start(reply)

    def _start(self, reply):
        if self._lost or reply.stuck:  # stuck: stays busy until the peer gives up
            return
        if reply.reset:
            return self._reset()
        length, pieces = reply.stream or (len(reply.body), (reply.body,))
        if reply.chunked:
            pieces = itertools.chain(chunked(pieces), (b"0\r\n\r\n",))
        pieces = itertools.chain((self._head_bytes(reply, length),), pieces)
        if reply.reset_after_bytes is not None:
            pieces = first_bytes(pieces, reply.reset_after_bytes)
            self._ending = self._reset_soon
        elif reply.truncate is not None and reply.truncate < length:
            head = next(pieces)
            pieces = itertools.chain((head,), first_bytes(pieces, reply.truncate))
            self._ending = self._transport.close
        elif reply.close or reply.close_silently:
            self._ending = self._transport.close
        self._pieces = iter(pieces)
        self._feed()

    def _head_bytes(self, reply, length):
        fields = {"Date": self._listener.clock.http_date(), "x-amzn-RequestId": str(uuid.uuid4())}
        if reply.chunked:
            fields["Transfer-Encoding"] = "chunked"
        else:
            fields["Content-Length"] = str(length)
        if reply.close:
            fields["Connection"] = "close"
        fields.update(reply.headers)
        lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _feed(self):
        """Writes pieces until the peer is slow or all are out."""
        for piece in self._pieces:
            if self._lost:
                return
            self._write(piece)
            if self._paused:
                return
        self._pieces = None
        self._done(self._reply)
        if self._ending:  # stays busy: nothing more is read from a connection that is to end
            return self._ending()
        self._busy = False
        self._transport.resume_reading()
        self._pump()

    def _write(self, data):
        self._listener.bytes_out += len(data)
        self._transport.write(data)

    def _done(self, reply):
        self._reply = None
        if reply is not None and reply.on_done is not None:
            reply.on_done()

    def _reset_soon(self):
        self._transport.pause_reading()
        asyncio.get_running_loop().call_later(RESET_DELAY_SECONDS, self._reset)

    def _reset(self):
        if self._lost:
            return
        # linger 0 makes the close an RST: socket(7)
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def first_bytes(pieces, limit):
    for piece in pieces:
        if limit <= 0:
            return
        yield piece[:limit]
        limit -= len(piece)


def chunked(pieces):
    """The pieces as HTTP chunks whose borders fall into odd places."""
    size = 1
    for piece in pieces:
        start = 0
        while start < len(piece):
            part = piece[start:start + size]
            yield b"%x\r\n%b\r\n" % (len(part), part)
            start += size
            size = min(size * 7 + 3, 65536)
