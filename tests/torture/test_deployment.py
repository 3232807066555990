"""A rolling deployment under load: every task is replaced twice, and nobody notices."""

import re
import time

import pytest
from amounts import SCALE, count, figure, late
from backends import name_then_echo
from crowd import Crowd
from waiting import eventually

TASKS, ROUNDS = count(3, 10), 2
AT_A_TIME = 3 if TASKS <= 3 else 2
RATE, STREAMS = count(40, 200), count(15, 100)
GRACE = 2.0
# A poll a second tells of it, and streams hear of their end between two rounds.
NOTICED, LATE = 2.0, 30


class Deployment:
    """Tasks that are replaced the way ECS does: the new one is there before the old one stops
    listening; the old one's open connections go on."""

    def __init__(self, scenario, port):
        self._scenario, self._port, self._made = scenario, port, 0
        self.tasks = [self._new() for _ in range(TASKS)]
        self.left = {}  # backend's name -> when AWS no longer listed its task

    def _new(self):
        self._made += 1
        host = f"127.0.0.{2 + self._made % 40}"
        return self._scenario.bridge(self._port, name_then_echo, host=host)

    def replace_oldest(self, crowd):
        leaving, self.tasks = self.tasks[:AT_A_TIME], self.tasks[AT_A_TIME:]
        self.tasks += [self._new() for _ in leaving]
        self._scenario.settle()
        with crowd.paused():
            for _, backend in leaving:
                backend.stop_listening()
        # For a while the kite still tries them.
        for task, backend in leaving:
            self.left[backend.name] = time.monotonic()
            self._scenario.aws.delete_task(task)

    def run(self, crowd):
        while len(self.left) < ROUNDS * TASKS:
            self.replace_oldest(crowd)
            crowd.more(RATE // 4)


@pytest.mark.parametrize("policy", [f"close={GRACE:.0f}s"] + ["keep"] * bool(SCALE))
def test_every_task_is_replaced_twice(scenario, start_kite, port, policy):
    deployment = Deployment(scenario, port)
    kite = start_kite(f"-removed={policy}").wait_listening(port)
    with Crowd(port, RATE, STREAMS) as crowd:
        crowd.all_there()
        first = {backend.name for _, backend in deployment.tasks}
        deployment.run(crowd)
        assert first <= deployment.left.keys()
        scenario.settle()
        if policy != "keep":
            eventually(lambda: all(one.backend not in deployment.left for one in crowd.living), 30,
                       "streams to tasks that left are ended")
        crowd.more(RATE // 2)
        crowd.all_there()
        ended = [one for one in crowd.streams if one.end]
        left_behind = [one for one in crowd.living if one.backend in deployment.left]
        lived = judge_ends(deployment, ended, policy)
        assert bool(left_behind) == (policy == "keep")
        rounds = [stream.rounds for stream in left_behind]  # still talking, not only still open
        eventually(lambda: all(stream.rounds > before for stream, before in
                               zip(left_behind, rounds)), 30, "kept streams go on")
    assert not crowd.failures, crowd.failures[:5]
    assert not [one for one in crowd.streams if one.end] or policy != "keep"
    assert not kite.lines(event=re.compile("client_unserved"))
    figure(f"deployment, {policy}: {len(deployment.left)} replacements, {crowd.served} new "
           f"connections, 0 failed, {len(crowd.streams)} streams, {len(ended)} of them ended by "
           f"policy{lived}")


def judge_ends(deployment, ended, policy):
    """Only streams to tasks that left, by a reset, when their grace was over and not before. Says
    when that was."""
    assert not (ended and policy == "keep"), ended
    for stream in ended:
        assert stream.backend in deployment.left, "a stream to a living task has ended"
        assert "ConnectionReset" in stream.end or "BrokenPipe" in stream.end, stream.end
    lived = [stream.ended_at - deployment.left[stream.backend] for stream in ended]
    if not lived:
        return ""
    assert min(lived) >= GRACE, f"ended {min(lived):.3f} s after its task, the grace was not over"
    assert max(lived) < GRACE + NOTICED + late(LATE), f"ended {max(lived):.3f} s after its task"
    return f", {min(lived):.1f} to {max(lived):.1f} s after their tasks"
