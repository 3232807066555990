#!/usr/bin/python3
"""What a poll of a calm cluster costs: processor time, calls, the reactor's longest turn.

    tests/bench/poll_cost.py [--news] build/ecs-task-kite [TASKS ...]

Bridge tasks, ten to an instance, served by the local AWS over plain HTTP. A poll every 2 s; each
describes a sixth of the tasks, as with the default interval. With --news a task more is there
before every poll. The local AWS gets what processor time the kite leaves (SCHED_IDLE, sched(7)), so
that a long turn is the kite's own doing.
"""

import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from fake_aws.client import FakeAws, bridge_task, instance  # noqa: E402

SIZES = (20, 1000, 2000, 5000)
WARM_POLLS, POLLS = 3, 12  # two rounds


def cpu_seconds(pid):
    """Source: Documentation/scheduler/sched-stats.rst, the first field of schedstat."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def fill(aws, tasks):
    """Returns a function that starts one task more."""
    hosts = [instance(f"10.1.{i // 250}.{i % 250 + 1}") for i in range(max(1, tasks // 10))]
    numbers = itertools.count()

    def next_task():
        i = next(numbers)
        return bridge_task("default", "web", 7, "app", [(28080, 20000 + i)], hosts[i % len(hosts)])

    aws.put_instances(hosts)
    aws.put_tasks([next_task() for _ in range(tasks)])
    return lambda: aws.put_tasks([next_task()])


def wait_until_quiet(aws):
    """Until a poll has been over for half a second. Returns the calls so far."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.05)
        calls = aws.count("ecs") + aws.count("ec2")
        if calls != last:
            last, since = calls, time.monotonic()
    return last


def first_pages(aws, pages):
    """Polls whose listing is over."""
    return aws.count("ecs", "ListTasks", "ok") // pages


def measure(binary, tasks, news):
    pages = -(-tasks // 100)
    with FakeAws() as aws, tempfile.TemporaryFile("w+") as log:
        os.sched_setscheduler(aws.pid, os.SCHED_IDLE, os.sched_param(0))
        start_one = fill(aws, tasks)
        kite = subprocess.Popen([binary, "-name=app", "-family=web", "-bind=127.0.0.1",
                                 "-poll=2s-2s"], env=aws.env(), stderr=log)
        try:
            def after(polls):
                seen = first_pages(aws, pages)
                while (now := first_pages(aws, pages)) < polls:
                    if kite.poll() is not None:
                        raise RuntimeError(f"{binary} ended by itself")
                    if news and now > seen:
                        start_one()
                    seen = now
                    time.sleep(0.05)
                calls = wait_until_quiet(aws)
                return first_pages(aws, pages), calls, cpu_seconds(kite.pid)

            cold = after(1)
            first, last = after(WARM_POLLS), after(WARM_POLLS + POLLS)
        finally:
            kite.send_signal(signal.SIGTERM)
            kite.wait(10)
        log.seek(0)
        text = log.read()
    turns = {name: int(value)
             for name, value in re.findall(r"(slow_turns|longest_turn_us)=(\d+)", text)}
    polls = last[0] - first[0]
    return {"tasks": tasks, "calls": (last[1] - first[1]) / polls,
            "cpu_ms": (last[2] - first[2]) * 1e3 / polls, "cold_ms": cold[2] * 1e3, **turns}


def main():
    news = "--news" in sys.argv
    binary, *numbers = [text for text in sys.argv[1:] if text != "--news"]
    sizes = [int(text) for text in numbers] or SIZES
    print(f"{'tasks':>6} {'calls/poll':>10} {'CPU ms/poll':>11} {'cold CPU ms':>11} "
          f"{'turns > 4 ms':>12} {'longest turn ms':>15}")
    for tasks in sizes:
        row = measure(binary, tasks, news)
        print(f"{tasks:6} {row['calls']:10.1f} {row['cpu_ms']:11.2f} {row['cold_ms']:11.1f} "
              f"{row.get('slow_turns', -1):12} {row.get('longest_turn_us', -1) / 1e3:15.2f}",
              flush=True)


if __name__ == "__main__":
    main()
