"""An AWS in trouble for a minute, with traffic flowing: no connection is lost."""

import itertools
import threading
import time

import pytest
from backends import name_then_echo
from clients import connect, echo_once, read_line
from fake_aws.client import fault, throttled
from waiting import patience

MINUTE = 60.0
TROUBLES = {
    "errors 500": [fault("*", status=500, body="Internal error", content_type="text/plain")],
    "throttling": [throttled(), throttled(service="ec2")],
    "denial": "deny",
    "garbage": [fault("*", garbage=True)],
    "an HTML page": [fault("*", html=True)],
    "truncation": [fault("*", truncate=40)],
    "resets": [fault("*", reset=True)],
    "resets within the answer": [fault("*", reset_after_bytes=120)],
    "null members": [fault("*", null_members=True)],
    "wrong types": [fault("*", wrong_types=True)],
    "a huge answer": [fault("*", huge=64 << 20)],
    "empty bodies": [fault("*", empty_body=True)],
    "silence": [fault("*", stuck=True)],
    "dropped members": [fault("*", drop_members=["containers", "taskArns"])],
}


class Talkers:
    """Clients that never pause: long-lived ones that exchange data, and new ones in a row."""

    def __init__(self, port, long_lived=8):
        self.port, self.exchanges, self.fresh, self.failures = port, 0, 0, []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._guarded, args=(self._stay,))
                         for _ in range(long_lived)]
        self._threads += [threading.Thread(target=self._guarded, args=(self._come_and_go,))
                          for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def _guarded(self, habit):
        try:
            habit()
        except (OSError, AssertionError) as error:
            self.failures.append(f"{habit.__name__}: {error!r}")

    def _stay(self):
        with connect(self.port) as client:
            read_line(client)
            for i in itertools.count():
                echo_once(client, bytes([i % 251]) * (1 + i * 7919 % 50_000))
                self.exchanges += 1
                if self._over.wait(0.02):
                    return

    def _come_and_go(self):
        while not self._over.wait(0.02):
            with connect(self.port) as client:
                read_line(client)
                echo_once(client, b"hello")
            self.fresh += 1

    def finish(self):
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        return self.failures


@pytest.mark.long
def test_a_minute_of_trouble_at_aws_loses_no_connection(scenario, start_kite, port):
    aws = scenario.aws
    made = [scenario.bridge(port, name_then_echo, host=f"127.0.0.{2 + i}")[1] for i in range(3)]
    kite = start_kite().wait_listening(port)
    kite.expected_levels = {"error"}
    talkers = Talkers(port)
    start = time.monotonic()
    seen = {}
    try:
        for name, trouble in TROUBLES.items():
            before = aws.calls()["services"]["ecs"]["total"]
            if trouble == "deny":
                aws.deny("ecs:ListTasks", "ecs:DescribeTasks", "ec2:DescribeInstances")
            else:
                aws.set_faults(*trouble)
            until = time.monotonic() + MINUTE / len(TROUBLES)
            while time.monotonic() < until:
                assert kite.alive() and not talkers.failures, (name, talkers.failures)
                time.sleep(0.05)
            aws.clear_faults()
            aws.deny()
            seen[name] = aws.calls()["services"]["ecs"]["total"] - before
    finally:
        failures = talkers.finish()
    assert time.monotonic() - start >= MINUTE * 0.95
    assert not failures
    assert talkers.exchanges > 1000 / patience() and talkers.fresh > 300 / patience()
    print(seen, talkers.exchanges, talkers.fresh)
    met = [name for name, calls in seen.items() if calls]
    assert len(met) >= len(seen) - 2, f"trouble that the kite did not meet: {seen}"
    assert all(backend.accepted > 50 / patience() for backend in made)
    assert kite.lines(level="warn") or kite.lines(level="error"), "it says what is wrong"


def test_after_the_trouble_changes_are_followed_again(scenario, start_kite, port):
    _, old = scenario.bridge(port, name_then_echo)
    kite = start_kite().wait_listening(port)
    kite.expected_levels = {"error"}
    scenario.aws.set_faults(fault("*", status=503, body="", content_type="text/plain"))
    scenario.aws.wait_for_calls("ecs", "ListTasks", 3)
    _, new = scenario.bridge(port, name_then_echo, host="127.0.0.3")
    scenario.aws.clear_faults()

    def found():
        with connect(port) as client:
            return read_line(client) == new.name

    scenario.aws.wait_until(found, 70, "the backend that came during the trouble")


@pytest.mark.parametrize("operation", ["DescribeTasks", "DescribeContainerInstances",
                                       "DescribeInstances"])
def test_one_failing_call_keeps_what_was_known(scenario, start_kite, port, operation):
    _, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite().wait_listening(port)
    kite.expected_levels = {"error"}
    scenario.aws.set_faults(fault(operation, status=500, body="x", content_type="text/plain"))
    scenario.aws.wait_for_calls("ecs", "ListTasks", 3, timeout=60)
    with connect(port) as client:
        assert read_line(client) == backend.name
