"""One backend of several goes bad under load: what it costs the clients, and how it comes back."""

import netns
import pytest
from amounts import SCALE, count, figure
from backends import DeadBackend, hold, name_then_echo, reset_at_once
from crowd import Crowd
from fake_aws.client import FakeAws
from waiting import eventually, patience

RATE, GOOD = count(40, 200), 3
SERVED = count(15, 1000)  # while it is bad
CONNECT_TIMEOUT, EJECT_AFTER = 0.5, 3
FLAGS = ("-balance=roundrobin", f"-connect-timeout={CONNECT_TIMEOUT * 1000:.0f}ms",
         f"-eject-after={EJECT_AFTER}", "-slow-start=0")
# Beyond the promised 50 ms: what this machine and this crowd themselves may be late by.
LATE = 2.0
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


def worst(crowd, since):
    return max(crowd.seconds[since:])


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
        usual, before = worst(crowd, 0), len(crowd.seconds)
        with crowd.paused():
            trouble.go_bad()
        eventually(lambda: about("backend_ejected", bad, kite), 30, "it is ejected")
        crowd.more(SERVED, failing=True)
        worst_then, ejected = worst(crowd, before), about("backend_ejected", bad, kite)
        cut = len(crowd.failures)
        trouble.recover()
        eventually(lambda: about("backend_returned", bad, kite), COMES_BACK, "it is back")
        seen = crowd.names["bad"]
        eventually(lambda: crowd.names["bad"] > seen, 30, "it serves again")
    assert len(crowd.failures) == cut == 0 or way is Vanished, crowd.failures[:5]
    assert ejected[0]["failures_in_row"] == str(EJECT_AFTER) and why in ejected[0]["last_error"]
    figure(f"bad backend, {way.__name__.lower()}: slowest of {crowd.served} connections "
           f"{1000 * worst_then:.0f} ms, {1000 * usual:.0f} ms before; the promise is "
           f"{1000 * wait + 50:.0f} ms")
    assert worst_then < wait + 0.05 + LATE * patience()
    assert not kite.lines(event="client_unserved")


def test_one_that_accepts_and_is_silent_holds_up_only_its_clients(bad, start_kite, port):
    """A connect is all that is judged: the silent one stays in, and the others do not feel it."""
    kite = start_kite(*FLAGS, "-balance=leastconn").wait_listening(port)
    bad.mood = hold
    with Crowd(port, RATE, give_up=2) as crowd:
        crowd.more(SERVED, failing=True)
        served_by = +crowd.names
        assert set(served_by) == {f"good-{number}" for number in range(GOOD)}, served_by
        bad.mood = name_then_echo
        eventually(lambda: crowd.names["bad"], COMES_BACK, "it serves again")
    # With as many waiting there as elsewhere it gets no more.
    figure(f"bad backend, silent: {bad.accepted} of {crowd.served + len(crowd.failures)} "
           f"connections met it, slowest elsewhere {1000 * max(crowd.seconds):.0f} ms")
    assert all("Timeout" in what for _, what in crowd.failures), crowd.failures[:5]
    assert not about("backend_ejected", bad, kite)


def test_one_that_resets_after_accept_is_ejected_where_that_is_asked_for(bad, start_kite, port):
    kite = start_kite(*FLAGS, "-eject-on-reset").wait_listening(port)
    with Crowd(port, RATE) as crowd:
        crowd.more(SERVED)
        bad.mood = reset_at_once
        eventually(lambda: about("backend_ejected", bad, kite), 30, "it is ejected")
        crowd.more(SERVED, failing=True)
        bad.mood = name_then_echo
        eventually(lambda: about("backend_returned", bad, kite), COMES_BACK, "it is back")
        lost = len(crowd.failures)
        seen = crowd.names["bad"]
        eventually(lambda: crowd.names["bad"] > seen, 30, "it serves again")
    assert len(crowd.failures) == lost
    [ejected, *_] = about("backend_ejected", bad, kite)
    assert ejected["failures_in_row"] == str(EJECT_AFTER)
    figure(f"bad backend, resetting: {lost} of {crowd.served} clients lost")
    # Only those whose backend turned bad when their bytes were on their way.
    assert lost <= RATE // GOOD
