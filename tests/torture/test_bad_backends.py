"""One backend of several goes bad under load: what it costs the clients, and how it comes back."""

import netns
import pytest
from amounts import SCALE, count, figure, late, percentile
from backends import DeadBackend, hold, name_then_echo, reset_at_once
from crowd import Crowd
from fake_aws.client import FakeAws
from waiting import eventually

RATE, GOOD = count(40, 200), 3
SERVED = count(15, 1000)  # while it is bad
AT_ONCE = RATE // 8  # connections that are on their way to a backend when it turns bad
CONNECT_TIMEOUT, EJECT_AFTER = 0.5, 3
FLAGS = ("-balance=roundrobin", f"-connect-timeout={CONNECT_TIMEOUT * 1000:.0f}ms",
         f"-eject-after={EJECT_AFTER}", "-slow-start=0")
# Where the promises are not judged by the clock: what machine and crowd themselves may be late by.
LATE = 2.0
FAILOVER = 0.05  # from the end of a connect attempt to the answer of another backend
UNHARMED = 0.01  # by which the 99th percentile of all others may rise
# A backend that failed again and again is tried at most so much later: 1 s, doubled a few times.
COMES_BACK = 40


async def moody(backend, reader, writer):
    """What the backend's `mood` says, if it has one."""
    await getattr(backend, "mood", name_then_echo)(backend, reader, writer)


class Network:
    """A namespace for the test, and a host that can be cut off from it."""

    def __init__(self):
        self._made = netns.Network(1)
        self.name, self.host, self.address = (self._made.here, self._made.hosts[0],
                                              self._made.address(1))
        self.cut, self.join = (lambda: self._made.cut(1)), (lambda: self._made.join(1))
        self.close = self._made.close


@pytest.fixture
def network():
    reason = netns.why_not_permitted()
    if reason:
        pytest.skip(reason)
    made = Network()
    try:
        with netns.inside(made.name):
            yield made
    finally:
        made.close()


@pytest.fixture
def aws(network):
    """Lives where the kite lives."""
    with FakeAws() as made:
        yield made


@pytest.fixture
def bad(network, scenario, farm, port):
    """The backend that will go bad, on a host of its own, beside good ones."""
    for number in range(GOOD):
        scenario.bridge(port, name_then_echo, host=f"127.0.0.{2 + number}", name=f"good-{number}")
    with netns.inside(network.host):
        made = farm.serve(moody, network.address, name="bad")
    scenario.bridge_at(port, made.host, made.port)
    return made


def about(event, backend, kite):
    return kite.lines(event=event, backend=f"{backend.host}:{backend.port}")


def p99(seconds):
    return percentile(seconds, 0.99)


class Refusing:
    """Nobody listens."""

    def __init__(self, network, farm, bad):
        self._network, self._farm, self._bad = network, farm, bad

    def go_bad(self):
        self._bad.stop_listening()

    def recover(self):
        self._listen_again()

    def _listen_again(self):
        with netns.inside(self._network.host):
            self._farm.serve(moody, self._bad.host, self._bad.port, name="bad")


class Stuck(Refusing):
    """Listens, but accepts no more: its queue is full."""

    def go_bad(self):
        self._bad.stop_listening()
        with netns.inside(self._network.host):
            self._dead = DeadBackend(self._bad.host, self._bad.port)

    def recover(self):
        self._dead.close()
        self._listen_again()


class Vanished(Refusing):
    """Its host's link is down: nothing comes back, not even a refusal."""

    def go_bad(self):
        self._network.cut()

    def recover(self):
        self._network.join()


@pytest.mark.parametrize("way, why, wait", [(Refusing, "refused", 0),
                                            (Vanished, "timed out", CONNECT_TIMEOUT)]
                         + [(Stuck, "timed out", CONNECT_TIMEOUT)] * bool(SCALE))
