"""Clients that come before there is a backend, the drain at the end, sockets that are passed on."""

import signal
import socket
import sys
import threading
import time

import pytest
from backends import name_then_echo
from clients import LOCAL, ask_name, connect, echo_once, ended, read_line
from waiting import eventually, free_port

# Becomes the program, with a socket at descriptor 3 as systemd would pass it on.
PASS_ON = """
import os, sys
passed = int(sys.argv[1])
if passed != 3:
    os.dup2(passed, 3)
    os.close(passed)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Load:
    """Short exchanges on new connections, one after the other, until told to stop."""

    def __init__(self, port, host="127.0.0.1"):
        self.served, self.error = 0, None
        self._port, self._host = port, host
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._over.wait(0.01):
                with connect(self._port, self._host) as client:
                    read_line(client)
                    echo_once(client, b"question")
                self.served += 1
        except (OSError, AssertionError) as error:
            self.error = error

    def served_more(self, count):
        start = self.served
        eventually(lambda: self.error or self.served >= start + count, 20, f"{count} more served")
        assert self.error is None, self.error

    def finish(self):
        self._over.set()
        self._thread.join(20)
        assert self.error is None, self.error


# -- before there is a backend --------------------------------------------------------------------

def test_a_client_that_comes_before_any_backend_waits_and_is_served(scenario, start_kite, port):
    kite = start_kite(f"-port={port}", "-hold=60s").wait_listening(port)
    with connect(port, timeout=30) as client:
        client.sendall(b"early")
        scenario.settle()
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
        client.settimeout(30)
        _, backend = scenario.bridge(port, name_then_echo)
        assert read_line(client) == backend.name
        assert client.recv(5) == b"early"
    assert not kite.lines(event="client_unserved")


def test_a_wait_ends_with_a_reset_and_a_line(aws, start_kite, port):
    kite = start_kite(f"-port={port}", "-hold=300ms").wait_listening(port)
    with connect(port) as client:
        assert ended(client)
    line, = eventually(lambda: kite.lines(event="client_unserved"))
    assert int(line["waited_ms"]) >= 300


def test_clients_that_leave_while_they_wait_are_forgotten(aws, start_kite, port):
    kite = start_kite(f"-port={port}", "-hold=60s").wait_listening(port)
    for _ in range(20):
        connect(port).close()
    eventually(lambda: kite.census().tunnels == 0, 10, "no client left")
    assert not kite.lines(event="client_unserved")


# -- the end --------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_kite_ends_soon_after_a_signal(scenario, start_kite, port, number):
    scenario.bridge(port)
    kite = start_kite("-drain-timeout=120s").wait_listening(port)
    assert kite.stop(number, timeout=20) == 0
    assert kite.lines(event="stopping", reason="idle")


def test_a_drain_under_load_finishes_every_request_and_serves_new_ones(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite("-drain-timeout=120s").wait_listening(port)
    open_ones = [connect(port) for _ in range(20)]
    for client in open_ones:
        read_line(client)
    load = Load(port)
    load.served_more(20)
    kite.send_signal(signal.SIGTERM)
    eventually(lambda: kite.lines(event="draining"), 10)
    load.served_more(100)  # new connections
    for client in open_ones:
        echo_once(client, b"question" * 1000)
        client.close()
    load.served_more(20)
    assert kite.alive()
    load.finish()
    assert kite.wait(20) == 0
    assert kite.lines(event="stopping", reason="idle", connections_cut="0")


def test_the_drain_ends_when_its_time_is_over(scenario, start_kite, port):
    scenario.bridge(port, name_then_echo)
    kite = start_kite("-drain-timeout=1500ms").wait_listening(port)
    with connect(port) as client:
        read_line(client)
        start = time.monotonic()
        kite.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert time.monotonic() - start >= 1.4
        assert kite.wait(10) == 0
    assert kite.lines(event="stopping", reason="drain_timeout", connections_cut="1")


def test_a_second_signal_ends_it_at_once(scenario, start_kite, port):
    scenario.bridge(port, name_then_echo)
    kite = start_kite("-drain-timeout=120s").wait_listening(port)
    with connect(port) as client:
        read_line(client)
        kite.send_signal(signal.SIGTERM)
        eventually(lambda: kite.lines(event="draining"), 10)
        echo_once(client, b"still served")
        assert kite.stop(signal.SIGINT) == 0
    assert kite.lines(event="stopping", reason="second_signal", connections_cut="1")


# -- sockets that are passed on -------------------------------------------------------------------

@pytest.fixture
def passed_on(start_kite, request):
    """Starts kites that share one listening socket, as whoever restarts them would hold it; the
    parameter, if there is one, is its address."""
    host = getattr(request, "param", LOCAL)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, free_port()), family=family, backlog=1024) as shared:
        def start(*flags):
            prefix = [sys.executable, "-c", PASS_ON, str(shared.fileno())]
            kite = start_kite(f"-bind={host}", *flags, prefix=prefix, pass_fds=(shared.fileno(),))
            # Before, it is not the kite yet that has the socket.
            eventually(lambda: kite.lines(event="listening"), 20, "the kite has come up")
            return kite
        start.host, start.port = shared.getsockname()[:2]
        yield start


def test_a_restart_over_a_passed_on_socket_refuses_nobody(scenario, passed_on):
    container_port = free_port()
    _, backend = scenario.bridge(container_port, name_then_echo)
    flags = (f"-port={passed_on.port}:{container_port}", "-drain-timeout=120s")
    kite = passed_on(*flags).wait_listening(passed_on.port)
    assert kite.lines(event="listening", inherited="true")
    load = Load(passed_on.port)
    load.served_more(20)
    for _ in range(2):
        successor = passed_on(*flags).wait_listening(passed_on.port)
        with connect(passed_on.port) as client:  # whoever has it keeps it
            name = read_line(client)
            kite.send_signal(signal.SIGTERM)
            eventually(lambda: kite.lines(event="draining"), 10)
            load.served_more(50)
            echo_once(client, b"still here")
        assert name == backend.name
        assert kite.wait(20) == 0
        assert kite.lines(event="stopping", reason="idle", connections_cut="0")
        kite = successor
    load.finish()


@pytest.mark.parametrize("passed_on", [LOCAL, "::1"], indirect=True)
def test_clients_wait_in_a_passed_on_socket_while_no_kite_runs(scenario, passed_on):
    container_port = free_port()
    _, backend = scenario.bridge(container_port, name_then_echo)
    flags = (f"-port={passed_on.port}:{container_port}", "-drain-timeout=120s")
    kite = passed_on(*flags).wait_listening(passed_on.port)
    assert kite.lines(event="listening", inherited="true")
    assert ask_name(passed_on.port, passed_on.host) == backend.name
    assert kite.stop(timeout=20) == 0
    with connect(passed_on.port, passed_on.host, timeout=30) as client:
        passed_on(*flags)
        assert read_line(client) == backend.name


def test_a_passed_on_socket_that_nobody_wants_is_told_and_closed(scenario, passed_on, port):
    scenario.bridge(port)
    kite = passed_on(f"-port={port}").wait_listening(port)
    line, = eventually(lambda: kite.lines(event="inherited_socket_unused"))
    assert line["address"] == f"127.0.0.1:{passed_on.port}"
    assert kite.listening_ports() == {port}
    assert ask_name(port)


def test_a_passed_on_socket_waits_for_its_port_to_be_discovered(scenario, passed_on, port):
    scenario.bridge(port)
    kite = passed_on().wait_listening(port)
    line, = eventually(lambda: kite.lines(event="inherited_socket_unused"))
    assert line["address"] == f"127.0.0.1:{passed_on.port}"
    for turn in (1, 2):  # it comes, leaves and comes back
        with connect(passed_on.port, timeout=30) as client:
            task, backend = scenario.bridge(passed_on.port, name_then_echo)
            assert read_line(client) == backend.name
        eventually(lambda: len(kite.lines(event="listening", inherited="true")) == turn)
        scenario.aws.delete_task(task)
        eventually(lambda: len(kite.lines(event="port_closed")) == turn, 20)
    assert len(kite.lines(event="inherited_socket_unused")) == 1
    assert not kite.lines(event="listen_failed")
    assert ask_name(port)


# -- tasks that leave -----------------------------------------------------------------------------

def test_connections_to_a_task_that_left_are_reset_after_the_grace(scenario, start_kite, port):
    (leaving, one), (_, other) = (scenario.bridge(port, name_then_echo) for _ in range(2))
    kite = start_kite("-removed=close=1s", "-balance=random").wait_listening(port)
    clients = [connect(port) for _ in range(20)]
    reached = [(read_line(client), client) for client in clients]
    assert {name for name, _ in reached} == {one.name, other.name}
    scenario.aws.delete_task(leaving)
    for name, client in reached:
        if name == one.name:
            assert ended(client)
    for name, client in reached:
        if name == other.name:
            echo_once(client, b"untouched")
        client.close()
    assert kite.alive()
