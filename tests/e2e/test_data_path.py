"""What happens to bytes and connections between a client and its backend."""

import fcntl
import sys
import termios
import time

import pytest
from backends import (DeadBackend, early_close, echo, hold, identify, late_answer, name_then_echo,
                      reset, reset_after_request, reset_at_once, slow_reader)
from clients import (ask_name, connect, connections, echo_once, ended, how_it_ends, names,
                     read_all, read_line, reset_close, together, turned_away)
from waiting import eventually, free_port, holds, patience


def timed_ask(port):
    start = time.monotonic()
    name = ask_name(port)
    return name, time.monotonic() - start


def test_a_dead_backend_never_delays_connections_to_others(scenario, start_kite, port):
    _, one = scenario.bridge(port, host="127.0.0.2")
    _, two = scenario.bridge(port, host="127.0.0.3")
    dead = DeadBackend("127.0.0.4")
    try:
        scenario.bridge_at(port, dead.host, dead.port)
        start_kite("-connect-timeout=1500ms").wait_listening(port)
        answers = together([lambda: timed_ask(port)] * 60)
    finally:
        dead.close()
    assert {name for name, _ in answers} == {one.name, two.name}
    # A connection either met the dead one first, waited for the timeout and was then served by
    # another, or it was served at once; nothing lies between.
    quick = [seconds for _, seconds in answers if seconds < 1.0]
    slow = [seconds for _, seconds in answers if seconds >= 1.0]
    assert len(quick) >= 20, sorted(seconds for _, seconds in answers)  # odds of less: 1 in 10^6
    assert all(seconds < 1.5 * 2 + 1 * patience() for seconds in slow), slow


def test_a_slow_backend_never_delays_connections_to_others(scenario, start_kite, port):
    slow_task, slow = scenario.bridge(port, slow_reader, host="127.0.0.2")
    kite = start_kite().wait_listening(port)
    with connections(port, 8) as stuck:
        for client in stuck:  # fills every buffer on the way
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                for _ in range(4096):
                    client.send(bytes(65536))
        _, quick = scenario.bridge(port, host="127.0.0.3")
        scenario.aws.delete_task(slow_task)
        scenario.settle(1)
        assert max(timed_ask(port)[1] for _ in range(50)) < 0.5 * patience()
        assert slow.open == 8 and quick.accepted >= 50
        before = kite.cpu_seconds()
        holds(kite.alive, 0.5)
        assert kite.cpu_seconds() - before < 0.2, "it spins while a reader is slow"
        slow.let_go()


def test_the_clients_half_close_reaches_the_backend_and_its_late_answer_arrives(
        scenario, start_kite, port):
    _, backend = scenario.bridge(port, late_answer)
    start_kite().wait_listening(port)
    with connect(port) as client:
        client.sendall(b"x" * 100_000)
        client.shutdown(1)
        eventually(lambda: backend.received, 10, "the backend sees the end of the request")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        backend.let_go()
        assert read_all(client) == b"100000 bytes, late\n"


def test_the_backends_half_close_reaches_the_client_and_more_may_be_sent(
        scenario, start_kite, port):
    _, backend = scenario.bridge(port, early_close)
    start_kite().wait_listening(port)
    with connect(port) as client:
        assert read_all(client) == b"farewell\n"
        for _ in range(10):
            client.sendall(b"y" * 10_000)
        client.shutdown(1)
        eventually(lambda: backend.received, 10, "all of it at the backend")
        assert backend.received == [b"y" * 100_000]


def test_a_server_that_speaks_first(scenario, start_kite, port):
    scenario.bridge(port, name_then_echo, name="banner")
    start_kite().wait_listening(port)
    with connect(port) as client:
        assert read_line(client) == "banner"
        echo_once(client, b"and then the client")