def test_one_that_cannot_be_connected_to_costs_nobody_a_connection(
        network, farm, bad, start_kite, port, way, why, wait):
    trouble = way(network, farm, bad)
    kite = start_kite(*FLAGS).wait_listening(port)
    with Crowd(port, RATE) as crowd:
        crowd.more(SERVED)
        usual, before = p99(crowd.seconds), len(crowd.seconds)
        with crowd.paused():
            trouble.go_bad()
        eventually(lambda: about("backend_ejected", bad, kite), 30, "it is ejected")
        crowd.more(SERVED, failing=True)
        then, ejected = crowd.seconds[before:], about("backend_ejected", bad, kite)
        cut = len(crowd.failures)
        trouble.recover()
        eventually(lambda: about("backend_returned", bad, kite), COMES_BACK, "it is back")
        seen = crowd.names["bad"]
        eventually(lambda: crowd.names["bad"] > seen, 30, "it serves again")
    assert len(crowd.failures) == cut == 0 or way is Vanished, crowd.failures[:5]
    assert ejected[0]["failures_in_row"] == str(EJECT_AFTER) and why in ejected[0]["last_error"]
    # Who met it waited for its attempt to end, and was served by another one then.
    others = p99([seconds for seconds in then if seconds < wait or not wait])
    figure(f"bad backend, {way.__name__.lower()}: slowest of {len(then)} connections "
           f"{1000 * max(then):.0f} ms, the promise is {1000 * (wait + FAILOVER):.0f} ms; p99 of "
           f"those that did not meet it {1000 * others:.1f} ms, {1000 * usual:.1f} ms before")
    assert max(then) < wait + FAILOVER + late(LATE)
    assert others < usual + UNHARMED + late(LATE)
    assert not kite.lines(event="client_unserved")


def test_one_that_accepts_and_is_silent_holds_up_only_its_clients(bad, start_kite, port):
    """A connect is all that is judged: the silent one stays in, and the others do not feel it."""
    kite = start_kite(*FLAGS, "-balance=leastconn").wait_listening(port)
    with Crowd(port, RATE, give_up=2) as crowd:
        crowd.more(SERVED)
        usual, before, served_by = p99(crowd.seconds), len(crowd.seconds), +crowd.names
        bad.mood = hold
        crowd.more(SERVED, failing=True)
        others, served_by = p99(crowd.seconds[before:]), crowd.names - served_by
        assert {f"good-{number}" for number in range(GOOD)} <= set(served_by), served_by
        # What it was about to serve.
        assert served_by["bad"] <= AT_ONCE, served_by
        bad.mood = name_then_echo
        seen = crowd.names["bad"]
        eventually(lambda: crowd.names["bad"] > seen, COMES_BACK, "it serves again")
    # With as many waiting there as elsewhere it gets no more.
    figure(f"bad backend, silent: {bad.accepted} of {crowd.served + len(crowd.failures)} "
           f"connections met it; p99 elsewhere {1000 * others:.1f} ms, "
           f"{1000 * usual:.1f} ms before")
    assert others < usual + UNHARMED + late(LATE)
    assert all("Timeout" in what for _, what in crowd.failures), crowd.failures[:5]
    assert not about("backend_ejected", bad, kite)


def test_one_that_resets_after_accept_is_ejected_where_that_is_asked_for(bad, start_kite, port):
    """No byte had moved, so another one serves each of its clients: none is lost."""
    kite = start_kite(*FLAGS, "-eject-on-reset").wait_listening(port)
    with Crowd(port, RATE) as crowd:
        crowd.more(SERVED)
        usual, before = p99(crowd.seconds), len(crowd.seconds)
        bad.mood = reset_at_once
        eventually(lambda: about("backend_ejected", bad, kite), 30, "it is ejected")
        crowd.more(SERVED)
        then = crowd.seconds[before:]
        bad.mood = name_then_echo
        eventually(lambda: about("backend_returned", bad, kite), COMES_BACK, "it is back")
        seen = crowd.names["bad"]
        eventually(lambda: crowd.names["bad"] > seen, 30, "it serves again")
    assert not crowd.failures, crowd.failures[:5]
    [ejected, *again] = about("backend_ejected", bad, kite)
    assert ejected["failures_in_row"] == str(EJECT_AFTER)
    figure(f"bad backend, resetting: 0 of {crowd.served} clients lost, ejected {1 + len(again)} "
           f"times; slowest of {len(then)} connections {1000 * max(then):.0f} ms, p99 "
           f"{1000 * p99(then):.1f} ms, {1000 * usual:.1f} ms before")
    assert max(then) < FAILOVER + late(LATE)
    assert p99(then) < usual + UNHARMED + late(LATE)
