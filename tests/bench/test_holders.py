"""The holders of connections and the measures, on real sockets without any proxy."""

import os
import socket
import threading

import measures
import memory
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


def test_the_rollup_of_a_process_is_its_resident_set():
    rss, pss = memory.rollup_bytes([os.getpid()])
    twice, _ = memory.rollup_bytes([os.getpid(), os.getpid()])
    assert 0 < pss <= rss
    assert twice > 1.5 * rss


def test_the_disk_of_files_is_their_sum(tmp_path):
    (tmp_path / "zeros").write_bytes(bytes(100_000))
    (tmp_path / "noise").write_bytes(os.urandom(50_000))
    plain, packed = measures.disk([tmp_path / "zeros", tmp_path / "noise"])
    assert plain == 150_000
    assert 50_000 < packed < 60_000


def test_the_libraries_of_a_program_are_found_behind_their_links():
    files = measures.files_of("/bin/sh")
    assert any("libc" in file for file in files)
    assert all(os.path.isfile(file) and not os.path.islink(file) for file in files)