def test_the_clients_reset_arrives_at_the_backend_as_a_reset(scenario, start_kite, port):
    _, backend = scenario.bridge(port, hold)
    start_kite().wait_listening(port)
    client = connect(port)
    client.sendall(b"half a request")
    eventually(lambda: backend.accepted == 1)
    reset_close(client)
    eventually(lambda: backend.ends, 10, "the backend hears of it")
    assert backend.ends == ["ConnectionResetError"]
    assert not backend.received


@pytest.mark.parametrize("habit", [reset_after_request, reset_at_once])
def test_the_backends_reset_arrives_at_the_client_as_a_reset(scenario, start_kite, port, habit):
    scenario.bridge(port, habit)
    start_kite().wait_listening(port)
    assert [how_it_ends(port, b"request") for _ in range(20)] == ["reset"] * 20


def test_a_refused_connect_is_retried_on_another_backend(scenario, start_kite, port):
    _, one = scenario.bridge(port, host="127.0.0.2")
    scenario.bridge_at(port, "127.0.0.3", free_port())  # nobody listens there
    scenario.bridge_at(port, "127.0.0.4", free_port())
    start_kite().wait_listening(port)
    assert names(port, 100) == {one.name: 100}


def test_only_refusing_backends_end_the_client_soon_and_the_kite_lives(scenario, start_kite, port):
    for last in (3, 4, 5, 6, 7):
        scenario.bridge_at(port, f"127.0.0.{last}", free_port())
    start_kite().wait_listening(port)
    start = time.monotonic()
    assert turned_away(port)
    assert time.monotonic() - start < 3 * patience()


def test_only_dead_backends_end_the_client_by_the_deadline(scenario, start_kite, port):
    dead = DeadBackend("127.0.0.3")
    try:
        scenario.bridge_at(port, dead.host, dead.port)
        start_kite("-connect-timeout=400ms", "-connect-deadline=1s").wait_listening(port)
        start = time.monotonic()
        assert turned_away(port)
        assert time.monotonic() - start < 2 * patience()
    finally:
        dead.close()


def test_clients_that_leave_while_the_kite_connects_leave_nothing_behind(
        scenario, start_kite, port):
    dead = DeadBackend("127.0.0.3")
    try:
        scenario.bridge_at(port, dead.host, dead.port)
        kite = start_kite("-connect-timeout=1s", "-connect-deadline=2s").wait_listening(port)
        with connections(port, 50):
            eventually(lambda: kite.census().tunnels >= 50)
        clients = [connect(port) for _ in range(50)]
        for client in clients:
            reset_close(client)
        eventually(lambda: kite.census().tunnels == 0, 10, "no tunnel is left")
    finally:
        dead.close()


def test_a_taken_port_freed_later_is_served_within_two_polls(scenario, start_kite, port):
    import socket
    other = free_port()
    _, backend = scenario.bridge(port)
    scenario.bridge(other)
    squatter = socket.create_server(("127.0.0.1", port))
    kite = start_kite().wait_listening(other)
    kite.expected_levels = {"error"}
    assert port not in kite.listening_ports()
    assert any(str(port) in line for line in kite.lines()), "it says which port is taken"
    scenario.settle(1)
    squatter.close()
    before = scenario.aws.count("ecs", "ListTasks")
    kite.wait_listening(port)
    assert scenario.aws.count("ecs", "ListTasks") - before <= 2
    assert ask_name(port) == backend.name


def test_a_port_that_vanishes_closes_with_its_connections(scenario, start_kite, port):
    other = free_port()
    _, stays = scenario.bridge(other, name_then_echo)
    task, _ = scenario.bridge(port, name_then_echo)
    kite = start_kite().wait_listening(port, other)
    with connect(port) as doomed, connect(other) as safe:
        read_line(doomed), read_line(safe)
        scenario.aws.delete_task(task)
        kite.wait_not_listening(port)
        assert ended(doomed)
        echo_once(safe, b"still here")


