"""SIGTERM under load: what is open ends well, what comes is served, and the end comes in time."""

import signal
import time

from amounts import amount, count, figure, late
from backends import name_then_echo
from clients import connections, echo_once, read_line
from crowd import Crowd
from waiting import eventually

RATE, STREAMS, OPEN = count(40, 200), count(10, 100), count(30, 200)
DRAIN = 25
LIMIT = amount(1.5, 25)  # where the load never ends
REQUEST = bytes(range(256)) * 100
# From the end of the drain to that of the process; more where it is not judged by the clock.
ENDING, LATE = 0.5, 10


def drained_after(kite, since):
    """Seconds from then to the end of a kite that is ending."""
    assert kite.wait(LIMIT + 60) == 0
    return time.monotonic() - since


def begin_drain(kite):
    kite.send_signal(signal.SIGTERM)
    eventually(lambda: kite.lines(event="draining"), 30)
    return time.monotonic()


def two_tasks(scenario, port):
    for _ in range(2):
        scenario.bridge(port, name_then_echo)


def test_every_open_request_finishes_and_new_ones_are_served_until_idle(scenario, start_kite, port):
    two_tasks(scenario, port)
    kite = start_kite(f"-drain-timeout={DRAIN}s").wait_listening(port)
    with Crowd(port, RATE, STREAMS) as crowd, connections(port, OPEN) as asking:
        crowd.all_there()
        half = len(REQUEST) // 2
        for client in asking:
            read_line(client)
            echo_once(client, REQUEST[:half])
        since = begin_drain(kite)
        crowd.more(count(60, RATE * DRAIN // 3))
        for client in asking:
            echo_once(client, REQUEST[half:])
            client.close()
        crowd.more(RATE // 2)
        crowd.finish()
        took = drained_after(kite, since)
    assert not crowd.failures, crowd.failures[:5]
    assert not [one for one in crowd.streams if one.end]
    assert took < DRAIN + late(LATE)
    assert kite.lines(event="stopping", reason="idle", connections_cut="0")
    figure(f"drain: {crowd.served} served and {OPEN} requests finished, gone after {took:.1f} s")


def test_load_that_never_ends_is_served_to_the_limit_and_cut_there(scenario, start_kite, port):
    two_tasks(scenario, port)
    kite = start_kite(f"-drain-timeout={LIMIT * 1000:.0f}ms").wait_listening(port)
    with Crowd(port, RATE, STREAMS) as crowd:
        crowd.all_there()
        since = begin_drain(kite)
        took = drained_after(kite, since)
    figure(f"drain: under load without end gone {took - LIMIT:.3f} s after the limit")
    assert 0.9 * LIMIT < took < LIMIT + ENDING + late(LATE)
    assert kite.lines(event="stopping", reason="drain_timeout")
    early = [failure for failure in crowd.failures if failure[0] - since < 0.9 * LIMIT]
    assert not early, early[:5]


def test_a_second_signal_ends_it_under_load_at_once(scenario, start_kite, port):
    two_tasks(scenario, port)
    kite = start_kite("-drain-timeout=10m").wait_listening(port)
    with Crowd(port, RATE, STREAMS) as crowd:
        crowd.all_there()
        begin_drain(kite)
        crowd.more(RATE // 4)
        start = time.monotonic()
        assert kite.stop(signal.SIGTERM, timeout=60) == 0
        took = time.monotonic() - start
    figure(f"drain: gone {1000 * took:.0f} ms after the second signal")
    assert took < ENDING + late(LATE)
    assert kite.lines(event="stopping", reason="second_signal")
