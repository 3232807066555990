"""A TLS server in front of a plain one: what a test wants of TLS, the fake AWS does not offer."""

import asyncio
import ssl
import threading


def context(certificate, key, version=None, ciphers=None, group=None):
    """A server's settings; `version` pins one, the other arguments leave one choice each."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    if ciphers:
        made.set_ciphers(ciphers)
    if version:
        made.minimum_version = made.maximum_version = version
    if group:
        made.set_ecdh_curve(group)
    return made


class TlsFront:
    """Accepts TLS on 127.0.0.1:`port` and forwards to `backend_port` there; a context."""

    def __init__(self, settings, backend_port):
        self._backend_port = backend_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._loop.set_exception_handler(lambda *_: None)  # refused handshakes are no news here
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=settings), self._loop)
        self.port = listening.result(10).sockets[0].getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader, writer):
        inward = await asyncio.open_connection("127.0.0.1", self._backend_port)
        await asyncio.gather(self._copy(reader, inward[1]), self._copy(inward[0], writer))

    @staticmethod
    async def _copy(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()
