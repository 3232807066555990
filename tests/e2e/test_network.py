"""Tasks on hosts with addresses of their own, and a link that goes down in mid-traffic."""

import itertools
import threading
import time

import netns
import pytest
from backends import name_then_echo
from clients import ask_name, connect, echo_once, names, read_line, together
from conftest import Scenario
from fake_aws.client import FakeAws
from kite import Kite
from waiting import eventually, patience

CONNECT_TIMEOUT = 0.5


@pytest.fixture(scope="module")
def may_make_networks():
    reason = netns.why_not_permitted()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def network(may_make_networks):
    made = netns.Network(3)
    try:
        with netns.inside(made.here):
            yield made
    finally:
        made.close()


@pytest.fixture
def aws(network):
    """Lives where the kite lives."""
    with FakeAws() as made:
        yield made


@pytest.fixture
def hosts(network, farm, aws, port):
    """One bridge task on each host."""
    made = Scenario(aws, farm)
    backends = []
    for number, name in enumerate(network.hosts, 1):
        with netns.inside(name):
            backend = farm.serve(name_then_echo, network.address(number), name=f"host-{number}")
        made.bridge_at(port, backend.host, backend.port)
        backends.append(backend)
    return backends


def test_tasks_on_hosts_with_their_own_addresses(hosts, start_kite, port):
    start_kite().wait_listening(port)
    assert set(names(port, 60)) == {"host-1", "host-2", "host-3"}


class Exchange:
    """One connection that talks all the time until told to stop or cut off."""

    def __init__(self, port):
        self.client = connect(port, timeout=30)
        self.host = read_line(self.client)
        self.rounds, self.error = 0, None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self):
        try:
            for i in itertools.count():
                echo_once(self.client, bytes([i % 251]) * 20_000)
                self.rounds += 1
                if self._over.wait(0.005):
                    return
        except (OSError, AssertionError) as error:
            self.error = error

    def finish(self):
        self._over.set()
        self._thread.join(40)
        self.client.close()


def timed_name(port):
    start = time.monotonic()
    name = ask_name(port)
    return name, time.monotonic() - start


def test_a_link_goes_down_in_mid_traffic(network, hosts, start_kite, port):
    kite: Kite = start_kite(f"-connect-timeout={int(CONNECT_TIMEOUT * 1000)}ms")
    kite.wait_listening(port)
    exchanges = [Exchange(port) for _ in range(24)]
    assert {exchange.host for exchange in exchanges} == {"host-1", "host-2", "host-3"}
    eventually(lambda: all(exchange.rounds > 5 for exchange in exchanges), 20, "traffic on all")

    network.cut(2)
    answers = together([lambda: timed_name(port)] * 30)
    # New connections go to the others within the connect timeout.
    assert {name for name, _ in answers} == {"host-1", "host-3"}
    worst = max(seconds for _, seconds in answers)
    assert worst < CONNECT_TIMEOUT + 0.5 * patience(), worst

    # Connections to the other hosts do not notice; those to the lost one wait, as TCP does.
    rounds = {exchange: exchange.rounds for exchange in exchanges}
    elsewhere = [exchange for exchange in exchanges if exchange.host != "host-2"]
    eventually(lambda: all(e.rounds > rounds[e] + 5 for e in elsewhere), 20, "traffic elsewhere")
    assert all(exchange.error is None for exchange in exchanges)

    # The link comes back: what was in flight is sent again, and new connections arrive there too.
    network.join(2)
    lost = [exchange for exchange in exchanges if exchange.host == "host-2"]
    eventually(lambda: all(e.rounds > rounds[e] + 1 for e in lost), 30, "the held-up ones go on")
    eventually(lambda: "host-2" in names(port, 20), 30, "new connections to host 2", every=0.2)
    for exchange in exchanges:
        exchange.finish()
    assert all(exchange.error is None for exchange in exchanges)


def test_a_host_that_is_gone_before_the_first_connect(network, hosts, start_kite, port):
    network.cut(1)
    network.cut(3)
    start_kite(f"-connect-timeout={int(CONNECT_TIMEOUT * 1000)}ms").wait_listening(port)
    answers = together([lambda: timed_name(port)] * 20)
    assert {name for name, _ in answers} == {"host-2"}
    worst = max(seconds for _, seconds in answers)
    assert worst < 2 * CONNECT_TIMEOUT + 0.5 * patience(), worst


def test_a_black_hole_is_left_out_and_returns_when_it_answers(network, hosts, start_kite, port):
    kite = start_kite(f"-connect-timeout={int(CONNECT_TIMEOUT * 1000)}ms", "-balance=roundrobin")
    kite.wait_listening(port)
    network.cut(2)
    answers = together([lambda: timed_name(port)] * 15)  # a third of them meets it, and waits once
    assert {name for name, _ in answers} == {"host-1", "host-3"}
    worst = max(seconds for _, seconds in answers)
    assert worst < CONNECT_TIMEOUT + 0.5 * patience(), worst
    [line] = kite.lines(event="backend_ejected")
    assert line["backend"].startswith(network.address(2) + ":"), line
    assert "timed out" in line["last_error"], line

    network.join(2)
    eventually(lambda: "host-2" in names(port, 3), 30, "connections to host 2", every=0.2)
    eventually(lambda: kite.lines(event="backend_returned", backend=line["backend"]))
