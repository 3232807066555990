"""Limits that are set, and limits that bite: connections, time, ports, descriptors, pipes."""

import contextlib
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import time

import netns
import proxy_receivers
import pytest
from backends import echo, name_then_echo
from clients import ask_name, connect, connections, echo_once, read_all, read_line
from fake_aws.client import binding, bridge_task, instance
from test_resources import push, settled_count
from waiting import eventually, free_port, holds, patience


# -- time and number ------------------------------------------------------------------------------

def test_above_max_connections_clients_wait_and_nobody_is_reset(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite("-max-connections=5").wait_listening(port)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(port, timeout=30)) for _ in range(30)]
        eventually(lambda: backend.open == 5, 10, "five at the backend")
        assert settled_count(lambda: backend.accepted) == 5
        for client in clients:
            read_line(client)
            echo_once(client, b"served")
            client.close()
    line, = kite.lines(event="accepting_paused")
    assert line["connections"] == "5"
    assert line["reason"] == "the connection limit is reached"
    assert "-max-connections" in line["hint"]


def test_more_connections_than_descriptors_allow_are_capped_and_told(scenario, start_kite, port):
    scenario.bridge(port)
    kite = start_kite("-max-connections=100000", nofile=256).wait_listening(port)
    line, = kite.lines(event="max_connections_capped")
    assert line["connections_max"] == "64"


def test_idle_connections_are_reset_and_busy_ones_are_not(scenario, start_kite, port):
    scenario.bridge(port, name_then_echo)
    start_kite("-idle-timeout=2s").wait_listening(port)
    with connect(port) as idle, connect(port) as busy:
        read_line(idle), read_line(busy)
        idle.settimeout(0.05)
        start = time.monotonic()
        while True:
            echo_once(busy, b"busy")
            try:
                idle.recv(1)
            except TimeoutError:
                assert time.monotonic() - start < 20 * patience()
                continue
            except ConnectionResetError:
                break
            pytest.fail("FIN would pass for a complete answer")
        echo_once(busy, b"busy")


# -- PROXY protocol, IPv6 -------------------------------------------------------------------------

@pytest.fixture
def told(scenario, start_kite, tmp_path):
    """What a real receiver says of a connection through a kite, and what is true."""
    def ask(program, version, host):
        if proxy_receivers.missing(program):
            pytest.skip(f"{program} is not installed")
        v6 = ":" in host
        container_port, listen, port = free_port(), free_port(), free_port()
        if v6:
            made = instance("127.0.0.2", ipv6=host)
            del made["privateIpAddress"]
            bound = [binding(container_port, port, bind_ip="::")]
            scenario.aws.put_task(bridge_task("default", "web", 7, "app", bound,
                                              scenario.aws.put_instance(made)))
        else:
            scenario.bridge_at(container_port, host, port)
        with proxy_receivers.receiver(program, host, port, tmp_path):
            bind = "::1" if v6 else "127.0.0.1"
            start_kite(f"-bind={bind}", f"-proxy-protocol={version}",
                       f"-port={listen}:{container_port}").wait_listening(listen)
            with connect(listen, bind) as client:
                if program == "haproxy":  # nginx answers unasked, and would reset over a request
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                said = read_all(client).decode().rpartition("\r\n")[2]
                (address, own_port), (peer, peer_port) = (client.getsockname()[:2],
                                                          client.getpeername()[:2])
        return said.split(), [address, str(own_port), peer, str(peer_port)]
    return ask


def plain(text):
    """An address in its shortest spelling; anything else as it is."""
    return str(ipaddress.ip_address(text)) if ":" in text else text


@pytest.mark.parametrize("host", ["127.0.0.5", "::1"])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("program", ["haproxy", "nginx"])
def test_a_real_receiver_learns_the_clients_address(told, program, version, host):
    said, truth = told(program, version, host)
    # nginx repeats version 1's text as it stands: any spelling of the address is right.
    assert [plain(each) for each in said] == truth


# -- what runs out --------------------------------------------------------------------------------

def lines_a_second(kite, seconds):
    """Log lines that came while `seconds` went by."""
    before = len(kite.lines())
    holds(kite.alive, seconds)
    return (len(kite.lines()) - before) / seconds


def test_out_of_descriptors_it_is_quiet_in_log_and_processor(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    with contextlib.ExitStack() as stack:
        # So many are taken already that the kernel says EMFILE long before the kite's own bound.
        taken = [stack.enter_context(open("/dev/null")).fileno() for _ in range(170)]
        kite = start_kite("-connect-deadline=10m", nofile=256,
                          pass_fds=taken).wait_listening(port)
    kite.expected_levels = {"error"}
    with connections(port, 200) as clients:
        eventually(lambda: backend.accepted >= 20, 10)
        assert settled_count(lambda: backend.accepted) < 60
        before = kite.cpu_seconds()
        assert lines_a_second(kite, 3) <= 1
        assert kite.cpu_seconds() - before < 3 * 0.05 * patience(), "it spins"
        for client in clients:
            client.settimeout(15 * patience())
            read_line(client)
            client.close()
    eventually(lambda: kite.census().tunnels == 0)
    assert all("nofile" in line["hint"] for line in kite.lines(event="accepting_paused"))
    assert kite.lines(event="accepting_paused")
    assert ask_name(port) == backend.name


USER = 61234
# Holds more pipe pages than /proc/sys/fs/pipe-user-pages-soft allows an ordinary user.
PIPE_HOG = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
os.setgroups([]); os.setgid({user}); os.setuid({user})
kept = [os.pipe() for _ in range(2000)]
print("full", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def no_pipe_pages_left():
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("another user's pipe limits need root and setpriv")
    hog = subprocess.Popen([sys.executable, "-c", PIPE_HOG.format(user=USER)],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert hog.stdout.readline() == "full\n"
        yield
    finally:
        hog.stdin.close()
        hog.wait(10)
        hog.stdout.close()


def test_without_pipe_pages_for_the_user_bytes_still_flow(no_pipe_pages_left, scenario, start_kite,
                                                          port):
    scenario.bridge(port, echo)
    as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    kite = start_kite(prefix=as_user).wait_listening(port)
    push(port, 8)
    with connections(port, 30) as clients:
        for client in clients:
            echo_once(client, bytes(100_000))
    assert lines_a_second(kite, 1) <= 1


@pytest.fixture
def few_ports():
    """A namespace with a handful of ephemeral ports, which clients and backends do not use."""
    reason = netns.why_not_permitted()
    if reason:
        pytest.skip(reason)
    network = netns.Network(0)
    try:
        with netns.inside(network.here):
            with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as limit:
                limit.write("50000 50015")
            yield
    finally:
        network.close()


def test_when_local_ports_are_used_up_clients_wait_for_one(few_ports, scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite("-connect-deadline=60s").wait_listening(port)
    local = iter(range(40000, 40100))

    def client():
        """Bound by hand: the ephemeral ports are the kite's."""
        return socket.create_connection(("127.0.0.1", port), 60 * patience(),
                                        source_address=("127.0.0.1", next(local)))

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(client()) for _ in range(30)]
        eventually(lambda: backend.accepted >= 8, 10)
        served = settled_count(lambda: backend.accepted)
        assert 8 <= served <= 16
        before = kite.cpu_seconds()
        assert lines_a_second(kite, 2) <= 1
        assert kite.cpu_seconds() - before < 2 * 0.1 * patience(), "it spins"
        for one in clients:
            read_line(one)
            echo_once(one, b"served")
            one.close()
    assert not kite.lines(event="client_unserved")
