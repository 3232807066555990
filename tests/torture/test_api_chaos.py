"""An AWS in several kinds of trouble at once, over and over, while tasks are replaced."""

import json
import random
import re
import signal
import time

from amounts import SEED, amount, count, figure
from backends import name_then_echo
from crowd import Crowd
from fake_aws.client import fault
from test_admin import ask
from test_chaos import TROUBLES
from waiting import eventually, free_port

SECONDS = amount(4, 600)
RATE, STREAMS = count(30, 100), count(5, 50)
FAULTS = [each for name, made in sorted(TROUBLES.items()) if made != "deny" for each in made]
TROUBLE_SECONDS = (0.5, amount(1.0, 10.0))
CLOCK_JUMP_MAX = 7200
POLLS_MAX = 2  # that begin in calm, until the set is right


class Cluster:
    """Tasks of which one is replaced now and then, and the trouble AWS is in."""

    def __init__(self, scenario, port, seed=SEED):
        self.aws, self._scenario, self._port = scenario.aws, scenario, port
        self.dice = random.Random(seed)
        self._tasks = [self._new() for _ in range(3)]

    def _new(self):
        return self._scenario.bridge(self._port, name_then_echo)

    def addresses(self):
        return sorted(f"{backend.host}:{backend.port}" for _, backend in self._tasks)

    def replace_one(self):
        """The old backend goes on listening for those that know no better."""
        self._tasks.append(self._new())
        self.aws.delete_task(self._tasks.pop(0)[0])

    def trouble(self):
        """Some of it at a time, a clock that is wrong, and once, perhaps, an empty list."""
        chosen = [{**each, "probability": 0.5, "seed": self.dice.randrange(1000)}
                  for each in self.dice.sample(FAULTS, 3)]
        if self.dice.random() < 0.5:
            chosen.insert(0, fault("ListTasks", times=1, empty_set=True))
        self.aws.set_clock(self.dice.randint(-CLOCK_JUMP_MAX, CLOCK_JUMP_MAX))
        self.aws.set_faults(*chosen)
        time.sleep(self.dice.uniform(*TROUBLE_SECONDS))

    def calm(self):
        self.aws.clear_faults()
        return self.polls()

    def polls(self):
        """How many have begun and had their list."""
        return self.aws.count("ecs", "ListTasks", "ok")


def known(admin):
    """The backends in the set of the kite's first target."""
    target, *_ = json.loads(ask(admin, "/backends")[2])["targets"]
    return sorted(backend["address"] for backend in target["backends"]
                  if backend["state"] != "leaving")


def polls_until_right(cluster, admin, before):
    """Counted before each look at the set: a poll that begins when it is right is none of them."""
    begun = before

    def right():
        nonlocal begun
        begun = cluster.polls()
        return known(admin) == cluster.addresses()

    eventually(right, 90, "the set is right", every=0.02)
    return begun - before


def test_no_connection_fails_and_the_set_is_right_soon_after(scenario, start_kite, port):
    cluster, admin = Cluster(scenario, port), free_port()
    kite = start_kite(f"-admin=127.0.0.1:{admin}").wait_listening(port, admin)
    kite.expected_levels = {"error"}
    turns, polls_needed = 0, 0
    with Crowd(port, RATE, STREAMS) as crowd:
        crowd.all_there()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            cluster.trouble()
            cluster.replace_one()
            before = cluster.calm()
            kite.send_signal(signal.SIGHUP)
            polls = polls_until_right(cluster, admin, before)
            assert polls <= POLLS_MAX, f"{polls} polls in calm until the set was right"
            assert not crowd.failures, crowd.failures[:5]
            turns, polls_needed = turns + 1, max(polls_needed, polls)
    assert not crowd.failures, crowd.failures[:5]
    assert not [stream for stream in crowd.streams if stream.end]
    assert not kite.lines(event=re.compile("client_unserved"))
    figure(f"API chaos: {turns} times trouble, {crowd.served} connections, 0 failed; the set was "
           f"right after {polls_needed} polls at most")
