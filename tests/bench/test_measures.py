"""The measures and what they read from the kernel, without any proxy."""

import os
import socket
import struct
import subprocess
import threading

import measures
import memory
import pytest
from memory import MemoryGroup


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


class LatePeer:
    """Listens from its start, resets its first connections, then echoes."""

    name = "late"

    def __init__(self, resets):
        self._resets = resets
        self.served = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = self._server.getsockname()
        self._thread = threading.Thread(target=self._serve)

    def prepare(self):
        assert not self._thread.ident

    def start(self):
        self._thread.start()

    def _serve(self):
        for turn in range(self._resets + 1):
            client, _ = self._server.accept()
            self.served += 1
            with client:
                if turn < self._resets:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    client.sendall(client.recv(1))

    def close(self):
        self._thread.join(10)
        self._server.close()


@pytest.mark.parametrize("resets", [0, 1, 5])
def test_the_first_byte_is_waited_for(resets):
    peer = LatePeer(resets)
    assert measures.first_byte_seconds(peer) > 0
    peer.close()
    assert peer.served == resets + 1


def test_going_first_ends_with_its_block():
    before = os.sched_getscheduler(0)
    with measures.undisturbed():
        pass
    assert os.sched_getscheduler(0) == before


@pytest.fixture
def group():
    made = MemoryGroup.make("kite-bench-test")
    if made is None:
        pytest.skip("no memory control group can be made here")
    with made:
        yield made


def run_in(group, code):
    """A Python process in the group, which goes on when a line comes."""
    return subprocess.Popen(["/usr/bin/python3", "-c", code], preexec_fn=group.join, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_group_is_charged_for_sockets(group):
    code = ("import socket; print(flush=True); input()\n"
            "kept = [socket.socket() for _ in range(800)]; print(flush=True); input()")
    with run_in(group, code) as made:
        made.stdout.readline()
        before = group.kernel_bytes()
        made.stdin.write("\n")
        made.stdin.flush()
        made.stdout.readline()
        assert group.kernel_bytes() - before > 800 * 500
        made.communicate("\n", timeout=10)
    assert group.peak_bytes() is None or group.peak_bytes() > 800 * 500


def test_a_limit_ends_who_goes_beyond(group):
    group.limit(30_000_000)
    with run_in(group, "print(len(bytes(1_000_000)))") as modest:
        assert modest.communicate(timeout=10)[0] == "1000000\n"
    with run_in(group, "print(len(b'x' * 60_000_000))") as greedy:
        assert greedy.communicate(timeout=30)[0] == ""
    assert greedy.returncode == -9
