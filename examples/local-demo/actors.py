"""The demo's cast: tasks that answer with their name, and clients that never stop asking."""

import collections
import contextlib
import socket
import socketserver
import threading

ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


class Task:
    """One container that serves: a small HTTP server that says who it is."""

    def __init__(self, name, note, host, port=0):
        self.name, self.note, self.host = name, note, host

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                request = b""
                while b"\r\n\r\n" not in request:
                    data = self.request.recv(4096)
                    if not data:
                        return
                    request += data
                self.request.sendall(ANSWER.format(len(name), name).encode())

        self._server = _Server((host, port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    def stop(self):
        """The container ends: what it was asked is answered, new connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Clients:
    """`count` clients, each asking again and again on a new connection.

    `phase` counts answers by task since the last new_phase(); `failures` keeps what went wrong.
    """

    def __init__(self, port, count):
        self._port = port
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.phase = collections.Counter()
        self.answers, self.failures = 0, []
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(count)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def finish(self):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def new_phase(self):
        """Starts counting anew."""
        with self._lock:
            self.phase = collections.Counter()

    def counted(self):
        with self._lock:
            return collections.Counter(self.phase)

    def _ask_on(self):
        while not self._over.wait(0.02):
            try:
                name = self._ask()
            except (OSError, ValueError) as error:
                with self._lock:
                    self.failures.append(f"{type(error).__name__}: {error}")
                continue
            with self._lock:
                self.answers += 1
                self.phase[name] += 1

    def _ask(self):
        with contextlib.closing(socket.create_connection(("127.0.0.1", self._port), 5)) as asked:
            asked.sendall(b"GET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n")
            answer = b""
            while data := asked.recv(4096):
                answer += data
        head, separator, name = answer.partition(b"\r\n\r\n")
        if not separator or not head.startswith(b"HTTP/1.1 200"):
            raise ValueError(f"not an answer: {answer[:60]!r}")
        return name.decode()