def test_a_connection_outlives_the_task_list(scenario, start_kite, port):
    task, old = scenario.bridge(port, name_then_echo, host="127.0.0.2")
    start_kite().wait_listening(port)
    with connect(port) as client:
        assert read_line(client) == old.name
        _, new = scenario.bridge(port, name_then_echo, host="127.0.0.3")
        scenario.aws.delete_task(task)
        eventually(lambda: set(names(port, 10)) == {new.name})
        echo_once(client, b"the old one still answers" * 1000)


def chi_square(counts, backends):
    expected = sum(counts.values()) / len(backends)
    return sum((counts[name] - expected) ** 2 / expected for name in backends)


def test_the_choice_is_uniform(scenario, start_kite, port):
    made = [scenario.bridge(port, host=f"127.0.0.{2 + i}")[1].name for i in range(8)]
    start_kite().wait_listening(port)
    # 7 degrees of freedom: 1 in 10^6 above 40.5; round robin would be near 0, which is no fault of
    # a random choice to miss: below 0.03 with odds of 1 in 10^6.
    value = chi_square(names(port, 4000), made)
    assert 0.03 < value < 40.5, value


def test_picks_differ_after_each_start(scenario, start_kite, port):
    for i in range(4):
        scenario.bridge(port, host=f"127.0.0.{2 + i}")
    sequences = []
    for _ in range(4):
        kite = start_kite().wait_listening(port)
        sequences.append(tuple(ask_name(port) for _ in range(32)))
        assert kite.stop() == 0
    # Two random sequences are equal with odds of 4^-32.
    assert len(set(sequences)) == 4


def test_connections_that_send_nothing_and_leave(scenario, start_kite, port):
    _, backend = scenario.bridge(port, echo)
    kite = start_kite().wait_listening(port)
    for _ in range(200):
        connect(port).close()
    eventually(lambda: len(backend.ends) == backend.accepted, 10)
    eventually(lambda: kite.census().tunnels == 0, 10)


def test_many_clients_at_once(scenario, start_kite, port):
    for i in range(3):
        scenario.bridge(port, name_then_echo, host=f"127.0.0.{2 + i}")
    start_kite().wait_listening(port)

    def talk():
        with connect(port) as client:
            read_line(client)
            for size in (1, 100, 10_000, 300_000):
                echo_once(client, bytes([size % 251]) * size)

    together([talk] * 100)
    assert sum(backend.accepted for backend in scenario.farm.backends) == 100


def test_bytes_before_a_reset_still_arrive(scenario, start_kite, port):
    """What the backend sent before it reset is the client's, even if it reads late."""
    async def answer_then_reset(backend, reader, writer):
        writer.write(b"z" * 50_000)
        await writer.drain()
        await backend.release.wait()
        reset(writer)

    _, backend = scenario.bridge(port, answer_then_reset)
    start_kite().wait_listening(port)
    with connect(port) as client:
        # All of it has left the backend when as much is queued at the client's end.
        eventually(lambda: queued_bytes(client) == 50_000, 10, "the answer is queued")
        backend.let_go()
        got = 0
        with pytest.raises(ConnectionResetError):
            while data := client.recv(4096):
                got += len(data)
            raise AssertionError("the end came as a FIN")
        assert got in (0, 50_000)  # Linux drops a receive queue on RST, or delivers it whole


def queued_bytes(sock):
    answer = fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(answer, sys.byteorder)


def test_a_client_that_resets_while_the_backend_reads_slowly(scenario, start_kite, port):
    _, backend = scenario.bridge(port, slow_reader)
    kite = start_kite().wait_listening(port)
    client = connect(port)
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            client.send(bytes(65536))
    reset_close(client)
    # The kite must not keep the remains for a reader that may never read.
    eventually(lambda: kite.census().tunnels == 0, 15, "the tunnel is gone")
    backend.let_go()
    eventually(lambda: backend.ends, 10)
    assert backend.ends == ["ConnectionResetError"]


def test_identify_is_what_it_says(farm):
    """The harness itself: without a kite a name arrives whole."""
    backend = farm.serve(identify, name="alone")
    with connect(backend.port, backend.host) as client:
        assert read_all(client) == b"alone\n"
