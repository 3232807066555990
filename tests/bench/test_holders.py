"""The holders of connections, on real sockets without any proxy between them."""

import socket
import threading

import pytest
from holders import Clients, EchoServer, pattern


def test_every_connection_gets_its_own_bytes_back():
    with EchoServer() as server, Clients(("127.0.0.1", server.port)) as clients:
        assert clients.open(50) == 50
        assert clients.open(60) == 60
        assert clients.exchange(200_000) == 60
        assert clients.busy(0.05) >= 60 * 65536
        assert clients.close() == 0
        assert clients.open(5) == 5


def test_bytes_of_another_connection_are_noticed(capfd):
    """A server that answers the first connection's bytes to all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            for _ in range(2):
                client, _ = server.accept()
                with client:
                    client.recv(64)
                    client.sendall(pattern(0, 64))
        thread = threading.Thread(target=serve)
        thread.start()
        with Clients(server.getsockname()) as clients:
            assert clients.open(1) == 1
            with pytest.raises(RuntimeError):
                clients.open(2)
        thread.join(10)
    assert "brought other bytes back" in capfd.readouterr().err


def test_patterns_differ_and_have_their_size():
    assert len({pattern(index, 64) for index in range(1000)}) == 1000
    assert {len(pattern(3, size)) for size in (1, 9, 64)} == {1, 9, 64}
