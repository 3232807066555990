"""Mixed traffic for KITE_SOAK_SECONDS: talk, streams, connections that end in every state, tasks
that are replaced, an AWS in trouble. Nothing grows, nothing fails."""

import os
import signal
import time

import pytest
from amounts import SEED, figure
from backends import name_then_echo
from crowd import Crowd
from kite import binary
from states import Play, any_echo
from test_api_chaos import Cluster, known
from waiting import eventually, free_port

SECONDS = float(os.environ.get("KITE_SOAK_SECONDS", "0"))
TURN_CONNECTIONS = 500
GROWTH_KIB_MAX = 512

pytestmark = pytest.mark.skipif(not SECONDS, reason="an hour, or so long as KITE_SOAK_SECONDS says")


def turn(cluster, kite, admin, states_port, number):
    """Some trouble, a task replaced, some hundred connections that end badly. AWS may be wrong for
    one poll, so the kite gets to know the truth before the next trouble."""
    cluster.trouble()
    cluster.replace_one()
    cluster.calm()
    kite.send_signal(signal.SIGHUP)
    Play(states_port, TURN_CONNECTIONS, seed=SEED + number).run()
    eventually(lambda: known(admin) == cluster.addresses(), 120, "the set is right", every=0.2)


def test_soak(scenario, start_kite, port):
    states_port, admin = free_port(), free_port()
    scenario.bridge(states_port, any_echo, family="states")
    cluster = Cluster(scenario, port)
    kite = start_kite("-keepalive=1s,1s,2", f"-admin=127.0.0.1:{admin}",
                      f"-target=family=states,name=app,port={states_port}")
    kite.wait_listening(port, states_port, admin).expected_levels = {"error"}
    lowest = []  # resident KiB in each turn
    with Crowd(port, 50, 20) as crowd:
        crowd.all_there()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            turn(cluster, kite, admin, states_port, len(lowest))
            lowest.append(kite.rss_kib())
            assert not crowd.failures, crowd.failures[:5]
    assert not crowd.failures and not [one for one in crowd.streams if one.end]
    kite.wait_quiet(60)
    quarter = max(1, len(lowest) // 4)
    early, late = min(lowest[quarter:2 * quarter] or lowest), min(lowest[-quarter:])
    figure(f"soak: {len(lowest)} turns, {crowd.served} connections and "
           f"{len(lowest) * TURN_CONNECTIONS} that ended badly, {early} KiB resident in the second "
           f"quarter and {late} in the last")
    if "asan" not in binary():  # its quarantine grows by design
        assert late - early < GROWTH_KIB_MAX, lowest
