"""An HTTP proxy that leads every name to 127.0.0.1: tunnels by CONNECT and plain requests."""

import base64
import socket
import threading
import urllib.parse


class ForwardProxy:
    """Listens on 127.0.0.1. `asked` is what was asked for so far: ("CONNECT", "host:port", user).

    With `login` ("user:password") it wants Basic authorization.
    """

    def __init__(self, login=None):
        self.login, self.asked = login, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets, self._lock, self._closed = [self._listener], threading.Lock(), False
        threading.Thread(target=self._accept, daemon=True).start()

    port = property(lambda self: self._listener.getsockname()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self._lock:
            self._closed = True
            sockets = list(self._sockets)
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:  # the peer was faster
                pass
            each.close()

    def url(self):
        return f"http://{self.login + '@' if self.login else ''}127.0.0.1:{self.port}"

    def _keep(self, made):
        with self._lock:
            if self._closed:
                made.close()
                raise OSError("closed")
            self._sockets.append(made)
        return made

    def _accept(self):
        try:
            while True:
                client = self._keep(self._listener.accept()[0])
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()
        except OSError:  # closed
            pass

    def _serve(self, client):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            self._forward(client, *head.split(b"\r\n\r\n", 1))
        except OSError:  # one of the two is gone
            pass
        finally:
            client.close()

    def _forward(self, client, head, rest):
        line, _, fields = head.partition(b"\r\n")
        method, target, _ = line.decode().split(" ")
        wanted = b"Basic " + base64.b64encode((self.login or "").encode())
        good = self.login is None or b"Proxy-Authorization: " + wanted in fields.split(b"\r\n")
        place = target if method == "CONNECT" else urllib.parse.urlsplit(target).netloc
        self.asked.append((method, place, good))
        if not good:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                           b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return
        server = self._keep(socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2]))))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            server.sendall(rest)
        else:  # the one request of this connection
            path = target[target.index(place) + len(place):] or "/"
            server.sendall(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n".encode() + fields +
                           b"\r\n\r\n" + rest)
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        pump(server, client)


def pump(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # closed by the other direction
        pass
